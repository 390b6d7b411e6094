"""Dragonfly's own commands, after its documentation: there is no recording of them."""

from __future__ import annotations

import pytest
from tests.core.conftest import Recorder

import redouble.commands  # noqa: F401  # fills the command table
from redouble.core.clock import ManualClock
from redouble.core.errors import CommandError
from redouble.core.server import Server


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_700_000_000.0)


@pytest.fixture
def c(clock: ManualClock) -> Recorder:
    return Recorder(Server(server_type="dragonfly", clock=clock))


def test_saddex_adds_members_that_go_by_themselves(c: Recorder, clock: ManualClock) -> None:
    assert [c("SADDEX s 10 a b"), c("SADDEX s 20 b c"), c("SADD s d")] == [2, 1, 1]
    assert [c("FIELDTTL s a"), c("FIELDTTL s b"), c("FIELDTTL s d")] == [10, 20, -1]
    clock.advance(10.5)
    assert [c("SCARD s"), c("SISMEMBER s a"), c("SINTERCARD 2 s s")] == [3, 0, 3]
    c("SREM s d")
    clock.advance(10)
    assert [c("EXISTS s"), c("DBSIZE")] == [0, 0]


def test_saddex_keepttl_leaves_those_alone_that_are_there(c: Recorder) -> None:
    assert [c("SADDEX s 10 a"), c("SADDEX s KEEPTTL 20 a b")] == [1, 1]
    assert [c("FIELDTTL s a"), c("FIELDTTL s b")] == [10, 20]


def test_members_keep_their_time_when_the_set_moves(c: Recorder, clock: ManualClock) -> None:
    c("SADDEX s 10 a")
    assert [c("COPY s t"), c("RENAME s u"), c("FIELDTTL t a"), c("FIELDTTL u a")] == [1, b"OK", 10, 10]
    clock.advance(11)
    assert c("EXISTS t u") == 0
    c("SADDEX s 10 a b")
    c("SPOP s 2")
    assert c("SADD s a b") == 2
    clock.advance(11)
    assert c("SCARD s") == 2


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("SADDEX s ten a", "ERR value is not an integer or out of range"),
        ("SADDEX s 10", "ERR wrong number of arguments for 'saddex' command"),
        ("SADDEX k 10 a", "WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("FIELDTTL k a", "WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("CL.THROTTLE t -1 1 1", "ERR value is not an integer or out of range"),
        ("CL.THROTTLE t 1 10 0", "ERR zero rates are not supported"),
        ("CL.THROTTLE t 9223372036854775806 1 1", "ERR value is not an integer or out of range"),
    ],
)
def test_what_is_wrong(c: Recorder, line: str, error: str) -> None:
    c("SET k v")
    answer = c(line)
    assert isinstance(answer, CommandError)
    assert answer.message == error


def test_fieldttl_tells_what_is_not_there(c: Recorder) -> None:
    c("HSET h f v")
    assert [c("FIELDTTL missing f"), c("FIELDTTL h g"), c("FIELDTTL h f")] == [-2, -3, -1]


def test_cl_throttle_lets_bursts_pass_and_then_a_steady_rate(c: Recorder, clock: ManualClock) -> None:
    assert [c("CL.THROTTLE t 2 1 10") for _ in range(4)] == [
        [0, 3, 2, -1, 11],
        [0, 3, 1, -1, 21],
        [0, 3, 0, -1, 31],
        [1, 3, 0, 11, 31],
    ]
    assert c("CL.THROTTLE t 2 1 10 4") == [1, 3, 0, -1, 31]
    clock.advance(10)
    assert c("CL.THROTTLE t 2 1 10") == [0, 3, 0, -1, 31]
    clock.advance(31)
    assert c("EXISTS t") == 0
