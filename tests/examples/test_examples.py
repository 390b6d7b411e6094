"""The recipes as their readers run them: each folder copied out, in a process of its own, with the command it names."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from redouble.suite.local import LocalServer
from tests.parity.machine import real

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
FRAMEWORKS = {
    "aiocache": "aiocache",
    "celery": "celery",
    "channels": "channels_redis",
    "django_cache": "django",
    "django_redis": "django_redis",
    "django_rq": "django_rq",
    "fastapi": "fastapi",
    "flask_caching": "flask_caching",
    "limits": "limits",
    "pytest": "pytest",
    "pytest_asyncio": "pytest_asyncio",
    "rq": "rq",
    "unittest": "unittest",
}
"""What a recipe needs to be installed."""
REAL = ["celery", "fastapi", "flask_caching", "limits", "pytest_asyncio", "rq"]
PLUGIN_INSTALLED = any(entry.name == "redouble" for entry in importlib.metadata.entry_points(group="pytest11"))
SERVER = "redis-8.6"
TIMEOUT = 60


@pytest.fixture(scope="module")
def real_url() -> Iterator[str]:
    servers = real.installed()
    if SERVER not in servers:
        pytest.skip(f"{SERVER} is not installed")
    server = LocalServer(servers[SERVER][1])
    yield server.url
    server.stop()


def needed(recipe: str) -> None:
    if importlib.util.find_spec(FRAMEWORKS[recipe]) is None:
        pytest.skip(f"{FRAMEWORKS[recipe]} is not installed")


def copied(recipe: str, folder: Path) -> Path:
    shutil.copy(EXAMPLES / "pytest.ini", folder)
    return Path(shutil.copytree(EXAMPLES / recipe, folder / recipe, ignore=shutil.ignore_patterns("__pycache__")))


def environment(**more: str) -> dict[str, str]:
    """Nothing of this run of pytest, and no address of a server."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "DJANGO", "REDIS"))}
    return {**ours, **more}


def run(command: str, folder: Path, **more: str) -> str:
    words = shlex.split(command)
    if words[0] == "pytest":
        words[:1] = ["python", "-m", "pytest"]
    assert words[0] == "python"
    words[:1] = [sys.executable, "-B"]
    if "pytest" not in words:
        words[1:1] = ["-W", "error"]  # what pytest.ini says otherwise
    else:
        words += ["-p", "no:cacheprovider"]
        if not PLUGIN_INSTALLED:
            words += ["-p", "redouble.pytest_plugin"]
    done = subprocess.run(
        words,
        cwd=folder,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def command_of(recipe: str) -> str:
    """What the comment at the top of a recipe says."""
    [path] = [*EXAMPLES.glob(f"{recipe}/test_*.py"), *EXAMPLES.glob(f"{recipe}/tests.py")]
    said = re.search(r"Run\s+it\s+with\s+`([^`]+)`", path.read_text(encoding="utf-8"))
    return " ".join(said[1].split()) if said else "pytest"


@pytest.mark.parametrize("recipe", sorted(FRAMEWORKS))
def test_recipe(recipe: str, tmp_path: Path) -> None:
    needed(recipe)
    output = run(command_of(recipe), copied(recipe, tmp_path))
    assert re.search(r"^=* ?[1-9]\d* passed in |^Ran [1-9]\d* tests? in ", output, re.M), output


@pytest.mark.real
@pytest.mark.parametrize("recipe", REAL)
def test_recipe_on_a_real_server(recipe: str, tmp_path: Path, real_url: str) -> None:
    needed(recipe)
    output = run(f"pytest --redouble-url {real_url}", copied(recipe, tmp_path))
    assert re.search(r"[1-9]\d* passed", output), output


def steps() -> list[str]:
    """The command lines of the workflow."""
    yaml = pytest.importorskip("yaml")
    workflow = yaml.safe_load((EXAMPLES / "github-actions" / "redouble.yml").read_text(encoding="utf-8"))
    return [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]


def test_the_workflow_installs_what_there_is() -> None:
    installing = [line.partition("pip install ")[2].split() for line in steps() if "pip install" in line]
    assert installing
    for name in {name for names in installing for name in names}:
        assert importlib.util.find_spec(name) is not None


def test_the_workflow_runs_the_tests(tmp_path: Path) -> None:
    [line] = [line for line in steps() if "pytest" in line.split() and "install" not in line and "://" not in line]
    assert " passed in " in run(line, copied("pytest", tmp_path))


@pytest.mark.real
def test_the_workflow_runs_them_on_a_real_server(tmp_path: Path, real_url: str) -> None:
    [line] = [line for line in steps() if "://" in line]
    line = line.replace("redis://127.0.0.1:6379/0", real_url)
    assert real_url in line
    assert re.search(r"[1-9]\d* passed, [1-9]\d* skipped in ", run(line, copied("pytest", tmp_path)))


class Development:
    """`dev.sh`, as started in a terminal."""

    def __init__(self, folder: Path, **more: str) -> None:
        programs = folder / "bin"
        programs.mkdir()
        for name, words in (("python", ""), ("redouble", " -m redouble")):
            program = programs / name
            program.write_text(f'#!/bin/sh\nexec "{sys.executable}"{words} "$@"\n')
            program.chmod(0o755)
        self.process = subprocess.Popen(
            ["./dev.sh"],
            cwd=copied("local_development", folder),
            env=environment(PATH=f"{programs}{os.pathsep}{os.environ['PATH']}", PORT="0", **more),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.said: list[str] = []
        for line in self.process.stdout:
            self.said.append(line)
            if line.startswith("http://"):
                self.url = line.strip()
                break

    def page(self) -> bytes:
        with urllib.request.urlopen(self.url, timeout=TIMEOUT) as answer:
            return bytes(answer.read())

    def __enter__(self) -> Development:
        return self

    def __exit__(self, *_: Any) -> None:
        os.killpg(self.process.pid, signal.SIGINT)  # as Ctrl-C does
        try:
            self.process.communicate(timeout=TIMEOUT)  # its output ends when all of them have
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_development_starts_a_server_and_ends_it(tmp_path: Path) -> None:
    port = free_port()
    with Development(tmp_path, REDIS_PORT=str(port)) as started:
        assert started.said[0].startswith(f"Ready to accept connections on redis://127.0.0.1:{port}")
        assert [started.page(), started.page()] == [b"visit number 1\n", b"visit number 2\n"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


@pytest.mark.real
def test_development_on_a_real_server(tmp_path: Path, real_url: str) -> None:
    with redis.Redis.from_url(real_url) as client:
        client.set("visits", 41)
        with Development(tmp_path, REDIS_URL=real_url) as started:
            assert len(started.said) == 1
            assert started.page() == b"visit number 42\n"
        client.delete("visits")


def test_every_recipe_is_on_the_page() -> None:
    from tools.excerpts import REFERENCE, expanded

    page = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    folders = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir() and path.name[0] not in "._")
    assert sorted(re.findall(r"^\| [^|]+ \| `([\w-]+)` \|", page, re.M)) == folders
    assert sorted([*FRAMEWORKS, "github-actions", "local_development"]) == folders
    assert len(REFERENCE.findall(page)) > 10
    assert "def " in expanded(page)
