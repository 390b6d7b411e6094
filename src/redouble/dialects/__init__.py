"""Server types and versions: which one a `Server` emulates, and what that one does differently."""

from __future__ import annotations

import functools

from redouble.dialects.base import Dialect
from redouble.dialects.modules import Module, modules_of
from redouble.dialects.others import DRAGONFLY, KIVIDB
from redouble.dialects.redis import REDIS
from redouble.dialects.valkey import VALKEY

__all__ = ["SERVER_TYPES", "Dialect", "Module", "dialect_for", "modules_of", "parse_version"]

SERVER_TYPES: dict[str, list[type[Dialect]]] = {
    "redis": REDIS,
    "valkey": VALKEY,
    "dragonfly": DRAGONFLY,
    "kividb": KIVIDB,
}
"""What may be asked for, each in order of version."""


def parse_version(version: tuple[int, ...] | str | int) -> tuple[int, ...]:
    """`7`, `"7.4"` or `(7, 4)` as a tuple of integers."""
    if isinstance(version, int):
        return (version,)
    if isinstance(version, str):
        try:
            return tuple(int(part) for part in version.split("."))
        except ValueError:
            raise ValueError(f"not a version: {version!r}") from None
    return tuple(version)


def dialect_for(server_type: str, version: tuple[int, ...] | str | int) -> type[Dialect]:
    """The dialect of a server: a bare major version means its newest minor, other versions the nearest one below.

    Raises ValueError for a type that is not known.
    """
    if server_type not in SERVER_TYPES:
        raise ValueError(f"server_type must be one of {', '.join(sorted(SERVER_TYPES))}, not {server_type!r}")
    return _nearest(server_type, parse_version(version))


@functools.cache
def _nearest(server_type: str, wanted: tuple[int, ...]) -> type[Dialect]:
    dialects = SERVER_TYPES[server_type]
    if len(wanted) == 1:
        wanted = (wanted[0], 1 << 30)
    fitting = [dialect for dialect in dialects if dialect.version[:2] <= wanted]
    return fitting[-1] if fitting else dialects[0]
