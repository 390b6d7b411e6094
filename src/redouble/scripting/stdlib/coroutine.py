"""`coroutine`.  A script that may use it is compiled so that each of its functions is a Python generator, which can stop
anywhere; no thread is needed, and a coroutine that nobody resumes again is simply forgotten."""

from __future__ import annotations

from collections.abc import Generator
from types import FunctionType, GeneratorType
from typing import Any

from redouble.scripting.errors import BOTTOMS, BOUNDARIES, ArgumentError, LuaError, caught
from redouble.scripting.runtime import MAX_C_DEPTH, Runtime, every_g
from redouble.scripting.stdlib.arguments import MISSING
from redouble.scripting.values import FALSE, TRUE, Coroutine, Function, Value, format_number

__all__ = ["library"]


def library(runtime: Runtime) -> dict[bytes, Any]:
    def create(function: Value = MISSING, *_: Value) -> Value:
        if function.__class__ is not FunctionType or function.__module__ != "lua":
            raise ArgumentError(1, "Lua function expected")
        return Coroutine(function)

    def resume(coroutine: Value = MISSING, *values: Value) -> Value:
        if coroutine.__class__ is not Coroutine:
            raise ArgumentError(1, "coroutine expected")
        done, results = resumed(coroutine, values)
        return (TRUE if done else FALSE, *results)

    def resumed(coroutine: Coroutine, values: tuple[Value, ...]) -> tuple[bool, tuple[Value, ...]]:
        if coroutine.status != b"suspended":
            return False, (b"cannot resume %s coroutine" % describe(coroutine),)
        if runtime.depth >= MAX_C_DEPTH:
            return False, (b"C stack overflow",)
        outer, depth = runtime.current, runtime.depth
        runtime.depth += 1
        runtime.current = coroutine
        coroutine.status = b"running"
        if outer is not None:
            outer.status = b"normal"
        try:
            if coroutine.generator is None:
                coroutine.generator = _body(coroutine.function, values)
                results = next(coroutine.generator)
            else:
                results = coroutine.generator.send(values)
            coroutine.status = b"suspended"
            return True, results
        except StopIteration as stop:
            coroutine.status = b"dead"
            return True, stop.value if stop.value.__class__ is tuple else (stop.value,)
        except (LuaError, RecursionError, MemoryError) as error:
            coroutine.status = b"dead"
            return False, (caught(error),)
        finally:
            runtime.current, runtime.depth = outer, depth
            if outer is not None:
                outer.status = b"running"

    def describe(coroutine: Coroutine) -> bytes:
        return b"dead" if coroutine.status == b"dead" else coroutine.status

    def running(*_: Value) -> Value:
        return runtime.current

    def status(coroutine: Value = MISSING, *_: Value) -> Value:
        if coroutine.__class__ is not Coroutine:
            raise ArgumentError(1, "coroutine expected")
        return coroutine.status

    def wrap(function: Value = MISSING, *_: Value) -> Value:
        coroutine = create(function)

        def wrapped(*values: Value) -> Value:
            done, results = resumed(coroutine, values)
            if not done:
                value = results[0]
                raise LuaError(format_number(value) if value.__class__ is float else value)
            return results[0] if len(results) == 1 else results

        return wrapped

    return {
        b"create": create, b"resume": resume, b"running": running, b"status": status, b"wrap": wrap,
        b"yield": yield_,
    }  # fmt: skip


def yield_(*values: Value) -> Generator[tuple[Value, ...], tuple[Value, ...], tuple[Value, ...]]:
    """The caller, a generator itself, goes on with what this yields and at last returns."""
    return (yield values)


def _body(function: Function, values: tuple[Value, ...]) -> Generator[Any, Any, Any]:
    result = function(*values)
    if result.__class__ is GeneratorType:
        result = yield from result
    if result.__class__ is tuple:
        result = yield from every_g(result)
    return result


BOUNDARIES.add(_body.__code__)
BOTTOMS.add(_body.__code__)
