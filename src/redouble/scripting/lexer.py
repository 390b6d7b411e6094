"""Lua 5.1's tokens.

A chunk is cut into tokens at once, by one regular expression.  What cannot be a token becomes one of kind `error`, which
complains when the parser comes to it: so the first mistake of a chunk is the one that is told, as in Lua.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from redouble.scripting.errors import LuaError
from redouble.scripting.values import parse_number

__all__ = ["KEYWORDS", "TURNS_BETWEEN_CHECKS", "LuaSyntaxError", "Tokens", "tokenize"]

KEYWORDS = frozenset(
    b"and break do else elseif end false for function if in local nil not or repeat return then true until while".split()
)

TURNS_BETWEEN_CHECKS = 4095
MAX_TURNS = 300_000
"""Tokens, comments and spaces; a chunk that has more is too large: nobody waits for it to be compiled."""
LINES_PER_TURN = 8
"""So many line breaks, or escapes in strings, take the time of one."""

_TOKEN = re.compile(
    rb"""
    (?P<space>   [ \t\v\f\r\n]+ )
  | (?P<name>    [A-Za-z_][A-Za-z0-9_]* )
  | (?P<number>  (?: [0-9] | \.[0-9] ) [0-9.]* (?: [eE\x00][+\x00-]? )? [A-Za-z0-9_]* )
  | (?P<quote>   ["'] )
  | (?P<comment> --\[=*\[ | --[^\n\r]* )
  | (?P<long>    \[=*\[ )
  | (?P<symbol>  \.\.\. | \.\. | == | ~= | <= | >= | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(rb"\\(?:([0-9]{1,3})|(\r\n|\n\r)|(.))", re.DOTALL)
_NEWLINE = re.compile(rb"\r\n|\n\r|\n|\r")
_IN_QUOTES = {quote: re.compile(rb"[\\\n\r%s]" % quote) for quote in (b'"', b"'")}
"""What a string does not go over without a look."""
_ESCAPED = re.compile(rb"\\(?:\r\n|\n\r|.)", re.DOTALL)
_NAMED = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"\r": b"\n"}


class LuaSyntaxError(Exception):
    """A chunk that is not Lua: `near` is the text of the token at which that shows, None where Lua tells none."""

    def __init__(self, message: str, line: int, near: bytes | None) -> None:
        super().__init__(message)
        self.message, self.line, self.near = message, line, near

    def text(self, chunk: bytes) -> bytes:
        """What the server says, as `user_script:1: unexpected symbol near 'x'`."""
        shown = (self.near or b"").partition(b"\0")[0]
        near = b" near '%s'" % shown if shown else b""
        return b"%s:%d: %s%s" % (chunk, self.line, self.message.encode(), near)


class Tokens:
    """The tokens of a chunk, in three lists side by side.

    A kind is the text itself for keywords and symbols, else `name`, `number`, `string`, `eof` or `error`.
    """

    __slots__ = ("kinds", "lines", "texts", "values")

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.values: list[object] = []
        self.texts: list[bytes] = []
        self.lines: list[int] = []

    def add(self, kind: str, value: object, text: bytes, line: int) -> None:
        self.kinds.append(kind)
        self.values.append(value)
        self.texts.append(text)
        self.lines.append(line)


def tokenize(source: bytes, check: Callable[[], None] = lambda: None) -> Tokens:
    """Cut `source` into tokens.  `check` is called every few thousand of them, and may raise.

    Raises LuaError for a chunk that would take too long.
    """
    tokens = Tokens()
    try:
        line = _tokenize(source, tokens, check)
    except LuaSyntaxError as error:
        tokens.add("error", error, error.near or b"", error.line)
    else:
        tokens.add("eof", None, b"<eof>", line)
    return tokens


def _tokenize(source: bytes, tokens: Tokens, check: Callable[[], None]) -> int:
    line, position, end = 1, 0, len(source)
    turns = sum(map(source.count, (b"\n", b"\r", b"\\"))) // LINES_PER_TURN
    if turns > MAX_TURNS:
        raise LuaError(b"not enough memory", 0)
    match, add = _TOKEN.match, tokens.add
    while position < end:
        found = match(source, position)
        assert found is not None  # the last alternative takes anything
        group, text = found.lastgroup, found.group()
        position = found.end()
        turns += 1
        if not turns & TURNS_BETWEEN_CHECKS:
            if turns > MAX_TURNS:
                raise LuaError(b"not enough memory", 0)
            check()
        if group == "space":
            line += len(_NEWLINE.findall(text))
            continue
        if group == "name":
            if text in KEYWORDS:
                add(text.decode(), None, text, line)
            else:
                add("name", text, text, line)
        elif group == "number":
            number = parse_number(text)
            if number is None:
                raise LuaSyntaxError("malformed number", line, text)
            add("number", number, text, line)
        elif group == "quote":
            stop = _end_of_string(source, position, text)
            content = source[position:stop]
            value = _unescape(content, text, line)
            line += len(_NEWLINE.findall(content))
            if source[stop : stop + 1] != text:
                raise LuaSyntaxError("unfinished string", line, b"<eof>" if stop >= end - 1 else text + value)
            add("string", value, text + value + text, line)
            position = stop + 1
        elif group == "comment":
            if text[-1:] == b"[" and text[2:3] == b"[" and text[3:-1].strip(b"=") == b"":
                position, content = _long(source, position, len(text) - 4, line, "comment")
                line += len(_NEWLINE.findall(content))
        elif group == "long":
            position, content = _long(source, position, len(text) - 2, line, "string")
            line += len(_NEWLINE.findall(content))
            value = _NEWLINE.sub(b"\n", content)
            add("string", value.removeprefix(b"\n"), text + value + text.replace(b"[", b"]"), line)
        elif text == b"[" and source[position : position + 1] == b"=":
            text += source[position:][: len(source) - position - len(source[position:].lstrip(b"="))]
            raise LuaSyntaxError("invalid long string delimiter", line, text)
        elif text < b" " or text >= b"\x7f":
            add("char", None, text if text >= b"\x80" or text == b"\0" else b"char(%d)" % text[0], line)
        else:
            add(text.decode(), None, text, line)
    return line


def _end_of_string(source: bytes, position: int, quote: bytes) -> int:
    """Where its closing quote is, or what ends it too early."""
    stop = _IN_QUOTES[quote].search(source, position)
    while stop is not None and stop[0] == b"\\":
        escaped = _ESCAPED.match(source, stop.start())
        if escaped is None:  # the last character of the chunk
            return stop.start()
        stop = _IN_QUOTES[quote].search(source, escaped.end())
    return len(source) if stop is None else stop.start()


def _long(source: bytes, position: int, level: int, line: int, what: str) -> tuple[int, bytes]:
    """The content of a long bracket that was opened before `position`, and where it ends."""
    close = b"]" + b"=" * level + b"]"
    end = source.find(close, position)
    content = source[position : end if end >= 0 else len(source)]
    nested = content.find(b"[[") if level == 0 else -1
    if nested >= 0:
        line += len(_NEWLINE.findall(content[:nested]))
        raise LuaSyntaxError("nesting of [[...]] is deprecated", line, b"[")
    if end < 0:
        line += len(_NEWLINE.findall(content))
        raise LuaSyntaxError(f"unfinished long {what}", line, b"<eof>")
    return end + len(close), content


def _unescape(text: bytes, quote: bytes, line: int) -> bytes:
    if b"\\" not in text:
        return text

    def replace(match: re.Match[bytes]) -> bytes:
        digits, pair, char = match.groups()
        if digits:
            if int(digits) > 255:
                before = _ESCAPE.sub(replace, text[: match.start()])
                at = line + len(_NEWLINE.findall(text[: match.start()]))
                raise LuaSyntaxError("escape sequence too large", at, quote + before)
            return bytes((int(digits),))
        return b"\n" if pair else _NAMED.get(char, char)

    return _ESCAPE.sub(replace, text)
