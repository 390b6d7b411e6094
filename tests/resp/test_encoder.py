"""Reply values to bytes: each kind in both protocols, and the round trip through redis-py's own parser's rules."""

from __future__ import annotations

import pytest

from redouble.resp.encoder import encode, encode_error
from redouble.resp.reply import (
    BLOCKED,
    NO_REPLY,
    NULL_ARRAY,
    OK,
    QUEUED,
    Attributed,
    BigNumber,
    CommandError,
    Pairs,
    Push,
    Reply,
    Status,
    Verbatim,
    resp2,
)


def double(number: float) -> bytes:
    return repr(number).encode()


def encoded(reply: Reply, resp: int) -> bytes:
    out: list[bytes] = []
    encode(reply, resp, double, out)
    return b"".join(out)


KINDS = [
    (b"", b"$0\r\n\r\n", ...),
    (b"a\r\nb", b"$4\r\na\r\nb\r\n", ...),
    (b"x" * 511, b"$511\r\n" + b"x" * 511 + b"\r\n", ...),
    (b"x" * 512, b"$512\r\n" + b"x" * 512 + b"\r\n", ...),
    (OK, b"+OK\r\n", ...),
    (QUEUED, b"+QUEUED\r\n", ...),
    (Status(b"a\r\nb"), b"+a  b\r\n", ...),
    (0, b":0\r\n", ...),
    (-7, b":-7\r\n", ...),
    (2**63 - 1, b":9223372036854775807\r\n", ...),
    (None, b"$-1\r\n", b"_\r\n"),
    (NULL_ARRAY, b"*-1\r\n", b"_\r\n"),
    (NO_REPLY, b"", ...),
    (BLOCKED, b"", ...),
    (True, b":1\r\n", b"#t\r\n"),
    (False, b":0\r\n", b"#f\r\n"),
    (1.5, b"$3\r\n1.5\r\n", b",1.5\r\n"),
    (BigNumber(10**30), b"$31\r\n1" + b"0" * 30 + b"\r\n", b"(1" + b"0" * 30 + b"\r\n"),
    (Verbatim(b"Some text"), b"$9\r\nSome text\r\n", b"=13\r\ntxt:Some text\r\n"),
    ([], b"*0\r\n", ...),
    ([b"a", b"", b"x" * 600], b"*3\r\n$1\r\na\r\n$0\r\n\r\n$600\r\n" + b"x" * 600 + b"\r\n", ...),
    ([b"a\r\n", b"$1\r", b"abc"] * 5, b"*15\r\n" + b"$3\r\na\r\n\r\n$3\r\n$1\r\r\n$3\r\nabc\r\n" * 5, ...),
    ([b"a", b"bc", b"d"] * 5, b"*15\r\n" + b"$1\r\na\r\n$2\r\nbc\r\n$1\r\nd\r\n" * 5, ...),
    ([b"a", OK, b"b"] * 5, b"*15\r\n" + b"$1\r\na\r\n+OK\r\n$1\r\nb\r\n" * 5, ...),
    ([b"x" * 600] * 9, b"*9\r\n" + (b"$600\r\n" + b"x" * 600 + b"\r\n") * 9, ...),
    ((b"a", b"b"), b"*2\r\n$1\r\na\r\n$1\r\nb\r\n", ...),
    (
        [b"a", None, [1, [OK]]],
        b"*3\r\n$1\r\na\r\n$-1\r\n*2\r\n:1\r\n*1\r\n+OK\r\n",
        b"*3\r\n$1\r\na\r\n_\r\n*2\r\n:1\r\n*1\r\n+OK\r\n",
    ),
    ({b"a"}, b"*1\r\n$1\r\na\r\n", b"~1\r\n$1\r\na\r\n"),
    (frozenset([b"a"]), b"*1\r\n$1\r\na\r\n", b"~1\r\n$1\r\na\r\n"),
    ({b"a": 1, b"b": None}, b"*4\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n$-1\r\n", b"%2\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n_\r\n"),
    ({}, b"*0\r\n", b"%0\r\n"),
    (Pairs([(b"a", 1.5)]), b"*2\r\n$1\r\na\r\n$3\r\n1.5\r\n", b"*1\r\n*2\r\n$1\r\na\r\n,1.5\r\n"),
    (
        Pairs([[b"f", b"v"], [b"g", b"w"]]),
        b"*4\r\n$1\r\nf\r\n$1\r\nv\r\n$1\r\ng\r\n$1\r\nw\r\n",
        b"*2\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n*2\r\n$1\r\ng\r\n$1\r\nw\r\n",
    ),
    (
        Push([b"message", b"c", b"m"]),
        b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n",
        b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n",
    ),
    (Attributed(1, {b"ttl": 3600}), b":1\r\n", b"|1\r\n$3\r\nttl\r\n:3600\r\n:1\r\n"),
    ([CommandError("WRONGTYPE no"), OK], b"*2\r\n-WRONGTYPE no\r\n+OK\r\n", ...),
    (CommandError("ERR a\r\nb\r\n"), b"-ERR a  b\r\n", ...),
    (CommandError("ERR 'caf\u00e9' '\udcff'"), b"-ERR 'caf\xc3\xa9' '\xff'\r\n", ...),
]


@pytest.mark.parametrize(("reply", "two", "three"), KINDS)
def test_each_kind_in_both_protocols(reply: Reply, two: bytes, three: bytes) -> None:
    assert encoded(reply, 2) == two
    assert encoded(reply, 3) == (two if three is ... else three)
    # The same kinds inside an array take the general path.
    assert encoded([reply, None], 2) == b"*2\r\n" + two + b"$-1\r\n"
    assert encoded([reply, None], 3) == b"*2\r\n" + (two if three is ... else three) + b"_\r\n"


@pytest.mark.parametrize("reply", [reply for reply, _, _ in KINDS])
def test_resp2_bytes_are_those_of_the_downgraded_reply(reply: Reply) -> None:
    assert encoded(reply, 2) == encoded(resp2(reply, double), 2)


def test_a_reply_may_be_nested_deeper_than_the_recursion_limit() -> None:
    reply: list[Reply] = []
    for _ in range(50_000):
        reply = [reply]
    assert encoded(reply, 3) == b"*1\r\n" * 50_000 + b"*0\r\n"
    while reply:  # a deep list is taken apart by hand, or its destructor would recurse
        reply = reply[0]


def test_error_text_never_breaks_the_line() -> None:
    assert encode_error("\r\nERR a\nb\r\rc\n") == b"-ERR a b  c\r\n"
