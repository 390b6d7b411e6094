"""What has no bytes yet says so."""

from __future__ import annotations

import pytest

import redouble


def test_dump_of_a_stream_says_that_it_is_not_supported() -> None:
    r = redouble.FakeRedis()
    r.xadd("s", {"field": "value"})
    with pytest.raises(Exception, match="not supported by redouble: DUMP of streams"):
        r.dump("s")
