"""What is installed: the wheel holds the package, and nothing that belongs to its development."""

from __future__ import annotations

import configparser
import email
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

import redouble

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    [path] = WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"])
    with zipfile.ZipFile(path) as archive:
        yield archive


def metadata(wheel: zipfile.ZipFile, name: str) -> str:
    return wheel.read(f"redouble-{redouble.__version__}.dist-info/{name}").decode()


def test_the_wheel_holds_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    here = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src" / "redouble").rglob("*.py")}
    files = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert files == here | {"redouble/py.typed"}


def test_pytest_and_the_shell_find_it(wheel: zipfile.ZipFile) -> None:
    entries = configparser.ConfigParser()
    entries.read_string(metadata(wheel, "entry_points.txt"))
    assert entries["pytest11"]["redouble"] == "redouble.pytest_plugin"
    assert entries["console_scripts"]["redouble"] == "redouble.cli:main"


def test_it_needs_redis_py_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    message = email.message_from_string(metadata(wheel, "METADATA"))
    needed = [each for each in message.get_all("Requires-Dist", []) if "extra ==" not in each]
    assert needed == ["redis>=5"]
    assert message["Requires-Python"] == ">=3.10"
    assert message["License-Expression"] == "MIT"


def test_it_is_for_every_python(wheel: zipfile.ZipFile) -> None:
    message = email.message_from_string(metadata(wheel, "WHEEL"))
    assert (message["Tag"], message["Root-Is-Purelib"]) == ("py3-none-any", "true")
