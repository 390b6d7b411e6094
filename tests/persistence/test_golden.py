"""Every DUMP that real servers made reads to what they held, and is written again as they wrote it."""

from __future__ import annotations

from typing import Any

import pytest

from redouble.dialects import dialect_for
from redouble.persistence.errors import Unsupported
from redouble.persistence.rdb import checksum_fits, dump_value, load_value
from redouble.types.limits import Limits
from redouble.types.number import format_double_17g

from .golden import SERVERS, Golden, recorded

ENCODINGS_OF_62 = {"ziplist": "listpack"}


def contents(value: Any) -> Any:
    """A value in the shape of the recordings."""
    if isinstance(value, bytes):
        return value
    value.check()
    if value.type_name == b"list":
        return list(value)
    if value.type_name == b"set":
        return sorted(value)
    if value.type_name == b"hash":
        return sorted([field, text] for field, text in value.items())
    return [word for member, score in value.pairs(0, len(value)) for word in (member, format_double_17g(score))]


def seventeen(golden: Golden) -> Any:
    """Scores with 17 digits, as all versions read them."""
    if golden.type != "zset":
        return golden.value
    return [format_double_17g(float(word)) if place & 1 else word for place, word in enumerate(golden.value)]


@pytest.mark.parametrize("server", SERVERS)
def test_every_dump_reads_to_what_was_recorded_and_is_written_the_same(server: str) -> None:
    dialect = dialect_for(*SERVERS[server])
    limits = Limits.of_redis(dialect.redis_version)
    read = 0
    for golden in recorded(server):
        assert checksum_fits(golden.dump, dialect)
        if golden.has_expiring_fields:
            with pytest.raises(Unsupported):
                load_value(golden.dump, dialect, limits)
            continue
        value = load_value(golden.dump, dialect, limits)
        assert contents(value) == seventeen(golden), golden.key
        read += 1
        if golden.key == "hfe:gone":  # its last expiring field has gone: an ordinary hash again
            continue
        if server != "redis62":
            assert dump_value(value, dialect) == golden.dump, golden.key
            if golden.type != "string":
                assert value.encoding().decode() == golden.encoding, golden.key
    assert read >= 70


@pytest.mark.parametrize("server", SERVERS)
def test_what_is_read_survives_without_compression(server: str) -> None:
    dialect = dialect_for(*SERVERS[server])
    limits = Limits.of_redis(dialect.redis_version)
    for golden in recorded(server):
        if not golden.has_expiring_fields:
            dump = dump_value(load_value(golden.dump, dialect, limits), dialect, do_compress=False)
            assert len(dump) >= len(golden.dump) or server == "redis62" or golden.key == "hfe:gone"
            assert contents(load_value(dump, dialect, limits)) == seventeen(golden), golden.key
