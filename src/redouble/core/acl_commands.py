"""The commands as ACL rules know them: by name and by category."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redouble.core.command import build_table, module_table
from redouble.core.introspection import CATEGORIES, describe
from redouble.resp.reply import Members

if TYPE_CHECKING:
    from redouble.core.command import Prototype
    from redouble.dialects import Dialect, Module

__all__ = ["AclCommands", "acl_commands"]


@dataclass(frozen=True)
class AclCommands:
    """The commands of one dialect.  Before 7.0 rules were about whole commands, and subcommands have no names here."""

    categories: dict[str, frozenset[str]]
    """The categories of each command; subcommands are called `client|kill`."""
    subcommands: dict[str, tuple[str, ...]]
    """The subcommands of each command that has any."""
    every_category: tuple[str, ...]
    """In the order of ACL CAT; those that modules bring come last."""

    @functools.cached_property
    def members(self) -> dict[str, tuple[str, ...]]:
        """The commands of each category, in the order of ACL CAT."""
        return {
            category: tuple(name for name, of_it in self.categories.items() if category in of_it)
            for category in self.every_category
        }

    def family(self, name: str) -> tuple[str, ...]:
        """A command and its subcommands."""
        return (name, *self.subcommands.get(name, ()))


@functools.cache
def acl_commands(dialect: type[Dialect], modules: tuple[Module, ...]) -> AclCommands:
    """What rules of `dialect` may name on a server with these modules."""
    categories: dict[str, frozenset[str]] = {}
    subcommands: dict[str, list[str]] = {}

    def add(name: str, of_it: frozenset[str]) -> None:
        container, _, subcommand = name.partition("|")
        if name in categories or (subcommand and container not in categories):
            return
        categories[name] = of_it
        if subcommand:
            subcommands.setdefault(container, []).append(name)

    def add_prototype(prototype: Prototype) -> None:
        name = prototype.declaration.wire_name
        described = describe(dialect, prototype)[6]
        assert isinstance(described, Members)
        add(name.lower(), frozenset(category.decode().removeprefix("@") for category in described))

    for prototype in build_table(dialect).values():  # type: ignore[arg-type]  # a class is hashable
        if prototype.declaration.name != "QUIT" or dialect.describes_key_specs:  # no command before 7.0
            add_prototype(prototype)
            if dialect.acl.knows_subcommands:
                for subcommand in prototype.subcommands.values():
                    add_prototype(subcommand)
    for module in modules:
        for prototype in module_table(dialect, module.folder).values() if module.folder else ():  # type: ignore[arg-type]
            add_prototype(prototype)
    return AclCommands(
        categories,
        {name: tuple(below) for name, below in subcommands.items()},
        (*CATEGORIES, *(category for module in modules for category in module.categories)),
    )
