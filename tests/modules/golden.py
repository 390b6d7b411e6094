"""Recorded answers of servers with modules (tests/golden/modules), and redouble's to the same commands."""

from __future__ import annotations

import functools
import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from redouble.core.server import Server
from tests.parity.machine.ours import CoreClient
from tests.parity.machine.wire import Node, parse

FOLDER = Path(__file__).parents[1] / "golden" / "modules"
FAMILIES = ("json", "bf", "cf", "cms", "topk", "tdigest", "ts", "vset", "search")
VERSIONS = {"stack74": "7.4", "redis86": "8.6"}
"""The recorded servers, and what redouble is told to be."""

Case = dict[str, Any]


@functools.cache
def cases(family: str) -> list[Case]:
    with gzip.open(FOLDER / f"{family}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def tags(family: str, label: str) -> list[str]:
    return sorted({case["tag"] for case in cases(family) if label in case["servers"]})


def differences(family: str, label: str, protocol: int, tag: str) -> Iterator[tuple[Case, str]]:
    """The cases that redouble answers otherwise, each with the first command line that shows it."""
    for case in cases(family):
        if case["tag"] == tag and label in case["servers"]:
            difference = _difference(case, label, protocol)
            if difference:
                yield case, difference


def _difference(case: Case, label: str, protocol: int) -> str | None:
    server = Server(version=VERSIONS[label])
    client = CoreClient(server)
    if protocol == 3:
        _ask(server, client, ["HELLO", "3"])
    for argv in case["setup"]:
        _ask(server, client, argv)
    unordered = case.get("cmp") == "unordered"
    for step in [case, *case.get("then", [])]:
        expected = step["reply2"] if protocol == 2 else step.get("reply3", step["reply2"])
        got = _ask(server, client, step["cmd"])
        if not matches(expected, got, unordered):
            lines = [f"    {' '.join(map(repr, argv))}" for argv in case["setup"]]
            if step is not case:
                lines.append(f"    {' '.join(map(repr, case['cmd']))}")
            return "\n".join(
                [*lines, f"  * {' '.join(map(repr, step['cmd']))}", f"  recorded {expected}", f"  redouble {got}"]
            )
    return None


def _ask(server: Server, client: CoreClient, argv: list[str]) -> Any:
    reply = server.call(client, [word.encode("latin-1") for word in argv])
    client.deliver(reply)
    return typed(parse(client.outbox.popleft()))


def typed(node: Node) -> Any:
    """A reply as the recordings write it."""
    mark = node.mark.decode()
    if mark == "_":
        return ["_"]
    if node.null:
        return [mark, None]
    if mark == "%":
        return [mark, [[typed(key), typed(item)] for key, item in zip(node.children[::2], node.children[1::2])]]
    if mark in "*~":
        return [mark, list(map(typed, node.children))]
    text = node.text.decode("latin-1")
    if mark == ":":
        return [mark, int(text)]
    return [mark, text == "t"] if mark == "#" else [mark, text]


def matches(expected: Any, got: Any, unordered: bool) -> bool:
    if expected[0] == "?":
        return True
    if expected[0] == "sha1":
        data = got[1].encode("latin-1") if got[0] == "$" and got[1] is not None else b""
        return len(data) == expected[1] and hashlib.sha1(data).hexdigest() == expected[2]
    if expected[0] != got[0]:
        return False
    if expected[0] in "*~" and expected[1] is not None and got[1] is not None:
        if unordered:
            expected, got = ([reply[0], sorted(reply[1], key=repr)] for reply in (expected, got))
        return len(expected[1]) == len(got[1]) and all(
            matches(one, other, unordered) for one, other in zip(expected[1], got[1])
        )
    if expected[0] == "%":
        if unordered:
            expected, got = ([reply[0], sorted(reply[1], key=repr)] for reply in (expected, got))
        return len(expected[1]) == len(got[1]) and all(
            matches(one, other, unordered)
            for pair, other_pair in zip(expected[1], got[1])
            for one, other in zip(pair, other_pair)
        )
    if unordered and expected[0] == "$" and expected != got:
        return _same_document(expected[1], got[1])
    return bool(expected == got)


def _same_document(one: str | None, other: str | None) -> bool:
    try:
        return bool(json.loads(one or "") == json.loads(other or ""))
    except ValueError:
        return False
