"""pytest: the fixture `redouble` is a `redis.Redis` whose server is this test's own, empty and in this process.

`redouble_server` is that server: its clock moves, it fails on purpose, and it tells what it was asked. With
`pytest --redouble-url redis://...` the same tests run on a real server, and those that need the fake one are skipped.
"""

import pytest
from redouble.testing import faults

from sessions import Sessions, Unavailable


@pytest.fixture
def sessions(redouble):
    return Sessions(redouble, lifetime=3600)


def test_a_user_is_recognized(sessions):
    token = sessions.open("ada")
    assert sessions.user(token) == "ada"
    assert sessions.user("guessed") is None


def test_a_session_ends_an_hour_after_its_last_use(sessions, redouble_server):
    token = sessions.open("ada")
    redouble_server.clock.advance(3000)
    assert sessions.user(token) == "ada"
    redouble_server.clock.advance(3000)
    assert sessions.user(token) == "ada"
    redouble_server.clock.advance(3601)
    assert sessions.user(token) is None


def test_nobody_logs_in_during_a_failover(sessions, redouble_server):
    with redouble_server.faults.error(faults.READONLY, on="SET"), pytest.raises(Unavailable):
        sessions.open("ada")
    assert redouble_server.data.keys() == []


def test_looking_a_user_up_takes_one_command(sessions, redouble_server):
    sessions.user("abc")
    assert list(redouble_server.commands) == ["GETEX session:abc EX 3600"]


@pytest.mark.redouble(version="6.2")
def test_the_oldest_server_that_we_support(sessions):
    assert sessions.user(sessions.open("ada")) == "ada"
