"""Where two runs of one test, on the fake and on a real server, were answered differently.

What is chance or time is not compared, but remembered: an id that XADD made on one side stands for the one that it made
on the other, and so does a token that the test itself drew, wherever they turn up later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

__all__ = ["Difference", "first_difference"]

Recorded = tuple[list[bytes], Any]
"""A command and its reply, as `redouble.suite.trace` writes them down."""

CHANCE = frozenset(
    b"ACL CLIENT CLUSTER COMMAND COMMANDLOG DEBUG EXPIRETIME HELLO HEXPIRETIME HOTKEYS HPEXPIRETIME HRANDFIELD INFO LASTSAVE"
    b" LATENCY MEMORY PEXPIRETIME RANDOMKEY ROLE SLOWLOG SPOP SRANDMEMBER TIME VRANDMEMBER WAIT XINFO XPENDING ZRANDMEMBER".split()
)
"""Replies whose shape is compared, and no value."""
UNORDERED = frozenset(
    b"CONFIG GEORADIUS GEORADIUSBYMEMBER GEOSEARCH HKEYS HVALS KEYS PUBSUB SDIFF SINTER SMEMBERS SUNION".split()
)
PAIRS = frozenset((b"HGETALL", b"CONFIG"))
"""Flat lists of names and values in RESP2."""
NEAR = frozenset((b"HPTTL", b"HTTL", b"OBJECT", b"PTTL", b"TTL"))
"""Numbers that may differ by a second, or by one in a hundred."""
SCANS = frozenset((b"HSCAN", b"SCAN", b"SSCAN", b"ZSCAN"))


class Difference(NamedTuple):
    """The first command whose replies differ; `number` counts from 1.  A side that sent nothing more has None."""

    number: int
    fake: Recorded | None
    real: Recorded | None


def first_difference(fake: Sequence[Recorded], real: Sequence[Recorded]) -> Difference | None:
    """None if all replies agree."""
    fake, real = _whole_scans(fake), _whole_scans(real)
    sides = _Sides()
    for number, (one, other) in enumerate(zip(fake, real), 1):
        if not sides.same_command(one[0], other[0]) or not sides.same_reply(_name(one[0]), one, other):
            return Difference(number, one, other)
    if len(fake) != len(real):
        number = min(len(fake), len(real))
        return Difference(number + 1, *(side[number] if number < len(side) else None for side in (fake, real)))
    return None


def _name(argv: Sequence[bytes]) -> bytes:
    return argv[0].upper().partition(b" ")[0] if argv else b""


def _whole_scans(entries: Sequence[Recorded]) -> list[Recorded]:
    """Scans that go on from each other's cursor as one that got everything: how they are cut is chance."""
    whole: list[Recorded] = []
    for argv, reply in entries:
        if whole and _name(argv) in SCANS:
            before, found = whole[-1]
            at = 1 if _name(argv) == b"SCAN" else 2
            if _is_scan(found) and _is_scan(reply) and _name(before) == _name(argv) and _word(found[0]) == argv[at]:
                whole[-1] = before, [reply[0], [*found[1], *reply[1]]]
                continue
        whole.append((list(argv), reply))
    return whole


def _is_scan(reply: Any) -> bool:
    return isinstance(reply, list) and len(reply) == 2 and isinstance(reply[1], list)


def _word(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _number(word: bytes) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


class _Sides:
    """What of the fake's run stands for what of the real one's."""

    def __init__(self) -> None:
        self._real: dict[bytes | float, bytes | float] = {}
        """By the fake's word, or by the number that it spells: a reply may spell it otherwise."""

    def same_command(self, fake: list[bytes], real: list[bytes]) -> bool:
        """Words that the test itself made differently (a token, a time) become pairs."""
        if len(fake) != len(real) or _name(fake) != _name(real):
            return False
        for one, other in zip(fake, real):
            if one != other:
                self._pair(one, other)
        return True

    def _pair(self, fake: Any, real: Any) -> None:
        """Let these two words stand for each other from now on."""
        one, other = _word(fake), _word(real)
        self._real.setdefault(one, other)
        spelt, meant = _number(one), _number(other)
        if spelt is not None and meant is not None:
            self._real.setdefault(spelt, meant)

    def _stands_for(self, fake: Any, real: Any) -> bool:
        one, other = _word(fake), _word(real)
        if one in self._real:
            return self._real[one] == other
        number = _number(one)
        return number is not None and number in self._real and self._real[number] == _number(other)

    def same_reply(self, name: bytes, fake: Recorded, real: Recorded) -> bool:
        one, other = fake[1], real[1]
        if name in CHANCE or (name == b"XADD" and any(b"*" in word for word in fake[0][2:])):
            return self._learn(one, other)
        if name in SCANS and _is_scan(one) and _is_scan(other):
            return self._same_members(one[1], other[1])  # the cursors are chance
        if name in PAIRS and isinstance(one, list) and isinstance(other, list):
            one, other = _paired(one), _paired(other)
            return self._same_members(one, other)
        if name in UNORDERED and isinstance(one, list) and isinstance(other, list):
            return self._same_members(one, other)
        return self._same(one, other, near=name in NEAR)

    def _learn(self, fake: Any, real: Any) -> bool:
        """Whether both are of one kind; their strings and numbers stand for each other from now on."""
        if _kind(fake) != _kind(real):
            return False
        if _kind(fake) == "error":
            return self._same(fake, real)
        if isinstance(fake, (bytes, str, int)) and not isinstance(fake, bool):
            self._pair(fake, real)
        elif isinstance(fake, list):
            for one, other in zip(fake, real):
                self._learn(one, other)
        return True

    def _same(self, fake: Any, real: Any, near: bool = False) -> bool:
        if _kind(fake) != _kind(real):
            return False
        if isinstance(fake, list):
            return len(fake) == len(real) and all(self._same(one, other, near) for one, other in zip(fake, real))
        if fake == real:
            return True
        if isinstance(fake, tuple):
            if fake[0] in ("map", "set"):
                return self._same_members(fake[1], real[1])
            fake, real = fake[1], real[1]  # a double, an error
        elif near and isinstance(fake, int):
            return bool(abs(fake - real) <= max(1 if abs(real) < 1000 else 1000, abs(real) // 100))
        return fake is not None and self._stands_for(fake, real)

    def _same_members(self, fake: list[Any], real: list[Any]) -> bool:
        """Whether every member of one has its own in the other, in whatever order."""
        left = list(real)
        for one in fake:
            for at, other in enumerate(left):
                if self._same(one, other):
                    del left[at]
                    break
            else:
                return False
        return not left


def _paired(flat: list[Any]) -> list[Any]:
    return [flat[at : at + 2] for at in range(0, len(flat), 2)]


def _kind(value: Any) -> str:
    return str(value[0]) if isinstance(value, tuple) else type(value).__name__
