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
from typing import Any, TypeAlias

from redouble.clients.seams import Seam, intact, seams_of

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
"""So many templates and connectors at most, however many client names there are."""


Holes: TypeAlias = "list[tuple[Any, int]]"
"""Where in a part others belong, and the numbers of those."""

_LOCKS: dict[type, Callable[[], Any]] = {
    type(threading.Lock()): threading.Lock,
    type(threading.RLock()): type(threading.RLock()),  # without the function around it
    asyncio.Lock: asyncio.Lock,
}
_OF_EACH: dict[Any, Callable[[], Any]] = {"pid": os.getpid, "_pool_id": functools.partial(secrets.token_hex, 4)}
"""Attributes of a pool that only look like constants."""


class Template:
    """What the attributes of something consist of that the library has just made, but for those in `without`.

    Raises LookupError if not all of them are known.
    """

    def __init__(self, of: Any, without: frozenset[str] = frozenset()) -> None:
        self._makers: list[Callable[[], Any]] = []
        """What makes each part that may change."""
        self._whole: list[tuple[int, Holes, Callable[[Any], Any] | None]] = []
        """Parts of which others are parts, those of their own first; and what makes an object of a dict of attributes."""
        self._numbers: dict[int, int | None] = {}
        """By `id`; None while its own parts are looked at."""
        self._attributes, self._holes = self._looked_through(_without(vars(of), without))
        self._slots, self._slot_holes = self._looked_through(_without(_slots_of(of), without))
        self._numbers.clear()

    def fill(self, made: Any) -> None:
        """Give it what the library's constructor gives one."""
        parts = [make() for make in self._makers]
        for at, holes, finish in self._whole:
            part = parts[at]
            for place, number in holes:
                part[place] = parts[number]
            if finish is not None:
                parts[at] = finish(part)
        attributes = made.__dict__
        attributes.update(self._attributes)
        for name, number in self._holes:
            attributes[name] = parts[number]
        for name, value in self._slots.items():
            setattr(made, name, value)
        for name, number in self._slot_holes:
            setattr(made, name, parts[number])

    def _looked_through(self, held: dict[Any, Any]) -> tuple[dict[Any, Any], Holes]:
        """A dict with holes for what may change."""
        kept, holes = dict(held), []
        for name, value in held.items():
            number = self._add(_OF_EACH[name]) if name in _OF_EACH else self._number(value)
            if number is not None:
                kept[name] = None
                holes.append((name, number))
        return kept, holes

    def _number(self, value: Any) -> int | None:
        """The part that a value is; None if it cannot change."""
        kind = type(value)
        if isinstance(value, _CONSTANTS) or kind is object or kind.__module__ in _OURS:
            return None
        if kind is tuple:
            self._only_constants(value)
            return None
        if id(value) not in self._numbers:
            self._numbers[id(value)] = None
            self._numbers[id(value)] = self._take_apart(value)
        number = self._numbers[id(value)]
        if number is None:
            raise LookupError(value)  # it is within itself
        return number

    def _take_apart(self, value: Any) -> int:
        kind: Any = type(value)
        if kind in _LOCKS:
            return self._add(_LOCKS[kind])
        if kind is list:
            numbers = list(map(self._number, value))
            return self._add(
                list(value).copy, [(at, number) for at, number in enumerate(numbers) if number is not None]
            )
        if kind is set:
            self._only_constants(value)
            return self._add(set(value).copy)
        if kind is dict:
            kept, holes = self._looked_through(value)
            return self._add(kept.copy, holes)
        if kind.__module__.partition(".")[0] not in _PACKAGES:
            raise LookupError(value)
        if kind.__name__ in _MADE_ALIKE:
            return self._add(kind)
        if kind.__name__ == "CaseInsensitiveDict":  # its constructor turns every name into capitals
            return self._add(functools.partial(_callbacks, kind, dict(value)))
        if isinstance(value, dict):
            raise LookupError(value)
        has_dict = hasattr(value, "__dict__")
        kept, holes = self._looked_through(vars(value) if has_dict else _slots_of(value))
        return self._add(kept.copy, holes, functools.partial(_object if has_dict else _slotted, kind))

    def _add(
        self, make: Callable[[], Any], holes: Holes | None = None, finish: Callable[[Any], Any] | None = None
    ) -> int:
        self._makers.append(make)
        number = len(self._makers) - 1
        if holes or finish is not None:
            self._whole.append((number, holes or [], finish))
        return number

    def _only_constants(self, values: Iterable[Any]) -> None:
        if any(self._number(value) is not None for value in values):
            raise LookupError(values)


def _without(attributes: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if name not in names}


def _slots_of(value: Any) -> dict[str, Any]:
    """The attributes of an object that are not in its `__dict__`."""
    names = [name for base in type(value).__mro__ for name in vars(base).get("__slots__", ()) if name[:2] != "__"]
    return {name: getattr(value, name) for name in names if hasattr(value, name)}


def _callbacks(kind: Any, known: dict[str, Any]) -> Any:
    callbacks = kind.__new__(kind)
    dict.update(callbacks, known)
    return callbacks


def _object(kind: type, attributes: dict[str, Any]) -> Any:
    made: Any = object.__new__(kind)
    made.__dict__ = attributes
    return made


def _slotted(kind: type, attributes: dict[str, Any]) -> Any:
    made: Any = object.__new__(kind)
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


templates: dict[Any, Template | None] = {}
"""By `template_key`; None: the library made something that is not known."""


def template_key(client: Any, arguments: dict[str, Any]) -> Any:
    """What clients must have in common to be made from one template; None if the library has to make this one."""
    kind = type(client)
    seams = _constructors(kind.library_class, kind.default_pool_class)
    if kind.__module__.partition(".")[0] != "redouble" or not intact(seams):
        return None
    if not arguments:
        return kind
    types = list(map(type, arguments.values()))
    if not (_ARGUMENTS.issuperset(arguments) and _VALUES.issuperset(types)):
        return None
    return kind, *arguments.items(), *types  # 1 == True


def remember(
    known: dict[Any, Any], key: Any, make: Callable[[], Any], unknown: tuple[type[Exception], ...] = (LookupError,)
) -> None:
    """Keep what is made of something of the library's; None if not all of that is known."""
    if len(known) >= _KEPT:
        known.clear()
    try:
        known[key] = make()
    except unknown:
        known[key] = None


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
