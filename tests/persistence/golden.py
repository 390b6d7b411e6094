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
    key: str
    type: str
    encoding: str
    value: Any
    dump: bytes
    has_expiring_fields: bool


@functools.cache
def recorded(server: str) -> list[Golden]:
    return list(_read(server))


def _read(server: str) -> Iterator[Golden]:
    keys = json.loads(gzip.decompress((FOLDER / f"{server}.json.gz").read_bytes()))["keys"]
    for key, found in keys.items():
        yield Golden(
            key,
            found["type"],
            found["encoding"],
            plain(found["value"]),
            base64.b64decode(found["dump"]),
            "field_expire_at" in found,
        )


def plain(value: Any) -> Any:
    """Texts and `{"b64": ...}` as bytes."""
    if isinstance(value, dict):
        return base64.b64decode(value["b64"])
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.encode() if isinstance(value, str) else value
