"""Replies and errors: what a client gets is what redis-py's own parser makes of the same reply on a wire."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import redis
from redis._parsers import _RESP2Parser, _RESP3Parser
from redis._parsers.encoders import Encoder

from redouble import FakeAsyncRedis, FakeRedis, FakeServer, ManualClock
from redouble.clients.sync import FakeRedisConnection
from redouble.dialects.redis import REDIS
from redouble.resp.encoder import encode
from redouble.resp.reply import NULL_ARRAY, OK, Attributed, BigNumber, CommandError, Pairs, Push, Status, Verbatim

REPLIES: list[Any] = [
    b"bytes",
    b"",
    "ü".encode(),
    0,
    -5,
    None,
    NULL_ARRAY,
    OK,
    Status(b"other"),
    1.5,
    float("inf"),
    -3.0,
    True,
    False,
    [],
    [b"a", 1, None],
    [b"a", [b"b", [OK, 2.5]]],
    {},
    {b"a": 1, b"b": {b"c": [True]}},
    {b"only"},
    set(),
    Pairs([(b"a", 1.0), (b"b", 2.5)]),
    Verbatim(b"text"),
    BigNumber(10**30),
    [CommandError("WRONGTYPE Operation"), b"after"],
    CommandError("ERR plain"),
    CommandError("WRONGPASS invalid"),
    CommandError("NOSCRIPT No matching script."),
    CommandError("ERR two\r\nlines"),
    CommandError("ERR bad \udcff byte"),
    CommandError("CODE"),
]


class Wire:
    """redis-py's own parser at one end of a socket pair."""

    def __init__(self, protocol: int, decode: bool) -> None:
        self._sock, self.peer = socket.socketpair()
        self.socket_timeout = 5
        self.encoder = Encoder("utf-8", "strict", decode)
        self.parser = (_RESP2Parser if protocol == 2 else _RESP3Parser)(65536)
        self.parser.on_connect(self)

    def parse(self, data: bytes) -> Any:
        self.peer.sendall(data)
        try:
            return self.parser.read_response()
        except redis.ConnectionError as error:  # some errors are never values
            return error
        finally:
            self._sock.close()
            self.peer.close()


def as_comparable(value: Any) -> Any:
    if isinstance(value, Exception):
        return type(value), value.args, getattr(value, "status_code", None)
    if isinstance(value, list):
        return [as_comparable(item) for item in value]
    return value, type(value)


@pytest.mark.parametrize("decode", [False, True], ids=["bytes", "text"])
@pytest.mark.parametrize("reply", REPLIES, ids=repr)
def test_a_reply_is_what_redis_py_would_parse(reply: Any, protocol: int, decode: bool) -> None:
    out: list[bytes] = []
    encode(reply, protocol, REDIS[-1].format_double, out)
    expected = Wire(protocol, decode).parse(b"".join(out))
    connection = FakeRedisConnection(protocol=protocol, decode_responses=decode, server=FakeServer(version=8))
    connection.connect()
    try:
        got = connection._parser.translate(reply, False)
    except redis.ConnectionError as error:
        got = error
    assert as_comparable(got) == as_comparable(expected)
    connection.disconnect()


def test_attributes_are_not_seen(protocol: int) -> None:
    connection = FakeRedisConnection(protocol=protocol, server=FakeServer())
    connection.connect()
    assert connection._parser.translate(Attributed([1], {b"ttl": 5}), False) == [1]


def test_what_is_no_reply_is_a_bug_that_shows() -> None:
    connection = FakeRedisConnection(protocol=3, server=FakeServer())
    connection.connect()
    with pytest.raises(TypeError, match="not a reply"):
        connection._parser.translate(object(), False)


def test_text_and_encodings(server: FakeServer) -> None:
    text = FakeRedis(server=server, decode_responses=True)
    raw = FakeRedis(server=server)
    text.set("ключ", "значение")
    assert text.get("ключ") == "значение"
    assert raw.get("ключ") == "значение".encode()
    latin = FakeRedis(server=server, decode_responses=True, encoding="latin-1")
    latin.set("l", "ü")
    assert raw.get("l") == b"\xfc"
    assert latin.get("l") == "ü"
    with pytest.raises(UnicodeDecodeError):
        text.get("l")
    assert FakeRedis(server=server, decode_responses=True, encoding_errors="replace").get("l") == "�"


@pytest.mark.parametrize("value", [b"b", "s", 1, 1.5, memoryview(b"m")])
def test_values_that_can_be_sent(client: Any, value: Any) -> None:
    client.set("k", value)
    assert client.get("k") == (bytes(value) if isinstance(value, (bytes, memoryview)) else str(value).encode())


@pytest.mark.parametrize("value", [None, True, [1], {}, object()])
def test_values_that_cannot_be_sent(client: Any, value: Any) -> None:
    with pytest.raises(redis.DataError, match="Invalid input of type"):
        client.set("k", value)
    assert client.get("k") is None


def test_errors_have_redis_py_s_classes_and_texts(client: Any) -> None:
    client.rpush("list", "a")
    with pytest.raises(
        redis.ResponseError, match=r"^WRONGTYPE Operation against a key holding the wrong kind of value$"
    ):
        client.get("list")
    with pytest.raises(redis.ResponseError, match=r"^wrong number of arguments for 'get' command$"):
        client.execute_command("GET")
    with pytest.raises(redis.ResponseError, match=r"^unknown command 'nosuch'"):
        client.execute_command("nosuch", "x")
    with pytest.raises(redis.ResponseError, match=r"^DB index is out of range$"):
        client.execute_command("SELECT", 99)


def test_never_decode(server: FakeServer) -> None:
    text = FakeRedis(server=server, decode_responses=True)
    text.set("k", "v")
    assert text.execute_command("GET", "k", NEVER_DECODE=True) == b"v"
    assert text.execute_command("GET", "k") == "v"


def test_an_empty_response_stands_for_an_error(client: Any) -> None:
    client.rpush("list", "a")
    assert client.execute_command("GET", "list", EMPTY_RESPONSE=[]) == []


def test_names_of_two_words_and_bytes(client: Any) -> None:
    client.execute_command("CLIENT SETNAME", "n")
    assert client.execute_command("CLIENT GETNAME") in (b"n", "n")
    assert client.execute_command("set", "k", "v") in (True, b"OK")
    assert client.execute_command(b"GET", "k") == b"v"


def test_response_callbacks(client: Any) -> None:
    client.set("k", "5")
    assert client.get("k") == b"5"
    client.set_response_callback("GET", int)
    assert client.get("k") == 5
    client.response_callbacks["GET"] = float
    assert client.get("k") == 5.0


async def test_asyncio_response_callbacks_may_be_coroutines() -> None:
    async def half(value: bytes, **options: Any) -> float:
        return int(value) / 2

    client = FakeAsyncRedis()
    await client.set("k", "5")
    client.set_response_callback("GET", half)
    assert await client.get("k") == 2.5


def test_a_push_is_a_list_for_resp2_clients() -> None:
    connection = FakeRedisConnection(protocol=2, server=FakeServer())
    connection.connect()
    assert connection._parser.translate(Push([b"message", b"c", b"m"]), False) == [b"message", b"c", b"m"]


def test_client_list_knows_how_long_a_client_was_idle() -> None:
    clock = ManualClock()
    server = FakeServer(clock=clock)
    idle, busy = FakeRedis(server=server, client_name="idle"), FakeRedis(server=server, client_name="busy")
    idle.ping()
    clock.advance(30)
    assert {each["name"]: each["idle"] for each in busy.client_list()} == {"idle": "30", "busy": "0"}
