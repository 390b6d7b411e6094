"""`redis.*`: what a script may ask of the server, and how replies become Lua's values and back.

The commands of a script are run for a client of their own, with the database and the user of the one who called.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from redouble.core.client import Client
from redouble.core.errors import MASTERDOWN, OOM, READONLY
from redouble.core.server import LIMITED, MISCONFIGURED, REPLICA
from redouble.resp.reply import (
    NO_REPLY,
    NULL_ARRAY,
    BigNumber,
    ByKey,
    CommandError,
    Members,
    Messages,
    Pairs,
    Push,
    Reply,
    Status,
    Verbatim,
    resp2,
)
from redouble.scripting.engine import Features
from redouble.scripting.errors import LuaError
from redouble.scripting.stdlib.arguments import to_integer
from redouble.scripting.table import Table, array
from redouble.scripting.values import FALSE, TRUE, Value, plain_text, to_number

if TYPE_CHECKING:
    from redouble.core.command import Command
    from redouble.core.server import Server

__all__ = ["REFUSED", "Api", "ScriptClient", "failure_text", "to_reply"]

LOG_LEVELS = {b"LOG_DEBUG": 0.0, b"LOG_VERBOSE": 1.0, b"LOG_NOTICE": 2.0, b"LOG_WARNING": 3.0}
REPLICATION = {
    b"REPL_NONE": 0.0,
    b"REPL_AOF": 1.0,
    b"REPL_SLAVE": 2.0,
    b"REPL_REPLICA": 2.0,
    b"REPL_ALL": 3.0,
}
ORDER = (
    b"call pcall log LOG_DEBUG LOG_VERBOSE LOG_NOTICE LOG_WARNING REDIS_VERSION_NUM REDIS_VERSION SERVER_NAME "
    b"VALKEY_VERSION_NUM VALKEY_VERSION setresp sha1hex error_reply status_reply set_repl REPL_NONE REPL_AOF REPL_SLAVE "
    b"REPL_REPLICA REPL_ALL acl_check_cmd breakpoint replicate_commands debug"
).split()
"""In which `redis` is filled; `pairs` depends on it."""
MAX_REPLY_DEPTH = 1000
INTEGERS = 2.0**63
"""Beyond, C's conversion is another one than Python's."""
WRITES, REFUSED, RESTRICTED, STALE = 1, 2, 4, 8

Known: TypeAlias = "tuple[Command, int, int, int]"
"""A command that scripts called: the least and the most words it takes, its verdict."""

_get = dict.get


class ScriptClient(Client):
    """The client for which a script's commands run; nobody is connected to it."""

    deny_blocking = is_script = True

    def join(self) -> int:
        return 0

    def deliver(self, reply: Reply) -> None:
        """Never called: its commands do not block."""

    def push(self, message: Push) -> None:
        """Nobody listens."""


class Api:
    """`redis` for one server.  `flags` of the running script decide what its commands may do."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.texts = server.dialect.script_texts
        self.client = ScriptClient(server)
        self.format_number = server.dialect.format_script_number
        self.read_only = self.lacks_memory = self.of_replica = False
        self.misconfiguration = ""
        """Why it may change nothing: it could not be kept."""
        self.to_reply: Callable[[Value, int, Any], Reply] = to_reply
        self.wrote = False
        """Whether the running script has changed data: then it can no longer be killed."""
        self._known: dict[bytes | Command, Known] = {}
        """By the words that scripts used for them."""
        self._known_to_restricted: dict[bytes | Command, Known] = {}
        """The same while the caller may not do everything: then each command has to be looked at."""
        self._known_to_unrestricted = self._known
        self.caller: Client = self.client

    def functions(self) -> dict[bytes, Any]:
        run, run_argv, to_lua, raised = self.run, self.run_argv, self.to_lua, self.raised
        server, client, format_number = self.server, self.client, self.format_number

        def call(*arguments: Value) -> Value:
            argv: list[bytes] = []
            for argument in arguments:
                if argument.__class__ is bytes:
                    argv.append(argument)
                elif argument.__class__ is float:
                    argv.append(format_number(argument))
                else:
                    argv.clear()
                    break
            known = self._known.get(argv[0]) if argv else None
            if known is None:
                reply = run(arguments)
            else:
                command, least, most, verdict = known
                if not least <= len(argv) <= most:
                    verdict = REFUSED
                elif verdict == WRITES and (
                    self.wrote or not (self.read_only or self.of_replica or self.lacks_memory or self.misconfiguration)
                ):
                    self.wrote = self.wrote or "write" in command.flags
                    verdict = 0
                if verdict or server.observers:
                    reply = run_argv(argv)
                else:  # as `run` does, without the cost of three calls
                    command.calls += 1
                    client.command = command
                    try:
                        reply = command.run(client, argv)
                    except CommandError as error:
                        reply = server.failed(command, error)
            kind = reply.__class__
            if kind is bytes:
                return reply
            if kind is int:
                return float(reply)
            if kind is CommandError:
                raise raised(to_lua(reply))
            if kind is list and client.resp == 2:
                table = Table()
                place = 1.0
                for item in reply:
                    if item.__class__ is bytes:
                        table[place] = item
                    elif item is None:
                        table[place] = FALSE
                    else:
                        return to_lua(reply)
                    place += 1.0
                return table
            return to_lua(reply)

        def pcall(*arguments: Value) -> Value:
            return to_lua(run(arguments))

        return {b"call": call, b"pcall": pcall} | {name: _function(method) for name, method in self.methods().items()}

    def methods(self) -> dict[bytes, Any]:
        return {
            b"error_reply": self.error_reply,
            b"status_reply": self.status_reply,
            b"sha1hex": self.sha1hex,
            b"log": self.log,
            b"setresp": self.setresp,
            b"set_repl": self.set_repl,
            b"replicate_commands": lambda *_: TRUE,
            b"breakpoint": lambda *_: FALSE,
            b"debug": lambda *_: (),
            b"acl_check_cmd": self.acl_check_cmd,
        }

    def order(self) -> list[bytes]:
        return ORDER

    def constants(self) -> dict[bytes, Value]:
        dialect = self.server.dialect
        major, minor, patch = dialect.redis_version
        constants: dict[bytes, Value] = {
            **LOG_LEVELS,
            **REPLICATION,
            b"REDIS_VERSION": b"%d.%d.%d" % (major, minor, patch),
            b"REDIS_VERSION_NUM": float(major << 16 | minor << 8 | patch),
        }
        if dialect.name == "valkey":
            major, minor, patch = dialect.version
            constants[b"SERVER_NAME"] = b"valkey"
            constants[b"VALKEY_VERSION"] = b"%d.%d.%d" % (major, minor, patch)
            constants[b"VALKEY_VERSION_NUM"] = float(major << 16 | minor << 8 | patch)
        return constants

    def begin(self, client: Client, flags: Collection[bytes] | None, read_only: bool) -> None:
        """A script of `client` begins, unless its flags forbid that (scriptPrepareForRun); None: it has no shebang."""
        own = self.client
        own.db, own.user, own.resp = client.db, client.user, 2
        self.caller = client
        self.read_only = read_only
        self.lacks_memory = self.of_replica = self.wrote = False
        self.misconfiguration = ""
        self._known = self._known_to_restricted if client.user.restricted else self._known_to_unrestricted
        if flags is not None or self.server.gate & (LIMITED | REPLICA | MISCONFIGURED):
            self._begin_with_limits(flags, read_only)

    def _begin_with_limits(self, flags: Collection[bytes] | None, read_only: bool) -> None:
        """Look at what the script says of itself, at memory and at the master."""
        writes = flags is None or b"no-writes" not in flags
        replication = self.server.replication
        if replication.hides_data and (flags is None or b"allow-stale" not in flags):
            raise CommandError(MASTERDOWN)
        lacks_memory = self.server.lacks_memory and (flags is None or b"allow-oom" not in flags)
        if flags is not None and writes:
            if replication.is_read_only:
                raise CommandError("READONLY Can not run script with write flag on readonly replica.")
            if read_only:
                raise CommandError("ERR Can not execute a script with write flag using *_ro command.")
            if lacks_memory:
                raise CommandError(
                    "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'"
                )
        self.read_only = read_only or not writes
        self.lacks_memory = lacks_memory
        self.of_replica = replication.is_read_only
        self.misconfiguration = self.server.files.misconfiguration() if self.server.gate & MISCONFIGURED else ""
        if replication.hides_data:
            self._known = {}  # which other scripts have no use for

    def features(self) -> Features:
        """What scripts of this server find besides `redis`."""
        dialect = self.server.dialect
        return Features(
            string_hash=dialect.lua_string_hash,
            has_os=dialect.lua_has_os,
            array_metatable=dialect.lua_marks_arrays,
            constants=self.constants(),
            order=tuple(self.order()),
            grown=Features.grown - {b"bit"} if dialect.lua_sizes_bit else Features.grown,
            old_globals=dialect.lua_keeps_old_globals,
            strict_globals=dialect.strict_globals,
            cmsgpack_copyright=dialect.cmsgpack_copyright,
            prints=dialect.lua_prints,
            tells_errors=not dialect.script_errors_are_texts,
            error_handler=self.error_handler(),
            server_table=dialect.script_texts.library == "server",
        )

    # Commands.

    def run(self, arguments: tuple[Value, ...]) -> Reply:
        """Run a command; an error comes back as a value."""
        argv: list[bytes] = []
        for argument in arguments:
            if argument.__class__ is bytes:
                argv.append(argument)
            elif argument.__class__ is float:
                argv.append(self.format_number(argument))
            else:
                return CommandError(self.texts.arguments)
        return self.run_argv(argv) if argv else CommandError(self.texts.no_arguments)

    def run_argv(self, argv: list[bytes]) -> Reply:
        """`run` of words that are strings already, at least one."""
        known = self._known.get(argv[0])
        if known is None:
            found = self._find(argv)
            if isinstance(found, CommandError):
                return found
            known = found
        command, least, most, verdict = known
        if not least <= len(argv) <= most:
            return self.wrong_arity(argv)
        if verdict:
            if verdict > WRITES:
                refusal = self._unusual_refusal(command, argv, verdict)
                if refusal is not None:
                    return refusal
            if verdict & WRITES and not self.wrote:  # nor is it looked at again after the first one
                if self.read_only:
                    return self._may_only_read(command)
                if self.of_replica and "write" in command.flags:
                    return self.read_only_replica()
                if self.misconfiguration and "write" in command.flags:
                    return self.misconfigured(self.misconfiguration)
                if self.lacks_memory and "denyoom" in command.flags:
                    return self.no_memory()
                self.wrote = "write" in command.flags  # PUBLISH and PFCOUNT do not count
        return self.server.run(self.client, command, argv)

    def _find(self, argv: list[bytes]) -> Known | CommandError:
        """The command that `argv` names, and what is to be looked at."""
        command = self.server.table.get(argv[0])
        if command is None:
            found = self.server.find(argv)
            if isinstance(found, CommandError):
                return self.not_found(argv, found)
            command = found
        known = self._known.get(command)
        if known is None:
            verdict = self.verdict(command)
            if self.caller.user.restricted:
                verdict |= RESTRICTED
            if self.server.replication.hides_data and "stale" not in command.flags:
                verdict |= STALE
            arity = command.arity
            known = (command, arity, arity, verdict) if arity >= 0 else (command, -arity, sys.maxsize, verdict)
            self._known[command] = known
        if argv[0] in self.server.table:  # where no container is, which needs a second word
            self._known[argv[0]] = known
        return known

    def _unusual_refusal(self, command: Command, argv: list[bytes], verdict: int) -> CommandError | None:
        if verdict & REFUSED:
            return self.not_allowed(command)
        if verdict & RESTRICTED:
            refusal = self.server.acl.refusal_of_script(self.caller, command, argv, self.client.db.index)
            if refusal is not None:
                return refusal
        if verdict & STALE:
            return CommandError("ERR Can not execute the command on a stale replica")
        return None

    def not_found(self, argv: list[bytes], error: CommandError) -> CommandError:
        """What a script hears where others hear `error`."""
        known = self.server.prototype(argv[0]) is not None
        return error if known and self.texts.tells_subcommands else CommandError(self.texts.unknown)

    def verdict(self, command: Command) -> int:
        """What is to be looked at before a command runs: the sum of some of WRITES and REFUSED."""
        return REFUSED if "noscript" in command.flags else WRITES * command.changes_data

    def not_allowed(self, command: Command) -> CommandError:
        return CommandError(self.texts.not_allowed)

    def wrong_arity(self, argv: list[bytes]) -> CommandError:
        return CommandError(self.texts.arity)

    def _may_only_read(self, command: Command) -> CommandError:
        if self.lacks_memory and "denyoom" in command.flags and self.server.dialect.scripts_hear_of_memory_first:
            return self.no_memory()
        return CommandError("ERR Write commands are not allowed from read-only scripts.")

    def no_memory(self) -> CommandError:
        return CommandError(OOM)

    def read_only_replica(self) -> CommandError:
        return CommandError(READONLY)

    def misconfigured(self, reason: str) -> CommandError:
        return CommandError(reason)

    # Replies.

    def to_lua(self, reply: Reply) -> Value:
        if self.client.resp == 2:
            reply = resp2(reply, self.server.dialect.format_double)
        return self._value(reply)

    def _value(self, reply: Reply) -> Value:
        kind = reply.__class__
        if kind is bytes:
            return reply
        if kind is int:
            return float(reply)
        if reply is None or reply is NULL_ARRAY or reply is NO_REPLY:
            return FALSE if self.client.resp == 2 else None
        if kind is Status:
            return Table({b"ok": bytes(reply)})
        if kind is CommandError:
            return self.error_table(reply.message, reply.message not in (self.texts.arguments, self.texts.no_arguments))
        if kind is Pairs:
            return self._array([self._array([self._value(item) for item in pair]) for pair in reply])
        if kind is list or kind is Push or kind is tuple or kind is Messages:
            return self._array([self._value(item) for item in reply])
        if kind is dict or kind is ByKey:
            items = dict(reply).items()
            return Table({b"map": self._map((self._value(key), self._value(value)) for key, value in items)})
        if kind is Members and self.client.resp == 2:
            return self._array([self._value(item) for item in reply])
        if kind is set or kind is Members:
            return Table({b"set": self._map((self._value(item), TRUE) for item in reply)})
        if kind is bool:
            return TRUE if reply else FALSE
        if isinstance(reply, float):
            return Table({b"double": float(reply)})
        if kind is BigNumber:
            return Table({b"big_number": b"%d" % reply})
        if kind is Verbatim:
            return Table({b"verbatim_string": Table({b"string": bytes(reply), b"format": reply.fmt})})
        if isinstance(reply, (bytes, bytearray)):
            return bytes(reply)
        return FALSE

    def _array(self, values: list[Value]) -> Table:
        if None not in values:
            return array(values)
        return Table({float(at): value for at, value in enumerate(values, 1) if value is not None})

    def _map(self, entries: Iterable[tuple[Value, Value]]) -> Table:
        found = Table(entries)
        if self.server.dialect.lua_sizes_maps:
            found.sizes = 0, len(found)
        return found

    # The rest of `redis`.

    def single_field(self, name: bytes, values: tuple[Value, ...]) -> Table:
        if len(values) != 1 or values[0].__class__ is not bytes:
            return self.error_table(self.texts.wrong_field, False)
        return Table({name: values[0]})

    def status_reply(self, *values: Value) -> Value:
        return self.single_field(b"ok", values)

    def error_reply(self, *values: Value) -> Value:
        found = self.single_field(b"err", values)
        if len(values) == 1 and values[0].__class__ is bytes:
            # A C string; a minus is taken off, and without a code it gets one.
            message: bytes = values[0].partition(b"\0")[0].removeprefix(b"-").rstrip(b"\r\n")
            if b" " not in message:
                message = b"ERR " + message
            return Table({b"err": message})
        return found

    def sha1hex(self, *values: Value) -> Value:
        if len(values) != 1:
            raise self.complaint("wrong number of arguments")
        value = values[0]
        data = value if value.__class__ is bytes else _number_text(value)
        return hashlib.sha1(data).hexdigest().encode()

    def log(self, *values: Value) -> Value:
        name = self.texts.library
        if len(values) < 2:
            raise self.complaint(f"{name}.log() requires two arguments or more.")
        level = to_number(values[0])
        if level is None:
            raise self.complaint("First argument must be a number (log level).")
        if not 0 <= to_integer(level) <= 3:
            raise self.complaint(self.texts.log_level)
        return ()

    def setresp(self, *values: Value) -> Value:
        if len(values) != 1:
            raise self.complaint(f"{self.texts.library}.setresp() requires one argument.")
        version = to_number(values[0])
        if version is None or to_integer(version) not in (2, 3):
            raise self.complaint("RESP version must be 2 or 3.")
        self.client.resp = to_integer(version)
        return ()

    def set_repl(self, *values: Value) -> Value:
        if len(values) != 1:
            raise self.complaint(f"{self.texts.library}.set_repl() requires {self.texts.set_repl_arguments}.")
        flags = to_number(values[0]) or 0.0
        if to_integer(flags) & ~3:
            raise self.complaint("Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.")
        return ()

    def acl_check_cmd(self, *values: Value) -> Value:
        if not values:
            raise self.complaint(self.texts.no_arguments.removeprefix("ERR "))
        if any(value.__class__ not in (bytes, float) for value in values):
            raise self.complaint(self.texts.arguments.removeprefix("ERR "))
        argv = [value if value.__class__ is bytes else _number_text(value) for value in values]
        command = self.server.find(argv)
        if isinstance(command, CommandError):
            raise self.complaint(f"Invalid command passed to {self.texts.library}.acl_check_cmd()")
        if self.server.dialect.acl_check_counts_arguments and not command.takes(len(argv)):
            raise self.complaint(f"Wrong number of args for {self.texts.library}.acl_check_cmd()")
        denial = self.server.acl.denial(self.caller.user, command, argv, self.client.db.index)
        return TRUE if denial is None else FALSE

    def complaint(self, message: str) -> LuaError:
        """An error as the functions of `redis` raise it: a table, which carries no position in its text."""
        return self.raised(self.error_table(f"ERR {message}", False))

    def error_table(self, message: str, counted: bool) -> Table:
        """An error as a value; `counted`: the statistics of errors have it already."""
        table = Table({b"err": message.encode("utf-8", "surrogateescape")})
        if counted:
            dict.__setitem__(table, b"ignore_error_stats_update", TRUE)
        return table

    def error_handler(self) -> Callable[..., Value]:
        """`__redis__err__handler`."""
        return error_handler

    def raised(self, error: Table) -> LuaError:
        """What `redis.call` raises of an error."""
        return LuaError(error)

    def described(self, name: str, value: Value, source: bytes, line: int) -> str:
        """The error that ended a script or function: with its name, and the place where it arose."""
        told = _one_line(failure_text(value)).decode("utf-8", "surrogateescape")
        if not source:
            return told
        return f"{told} script:{f' {name},' if self.texts.names_digest else ''} on {source.decode('latin-1')}:{line}."


def _function(method: Any) -> Any:
    """A plain function, as all functions of scripts are."""

    def function(*values: Value) -> Value:
        return method(*values)

    return function


def error_handler(value: Value = None, *_: Value) -> Value:
    """What an error becomes on its way out of a script."""
    if isinstance(value, Table):
        return value
    return Table({b"err": b"ERR " + plain_text(value)})


def _number_text(value: Value) -> bytes:
    return b"%.14g" % value if value.__class__ is float else b""


# From Lua to a reply.


def to_reply(value: Value, resp: int, order: Any, depth: int = 0, *, later: bool = True) -> Reply:
    """What the caller gets; `resp` is the protocol that the script chose, `order` gives a table's keys.

    `later`: big numbers and verbatim strings, which Redis 6 takes for arrays.
    """
    kind = value.__class__
    if kind is bytes:
        return value
    if kind is float:
        return to_integer(value)
    if value is TRUE or value is FALSE:
        if resp == 3:
            return value is TRUE
        return 1 if value is TRUE else None
    if not isinstance(value, Table):
        return None
    if depth >= MAX_REPLY_DEPTH:
        return CommandError("ERR reached lua stack limit")
    items: list[Value] = []
    at = 1.0
    if kind is Table:  # an array of strings and numbers that was filled from its beginning needs no look-ups: x0.5
        for key, item in value.items():
            if key != at:
                break
            if item.__class__ is bytes:
                items.append(item)
            elif item.__class__ is float:
                items.append(int(item) if -INTEGERS < item < INTEGERS else to_integer(item))
            else:
                break
            at += 1.0
        else:
            return items
        items.clear()
        at = 1.0
    while (item := _get(value, at)) is not None:
        items.append(item)
        at += 1.0
    if len(items) < len(value):
        other = _to_other_reply(value, resp, order, depth, later)
        if other is not NO_REPLY:
            return other
    return [item if item.__class__ is bytes else to_reply(item, resp, order, depth + 1, later=later) for item in items]


def _to_other_reply(value: Table, resp: int, order: Any, depth: int, later: bool) -> Reply:
    """What a table stands for that has a certain field; NO_REPLY: it is an array."""
    message = _get(value, b"err")
    if message.__class__ is bytes:
        return CommandError(_one_line(message).decode("utf-8", "surrogateescape"))
    status = _get(value, b"ok")
    if status.__class__ is bytes:
        return Status(_one_line(status))
    double = _get(value, b"double")
    if double.__class__ is float:
        return double
    pairs = _get(value, b"map")
    if isinstance(pairs, Table):
        found = [(key, _get(pairs, key)) for key in order(pairs)]
        return _Map(
            (to_reply(key, resp, order, depth + 1, later=later), to_reply(one, resp, order, depth + 1, later=later))
            for key, one in found
            if one is not None
        ).as_reply()
    members = _get(value, b"set")
    if isinstance(members, Table):
        keys = [key for key in order(members) if _get(members, key) is not None]
        return Members(to_reply(key, resp, order, depth + 1, later=later) for key in keys)
    if not later:
        return NO_REPLY
    number = _get(value, b"big_number")
    if number.__class__ is bytes:
        return _big_number(_one_line(number))
    verbatim = _get(value, b"verbatim_string")
    if isinstance(verbatim, Table):
        string, form = _get(verbatim, b"string"), _get(verbatim, b"format")
        if string.__class__ is bytes and form.__class__ is bytes:
            return Verbatim(string)
    return NO_REPLY


class _Map(list[tuple[Reply, Reply]]):
    def as_reply(self) -> Reply:
        try:
            return dict(self)
        except TypeError:  # a key that Python cannot look up
            return {_as_key(key): value for key, value in self}


def _as_key(reply: Reply) -> Reply:
    return tuple(map(_as_key, reply)) if isinstance(reply, (list, set)) else b"" if isinstance(reply, dict) else reply


def _big_number(digits: bytes) -> Reply:
    try:
        return BigNumber(digits)
    except ValueError:
        return digits


def _one_line(message: bytes) -> bytes:
    """C's string of it, which ends at a zero byte."""
    return message.partition(b"\0")[0].replace(b"\r", b" ").replace(b"\n", b" ")


def failure_text(value: Value) -> bytes:
    """The message of an error that a script did not catch; the server sees C's strings."""
    return _uncaught(value).partition(b"\0")[0]


def _uncaught(value: Value) -> bytes:
    if isinstance(value, Table):
        message = _get(value, b"err")
        if message.__class__ is float:
            message = _number_text(message)
        return message if message.__class__ is bytes else b"ERR unknown error"
    return b"ERR " + plain_text(value)
