"""The request parser alone: every way of cutting the same bytes gives the same commands, every fault its text."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redouble.resp.parser import RequestParser, Rules, split_arguments, split_commands

PING = b"*1\r\n$4\r\nPING\r\n"
REDIS_6_2 = Rules(largest_multibulk=1024 * 1024)
REDIS_8_6 = Rules(nul_hides_bulk_line=False, limits_bulk_line=False)
VALKEY_9 = Rules(
    nul_hides_multibulk_line=False, nul_hides_bulk_line=False, checks_line_ends=True, quotes_may_touch=True
)
ALL_RULES = [Rules(), REDIS_6_2, REDIS_8_6, VALKEY_9]


def request(*argv: bytes) -> bytes:
    return b"*%d\r\n" % len(argv) + b"".join(b"$%d\r\n%b\r\n" % (len(item), item) for item in argv)


def read(*blocks: bytes, rules: Rules | None = None, restricted: bool = False) -> tuple[list[list[bytes]], str | None]:
    parser = RequestParser(rules)
    parser.restricted = restricted
    commands = []
    for block in blocks:
        found = parser.feed(block)
        while found:
            commands += found
            found = parser.feed(b"") if restricted else []
    return commands, parser.error


def cut(data: bytes, places: list[int]) -> list[bytes]:
    bounds = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in itertools.pairwise(bounds)]


arguments = st.one_of(
    st.binary(max_size=12), st.sampled_from([b"", b"\r\n", b"*1\r\n$4\r\n", b"x" * 600, b"\r", b"$3\r\nab\r\n"])
)
command_lists = st.lists(st.lists(arguments, min_size=1, max_size=5), max_size=12)
places = st.lists(st.integers(0, 10**6), max_size=12)
protocol_like = st.lists(
    st.sampled_from(
        [
            b"*1",
            b"*2",
            b"*",
            b"$4",
            b"$",
            b"$0",
            b"-1",
            b"\r\n",
            b"\r",
            b"\n",
            b"PING",
            b"GET x",
            b'"',
            b"'",
            b"\\",
            b"\\x4",
            b" ",
            b"\0",
            b"$3\r\nfoo\r\n",
            b"ab",
            PING,
        ]
    ),
    max_size=12,
).map(b"".join)


@given(command_lists, places)
def test_commands_are_the_same_however_the_bytes_are_cut(commands: list[list[bytes]], at: list[int]) -> None:
    data = b"".join(request(*argv) for argv in commands)
    assert read(*cut(data, at)) == (commands, None)


@given(protocol_like, places, st.sampled_from(ALL_RULES), st.booleans())
def test_any_bytes_mean_the_same_however_they_are_cut(
    data: bytes, at: list[int], rules: Rules, restricted: bool
) -> None:
    at_once = read(data, rules=rules, restricted=restricted)
    assert read(*cut(data, at), rules=rules, restricted=restricted) == at_once
    assert read(*(data[i : i + 1] for i in range(len(data))), rules=rules, restricted=restricted) == at_once


@given(
    command_lists,
    st.lists(st.sampled_from([b"PING\r\n", b"\r\n", b"*0\r\n", b"*-1\r\n", b"a b\n"]), max_size=4),
    places,
)
def test_inline_commands_may_stand_between_the_others(
    commands: list[list[bytes]], lines: list[bytes], at: list[int]
) -> None:
    data = b"".join(request(*argv) + b"".join(lines) for argv in commands)
    inline = [line.split() for line in lines if line in (b"PING\r\n", b"a b\n")]
    expected = [found for argv in commands for found in (argv, *inline)]
    assert read(*cut(data, at)) == (expected, None)


@given(st.lists(st.lists(st.binary(max_size=300), min_size=1, max_size=4), min_size=1, max_size=6))
def test_the_fast_reader_takes_only_what_the_slow_one_would(commands: list[list[bytes]]) -> None:
    found: list[list[bytes]] = []
    rest = split_commands(b"".join(request(*argv) for argv in commands), found)
    assert found == commands[: len(found)]
    assert rest == b"".join(request(*argv) for argv in commands[len(found) :])


def test_the_fast_reader_takes_a_plain_pipeline_whole() -> None:
    found: list[list[bytes]] = []
    assert split_commands(request(b"SET", b"key", b"v" * 1000) * 50 + PING, found) == b""
    assert len(found) == 51


@pytest.mark.parametrize("rules", ALL_RULES)
@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"*abc\r\n", "invalid multibulk length"),
        (b"*\r\n", "invalid multibulk length"),
        (b"*+1\r\n", "invalid multibulk length"),
        (b"*01\r\n", "invalid multibulk length"),
        (b"*-0\r\n", "invalid multibulk length"),
        (b"* 1\r\n", "invalid multibulk length"),
        (b"*2147483648\r\n", "invalid multibulk length"),
        (b"*99999999999999999999999\r\n", "invalid multibulk length"),
        (b"*-9223372036854775809\r\n", "invalid multibulk length"),
        (b"*1\r\nPING\r\n", "expected '$', got 'P'"),
        (b"*1\r\n:4\r\n", "expected '$', got ':'"),
        (b"*1\r\n\r\n", "expected '$', got '\r'"),
        (b"*1\r\n\n\r\n", "expected '$', got '\n'"),
        (b"*1\r\n\xff\r\n", "expected '$', got '\udcff'"),
        (b"*1\r\n$abc\r\n", "invalid bulk length"),
        (b"*1\r\n$-1\r\n", "invalid bulk length"),
        (b"*1\r\n$\r\n", "invalid bulk length"),
        (b"*1\r\n$536870913\r\n", "invalid bulk length"),
        (b"*1\r\n$5000000000\r\n", "invalid bulk length"),
        (b'SET "a b\r\n', "unbalanced quotes in request"),
        (b"SET 'a\r\n", "unbalanced quotes in request"),
        (b'ECHO "a\nb"\r\n', "unbalanced quotes in request"),
        (b'ECHO \\"a\r\n', "unbalanced quotes in request"),
        (b"x" * 65537, "too big inline request"),
        (b"ECHO a\0b\r\n" + b"x" * 65537, "too big inline request"),
        (b"*" + b"1" * 65536, "too big mbulk count string"),
    ],
)
def test_a_fault_ends_the_connection_after_the_commands_before_it(rules: Rules, data: bytes, error: str) -> None:
    assert read(PING + data, PING, rules=rules) == ([[b"PING"]], f"ERR Protocol error: {error}")


@pytest.mark.parametrize("rules", ALL_RULES)
@pytest.mark.parametrize(
    "data",
    [
        b"x" * 65536,
        b"*" + b"1" * 65535,
        b"*1\r",
        b"*1\r\n$536870912\r\n",
        b"*1\r\n$4\r\nPI",
        b"ECHO a\0b\r\n",
        b"*1\n$4\nPING\n",
        b"*1\r\n$" + b"1" * 65535,
    ],
)
def test_an_incomplete_command_waits(rules: Rules, data: bytes) -> None:
    assert read(PING, data, rules=rules) == ([[b"PING"]], None)


def test_a_nul_in_a_line_hides_its_end_from_older_servers() -> None:
    assert read(b"*1\0\r\n") == ([], None)
    assert read(b"*1\r\n$4\0\r\n") == ([], None)
    assert read(b"*1\r\n\0\r\n") == ([], None)
    assert read(b"*1\0\r\n", rules=REDIS_8_6) == ([], None)
    assert read(b"*1\r\n$4\0\r\n", rules=REDIS_8_6) == ([], "ERR Protocol error: invalid bulk length")
    assert read(b"*1\r\n\0\r\n", rules=VALKEY_9) == ([], "ERR Protocol error: expected '$', got '\0'")
    assert read(b"*1\0\r\n", rules=VALKEY_9) == ([], "ERR Protocol error: invalid multibulk length")


def test_a_long_bulk_header_is_an_error_but_for_redis_8_6() -> None:
    header = b"*1\r\n$" + b"1" * 65536
    assert read(header) == ([], "ERR Protocol error: too big bulk count string")
    assert read(header, b"\r\n", rules=REDIS_8_6) == ([], None)


def test_a_million_arguments_may_be_announced_from_redis_7_on() -> None:
    assert read(b"*1048577\r\n") == ([], None)
    assert read(b"*1048577\r\n", rules=REDIS_6_2) == ([], "ERR Protocol error: invalid multibulk length")


def test_valkey_9_wants_its_line_ends() -> None:
    for data in (
        b"*1\rx",
        b"*1\r\n$4\rxPING\r\n",
        b"*1\r\n$4\r\nPING\rx",
        b"*1\r\n$4\r\nPINGx\n",
        b"*0\rx",
        b"*abc\rx",
    ):
        assert read(data, rules=VALKEY_9) == ([], "ERR Protocol error: invalid CRLF in request")
    assert read(b"*1\rx$4\rxPINGxx" + PING) == ([[b"PING"], [b"PING"]], None)


def test_a_stranger_may_send_ten_arguments_of_16_kib() -> None:
    assert read(request(*[b"x"] * 10), restricted=True)[1] is None
    assert read(request(*[b"x"] * 11), restricted=True) == ([], "ERR Protocol error: unauthenticated multibulk length")
    assert read(request(b"ECHO", b"x" * 16384), restricted=True)[1] is None
    assert read(request(b"ECHO", b"x" * 16385), restricted=True) == (
        [],
        "ERR Protocol error: unauthenticated bulk length",
    )
    assert read(b"PING" + b" x" * 30 + b"\r\n", restricted=True)[1] is None


def test_a_restricted_parser_hands_out_one_command_at_a_time() -> None:
    parser = RequestParser()
    parser.restricted = True
    assert parser.feed(request(b"AUTH", b"pw") + request(*[b"x"] * 20) + PING) == [[b"AUTH", b"pw"]]
    parser.restricted = False
    assert parser.feed(b"") == [[b"x"] * 20, [b"PING"]]
    assert parser.pending == 0


@pytest.mark.parametrize(
    ("line", "argv", "touching"),
    [
        (b"", [], []),
        (b"  \t ", [], []),
        (b"SET a  b", [b"SET", b"a", b"b"], ...),
        (b"a\rb", [b"a", b"b"], ...),
        (b"\f\vPING\f x", [b"PING\f", b"x"], ...),
        (b'""', [b""], ...),
        (rb'"a\x41\n\q\"b"', [b'aA\nq"b'], ...),
        (rb'"\n\r\t\b\a\e\\\""', [b'\n\r\t\b\ae\\"'], ...),
        (rb'"\xzz\x4"', [b"xzzx4"], ...),
        (rb'"\X41\xaF"', [b"X41\xaf"], ...),
        (rb"'a\'b\n'", [rb"a'b\n"], ...),
        (rb"a\nb", [rb"a\nb"], ...),
        (b'a"b c"', [b"ab c"], ...),
        (b'"a"\tb', [b"a", b"b"], ...),
        (b'"a"\vb', [b"a", b"b"], [b"a\vb"]),
        (b'"a"b', None, [b"ab"]),
        (b"'a'b", None, [b"ab"]),
        (b"a\"b\"'c'", None, [b"abc"]),
        (rb'"a\"', None, [b"a\\"]),
        (rb"'a\\'", None, [rb"a\\"]),
        (rb'"a\"  ', None, None),
        (rb'"a\" "', [b'a" '], ...),
        (rb'"a\x41', None, None),
    ],
)
def test_inline_quoting(line: bytes, argv: list[bytes] | None, touching: list[bytes] | None) -> None:
    assert split_arguments(line) == argv
    assert split_arguments(line, quotes_may_touch=True) == (argv if touching is ... else touching)


def test_a_claimed_length_allocates_nothing() -> None:
    tracemalloc = pytest.importorskip("tracemalloc", reason="this interpreter does not trace its memory")
    tracemalloc.start()
    try:
        parsers = [RequestParser() for _ in range(10)]
        for parser in parsers:
            assert parser.feed(b"*2147483647\r\n$536870912\r\nx") == []
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_a_large_value_in_small_blocks_costs_linear_time() -> None:
    def cost(megabytes: int) -> float:
        data = request(b"SET", b"key", b"\r\n" * (megabytes * 512 * 1024))
        parser = RequestParser()
        commands = []
        began = time.process_time()
        for start in range(0, len(data), 65536):
            commands += parser.feed(data[start : start + 65536])
        spent = time.process_time() - began
        assert [len(item) for item in commands[0]] == [3, 3, megabytes * 1024 * 1024]
        return spent

    small = min(cost(4) for _ in range(3))
    # Quadratic would be a hundred times, and seconds; collecting garbage costs PyPy up to one.
    assert min(cost(40) for _ in range(2)) < 60 * max(small, 0.02)


def test_many_small_commands_in_one_large_block_cost_linear_time() -> None:
    data = (b"PING\r\n" + request(b"ECHO", b"a\r\nb")) * 20_000
    began = time.process_time()
    assert len(RequestParser().feed(data)) == 40_000
    assert time.process_time() - began < 5


def test_pending_counts_the_bytes_that_are_no_argument_yet() -> None:
    parser = RequestParser()
    parser.feed(b"*3\r\n$3\r\nSET\r\n$5\r\nab")
    assert parser.pending == 2
    parser.store(b"cde\r\n")
    assert parser.pending == 7
    parser.feed(b"$1\r\nx\r\n")
    assert parser.pending == 0
