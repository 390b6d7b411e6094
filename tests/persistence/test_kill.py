"""kill -9 at any moment: what was acknowledged is there, and nothing else but what was being done."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from redouble import FakeRedis, FakeServer
from redouble.core.digest import digest_of_databases

from .kill import FORMS, serve, step


def facts(server: FakeServer) -> tuple[int, dict[tuple[int, bytes], int | None]]:
    times = {(db.index, key): db.expires_at(key) for db in server.dbs.values() for key, _ in db.items()}
    return digest_of_databases(db for _, db in sorted(server.dbs.items())), times


KILLS = int(os.environ.get("KILLS", "2"))
"""How often each form is killed under each policy."""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork, and no SIGKILL")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("policy", ["always", "everysec", "no"])
def test_what_was_acknowledged_survives_kill_9(tmp_path: Path, form: str, policy: str) -> None:
    chance = Random(f"{form} {policy}")
    kept, expected = 0, FakeServer()
    command = [sys.executable, "-m", "tests.persistence.kill"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as programs:
        assert programs.stdin is not None
        assert programs.stdout is not None
        for _ in range(KILLS):
            words = [tmp_path, form, policy, kept, chance.choice((0, 300, 1 << 20))]
            programs.stdin.write("\t".join(map(str, words)) + "\n")
            program = int(programs.stdout.readline())
            said = iter(programs.stdout.readline, "ended\n")
            lines = list(islice(said, chance.randrange(1, 40 if policy == "always" else 150)))
            time.sleep(chance.random() / 200)
            os.kill(program, signal.SIGKILL)
            acknowledged = int([*lines, *said][-1])
            with serve(tmp_path, form) as server, FakeRedis(server=expected) as client:
                while kept < acknowledged:
                    kept += 1
                    step(client, kept)
                if facts(server) != facts(expected):
                    kept += 1
                    step(client, kept)
                assert facts(server) == facts(expected), (acknowledged, server.dump(), expected.dump())
                if form == "log":
                    log = tmp_path / "appendonlydir"
                    listed = re.findall("^file (.*) seq", (log / "appendonly.aof.manifest").read_text(), re.M)
                    assert {path.name for path in log.iterdir()} == {*listed, "appendonly.aof.manifest"}
