"""aiocache: a decorator makes its own client, so `redouble.patch` is what keeps it in this process.

`patch(server=redouble_server)` leads every address to the fixture's server, whose clock moves.
"""

import pytest
import redouble

import weather


@pytest.fixture(autouse=True)
def redis_in_process(redouble_server):
    with redouble.patch(server=redouble_server):
        yield


@pytest.fixture
def asked(monkeypatch):
    """The questions that went to the weather service."""
    questions = []

    async def ask(city):
        questions.append(city)
        return {"sky": "blue"}

    monkeypatch.setattr(weather, "ask", ask)
    return questions


@pytest.mark.asyncio
async def test_a_forecast_holds_for_ten_minutes(asked, redouble_server):
    for _ in range(2):
        assert await weather.forecast("Rome") == {"sky": "blue"}
    assert asked == ["Rome"]
    redouble_server.clock.advance(601)
    await weather.forecast("Rome")
    assert asked == ["Rome", "Rome"]
    assert redouble_server.data.keys() == [b"weather:Rome"]
