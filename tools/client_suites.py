"""The test suites of redis-py and valkey-py, against redouble and beside a real server.

python tools/client_suites.py                             every client and server, as a table
python tools/client_suites.py redis-8.6 --tests tests/test_commands.py      only this server, only these tests
python tools/client_suites.py redis-6.2 -- -k zset --protocol 2     what follows goes to pytest
python tools/client_suites.py redis-stack-7.4 --tests tests/test_search.py -- -m redismod      those of a module
python tools/client_suites.py redis-8.6 --environment env      keeps what was fetched there for the next time

Their source distributions are fetched into a temporary folder.  What passes on the real server and fails on ours is
listed: everything that one server without modules, replicas, cluster or sentinels can be asked.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as xml
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]
from tests.parity.machine.real import RealServer, has_debug_parameter, installed  # noqa: E402

CLIENTS = {"redis": "8.1.0", "valkey": "6.1.1"}
"""The version of the client of each server type."""

USUAL = ("redis-8.6", "redis-7.4", "valkey-9")

NEEDS = (
    "pytest",
    "pytest-asyncio",
    "pytest-timeout",
    "packaging",
    "numpy",
    "cachetools",
    "PyJWT",
    "pybreaker",
    "redis-entraid",
    "xxhash",
)

NOT_OURS = (
    *("cluster", "sentinel", "multidb", "scenario", "maint_notifications", "replica"),  # several servers
    *("search", "json", "bloom", "timeseries", "graph", "vsets", "himport"),  # modules
    *("observability", "auth", "http", "ssl"),  # no server, or certificates that are not part of the distribution
)
"""What names the files that are left out."""

MARKS = "not onlycluster and not redismod and not ssl and not replica and not cp_integration and not graph"


Results: TypeAlias = "dict[str, str | None]"
"""Each test that ran, with the error it ended with, if it did."""


@dataclass(frozen=True)
class Outcome:
    """How the tests of one client went on a real server and on ours."""

    client: str
    passed: frozenset[str]
    """On the real server."""
    failed: dict[str, str]
    """Of these, on ours, with the error."""


def prepare(folder: Path, client: str, version: str) -> tuple[Path, Path]:
    """The interpreter of an environment with `client`, and the folder that its tests are in."""
    source, python = folder / f"{client}-{version}", folder / f"{client}-env" / "bin" / "python"
    if not source.exists():
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-binary", ":all:", "--no-deps"]
        subprocess.run([*download, "--dest", str(folder), f"{client}=={version}"], check=True)
        with tarfile.open(folder / f"{client}-{version}.tar.gz") as archive:
            archive.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    if not python.exists():
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, str(python.parents[1])], check=True)
        install = [*uv, "pip", "install", "--quiet", "--python", str(python)]
        subprocess.run([*install, f"{client}=={version}", *NEEDS], check=True)
    return python, source


@contextmanager
def redouble(server: str) -> Iterator[int]:
    """The port of a redouble that is like `server`, in a process of its own."""
    server_type, *_, version = server.split("-")
    options = ["--port", "0", "--server-type", server_type, "--server-version", version]
    if has_debug_parameter(installed()[server][0]):
        options += ["--config", "enable-debug-command=yes"]
    command = [sys.executable, "-m", "redouble", *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            yield int(re.findall(r":(\d+)", process.stdout.readline())[0])
        finally:
            process.terminate()


def run(client: str, python: Path, source: Path, port: int, report: Path, arguments: Sequence[str]) -> Results:
    """Run tests against the server on `port`; what they print stands beside the `report`."""
    plain = ["-q", "-p", "no:cacheprovider", "-o", "addopts=", "--tb=line"]
    command = [str(python), "-m", "pytest", *plain, "--timeout", "40", "--continue-on-collection-errors"]
    command += ["-m", MARKS, f"--{client}-url={client}://127.0.0.1:{port}/0", f"--junitxml={report}"]
    if client == "redis":
        command.append(f"--redis-mod-url=redis://127.0.0.1:{port}/0")
    if not (source / "pyproject.toml").exists():
        command += ["-o", "asyncio_mode=auto"]
    where = os.environ | {"PYTHONPATH": str(source)}
    with report.with_suffix(".txt").open("wb") as output:
        subprocess.run([*command, *arguments], cwd=source, stdout=output, stderr=output, env=where, check=False)
    return read(report)


def read(report: Path) -> Results:
    found: Results = {}
    for case in xml.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        wrong = [child for child in case if child.tag in ("failure", "error")]
        if wrong:
            found[name] = wrong[0].get("message", "").partition("\n")[0]
        elif case.find("skipped") is None:
            found.setdefault(name, None)
    return found


def tests_of(source: Path) -> list[str]:
    """The files with tests that ask one server."""
    files = (path.relative_to(source).as_posix() for path in sorted((source / "tests").rglob("test_*.py")))
    return [file for file in files if not any(word in file for word in NOT_OURS)]


def compare(server: str, folder: Path, tests: Sequence[str] = (), options: Sequence[str] = ()) -> Outcome:
    """Run the suite of the client of `server` on the real one and then on ours: some tests listen on ports of their own."""
    client = server.partition("-")[0]
    version = CLIENTS[client]
    python, source = prepare(folder, client, version)
    arguments = [*(tests or tests_of(source)), *options]
    with RealServer(server) as real:
        theirs = run(client, python, source, real.address[1], folder / f"{server}-real.xml", arguments)
    with redouble(server) as port:
        ours = run(client, python, source, port, folder / f"{server}-ours.xml", arguments)
    passed = frozenset(name for name, error in theirs.items() if error is None)
    failed = {name: ours.get(name, "did not run") or "" for name in sorted(passed) if ours.get(name, "") is not None}
    return Outcome(f"{client}-py {version}", passed, failed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("servers", nargs="*", help=f"any that is installed (default: {' '.join(USUAL)})")
    parser.add_argument("--tests", nargs="+", default=[], help="files of the suite")
    parser.add_argument("--environment", type=Path, help="a folder to keep")
    words = sys.argv[1:]
    at = words.index("--") if "--" in words else len(words)
    given, options = parser.parse_args(words[:at]), words[at + 1 :]
    with tempfile.TemporaryDirectory() as temporary:
        folder = (given.environment or Path(temporary)).resolve()
        folder.mkdir(exist_ok=True)
        for server in given.servers or [name for name in USUAL if name in installed()]:
            outcome = compare(server, folder, given.tests, options)
            print(f"{outcome.client}, {server}: {len(outcome.passed)} pass there, {len(outcome.failed)} fail here")
            for name, error in outcome.failed.items():
                print(f"  {name}: {error[:200]}")


if __name__ == "__main__":
    main()
