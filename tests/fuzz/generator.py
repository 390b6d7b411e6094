"""An endless, seeded stream of units: commands of the families, some of them spoilt, some in groups that belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from random import Random

from .families import BLOCKING, DUMPING, EVENTS, FAMILIES, IDEMPOTENT, LISTENING, RANDOM, RESTORING
from .grammar import Node, Slots, generate, mistake, parse
from .modules import MODULE_FAMILIES, MODULE_SLOTS, is_avoided
from .rules import rule_for
from .values import ALL_KEYS, KEYS, LEXICAL, key_of
from .values import SLOTS as COMMON_SLOTS

SLOTS: Slots = {**COMMON_SLOTS, **MODULE_SLOTS}
PLAIN = {**FAMILIES, **MODULE_FAMILIES}

MISTAKES = 0.12
"""The share of commands that are wrong on purpose."""

TOGETHER = 5
"""How many families of plain commands meet in one round; more would leave too few commands to each."""

LISTENER = 4
"""The connection of subscriptions and keyspace events; 1 and 2 send commands, 3 may block."""


@dataclass(frozen=True)
class Command:
    connection: int
    argv: tuple[bytes, ...]
    waits: bool = False
    """It may block; then `receive` takes its reply."""
    receive: bool = False
    """Not a command: takes the reply of the connection's command that blocked, if it did."""


Unit = tuple[Command, ...]
"""Commands that make sense only together."""

Template = tuple[Node, ...]


class Generator:
    """Units of some families, without the commands that are `absent`."""

    def __init__(self, families: list[str], random: Random, absent: Set[bytes] = frozenset()) -> None:
        self.random = random
        plain = [name for name in families if name in PLAIN]
        self.families = [name for name in families if name not in PLAIN]
        self.families += random.sample(plain, TOGETHER) if len(plain) > TOGETHER else plain

        def known(text: str) -> list[list[Template]]:
            sequences = ([parse(part) for part in line.split(";")] for line in _lines(text))
            return [parts for parts in sequences if all(part[0].text.encode() not in absent for part in parts)]

        self.plain = [part for name in self.families for (part,) in known(PLAIN.get(name, ""))]
        self.for_transactions = self.plain or [part for text in FAMILIES.values() for (part,) in known(text)]
        self.random_choices, self.idempotent, self.dumping = map(known, (RANDOM, IDEMPOTENT, DUMPING))
        self.restoring = {name: [part for (part,) in known(RESTORING.format(f"other_{name}"))] for name in KEYS}
        self.blocking = [part for (part,) in known(BLOCKING)]
        self.listening = [part for (part,) in known(LISTENING)]

    def units(self) -> Iterator[Unit]:
        if "events" in self.families and self.random.random() < 0.5:
            yield self.events()
        makers: list[tuple[Callable[[], Unit], float]] = []
        if self.plain:
            makers.append((self.one, 1.0))
        for name, maker in {
            "random": lambda: self.sequence(self.random_choices),
            "idempotent": lambda: self.sequence(self.idempotent),
            "dump": self.dump,
            "transactions": self.transaction,
            "blocking": self.blocked,
            "pubsub": self.listen,
        }.items():
            if name in self.families:
                makers.append((maker, 0.04))
        functions, weights = zip(*makers, strict=True)
        while True:
            yield self.random.choices(functions, weights)[0]()

    def command(self, templates: list[Template]) -> tuple[bytes, ...]:
        argv = generate(self.random.choice(templates), SLOTS, self.random)
        if argv[1:2] != [] and argv[1] in LEXICAL and argv[0].upper() == b"ZADD":
            return tuple(argv)  # a mistake might give another score
        if self.random.random() < MISTAKES:
            argv = mistake(argv, self.random)
        if argv[0].upper() == b"HSETEX" and len({*argv[-4::2]}) < 2:  # a field twice is the end of Redis 8.6.3
            return self.command(templates)
        return self.command(templates) if is_avoided(argv) else tuple(argv)

    def one(self) -> Unit:
        return (Command(1, self.command(self.plain)),)

    def sequence(self, sequences: list[list[Template]]) -> Unit:
        """The commands of one line; the same key of each family stands in all of them."""
        return self._commands(self.random.choice(sequences)) if sequences else ()

    def _commands(self, parts: list[Template]) -> Unit:
        keys = {family: key_of(family)(self.random) for family in KEYS}
        slots: Slots = {**SLOTS, **{f"other_{family}": SLOTS[family] for family in KEYS}}
        slots |= {family: (lambda random, key=key: key) for family, key in keys.items()}  # type: ignore[misc]
        return tuple(Command(1, tuple(generate(part, slots, self.random))) for part in parts)

    def dump(self) -> Unit:
        """DUMP of a new value or of one that is there, and perhaps RESTORE of what the other server answered."""
        family = self.random.choice(list(KEYS))
        fresh = self.random.random() < 0.4
        parts = list(self.random.choice(self.dumping)) if fresh else []
        key = "fresh" if fresh else family
        parts.append(parse(f"DUMP <{key}>"))
        if self.random.random() < 0.8:
            parts.append(self.random.choice(self.restoring[family]))
        return self._commands(parts)

    def listen(self) -> Unit:
        argv = self.command(self.listening)
        # Without a name it ends all subscriptions, in an order that is chance.
        return () if len(argv) == 1 and argv[0].upper().endswith(b"UNSUBSCRIBE") else (Command(LISTENER, argv),)

    def events(self) -> Unit:
        return (
            Command(1, (b"CONFIG", b"SET", b"notify-keyspace-events", self.random.choice(EVENTS))),
            Command(LISTENER, (b"PSUBSCRIBE", b"__key*")),
        )

    def transaction(self) -> Unit:
        random = self.random
        commands: list[Command] = []
        if random.random() < 0.6:
            commands.append(Command(1, (b"WATCH", *(random.choice(ALL_KEYS) for _ in range(random.randint(1, 3))))))
            if random.random() < 0.6:
                commands.append(Command(2, self.ordered()))
            if random.random() < 0.1:
                commands.append(Command(1, (b"UNWATCH",)))
        commands.append(Command(1, (b"MULTI",)))
        for _ in range(random.randint(0, 4)):
            commands.append(Command(1, self.ordered()))
            if random.random() < 0.2:
                commands.append(Command(2, self.ordered()))
        commands.append(Command(1, (random.choice((b"EXEC", b"EXEC", b"EXEC", b"DISCARD")),)))
        return tuple(commands)

    def ordered(self) -> tuple[bytes, ...]:
        """A command whose answer has only one order and no time in it: EXEC's answer is compared as it is."""
        while True:
            argv = self.command(self.for_transactions)
            if rule_for(argv) is None:
                return argv

    def blocked(self) -> Unit:
        """A client that may have to wait, something that may serve it, and what serves it at last."""
        argv = tuple(generate(self.random.choice(self.blocking), SLOTS, self.random))
        keys = [word for word in argv[1:] if word in ALL_KEYS]
        commands = [Command(3, argv, waits=True)]
        # Which of several keys Redis 7.0 serves from after SWAPDB is chance: docs/differences.md.
        between = (self.command(self.for_transactions) for _ in range(self.random.randint(0, 2)))
        commands += [Command(1, words) for words in between if words[0].upper() != b"SWAPDB"]
        source = keys[0] if keys else b"l1"
        commands += [Command(1, (b"DEL", *keys)) for _ in keys[:1]]
        name = argv[0].upper()
        if name.startswith(b"X"):
            greatest = b"18446744073709551615-18446744073709551615"
            commands.append(Command(1, (b"XADD", source, greatest, b"f", b"v")))
            commands.append(Command(1, (b"DEL", source)))  # nothing can be added to it any more
        elif name.startswith(b"BZ"):
            commands.append(Command(1, (b"ZADD", source, b"1", b"m")))
        else:
            commands.append(Command(1, (b"RPUSH", source, b"m")))
        return (*commands, Command(3, (), receive=True))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
