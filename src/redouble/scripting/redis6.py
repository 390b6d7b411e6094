"""`redis.*` of Redis 6, where errors are texts that begin with the place at which they arose."""

from __future__ import annotations

import sys
from collections.abc import Collection
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any

from redouble.core.command import Command
from redouble.core.errors import OOM, READONLY, text
from redouble.resp.reply import CommandError
from redouble.scripting.api import REFUSED, Api, to_reply
from redouble.scripting.errors import BOUNDARIES, LuaError
from redouble.scripting.table import Table
from redouble.scripting.values import FALSE, TRUE, Value, format_number, type_name

if TYPE_CHECKING:
    from redouble.core.client import Client
    from redouble.core.server import Server

__all__ = ["Redis6Api"]

ORDER = (
    b"call pcall log setresp LOG_DEBUG LOG_VERBOSE LOG_NOTICE LOG_WARNING sha1hex error_reply status_reply "
    b"replicate_commands set_repl REPL_NONE REPL_AOF REPL_SLAVE REPL_REPLICA REPL_ALL breakpoint debug"
).split()
NO_MEMORY = f"-{OOM}\r\n"
READ_ONLY_REPLICA = f"-{READONLY}"
"""Meant for the wire."""
HANDLER = b"err_handler_def"
"""The chunk in which `__redis__err__handler` stands."""


class Redis6Api(Api):
    """`redis` of Redis 6.  Before each script `seed`, which is `math.randomseed`, has to be called with 0."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        texts = self.texts
        self.to_reply = partial(to_reply, later=False)
        self.seed: Any = None
        self.refusals = {
            texts.unknown, texts.arity, texts.no_arguments, texts.arguments, texts.not_allowed, texts.wrong_field,
            NO_MEMORY, self.read_only_replica().message, self.misconfigured(server.dialect.bgsave_failed).message, *(server.dialect.script_has_no_permission("", "", each) for each in ("command", "key", "channel")),
        }  # fmt: skip
        """The errors that are no command's: they tell where the script called."""

    def methods(self) -> dict[bytes, Any]:
        return {**super().methods(), b"replicate_commands": lambda *_: FALSE if self.wrote else TRUE}

    def order(self) -> list[bytes]:
        return ORDER

    def begin(self, client: Client, flags: Collection[bytes] | None, read_only: bool) -> None:
        super().begin(client, flags, read_only)
        self.seed(0.0)

    def verdict(self, command: Command) -> int:
        """A container is one command, with the flags that its subcommands got later."""
        container = self.server.prototypes[command.name.partition("|")[0].upper().encode()]
        one_of = (container, *container.subcommands.values())
        return REFUSED if any("noscript" in prototype.flags for prototype in one_of) else super().verdict(command)

    def not_allowed(self, command: Command) -> CommandError:
        return CommandError(self.texts.unknown if command.name == "quit" else self.texts.not_allowed)

    def no_memory(self) -> CommandError:
        return CommandError(NO_MEMORY)

    def read_only_replica(self) -> CommandError:
        return CommandError(READ_ONLY_REPLICA + self.server.dialect.script_error_of_replica_ends)

    def misconfigured(self, reason: str) -> CommandError:
        return CommandError(f"-{reason}{self.server.dialect.script_error_of_replica_ends}")

    def wrong_arity(self, argv: list[bytes]) -> CommandError:
        container = self.server.prototypes[argv[0].upper()]
        if container.subcommands and len(argv) > 1:
            command = self.server.find(argv)
            if isinstance(command, Command) and self.verdict(command) == REFUSED:
                return self.not_allowed(command)
            return CommandError(self.server.dialect.wrong_subcommand(argv))
        return CommandError(self.texts.arity)

    def error_table(self, message: str, counted: bool) -> Table:
        told = message.encode("utf-8", "surrogateescape")
        if message in self.refusals:
            source, line = place_of(sys._getframe(1))
            told = b"%s: %d: %s" % (source, line, told)
        return Table({b"err": told})

    def raised(self, error: Table) -> LuaError:
        return LuaError(dict.get(error, b"err"), 0)

    def complaint(self, message: str) -> LuaError:
        return LuaError(message.encode(), 0)

    def error_reply(self, *values: Value) -> Value:
        return self.single_field(b"err", values)

    def described(self, name: str, value: Value, source: bytes, line: int) -> str:
        try:
            told = self.handled(value, source, line)
        except LuaError as error:  # the handler's own
            told = self.handled(error.value, b"@" + HANDLER, self.handler_line)
        one_line = told.partition(b"\0")[0].strip(b"\r\n").replace(b"\r", b" ").replace(b"\n", b" ")
        return f"ERR Error running script (call to f_{name}): {text(one_line)}"

    @property
    def handler_line(self) -> int:
        return self.server.dialect.script_error_handler_line

    def handled(self, error: Value, source: bytes, line: int) -> bytes:
        """`__redis__err__handler`: an error with its place."""
        if error.__class__ is float:
            error = format_number(error)
        if error.__class__ is not bytes:
            kind = type_name(error).encode()
            message = b"%s:%d: attempt to concatenate local 'err' (a %s value)" % (HANDLER, self.handler_line, kind)
            raise LuaError(message, 0)
        return b"%s:%d: %s" % (source, line, error) if source else error

    def error_handler(self) -> Any:
        def error_handler(value: Value = None, *_: Value) -> Value:
            return self.handled(value, *place_of(sys._getframe(1), through_library=True))

        return error_handler


def place_of(frame: FrameType | None, *, through_library: bool = False) -> tuple[bytes, int]:
    """The chunk of the function that called, as its source calls it, and the line.

    `through_library`: of one that had a function of the library call.
    """
    while frame is not None:
        chunk = frame.f_globals.get("CHUNKS", {}).get(frame.f_code.co_filename)
        if chunk is not None:
            return chunk[2], chunk[1][frame.f_lineno - 1]
        if frame.f_code in BOUNDARIES:
            if not through_library:
                break
            through_library = False
        frame = frame.f_back
    return b"=[C]", -1
