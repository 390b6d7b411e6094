"""Test suites of projects that use fakeredis: unchanged, with fakeredis and with `-p redouble.as_fakeredis`.

Their source distributions are fetched, and what they need is installed, into `.venv-projects/`, once.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import time
import xml.etree.ElementTree as xml
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.result import Result, alone, compared

__all__ = ["PROJECTS", "Project", "results"]

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".venv-projects"
PLUGINS = {"redouble": ("-p", "redouble.as_fakeredis"), "fakeredis": ()}


@dataclass(frozen=True)
class Project:
    """A source distribution that holds its tests."""

    name: str
    version: str
    needs: tuple[str, ...]
    """Packages that its tests import."""
    short: tuple[str, ...] = ()
    """Arguments of pytest that leave out what takes longest."""

    @property
    def folder(self) -> Path:
        return FOLDER / f"{self.name.replace('-', '_')}-{self.version}"

    @property
    def python(self) -> Path:
        return FOLDER / self.name / "bin" / "python"

    def install(self) -> None:
        requirement = f"{self.name}=={self.version}"
        if not self.folder.exists():
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-binary", ":all:", "--no-deps"]
            subprocess.run([*pip, "--dest", str(FOLDER), requirement], check=True)
            with tarfile.open(self.folder.with_name(f"{self.folder.name}.tar.gz")) as archive:
                archive.extractall(FOLDER, filter="data")
        if not self.python.exists():
            subprocess.run([sys.executable, "-m", "venv", self.python.parents[1]], check=True)
            pip = [str(self.python), "-m", "pip", "install", "--quiet", requirement, "--editable", str(ROOT)]
            subprocess.run([*pip, "fakeredis[lua]", "pytest", "pytest-asyncio", *self.needs], check=True)

    def run(self, plugin: str, short: bool) -> tuple[float, int, int]:
        """Seconds, tests that passed, tests that did not."""
        report = FOLDER / f"{self.name}.xml"
        report.unlink(missing_ok=True)
        command = [self.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
        began = time.perf_counter()
        subprocess.run(
            [*command, *PLUGINS[plugin], "tests", *(self.short if short else ())],
            cwd=self.folder,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,  # what fails is counted
        )
        seconds = time.perf_counter() - began
        (suite,) = xml.parse(report).iter("testsuite")
        total, *others = (int(suite.get(word, 0)) for word in ("tests", "skipped", "failures", "errors"))
        return seconds, total - sum(others), sum(others[1:])


PROJECTS = (
    Project(
        "throttled-py",
        "3.5.0",
        ("redis<8", "fastapi", "flask[async]", "httpx", "opentelemetry-sdk"),
        short=("-k", "not concurrent"),  # ten thousand calls at once
    ),
    Project("opentelemetry-instrumentation-redis", "0.66b2", ("opentelemetry-test-utils",)),
    Project("celery-redbeat", "2.4.2", ("pytz",)),
)


def results(short: bool) -> Iterator[Result]:
    for project in PROJECTS:
        project.install()
        found: dict[str, list[tuple[float, int, int]]] = {plugin: [] for plugin in PLUGINS}
        for _ in range(1 if short else 3):
            for plugin, seen in found.items():
                seen.append(project.run(plugin, short))
        for column, unit in enumerate(("s", "passed", "failed")):
            ours, theirs = ((plugin, [each[column] for each in seen]) for plugin, seen in found.items())
            table = f"{project.name} {project.version}"
            if unit == "s":
                yield compared(table, "its tests", unit, ours, theirs)
            else:
                for plugin, figures in (ours, theirs):
                    yield alone(table, "its tests", plugin, unit, figures)
