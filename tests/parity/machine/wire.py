"""RESP messages as bytes and as trees.  Written for the tests alone: a mistake in redouble's codec cannot hide here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

AGGREGATES = b"*~>%|"
LINES = b"+-:_,#("
BLOBS = b"$=!"


@dataclass
class Node:
    """One RESP value: its mark, and either the text after it or the children.  A null bulk or array has neither."""

    mark: bytes
    text: bytes = b""
    children: list[Node] = field(default_factory=list)
    null: bool = False


class Incomplete(Exception):
    """More bytes are needed."""


def end_of_message(buffer: bytes | bytearray, start: int = 0) -> int:
    """Where the message that begins at `start` ends."""
    missing = 1
    while missing:
        line_end = buffer.find(b"\r\n", start)
        if line_end < 0:
            raise Incomplete
        mark = buffer[start]
        next_start = line_end + 2
        if mark in BLOBS:
            size = int(buffer[start + 1 : line_end])
            if size >= 0:
                next_start += size + 2
                if next_start > len(buffer):
                    raise Incomplete
        elif mark in AGGREGATES:
            count = int(buffer[start + 1 : line_end])
            if mark in b"%|":
                count *= 2
            missing += max(count, 0) + (mark == ord("|"))  # attributes stand before a value, and are not one
        elif mark not in LINES:
            raise ValueError(f"not RESP: {bytes(buffer[start : start + 60])!r}")
        start = next_start
        missing -= 1
    return start


def encode_command(argv: Sequence[bytes]) -> bytes:
    return b"*%d\r\n" % len(argv) + b"".join(b"$%d\r\n%b\r\n" % (len(argument), argument) for argument in argv)


def parse(message: bytes) -> Node:
    node, end = _parse(message, 0)
    if end != len(message):
        raise ValueError(f"more than one message: {message!r}")
    return node


def _parse(message: bytes, start: int) -> tuple[Node, int]:
    line_end = message.index(b"\r\n", start)
    mark, text = message[start : start + 1], message[start + 1 : line_end]
    start = line_end + 2
    if mark in (b"$", b"=", b"!"):
        size = int(text)
        if size < 0:
            return Node(mark, null=True), start
        return Node(mark, message[start : start + size]), start + size + 2
    if mark[0] in AGGREGATES:
        count = int(text)
        if count < 0:
            return Node(mark, null=True), start
        node = Node(mark)
        for _ in range(count * 2 if mark == b"%" else count * 2 + 1 if mark == b"|" else count):
            child, start = _parse(message, start)
            node.children.append(child)
        return node, start
    return Node(mark, text), start


def serialise(node: Node) -> bytes:
    if node.mark[0] in AGGREGATES:
        if node.null:
            return node.mark + b"-1\r\n"
        count = len(node.children) // 2 if node.mark in (b"%", b"|") else len(node.children)
        return b"%b%d\r\n" % (node.mark, count) + b"".join(map(serialise, node.children))
    if node.mark[0] in BLOBS:
        return node.mark + b"-1\r\n" if node.null else b"%b%d\r\n%b\r\n" % (node.mark, len(node.text), node.text)
    return node.mark + node.text + b"\r\n"


def readable(message: bytes) -> str:
    """A message on one line, for people: `*2 $"a" :1`."""
    try:
        return _readable(parse(message))
    except ValueError:
        return ascii(message.decode("latin-1"))[1:-1]


def _readable(node: Node) -> str:
    if node.null:
        return node.mark.decode() + "-1"
    if node.mark[0] in AGGREGATES:
        return node.mark.decode() + "[" + " ".join(map(_readable, node.children)) + "]"
    text = ascii(node.text.decode("latin-1"))
    return node.mark.decode() + (text if node.mark[0] in BLOBS else text[1:-1])
