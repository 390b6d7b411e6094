"""Replies of another server: from the bytes of a buffered stream to reply values."""

from __future__ import annotations

from typing import BinaryIO

from redouble.resp.reply import (
    NULL_ARRAY,
    Attributed,
    BigNumber,
    CommandError,
    Members,
    PrintedDouble,
    Push,
    Reply,
    Status,
    Verbatim,
)

__all__ = ["encode_command", "read_reply"]


def encode_command(argv: list[bytes]) -> bytes:
    """A command as clients send it."""
    count = len(argv)
    if count == 3:  # one format for all of it: x0.6
        one, two, three = argv
        return b"*3\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(one), one, len(two), two, len(three), three)
    return b"*%d\r\n" % count + b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in argv])


def read_reply(stream: BinaryIO) -> Reply:
    """The next reply; an error is a `CommandError` value.  Raises EOFError where the stream ends, ValueError if it is not RESP."""
    line = stream.readline()
    if not line.endswith(b"\r\n"):
        raise EOFError("the connection was closed in the middle of a reply" if line else "the connection was closed")
    mark, text = line[:1], line[1:-2]
    if mark == b"+":
        return Status(text)
    if mark == b"-":
        return CommandError(text.decode("utf-8", "surrogateescape"))
    if mark == b":":
        return int(text)
    if mark == b"$":
        return _blob(stream, int(text))
    if mark == b"*":
        return NULL_ARRAY if text == b"-1" else [read_reply(stream) for _ in range(int(text))]
    if mark == b"_":
        return None
    if mark == b"#":
        return text == b"t"
    if mark == b",":
        return PrintedDouble(text)
    if mark == b"(":
        return BigNumber(text)
    if mark == b"%":
        return {_as_key(read_reply(stream)): read_reply(stream) for _ in range(int(text))}
    if mark == b"~":
        return Members(read_reply(stream) for _ in range(int(text)))
    if mark == b">":
        return Push(read_reply(stream) for _ in range(int(text)))
    if mark == b"=":
        return Verbatim((_blob(stream, int(text)) or b"")[4:])
    if mark == b"!":
        return CommandError((_blob(stream, int(text)) or b"").decode("utf-8", "surrogateescape"))
    if mark == b"|":
        attributes = {_as_key(read_reply(stream)): read_reply(stream) for _ in range(int(text))}
        return Attributed(read_reply(stream), attributes)
    raise ValueError(f"not RESP: {line[:60]!r}")


def _blob(stream: BinaryIO, size: int) -> bytes | None:
    if size < 0:
        return None
    data = stream.read(size + 2)
    if len(data) < size + 2:
        raise EOFError("the connection was closed in the middle of a reply")
    return data[:-2]


def _as_key(reply: Reply) -> Reply:
    """What Python can look up; nearly every key of a map is a string."""
    return tuple(map(_as_key, reply)) if isinstance(reply, (list, dict)) else reply
