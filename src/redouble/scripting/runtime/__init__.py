"""What the compiled code of scripts calls: everything that is not an operator of Python's.

A `Runtime` belongs to one server.  `names` is the namespace in which all its scripts run: it has no builtins, and nothing
in it leads to anything of Python's, for compiled code never asks for an attribute.

    calls.py      from the library, of metamethods, tail calls
    tables.py     indexing, constructors
    operators.py  arithmetic, comparison, `..`
    loops.py      the budget of a script, and the loops that spend it
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import GeneratorType

from redouble.scripting.errors import Slow
from redouble.scripting.runtime.calls import MAX_C_DEPTH, adjust, drive, every, every_g, first, first_g, first_of
from redouble.scripting.runtime.loops import MAX_DEPTH, Loops
from redouble.scripting.runtime.operators import modulo, raised, truth
from redouble.scripting.runtime.tables import (
    argument_table,
    build,
    extended,
    nonexistent,
    readonly,
)
from redouble.scripting.table import Table
from redouble.scripting.values import FALSE, TRUE, Coroutine, Value, plain_text
from redouble.types.lua_hash import hash_of_lua

__all__ = [
    "MAX_C_DEPTH",
    "MAX_DEPTH",
    "Runtime",
    "drive",
    "every",
    "every_g",
    "first_of",
    "raised",
    "readonly",
    "truth",
]

BREAK = object()
"""What a piece of a function answers that leaves the loop around it."""


class Runtime(Loops):
    """All of it: loops stand on operators, those on tables, those on calls."""

    def __init__(self, string_hash: Callable[[bytes], int] = hash_of_lua) -> None:
        super().__init__(string_hash)
        self.current: Coroutine | None = None
        self.chunks: dict[str, tuple[bytes, list[int], bytes]] = {}
        """By the file name of its code: how messages call a chunk, the Lua line of each Python line, and its source."""
        self.names.update(
            CHUNKS=self.chunks,
            TRUE=TRUE, FALSE=FALSE, INFINITY=math.inf, Table=Table, SLOW=Slow, TypeError=TypeError, BREAK=BREAK,
            ERRORS=(TypeError, ZeroDivisionError, OverflowError, ValueError), tuple=tuple, generator=GeneratorType,
            index=self.index, method=self.method, store=self.store, readonly=readonly, nonexistent=nonexistent,
            add=self.add, sub=self.sub, mul=self.mul, div=self.div, mod=self.mod, power=self.power, unm=self.unm,
            modulo=modulo, raised=raised, concat=self.concat, concatenate=self.concatenate, length=self.length,
            lt=self.lt, le=self.le, gt=self.gt, ge=self.ge, equal=self.equal, uncallable=self.uncallable,
            tail=self.tail, tail_g=self.tail_g, first=first, every=every, first_g=first_g, every_g=every_g,
            adjust=adjust, build=build, build_without_nil=self.build_without_nil, build_from_pairs=self.build_from_pairs,
            extended=extended, argument_table=argument_table, counted=self.counted, walk_pairs=self.walk_pairs,
            walk_ipairs=self.walk_ipairs, walk_pairs_keys=self.walk_pairs_keys,
            walk_ipairs_keys=self.walk_ipairs_keys, refill=self.refill,
        )  # fmt: skip

    def to_text(self, value: Value) -> Value:
        """`tostring`."""
        handler = self.metamethod(value, b"__tostring")
        return plain_text(value) if handler is None else first_of(self.call(handler, value))
