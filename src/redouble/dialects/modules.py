"""The modules that servers come with or may be given: what MODULE LIST says of each, and which commands and types it brings.

Their commands are in `redouble/modules`, one folder for each, which is imported when one of them is first asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redouble.dialects.base import Dialect

__all__ = ["LUA", "STACK", "STACK_8", "VECTOR_SETS", "Module", "modules_of"]


@dataclass(frozen=True, eq=False)
class Module:
    """A module, as MODULE LIST and HELLO tell it."""

    name: bytes
    version: int
    folder: str = ""
    """Its folder in `redouble/modules`, by which users ask for it; empty: it has no commands."""
    prefixes: tuple[bytes, ...] = ()
    """What its commands begin with."""
    types: tuple[bytes, ...] = ()
    """The types of its values, as TYPE says them."""
    facts: tuple[bytes, ...] = ()
    """The names of what it keeps in RDB files beside the keys."""
    categories: tuple[str, ...] = ()
    """The ACL categories that it brings."""
    path: bytes = b""
    options: str = ""
    """What INFO modules says about it."""

    def describe(self) -> dict[bytes, object]:
        return {b"name": self.name, b"ver": self.version, b"path": self.path, b"args": []}


def _json(version: int, *categories: str) -> Module:
    return Module(
        b"ReJSON", version, "json", (b"JSON.",), (b"ReJSON-RL",), categories=categories, options="handle-io-errors"
    )


def _time_series(version: int, *categories: str) -> Module:
    return Module(b"timeseries", version, "timeseries", (b"TS.",), (b"TSDB-TYPE",), categories=categories)


def _bloom(version: int, *categories: str) -> Module:
    return Module(
        b"bf",
        version,
        "bloom",
        (b"BF.", b"CF.", b"CMS.", b"TOPK.", b"TDIGEST."),
        (b"MBbloom--", b"MBbloomCF", b"CMSk-TYPE", b"TopK-TYPE", b"TDIS-TYPE"),
        categories=categories,
    )


STACK: tuple[Module, ...] = (
    _json(20803),
    _time_series(11202),
    Module(b"search", 21005, "search", (b"FT.",), (b"trietype0",), (b"ft_index0", b"scdtype00")),
    _bloom(20802),
)
"""Of Redis Stack 7.4."""
STACK_8: tuple[Module, ...] = (
    _json(80604, "json"),
    _time_series(80602, "timeseries"),
    _bloom(80602, "bloom", "cuckoo", "cms", "topk", "tdigest"),
)
"""Of Redis 8.6."""
VECTOR_SETS = Module(
    b"vectorset", 1, "vectorset", (b"V",), (b"vectorset",), options="handle-io-errors|handle-repl-async-load"
)
LUA = Module(b"lua", 1, path=b"lua", options="handle-repl-async-load|handle-atomic-slot-migration")


def modules_of(dialect: type[Dialect], names: Iterable[str] | None) -> tuple[Module, ...]:
    """The modules of a server that was told `names`; None: those that users of this server type expect.

    Raises ValueError for a name that the dialect has no module of.
    """
    if names is None:
        return (*dialect.modules, *dialect.loadable_modules) if dialect.loads_modules else dialect.modules
    loadable = {module.folder: module for module in (*dialect.modules, *dialect.loadable_modules) if module.folder}
    wanted = set(names)
    if unknown := wanted - loadable.keys():
        version = ".".join(map(str, dialect.version))
        raise ValueError(
            f"modules of {dialect.name} {version} are {', '.join(loadable) or 'none'}, not {', '.join(sorted(unknown))}"
        )
    chosen = [module for name, module in loadable.items() if name in wanted and module not in dialect.modules]
    return (*dialect.modules, *chosen)
