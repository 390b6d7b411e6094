"""The simplest parser of requests: all bytes at hand, one command after the other, no state in between.

It knows nothing of the limit of 64 KiB for a line: inputs are shorter.
"""

from __future__ import annotations

import re

from redouble.resp.parser import Rules, split_arguments

__all__ = ["commands_in"]


class _Fault(Exception):
    pass


class _Incomplete(Exception):
    pass


def commands_in(data: bytes, rules: Rules, restricted: bool) -> tuple[list[list[bytes]], str | None]:
    """The commands in front of the first fault or incomplete one, and the text of the fault."""
    commands = []
    at = 0
    try:
        while at < len(data):
            argv, at = (_multibulk if data[at : at + 1] == b"*" else _inline)(data, at, rules, restricted)
            if argv:
                commands.append(argv)
    except _Fault as fault:
        return commands, f"ERR Protocol error: {fault}"
    except _Incomplete:
        pass
    return commands, None


def _inline(data: bytes, at: int, rules: Rules, restricted: bool) -> tuple[list[bytes], int]:
    line, newline, _ = data[at:].partition(b"\n")
    if not newline or b"\0" in line:
        raise _Incomplete
    argv = split_arguments(line.removesuffix(b"\r"), rules.quotes_may_touch)
    if argv is None:
        raise _Fault("unbalanced quotes in request")
    return argv, at + len(line) + 1


def _multibulk(data: bytes, at: int, rules: Rules, restricted: bool) -> tuple[list[bytes], int]:
    line, at = _line(data, at, rules.nul_hides_multibulk_line, rules)
    count = _number(line)
    if count is None or count > rules.largest_multibulk:
        raise _Fault("invalid multibulk length")
    if restricted and count > 10:
        raise _Fault("unauthenticated multibulk length")
    argv = []
    while len(argv) < count:
        line, at = _line(data, at, rules.nul_hides_bulk_line, rules)
        if line[:1] != b"$":
            raise _Fault(f"expected '$', got '{(line[:1] or bytes([13])).decode(errors='surrogateescape')}'")
        length = _number(line)
        if length is None or not 0 <= length <= 512 * 1024 * 1024:
            raise _Fault("invalid bulk length")
        if restricted and length > 16384:
            raise _Fault("unauthenticated bulk length")
        if len(data) < at + length + 2:
            raise _Incomplete
        if rules.checks_line_ends and data[at + length : at + length + 2] != b"\r\n":
            raise _Fault("invalid CRLF in request")
        argv.append(data[at : at + length])
        at += length + 2
    return argv, at


def _line(data: bytes, at: int, nul_hides: bool, rules: Rules) -> tuple[bytes, int]:
    """The line at `at`, which ends with CR and any byte; and the place behind it."""
    line, found, rest = data[at:].partition(b"\r")
    if not found or not rest or (nul_hides and b"\0" in line):
        raise _Incomplete
    if rules.checks_line_ends and rest[:1] != b"\n":
        raise _Fault("invalid CRLF in request")
    return line, at + len(line) + 2


def _number(line: bytes) -> int | None:
    """The number after the first byte."""
    if re.fullmatch(rb"0|-?[1-9][0-9]*", line[1:]) is None or not -(2**63) <= int(line[1:]) < 2**63:
        return None
    return int(line[1:])
