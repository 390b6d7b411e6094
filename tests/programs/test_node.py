"""The npm clients `redis` and `ioredis`, and BullMQ, whose every step is a script."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

from redouble import FakeServer, TcpFakeServer
from redouble.testing import faults

HERE = Path(__file__).parent / "node"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="needs node and npm"),
]


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the programs and the packages that they need, installed once for all test processes."""
    folder = tmp_path_factory.getbasetemp().parent / "node-programs"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for file in HERE.iterdir():
            if file.is_file():
                shutil.copy(file, folder)
        wanted, installed = (folder / "package.json").read_text(), folder / "installed.json"
        if not installed.exists() or installed.read_text() != wanted:
            command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"]
            subprocess.run(command, cwd=folder, check=True, timeout=300)
            installed.write_text(wanted)
    return folder


@pytest.mark.parametrize("program", ["node_redis.mjs", "io_redis.mjs", "bullmq.mjs"])
def test_node_program(program: str, packages: Path, port: int) -> None:
    command = ["node", str(packages / program), f"redis://127.0.0.1:{port}"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout.strip()) == (0, "ok"), result.stderr


def test_faults_as_a_node_client_meets_them(packages: Path) -> None:
    elsewhere, server = FakeServer(), FakeServer()
    elsewhere.seed({"delegated": "from elsewhere"})
    rules = server.faults
    rules.refuse(times=2)
    texts = [
        getattr(faults, name) for name in ("LOADING", "READONLY", "OOM", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "NOAUTH")
    ]
    for text in [*texts, faults.moved(1, "127.0.0.1", 7000), faults.ask(1, "127.0.0.1", 7000), "CUSTOM my own"]:
        rules.error(text, key=f"error:{text.partition(' ')[0]}")
    rules.drop(key="dropped before", times=1)
    rules.drop(key="dropped after", times=1, after_effect=True)
    rules.drop(key="dropped always")
    rules.partial(7, key="partial", on="GET", times=1)
    rules.timeout(key="silence")
    rules.delay(0.05, key="slow")
    with (
        TcpFakeServer(("127.0.0.1", 0), server=server) as tcp,
        TcpFakeServer(("127.0.0.1", 0), server=elsewhere) as other,
    ):
        rules.delegate(f"redis://127.0.0.1:{other.start().server_address[1]}", key="delegated")
        url = f"redis://127.0.0.1:{tcp.start().server_address[1]}"
        command = ["node", str(packages / "faults.mjs"), url]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout.strip()) == (0, "ok"), result.stderr
