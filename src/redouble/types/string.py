"""Strings that know more than their bytes.

A string is `bytes`; once it was changed in place it is a `bytearray`, which OBJECT ENCODING calls raw.
"""

from __future__ import annotations

__all__ = ["FloatText"]


class FloatText(bytes):
    """What INCRBYFLOAT stored: never encoded as an integer, even if it spells one."""

    __slots__ = ()
