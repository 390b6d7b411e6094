"""Memory that scripts take.  No script may make the process grow by more than a certain amount: that ends with Lua's own
"not enough memory".

What the process holds is only known where the system tells the most that it ever held; elsewhere large strings are added up.
"""

from __future__ import annotations

import sys

from redouble.scripting.errors import LuaError

try:
    import resource
except ImportError:  # not a Unix
    resource = None  # type: ignore[assignment]

__all__ = ["LARGE", "MAX_STRING", "begin", "check", "reserve"]

MAX_STRING = 512 * 1024 * 1024
"""No string of a script's is longer, for none that a server holds is."""
LIMIT = 1024 * 1024 * 1024
LARGE = 64 * 1024
"""Strings from this size on are looked at when they are made; all others are, some thousand at a time."""

_UNIT = 1 if sys.platform == "darwin" else 1024
_most_before = -1
_made = 0


def _most() -> int:
    """The most bytes that the process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT if resource is not None else _made


def begin() -> None:
    """A script begins."""
    global _most_before, _made
    _made = 0
    _most_before = -1


def check(size: int = 0) -> None:
    """Complain if the script has taken too much, or would with a string of `size` bytes more."""
    if size > MAX_STRING:
        raise LuaError(b"not enough memory", 0)
    reserve(size)


def reserve(size: int) -> None:
    """Complain if the script would take too much with `size` bytes more."""
    global _most_before, _made
    if _most_before < 0:  # not at the beginning of each script: most end before anybody asks, and it costs 2 us
        _most_before = _most()
    _made += size
    if _most() + size > _most_before + LIMIT:
        raise LuaError(b"not enough memory", 0)
