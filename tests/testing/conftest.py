from __future__ import annotations

from collections.abc import Iterator

import pytest

from redouble import FakeRedis, FakeServer, ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def server(clock: ManualClock) -> FakeServer:
    return FakeServer(record=True, clock=clock)


@pytest.fixture
def r(server: FakeServer) -> Iterator[FakeRedis]:
    with FakeRedis(server=server) as client:
        yield client
