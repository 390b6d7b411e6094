"""COMMAND and COMMAND DOCS against recordings of the real servers' (tools/record_commands.py), for the commands we have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.parity.__main__ import SERVERS

import redouble.commands  # noqa: F401  # fills the command table
from redouble.core.client import Client
from redouble.core.server import Server

RECORDINGS = Path(__file__).resolve().parent.parent / "recordings"
FIELDS = ["name", "arity", "flags", "first", "last", "step", "categories", "tips", "keys"]
UNORDERED = {"flags", "categories", "tips"}

OURS_IS_ANOTHER = {
    ("redis-7.0", "client|pause", "since"): "7.0 says 2.9.50, all later ones 3.0.0",
}
"""Facts of one version that no other repeats."""

ARGUMENTS_DIFFER = {
    **{
        ("redis-7.0", command): "7.0 has another shape than all later ones"
        for command in (
            *("bitop", "client|list", "client|kill", "psubscribe", "config|get", "module|loadex"),
            *("georadius", "georadiusbymember", "migrate"),
        )
    },
    **{
        ("valkey-9", command): "Valkey says that numfields is the key"
        for command in (
            *("hgetdel", "hgetex", "hsetex", "hpexpire", "hexpireat", "hpexpireat"),
            *("httl", "hpttl", "hexpiretime", "hpexpiretime", "hpersist"),
        )
    },
    **dict.fromkeys(
        (("valkey-9", "geosearch"), ("valkey-9", "geosearchstore")), "Valkey says that the centre may be left out"
    ),
    **dict.fromkeys(
        (("valkey-8.1", "bitcount"), ("valkey-9", "bitcount")), "one more optional level in the usage line"
    ),
    **dict.fromkeys(
        (("valkey-8.1", f"commandlog|{word}") for word in ("get", "len", "reset")),
        "8.1 says that its words are strings",
    ),
    ("valkey-9", "cluster|migrateslots"): "SLOTSRANGE is an argument, not a token",
    **dict.fromkeys((("valkey-8.1", "client|kill"), ("valkey-9", "client|kill")), "Valkey may name several ids"),
}
"""Shapes of one version that no other repeats.  Also `docs/differences.md`, under COMMAND DOCS."""


def plain(reply: Any) -> Any:
    if isinstance(reply, dict):
        return {plain(key): plain(item) for key, item in reply.items()}
    if isinstance(reply, list):
        return [plain(item) for item in reply]
    return reply.decode() if isinstance(reply, bytes) else reply


def entries(table: list[Any]) -> dict[str, list[Any]]:
    found = {}
    for entry in table:
        found[entry[0]] = entry
        found |= entries(entry[9]) if len(entry) > 9 else {}
    return found


def pages(docs: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for name, page in docs.items():
        found[name] = page
        found |= pages(page.get("subcommands", {}))
    return found


def shape(argument: dict[str, Any]) -> dict[str, Any]:
    """What is compared of an argument: not when it came nor how it is shown; groups and words have names of our own."""
    kept = {key: item for key, item in argument.items() if key not in ("since", "deprecated_since", "display_text")}
    if argument["type"] in ("oneof", "block", "pure-token"):
        del kept["name"]
    if "arguments" in kept:
        kept["arguments"] = [shape(inner) for inner in kept["arguments"]]
    return kept


@pytest.fixture(params=SERVERS)
def served(request: pytest.FixtureRequest) -> tuple[str, Server, Client, dict[str, Any]]:
    server_type, version = request.param.split("-")
    server = Server(server_type=server_type, version=version, modules=())
    recording = json.loads((RECORDINGS / f"commands-{request.param}.json").read_text())
    return request.param, server, Client(server), recording


def test_command_knows_the_commands_of_the_real_server(
    served: tuple[str, Server, Client, dict[str, Any]],
) -> None:
    _, server, client, recording = served
    real = entries(recording["table"])
    ours = entries(plain(server.call(client, [b"COMMAND"])))
    assert sorted(set(ours) ^ set(real)) == []


def test_command_describes_commands_as_the_real_server(
    served: tuple[str, Server, Client, dict[str, Any]],
) -> None:
    name, server, client, recording = served
    real = entries(recording["table"])
    wrong = []
    for command, entry in entries(plain(server.call(client, [b"COMMAND"]))).items():
        for field, mine, theirs in zip(FIELDS, entry, real[command]):
            if field in UNORDERED:
                mine, theirs = sorted(mine), sorted(theirs)
            if mine != theirs and (name, command, field) not in OURS_IS_ANOTHER:
                wrong.append((command, field, mine, theirs))
    assert wrong == []


def test_command_docs_has_the_facts_of_the_real_server(
    served: tuple[str, Server, Client, dict[str, Any]],
) -> None:
    name, server, client, recording = served
    if "docs" not in recording:
        pytest.skip("COMMAND DOCS came with 7.0")
    real = pages(recording["docs"])
    wrong = []
    for command, page in pages(plain(server.call(client, [b"COMMAND", b"DOCS"]))).items():
        wrong += [
            (command, fact, page.get(fact), real[command].get(fact))
            for fact in ("since", "group", "deprecated_since", "doc_flags")
            if page.get(fact) != real[command].get(fact) and (name, command, fact) not in OURS_IS_ANOTHER
        ]
        assert page.get("summary") or "since" not in real[command], command
        arguments = [[shape(argument) for argument in each.get("arguments", [])] for each in (page, real[command])]
        if (arguments[0] != arguments[1]) != ((name, command) in ARGUMENTS_DIFFER):
            wrong.append((command, "arguments", *arguments))
    assert wrong == []


def test_command_count_counts_commands_and_command_list_lists_subcommands_too(
    served: tuple[str, Server, Client, dict[str, Any]],
) -> None:
    _, server, client, _ = served
    table = plain(server.call(client, [b"COMMAND"]))
    assert server.call(client, [b"COMMAND", b"COUNT"]) == len(table)
    if b"LIST" in server.prototypes[b"COMMAND"].subcommands:
        assert sorted(plain(list(server.call(client, [b"COMMAND", b"LIST"])))) == sorted(entries(table))
