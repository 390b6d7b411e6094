"""How long commands take, and how large they are: what SLOWLOG, COMMANDLOG, LATENCY, HOTKEYS and INFO tell of them.

Commands are timed only while somebody wants to know: a parameter of the logs or of the latency monitor is not at its
default, there is a session of HOTKEYS, or somebody asked for durations once.  Those that are slow in real life (scripts,
DEBUG SLEEP, KEYS, SORT) are `timed` in any case, and are logged with the default parameters, too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from redouble.core.clock import real_monotonic
from redouble.core.command_log import CommandLog
from redouble.core.key_specs import key_specs, keys_of
from redouble.core.latency import Event, Histogram
from redouble.core.observer import Observer
from redouble.core.passwords import without_passwords
from redouble.resp.encoder import encode
from redouble.resp.reply import BLOCKED, NO_REPLY, Messages, Reply

if TYPE_CHECKING:
    from redouble.core.client import Client
    from redouble.core.command import Argv, Command, Handler
    from redouble.core.hotkeys import HotKeys
    from redouble.core.server import Server

__all__ = ["SLOW", "Stopwatch", "timed"]

SLOW, LARGE_REQUEST, LARGE_REPLY = b"SLOW", b"LARGE-REQUEST", b"LARGE-REPLY"

_LEAST: Final = {
    SLOW: "slowlog-log-slower-than",
    LARGE_REQUEST: "commandlog-request-larger-than",
    LARGE_REPLY: "commandlog-reply-larger-than",
}
_LONGEST: Final = {
    SLOW: "slowlog-max-len",
    LARGE_REQUEST: "commandlog-large-request-max-len",
    LARGE_REPLY: "commandlog-large-reply-max-len",
}
_SKIPPED: Final = frozenset(("skip_slowlog", "skip_commandlog"))
_SIZE_OF_EXEC: Final = len(b"*1\r\n$4\r\nEXEC\r\n")


class Stopwatch(Observer):
    """What is known of the commands of one server.  It does not hold the server, which holds it."""

    def __init__(self) -> None:
        self.logs: dict[bytes, CommandLog] = {}
        self.events: dict[bytes, Event] = {}
        """The events of the latency monitor."""
        self.threshold = 0
        """From how many milliseconds on a command is an event; 0: none is."""
        self.tracks = True
        """Whether there are histograms (`latency-tracking`)."""
        self.hotkeys: HotKeys | None = None
        self.running = False
        """Whether all commands are timed."""
        self._asked = False
        self._measures = False
        """Whether there are logs of what is large, with limits that somebody set."""
        self._caller: Client | None = None
        """Whose script runs, and what it sent for that."""
        self._call: Argv = []
        self._sent = 0
        """How many bytes of the answer of the EXEC that runs are there already."""

    def configure(self, server: Server) -> None:
        """Do as the parameters of the server say from now on."""
        config, parameters = server.config, server.config.parameters
        unusual = []
        for kind, name in _LEAST.items():
            if name in parameters:
                log = self.logs.setdefault(kind, CommandLog())
                log.least = config.number(name)
                log.longest = config.number(_LONGEST[kind])
                log.keeps_when_empty = not server.dialect.logs.zero_length_empties
                log.trim()
                if log.least >= 0 and config.values[name] != parameters[name].default:
                    unusual.append(kind)
        self._measures = LARGE_REQUEST in unusual or LARGE_REPLY in unusual
        self.threshold = config.number("latency-monitor-threshold")
        tracks = "latency-tracking" not in parameters or config.flag("latency-tracking")
        if tracks != self.tracks:
            self._settle(server)
            self.tracks = tracks
        needed = bool(unusual or self.threshold or self._asked or (self.hotkeys is not None and self.hotkeys.active))
        if needed != self.running:
            self.running = needed
            (server.observe if needed else server.forget_observer)(self)

    def asked(self, server: Server) -> None:
        """Somebody wants to know how long each command took: from now on they are timed."""
        if not self._asked:
            self._asked = True
            self.configure(server)

    def histograms(self, server: Server) -> dict[str, Histogram]:
        """Of each command that was called."""
        self._settle(server)
        self.asked(server)
        return {
            command.name: command.histogram for command in server.called_commands() if command.histogram is not None
        }

    def _settle(self, server: Server) -> None:
        """Calls that were not timed took no time at all, here as in INFO commandstats."""
        for command in server.called_commands():
            missing = command.calls - command.known_calls
            if missing > 0:
                self._enter(command, 0, missing)

    def _enter(self, command: Command, microseconds: int, times: int = 1) -> None:
        command.known_calls += times
        if self.tracks:
            if command.histogram is None:
                command.histogram = Histogram()
            command.histogram.add(microseconds, times)

    # What it sees.

    def run(
        self,
        client: Client,
        command: Command,
        argv: Argv,
        proceed: Callable[[Client, Command, Argv], Reply],
    ) -> Reply:
        if command.script_flags is not None and not client.is_script:
            self._caller, self._call = client, argv
        elif command.name == "exec":
            self._sent = len(b"*%d\r\n" % len(client.queue))
        clock = client.server.clock
        slept, began = clock.slept, real_monotonic()
        reply = proceed(client, command, argv)
        microseconds = int((real_monotonic() - began + clock.slept - slept) * 1e6)
        at_once = client.server.dialect.logs.commands_that_wait
        if reply is BLOCKED:
            waited = client.took or 0
            client.took = waited + microseconds
            if at_once and not client.reprocessing:
                self.ran(client, command, argv, client.took, reply)
        elif client.reprocessing:
            microseconds += client.took or 0
            client.took = None
            if not at_once:
                self.ran(client, command, argv, microseconds, reply)
        else:
            self.ran(client, command, argv, microseconds, reply)
        return reply

    def answered(self, client: Client, reply: Reply) -> None:
        microseconds, client.took = client.took, None
        if microseconds is not None and client.server.dialect.logs.timeouts:
            self.ran(client, client.command, client.argv, microseconds, reply)

    def ran(self, client: Client, command: Command, argv: Argv, microseconds: int, reply: Reply) -> None:
        """A command came to its end."""
        command.microseconds += microseconds
        self._enter(command, microseconds)
        now = int(client.server.clock.time())
        milliseconds = microseconds // 1000
        if self.threshold and milliseconds >= self.threshold:
            event = b"fast-command" if "fast" in command.flags else b"command"
            self.events.setdefault(event, Event()).add(now, milliseconds)
        amounts = {SLOW: microseconds}
        hotkeys = self.hotkeys
        if hotkeys is not None and not hotkeys.active:
            hotkeys = None
        if self._measures or hotkeys is not None:
            amounts[LARGE_REQUEST] = self._size_of_request(client, argv)
            amounts[LARGE_REPLY] = self._size_of_reply(client, reply)
            if hotkeys is not None and not (client.is_script or client.reprocessing or reply is BLOCKED):
                keys = _keys_in(command, argv)
                if keys:
                    hotkeys.count(keys, microseconds, amounts[LARGE_REQUEST] + amounts[LARGE_REPLY])
        if not _SKIPPED.isdisjoint(command.flags):
            return
        for kind, log in self.logs.items():
            if log.wants(amounts.get(kind, 0)):
                address, name = self._author(client)
                log.add(now, amounts[kind], without_passwords(client.server.config, argv), address, name)

    def _author(self, client: Client) -> tuple[bytes, bytes]:
        """The address and the name that an entry tells."""
        if client.is_script:
            address = client.server.dialect.logs.address_of_script
            if address is not None or self._caller is None:
                return address or b"", b""
            client = self._caller
        return client.address.encode(), client.name

    def _size_of_request(self, client: Client, argv: Argv) -> int:
        """The bytes of a request; what EXEC runs came with EXEC, and scripts send nothing."""
        if client.is_script:
            as_call = client.server.dialect.logs.scripts_are_as_large_as_their_call
            return self._size_of_request(self._caller, self._call) if as_call and self._caller is not None else 0
        if client.transcript is not None:
            return _SIZE_OF_EXEC
        return len(b"*%d\r\n" % len(argv)) + sum(len(b"$%d\r\n\r\n" % len(word)) + len(word) for word in argv)

    def _size_of_reply(self, client: Client, reply: Reply) -> int:
        """The bytes of a reply; within EXEC of all replies up to this one."""
        if reply is NO_REPLY or reply is BLOCKED:
            return 0
        if client.is_script and client.server.dialect.logs.scripts_are_as_large_as_their_call:
            return 0
        pieces: list[bytes] = []
        for message in reply if type(reply) is Messages else (reply,):
            encode(message, client.resp, client.server.dialect.format_double, pieces)
        size = sum(map(len, pieces))
        if client.transcript is None:
            return size
        self._sent += size
        return self._sent


def _keys_in(command: Command, argv: Argv) -> list[bytes]:
    declaration = command.declaration
    found = keys_of(command.name, key_specs(declaration.wire_name, declaration.nodes, declaration.keys), argv)
    return [key for key, _ in found or ()]


LEAST_TIME: Final = 0.01
"""Seconds from which on a `timed` command is looked at: the default of slowlog-log-slower-than."""


def timed(run: Handler) -> Handler:
    """The function of a command that is timed even while no others are."""

    @functools.wraps(run)
    def timed_run(client: Client, argv: Argv) -> Reply:
        stopwatch = client.server.stopwatch
        if stopwatch.running:
            return run(client, argv)
        command, clock = client.command, client.server.clock
        began = real_monotonic() + clock.slept
        reply: Reply = None
        try:
            reply = run(client, argv)
        finally:
            seconds = real_monotonic() + clock.slept - began
            if stopwatch.running or seconds >= LEAST_TIME:
                stopwatch.ran(client, command, argv, int(seconds * 1e6), reply)
        return reply

    return timed_run
