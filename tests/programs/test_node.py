"""The npm clients `redis` and `ioredis`, and BullMQ, whose every step is a script."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

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
