"""The formats one by one: checksum, compression, listpacks, ziplists, zipmaps, intsets, and the types that only old or
new servers write."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redouble.dialects import dialect_for
from redouble.persistence import crc64 as crc64_module
from redouble.persistence.crc64 import crc64
from redouble.persistence.encoding import write_string
from redouble.persistence.errors import BadPayload, Unsupported
from redouble.persistence.intset import decode_intset, encode_intset
from redouble.persistence.listpack import decode_listpack, encode_listpack
from redouble.persistence.lzf import compress, decompress
from redouble.persistence.rdb import read_file
from redouble.persistence.values import load_value
from redouble.persistence.ziplist import decode_ziplist, decode_zipmap
from redouble.types.limits import DEFAULT_LIMITS
from redouble.types.listpack_size import listpack_size

REDIS_86, VALKEY_91 = dialect_for("redis", "8.6"), dialect_for("valkey", "9.1")


def test_crc64_of_the_standard_text() -> None:
    assert crc64(b"123456789") == 0xE9C6D914C4B8D9CA


@given(st.binary(max_size=64), st.integers(1000, 9000))
def test_crc64_of_long_texts_is_that_of_the_loop(text: bytes, length: int) -> None:
    data = (text * (length // (len(text) or 1) + 1))[:length]
    register = 0
    for byte in data:
        register = crc64_module._TABLE[(register ^ byte) & 0xFF] ^ (register >> 8)
    assert crc64(data) == register


@given(
    st.one_of(
        st.binary(max_size=3000),
        st.text("ab", max_size=3000).map(str.encode),
        st.text("abcdefg ", max_size=900).map(str.encode),
    )
)
def test_what_is_compressed_comes_back(data: bytes) -> None:
    compressed = compress(data, len(data) - 4)
    if compressed is not None:
        assert len(compressed) <= len(data) - 4
        assert decompress(compressed, len(data)) == data


@given(st.binary(max_size=60), st.integers(0, 300))
def test_decompressing_noise_gives_that_length_or_an_error(data: bytes, length: int) -> None:
    with suppress(BadPayload):
        assert len(decompress(data, length)) == length


@pytest.mark.parametrize(
    ("data", "length"),
    [(b"", 1), (b"\x05ab", 6), (b"\x20", 3), (b"\xe0\x01", 10), (b"\x00a\x20\x05", 4), (b"\x00a", 2), (b"\x02abc", 2), (b"\x00", 1 << 62)],
)  # fmt: skip
def test_decompress_refuses(data: bytes, length: int) -> None:
    with pytest.raises(BadPayload):
        decompress(data, length)


def test_compress_gives_up() -> None:
    assert compress(b"", 10) is None
    assert compress(b"aaaa", 0) is None
    assert compress(bytes(range(64)), 40) is None
    assert compress(b"abc" * 20, 5) is None


VALUES = st.lists(
    st.one_of(
        st.binary(max_size=80), st.integers(-(2**64), 2**64).map(lambda number: b"%d" % number), st.just(b"x" * 5000)
    )
)


@given(VALUES)
def test_listpacks_come_back_and_have_the_size_that_is_counted(values: list[bytes]) -> None:
    packed = encode_listpack(values)
    assert len(packed) == listpack_size(values)
    assert decode_listpack(packed) == values


@pytest.mark.parametrize("length", [127, 128, 16383, 16384, 2097151])
def test_long_entries_of_listpacks(length: int) -> None:
    values = [b"v" * length, b"end"]
    assert decode_listpack(encode_listpack(values)) == values


@given(st.binary(max_size=60))
def test_decoders_read_noise_or_refuse_it(noise: bytes) -> None:
    framed = struct.pack("<I", len(noise) + 5) + noise + b"\xff"
    for decode in (decode_listpack, decode_ziplist, decode_zipmap, decode_intset):
        for data in (noise, framed):
            with suppress(BadPayload):
                decode(data)


@pytest.mark.parametrize(
    "entries",
    [b"\xf5\x01", b"\x85ab\x03", b"\x81a\x03", b"\xf0\xff\xff\xff\xff\x05", b"\xc1", b"\xf4\x01"],
)
def test_a_listpack_must_be_whole(entries: bytes) -> None:
    with pytest.raises(BadPayload):
        decode_listpack(struct.pack("<IH", len(entries) + 7, 1) + entries + b"\xff")


def test_a_listpack_may_leave_its_entries_uncounted() -> None:
    packed = bytearray(encode_listpack([b"a", b"b"]))
    packed[4:6] = b"\xff\xff"
    assert decode_listpack(bytes(packed)) == [b"a", b"b"]
    packed[4:6] = b"\x03\x00"
    with pytest.raises(BadPayload):
        decode_listpack(bytes(packed))


@given(st.sets(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_intsets_come_back(numbers: set[int]) -> None:
    assert decode_intset(encode_intset(sorted(numbers))) == tuple(sorted(numbers))


@pytest.mark.parametrize(
    "data",
    [b"", struct.pack("<IIh", 3, 1, 1), struct.pack("<IIh", 2, 2, 1), struct.pack("<IIhh", 2, 2, 1, 1), struct.pack("<IIhh", 2, 2, 2, 1)],
)  # fmt: skip
def test_an_intset_must_ascend(data: bytes) -> None:
    with pytest.raises(BadPayload):
        decode_intset(data)


def ziplist(*entries: bytes) -> bytes:
    packed, before, tail = b"", 0, 10
    for entry in entries:
        tail = 10 + len(packed)
        entry = (bytes((before,)) if before < 254 else b"\xfe" + before.to_bytes(4, "little")) + entry
        packed += entry
        before = len(entry)
    return struct.pack("<IIH", len(packed) + 11, tail, len(entries)) + packed + b"\xff"


def test_ziplists_hold_every_kind_of_entry() -> None:
    long = b"l" * 300
    packed = ziplist(
        b"\x01a", b"\xfe\x80", b"\xc0\x00\x80", b"\xf0\x00\x00\x80", b"\xd0\x00\x00\x00\x80", b"\xe0" + bytes(7) + b"\x80",
        b"\xf1", b"\xfd", b"\x41\x2c" + long, b"\x80\x00\x00\x01\x2c" + long, b"\x00",
    )  # fmt: skip
    assert decode_ziplist(packed) == [
        b"a", b"-128", b"-32768", b"-8388608", b"-2147483648", b"-9223372036854775808", b"0", b"12", long, long, b"",
    ]  # fmt: skip
    assert decode_ziplist(ziplist()) == []


@pytest.mark.parametrize(
    "packed",
    [ziplist(b"\x05a"), ziplist(b"\xff"), ziplist(b"\x01a")[:-1], ziplist(b"\x01a", b"\x01b").replace(b"\x03\x01b", b"\x04\x01b"), ziplist(b"")],
)  # fmt: skip
def test_a_ziplist_must_be_whole(packed: bytes) -> None:
    with pytest.raises(BadPayload):
        decode_ziplist(packed)


def test_a_ziplist_ends_once_and_tells_the_last_entry() -> None:
    early = bytearray(ziplist(b"\x01a"))
    early[10] = 0xFF
    misled = bytearray(ziplist(b"\x01a"))
    misled[4] = 11
    for packed in (early, misled):
        with pytest.raises(BadPayload):
            decode_ziplist(bytes(packed))


def test_zipmaps() -> None:
    assert decode_zipmap(b"\x02\x01f\x01\x00v\x01g\x02\x01vwx\xff") == [b"f", b"v", b"g", b"vw"]
    long = b"v" * 260
    assert decode_zipmap(b"\xfe\x01f\xfe\x04\x01\x00\x00\x00" + long + b"\xff") == [b"f", long]
    for data in (
        b"",
        b"\x01\x01f\xff",
        b"\x02\x01f\x01\x00v\xff",
        b"\x01\xff\xff",
        b"\x01\x01f\x05\x00v\xff",
        b"\x01\x01f\x01",
    ):
        with pytest.raises(BadPayload):
            decode_zipmap(data)


def load(body: bytes, dialect: type = REDIS_86) -> Any:
    return load_value(body + bytes(10), dialect, DEFAULT_LIMITS)


def text(value: bytes) -> bytes:
    return write_string(value, do_compress=False)


LATER = 4102444800000
MOMENT = LATER.to_bytes(8, "little")
NEVER = b"\xff" * 8


@pytest.mark.parametrize(
    ("body", "dialect"),
    [
        (b"\x16\x01\x00" + text(b"f") + text(b"v"), REDIS_86),
        (b"\x17" + text(encode_listpack([b"f", b"v", b"0"])), REDIS_86),
        (b"\x18" + bytes(8) + b"\x01\x00" + text(b"f") + text(b"v"), REDIS_86),
        (b"\x19" + bytes(8) + text(encode_listpack([b"f", b"v", b"0"])), REDIS_86),
        (b"\x16\x01" + text(b"f") + text(b"v") + NEVER, VALKEY_91),
    ],
)
def test_hashes_whose_fields_might_expire_but_do_not(body: bytes, dialect: type) -> None:
    value = load(body, dialect)
    assert dict(value.items()) == {b"f": b"v"}
    assert not value.expiries


@pytest.mark.parametrize(
    ("body", "dialect"),
    [
        (b"\x16\x01\x81" + LATER.to_bytes(8, "big") + text(b"f") + text(b"v"), REDIS_86),
        (b"\x18" + MOMENT + b"\x01\x01" + text(b"f") + text(b"v"), REDIS_86),
        (b"\x19" + MOMENT + text(encode_listpack([b"f", b"v", b"%d" % LATER])), REDIS_86),
        (b"\x16\x01" + text(b"f") + text(b"v") + MOMENT, VALKEY_91),
    ],
)
def test_hashes_whose_fields_expire(body: bytes, dialect: type) -> None:
    value = load(body, dialect)
    assert dict(value.items()) == {b"f": b"v"}
    assert value.expiries == {b"f": LATER}
    assert value.soonest == LATER


def test_fields_that_go_first_stand_first() -> None:
    words = [(1, b"a"), (0, b"b"), (5, b"c"), (1, b"d")]
    fields = b"".join(bytes((after,)) + text(field) + text(b"v") for after, field in words)
    assert list(load(b"\x18" + MOMENT + b"\x04" + fields)) == [b"d", b"a", b"c", b"b"]


def test_what_redouble_does_not_have_is_said_to_be_so() -> None:
    with pytest.raises(BadPayload):
        load(b"\x07\x81\xbd\xe7\x2d\xa2\xbb\x1e\xb4\x00")
    with pytest.raises(BadPayload):
        load(b"\x07\x81abcdefgh\x00")
    with pytest.raises(Unsupported):
        read_file(b"REDIS0012\xf3\x00", REDIS_86, DEFAULT_LIMITS)


def block(*words: object) -> bytes:
    return text(bytes(16)) + text(encode_listpack([str(word).encode() for word in words]))


TWO_ENTRIES = block(2, 0, 1, "f", 0, 2, 0, 1, "v", 4, 0, 0, 2, 1, "g", "w", 6)
ABOUT = b"\x02\x00\x02\x00\x01\x00\x00\x02"
"""Length, last id, first id, last deleted id, entries added."""
EMPTY = b"\x00" + b"\x00\x00\x07" + b"\x00\x00" + b"\x00\x00" + b"\x00"
ID = bytes(15) + b"\x01"


def test_streams() -> None:
    value = load(b"\x13\x01" + TWO_ENTRIES + ABOUT + b"\x00")
    assert value.range(0, 9) == [(1, [b"f", b"v"]), (2, [b"g", b"w"])]
    assert (value.last_id, value.entries_added) == (2, 2)
    value.check()
    deleted = load(b"\x0f\x01" + block(1, 1, 1, "f", 0, 3, 0, 1, "v", 4, 2, 0, 2, "w", 4) + b"\x01\x00\x02\x00")
    assert deleted.range(0, 9) == [(2, [b"f", b"w"])]
    assert load(b"\x13" + EMPTY + b"\x00").last_id == 7


@pytest.mark.parametrize(
    "body",
    [
        b"\x01" + block(3, 0, 1, "f", 0, 2, 0, 1, "v", 4) + ABOUT + b"\x00",  # fewer than it says
        b"\x01" + block(1, 0, 1, "f", 0, 2, 0, 1, "v", 4, 5) + ABOUT + b"\x00",
        b"\x01" + block(1, 1, 1, "f", 0, 2, 0, 1, "v", 4, 2, 0, 2, "v", 4) + ABOUT + b"\x00",  # none is marked
        b"\x01" + block(0, 0, 1, "f", 0) + ABOUT + b"\x00",
        b"\x01" + block("x", 0, 1, "f", 0) + ABOUT + b"\x00",
        b"\x01" + block(1, 0, 99999999999, "f", 0) + ABOUT + b"\x00",
        b"\x01" + block(1, 0, 1, "f", 0, 2, 0, 1, "v", 5) + ABOUT + b"\x00",
        b"\x01" + block(1, 0, 1, "f", 0, 4, 0, 1, "v", 4) + ABOUT + b"\x00",
        b"\x01" + block(2, 0, 1, "f", 0, 2, 0, 2, "v", 4, 2, 0, 1, "v", 4) + ABOUT + b"\x00",  # not in order
        b"\x01" + TWO_ENTRIES[1:] + ABOUT + b"\x00",
        b"\x01" + TWO_ENTRIES + b"\x03" + ABOUT[1:] + b"\x00",
        b"\x01" + TWO_ENTRIES + b"\x02\x00\x01" + ABOUT[3:] + b"\x00",  # an entry behind the last id
        EMPTY + b"\x02" + 2 * (text(b"g") + bytes(5)),  # a group twice
        EMPTY + b"\x01" + text(b"g") + bytes(3) + b"\x01" + ID + bytes(8) + b"\x01" + b"\x00",  # nobody's
        EMPTY + b"\x01" + text(b"g") + bytes(3) + b"\x00\x01" + text(b"c") + bytes(8) + b"\x01" + ID,
        EMPTY + b"\x01" + text(b"g") + bytes(3) + b"\x02" + 2 * (ID + bytes(8) + b"\x01") + b"\x00",
        EMPTY + b"\x01" + text(b"g") + bytes(3) + b"\x00\x02" + 2 * (text(b"c") + bytes(9)),
        EMPTY + b"\x3f",
    ],
)
def test_a_stream_must_be_what_it_says(body: bytes) -> None:
    with pytest.raises(BadPayload):
        load(b"\x13" + body)


@pytest.mark.parametrize(
    "producers",
    [
        b"\x00\x01\x00\x00\x00",
        b"\x01\x01\x02" + 2 * (text(b"p") + b"\x01" + text(b"i") + b"\x00\x01") + b"\x00\x00",
        b"\x01\x01\x01" + text(b"p") + b"\x02" + 2 * (text(b"i") + b"\x00\x01") + b"\x00\x00",
        b"\x01\x01\x01" + text(b"p") + b"\x00\x00\x00",
    ],
)
def test_the_producers_of_a_stream_must_make_sense(producers: bytes) -> None:
    with pytest.raises(BadPayload):
        load(b"\x1a" + EMPTY + b"\x00" + producers)


@pytest.mark.parametrize(
    "body",
    [
        b"\x00\x82aaaaaaaaaaaaaaaa",
        b"\x00\xc4aaaaaaaaaaaaaaaaaaa",
        b"\x01\xc0\x01",
        b"\x02\x81\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x04\x09" + text(b"f"),
        b"\x0a" + text(ziplist()),
        b"\x0e\x01" + text(ziplist()),
        b"\x0c" + text(ziplist(b"\x01a")),
        b"\x10" + text(encode_listpack([b"f"])),
        b"\x10" + text(encode_listpack([b"f", b"v", b"f", b"w"])),
        b"\x11" + text(encode_listpack([b"m", b"x"])),
        b"\x14" + text(encode_listpack([b"m", b"m"])),
        b"\x17" + text(encode_listpack([b"f", b"v", b"x"])),
        b"\x17" + text(encode_listpack([b"f", b"v"])),
        b"\x17" + text(encode_listpack([b"f", b"v", b"-1"])),
        b"\x63",
    ],
)
def test_a_value_must_be_what_it_says(body: bytes) -> None:
    with pytest.raises(BadPayload):
        load(body)


def test_a_plain_node_without_bytes_is_left_out() -> None:
    assert list(load(b"\x12\x02\x01\x00\x02" + text(encode_listpack([b"a"])))) == [b"a"]


def test_long_lengths() -> None:
    assert write_string(b"ab" * 10000, do_compress=False)[:5] == b"\x80\x00\x00\x4e\x20"
    assert load(b"\x00" + write_string(b"ab" * 10000, do_compress=False)) == b"ab" * 10000
