"""From the bytes that a client sent to numbers, with Redis's own idea of what a number is and its own error texts.

A handler calls these in the order in which the real command converts its arguments, because the first one that fails
is the error the user sees.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from redouble.core import errors
from redouble.core.errors import CommandError
from redouble.types.number import LongDouble

if TYPE_CHECKING:
    from redouble.core.client import Client
    from redouble.core.command import Argv

__all__ = [
    "INT32_MAX",
    "INT64_MAX",
    "INT64_MIN",
    "double",
    "int32",
    "integer",
    "integer_in",
    "keys_end_and_count",
    "long_double",
    "positive",
    "positive_or_told",
    "random_count",
    "signed_count",
    "timeout_ms",
]

INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1
INT32_MAX = 2**31 - 1

_SMALL = {b"%d" % number: number for number in range(-1, 128)}


def integer(text: bytes, error: str = errors.NOT_AN_INTEGER) -> int:
    """A signed 64-bit integer in its one canonical spelling: no plus sign, no leading zeros, no blanks (string2ll)."""
    known = _SMALL.get(text)
    if known is not None:  # x0.3
        return known
    if text.isdigit() and text[0] != 0x30 and len(text) < 19:  # no other spelling of it, and not too large: x0.7
        return int(text)
    try:
        number = int(text)
    except ValueError:
        raise CommandError(error) from None
    if b"%d" % number != text or not INT64_MIN <= number <= INT64_MAX:
        raise CommandError(error)
    return number


def integer_in(text: bytes, low: int, high: int, error: str = errors.OUT_OF_RANGE) -> int:
    """An integer of [low, high]; outside it `error`, which is also said of what is no integer unless it is the default
    (getRangeLongFromObjectOrReply)."""
    number = integer(text, errors.NOT_AN_INTEGER if error is errors.OUT_OF_RANGE else error)
    if not low <= number <= high:
        raise CommandError(error)
    return number


def int32(text: bytes, low: int = -(2**31), high: int = 2**31 - 1) -> int:
    """An integer whose range the error tells (getRangeLongFromObjectOrReply, getIntFromObjectOrReply)."""
    number = integer(text)
    if not low <= number <= high:
        raise CommandError(f"ERR value is out of range, value must between {low} and {high}")
    return number


def positive(text: bytes, error: str = errors.NOT_POSITIVE) -> int:
    """Zero or more; everything else, also what is no integer, is out of range (getPositiveLongFromObjectOrReply)."""
    return integer_in(text, 0, INT64_MAX, error)


def positive_or_told(client: Client, text: bytes, error: str = errors.NOT_POSITIVE) -> int:
    """As `positive`, but in Redis 6.0 what is no integer is told apart."""
    if client.server.dialect.tells_what_is_no_integer:
        integer(text)
    return positive(text, error)


def double(client: Client, text: bytes, error: str = errors.NOT_A_FLOAT) -> float:
    """A double, perhaps infinite but never NaN, as the emulated server reads it (getDoubleFromObjectOrReply)."""
    try:
        return client.server.dialect.parse_double(text)
    except ValueError:
        raise CommandError(error) from None


def signed_count(text: bytes) -> int:
    """A count whose sign means something; the one number that has no opposite is none."""
    number = integer(text)
    if number == INT64_MIN:
        raise CommandError(f"ERR value is out of range, value must between {-INT64_MAX} and {INT64_MAX}")
    return number


def random_count(argv: Argv, with_word: bytes) -> tuple[int, bool]:
    """`count [WITHVALUES]` of HRANDFIELD, SRANDMEMBER and ZRANDMEMBER, from `argv[2]` on."""
    count = signed_count(argv[2])
    if len(argv) > 4 or (len(argv) == 4 and argv[3].upper() != with_word):
        raise CommandError(errors.SYNTAX_ERROR)
    if len(argv) == 4 and not -(INT64_MAX // 2) <= count <= INT64_MAX // 2:
        raise CommandError(errors.OUT_OF_RANGE)
    if count < -MOST_RANDOM:
        raise CommandError(f"ERR a reply of more than {MOST_RANDOM} elements is not supported by redouble")
    return count, len(argv) == 4


def keys_end_and_count(client: Client, argv: Argv, at: int, ends: tuple[bytes, bytes]) -> tuple[list[bytes], bool, int]:
    """`numkeys key [key ...] <LEFT | RIGHT> [COUNT count]` of LMPOP, ZMPOP and their kin, numkeys at `at`; whether the end
    is the first of `ends`."""
    numkeys = integer_in(argv[at], 1, INT64_MAX, errors.NUMKEYS_POSITIVE)
    where = at + 1 + numkeys
    if where >= len(argv) or argv[where].upper() not in ends:
        raise CommandError(errors.SYNTAX_ERROR)
    count = 0
    for name, text in client.command.options.each(argv, where + 1):
        if name != "COUNT" or count:
            raise CommandError(errors.SYNTAX_ERROR)
        count = integer_in(text, 1, INT64_MAX, errors.COUNT_POSITIVE)
    return argv[at + 1 : where], argv[where].upper() == ends[0], count or 1


MOST_RANDOM = 10_000_000
"""A real server tries to repeat itself as often as it is told to, until its memory ends."""


def long_double(text: bytes, error: str = errors.NOT_A_FLOAT) -> LongDouble:
    """An 80-bit number, perhaps infinite but never NaN (getLongDoubleFromObjectOrReply)."""
    try:
        return LongDouble.parse(text)
    except ValueError:
        raise CommandError(error) from None


def timeout_ms(client: Client, text: bytes) -> int:
    """A blocking timeout in seconds, fractions allowed, as milliseconds; 0 waits for ever (getTimeoutFromObjectOrReply)."""
    timeout = long_double(text, errors.TIMEOUT_NOT_A_FLOAT) * 1000
    milliseconds = math.ceil(timeout) if timeout.is_finite() else 2 * INT64_MAX * (1 if timeout.mantissa > 0 else -1)
    dialect = client.server.dialect
    if milliseconds > (INT64_MAX if dialect.timeouts_wrap else INT64_MAX - client.server.now_ms()):
        raise CommandError(errors.TIMEOUT_NEGATIVE if dialect.timeouts_wrap else errors.TIMEOUT_OUT_OF_RANGE)
    if milliseconds < 0:
        raise CommandError(errors.TIMEOUT_NEGATIVE)
    return milliseconds
