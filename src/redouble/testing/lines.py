"""Commands as the lines that one types at redis-cli."""

from __future__ import annotations

import re
from collections.abc import Sequence

from redouble.core.command import Command
from redouble.core.key_specs import key_specs, keys_of
from redouble.core.server import Server

__all__ = ["keys_in", "name_of", "quote"]

_PLAIN = re.compile(rb"[!#-&(-\[\]-~]+")
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def quote(word: bytes) -> str:
    """One argument, quoted only if it must be: UTF-8 stays readable, other bytes become `\\x..`."""
    if _PLAIN.fullmatch(word):
        return word.decode()
    text = word.decode("utf-8", "surrogateescape")
    if "'" not in text and '"' not in text and " " not in text and text.isprintable() and text and "\\" not in text:
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))


def name_of(server: Server, argv: Sequence[bytes]) -> str:
    """`SET`, `CLIENT SETNAME`: what the documentation calls the command; an unknown one is called as it was sent."""
    command = server.find(list(argv))
    if isinstance(command, Command):
        return command.declaration.name
    return argv[0].decode("utf-8", "replace").upper()


def keys_in(server: Server, argv: Sequence[bytes]) -> list[bytes]:
    """The keys that a command names."""
    command = server.find(list(argv))
    if not isinstance(command, Command):
        return []
    declaration = command.declaration
    found = keys_of(command.name, key_specs(declaration.wire_name, declaration.nodes, declaration.keys), argv)
    return [key for key, _ in found or ()]
