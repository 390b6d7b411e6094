"""The section "redouble" in the report of a failed test: its last commands, the keys it changed, and who still waits."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

import pytest

from redouble import fixtures
from redouble.clients.server import FakeServer
from redouble.core.command import Command
from redouble.core.database import type_name
from redouble.resp.reply import NO_REPLY, CommandError
from redouble.suite.trace import PENDING, Trace
from redouble.testing.lines import quote

__all__ = ["FailureReport", "show"]

LAST_COMMANDS = 20
MOST_KEYS = 30
WIDTH = 160


class FailureReport:
    """A plugin of pytest, registered when the first test asks for one of our fixtures."""

    def __init__(self, backend: Any) -> None:
        self.backend = backend
        self._before: dict[FakeServer, Any] = {}
        """Servers that are older than the test, with the last command before it."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if self.backend.trace is not None:
            self.backend.trace.clear()
        self._before = {server: server.commands.last for server in self._servers()}

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
        outcome = yield
        report = outcome.get_result()
        if report.failed and call.when != "teardown" and fixtures.BACKEND in getattr(item, "fixturenames", ()):
            text = "\n\n".join(self._parts())
            if text:
                report.sections.append(("redouble", text))

    def _servers(self) -> list[FakeServer]:
        return [server for server in self.backend.servers if _records(server)]

    def _parts(self) -> Iterable[str]:
        for server in self._servers():
            entries = list(server.commands)
            last = self._before.get(server)
            if last in entries:
                entries = entries[entries.index(last) + 1 :]
            with server.lock:
                yield describe(server, entries)
        trace = self.backend.trace
        if not self.backend.servers and trace is not None and trace.entries:
            yield describe_trace(trace)


def _records(server: FakeServer) -> bool:
    try:
        return server.commands is not None
    except RuntimeError:  # the test wanted it so
        return False


def describe(server: FakeServer, entries: list[Any]) -> str:
    """What a test did to `server`, and how things stand now; under its lock."""
    lines = [f"{server.server_type} {'.'.join(map(str, server.version))}, {len(server.core.clients)} clients connected"]
    lines.append(_heading("last commands", len(entries), LAST_COMMANDS))
    for entry in entries[-LAST_COMMANDS:]:
        where = f"  {entry.client}> " + ("    " if entry.within else "")
        lines.append(f"{where}{_cut(str(entry))} -> {'(waits)' if entry.waits else show(entry.reply)}")
    changed = dict.fromkeys((entry.db, key) for entry in entries if _changed(server, entry) for key in entry.keys)
    lines.append(_heading("keys that the test changed", len(changed), MOST_KEYS))
    lines += [f"  {_state(server, db, key)}" for db, key in list(changed)[-MOST_KEYS:]]
    waiting = list(_waiting(server))
    if waiting:
        lines += ["waiting:", *waiting]
    return "\n".join(lines)


def describe_trace(trace: Trace) -> str:
    """What a test sent to a real server."""
    lines = [_heading("last commands", len(trace.entries), LAST_COMMANDS)]
    for entry in trace.entries[-LAST_COMMANDS:]:
        lines.append(f"  {_cut(' '.join(map(quote, entry.argv))) or 'message'} -> {show(entry.reply)}")
    return "\n".join(lines)


def _heading(what: str, count: int, most: int) -> str:
    if not count:
        return f"{what}: none"
    return f"{what} (the last {most} of {count}):" if count > most else f"{what}:"


def _changed(server: FakeServer, entry: Any) -> bool:
    command = server.core.find(list(entry.argv))
    done = entry.error is None and not entry.waits
    return done and isinstance(command, Command) and "write" in command.flags


def _state(server: FakeServer, index: int, key: bytes) -> str:
    db = server.core.database(index)
    name = quote(key) if index == 0 else f"{quote(key)} of database {index}"
    value = db.peek(key)
    if value is None:
        return f"{name}: not there"
    kind = type_name(value).decode()
    if isinstance(value, (bytes, bytearray)):
        text = f"{name}: string, {_cut(quote(bytes(value)))}"
    else:
        text = f"{name}: {kind} of {len(value)}"
    expires_at = db.expires_at(key)
    return text if expires_at is None else f"{text}, goes in {(expires_at - server.core.now_ms()) / 1000:g} s"


def _waiting(server: FakeServer) -> Iterable[str]:
    for client in server.core.clients.values():
        if client.blocked:
            yield f"  {client.id}> {_cut(' '.join(map(quote, client.argv)))}"
        if client.listens:
            channels = [*client.channels, *client.patterns, *client.shard_channels]
            yield f"  {client.id}> listens to {_cut(' '.join(map(quote, channels)))}"


def show(reply: Any) -> str:
    """A reply in one line, cut where it is long."""
    return _cut(_shown(reply))


def _shown(reply: Any) -> str:
    if reply is None:
        return "nil"
    if isinstance(reply, bytes):
        return quote(reply)
    if isinstance(reply, CommandError):
        return f"(error) {reply.message}"
    if reply is PENDING or reply is NO_REPLY:
        return "(no reply)"
    if isinstance(reply, tuple) and len(reply) == 2 and reply[0] in ("double", "error", "map", "set"):  # a trace's
        kind, value = reply
        return f"(error) {value}" if kind == "error" else value if kind == "double" else _shown(value)
    if isinstance(reply, dict):
        return "{" + ", ".join(f"{_shown(key)}: {_shown(value)}" for key, value in reply.items()) + "}"
    if isinstance(reply, (list, tuple, set, frozenset)):
        return "[" + ", ".join(map(_shown, reply)) + "]"
    return str(reply)


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[:WIDTH]} ... ({len(text)} characters)"
