"""Requests as they arrive on a socket: bytes in, commands out, no I/O.

Two readers share the work.  `split_commands` takes whole commands out of a block with one `bytes.split`; whatever
it does not recognise at once (a command that is not complete yet, an inline command, a fault) is left to
`RequestParser._next`, which goes byte by byte as the real server does and keeps its place between two blocks.
Faults end the connection, with the texts and limits of the server that is emulated (`Rules`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["RequestParser", "Rules", "split_arguments", "split_commands"]

LARGEST_LINE = 64 * 1024
"""An inline command, or a line that holds a length, may not be longer while its end has not arrived."""
LARGEST_ANONYMOUS_MULTIBULK = 10
LARGEST_ANONYMOUS_BULK = 16384
SMALLEST_PIPELINE = 500
"""Bytes; in less than that `split_commands` is the quickest."""

_height = {b"*%d" % count: 1 + 2 * count for count in range(1, 257)}.get
"""How many lines a command takes, by its first."""
_length = {b"$%d" % length: length for length in range(512)}.get
_INTEGER = re.compile(rb"0|-?[1-9][0-9]{0,18}")
_HEXADECIMAL = re.compile(rb"[0-9A-Fa-f]{2}")
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}


@dataclass(frozen=True)
class Rules:
    """What servers disagree about; the defaults are Redis 7's."""

    largest_multibulk: int = 2**31 - 1
    """`*1048577`: waits for the arguments; "invalid multibulk length" before Redis 7.0."""
    nul_hides_multibulk_line: bool = True
    """`*1\\0`: the rest of the line is never seen; from Valkey 8.1 on an invalid length."""
    nul_hides_bulk_line: bool = True
    """`$4\\0`: the same for an argument's length; an invalid length in Valkey and from Redis 8.4 on."""
    limits_bulk_line: bool = True
    """`$111...` of 64 KiB: "too big bulk count string"; Redis 8.6 goes on waiting."""
    checks_line_ends: bool = False
    """`$4\\r\\nPINGxx`: two bytes after an argument are skipped unseen; Valkey 9 wants them to be CRLF."""
    quotes_may_touch: bool = False
    """`ECHO "a"b`: unbalanced quotes; Valkey 9 reads `ab`."""


def split_commands(data: bytes, commands: list[list[bytes]]) -> bytes:
    """Append the well-formed commands at the front of `data` to `commands`; return what follows them."""
    lines = data.split(b"\r\n")
    last = len(lines) - 1
    at = 0
    while at < last:
        height = _height(lines[at])
        if height is None or (end := at + height) > last:
            break
        argv = lines[at + 2 : end : 2]
        header = at + 1
        for argument in argv:
            # A CRLF inside an argument shows as a length that does not fit.
            if _length(lines[header]) != len(argument) and lines[header] != b"$%d" % len(argument):
                break
            header += 2
        else:
            commands.append(argv)
            at = end
            continue
        break
    return b"\r\n".join(lines[at:]) if at < last else lines[last]


class RequestParser:
    """One connection's requests.

    `feed` returns the commands that are complete.  After a fault `error` holds the text of the reply that ends the
    connection, and nothing more is read; the commands that came before it are still returned.
    `split` does for pipelines what `split_commands` does.
    While `restricted` (nobody has authenticated yet) lengths are held to a small limit and `feed` returns one command
    at most, because that command may be AUTH; `feed(b"")` goes on.
    """

    __slots__ = (
        "_argv",
        "_buffer",
        "_length",
        "_missing",
        "_position",
        "error",
        "largest_bulk",
        "restricted",
        "rules",
        "split",
    )

    def __init__(
        self, rules: Rules | None = None, split: Callable[[bytes, list[list[bytes]]], bytes] = split_commands
    ) -> None:
        self.rules = rules or Rules()
        self.split = split
        self.largest_bulk = 512 * 1024 * 1024
        self.restricted = False
        self.error: str | None = None
        self._buffer = bytearray()  # what could not be used yet
        self._position = 0  # how much of it has been used since feed() began
        self._missing = 0  # arguments that are still to come, of the command that is being read
        self._argv: list[bytes] = []  # those that have come
        self._length = -1  # of the argument that is being read; -1: its length is to come

    @property
    def pending(self) -> int:
        """Bytes that have come in and are no argument yet: what client-query-buffer-limit counts."""
        return len(self._buffer)

    @property
    def in_command(self) -> bool:
        """Whether a command has begun and is not complete."""
        return bool(self._buffer or self._missing)

    def store(self, data: bytes) -> None:
        """Keep `data` for a later `feed`."""
        self._buffer += data

    def feed(self, data: bytes) -> list[list[bytes]]:
        commands: list[list[bytes]] = []
        buffer = self._buffer
        if self.error is not None:
            return commands
        if buffer or self._missing:
            buffer += data
            if (argv := self._next()) is None:
                self._forget_used()
                return commands
            commands.append(argv)
            if self.restricted:
                self._forget_used()
                return commands
            with memoryview(buffer) as view, view[self._position :] as rest:
                data = bytes(rest)
            buffer.clear()
            self._position = 0
        if self.restricted:
            pass
        elif len(data) < SMALLEST_PIPELINE:
            data = split_commands(data, commands)
        elif len(data) < self.largest_bulk:
            data = self.split(data, commands)
        if data:
            buffer += data
            while (argv := self._next()) is not None:
                commands.append(argv)
                if self.restricted:
                    break
            self._forget_used()
        return commands

    def _forget_used(self) -> None:
        del self._buffer[: self._position]
        self._position = 0

    def _next(self) -> list[bytes] | None:
        """The next command; None if it is not complete, or faulty."""
        buffer = self._buffer
        while self._missing or self._position < len(buffer):
            if self._missing:
                return self._arguments()
            if buffer[self._position] == 0x2A:  # *
                if not self._multibulk():
                    return None
            else:
                argv = self._inline()
                if argv is None or argv:
                    return argv
        return None

    def _fail(self, text: str) -> None:
        self.error = f"ERR Protocol error: {text}"

    def _inline(self) -> list[bytes] | None:
        """An inline command, empty for an empty line."""
        buffer, start = self._buffer, self._position
        end = buffer.find(b"\n", start)
        if end < 0 or buffer.find(b"\0", start, end) >= 0:  # every server looks for the end with strchr()
            if len(buffer) - start > LARGEST_LINE:
                self._fail("too big inline request")
            return None
        self._position = end + 1
        if end > start and buffer[end - 1] == 0x0D:
            end -= 1
        argv = split_arguments(bytes(buffer[start:end]), self.rules.quotes_may_touch)
        if argv is None:
            self._fail("unbalanced quotes in request")
        return argv

    def _line(self, what: str, nul_hides: bool, limited: bool) -> bytes | None:
        """A line that holds a length, up to CR and one byte more; None if it has not arrived or is faulty."""
        buffer, start = self._buffer, self._position
        end = buffer.find(b"\r", start)
        if nul_hides and buffer.find(b"\0", start, max(end, start)) >= 0:
            end = -1
        if end < 0 and limited and len(buffer) - start > LARGEST_LINE:
            self._fail(f"too big {what} count string")
        if end < 0 or end + 2 > len(buffer) or (end - start > LARGEST_LINE and not limited):
            return None
        if self.rules.checks_line_ends and buffer[end + 1] != 0x0A:
            self._fail("invalid CRLF in request")
            return None
        self._position = end + 2
        return bytes(buffer[start:end])

    def _multibulk(self) -> bool:
        """Read `*count`; False if it has not arrived or is faulty."""
        rules = self.rules
        line = self._line("mbulk", rules.nul_hides_multibulk_line, True)
        if line is None:
            return False
        count = _integer(line)
        if count is None or count > rules.largest_multibulk:
            self._fail("invalid multibulk length")
            return False
        if self.restricted and count > LARGEST_ANONYMOUS_MULTIBULK:
            self._fail("unauthenticated multibulk length")
            return False
        self._missing = max(count, 0)
        return True

    def _arguments(self) -> list[bytes] | None:
        """Go on with the command that is being read; None if it is not complete, or faulty."""
        buffer, argv, ends = self._buffer, self._argv, self.rules.checks_line_ends
        while self._missing:
            if self._length < 0 and not self._bulk():
                return None
            start = self._position
            end = start + self._length
            if len(buffer) < end + 2:
                return None
            if ends and buffer[end : end + 2] != b"\r\n":
                self._fail("invalid CRLF in request")
                return None
            with memoryview(buffer) as view, view[start:end] as argument:  # slicing a bytearray would copy twice
                argv.append(bytes(argument))
            self._position = end + 2
            self._length = -1
            self._missing -= 1
        self._argv = []
        return argv

    def _bulk(self) -> bool:
        """Read `$length`; False if it has not arrived or is faulty."""
        rules = self.rules
        line = self._line("bulk", rules.nul_hides_bulk_line, rules.limits_bulk_line)
        if line is None:
            return False
        if not line.startswith(b"$"):
            # The byte after an empty line's CR has been passed, the CR itself is what the server names.
            found = line[:1] or b"\r"
            self._fail(f"expected '$', got '{found.decode(errors='surrogateescape')}'")
            return False
        length = _integer(line)
        if length is None or not 0 <= length <= self.largest_bulk:
            self._fail("invalid bulk length")
            return False
        if self.restricted and length > LARGEST_ANONYMOUS_BULK:
            self._fail("unauthenticated bulk length")
            return False
        self._length = length
        return True


def _integer(line: bytes) -> int | None:
    """The number after a line's first byte, written as string2ll() wants it: no plus sign, space or leading zero."""
    if _INTEGER.fullmatch(line, 1) is None:
        return None
    number = int(line[1:])
    return number if -(2**63) <= number < 2**63 else None


def split_arguments(line: bytes, quotes_may_touch: bool = False) -> list[bytes] | None:
    """The words of an inline command, quoted as sdssplitargs() wants it; None if the quotes do not match.

    With `quotes_may_touch` (Valkey 9) a word may go on after a closing quote, and a backslash that stands just before
    the last byte of the line is an ordinary character.
    """
    if b'"' not in line and b"'" not in line and b"\v" not in line and b"\f" not in line:
        return line.split()
    argv: list[bytes] = []
    at, end = 0, len(line)
    while True:
        while at < end and line[at] in b" \t\n\v\f\r":
            at += 1
        if at == end:
            return argv
        word = bytearray()
        while at < end and line[at] not in b" \t\n\r":
            if line[at] not in b"\"'":
                word.append(line[at])
                at += 1
                continue
            after = _quoted(line, at, word, end - 1 if quotes_may_touch else end)
            if after is None:
                return None
            at = after
            if not quotes_may_touch:
                if at < end and line[at] not in b" \t\n\v\f\r":
                    return None
                break
        argv.append(bytes(word))


def _quoted(line: bytes, at: int, word: bytearray, escapes_end: int) -> int | None:
    """Append the text between the quote at `at` and its partner; return the place after it, None if there is none."""
    quote = line[at]
    at += 1
    end = len(line)
    while at < end:
        byte = line[at]
        if byte == quote:
            return at + 1
        if byte == 0x5C and at + 1 < escapes_end:
            escaped = line[at + 1 : at + 2]
            if quote == 0x27:
                if escaped == b"'":
                    byte = 0x27
                    at += 1
            elif escaped == b"x" and _HEXADECIMAL.match(line, at + 2):
                byte = int(line[at + 2 : at + 4], 16)
                at += 3
            else:
                byte = _ESCAPES.get(escaped, escaped)[0]
                at += 1
        word.append(byte)
        at += 1
    return None
