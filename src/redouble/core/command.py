"""The command table.  A command is declared once, by its usage line, above the function that runs it:

    @command("GETRANGE key start end", flags="readonly", since="2.4.0")
    def getrange(client, argv): ...

Arity, the option table and everything that COMMAND says follow from that line.  What exists for a server is decided
when a `Server` asks for its dialect's table; dispatch asks nothing.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import itertools
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from redouble.core.errors import SYNTAX_ERROR, CommandError, wrong_arity
from redouble.core.usage import Node, parse_usage
from redouble.resp.reply import Reply, Status

if TYPE_CHECKING:
    from redouble.core.client import Client
    from redouble.core.latency import Histogram
    from redouble.core.server import Server
    from redouble.dialects import Dialect

__all__ = [
    "NOT_QUEUED",
    "Argv",
    "Command",
    "Declaration",
    "Given",
    "Options",
    "Prototype",
    "build_table",
    "command",
    "container",
    "declarations",
    "first_since",
    "help_reply",
    "module_table",
    "words_of",
]

Argv: TypeAlias = list[bytes]
Handler: TypeAlias = "Callable[[Client, Argv], Reply]"
ScriptFlags: TypeAlias = "Callable[[Server, Argv], Collection[bytes] | None]"
"""The flags in the shebang of the script that a command line runs; None if it has none."""
Given: TypeAlias = dict[str, Any]
"""What was given: an option's name to its value; True if it takes none, a tuple if it takes several, a list of those if it may be repeated."""


NOTHING: Mapping[bytes, str] = {}


class Options:
    """The option table of one command in one dialect, compiled from the usage line.

    It finds the words; their values stay bytes, because each command converts them in its own order.
    """

    __slots__ = ("available", "words")

    def __init__(self, nodes: Iterable[Node], available: Callable[[str], bool]) -> None:
        self.available = available
        """Whether the dialect has a word, as `since_option` says: for the commands that find their words themselves."""
        self.words: dict[bytes, tuple[str, int, int, bool]] = {}
        for group, node in enumerate(nodes):
            for member in node.children if node.kind == "oneof" else (node,):
                parts = member.children if member.kind == "block" else (member,)
                if parts and parts[0].kind == "word" and all(part.kind in ("value", "word") for part in parts[1:]):
                    name = parts[0].name
                    if available(name):
                        word = name, len(parts) - 1, group, member.multiple
                        self.words[name.encode()] = self.words[name.lower().encode()] = word

    def parse(self, argv: Argv, start: int) -> Given:
        """Every argument from `start` on must be an option; a second member of one `[A | B]` is a syntax error."""
        given, end = self.parse_leading(argv, start)
        if end < len(argv):
            raise CommandError(SYNTAX_ERROR)
        return given

    def each(
        self, argv: Argv, start: int, refused: Mapping[bytes, str] = NOTHING, syntax_error: str = SYNTAX_ERROR
    ) -> Iterator[tuple[str, Any]]:
        """The options one by one, for the commands that convert values while they read (LPOS, LMPOP, HSCAN).

        What is no option is a `syntax_error`, unless `refused` has a text for it.
        """
        count = len(argv)
        while start < count:
            word = self.words.get(argv[start].upper())
            if word is None:
                raise CommandError(refused.get(argv[start].upper(), syntax_error))
            if start + word[1] >= count:
                raise CommandError(syntax_error)
            name, values, _, _ = word
            yield name, True if not values else argv[start + 1] if values == 1 else argv[start + 1 : start + 1 + values]
            start += 1 + values

    def parse_leading(self, argv: Argv, start: int) -> tuple[Given, int]:
        """The options from `start` up to the first argument that is none, and where that is."""
        given: Given = {}
        taken, words, count = 0, self.words, len(argv)
        while start < count:
            word = words.get(argv[start]) or words.get(argv[start].upper())
            if word is None:
                break
            name, values, group, multiple = word
            if (taken >> group & 1 and name not in given) or start + values >= count:
                raise CommandError(SYNTAX_ERROR)
            taken |= 1 << group
            value: Any = (
                True if not values else argv[start + 1] if values == 1 else tuple(argv[start + 1 : start + 1 + values])
            )
            if multiple:
                given.setdefault(name, []).append(value)
            else:
                given[name] = value
            start += 1 + values
        return given, start


@dataclass(frozen=True)
class Declaration:
    """What `@command` was told; true for every dialect that has the command."""

    usage: str
    name: str
    nodes: tuple[Node, ...]
    run: Handler
    group: str
    flags: str
    acl: frozenset[str]
    since: str
    until: str
    since_option: Mapping[str, str]
    own_arity: int
    """0: it follows from the usage line."""
    script_flags: ScriptFlags | None = None
    module: str = ""
    """The folder of the module that it belongs to."""
    keys: str = ""
    """What a module's command does with its keys, as the table in `core/key_specs.py` says it of the others."""
    capitals: bool = False
    """Errors and COMMAND write its name in capitals, as its module does."""
    overlooks: bool = False
    """Where a module describes no arguments, words beyond those that it needs do not matter."""

    def arity(self, available: Callable[[str], bool]) -> int:
        """How many words the command takes with its name; negative: so many or more."""
        if self.own_arity:
            return self.own_arity
        nodes = [
            node
            for node in self.nodes
            if not (node.optional and node.words() and not any(map(available, node.words())))
        ]
        least = sum(node.least() for node in nodes) + len(self.name.split())
        return least if all(node.fixed() for node in nodes) else -least

    @property
    def container(self) -> str:
        """`CLIENT` for `CLIENT KILL`; empty for a command of its own."""
        return self.name.partition(" ")[0] if " " in self.name else ""

    @functools.cached_property
    def wire_name(self) -> str:
        """`client|kill`, as errors and COMMAND write it."""
        if self.capitals:
            return self.name
        return self.name.lower().replace(" ", "|")


NOT_QUEUED = frozenset(("exec", "discard", "multi", "watch", "quit", "reset"))
"""What is run although there was a MULTI."""
_LOOKED_AT_IN_MULTI = frozenset(("protected", "no_multi"))


class Command:
    """One row of one server's table, with its counters for INFO commandstats."""

    __slots__ = (
        "arity",
        "calls",
        "changes_data",
        "declaration",
        "failed",
        "flags",
        "histogram",
        "is_queued",
        "known_calls",
        "may_have_effects",
        "microseconds",
        "name",
        "options",
        "rejected",
        "run",
        "script_flags",
        "subcommands",
    )

    def __init__(self, prototype: Prototype) -> None:
        self.declaration = prototype.declaration
        self.name = prototype.declaration.wire_name
        self.run = prototype.declaration.run
        self.arity = prototype.arity
        self.flags = prototype.flags
        self.changes_data = prototype.changes_data
        self.may_have_effects = self.changes_data or self.name == "exec"
        self.is_queued = prototype.is_queued
        self.options = prototype.options
        self.script_flags = prototype.declaration.script_flags
        self.subcommands = prototype.subcommands
        self.histogram: Histogram | None = None
        self.known_calls = 0
        """How many of its calls have been entered in the histogram, or are not to be."""
        self.forget()

    def forget(self) -> None:
        """CONFIG RESETSTAT."""
        self.calls = self.failed = self.rejected = self.microseconds = self.known_calls = 0
        self.histogram = None

    @contextlib.contextmanager
    def uncounted(self) -> Iterator[None]:
        """While statistics are told, the call that tells them does not count: it is not over yet."""
        self.calls -= 1
        yield
        self.calls += 1

    @property
    def touches_keys(self) -> bool:
        """Whether it reads or changes the keyspace."""
        return not self.flags.isdisjoint(("write", "readonly", "may_replicate"))

    def writes(self, server: Server, argv: Argv) -> bool:
        """Whether it waits for the end of CLIENT PAUSE WRITE; a script may say so itself (scriptFlagsToCmdFlags)."""
        flags = self.script_flags(server, argv) if self.script_flags is not None else None
        return self.changes_data if flags is None else b"no-writes" not in flags

    def takes_memory(self, server: Server, argv: Argv) -> bool:
        """Whether it is refused when there is no memory; a script may say so itself."""
        flags = self.script_flags(server, argv) if self.script_flags is not None else None
        return "denyoom" in self.flags if flags is None else not {b"no-writes", b"allow-oom"}.intersection(flags)

    def changes_keys(self, server: Server, argv: Argv) -> bool:
        """Whether a replica refuses it; a script may say so itself."""
        flags = self.script_flags(server, argv) if self.script_flags is not None else None
        return "write" in self.flags if flags is None else b"no-writes" not in flags

    def takes_stale(self, server: Server, argv: Argv) -> bool:
        """Whether old data will do; a script may say so itself."""
        flags = self.script_flags(server, argv) if self.script_flags is not None else None
        return "stale" in self.flags and (flags is None or b"allow-stale" in flags)

    def takes(self, count: int) -> bool:
        """Whether so many words, with its name, are a right number."""
        return count == self.arity or (self.arity < 0 and count >= -self.arity)


@dataclass
class Prototype:
    """A command in one dialect; servers make their own `Command` of it when it is first called."""

    declaration: Declaration
    options: Options
    arity: int = 0
    flags: frozenset[str] = frozenset()
    subcommands: dict[bytes, Prototype] = field(default_factory=dict)

    @functools.cached_property
    def changes_data(self) -> bool:
        return "write" in self.flags or "may_replicate" in self.flags

    @functools.cached_property
    def is_queued(self) -> bool:
        """Whether MULTI just queues it, and nothing has to be looked at."""
        return self.declaration.wire_name not in NOT_QUEUED and self.flags.isdisjoint(_LOOKED_AT_IN_MULTI)


_DECLARATIONS: list[Declaration] = []


def command(
    usage: str,
    *,
    flags: str = "",
    since: str,
    until: str = "",
    since_option: Mapping[str, str] | None = None,
    arity: int = 0,
    acl: str = "",
    group: str = "",
    script_flags: ScriptFlags | None = None,
    module: str = "",
    keys: str = "",
    capitals: bool = False,
    overlooks: bool = False,
) -> Callable[[Handler], Handler]:
    """Declare a command.

    `flags` are Redis's command flags; a word that came later says so, `allow_busy@valkey=9.0.0`, and
    so does one that went, `noscript@before:7.4.0,valkey=8.0.0`.
    `since` and `until` (the first version without it) are Redis versions, which
    hold for its forks up to 7.2; `"8.4.0 valkey=9.0.0"` names a fork's own, `"valkey=9.0.0"` alone says that Redis
    never had it.  `since_option` gives the same for single options.  `arity` only where the usage line cannot tell.
    `acl` adds ACL categories to those that follow from the flags and the group.
    `script_flags` finds the script of a command that runs one.
    `module` is the folder in `redouble/modules` of a command that a module brings, `keys` what it does with its keys;
    `capitals` if COMMAND writes its name so, `overlooks` if it once took more words than it used.  Of its ACL categories `acl` names all.
    """
    name, nodes = parse_usage(usage)

    def declare(run: Handler) -> Handler:
        _DECLARATIONS.append(
            Declaration(
                usage=usage,
                name=name,
                nodes=nodes,
                run=run,
                group=group or run.__module__.rpartition(".")[2].replace("_", "-"),
                flags=f"{flags} module" if module else flags,
                acl=frozenset(acl.split()),
                since=since,
                until=until,
                since_option=dict(since_option or {}),
                own_arity=arity,
                script_flags=script_flags,
                module=module,
                keys=keys,
                capitals=capitals,
                overlooks=overlooks,
            )
        )
        build_table.cache_clear()
        return run

    return declare


def container(
    name: str,
    *,
    since: str,
    until: str = "",
    flags: str = "",
    help_since: str = "5.0.0",
    group: str = "",
    first: Callable[[Client, Argv], object] | None = None,
) -> None:
    """Declare a command that only holds subcommands, and its HELP.

    `first` is what it did before 7.0 when it did not know the subcommand, before it said so.
    """

    def run(client: Client, argv: Argv) -> Reply:
        if first is not None:
            first(client, argv)
        raise CommandError(client.server.dialect.unknown_subcommand(argv))

    run.__doc__ = f"The commands that begin with {name}."
    frame = sys._getframe(1)
    group = group or frame.f_globals["__name__"].rpartition(".")[2].replace("_", "-")
    command(name, flags=flags, since=since, until=until, arity=-2, group=group)(run)
    flags = f"loading stale {flags}"
    command(f"{name} HELP", flags=flags, since=help_since, until=until, group=group)(_help)
    # It was there since 5.0, whatever COMMAND DOCS says.
    command(f"{name} HELP", flags=flags, since="5.0.0", until=help_since, group=group)(_help)


def _help(client: Client, argv: Argv) -> Reply:
    """Print this help."""
    return help_reply(client)


def help_reply(client: Client) -> Reply:
    """The subcommands of the command whose HELP runs, each with its usage and what it does; HELP comes last."""
    declaration = client.command.declaration
    lines = [f"{declaration.container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"]
    subcommands = client.server.subcommands(declaration.container)
    for prototype in sorted(subcommands, key=lambda prototype: prototype.declaration.name.endswith(" HELP")):
        lines.append(prototype.declaration.usage.removeprefix(f"{declaration.container} "))
        lines += (f"    {line.strip()}" for line in (prototype.declaration.run.__doc__ or "").splitlines())
    return [Status(line.encode()) for line in lines]


def declarations() -> tuple[Declaration, ...]:
    """All that were made."""
    return tuple(_DECLARATIONS)


def first_since(name: str, dialect: type[Dialect]) -> str:
    """With which of its versions `dialect` got the command `name`; of several declarations the oldest counts."""
    moments = [
        declaration.since
        for declaration in _DECLARATIONS
        if declaration.name == name and dialect.has(declaration.since, declaration.until)
    ]
    versions = [dialect.own_version(moment) for moment in moments]
    return min(versions, key=lambda version: [int(part) for part in version.split(".")])


def words_of(text: str, dialect: type[Dialect]) -> tuple[str, ...]:
    """The words that `dialect` has, of those that may say when they came: `allow_busy@valkey=9.0.0`."""
    pairs = (word.partition("@") for word in text.split())
    return tuple(word for word, _, moment in pairs if not moment or _at(moment.replace(",", " "), dialect))


def _at(moment: str, dialect: type[Dialect]) -> bool:
    if moment.startswith("before:"):
        return not dialect.has(moment.removeprefix("before:"))
    since, _, until = moment.partition("..")
    return dialect.has(since, until)


EXTRAS: Final = frozenset(("clock",))
"""Groups of commands that no real server has."""


@functools.cache
def build_table(dialect: type[Dialect], *extras: str) -> dict[bytes, Prototype]:
    """Every command of `dialect` and of the `extras` by its upper-case name; subcommands stand in their containers."""
    return _table(
        dialect,
        (
            declaration
            for declaration in _DECLARATIONS
            if not declaration.module and (declaration.group not in EXTRAS or declaration.group in extras)
        ),
    )


@functools.cache
def module_table(dialect: type[Dialect], folder: str) -> dict[bytes, Prototype]:
    """The commands that a module brings, which is imported for that."""
    importlib.import_module(f"redouble.modules.{folder}")
    own = (declaration for declaration in _DECLARATIONS if declaration.module == folder)
    return _table(dialect, own if dialect.describes(folder) else map(_undescribed, own))


def _undescribed(declaration: Declaration) -> Declaration:
    """A module's command as one that tells the server nothing of its arguments, and counts them when it is called."""
    arity = declaration.arity(lambda word: True)
    if declaration.overlooks:
        arity = -abs(arity)
    run = declaration.run

    @functools.wraps(run)
    def counts_arguments(client: Client, argv: Argv) -> Reply:
        if len(argv) != arity and (arity >= 0 or len(argv) < -arity):
            raise wrong_arity(declaration.wire_name)
        return run(client, argv)

    keys = declaration.keys and "RW access update"
    nodes = tuple(itertools.takewhile(lambda node: node.name != "numkeys", declaration.nodes))  # it counts keys itself
    return replace(declaration, nodes=nodes, run=counts_arguments, own_arity=-1, keys=keys, acl=frozenset())


def _table(dialect: type[Dialect], declarations: Iterable[Declaration]) -> dict[bytes, Prototype]:
    table: dict[bytes, Prototype] = {}
    leaves: list[Prototype] = []
    for declaration in declarations:
        if not dialect.has(declaration.since, declaration.until) or declaration.wire_name in dialect.lacks:
            continue

        def available(word: str, since: Mapping[str, str] = declaration.since_option) -> bool:
            return word not in since or dialect.has(since[word])

        prototype = Prototype(
            declaration,
            Options(declaration.nodes, available),
            declaration.arity(available),
            frozenset(words_of(declaration.flags, dialect)),
        )
        if declaration.container:
            leaves.append(prototype)
        else:
            table[declaration.name.encode()] = prototype
    for prototype in leaves:
        container, _, word = prototype.declaration.name.partition(" ")
        if container.encode() in table:
            table[container.encode()].subcommands[word.encode()] = prototype
    return table
