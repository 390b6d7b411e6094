"""Data to begin with: from Python values (`server.seed`), and from lines as one types them at redis-cli (`server.run`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from redouble.core.player import Player
from redouble.resp.parser import split_arguments
from redouble.resp.reply import Reply

if TYPE_CHECKING:
    from redouble.core.server import Server

__all__ = ["commands_for", "run", "seed", "split_line"]


def seed(server: Server, data: Mapping[Any, Any], db: int = 0) -> None:
    """Set each key to a value, in the place of what it held.

    A `str`, `bytes`, `int` or `float` becomes a string, a list or tuple a list, a set a set, a dict a hash, a dict whose
    values are all floats a sorted set, and a list of dicts a stream with ids 1-0, 2-0, ...  Raises TypeError for other
    values, and for empty collections, which Redis does not have.
    """
    player = Player(server, db)
    for key, value in data.items():
        for argv in commands_for(_word(key), value):
            player.play(argv)


def commands_for(key: bytes, value: Any) -> Iterable[list[bytes]]:
    """The commands that make `value`."""
    yield [b"DEL", key]
    if isinstance(value, (str, bytes, bytearray, int, float)) and not isinstance(value, bool):
        yield [b"SET", key, _word(value)]
    elif not isinstance(value, (list, tuple, set, frozenset, dict)):
        raise TypeError(f"{key.decode(errors='replace')}: no Redis type for a {type(value).__name__}")
    elif not value:
        raise TypeError(f"{key.decode(errors='replace')}: Redis has no empty collections")
    elif isinstance(value, (set, frozenset)):
        yield [b"SADD", key, *sorted(map(_word, value))]
    elif isinstance(value, dict):
        if all(type(score) is float for score in value.values()):
            yield [b"ZADD", key, *(word for member, score in value.items() for word in (_word(score), _word(member)))]
        else:
            yield [b"HSET", key, *(word for pair in value.items() for word in map(_word, pair))]
    elif all(isinstance(entry, dict) for entry in value):
        for number, entry in enumerate(value, 1):
            yield [b"XADD", key, b"%d-0" % number, *(word for pair in entry.items() for word in map(_word, pair))]
    else:
        yield [b"RPUSH", key, *map(_word, value)]


def _word(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return repr(value).encode()
    raise TypeError(f"a {type(value).__name__} is no word: {value!r}")


def run(server: Server, script: str) -> list[Reply]:
    """Send the lines of `script`, quoted as in redis-cli, one command each; their replies.

    Empty lines and those that begin with `#` are passed over.  Raises ValueError for quotes that do not match, and for a
    command that is answered with an error; what came before it is done.
    """
    player = Player(server)
    replies = []
    for number, line in enumerate(script.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                replies.append(player.play(split_line(line)))
            except ValueError as error:
                raise ValueError(f"line {number}: {line.strip()}: {error}") from None
    return replies


def split_line(line: str) -> list[bytes]:
    """The words of a line.  Raises ValueError if its quotes do not match."""
    argv = split_arguments(line.strip().encode())
    if argv is None:
        raise ValueError("quotes that do not match")
    return argv
