"""What may differ between two right answers: order, time and chance.  The one place that says so.

Without a directive an answer is compared byte by byte.  With one, both sides are brought into a normal form first:

    @unordered  every array, set and map is sorted
    @time       integers that are points in time become `now+100`; integers above zero may differ by 1 or by 1 %
    @idle       in replies about streams the times become their age in seconds, and ids made of the time become `now`
    @log        in entries of ACL LOG ages are in whole seconds, timestamps `now`, and of client-info only a few values stay
    @slowlog    in entries of SLOWLOG ids become ranks, times and addresses `now` and `client`, durations `?`; `@slowlog sizes`
                keeps the bytes that COMMANDLOG tells in their place; what the machine asks itself is left out
    @hotkeys    in HOTKEYS times become `?`
    @profile    in FT.PROFILE times become `?`
    @any        values become `?`, kinds and counts stay; `@any 3 7` does so with the children 3 and 7 only
    @names      of texts such as INFO and CLIENT LIST only the names before `=` or `:` stay (with @unordered: sorted);
                `@names flags redir`: and the values of these
    @type       only the kind of the reply stays
    @monitor    of the lines of MONITOR the time and the address become `now` and `client`

Errors and nulls are never touched: a directive does not hide that one server refuses what the other does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from .scenario import NORMALISING, Step, Target
from .wire import AGGREGATES, Node, parse, serialise

MONITORED = re.compile(rb"^\d{10}\.\d{6} \[(\d+) (?:[\d.]+:\d+|(lua))\]")

BLOCKED = b"(blocked)"
NOTHING = b"(nothing)"
CLOSED = b"(closed)"
"""What a step gives when no message comes."""


def is_message(outcome: bytes) -> bool:
    return outcome.endswith(b"\r\n")


TEN_YEARS_MS = 10 * 365 * 86_400_000


def normalise(message: bytes, step: Step, target: Target, now_ms: int) -> bytes:
    """The normal form of a message; `now_ms` is the answering server's wall clock."""
    rules = {d.name: d for d in step.directives if d.name in NORMALISING and d.applies(target)}
    if not rules or not is_message(message) or message[:1] in b"-!":
        return message
    node = parse(message)
    if "type" in rules:
        return serialise(node) if node.null else node.mark + b"?"
    if "any" in rules:
        paths = rules["any"].arguments
        for leaf in _leaves(node) if not paths else [node.children[int(path)] for path in paths if node.children]:
            if not leaf.null:
                leaf.text = b"?"
    if "monitor" in rules:
        node.text = MONITORED.sub(lambda match: b"now [%b %b]" % (match[1], match[2] or b"client"), node.text)
    if "names" in rules:
        for leaf in _leaves(node):
            leaf.text = _names(leaf, "unordered" in rules, rules["names"].arguments)
    if "idle" in rules:
        _ages(node, now_ms)
    if "log" in rules:
        _log_entries(node)
    if "slowlog" in rules:
        _slow_entries(node, rules["slowlog"].arguments)
    if "hotkeys" in rules:
        _hot_keys(node)
    if "profile" in rules:
        _profile(node)
    if "time" in rules:
        for leaf in _leaves(node):
            if leaf.mark == b":":
                leaf.text = _relative(int(leaf.text), now_ms)
    if "unordered" in rules:
        _sort(node)
    return serialise(node)


def same(expected: bytes, got: bytes, step: Step, target: Target) -> bool:
    """Whether two normal forms are the same answer."""
    if expected == got:
        return True
    if step.directive("time", target) is None or not (is_message(expected) and is_message(got)):
        return False
    return _near(parse(expected), parse(got))


def _leaves(node: Node) -> Iterator[Node]:
    if node.mark[0] not in AGGREGATES:
        yield node
    for child in node.children:
        yield from _leaves(child)


def _sort(node: Node) -> None:
    for child in node.children:
        _sort(child)
    if node.mark == b"%":
        pairs = list(zip(node.children[::2], node.children[1::2], strict=True))
        pairs.sort(key=lambda pair: (serialise(pair[0]), serialise(pair[1])))
        node.children = [child for pair in pairs for child in pair]
    elif node.mark != b"|":
        node.children.sort(key=serialise)


STREAM_TIMES = frozenset((b"idle", b"inactive", b"seen-time", b"active-time"))
"""The fields of XINFO that hold a time; in lists of pending entries it stands before the count of deliveries."""

STREAM_ID = re.compile(rb"(\d+)-\d+")


def _ages(node: Node, now_ms: int) -> None:
    children = node.children
    for name, value in pairwise(children):
        if name.text in STREAM_TIMES and value.mark == b":":
            value.text = _age(int(value.text), now_ms)
    if len(children) >= 3 and STREAM_ID.fullmatch(children[0].text) and children[-2].mark == children[-1].mark == b":":
        children[-2].text = _age(int(children[-2].text), now_ms)
    found = STREAM_ID.fullmatch(node.text)
    if found and abs(int(found[1]) - now_ms) < TEN_YEARS_MS:
        node.text = b"now"
    for child in children:
        _ages(child, now_ms)


def _age(value: int, now_ms: int) -> bytes:
    """An idle time, or a point in time, in whole seconds of age; -1 is never."""
    if abs(value - now_ms) < TEN_YEARS_MS:
        value = now_ms - value
    return b"-1" if value == -1 else b"%ds" % ((value + 500) // 1000)


CLIENT_FACTS = frozenset((b"name", b"flags", b"db", b"sub", b"psub", b"cmd", b"user", b"resp"))
"""What the client-info of a log entry says that is no chance."""


def _log_entries(node: Node) -> None:
    for name, value in pairwise(node.children):
        if name.text == b"age-seconds":
            value.text = b"%d.0" % float(value.text)
        elif name.text.startswith(b"timestamp-"):
            value.text = b"now"
        elif name.text == b"client-info":
            facts = (fact.partition(b"=") for fact in value.text.split(b" "))
            value.text = b" ".join(fact + (b"=" + known if fact in CLIENT_FACTS else b"") for fact, _, known in facts)
    for child in node.children:
        _log_entries(child)


ASKING = ([b"PING"], [b"QUIT"], [b"CLIENT", b"LIST"])
"""What `play.py` asks a real server to learn whether a client is blocked."""


def _slow_entries(node: Node, keep: Sequence[str]) -> None:
    ids = [int(entry.children[0].text) for entry in node.children]
    descending = ids == sorted(set(ids), reverse=True)
    node.children = [
        entry for entry in node.children if [word.text for word in entry.children[3].children] not in ASKING
    ]
    for rank, (number, at, amount, _, address, _) in enumerate(entry.children for entry in node.children):
        number.text = b"%d" % -rank if descending else b"out of order"
        at.text = b"now"
        if "sizes" not in keep:
            amount.text = b"?"
        if re.fullmatch(rb"[\d.]+:\d+", address.text):
            address.text = b"client"


def _profile(node: Node) -> None:
    for name, value in pairwise(node.children):
        if name.text.lower().endswith(b"time"):
            value.text = b"?"
    for child in node.children:
        _profile(child)


def _hot_keys(node: Node) -> None:
    for session in node.children:
        for name, value in zip(session.children[::2], session.children[1::2]):
            if re.search(rb"-(us|ms)$", name.text):
                for amount in value.children[1::2] or [value]:
                    amount.text = b"?"


def _names(leaf: Node, unordered: bool, valued: tuple[str, ...]) -> bytes:
    def name(field: bytes, sign: bytes) -> bytes:
        word = field.split(sign)[0]
        return field if word.decode() in valued else word

    prefix = leaf.text[:4] if leaf.mark == b"=" else b""
    lines = []
    for line in leaf.text[len(prefix) :].splitlines():
        if b"=" in line and b":" not in line.split(b"=")[0]:
            lines.append(b" ".join(name(word, b"=") for word in line.split()))
        else:
            lines.append(name(line, b":"))
    return prefix + b"\n".join(sorted(lines) if unordered else lines)


def _relative(value: int, now_ms: int) -> bytes:
    if abs(value - now_ms) < TEN_YEARS_MS:
        return b"now%+d" % (value - now_ms)
    if abs(value * 1000 - now_ms) < TEN_YEARS_MS:
        return b"now%+d" % (value - now_ms // 1000)
    return b"%d" % value


def _near(one: Node, other: Node) -> bool:
    if (one.mark, one.null, len(one.children)) != (other.mark, other.null, len(other.children)):
        return False
    if one.mark == b":" and one.text != other.text:
        match, match_other = (re.fullmatch(rb"(now)?\+?(-?\d+)", node.text) for node in (one, other))
        if match is None or match_other is None or match[1] != match_other[1]:
            return False
        a, b = int(match[2]), int(match_other[2])
        return (min(a, b) > 0 or match[1] is not None) and abs(a - b) <= max(1, abs(a) // 100)
    return one.text == other.text and all(map(_near, one.children, other.children))
