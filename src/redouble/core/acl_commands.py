"""The commands as ACL rules know them: by name and by category, also those that redouble has not.

A configuration that says `-monitor` or `+cluster|slots` is right wherever it is read, so the names that real servers have
beyond ours are listed here with their categories.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from redouble.core.command import build_table, words_of
from redouble.core.introspection import CATEGORIES, describe
from redouble.resp.reply import Members

if TYPE_CHECKING:
    from redouble.core.command import Prototype
    from redouble.dialects import Dialect

__all__ = ["AclCommands", "acl_commands"]

_OTHERS: Final = """\
none: vadd@8.0.0 vcard@8.0.0 vdim@8.0.0 vemb@8.0.0 vgetattr@8.0.0 vinfo@8.0.0 vismember@8.0.0 vlinks@8.0.0
none: vrandmember@8.0.0 vrange@8.4.0 vrem@8.0.0 vsetattr@8.0.0 vsim@8.0.0
"""
"""What real servers have and redouble has not; those that redouble gets are passed over."""


@dataclass(frozen=True)
class AclCommands:
    """The commands of one dialect.  Before 7.0 rules were about whole commands, and subcommands have no names here."""

    categories: dict[str, frozenset[str]]
    """The categories of each command; subcommands are called `client|kill`."""
    subcommands: dict[str, tuple[str, ...]]
    """The subcommands of each command that has any."""

    @functools.cached_property
    def members(self) -> dict[str, tuple[str, ...]]:
        """The commands of each category, in the order of ACL CAT."""
        return {
            category: tuple(name for name, of_it in self.categories.items() if category in of_it)
            for category in CATEGORIES
        }

    def family(self, name: str) -> tuple[str, ...]:
        """A command and its subcommands."""
        return (name, *self.subcommands.get(name, ()))


@functools.cache
def acl_commands(dialect: type[Dialect]) -> AclCommands:
    """What rules of `dialect` may name."""
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
        add(name, frozenset(category.decode().removeprefix("@") for category in described))

    for prototype in build_table(dialect).values():  # type: ignore[arg-type]  # a class is hashable
        if prototype.declaration.name != "QUIT" or dialect.describes_key_specs:  # no command before 7.0
            add_prototype(prototype)
            if dialect.acl.knows_subcommands:
                for subcommand in prototype.subcommands.values():
                    add_prototype(subcommand)
    for line in _OTHERS.splitlines():
        names, _, words = line.partition(": ")
        for name in words_of(words, dialect):
            if "|" not in name or dialect.acl.knows_subcommands:
                add(name, frozenset(names.split()) - {"none"})
    return AclCommands(categories, {name: tuple(below) for name, below in subcommands.items()})
