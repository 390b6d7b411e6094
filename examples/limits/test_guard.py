"""limits: its storage gets the URL of the fixture's server, and a window ends when the server's clock says so."""

import pytest
from limits.storage import storage_from_string

from guard import Guard


@pytest.fixture
def guard(redouble_url):
    storage = storage_from_string(redouble_url)
    yield Guard(storage)
    storage.storage.close()


def test_the_sixth_attempt_is_refused(guard):
    assert [guard.lets_in("192.0.2.1") for _ in range(6)] == [True] * 5 + [False]
    assert guard.lets_in("192.0.2.2")


def test_a_minute_later_it_is_let_in(guard, redouble_server):
    while guard.lets_in("192.0.2.1"):
        pass
    redouble_server.clock.advance(61)
    assert guard.lets_in("192.0.2.1")
