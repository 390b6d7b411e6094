"""Values to JSON texts, as serde_json prints them."""

from __future__ import annotations

import json
import re
from json.encoder import encode_basestring
from typing import Final

from redouble.modules.json.reader import Value

__all__ = ["formatted", "number_text", "text_of"]

_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


def text_of(value: Value) -> str:
    """The shortest text; the standard library's, except for numbers with an exponent."""
    text = _encode(value)
    return _NUMBERS.sub(_printed, text) if _EXPONENT.search(text) else text


_EXPONENT: Final = re.compile(r"\de[+-]\d")
_NUMBERS: Final = re.compile(r'"(?:[^"\\]|\\.)*"|-?[\d.]+e[+-]\d+')
"""Strings, and numbers with an exponent."""


def _printed(match: re.Match[str]) -> str:
    text = match[0]
    return text if text[0] == '"' else _float_text(text)


def _float_text(text: str) -> str:
    """What Python prints as 1e-05 or 1e+16 is 0.00001 and 1e16 here (the shortest digits, as both print them)."""
    digits, mark, exponent = text.partition("e")
    if not mark:
        return text
    if exponent == "-05":
        sign = "-" if digits[0] == "-" else ""
        return f"{sign}0.0000{digits.lstrip('-').replace('.', '')}"
    return f"{digits}e{int(exponent)}"


def number_text(number: int | float) -> str:
    return _float_text(repr(number))


def formatted(value: Value, indent: str, newline: str, space: str) -> str:
    """A text with white space of one's own: what each level is indented by, what ends a line, what follows a colon."""
    parts: list[str] = []
    _format(value, newline, indent, f":{space}", parts)
    return "".join(parts)


def _format(value: Value, line: str, indent: str, colon: str, parts: list[str]) -> None:
    """`line` is what stands before the end of the value."""
    if not isinstance(value, (dict, list)) or not value:
        parts.append(text_of(value))
        return
    is_list = type(value) is list
    inner = line + indent
    parts.append("[" if is_list else "{")
    for i, item in enumerate(value):
        parts.append(f",{inner}" if i else inner)
        if not is_list:
            parts.append(encode_basestring(item) + colon)
            item = value[item]
        _format(item, inner, indent, colon, parts)
    parts.append(line)
    parts.append("]" if is_list else "}")
