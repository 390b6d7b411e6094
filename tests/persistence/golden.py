"""What real servers dumped: `tests/golden/rdb`."""

from __future__ import annotations

import base64
import functools
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parents[1] / "golden" / "rdb"
SERVERS = {
    "redis62": ("redis", "7.0"),
    "redis70": ("redis", "7.0"),
    "redis80": ("redis", "8.0"),
    "redis86": ("redis", "8.6"),
    "valkey91": ("valkey", "9.1"),
}
"""The recordings, and the emulated server that reads each."""


class Golden(NamedTuple):
    db: int
    key: bytes
    type: str
    encoding: str
    value: Any
    dump: bytes
    expires_at: int | None
    fields_expire_at: dict[bytes, int]
    info: Any
    """Of a stream, what XINFO STREAM FULL says."""


@functools.cache
def recorded(server: str) -> list[Golden]:
    return list(_read(server))


def _read(server: str) -> Iterator[Golden]:
    for name, found in _document(server)["keys"].items():
        db, _, key = name.rpartition("/")
        yield Golden(
            int(db or 0),
            key.encode(),
            found["type"],
            found["encoding"],
            plain(found["value"]),
            base64.b64decode(found["dump"]),
            found.get("expire_at"),
            {field.encode(): at for field, at in found.get("field_expire_at", {}).items()},
            plain(found.get("info")),
        )


def recorded_functions(server: str) -> list[bytes]:
    functions: list[bytes] = plain(_document(server)["functions"])
    return functions


def recorded_file(server: str) -> bytes:
    return gzip.decompress((FOLDER / f"{server}.rdb.gz").read_bytes())


@functools.cache
def _document(server: str) -> Any:
    return json.loads(gzip.decompress((FOLDER / f"{server}.json.gz").read_bytes()))


def plain(value: Any) -> Any:
    """Texts and `{"b64": ...}` as bytes."""
    if isinstance(value, dict):
        return base64.b64decode(value["b64"])
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.encode() if isinstance(value, str) else value
