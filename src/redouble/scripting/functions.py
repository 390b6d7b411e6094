"""Libraries of functions: FUNCTION LOAD and what FCALL runs.

A library is a chunk that runs once, when it is loaded, and registers functions; they stay, with the locals that they
share.  While it runs it finds nothing but `redis`, and a `redis` of its own.  Global names are compiled to names of
Python's (see environment.py), so a name that a library must not find yet is one that Python does not find either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import TYPE_CHECKING, Any

from redouble.core.clock import real_monotonic
from redouble.core.errors import CommandError, text
from redouble.resp.parser import split_arguments
from redouble.resp.reply import Reply
from redouble.scripting.api import Api, failure_text, to_reply
from redouble.scripting.compiler import Program
from redouble.scripting.engine import (
    KNOWN_WHEN_LOADED,
    Engine,
    ScriptFailed,
    missing_global,
    needs_generators,
    read_only,
)
from redouble.scripting.lexer import LuaSyntaxError
from redouble.scripting.table import Table, array
from redouble.scripting.values import Killed, Value, format_number
from redouble.scripting.watch import Watch

if TYPE_CHECKING:
    from redouble.core.client import Client
    from redouble.core.server import Server

__all__ = ["FLAGS", "Function", "Libraries", "Library", "libraries_of"]

FLAGS = (b"no-writes", b"allow-oom", b"allow-stale", b"no-cluster", b"allow-cross-slot-keys")
LONGEST_LOAD = 0.5
"""Seconds that a library may take to load."""
CHUNK, SOURCE = b"user_function", b"@user_function"
INLINED = {
    "walk_pairs": "pairs",
    "walk_pairs_keys": "pairs",
    "walk_ipairs": "ipairs",
    "walk_ipairs_keys": "ipairs",
}
"""What the compiler writes for `pairs` at the head of a loop."""
NOT_IN_LIBRARIES = {b"breakpoint", b"debug", b"replicate_commands"}

_dict_get = dict.get


@dataclass
class Function:
    """A function that a library has registered."""

    name: bytes
    library: Library
    callback: Callable[..., Any]
    description: bytes | None = None
    flags: list[bytes] = field(default_factory=list)


@dataclass
class Library:
    name: bytes
    code: bytes
    program: Program
    functions: dict[bytes, Function] = field(default_factory=dict)


class Libraries:
    """The libraries of one server, and the engine that runs all their functions."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.texts = server.dialect.script_texts
        self.api = Api(server)
        self.watch = Watch(self.api, "FUNCTION")
        functions = {name: value for name, value in self.api.functions().items() if name not in NOT_IN_LIBRARIES}
        self.engine = Engine(self.api.features(), functions, for_libraries=True)
        self.libraries: dict[bytes, Library] = {}
        self.loading: Library | None = None
        names = self.engine.runtime.names
        paths = {name: path for path, name in self.engine.environment.names.items()}
        kept = {"G_redis", "G_server", "F_redis_log", "F_server_log"}
        self._hidden = {
            **{name: path[path[0] in (b"redis", b"server") and len(path) > 1].decode() for name, path in paths.items()},
            **INLINED,
        }
        """By Python's name, what a library that is being loaded is told it has not found."""
        for name in kept:
            self._hidden.pop(name, None)
        self._tables: dict[str, Table] = {name: names[name] for name in ("G_redis", "G_server") if name in names}
        self._library_api = read_only(
            {
                **{name: value for name, value in self.api.constants().items() if name.startswith(KNOWN_WHEN_LOADED)},
                b"log": functions[b"log"],
                b"register_function": self._register_function(),
            }
        )
        self._library_api.meta = read_only({b"__index": missing_global})

    # What there is.

    def find(self, name: bytes) -> Function | None:
        """The function that FCALL calls so, in whatever case."""
        lowered = name.lower()
        for library in self.libraries.values():
            for function in library.functions.values():
                if function.name.lower() == lowered:
                    return function
        return None

    @property
    def codes(self) -> list[bytes]:
        return [library.code for library in self.libraries.values()]

    @property
    def count(self) -> int:
        """How many functions there are."""
        return sum(len(library.functions) for library in self.libraries.values())

    @property
    def size(self) -> int:
        """Bytes of the sources."""
        return sum(map(len, self.codes)) if self.libraries else 0

    # Loading.

    def load(self, code: bytes, replace: bool = False) -> bytes:
        """FUNCTION LOAD; the library's name."""
        library = self._loaded(code, {} if replace else self.libraries, "Library '{}' already exists")
        self._join([library], replace=True)
        return library.name

    def restore(self, codes: Iterable[bytes], *, replace: bool = False, flush: bool = False) -> None:
        """Load several libraries, all or none.  `flush`: in place of those that there are."""
        loaded: dict[bytes, Library] = {}
        for code in codes:
            library = self._loaded(code, loaded, "Library '{}' already exists")
            loaded[library.name] = library
        if flush:
            self.libraries = loaded
        else:
            self._join(loaded.values(), replace)

    def _join(self, libraries: Iterable[Library], replace: bool) -> None:
        names = {library.name for library in libraries}
        for name in names:
            if name in self.libraries and not replace:
                raise CommandError(f"ERR Library {text(name)} already exists")
        kept = {name: library for name, library in self.libraries.items() if name not in names}
        taken = {name.lower() for library in kept.values() for name in library.functions}
        for library in libraries:
            for name in library.functions:
                if name.lower() in taken:
                    raise CommandError(f"ERR Function {text(name)} already exists")
        self.libraries = kept | {library.name: library for library in libraries}

    def _loaded(self, code: bytes, existing: Mapping[bytes, Library], exists: str) -> Library:
        """Run a library's code, which registers its functions."""
        name = _library_name(code)
        if name in existing:
            raise CommandError("ERR " + exists.format(text(name)))
        body = code[code.index(b"\n") :]
        try:
            program = self.engine.program(body, needs_generators(body))
        except LuaSyntaxError as error:
            raise CommandError(f"ERR Error compiling function: {text(error.text(CHUNK))}") from None
        library = Library(name, code, program)
        main = self.engine.function(program, CHUNK, SOURCE)
        message = self._run_to_load(library, main)
        if message is not None:
            if not message.startswith(self.texts.plain_load_errors):
                message = b"ERR Error registering functions: " + message
            raise CommandError(text(message))
        if not library.functions:
            raise CommandError("ERR No functions registered")
        return library

    def _run_to_load(self, library: Library, main: Callable[..., Any]) -> bytes | None:
        """The error that ended it."""
        runtime = self.engine.runtime
        names = runtime.names
        hidden = {name: names.pop(name) for name in self._hidden if name in names}
        for name in self._tables:
            names[name] = self._library_api
        end = real_monotonic() + LONGEST_LOAD

        def check() -> None:
            if real_monotonic() > end:
                raise Killed(b"ERR FUNCTION LOAD timeout")

        runtime.check = check
        self.loading = library
        try:
            self.engine.run(main, library.program)
        except ScriptFailed as failed:
            return failure_text(failed.value)
        except Killed as killed:
            return killed.message
        except NameError as error:  # one of those that are hidden
            missing = self._hidden[str(error).split("'")[1]]
            _, line = self.engine.place_of(error)
            position = f"{CHUNK.decode()}:{line}"
            return f"ERR {position}: Script attempted to access nonexistent global variable '{missing}'".encode()
        finally:
            self.loading = None
            names.update(hidden)
            names.update(self._tables)
        return None

    def _register_function(self) -> Any:
        def register_function(*values: Value) -> Value:
            library = self.loading
            name = f"{self.texts.library}.register_function"
            if library is None:
                raise self.api.complaint(f"{name} can only be called on FUNCTION LOAD command")
            function = self._function(library, name, values)
            if not re.fullmatch(rb"[A-Za-z0-9_]+", function.name):
                raise self.api.complaint(self.texts.bad_function_name)
            if function.name in library.functions:
                raise self.api.complaint("Function already exists in the library")
            library.functions[function.name] = function
            return ()

        return register_function

    def _function(self, library: Library, register: str, values: tuple[Value, ...]) -> Function:
        complaint = self.api.complaint
        if not 1 <= len(values) <= 2:
            raise complaint(f"wrong number of arguments to {register}")
        if len(values) == 2:
            name = _string(values[0])
            if name is None:
                raise complaint(f"first argument to {register} must be a string")
            if values[1].__class__ is not FunctionType:
                raise complaint(f"second argument to {register} must be a function")
            return Function(name, library, values[1])
        (arguments,) = values
        if not isinstance(arguments, Table):
            raise complaint(
                f"calling {register} with a single argument is only applicable to Lua table "
                "(representing named arguments)."
            )
        name = callback = description = None
        flags: list[bytes] = []
        for key in self.engine.runtime.order(arguments):
            value = _dict_get(arguments, key)
            if value is None:
                continue
            if key == b"function_name":
                name = _string(value)
                if name is None:
                    raise complaint(f"function_name argument given to {register} must be a string")
            elif key == b"description":
                description = _string(value)
                if description is None:
                    raise complaint(f"description argument given to {register} must be a string")
            elif key == b"callback":
                if value.__class__ is not FunctionType:
                    raise complaint(f"callback argument given to {register} must be a function")
                callback = value
            elif key == b"flags":
                if not isinstance(value, Table):
                    raise complaint(f"flags argument to {register} must be a table representing function flags")
                flags = self._flags(value)
            else:
                raise complaint(f"unknown argument given to {register}")
        if name is None:
            raise complaint(f"{register} must get a function name argument")
        if callback is None:
            raise complaint(f"{register} must get a callback argument")
        return Function(name, library, callback, description, flags)

    def _flags(self, table: Table) -> list[bytes]:
        given = set()
        at = 1.0
        while (flag := _dict_get(table, at)) is not None:
            if flag not in FLAGS:
                raise self.api.complaint("unknown flag given")
            given.add(flag)
            at += 1.0
        return [flag for flag in FLAGS if flag in given]

    # Calling.

    def call(self, client: Client, function: Function, argv: list[bytes], count: int, read_only: bool) -> Reply:
        """Run a function with the `count` keys, and the arguments behind them, that begin at `argv[3]`."""
        runtime = self.engine.runtime
        self.api.begin(client, function.flags, read_only)
        self.watch.begin(function.name, argv)
        runtime.check = self.watch.check
        program = function.library.program
        try:
            value = self.engine.run(function.callback, program, array(argv[3 : 3 + count]), array(argv[3 + count :]))
        except ScriptFailed as failed:
            told = self.api.described(text(function.name), failed.value, failed.source, failed.line)
            raise CommandError(told) from None
        except Killed as killed:
            source, line = self.engine.place_of(killed)
            raise CommandError(self.api.described(text(function.name), killed.message, source, line)) from None
        finally:
            self.watch.end()
        return to_reply(value, self.api.client.resp, runtime.order)


def libraries_of(server: Server) -> Libraries:
    """The libraries of a server, made when they are first asked for."""
    found: Libraries | None = server.functions
    if found is None:
        found = server.functions = Libraries(server)
    return found


def _string(value: Value) -> bytes | None:
    if value.__class__ is float:
        return format_number(value)
    return value if value.__class__ is bytes else None


def _library_name(code: bytes) -> bytes:
    """The name in a first line like `#!lua name=mylib`."""
    if not code.startswith(b"#!"):
        raise CommandError("ERR Missing library metadata")
    line, newline, _ = code.partition(b"\n")
    words = split_arguments(line) if newline else None
    if not words:
        raise CommandError("ERR Invalid library metadata")
    name: bytes | None = None
    for word in words[1:]:
        if word[:5].lower() != b"name=":
            raise CommandError(f"ERR Invalid metadata value given: {text(word)}")
        if name is not None:
            raise CommandError("ERR Invalid metadata value, name argument was given multiple times")
        name = word[5:]
    if name is None:
        raise CommandError("ERR Library name was not given")
    if not re.fullmatch(rb"[A-Za-z0-9_]+", name):
        raise CommandError(
            "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"
        )
    if words[0][2:].lower() != b"lua":
        raise CommandError(f"ERR Engine '{text(words[0][2:])}' not found")
    return name
