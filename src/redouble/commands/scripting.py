"""EVAL and SCRIPT.  The language is in `redouble.scripting`; here is what a server does with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from redouble.core.arguments import integer
from redouble.core.client import Client
from redouble.core.command import Argv, command, container
from redouble.core.errors import CommandError, text
from redouble.core.server import Server
from redouble.core.stopwatch import timed
from redouble.resp.reply import OK, Reply
from redouble.scripting.api import Api
from redouble.scripting.compiler import Program
from redouble.scripting.engine import Engine, ScriptFailed, needs_generators
from redouble.scripting.functions import FLAGS
from redouble.scripting.lexer import LuaSyntaxError
from redouble.scripting.redis6 import Redis6Api
from redouble.scripting.table import array
from redouble.scripting.values import Killed
from redouble.scripting.watch import Watch, kill


class Script:
    """A script that the server knows."""

    __slots__ = ("digest", "flags", "main", "program", "source")

    def __init__(self, source: bytes, digest: str, flags: frozenset[bytes] | None) -> None:
        self.source = source
        self.digest = digest
        self.flags = flags
        """None: it has no shebang, and may do whatever its commands may."""
        self.program: Program | None = None
        self.main: Callable[..., Any] | None = None


class Scripting:
    """The scripts of one server, and the engine that runs them."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.api = Redis6Api(server) if server.dialect.script_errors_are_texts else Api(server)
        self.watch = Watch(self.api, "SCRIPT")
        self.engine = Engine(self.api.features(), self.api.functions())
        self.engine.runtime.check = self.watch.check
        if isinstance(self.api, Redis6Api):
            self.api.seed = self.engine.globals[b"math"][b"randomseed"]
        self.scripts: dict[bytes, Script] = {}
        """By the digest of their source."""
        self.by_source: dict[bytes, Script] = {}
        self.last: Script | None = None
        """The one that EVAL ran last."""
        self.size = 0
        """Bytes of their sources."""

    def define(self, source: bytes) -> Script:
        """The script with this source; compiled if it is new."""
        last = self.last
        if last is not None and last.source == source:  # to look up a long source takes longer: x0.1
            return last
        script = self.by_source.get(source)
        if script is None:
            digest = hashlib.sha1(source).hexdigest()
            script = Script(source, digest, _shebang_flags(self.server, source))
            body = source[source.index(b"\n") :] if script.flags is not None else source
            wrapped = self.server.dialect.scripts_are_functions
            if wrapped:  # which is seen in what the compiler complains of
                body = b"return function() " + body + b"\nend"
            try:
                script.program = self.engine.program(body, needs_generators(body))
            except LuaSyntaxError as error:
                message = error.text(b"user_script").decode("utf-8", "surrogateescape")
                raise CommandError(f"ERR Error compiling script (new function): {message}") from None
            script.main = self.engine.function(script.program, b"user_script", b"@user_script")
            if wrapped:
                script.main = self.engine.run(script.main, script.program)
            self.scripts[digest.encode()] = self.by_source[source] = script
            self.size += len(source)
        self.last = script
        return script

    def find(self, digest: bytes) -> Script | None:
        """The script with this digest, in whatever case."""
        return self.scripts.get(digest) or self.scripts.get(digest.lower())

    def run(self, client: Client, script: Script, argv: Argv, count: int, read_only: bool) -> Reply:
        """Run a script with the `count` keys, and the arguments behind them, that begin at `argv[3]`."""
        api, engine = self.api, self.engine
        api.begin(client, script.flags, read_only)
        self.watch.begin(b"", argv)
        names = engine.runtime.names
        names["G_KEYS"] = keys = array(argv[3 : 3 + count])
        names["G_ARGV"] = arguments = array(argv[3 + count :])
        globals_ = engine.globals
        dict.__setitem__(globals_, b"KEYS", keys)
        dict.__setitem__(globals_, b"ARGV", arguments)
        assert script.main is not None
        assert script.program is not None
        try:
            value = engine.run(script.main, script.program)
        except ScriptFailed as failed:
            raise CommandError(api.described(script.digest, failed.value, failed.source, failed.line)) from None
        except Killed as killed:
            source, line = engine.place_of(killed)
            raise CommandError(api.described(script.digest, killed.message, source, line)) from None
        finally:
            if self.watch.first_look:
                self.watch.end()
        try:
            return api.to_reply(value, api.client.resp, engine.runtime.order)
        except RecursionError:  # whoever calls us has used most of Python's stack
            raise CommandError("ERR reached lua stack limit") from None


def scripting_of(server: Server) -> Scripting:
    """The scripting of a server, made when it is first asked for."""
    found: Scripting | None = server.scripting
    if found is None:
        found = server.scripting = Scripting(server)
    return found


def _shebang_flags(server: Server, source: bytes) -> frozenset[bytes] | None:
    """The flags in a first line like `#!lua flags=no-writes,allow-oom`; None where there is no such line."""
    if not source.startswith(b"#!") or not server.dialect.scripts_have_flags:
        return None
    line, newline, _ = source.partition(b"\n")
    if not newline:
        raise CommandError("ERR Invalid script shebang")
    words = line.split(b" ")
    if words[0] != b"#!lua":
        raise CommandError(server.dialect.script_texts.unknown_engine.format(text(words[0][2:])))
    flags: set[bytes] = set()
    for word in filter(None, words[1:]):
        if not word.startswith(b"flags="):
            raise CommandError(f"ERR Unknown lua shebang option: {text(word)}")
        for flag in word[6:].split(b",") if len(word) > 6 else ():
            if flag not in FLAGS:
                raise CommandError(f"ERR Unexpected flag in script shebang: {text(flag)}")
            flags.add(flag)
    return frozenset(flags)


def _flags_of_source(server: Server, argv: Argv) -> frozenset[bytes] | None:
    """The flags of the script that EVAL would run."""
    try:
        return _shebang_flags(server, argv[1])
    except CommandError:  # which it is going to say itself
        return None


def _flags_of_known(server: Server, argv: Argv) -> frozenset[bytes] | None:
    script = scripting_of(server).find(argv[1])
    return None if script is None else script.flags


def key_count(argv: Argv) -> int:
    """The number of keys, in `argv[2]`."""
    count = integer(argv[2])
    if count > len(argv) - 3:
        raise CommandError("ERR Number of keys can't be greater than number of args")
    if count < 0:
        raise CommandError("ERR Number of keys can't be negative")
    return count


def _run(client: Client, argv: Argv, read_only: bool) -> Reply:
    count = key_count(argv)
    scripting = client.server.scripting or scripting_of(client.server)
    return scripting.run(client, scripting.define(argv[1]), argv, count, read_only)


def _run_known(client: Client, argv: Argv, read_only: bool) -> Reply:
    scripting = scripting_of(client.server)
    if len(argv[1]) != 40:
        _known(scripting, b"")
    count = key_count(argv)
    return scripting.run(client, _known(scripting, argv[1]), argv, count, read_only)


_EVAL = "noscript skip_monitor movablekeys stale@7.0.0 no_mandatory_keys@7.0.0"


@command(
    "EVAL script numkeys [key [key ...]] [arg [arg ...]]",
    flags=f"may_replicate {_EVAL}",
    since="2.6.0",
    arity=-3,
    script_flags=_flags_of_source,
)
@timed
def eval_(client: Client, argv: Argv) -> Reply:
    """Execute a server-side Lua script."""
    return _run(client, argv, read_only=False)


@command(
    "EVAL_RO script numkeys [key [key ...]] [arg [arg ...]]",
    flags=f"readonly {_EVAL}",
    since="7.0.0",
    arity=-3,
    script_flags=_flags_of_source,
)
@timed
def eval_ro(client: Client, argv: Argv) -> Reply:
    """Execute a read-only server-side Lua script."""
    return _run(client, argv, read_only=True)


@command(
    "EVALSHA sha1 numkeys [key [key ...]] [arg [arg ...]]",
    flags=f"may_replicate {_EVAL}",
    since="2.6.0",
    arity=-3,
    script_flags=_flags_of_known,
)
@timed
def evalsha(client: Client, argv: Argv) -> Reply:
    """Execute a server-side Lua script that the server knows."""
    return _run_known(client, argv, read_only=False)


@command(
    "EVALSHA_RO sha1 numkeys [key [key ...]] [arg [arg ...]]",
    flags=f"readonly {_EVAL}",
    since="7.0.0",
    arity=-3,
    script_flags=_flags_of_known,
)
@timed
def evalsha_ro(client: Client, argv: Argv) -> Reply:
    """Execute a read-only server-side Lua script that the server knows."""
    return _run_known(client, argv, read_only=True)


def _known(scripting: Scripting, digest: bytes) -> Script:
    script = scripting.find(digest)
    if script is None:
        raise CommandError(scripting.server.dialect.script_texts.no_script)
    return script


container("SCRIPT", since="2.6.0")


@command("SCRIPT LOAD script", flags="noscript stale", since="2.6.0")
def script_load(client: Client, argv: Argv) -> Reply:
    """Load a script into the scripts cache without executing it."""
    return scripting_of(client.server).define(argv[2]).digest.encode()


@command("SCRIPT EXISTS sha1 [sha1 ...]", flags="noscript stale@valkey=9.0.0", since="2.6.0")
def script_exists(client: Client, argv: Argv) -> Reply:
    """Tell of each script whether the server knows it."""
    scripts = scripting_of(client.server).scripts
    return [int(digest in scripts or digest.lower() in scripts) for digest in argv[2:]]


# Before 7.0 the container's arity was enough.
command("SCRIPT EXISTS sha1 [sha1 ...]", flags="noscript", since="2.6.0", until="7.0.0", arity=-2)(script_exists)


@command(
    "SCRIPT FLUSH [ASYNC|SYNC]",
    flags="noscript stale@valkey=9.0.0",
    since="2.6.0",
    since_option={"ASYNC": "6.2.0", "SYNC": "6.2.0"},
)
def script_flush(client: Client, argv: Argv) -> Reply:
    """Forget all scripts."""
    if len(argv) > 3 or (len(argv) == 3 and argv[2].upper() not in (b"ASYNC", b"SYNC")):
        raise CommandError("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
    client.server.scripting = None
    return OK


@command("SCRIPT KILL", flags="noscript allow_busy", since="2.6.0")
def script_kill(client: Client, argv: Argv) -> Reply:
    """End the script that is running, if it has not written anything yet."""
    kill(client.server, "SCRIPT")
    return OK


@command("SCRIPT DEBUG <YES | SYNC | NO> [engine]", flags="noscript", since="3.2.0")
def script_debug(client: Client, argv: Argv) -> Reply:
    """Let the next script run in a debugger, which there is none of, or not."""
    server = client.server
    if len(argv) > 3 and argv[3].upper() != b"LUA":
        raise CommandError(f"ERR No scripting engine found with name '{text(argv[3])}' to enable debug")
    if client.deny_blocking:
        raise CommandError("ERR SCRIPT DEBUG must be called outside a pipeline")
    word = argv[2].upper()
    if word not in (b"YES", b"SYNC", b"NO"):
        raise CommandError(server.dialect.script_debug_words)
    return OK


command("SCRIPT DEBUG <YES | SYNC | NO>", flags="noscript", since="3.2.0", until="valkey=9.0.0")(script_debug)


@command("SCRIPT SHOW sha1", flags="noscript stale@valkey=9.0.0", since="valkey=8.0.0")
def script_show(client: Client, argv: Argv) -> Reply:
    """Show the source of a script."""
    return _known(scripting_of(client.server), argv[2]).source
