"""Values as replies."""

from __future__ import annotations

from enum import Enum

from redouble.core.errors import CommandError
from redouble.modules.json.reader import Value
from redouble.modules.json.writer import text_of
from redouble.resp.reply import Reply, Status

__all__ = ["ReplyFormat", "reply_of", "resp_of"]


class ReplyFormat(Enum):
    """What RESP3 makes of values (FORMAT)."""

    STRING = "one text of all"
    STRINGS = "a text of each"
    EXPAND1 = "scalars as RESP3 has them, texts of the others"
    EXPAND = "as RESP3 has them"

    @classmethod
    def named(cls, name: str) -> ReplyFormat:
        """Raises CommandError; small letters are wrong."""
        try:
            return cls[name]
        except KeyError:
            raise CommandError("ERR wrong reply format") from None


def reply_of(value: Value, format: ReplyFormat) -> Reply:
    if format in (ReplyFormat.STRING, ReplyFormat.STRINGS):
        return text_of(value).encode()
    if type(value) is str:
        return value.encode() if format is ReplyFormat.EXPAND else text_of(value).encode()
    if type(value) is list:
        return [reply_of(item, format) for item in value] if format is ReplyFormat.EXPAND else text_of(value).encode()
    if isinstance(value, dict):
        if format is ReplyFormat.EXPAND1:
            return text_of(value).encode()
        return {key.encode(): reply_of(item, format) for key, item in value.items()}
    return _number(value)


def _number(value: Value) -> Reply:
    """Integers of more than 63 bits are doubles in RESP."""
    return float(value) if type(value) is int and value >> 63 > 0 else value


def resp_of(value: Value) -> Reply:
    """JSON.RESP: arrays begin with a bracket, objects with a brace."""
    if type(value) is bool:
        return Status(b"true" if value else b"false")
    if type(value) is str:
        return value.encode()
    if type(value) is list:
        return [Status(b"["), *map(resp_of, value)]
    if isinstance(value, dict):
        reply: list[Reply] = [Status(b"{")]
        for key, item in value.items():
            reply += key.encode(), resp_of(item)
        return reply
    return _number(value)
