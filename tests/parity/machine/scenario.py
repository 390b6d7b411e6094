"""Scenario files: paragraphs of command lines, without expected values.

A paragraph is one scenario.  Its first line is its name, a sentence about Redis; the others are steps and directives:

    LPOP reads the count before it looks at the key
    > SET s x
    > LPOP s notint
    @redis>=7.4 valkey
    > LPOP s -1

`docs/parity.md` explains every mark; this module is the only one that knows how they are written.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent


class ScenarioError(Exception):
    """A scenario file that does not follow the rules; the message begins with file and line."""


@dataclass(frozen=True)
class Target:
    """A server that is asked: the launcher's name, what it is and its exact version."""

    name: str
    type: str
    version: tuple[int, ...]

    @classmethod
    def of(cls, name: str, version: str) -> Target:
        """The server of that name, which ends with its version."""
        return cls(name, name.rpartition("-")[0], tuple(map(int, version.split("."))))

    @property
    def is_stack(self) -> bool:
        """A Redis with modules.  It plays what names it, no more: the rest of it is the Redis of that version."""
        return self.type == "redis-stack"

    @property
    def server_type(self) -> str:
        """What redouble calls it."""
        return "redis" if self.is_stack else self.type

    @property
    def modules(self) -> list[str] | None:
        """What redouble is told to load, so that it has what this server has."""
        return None if self.is_stack else []

    @property
    def version_text(self) -> str:
        return ".".join(map(str, self.version))


OPERATORS: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    "": operator.eq,
    "=": operator.eq,
    ">=": operator.ge,
    "<=": operator.le,
    "<": operator.lt,
    ">": operator.gt,
}


@dataclass(frozen=True)
class Selector:
    """`valkey`, `redis>=7.0`, `redis>=7.0<8`: the servers that something is about."""

    type: str
    bounds: tuple[tuple[str, tuple[int, ...]], ...]

    @classmethod
    def parse(cls, text: str) -> Selector | None:
        match = re.fullmatch(r"(redis-stack|redis|valkey)((?:(?:>=|<=|=|<|>)[\d.]+)*)", text)
        if match is None:
            return None
        bounds = re.findall(r"(>=|<=|=|<|>)([\d.]+)", match[2])
        return cls(match[1], tuple((sign, tuple(map(int, version.split(".")))) for sign, version in bounds))

    def matches(self, target: Target) -> bool:
        """A bound compares as many parts as it names: 7.0.15 is `=7.0` and is not `>7.0`."""
        return target.type == self.type and all(
            OPERATORS[sign](target.version[: len(bound)], bound) for sign, bound in self.bounds
        )


@dataclass(frozen=True)
class Directive:
    """`@name arguments selectors`: a remark on the next step, or on the scenario."""

    name: str
    arguments: tuple[str, ...] = ()
    selectors: tuple[Selector, ...] = ()

    def applies(self, target: Target) -> bool:
        return not self.selectors or any(selector.matches(target) for selector in self.selectors)


@dataclass(frozen=True)
class Step:
    """One thing that a scenario does: sends a command, awaits a message, or lets time pass."""

    kind: str  # "send", "receive", "clock"
    line: str
    number: int
    connection: int = 1
    argv: tuple[bytes, ...] = ()
    milliseconds: int = 0
    directives: tuple[Directive, ...] = ()

    def directive(self, name: str, target: Target) -> Directive | None:
        for directive in self.directives:
            if directive.name == name and directive.applies(target):
                return directive
        return None

    def played(self, target: Target, protocol: int) -> bool:
        return _played(self.directives, target, protocol)


@dataclass(frozen=True)
class Scenario:
    group: str
    name: str
    number: int
    steps: tuple[Step, ...]
    directives: tuple[Directive, ...] = field(default=())

    def played(self, target: Target, protocol: int | None = None) -> bool:
        named = any(directive.name == "only" for directive in self.directives)
        return (named or not target.is_stack) and _played(self.directives, target, protocol)

    def steps_for(self, target: Target, protocol: int) -> list[Step]:
        return [step for step in self.steps if step.played(target, protocol)]

    def targets(self, targets: list[Target]) -> list[Target]:
        return [target for target in targets if self.played(target)]

    @property
    def identifier(self) -> str:
        return f"{self.group}:{self.name}"


def _played(directives: tuple[Directive, ...], target: Target, protocol: int | None) -> bool:
    for directive in directives:
        if directive.name == "only" and not directive.applies(target):
            return False
        if directive.name in ("resp2", "resp3") and protocol is not None and directive.name != f"resp{protocol}":
            return False
    return True


NORMALISING = {"unordered", "time", "idle", "log", "slowlog", "hotkeys", "profile", "any", "names", "type", "monitor"}
"""Directives that say how two right answers may differ; `normalise.py` carries them out."""

ON_SCENARIO = {"only", "resp2", "resp3", "monitor"}
"""Directives that, on the line under the name, are about the whole scenario."""

KNOWN = NORMALISING | ON_SCENARIO | {"differs"}


def groups() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


@cache
def load(group: str) -> list[Scenario]:
    path = FOLDER / f"{group}.txt"
    return list(read(path.read_text(encoding="utf-8"), group, path.name))


def read(text: str, group: str, file: str = "scenario") -> Iterator[Scenario]:
    seen: dict[str, int] = {}
    name, start = "", 0
    steps: list[Step] = []
    everywhere: list[Directive] = []  # about every scenario that does not say it itself
    whole: list[Directive] = []  # about the scenario
    pending: list[Directive] = []  # about the next step

    def fail(number: int, message: str) -> ScenarioError:
        return ScenarioError(f"{file}:{number}: {message}")

    for number, raw in enumerate([*text.splitlines(), ""], 1):
        line = raw.strip()
        if line.startswith("#"):
            continue
        if not line:
            if pending:
                raise fail(number, "a directive without a step after it")
            if name:
                if not steps:
                    raise fail(start, "a scenario without steps")
                only = any(directive.name == "only" for directive in whole)
                yield Scenario(group, name, start, tuple(steps), tuple(whole if only else [*everywhere, *whole]))
            name, steps, whole = "", [], []
        elif not name and not seen and line[0] == "@":
            everywhere += _directives(line, partial(fail, number))
        elif not name:
            if line[0] in "@>" or re.match(r"\d+[<>]", line):
                raise fail(number, "a scenario begins with its name, a sentence about Redis")
            if line in seen:
                raise fail(number, f"line {seen[line]} has the same name")
            name, start = line, number
            seen[name] = number
        elif line.startswith("@clock"):
            if pending:
                raise fail(number, "@clock takes no directives")
            match = re.fullmatch(r"@clock \+(\d+)(ms|s)", line)
            if match is None:
                raise fail(number, "write @clock +30ms or @clock +2s")
            milliseconds = int(match[1]) * (1000 if match[2] == "s" else 1)
            steps.append(Step("clock", line, number, milliseconds=milliseconds))
        elif line.startswith("@"):
            for directive in _directives(line, partial(fail, number)):
                is_whole = number == start + 1 and directive.name in ON_SCENARIO
                (whole if is_whole else pending).append(directive)
        else:
            match = re.fullmatch(r"(\d*)(?:> ?(.*)|(<))", line)
            if match is None:
                raise fail(number, f"neither a step nor a directive: {line!r}")
            connection = int(match[1] or 1)
            pending += [directive for directive in whole if directive.name in NORMALISING]
            if match[3]:
                step = Step("receive", line, number, connection, directives=tuple(pending))
            else:
                try:
                    argv = split(match[2])
                except ValueError as error:
                    raise fail(number, str(error)) from None
                if not argv:
                    raise fail(number, "an empty command line")
                step = Step("send", line, number, connection, tuple(argv), directives=tuple(pending))
            steps.append(step)
            pending = []


def _directives(line: str, fail: Callable[[str], ScenarioError]) -> Iterator[Directive]:
    """`@unordered redis<7.2 @time` are two directives; `@redis>=7.0 valkey` is short for `@only redis>=7.0 valkey`."""
    for text in line[1:].split(" @"):
        words = text.split()
        if words and Selector.parse(words[0]):
            words = ["only", *words]
        if not words or words[0] not in KNOWN:
            raise fail(f"unknown directive @{text}")
        arguments: list[str] = []
        selectors: list[Selector] = []
        for word in words[1:]:
            selector = Selector.parse(word)
            if selector is None:
                arguments.append(word)
            else:
                selectors.append(selector)
        if words[0] == "only" and (arguments or not selectors):
            raise fail(f"not a server: {' '.join(arguments)}")
        if arguments and words[0] not in ("any", "differs", "only", "names", "slowlog"):
            raise fail(f"@{words[0]} takes only servers, not {' '.join(arguments)}")
        yield Directive(words[0], tuple(arguments), tuple(selectors))


ESCAPES = {"n": b"\n", "r": b"\r", "t": b"\t", "b": b"\b", "a": b"\a"}


def split(line: str) -> list[bytes]:
    """Split a command line as redis-cli does; unquoted `{1..5}` and `{x*70}` are expanded (see `expand`)."""
    argv: list[bytes] = []
    i, n = 0, len(line)
    while True:
        while i < n and line[i].isspace():
            i += 1
        if i == n:
            return argv
        word = bytearray()
        plain = True
        while i < n and not line[i].isspace():
            quote = line[i]
            if quote not in "\"'":
                word += quote.encode()
                i += 1
                continue
            plain = False
            i += 1
            while i < n and line[i] != quote:
                if quote == '"' and (match := re.compile(r"\\x([0-9a-fA-F]{2})").match(line, i)):
                    word.append(int(match[1], 16))
                    i = match.end()
                elif quote == '"' and line[i] == "\\" and i + 1 < n:
                    word += ESCAPES.get(line[i + 1], line[i + 1].encode())
                    i += 2
                elif quote == "'" and line.startswith("\\'", i):
                    word += b"'"
                    i += 2
                else:
                    word += line[i].encode()
                    i += 1
            if i == n or (i + 1 < n and not line[i + 1].isspace()):
                raise ValueError("unbalanced quotes")
            i += 1
        if plain and b"{" in word:
            argv += expand(bytes(word))
        else:
            argv.append(bytes(word))


def expand(word: bytes) -> list[bytes]:
    """`f{1..3}` is three words, f1 f2 f3; `{x*70}` is one word of 70 x.  Other braces stay as they are."""
    word = re.sub(rb"\{([^{}*]+)\*(\d+)\}", lambda match: match[1] * int(match[2]), word)
    match = re.search(rb"\{(-?\d+)\.\.(-?\d+)\}", word)
    if match is None:
        return [word]
    first, last = int(match[1]), int(match[2])
    return [word[: match.start()] + b"%d" % i + word[match.end() :] for i in range(first, last + 1)]


def quote(argument: bytes) -> str:
    """An argument as `split` reads it back."""
    if argument and re.fullmatch(rb"[!#-&(-z|~]+", argument) and not argument.startswith(b"\\"):
        return argument.decode()
    text = "".join(
        f"\\{chr(byte)}" if byte in b'"\\' else chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}" for byte in argument
    )
    return f'"{text}"'
