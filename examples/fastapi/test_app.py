"""FastAPI: `dependency_overrides` gives the routes the fixture's client instead of one that connects.

`redouble_async` is for the application, `redouble` for the test; both are clients of one server.
"""

import httpx
import pytest

from app import app, get_redis


@pytest.fixture
def http(redouble_async):
    app.dependency_overrides[get_redis] = lambda: redouble_async
    yield httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")
    app.dependency_overrides.clear()


@pytest.mark.asyncio
async def test_a_link_is_followed(http, redouble):
    await http.put("/links/docs", params={"url": "https://example.com/docs"})
    assert (await http.get("/links/docs")).json() == {"url": "https://example.com/docs", "visits": 1}
    assert (await http.get("/links/docs")).json() == {"url": "https://example.com/docs", "visits": 2}
    assert redouble.hgetall("visits") == {b"docs": b"2"}


@pytest.mark.asyncio
async def test_a_name_is_taken_once(http):
    assert (await http.put("/links/docs", params={"url": "https://example.com/1"})).status_code == 200
    assert (await http.put("/links/docs", params={"url": "https://example.com/2"})).status_code == 409
    assert (await http.get("/links/other")).status_code == 404
