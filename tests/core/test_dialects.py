"""Which version is emulated, and what exists in it."""

from __future__ import annotations

import pytest

from redouble.dialects import dialect_for
from tests.core.conftest import Recorder


@pytest.mark.parametrize(
    ("server_type", "version", "expected"),
    [
        ("redis", 7, (7, 4, 1)),
        ("redis", (7,), (7, 4, 1)),
        ("redis", "7.0", (7, 0, 15)),
        ("redis", (7, 3), (7, 2, 4)),
        ("redis", (7, 2, 9), (7, 2, 4)),
        ("redis", 8, (8, 6, 3)),
        ("redis", 99, (8, 6, 3)),
        ("valkey", 8, (8, 1, 1)),
        ("valkey", "9.1", (9, 1, 2)),
    ],
)
def test_a_version_means_the_nearest_one_below(server_type: str, version: object, expected: tuple[int, ...]) -> None:
    assert dialect_for(server_type, version).version == expected  # type: ignore[arg-type]


def test_what_is_no_server_type_or_version_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="server_type must be one of"):
        dialect_for("memcached", 7)
    with pytest.raises(ValueError, match="not a version"):
        dialect_for("redis", "seven")


@pytest.mark.parametrize(
    ("server_type", "version", "since", "expected"),
    [
        ("redis", "7.0", "6.2.0", True),
        ("redis", "7.0", "7.2.0", False),
        ("redis", "8.6", "valkey=8.1.0", False),
        ("valkey", "9", "7.2.0", True),
        ("valkey", "9", "7.4.0", False),
        ("valkey", "9", "8.4.0 valkey=9.0.0", True),
        ("valkey", "8.1", "8.4.0 valkey=9.0.0", False),
        ("valkey", "9", "valkey=9.0.0", True),
    ],
)
def test_a_fork_has_what_redis_had_when_it_left_and_what_is_its_own(
    server_type: str, version: str, since: str, expected: bool
) -> None:
    assert dialect_for(server_type, version).has(since) is expected


def test_unknown_commands_and_wrong_numbers_of_arguments(c: Recorder) -> None:
    assert c("NOSUCH a b").message == "ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' "
    assert c("get").message == "ERR wrong number of arguments for 'get' command"
    assert c.server.error_counts == {"ERR": 2}
