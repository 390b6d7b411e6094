"""Flask-Caching: the factory of the application gets the URL of the fixture's server."""

import pytest

from app import cache, create_app


@pytest.fixture
def http(redouble_url):
    app = create_app(redouble_url)
    with app.app_context():
        yield app.test_client()
        cache.cache._write_client.close()  # Flask-Caching leaves that to the garbage collector


def test_a_page_is_computed_once(http, redouble):
    first = http.get("/square/4").json
    assert first["square"] == 16
    assert http.get("/square/4").json == first
    assert redouble.keys() == [b"flask_cache_view//square/4"]
    cache.clear()
    assert http.get("/square/4").json != first
