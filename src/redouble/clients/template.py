"""A new client without the library's constructor, which builds the same table of callbacks for each client anew: x0.2.

The library makes the first client of a class and some arguments.  What its constructor left in it is taken apart: what
cannot change is shared by all that follow, and everything else each of them gets for itself.  Wherever something is not
known here (an argument, a kind of value, a constructor that somebody replaced), the library makes the client.
"""

from __future__ import annotations

import asyncio
import enum
import functools
import operator
import os
import secrets
import sys
import threading
from collections.abc import Callable, Iterable
from types import BuiltinFunctionType, FunctionType
from typing import Any

from redouble.clients.seams import Seam, seams_of

__all__ = ["Template", "remember", "template_key", "templates"]

_ARGUMENTS = frozenset(
    (
        *("host", "port", "unix_socket_path", "db", "username", "password", "client_name", "protocol"),
        *("encoding", "encoding_errors", "decode_responses", "legacy_responses"),
        *("socket_timeout", "socket_connect_timeout", "health_check_interval", "max_connections"),
    )
)
"""Those that are values and stay what they are."""
_VALUES = frozenset((type(None), bool, int, float, str))
_CONSTANTS = (type(None), bool, int, float, str, bytes, type, enum.Enum, FunctionType, BuiltinFunctionType)
_PACKAGES = frozenset(("redis", "valkey"))
_OURS = frozenset(("redouble.clients.construction",))
"""Where classes are made whose instances do not change."""
_MADE_ALIKE = frozenset(("EventDispatcher", "HImportRegistry"))
"""Classes of redis-py whose instances are the same when they are new."""
_KEPT = 64
"""So many templates at most, however many client names there are."""


_LOCKS: dict[type, Callable[[], Any]] = {
    type(threading.Lock()): threading.Lock,
    type(threading.RLock()): type(threading.RLock()),  # without the function around it
    asyncio.Lock: asyncio.Lock,
}
_OF_EACH: dict[Any, Callable[[], Any]] = {"pid": os.getpid, "_pool_id": functools.partial(secrets.token_hex, 4)}
"""Attributes of a pool that only look like constants."""


class Template:
    """How to make the attributes of something again that the library has just made, but for those in `without`.

    Raises LookupError if not all of them are known.

    It is a function of one line for each part, which is written here and compiled: x0.6 of a list of steps.
    """

    def __init__(self, of: Any, without: frozenset[str] = frozenset()) -> None:
        self._lines: list[str] = []
        self._names: dict[str, Any] = {"new": object.__new__}
        """What the lines refer to."""
        self._parts: dict[int, str | None] = {}
        """The names of the parts by `id`; None while a part's own parts are looked at."""
        made = self._looked_through({name: value for name, value in vars(of).items() if name not in without})
        slots = [f"made.{slot}" for slot in self._slots(of, without)]
        source = "\n    ".join(("def fill(made):", *self._lines, f"made.__dict__.update({made})", *slots))
        exec(source, self._names)
        self.fill: Callable[[Any], None] = self._names["fill"]
        """Give it what the library's constructor gives one."""
        del self._parts, self._lines

    def _looked_through(self, held: dict[Any, Any]) -> str:
        """An expression for such a dict, which is a new one."""
        kept, parts = held.copy(), []
        for name, value in held.items():
            part = self._attribute(name, value)
            if part is not None:
                kept[name] = None  # which keeps its place
                parts.append(f"{self._kept(name)}: {part}")
        if not parts:
            return f"{self._kept(kept)}.copy()"
        return f"{{**{self._kept(kept)}, {', '.join(parts)}}}"

    def _slots(self, held: Any, without: frozenset[str] = frozenset()) -> list[str]:
        """What sets the attributes of an object that are not in its `__dict__`, behind its name and a dot."""
        apart = without | {"__dict__", "__weakref__"}
        names = [name for base in type(held).__mro__ for name in vars(base).get("__slots__", ())]
        values = {name: getattr(held, name) for name in names if name not in apart and hasattr(held, name)}
        return [f"{name} = {self._attribute(name, value) or self._kept(value)}" for name, value in values.items()]

    def _attribute(self, name: Any, value: Any) -> str | None:
        """An expression for an attribute; None if it cannot change."""
        return f"{self._kept(_OF_EACH[name])}()" if name in _OF_EACH else self._part(value)

    def _part(self, value: Any) -> str | None:
        """The name of the part that a value is; None if it cannot change."""
        kind = type(value)
        if isinstance(value, _CONSTANTS) or kind is object or kind.__module__ in _OURS:
            return None
        if kind is tuple:
            self._only_constants(value)
            return None
        if id(value) not in self._parts:
            self._parts[id(value)] = None
            self._parts[id(value)] = self._taken_apart(value)
        name = self._parts[id(value)]
        if name is None:
            raise LookupError(value)  # it is within itself
        return name

    def _taken_apart(self, value: Any) -> str:
        kind: Any = type(value)
        if kind in _LOCKS:
            return self._line(f"{self._kept(_LOCKS[kind])}()")
        if kind is list:
            if all(self._part(item) is None for item in value):
                return self._line(f"{self._kept(value.copy())}.copy()")
            return self._line(f"[{', '.join(self._part(item) or self._kept(item) for item in value)}]")
        if kind is set:
            self._only_constants(value)
            return self._line(f"{self._kept(value.copy())}.copy()")
        if kind is dict:
            return self._line(self._looked_through(value))
        if kind.__module__.partition(".")[0] not in _PACKAGES:
            raise LookupError(value)
        if kind.__name__ in _MADE_ALIKE:
            return self._line(f"{self._kept(kind)}()")
        made = f"new({self._kept(kind)})"
        if kind.__name__ == "CaseInsensitiveDict":  # its constructor turns every name into capitals
            name = self._line(f"{self._kept(dict.__new__)}({self._kept(kind)})")
            self._lines.append(f"{self._kept(dict.update)}({name}, {self._kept(dict(value))})")
        elif isinstance(value, dict):
            raise LookupError(value)
        elif hasattr(value, "__dict__"):
            attributes = self._looked_through(vars(value))
            name = self._line(made)
            self._lines.append(f"{name}.__dict__ = {attributes}")
        else:
            slots = self._slots(value)
            name = self._line(made)
            self._lines.extend(f"{name}.{slot}" for slot in slots)
        return name

    def _line(self, expression: str) -> str:
        """Write a line that makes a part; the part's name."""
        name = f"part{len(self._lines)}"
        self._lines.append(f"{name} = {expression}")
        return name

    def _kept(self, value: Any) -> str:
        """The name of a value that all share."""
        name = f"kept{len(self._names)}"
        self._names[name] = value
        return name

    def _only_constants(self, values: Iterable[Any]) -> None:
        if any(self._part(value) is not None for value in values):
            raise LookupError(values)


templates: dict[Any, Template | None] = {}
"""By `template_key`; None: the library made something that is not known."""


def template_key(client: Any, arguments: dict[str, Any]) -> Any:
    """What clients must have in common to be made from one template; None if the library has to make this one."""
    kind = type(client)
    seams = _constructors(kind.library_class, kind.default_pool_class)
    if seams is None or kind.__module__.partition(".")[0] != "redouble":
        return None
    for read, owner, known in seams:
        if read(owner) != known:
            return None
    if not arguments:
        return kind
    types = list(map(type, arguments.values()))
    if not (_ARGUMENTS.issuperset(arguments) and _VALUES.issuperset(types)):
        return None
    return kind, *arguments.items(), *types  # 1 == True


def remember(key: Any, client: Any) -> None:
    """Keep what a client consists of that the library has just made."""
    if len(templates) >= _KEPT:
        templates.clear()
    try:
        templates[key] = Template(client)
    except LookupError:
        templates[key] = None


@functools.cache
def _constructors(library: Any, pool: Any) -> list[Seam] | None:
    """What makes a client and its pool, if that is the library's own."""
    module = sys.modules[library.__module__]
    seams = seams_of(library, (library, ("__init__",)), (pool, ("__init__", "reset")))
    if seams is None or module.ConnectionPool is not pool:
        return None
    names = [
        name for name in ("ConnectionPool", "get_response_callbacks", "CaseInsensitiveDict") if hasattr(module, name)
    ]
    parts = operator.attrgetter(*names)
    locks = operator.attrgetter("Lock", "RLock")  # gevent replaces them
    return [*seams, (parts, module, parts(module)), (locks, threading, locks(threading))]
