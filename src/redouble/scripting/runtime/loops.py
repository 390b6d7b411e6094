"""The budget of a script, and loops, which spend it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat
from types import CodeType
from typing import Any

from redouble.scripting import memory
from redouble.scripting.errors import BOUNDARIES, ArgumentError, LuaError, Slow, is_piece
from redouble.scripting.runtime.operators import Operators
from redouble.scripting.stdlib.arguments import MISSING
from redouble.scripting.table import Table, order
from redouble.scripting.values import Value, to_number, type_name

__all__ = ["MAX_DEPTH", "Loops"]

MAX_DEPTH = 19_999
"""Calls of Lua functions within each other; LUAI_MAXCALLS."""
STEPS = 4096
"""So many loop turns and calls pass between two looks at the clock."""

_get = dict.get


class Loops(Operators):
    """The loops of a script, each turn of which is a step."""

    def __init__(self, string_hash: Callable[[bytes], int]) -> None:
        super().__init__(string_hash)
        self.check: Callable[[], None] = lambda: None
        """Called every few thousand steps; may raise `Killed`."""
        self.names: dict[str, Any] = {"__builtins__": {}, "__name__": "lua", "TICKS": repeat(None, STEPS)}
        self.spent = 0
        self.recursive = False
        """Whether the running script has functions that may call each other."""
        self.bottom: CodeType | None = None
        """The Python function that runs a script."""

    def refill(self) -> None:
        """Some thousand steps were made: may the script go on?"""
        steps = STEPS
        if self.recursive:
            # Whoever goes deeper makes steps, so it is enough to look before that many were made.
            depth = self.stack_depth()
            if depth >= MAX_DEPTH:
                raise LuaError(b"stack overflow", 2)
            steps = min(STEPS, MAX_DEPTH - depth)
        self.names["TICKS"] = repeat(None, steps)
        self.spent = 0
        memory.check()
        self.check()

    def start(self) -> None:
        """A script begins, with a fresh budget."""
        self.names["TICKS"] = repeat(None, STEPS)
        self.spent = 0

    def stack_depth(self) -> int:
        """How many functions are running, each called by the one before it."""
        try:
            raise Slow
        except Slow as here:
            frame = here.__traceback__.tb_frame.f_back  # type: ignore[union-attr]
        depth, names, bottom = 0, self.names, self.bottom
        while frame is not None:
            code = frame.f_code
            if code is bottom:
                break
            if (frame.f_globals is names and not is_piece(code)) or code in BOUNDARIES:
                depth += 1
            frame = frame.f_back
        return depth

    def spend(self, steps: int = 1) -> None:
        """Count the steps of a function of the library."""
        self.spent += steps
        if self.spent >= STEPS:
            self.refill()

    def counted(self, start: Value, limit: Value, step: Value = 1.0) -> Iterable[float]:
        """The numbers of `for i = start, limit, step`."""
        if start.__class__ is not float or limit.__class__ is not float or step.__class__ is not float:
            start = for_number(start, b"initial value")
            limit = for_number(limit, b"limit")
            step = for_number(step, b"step")
        if start.is_integer() and step.is_integer() and step and abs(start) < 2**53 and abs(step) < 2**53:
            limit = min(max(limit, -(2.0**53)), 2.0**53) if limit == limit else start - step
            numbers = range(int(start), math.floor(limit) + 1 if step > 0 else math.ceil(limit) - 1, int(step))
            if len(numbers) <= STEPS:
                self.spend(len(numbers) + 1)
                return map(float, numbers)
            return chain.from_iterable(self.in_chunks(numbers))
        return self.added_up(start, limit, step)

    def in_chunks(self, numbers: range) -> Iterator[Iterable[float]]:
        for at in range(0, len(numbers), STEPS):
            self.refill()
            yield map(float, numbers[at : at + STEPS])

    def added_up(self, start: float, limit: float, step: float) -> Iterator[float]:
        number = start - step + step  # as Lua begins: from 0.1 in steps of 1 that is not 0.1
        while number <= limit if step > 0 else number >= limit:
            self.spend()
            yield number
            number += step

    def walk_pairs(self, table: Value = MISSING, *_: Value) -> Iterator[tuple[Value, Value]]:
        keys = self.keys_to_walk(table, "pairs")
        return ((key, value) for key in keys if (value := _get(table, key)) is not None)

    def walk_pairs_keys(self, table: Value = MISSING, *_: Value) -> Iterator[Value]:
        keys = self.keys_to_walk(table, "pairs")
        return (key for key in keys if _get(table, key) is not None)

    def keys_to_walk(self, table: Value, name: str) -> list[Value]:
        if not isinstance(table, Table):
            got = "no value" if table is MISSING else type_name(table)
            raise ArgumentError(1, f"table expected, got {got}", name.encode())
        keys = order(table, self.string_hash)
        self.spend(len(keys) + 1)
        return keys

    def walk_ipairs(self, table: Value = MISSING, *_: Value) -> Iterator[tuple[Value, Value]]:
        if not isinstance(table, Table):
            self.keys_to_walk(table, "ipairs")
        return self.items_to_walk(table)

    def walk_ipairs_keys(self, table: Value = MISSING, *_: Value) -> Iterator[Value]:
        if not isinstance(table, Table):
            self.keys_to_walk(table, "ipairs")
        return (key for key, _ in self.items_to_walk(table))

    def items_to_walk(self, table: Table) -> Iterator[tuple[Value, Value]]:
        self.spend(len(table) + 1)
        at = 1.0
        while (value := _get(table, at)) is not None:
            yield at, value
            at += 1.0


def for_number(value: Value, what: bytes) -> float:
    number = to_number(value)
    if number is None:
        raise LuaError(b"'for' %s must be a number" % what)
    return number
