"""DEBUG DIGEST: what a value, or all databases, hold, as twenty bytes; the same for the same data in any encoding and order.

What has an order is mixed in (`mix`), what has none is combined by exclusive or, of SHA-1 hashes both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from redouble.types.hash import Hash
from redouble.types.list import List
from redouble.types.module_value import ModuleValue
from redouble.types.set import Set
from redouble.types.sorted_set import SortedSet
from redouble.types.stream import MAX_ID, Stream

if TYPE_CHECKING:
    from redouble.core.database import Database
    from redouble.dialects import Dialect

__all__ = ["digest_of_databases", "digest_of_value", "hexadecimal"]

_TYPES = {List: 1, Set: 2, SortedSet: 3, Hash: 4, Stream: 6}
_STRING, _MODULE = 0, 5


def _hash(data: bytes) -> int:
    return int.from_bytes(hashlib.sha1(data, usedforsecurity=False).digest(), "big")


def _mix(digest: int, *words: bytes) -> int:
    for word in words:
        digest = _hash((digest ^ _hash(word)).to_bytes(20, "big"))
    return digest


def _number(number: int) -> bytes:
    return number.to_bytes(4, "big")


def hexadecimal(digest: int) -> bytes:
    return b"%040x" % digest


def digest_of_value(value: Any, expires: bool, dialect: type[Dialect], digest: int = 0) -> int:
    """`digest`, combined with a value and whether its key goes some day.  A stream's groups do not count."""
    if isinstance(value, (bytes, bytearray)):
        digest = _mix(digest, _number(_STRING), bytes(value))
    elif isinstance(value, ModuleValue):
        digest = _mix(digest, _number(_MODULE))
        parts = value.digest_parts()
        if parts is not None:
            own = 0
            for words in parts:
                own ^= _hash(_mix(0, *words).to_bytes(20, "big"))
            digest ^= _hash(own.to_bytes(20, "big"))
    else:
        digest = _mix(digest, _number(_TYPES[type(value)]))
        digest = _mix(digest, *value) if type(value) is List else digest
        for part in _unordered(value, dialect):
            digest ^= _hash(part)
        if type(value) is Stream:
            for id, fields in value.range(0, MAX_ID):
                digest = _mix(digest, b"%d.%d" % (id >> 64, id & 0xFFFFFFFFFFFFFFFF), *fields)
    return digest ^ _hash(b"!!expire!!") if expires else digest


def _unordered(value: Any, dialect: type[Dialect]) -> Iterable[bytes]:
    """What is hashed of each element of a collection without an order."""
    if type(value) is Set:
        yield from value
    elif type(value) is SortedSet:
        for member, score in value.pairs(0, len(value)):
            yield _mix(0, member, dialect.format_double(score)).to_bytes(20, "big")
    elif type(value) is Hash:
        for field, text in value.items():
            element = _mix(0, field, text)
            if field in value.expiries and dialect.digests_tell_of_expiring_fields:
                element ^= _hash(b"!!hexpire!!")
            yield element.to_bytes(20, "big")


def digest_of_databases(databases: Iterable[Database]) -> int:
    """What DEBUG DIGEST answers; 0 without a key."""
    digest = 0
    for db in databases:
        if len(db):
            digest = _mix(digest, _number(db.index))
            for key, value in db.items():
                goes = db.expires_at(key) is not None
                found = digest_of_value(value, goes, db.server.dialect, _mix(0, key))
                digest ^= _hash(found.to_bytes(20, "big"))
    return digest
