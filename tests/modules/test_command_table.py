"""COMMAND and COMMAND DOCS of the modules' commands against recordings of the real servers'."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from redouble.core.server import Server
from tests.parity.machine.ours import CoreClient

from .golden import FOLDER, VERSIONS

SEARCH = ("_FT.", "FT.DEBUG", "SEARCH.", "TIMESERIES.")
"""Commands of a module that redouble does not have, and of the modules' insides."""
FIELDS = ["name", "arity", "flags", "first", "last", "step", "categories", "tips", "keys"]
UNORDERED = {"flags", "categories", "tips"}
OURS_IS_ANOTHER: dict[tuple[str, str, str], str] = {
    ("redis86", "json.mget", "keys"): "a note for readers stands with its key",
}
"""Server, command and fact: why ours is another."""


def plain(reply: Any) -> Any:
    """A recorded reply without the kinds of its parts."""
    mark, *rest = reply
    if mark == "%":
        return {plain(key): plain(item) for key, item in rest[0]}
    if mark in "*~" and rest[0] is not None:
        return [plain(item) for item in rest[0]]
    return rest[0] if rest else None


def decoded(reply: Any) -> Any:
    if isinstance(reply, dict):
        return {decoded(key): decoded(item) for key, item in reply.items()}
    if isinstance(reply, list):
        return [decoded(item) for item in reply]
    return reply.decode() if isinstance(reply, bytes) else reply


def pairs(items: Any) -> Any:
    """Maps, which RESP2 writes as lists, as dictionaries."""
    if not isinstance(items, list):
        return items
    if len(items) % 2 == 0 and items and items[0] in ("notes", "flags", "type", "index", "lastkey", "keynumidx"):
        return {name: pairs(item) for name, item in zip(items[::2], items[1::2])}
    return [pairs(item) for item in items]


def recorded(label: str) -> dict[str, Any]:
    name = {"stack74": "stack74", "redis86": "redis86"}[label]
    with gzip.open(FOLDER / f"command_info-{name}.json.gz", "rt") as file:
        entries = json.load(file)
    return {name: entry for name, entry in entries.items() if not name.upper().startswith(SEARCH)}


@pytest.mark.parametrize("label", VERSIONS)
def test_command_describes_the_modules_commands_as_the_real_server(label: str) -> None:
    server = Server(version=VERSIONS[label])
    ours = {
        entry[0]: entry
        for entry in decoded(server.call(CoreClient(server), [b"COMMAND"]))
        if "module" in entry[2] and not entry[0].upper().startswith(SEARCH)
    }
    real = {plain(entry["info"])[0]: plain(entry["info"]) for entry in recorded(label).values()}
    assert sorted(set(real) ^ set(ours)) == []
    wrong = []
    for command, entry in ours.items():
        for field, mine, theirs in zip(FIELDS, entry, real[command]):
            if field in UNORDERED:
                mine, theirs = sorted(mine), sorted(theirs)
            if pairs(mine) != pairs(theirs) and (label, command, field) not in OURS_IS_ANOTHER:
                wrong.append((command, field, mine, theirs))
    assert wrong == []


@pytest.mark.parametrize("label", VERSIONS)
def test_command_docs_has_the_facts_of_the_real_server(label: str) -> None:
    server = Server(version=VERSIONS[label])
    client = CoreClient(server)
    wrong = []
    for name, entry in recorded(label).items():
        (page,) = decoded(server.call(client, [b"COMMAND", b"DOCS", name.encode()])).values()
        real = plain(entry["docs"])[name]
        facts = ("since", "group", "module")
        wrong += [(name, fact, page.get(fact), real.get(fact)) for fact in facts if page.get(fact) != real.get(fact)]
    assert wrong == []
