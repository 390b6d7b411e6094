"""Lua's patterns.

A pattern that cannot take long becomes a regular expression of Python's.  All others are matched here, step by step, and
the steps count against the script's budget: no pattern can hang the server.  To compile a regular expression takes long,
too, and memory: a long pattern never becomes one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from redouble.scripting.errors import LuaError

__all__ = ["Match", "Pattern", "compiled"]

MAX_CAPTURES = 32
MAX_WORK = 200_000_000
"""A regular expression is not interruptible; so it is used only where it certainly ends after so many steps."""
MAX_COMPILED = 256
"""How long a pattern is at most that becomes a regular expression; Python needs up to 0.1 ms for each character."""
STEPS_TO_COMPILE = 1000
"""What each character of a new pattern costs."""
KEPT_PATTERNS = 512
UNFINISHED, POSITION = -1, -2

Spend = Callable[..., None]
"""Takes a number of steps from the script's budget; by default one."""

_CLASSES = {
    b"a": rb"A-Za-z",
    b"c": rb"\x00-\x1f\x7f",
    b"d": rb"0-9",
    b"l": rb"a-z",
    b"p": rb"!-/:-@\[-`{-~",
    b"s": rb"\t-\r ",
    b"u": rb"A-Z",
    b"w": rb"A-Za-z0-9",
    b"x": rb"0-9A-Fa-f",
    b"z": rb"\x00",
}
_MEMBERS = {
    name: frozenset(match[0] for match in re.findall(b"[" + body + b"]", bytes(range(256))))
    for name, body in _CLASSES.items()
}
_ALL = frozenset(range(256))

_SET = re.compile(rb"(?:%.|[^%])(?:%.|[^%\]])*\]", re.DOTALL)
"""From behind `[` or `[^` to the end of the set; its first character does not end it."""

Captures = list[tuple[int, int]]


class Match:
    """Where a pattern matched, and its captures as (start, length)."""

    __slots__ = ("captures", "end", "start", "subject")

    def __init__(self, subject: bytes, start: int, end: int, captures: Captures) -> None:
        self.subject, self.start, self.end, self.captures = subject, start, end, captures

    def capture(self, number: int) -> Any:
        """Capture `number` from 0; the whole match where there is none."""
        if number >= len(self.captures):
            if number:
                raise LuaError(b"invalid capture index")
            return self.subject[self.start : self.end]
        start, size = self.captures[number]
        if size == UNFINISHED:
            raise LuaError(b"unfinished capture")
        if size == POSITION:
            return float(start + 1)
        return self.subject[start : start + size]

    def all(self, whole: bool = True) -> list[Any]:
        """The captures; `whole`: the whole match if there are none."""
        count = len(self.captures) or int(whole)
        return [self.capture(number) for number in range(count)]


class Pattern:
    """A parsed pattern: a list of items, each with its kind, what it holds, and `*+-?` for a repeated set."""

    def __init__(self, source: bytes, anchors: bool, spend: Spend) -> None:
        source = source.partition(b"\0")[0]
        self.anchored = anchors and source[:1] == b"^"
        self.items: list[tuple[str, Any, str]] = []
        self.regex: re.Pattern[bytes] | None = None
        self.positions: list[bool] = []
        self.repeats = 0
        self._parse(source[1:] if self.anchored else source, spend)

    def _parse(self, source: bytes, spend: Spend) -> None:
        at, end = 0, len(source)
        pieces: list[bytes] | None = [] if end <= MAX_COMPILED else None
        items = self.items
        open_captures: list[int] = []
        while at < end:
            spend()
            char = source[at : at + 1]
            following = source[at + 1 : at + 2]
            piece: bytes | None = None
            if char == b"(":
                is_position = following == b")"
                items.append(("position" if is_position else "open", None, ""))
                at += 2 if is_position else 1
                self.positions.append(is_position)
                if not is_position:
                    open_captures.append(len(self.positions))
                piece = b"()" if is_position else b"("
                if len(self.positions) > MAX_CAPTURES:
                    piece = None
            elif char == b")":
                items.append(("close", None, ""))
                at += 1
                if open_captures:
                    open_captures.pop()
                    piece = b")"
            elif char == b"$" and at + 1 == end:
                items.append(("end", None, ""))
                at += 1
                piece = rb"\Z"
            elif char == b"%" and following == b"b":
                if at + 3 >= end:
                    items.append(("error", b"unbalanced pattern", ""))
                    at = end
                else:
                    items.append(("balance", (source[at + 2], source[at + 3]), ""))
                    at += 4
            elif char == b"%" and following == b"f":
                if source[at + 2 : at + 3] != b"[":
                    items.append(("error", b"missing '[' after '%f' in pattern", ""))
                    at = end
                else:
                    parsed = _parse_set(source, at + 2)
                    if isinstance(parsed, bytes):
                        items.append(("error", parsed, ""))
                        at = end
                    else:
                        at, members = parsed
                        items.append(("frontier", members, ""))
                        if pieces is not None and 0 not in members:
                            piece = b"(?<!%s)(?=%s)" % (_expression(members), _expression(members))
            elif char == b"%" and following.isdigit():
                number = int(following)
                items.append(("back", number - 1, ""))
                at += 2
            else:
                parsed = _parse_single(source, at)
                if isinstance(parsed, bytes):
                    items.append(("error", parsed, ""))
                    at = end
                else:
                    at, members = parsed
                    repeat = source[at : at + 1].decode("latin-1")
                    if repeat and repeat in "*+-?":
                        at += 1
                        self.repeats += 1
                    else:
                        repeat = ""
                    items.append(("set", members, repeat))
                    if pieces is not None:
                        piece = _expression(members) + (b"*?" if repeat == "-" else repeat.encode())
            if piece is None:
                pieces = None
            elif pieces is not None:
                pieces.append(piece)
        if pieces is not None and not open_captures:
            self.regex = re.compile(b"".join(pieces), re.DOTALL)

    def search(self, subject: bytes, start: int, spend: Spend) -> Match | None:
        """The first match from `start` on."""
        moves = not self.anchored
        regex = self.regex
        size = len(subject) - start + 1
        power = self.repeats + moves
        work = float(size) ** min(power, 30)
        if regex is not None and (power <= 1 or (work < MAX_WORK and (power <= 6 or size < 16))):
            found = regex.search(subject, start) if moves else regex.match(subject, start)
            if power > 1:
                spend(int(work) >> 4)
            elif size > 1024:
                spend((size if found is None else found.end() - start) >> 4)
            if found is None:
                return None
            captures = [
                (begin, POSITION if is_position else end - begin)
                for (begin, end), is_position in zip(found.regs[1:], self.positions)
            ]
            return Match(subject, found.start(), found.end(), captures)
        matcher = _Matcher(self.items, subject, spend)
        while True:
            matcher.captures = []
            try:
                end = matcher.match(start, 0)
            except RecursionError:
                raise LuaError(b"pattern too complex") from None
            if end >= 0:
                return Match(subject, start, end, matcher.captures)
            start += 1
            if not moves or start > len(subject):
                return None


class _Matcher:
    """lstrlib.c's matcher: backtracking, with captures on a stack."""

    def __init__(self, items: list[tuple[str, Any, str]], subject: bytes, spend: Spend) -> None:
        self.items = items
        self.subject = subject
        self.spend = spend
        self.captures: Captures = []

    def match(self, at: int, item: int) -> int:
        """Where the items from `item` on end when they match at `at`; -1: they do not."""
        items, subject = self.items, self.subject
        count, size = len(items), len(subject)
        while item < count:
            self.spend()
            kind, value, repeat = items[item]
            item += 1
            if kind == "set":
                if not repeat:
                    if at >= size or subject[at] not in value:
                        return -1
                    at += 1
                    continue
                return self.repeated(at, item, value, repeat)
            if kind == "end":
                return at if at == size else -1
            if kind == "open" or kind == "position":
                if len(self.captures) >= MAX_CAPTURES:
                    raise LuaError(b"too many captures")
                self.captures.append((at, UNFINISHED if kind == "open" else POSITION))
                end = self.match(at, item)
                if end < 0:
                    self.captures.pop()
                return end
            if kind == "close":
                for number in range(len(self.captures) - 1, -1, -1):
                    if self.captures[number][1] == UNFINISHED:
                        break
                else:
                    raise LuaError(b"invalid pattern capture")
                begin = self.captures[number][0]
                self.captures[number] = (begin, at - begin)
                end = self.match(at, item)
                if end < 0:
                    self.captures[number] = (begin, UNFINISHED)
                return end
            if kind == "balance":
                at = self.balance(at, *value)
                if at < 0:
                    return -1
            elif kind == "frontier":
                before = subject[at - 1] if at else 0
                after = subject[at] if at < size else 0
                if before in value or after not in value:
                    return -1
            elif kind == "back":
                if value < 0 or value >= len(self.captures) or self.captures[value][1] == UNFINISHED:
                    raise LuaError(b"invalid capture index")
                begin, length = self.captures[value]
                if length < 0 or subject[begin : begin + length] != subject[at : at + length]:
                    return -1
                at += length
            else:
                raise LuaError(value)
        return at

    def repeated(self, at: int, item: int, members: frozenset[int], repeat: str) -> int:
        subject, size = self.subject, len(self.subject)
        if repeat == "?":
            if at < size and subject[at] in members:
                end = self.match(at + 1, item)
                if end >= 0:
                    return end
            return self.match(at, item)
        if repeat == "-":
            while True:
                end = self.match(at, item)
                if end >= 0:
                    return end
                if at >= size or subject[at] not in members:
                    return -1
                at += 1
        most = at
        while most < size and subject[most] in members:
            most += 1
            if not most & 1023:
                self.spend()
        for last in range(most, at - (repeat == "*"), -1):
            end = self.match(last, item)
            if end >= 0:
                return end
        return -1

    def balance(self, at: int, opening: int, closing: int) -> int:
        subject = self.subject
        if at >= len(subject) or subject[at] != opening:
            return -1
        depth = 1
        for place in range(at + 1, len(subject)):
            if not place & 1023:
                self.spend()
            char = subject[place]
            if char == closing:
                depth -= 1
                if not depth:
                    return place + 1
            elif char == opening:
                depth += 1
        return -1


def _class(letter: bytes) -> frozenset[int] | None:
    """What `%a` stands for."""
    members = _MEMBERS.get(letter.lower())
    return members if members is None or letter.islower() else _ALL - members


@lru_cache(1024)
def _class_or_character(letter: bytes) -> frozenset[int]:
    """What `%a` stands for, or `%.`: the letter itself."""
    found = _class(letter)
    return frozenset(letter) if found is None else found


_character = lru_cache(256)(frozenset[int])
"""The set of one character, as there are many in a long pattern."""


def _parse_single(source: bytes, at: int) -> tuple[int, frozenset[int]] | bytes:
    """One character, class or set: where it ends, and what it holds; or an error."""
    char = source[at : at + 1]
    if char == b"%":
        letter = source[at + 1 : at + 2]
        return (at + 2, _class_or_character(letter)) if letter else b"malformed pattern (ends with '%')"
    if char == b"[":
        return _parse_set(source, at)
    return at + 1, _ALL if char == b"." else _character(char)


def _parse_set(source: bytes, at: int) -> tuple[int, frozenset[int]] | bytes:
    """Lua looks for the end of a set first, and then what is in it, with other eyes: `[a-%%]` is a range and a bracket."""
    negated = source[at + 1 : at + 2] == b"^"
    at += 1 + negated
    end = _SET.match(source, at)
    if end is None:
        return b"malformed pattern (missing ']')"
    inside = source[at : end.end()]
    # What is long is not kept.
    return end.end(), (_members if len(inside) <= MAX_COMPILED else _members.__wrapped__)(inside, negated)


@lru_cache(1024)
def _members(source: bytes, negated: bool) -> frozenset[int]:
    """What a set holds; `source` is what stands behind its `[` or `[^`, up to the `]`."""
    at, end = 0, len(source) - 1
    members: set[int] = set()
    while at < end:
        char = source[at]
        if char == 37:  # %
            members |= _class_or_character(source[at + 1 : at + 2])
            at += 2
        elif source[at + 1] == 45 and at + 2 < end:  # -
            members.update(range(char, source[at + 2] + 1))
            at += 3
        else:
            members.add(char)
            at += 1
    return _ALL - members if negated else frozenset(members)


@lru_cache(1024)
def _expression(members: frozenset[int]) -> bytes:
    """A set as a regular expression."""
    if not members:
        return rb"[^\x00-\xff]"
    if len(members) == 256:
        return b"."
    if len(members) == 1:
        return re.escape(bytes(members))
    ranges: list[bytes] = []
    ordered = sorted(members)
    start = last = ordered[0]
    for code in [*ordered[1:], 1000]:
        if code != last + 1:
            ranges.append(rb"\x%02x" % start if start == last else rb"\x%02x-\x%02x" % (start, last))
            start = code
        last = code
    return b"[%s]" % b"".join(ranges)


_patterns: dict[tuple[bytes, bool], Pattern] = {}


def compiled(source: bytes, spend: Spend, anchors: bool = True) -> Pattern:
    """`anchors`: `^` at the start is one."""
    pattern = _patterns.get((source, anchors))
    if pattern is None:
        spend(STEPS_TO_COMPILE * len(source))
        pattern = Pattern(source, anchors, spend)
        if len(source) <= MAX_COMPILED:
            if len(_patterns) >= KEPT_PATTERNS:
                _patterns.clear()
            _patterns[source, anchors] = pattern
    return pattern
