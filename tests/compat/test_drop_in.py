"""Suites and examples that were written for fakeredis run on redouble, each in an interpreter of its own.

Nothing imports the real fakeredis here: the examples are read from its metadata.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

import redouble
import redouble.aioredis

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def fakeredis_is_installed() -> bool:
    try:
        return bool(distribution("fakeredis"))
    except PackageNotFoundError:
        return False


needs_fakeredis = pytest.mark.skipif(not fakeredis_is_installed(), reason="fakeredis is not installed")


def run(*arguments: str) -> str:
    """What a Python of its own prints; it must end well."""
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path}
    environment.pop("PYTEST_ADDOPTS", None)
    result = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def suite(*arguments: str) -> str:
    return run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "redouble.as_fakeredis", *arguments)


@needs_fakeredis
def test_published_examples_run_unchanged(tmp_path: Path) -> None:
    examples, compared = run("-m", "tests.compat.drop_in.published", str(tmp_path)).split()
    assert int(examples) >= 5
    assert int(compared) >= 5
    tests = list(tmp_path.iterdir())
    assert tests
    assert f"{len(tests)} passed" in suite("--rootdir", str(tmp_path), *map(str, tests))


def test_documented_usages() -> None:
    usages = sorted(HERE.glob("drop_in/usage_*.py"))
    assert {"usage_clients", "usage_async", "usage_tcp_server", "usage_django", "usage_fastapi", "usage_mended"} == {
        path.stem for path in usages
    }
    assert " passed" in suite("-o", "python_files=usage_*.py", *map(str, usages))


def test_the_plugin_reaches_the_workers_of_xdist() -> None:
    pytest.importorskip("xdist")
    path = str(HERE / "drop_in" / "usage_clients.py")
    assert " passed" in suite("-n", "2", "-o", "python_files=usage_*.py", path, "-k", "fixture")


def test_this_process_has_no_fakeredis() -> None:
    assert "fakeredis" not in sys.modules


def test_installing_again_changes_nothing() -> None:
    run(
        "-c",
        "import redouble; redouble.install_as_fakeredis(); import fakeredis as one;"
        "redouble.install_as_fakeredis(); import fakeredis as other, fakeredis.aioredis;"
        "assert one is other and one.FakeRedis is redouble.FakeRedis;"
        "assert fakeredis.aioredis is one.aioredis is redouble.aioredis",
    )


@needs_fakeredis
def test_the_real_one_must_not_have_been_imported() -> None:
    message = run(
        "-c",
        "import fakeredis, redouble\n"
        "try: redouble.install_as_fakeredis()\n"
        "except RuntimeError as error: print(error)\n"
        "assert fakeredis.FakeRedis is not redouble.FakeRedis",
    )
    assert "fakeredis was imported already, from " in message
    assert "-p redouble.as_fakeredis" in message


def test_what_fakeredis_keeps_private_is_not_there() -> None:
    message = run(
        "-c",
        "import redouble; redouble.install_as_fakeredis()\n"
        "try: import fakeredis.model\n"
        "except ModuleNotFoundError as error: print(error)",
    )
    assert "fakeredis.model" in message


@needs_fakeredis
def test_no_public_name_is_missing() -> None:
    """Asks the real one, in a process that has it."""
    names = run("-c", "import fakeredis; print(*fakeredis.__all__)").split()
    assert len(names) >= 9
    missing = [name for name in names if not hasattr(redouble, name)]
    assert not missing
    ours = run("-c", "import redouble; redouble.install_as_fakeredis(); import fakeredis; print(*fakeredis.__all__)")
    assert set(names) <= set(ours.split())


def test_import_redouble_as_fakeredis() -> None:
    run(
        "-c",
        "import redouble as fakeredis\n"
        "assert fakeredis.aioredis.FakeRedis is fakeredis.FakeAsyncRedis\n"
        "assert fakeredis.FakeStrictRedis().set('a', 1)\n"
        "from redouble import *\n"
        "assert FakeRedis and aioredis and patch",
    )
