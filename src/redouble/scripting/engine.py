"""One server's Lua: its library, the scripts that it has compiled, and how one of them is run."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FunctionType, GeneratorType
from typing import Any

from redouble.scripting import environment, memory
from redouble.scripting.compiler import Program, compile_lua
from redouble.scripting.errors import LuaError, caught, innermost
from redouble.scripting.lexer import LuaSyntaxError
from redouble.scripting.runtime import MAX_DEPTH, Runtime, drive, every, readonly
from redouble.scripting.stdlib import base, bit, cjson, cmsgpack, coroutine, math, os, string, struct, table
from redouble.scripting.table import SpecialTable, Table
from redouble.scripting.values import Value
from redouble.types.lua_hash import hash_of_lua

__all__ = ["KNOWN_WHEN_LOADED", "Engine", "Features", "ScriptFailed", "needs_generators", "read_only"]

KEPT_PROGRAMS = 1024
MAX_LOADED = 4096
"""Chunks that one script may load."""
KNOWN_WHEN_LOADED = (b"LOG_", b"REDIS_VERSION", b"SERVER_NAME", b"VALKEY_VERSION")
"""How the constants begin that a library finds in `redis` while it is loaded."""
STRICT_GLOBALS = b"\n" * 7 + (
    b'local function create(_, name) error("Script attempted to create global variable \'"..tostring(name).."\'", 2) end'
    + b"\n" * 7
    + b"return create, function(_, name) "
    b'error("Script attempted to access nonexistent global variable \'"..tostring(name).."\'", 2) end'
)
"""The messages arise in the lines 8 and 15."""
_programs: dict[tuple[bytes, object, bool], Program] = {}
"""What was compiled in this process, for all servers: a new server for each test compiles nothing twice."""


@dataclass(frozen=True)
class Features:
    """What a server type and version gives its scripts."""

    string_hash: Callable[[bytes], int] = hash_of_lua
    has_os: bool = False
    array_metatable: bool = False
    """cjson.decode_array_with_array_mt"""
    constants: Mapping[bytes, Value] = field(default_factory=dict)
    """What `redis` holds besides functions."""
    order: tuple[bytes, ...] = ()
    """The names in `redis`, as it is filled."""
    grown: frozenset[bytes] = frozenset((b"redis", b"cjson", b"struct", b"bit"))
    """The libraries whose tables begin empty."""
    old_globals: bool = False
    """getfenv, setfenv, newproxy"""
    strict_globals: bool = False
    """Functions in Lua guard the global variables."""
    cmsgpack_copyright: bytes = b""
    """cmsgpack._COPYRIGHT"""
    prints: bool = False
    """print"""
    tells_errors: bool = True
    """`pcall` of an error that is a table answers its text."""
    error_handler: Callable[..., Value] | None = None
    """__redis__err__handler"""
    server_table: bool = False
    """`server`, Valkey's name for `redis`."""


class ScriptFailed(Exception):
    """An error that the script did not catch: its value, and the chunk and line where it arose."""

    def __init__(self, value: Value, source: bytes, line: int) -> None:
        super().__init__(value)
        self.value, self.source, self.line = value, source, line


class Engine:
    """`functions` are the `redis.*` of this server; `for_libraries`: what runs here are functions (FCALL), not scripts."""

    def __init__(self, features: Features, functions: Mapping[bytes, Any], *, for_libraries: bool = False) -> None:
        runtime = self.runtime = Runtime(features.string_hash)
        runtime.bottom = Engine.run.__code__
        self.generators = False
        """Whether the script that runs can use coroutines."""
        self.for_libraries = for_libraries
        self.loaded: set[str] = set()
        """What the script that runs has loaded, by the file names of its code."""
        known = {**functions, **features.constants}
        redis = {name: known[name] for name in features.order if name in known}
        libraries: dict[bytes, dict[bytes, Value]] = {
            b"string": string.library(runtime),
            b"table": table.library(runtime),
            b"math": math.library(),
            b"bit": bit.library(),
            b"struct": struct.library(),
            b"cjson": {**cjson.library(runtime, features.array_metatable), **cjson.CONSTANTS},
            b"cmsgpack": {
                **cmsgpack.library(runtime),
                **cmsgpack.CONSTANTS,
                b"_COPYRIGHT": features.cmsgpack_copyright,
            },
            b"coroutine": coroutine.library(runtime),
            b"redis": redis,
        }
        if features.has_os:
            libraries[b"os"] = os.library()
        if features.server_table:
            libraries[b"server"] = redis
        functions_ = base.library(runtime, self.load)
        if features.old_globals:
            functions_ |= base.old_functions(lambda: self.globals)
        if features.prints:
            functions_[b"print"] = base.printing(runtime)
        if not features.tells_errors:
            functions_[b"pcall"] = base.plain_pcall(runtime)
        if not for_libraries:
            functions_[b"__redis__err__handler"] = features.error_handler
            if features.server_table:
                functions_[b"__server__err__handler"] = features.error_handler
        tables = {
            name: read_only(entries, sized=name not in features.grown)
            for name, entries in libraries.items()
            if name != b"server"
        }
        if features.server_table:
            tables[b"server"] = tables[b"redis"]
        runtime.strings = tables[b"string"]
        runtime.string_meta = read_only({b"__index": tables[b"string"]})
        self.globals = Table({**functions_, **tables, b"_VERSION": b"Lua 5.1"})
        dict.__setitem__(self.globals, b"_G", self.globals)
        self.globals.__class__ = SpecialTable
        self.globals.meta = read_only({b"__index": missing_global})
        self.globals.read_only = True
        self._name(functions_, libraries, tables, for_libraries)
        if features.strict_globals:
            self._guard_globals()

    def _name(
        self,
        functions: Mapping[bytes, Value],
        libraries: Mapping[bytes, Any],
        tables: Mapping[bytes, Table],
        for_libraries: bool,
    ) -> None:
        """Tell the compiler what there is, and give the compiled code the same names."""
        paths: dict[tuple[bytes, ...], Value] = {(name,): value for name, value in functions.items()}
        for library, entries in libraries.items():
            paths.update({(library, name): value for name, value in entries.items()})
        constants = {path: value for path, value in paths.items() if value.__class__ in (float, bytes)}
        constants[b"_VERSION",] = b"Lua 5.1"
        variables: list[tuple[bytes, ...]] = [(b"KEYS",), (b"ARGV",)]
        if for_libraries:
            # What a library may not use while it is loaded is looked up when the code runs.
            self.runtime.names["G__VERSION"] = constants[b"_VERSION",]
            variables = [(b"_VERSION",)]
            constants = {path: value for path, value in constants.items() if path[-1].startswith(KNOWN_WHEN_LOADED)}
        natives = {path: value for path, value in paths.items() if value.__class__ is FunctionType}
        named = {(name,): table for name, table in tables.items()} | {(b"_G",): self.globals}
        self.environment = environment.environment(
            frozenset(natives), frozenset([*named, *variables]), frozenset(constants.items())
        )
        names = self.runtime.names
        for path, function in natives.items():
            if path in self.environment.natives:
                names[self.environment.natives[path].python_name] = function
        for path, table_ in named.items():
            names[self.environment.names[path]] = table_
        # The libraries whose functions have no name of their own are reached through their tables.

    def _guard_globals(self) -> None:
        """Unknown global variables are met by functions in Lua, which an error names as the place where it arose."""
        chunk = self.load(STRICT_GLOBALS, b"@enable_strict_lua")
        create, access = chunk()

        def readonly_(name: bytes) -> None:
            if name in self.globals:
                readonly(name)
            create(None, name)

        self.globals.meta = read_only({b"__index": access, b"__newindex": create})
        self.runtime.names.update(readonly=readonly_, nonexistent=lambda name: access(None, name))

    def program(self, source: bytes, generators: bool, name: bytes | None = None) -> Program:
        """The compiled form of a chunk; raises LuaSyntaxError.  One that a script loads has a name, which messages tell,
        and takes its time and memory from the script."""
        digest = hashlib.sha1(source if name is None else name + b"\0" + source).digest()
        key = (digest, self.environment, generators)
        program = _programs.get(key)
        if program is None:
            filename = f"<lua {digest.hex()}{' generators' if generators else ''} {id(self.environment)}>"
            if name is None:
                memory.begin()
            check = memory.check if name is None else self.runtime.refill
            program = compile_lua(source, filename, self.environment, check, generators=generators)
            if len(_programs) >= KEPT_PROGRAMS:
                _programs.clear()
            _programs[key] = program
        return program

    def function(self, program: Program, chunk: bytes, source: bytes) -> Callable[..., Any]:
        """The chunk as a function of this server's."""
        names = self.runtime.names
        self.runtime.chunks[program.filename] = (chunk, program.lines, source)
        exec(program.code, names)
        main: Callable[..., Any] = names.pop("main")
        return main

    def load(self, source: bytes, name: bytes) -> Value:
        """`loadstring`."""
        chunk = base.chunk_id(name)
        if len(self.loaded) >= MAX_LOADED:
            raise LuaError(b"not enough memory", 0)
        self.runtime.refill()  # to compile takes longer than all that else is one step
        try:
            program = self.program(source, self.generators, name)
            self.loaded.add(program.filename)
            self.runtime.recursive = self.runtime.recursive or program.recursive
            return self.function(program, chunk, name)
        except LuaSyntaxError as error:
            raise LuaError(error.text(base.chunk_id(name, 80)), 0) from None

    def run(self, main: Callable[..., Any], program: Program, *arguments: Value) -> Value:
        """Run a chunk, or a function of it; its first result.  Raises ScriptFailed."""
        runtime = self.runtime
        runtime.depth = 1
        runtime.current = None
        runtime.recursive = program.recursive
        self.generators = program.generators
        self.loaded.clear()
        memory.begin()
        limit = 0
        if _DEEP and (program.recursive or program.generators):
            limit = sys.getrecursionlimit()
            sys.setrecursionlimit(limit + 5 * MAX_DEPTH)
        runtime.start()
        try:
            result = main(*arguments)
            if result.__class__ is GeneratorType:
                result = drive(result)
            if result.__class__ is tuple:
                result = every(result)
                result = result[0] if result else None
            return result
        except (LuaError, RecursionError, MemoryError) as error:
            source, line = innermost(error.__traceback__)
            value = caught(error)
            if isinstance(value, Table) and value.meta is not None and dict.get(value.meta, b"__newindex") is not None:
                source = b""  # the server writes it into the table, but a metamethod takes it
            raise ScriptFailed(value, source, line) from None
        finally:
            if limit:
                sys.setrecursionlimit(limit)
            if not self.for_libraries:  # whose functions may keep what they have loaded
                for filename in self.loaded:
                    self.runtime.chunks.pop(filename, None)

    @staticmethod
    def place_of(error: BaseException) -> tuple[bytes, int]:
        """The chunk and the line that an exception ended."""
        return innermost(error.__traceback__)


_DEEP = sys.implementation.name == "cpython" and sys.version_info >= (3, 12)
"""Whether a call from Python to Python takes none of C's stack."""


def needs_generators(source: bytes) -> bool:
    """Whether coroutines may run in this chunk: under their own name, or one that is only known when it runs."""
    return b"coroutine" in source or b"_G" in source or b"load" in source


def read_only(entries: Mapping[bytes, Value], *, sized: bool = True) -> Table:
    """A table that nobody changes; `sized`: it began with room for all `entries`, which is seen by `pairs`."""
    table = Table(entries)
    table.sizes = (0, len(entries) if sized else 0)
    table.__class__ = SpecialTable
    table.read_only = True
    return table


def missing_global(_: Value = None, name: Value = None, *rest: Value) -> Value:
    text = name if name.__class__ is bytes else b"?"
    raise LuaError(b"Script attempted to access nonexistent global variable '%s'" % text)
