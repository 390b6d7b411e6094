"""The regular expressions of filters: the syntax of Rust's crate `regex`, and whether one matches somewhere in a text.

All ways to match are followed at once (Thompson 1968), so a text takes time by its length whatever the pattern is; Python's
`re` would try one after the other.  What was followed is remembered, as a lazily built automaton.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

__all__ = ["Regex", "compiled"]

MAX_SIZE: Final = 5000
"""Of a pattern whose repetitions are written out, in steps; larger ones match nothing, as those beyond Rust's limit do."""
MAX_REMEMBERED: Final = 10_000

Test: TypeAlias = Callable[[str], bool]
"""Whether a character is one of those meant."""


class Step(NamedTuple):
    """What a way does next: it takes a character, or it goes on at `exits` if `holds` does."""

    takes: Test | None
    exits: tuple[int, ...]
    holds: Callable[[str, str], bool] | None = None
    """Looks at the characters before and behind; they are empty at the ends of the text."""


@functools.lru_cache(256)
def compiled(pattern: str) -> Regex | None:
    """The regular expression that a pattern says; None if it says none, which then matches nothing."""
    try:
        return Regex(pattern)
    except (ValueError, KeyError, RecursionError):
        return None


class Regex:
    """Raises ValueError for a pattern that is none."""

    def __init__(self, pattern: str) -> None:
        self.steps = _Reader(pattern).program()
        self.looks = any(step.holds for step in self.steps)
        self.reached: dict[tuple[frozenset[int], str, str], frozenset[int]] = {}
        self.moves: dict[tuple[frozenset[int], str], frozenset[int]] = {}

    def search(self, text: str) -> bool:
        """Whether it matches somewhere in the text."""
        end = len(self.steps) - 1
        begins = frozenset((0,))
        states, before = begins, ""
        for after in (*text, ""):
            reached = self._reached(states, before, after)
            if end in reached:
                return True
            states = self._moved(reached, after) | begins if after else begins
            before = after
        return False

    def _reached(self, states: frozenset[int], before: str, after: str) -> frozenset[int]:
        """Where ways stand that took no character."""
        if not self.looks:
            before = after = ""
        known = self.reached.get((states, before, after))
        if known is None:
            if len(self.reached) > MAX_REMEMBERED:
                self.reached.clear()
            seen: set[int] = set()
            waiting = list(states)
            while waiting:
                at = waiting.pop()
                if at not in seen:
                    seen.add(at)
                    step = self.steps[at]
                    if step.takes is None and (step.holds is None or step.holds(before, after)):
                        waiting += step.exits
            known = self.reached[states, before, after] = frozenset(seen)
        return known

    def _moved(self, states: frozenset[int], character: str) -> frozenset[int]:
        known = self.moves.get((states, character))
        if known is None:
            if len(self.moves) > MAX_REMEMBERED:
                self.moves.clear()
            steps = map(self.steps.__getitem__, states)
            known = frozenset(step.exits[0] for step in steps if step.takes is not None and step.takes(character))
            self.moves[states, character] = known
        return known


# A pattern is read to a tree, and its steps are written from that.


class Node(NamedTuple):
    kind: str
    """`take`, `look`, `row`, `either`, or `repeat`."""
    parts: tuple[Node, ...] = ()
    takes: Test | None = None
    holds: Callable[[str, str], bool] | None = None
    least: int = 0
    most: int | None = None


class _Reader:
    """Reads one pattern."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.flags = frozenset("u")
        self.names: set[str] = set()
        self.steps: list[Step] = []

    def program(self) -> list[Step]:
        """The steps; the last is the end."""
        tree = self.alternatives()
        if self.at < len(self.pattern):
            raise ValueError("a bracket too many")
        self.write(tree)
        self.add(Step(None, ()))
        return self.steps

    def add(self, step: Step) -> int:
        if len(self.steps) >= MAX_SIZE:
            raise ValueError("too large")
        self.steps.append(step)
        return len(self.steps) - 1

    def write(self, node: Node) -> None:
        """Write the steps of a node; the way goes on behind them."""
        here = len(self.steps)
        if node.kind in ("take", "look"):
            self.add(Step(node.takes, (here + 1,), node.holds))
        elif node.kind == "row":
            for part in node.parts:
                self.write(part)
        elif node.kind == "either":
            fork, ends, starts = self.add(Step(None, ())), [], []
            for part in node.parts:
                starts.append(len(self.steps))
                self.write(part)
                ends.append(self.add(Step(None, ())))
            self.steps[fork] = Step(None, tuple(starts))
            for end in ends:
                self.steps[end] = Step(None, (len(self.steps),))
        else:
            self.write_repeated(node)

    def write_repeated(self, node: Node) -> None:
        (part,) = node.parts
        for _ in range(node.least):
            self.write(part)
        if node.most is None:
            fork = self.add(Step(None, ()))
            self.write(part)
            self.add(Step(None, (fork,)))
            self.steps[fork] = Step(None, (fork + 1, len(self.steps)))
            return
        forks = []
        for _ in range(node.most - node.least):
            forks.append(self.add(Step(None, ())))
            self.write(part)
        for fork in forks:
            self.steps[fork] = Step(None, (fork + 1, len(self.steps)))

    # The syntax.

    def peek(self, length: int = 1) -> str:
        return self.pattern[self.at : self.at + length]

    def take(self) -> str:
        character = self.peek()
        if not character:
            raise ValueError("it ends too early")
        self.at += 1
        return character

    def visible(self) -> str:
        """The next character; with the flag `x`, white space and comments are not seen."""
        while "x" in self.flags and (self.peek().isspace() or self.peek() == "#"):
            if self.take() == "#":
                self.at = (self.pattern.find("\n", self.at) + 1) or len(self.pattern)
        return self.peek()

    def took(self, text: str) -> bool:
        if self.pattern.startswith(text, self.at):
            self.at += len(text)
            return True
        return False

    def until(self, mark: str) -> str:
        end = self.pattern.find(mark, self.at)
        if end < 0:
            raise ValueError("it ends too early")
        text = self.pattern[self.at : end]
        self.at = end + len(mark)
        return text

    def alternatives(self) -> Node:
        flags = self.flags
        rows = [self.row()]
        while self.took("|"):
            rows.append(self.row())
        self.flags = flags
        return rows[0] if len(rows) == 1 else Node("either", tuple(rows))

    def row(self) -> Node:
        parts: list[Node] = []
        while self.visible() not in ("", "|", ")"):
            part = self.part()
            if part is not None:
                parts.append(self.repeated(part))
        return Node("row", tuple(parts))

    def repeated(self, part: Node) -> Node:
        while self.visible():
            if self.took("*"):
                least, most = 0, None
            elif self.took("+"):
                least, most = 1, None
            elif self.took("?"):
                least, most = 0, 1
            elif self.took("{"):
                least, most = _bounds(self.until("}"))
            else:
                break
            self.took("?")  # which of the ways is preferred does not matter
            part = Node("repeat", (part,), least=least, most=most)
        return part

    def part(self) -> Node | None:
        character = self.take()
        if character == "(":
            return self.group()
        if character == "[":
            return Node("take", takes=self.set())
        if character == ".":
            return Node("take", takes=_anything if "s" in self.flags else _no_line_feed)
        if character in "^$":
            return Node("look", holds=_LOOKS[character + "m" * ("m" in self.flags)])
        if character in "*+?{":
            raise ValueError("nothing to repeat")
        if character == "\\":
            if self.peek() in _LOOKS_ESCAPED:
                return Node("look", holds=_LOOKS_ESCAPED[self.take()])
            return Node("take", takes=self.escape())
        return Node("take", takes=self.range(character, character))

    def range(self, low: str, high: str) -> Test:
        """The characters of a range; with the flag `i`, large and small."""
        return self.in_any_case(lambda character: low <= character <= high)

    def in_any_case(self, test: Test) -> Test:
        if "i" not in self.flags:
            return test
        return lambda character: any(test(c) for c in (character, character.lower(), character.upper()) if len(c) == 1)

    def group(self) -> Node | None:
        flags = self.flags
        if self.took("?"):
            if self.took("P<") or self.took("<"):
                name = self.until(">")
                if name in self.names or not re.fullmatch(r"[^\W\d][\w.\[\]]*", name):
                    raise ValueError(f"{name}: no name")
                self.names.add(name)
            else:
                given = ""
                while self.peek() not in (":", ")"):
                    given += self.take()
                on, minus, off = given.partition("-")
                if not set(on + off) <= set("imsUuxR") or (minus and not off) or (not given and self.peek() == ")"):
                    raise ValueError(f"{given}: no flags")
                self.flags = (flags | frozenset(on)) - frozenset(off)
                if self.take() == ")":
                    return None
        tree = self.alternatives()
        if not self.took(")"):
            raise ValueError("a bracket too few")
        self.flags = flags
        return tree

    def escape(self) -> Test:
        """What stands behind a backslash."""
        character = self.take()
        if character in _CLASSES:
            return _CLASSES[character]
        if character.lower() in _CLASSES:
            return _not(_CLASSES[character.lower()])
        if character in "pP":
            name = self.until("}") if self.took("{") else self.take()
            test = self.in_any_case(_property(name))
            return _not(test) if character == "P" else test
        character = self.character(character)
        return self.range(character, character)

    def character(self, character: str) -> str:
        """The character that an escape is."""
        if character in "xuU":
            digits = self.until("}") if self.took("{") else self.hexadecimal({"x": 2, "u": 4, "U": 8}[character])
            return chr(int(digits, 16))
        if character in _CONTROLS:
            return _CONTROLS[character]
        if character.isalnum() or not character.isascii():
            raise ValueError(f"{character}: no escape")
        return character

    def hexadecimal(self, length: int) -> str:
        return "".join(self.take() for _ in range(length))

    def set(self) -> Test:
        """What stands behind `[`, up to its end."""
        self.visible()
        negated = self.took("^")
        first: list[Test] = []
        while self.visible() == "-":
            self.take()
            first.append(self.range("-", "-"))
        if not first and self.took("]"):
            first.append(self.range("]", "]"))
        test = self.union(first)
        while not self.took("]"):
            operator = self.peek(2)
            self.at += 2
            test = _COMBINED[operator](test, self.union([]))
        return _not(test) if negated else test

    def union(self, tests: list[Test]) -> Test:
        """What stands up to the end of a set, or to an operator, beside `tests`."""
        while self.visible() != "]" and self.peek(2) not in _COMBINED:
            if self.took("[:"):
                name = self.until(":]")
                test = self.in_any_case(_POSIX[name.removeprefix("^")])
                tests.append(_not(test) if name.startswith("^") else test)
            elif self.took("["):
                tests.append(self.set())
            elif self.peek() == "\\" and (self.peek(2)[1:].lower() in _CLASSES or self.peek(2)[1:] in "pP"):
                self.take()
                tests.append(self.escape())
                if self.ranges():
                    raise ValueError("no end of a range")
            else:
                high = low = self.set_character()
                if self.ranges():
                    self.take()
                    self.visible()
                    high = self.set_character()
                if low > high:
                    raise ValueError(f"{low}-{high}: no range")
                tests.append(self.range(low, high))
        return lambda character: any(test(character) for test in tests)

    def ranges(self) -> bool:
        """Whether a hyphen follows that makes a range."""
        return self.visible() == "-" and self.peek(2) not in ("-]", "--")

    def set_character(self) -> str:
        character = self.take()
        return self.character(self.take()) if character == "\\" else character


def _bounds(text: str) -> tuple[int, int | None]:
    least_text, comma, most_text = (part.strip() for part in text.partition(","))
    if not least_text.isdigit() or len(text) > 20:
        raise ValueError(f"{text}: no repetition")
    least = int(least_text)
    most = least if not comma else int(most_text) if most_text else None
    if most is not None and most < least:
        raise ValueError(f"{text}: no repetition")
    return least, most


def _anything(character: str) -> bool:
    return True


def _no_line_feed(character: str) -> bool:
    return character != "\n"


def _range(low: str, high: str) -> Test:
    return lambda character: low <= character <= high


def _not(test: Test) -> Test:
    return lambda character: not test(character)


def _is_word(character: str) -> bool:
    if character.isascii():
        return character.isalnum() or character == "_"
    return unicodedata.category(character) in _WORDS


_WORDS: Final = frozenset(("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "Pc"))


def _property(name: str) -> Test:
    """A general category, or a script, which the names of characters begin with."""
    short = _CATEGORIES.get(name.replace("_", "").replace(" ", "").lower(), name)
    if len(short) <= 2 and short[:1] in "CLMNPSZ":
        return lambda character: unicodedata.category(character).startswith(short)
    if short.lower() not in _SCRIPTS:
        raise ValueError(f"{name}: no property that is known")
    beginning = _SCRIPTS[short.lower()]
    return lambda character: unicodedata.name(character, "").startswith(beginning)


_CATEGORIES: Final = {
    "letter": "L",
    "lowercaseletter": "Ll",
    "lowercase": "Ll",
    "mark": "M",
    "number": "N",
    "decimalnumber": "Nd",
    "other": "C",
    "punctuation": "P",
    "separator": "Z",
    "symbol": "S",
    "uppercaseletter": "Lu",
    "uppercase": "Lu",
    "alphabetic": "L",
}
_SCRIPTS: Final = {
    script: f"{script.upper()} "
    for script in [
        "latin",
        "greek",
        "cyrillic",
        "arabic",
        "hebrew",
        "thai",
        "hangul",
        "hiragana",
        "katakana",
        "devanagari",
        "armenian",
        "georgian",
    ]
} | {"han": "CJK UNIFIED IDEOGRAPH"}
_CLASSES: Final[dict[str, Test]] = {
    "d": str.isdecimal,
    "s": lambda character: character.isspace() and not "\x1c" <= character <= "\x1f",
    "w": _is_word,
}
_CONTROLS: Final = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
_LOOKS: Final[dict[str, Callable[[str, str], bool]]] = {
    "^": lambda before, after: not before,
    "$": lambda before, after: not after,
    "^m": lambda before, after: before in ("", "\n"),
    "$m": lambda before, after: after in ("", "\n"),
}
_LOOKS_ESCAPED: Final[dict[str, Callable[[str, str], bool]]] = {
    "A": _LOOKS["^"],
    "z": _LOOKS["$"],
    "<": lambda before, after: (before == "" or not _is_word(before)) and after != "" and _is_word(after),
    ">": lambda before, after: before != "" and _is_word(before) and (after == "" or not _is_word(after)),
    "b": lambda before, after: (before != "" and _is_word(before)) != (after != "" and _is_word(after)),
    "B": lambda before, after: (before != "" and _is_word(before)) == (after != "" and _is_word(after)),
}
_COMBINED: Final[dict[str, Callable[[Test, Test], Test]]] = {
    "&&": lambda one, other: lambda character: one(character) and other(character),
    "--": lambda one, other: lambda character: one(character) and not other(character),
    "~~": lambda one, other: lambda character: one(character) != other(character),
}


def _ascii(test: Test) -> Test:
    return lambda character: character.isascii() and test(character)


_POSIX: Final[dict[str, Test]] = {
    "alnum": _ascii(str.isalnum),
    "alpha": _ascii(str.isalpha),
    "ascii": str.isascii,
    "blank": lambda character: character in "\t ",
    "cntrl": _ascii(lambda character: character < " " or character == "\x7f"),
    "digit": _ascii(str.isdecimal),
    "graph": _range("!", "~"),
    "lower": _range("a", "z"),
    "print": _range(" ", "~"),
    "punct": _ascii(lambda character: "!" <= character <= "~" and not character.isalnum()),
    "space": lambda character: character in "\t\n\v\f\r ",
    "upper": _range("A", "Z"),
    "word": _ascii(_is_word),
    "xdigit": lambda character: character in "0123456789abcdefABCDEF",
}
