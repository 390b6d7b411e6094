"""What a script finds by name: the global variables, which are read-only, and so are the library tables.

Nothing can be put in their place, so the compiler knows what `redis.call` is and writes the Python function itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

__all__ = ["Environment", "Native"]

Path = tuple[bytes, ...]

_PURE: dict[bytes, dict[str, str]] = {
    b"": {"string": "tostring? type", "any": "tonumber rawget rawequal"},
    b"string": {"string": "char format? lower rep reverse sub upper", "number": "len"},
    b"math": {
        "number": "abs acos asin atan atan2 ceil cos cosh deg exp floor fmod ldexp log log10 max min mod pow rad sin sinh "
        "sqrt tan tanh"
    },
    b"bit": {"number": "arshift band bnot bor bswap bxor lshift rol ror rshift tobit", "string": "tohex"},
    b"table": {"string": "concat", "number": "getn maxn"},
    b"cjson": {"any": "decode", "string": "encode"},
    b"redis": {"string": "sha1hex", "table": "error_reply status_reply"},
    b"server": {"string": "sha1hex", "table": "error_reply status_reply"},
}
"""Functions with one result that run no code of a script's and change nothing, by the kind of the result."""
_SINGLE: dict[bytes, str] = {
    b"": "tostring getmetatable setmetatable rawset collectgarbage gcinfo",
    b"string": "format",
    b"redis": "call pcall",
    b"server": "call pcall",
    b"math": "random",
    b"os": "clock",
    b"cmsgpack": "pack",
    b"struct": "pack size",
}
"""More functions that answer exactly one value."""
_CALLS_BACK = {
    (b"pcall",), (b"xpcall",), (b"load",), (b"tostring",), (b"string", b"gsub"), (b"table", b"sort"),
    (b"table", b"foreach"), (b"table", b"foreachi"),
}  # fmt: skip
"""Functions that may run code of a script's."""
_DYNAMIC = {b"coroutine"}
"""Libraries whose functions may stop the caller."""


class Native:
    """A library function, as the compiler sees it."""

    __slots__ = ("calls_back", "kind", "path", "pure", "python_name", "single")

    def __init__(self, path: Path) -> None:
        library, name = (b"", *path)[-2:]
        self.path = path
        self.python_name = "F_" + b"_".join(path).decode()
        self.kind = "any"
        self.pure = False
        for kind, names in _PURE.get(library, {}).items():
            if name.decode() in names.split():
                self.pure, self.kind = True, kind
        self.single = self.pure or name.decode() in _SINGLE.get(library, "").split()
        self.calls_back = path in _CALLS_BACK


class Environment:
    """The names of one kind of script on one dialect."""

    def __init__(self, functions: Iterable[Path], tables: Iterable[Path], constants: Mapping[Path, Any]) -> None:
        self.natives = {path: Native(path) for path in functions if path[0] not in _DYNAMIC}
        self.constants = dict(constants)
        self.names: dict[Path, str] = {path: native.python_name for path, native in self.natives.items()}
        for path in tables:
            self.names[path] = "G_" + b"_".join(path).decode()

    def path_of(self, native: Native) -> Path:
        return native.path


@lru_cache(32)
def environment(
    functions: frozenset[Path], tables: frozenset[Path], constants: frozenset[tuple[Path, Any]]
) -> Environment:
    """The one environment with these names, for all servers that have it."""
    return Environment(functions, tables, dict(constants))
