"""The part of the pytest plugin that knows real servers: --redouble-url, and --redouble-parity, which runs each test twice."""

from __future__ import annotations

import ast
from collections.abc import Generator
from typing import Any, NoReturn

import pytest

from redouble import fixtures
from redouble.suite.fake import FakeBackend
from redouble.suite.local import LocalServer, find_binary
from redouble.suite.parity import Difference, first_difference
from redouble.suite.pytest_report import show
from redouble.suite.real import RealBackend, Unusable
from redouble.suite.trace import Trace
from redouble.testing.lines import quote

__all__ = ["RealRuns"]

SIDES = ("fake", "real")
TITLE = "redouble: the fake and the real server"


class Skipped(pytest.skip.Exception):  # type: ignore[misc, name-defined]
    """The skip of a test that cannot run on the real server at hand."""

    __module__ = "builtins"  # reports say "Skipped: ..." then, as of any other


def _skip(reason: str) -> NoReturn:
    skipped = Skipped(f"redouble: this test {reason}")
    skipped._use_item_location = True  # the report names the test's line, not this one
    raise skipped


class Run:
    """One run of one test."""

    def __init__(self) -> None:
        self.outcome = "passed"
        self.comparable = True
        self.trace: str | None = None

    def add(self, report: pytest.TestReport, comparable: bool, trace: str | None) -> None:
        self.comparable = self.comparable and comparable
        self.trace = trace or self.trace
        if hasattr(report, "wasxfail"):
            self.outcome = "xfailed" if report.skipped else "xpassed"
        elif report.failed:
            self.outcome = "failed" if report.when == "call" else f"failed in {report.when}"
        elif report.skipped:
            self.outcome = "skipped"

    @property
    def entries(self) -> list[tuple[list[bytes], Any]]:
        return ast.literal_eval(self.trace) if self.trace else []


class RealRuns:
    """A plugin of pytest, registered by --redouble-url and --redouble-parity."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        option = config.option
        self.parity = bool(option.redouble_parity)
        self.url: str | None = option.redouble_url
        if option.redouble_parity not in (None, "auto"):
            if "://" not in option.redouble_parity:
                raise pytest.UsageError(
                    f"--redouble-parity took {option.redouble_parity!r} for its URL: write it behind the paths, "
                    "or --redouble-parity=auto"
                )
            if self.url not in (None, option.redouble_parity):
                raise pytest.UsageError("--redouble-url and --redouble-parity name different servers")
            self.url = option.redouble_parity
        self._real: RealBackend | None = None
        self._local: LocalServer | None = None
        self._traces: dict[str | None, Trace] = {}
        self._runs: dict[str, dict[str, Run]] = {}
        self._against = ""
        self._judged: tuple[list[str], list[str]] | None = None

    # The servers.

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        if self.config.option.collectonly:
            return
        try:
            self._open()
        except (Unusable, RuntimeError) as reason:
            raise pytest.UsageError(f"redouble: {reason}") from None

    def _open(self) -> None:
        workerinput = getattr(self.config, "workerinput", None)
        binary = self._binary() if self.url is None else None
        spawned = self._spawned()
        if workerinput is None and spawned:  # pytest-xdist's controller looks for its workers; they open their own
            for worker in range(spawned if self.url is not None else 0):
                self._connect(worker, spawned).close()
            return
        worker, workers = 0, 1
        if binary is not None:
            self._local = LocalServer(binary, self._options())
            self.url = self._local.url
        elif workerinput is not None:
            worker, workers = int(workerinput["workerid"].removeprefix("gw")), int(workerinput["workercount"])
        real = self._real = self._connect(worker, workers)
        self._against = f"{real.server_type} {'.'.join(map(str, real.version))}"
        if self.parity:
            self.config.stash[fixtures.USUAL].update(server_type=real.server_type, version=real.version)

    def _spawned(self) -> int:
        """How many processes pytest-xdist will start."""
        option = self.config.option
        if getattr(option, "dist", "no") == "no":
            return 0
        counts = [spec.partition("*")[0] for spec in getattr(option, "tx", None) or ()]  # "popen" or "3*popen"
        return sum(int(count) if count.isdigit() else 1 for count in counts)

    def _binary(self) -> str:
        """The server to start, as no URL was given."""
        wanted = self.config.getini("redouble_server_type")
        binary = find_binary(wanted or None)
        if binary is None:
            names = f"{wanted}-server" if wanted else "redis-server or valkey-server"
            raise Unusable(f"no {names} on PATH to compare with: install one, or say --redouble-parity=URL")
        return binary

    def _options(self) -> list[str]:
        """The fake's configuration, for a server that is started to be compared with it."""
        config = self.config.stash[fixtures.USUAL].get("config", {})
        return [word for name, value in config.items() for word in (f"--{name}", *(value.split() or [""]))]

    def _connect(self, worker: int, workers: int) -> RealBackend:
        assert self.url is not None
        return RealBackend(
            self.url,
            worker=worker,
            workers=workers,
            may_flush=self.config.option.redouble_flush,
            owned=self._local is not None,
            skip=_skip,
        )

    def pytest_unconfigure(self) -> None:
        if self._real is not None:
            self._real.close()
        if self._local is not None:
            self._local.stop()

    def backend(self, side: str | None) -> Any:
        """The backend of tests that run on this side; None: of tests that could not be made to run on both."""
        if side == "fake" or (side is None and self.parity):
            backend: Any = FakeBackend(Trace())
        else:
            backend = _Borrowed(self._real)
        self._traces[side] = backend.trace
        return backend

    # Each test twice.

    @pytest.hookimpl(trylast=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if self.parity and fixtures.BACKEND in metafunc.fixturenames:
            metafunc.parametrize(fixtures.BACKEND, SIDES, indirect=True, scope="session")

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
        outcome = yield
        callspec = getattr(item, "callspec", None)
        side = callspec.params.get(fixtures.BACKEND) if self.parity and callspec is not None else None
        if side is None:
            return
        report = outcome.get_result()
        trace = None
        if call.when == "call":
            trace = repr([(entry.argv, entry.reply) for entry in self._traces[side].entries])
        skipped = call.excinfo is not None and isinstance(call.excinfo.value, Skipped)
        report.redouble = (side, _without(side, item.nodeid), not skipped, trace, self._against)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = getattr(report, "redouble", None)
        if found is not None:
            side, test, comparable, trace, self._against = found
            self._runs.setdefault(test, {}).setdefault(side, Run()).add(report, comparable, trace)

    # What came of it.

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._runs and self._judge()[0] and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._runs:
            return
        disagreements, hidden = self._judge()
        compared = sum(map(_comparable, self._runs.values()))
        alone = len(self._runs) - compared
        write = terminalreporter.write_line
        terminalreporter.section(f"{TITLE}, {self._against}")
        text = f"ran on both: {compared}; with different outcomes: {len(disagreements)}"
        write(text + (f"; on one side only: {alone}" if alone else ""))
        for lines in disagreements:
            write(lines)
        if hidden:
            write("the same outcome, but different replies:")
        for lines in hidden:
            write(lines)

    def _judge(self) -> tuple[list[str], list[str]]:
        """What to say of tests whose outcomes differ, and of those where only replies do."""
        if self._judged is None:
            self._judged = [], []
            for test, runs in sorted(self._runs.items()):
                if not _comparable(runs):
                    continue
                fake, real = runs["fake"], runs["real"]
                difference = first_difference(fake.entries, real.entries)
                if fake.outcome != real.outcome:
                    text = f"{test}: {fake.outcome} on the fake, {real.outcome} on the real server"
                    reason = "\n  every reply was the same" if difference is None else _told(difference)
                    self._judged[0].append(text + reason)
                elif difference is not None:
                    self._judged[1].append(f"{test}: {fake.outcome} on both{_told(difference)}")
        return self._judged


class _Borrowed:
    """The real backend, which stays open for the next who asks for it."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def close(self) -> None:
        pass


def _without(side: str, nodeid: str) -> str:
    """The id that the test has when it runs once."""
    return nodeid.removesuffix(f"[{side}]") if nodeid.endswith(f"[{side}]") else nodeid.removesuffix(f"-{side}]") + "]"


def _comparable(runs: dict[str, Run]) -> bool:
    return len(runs) == 2 and all(run.comparable for run in runs.values())


def _told(difference: Difference) -> str:
    lines = [f"\n  the first difference is at command {difference.number}"]
    for side, recorded in zip(SIDES, (difference.fake, difference.real)):
        if recorded is None:
            lines.append(f"    {side}: nothing more was sent")
        else:
            argv, reply = recorded
            lines.append(f"    {side}: {' '.join(map(quote, argv)) or 'message'} -> {show(reply)}")
    return "\n".join(lines)
