"""The configuration that a server is given when it starts, and what only Python sees of the server commands."""

from __future__ import annotations

import pytest

from redouble.core.client import Client
from redouble.core.server import Server


def test_configuration_at_the_start_takes_bytes_and_text_aliases_and_units() -> None:
    server = Server(config={b"maxmemory": b"1mb", b"list-max-ziplist-size": b"7"})
    assert server.config.number("maxmemory") == 1 << 20
    assert server.limits.list_max_listpack_size == 7
    assert Server(config={"databases": "3", "requirepass": "x"}).config.databases == 3


@pytest.mark.parametrize("config", [{"nosuch": "1"}, {"maxmemory": "much"}, {"databases": "0"}])
def test_a_wrong_configuration_is_a_value_error(config: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(config))):
        Server(config=config)


def test_servers_share_the_defaults_until_one_changes_a_value() -> None:
    first, second = Server(), Server()
    assert first.config.values is second.config.values
    client = Client(first)
    first.call(client, [b"CONFIG", b"SET", b"maxmemory", b"1"])
    assert (first.config.number("maxmemory"), second.config.number("maxmemory")) == (1, 0)


def test_shutdown_tells_the_drivers_and_closes_every_connection() -> None:
    server = Server()
    stopped: list[bool] = []
    server.on_shutdown(lambda: stopped.append(True))
    client, other = Client(server), Client(server)
    server.call(client, [b"SHUTDOWN", b"NOSAVE"])
    assert stopped == [True]
    assert client.closing
    assert other.closing
    assert not server.connected
    assert server.clients == {}


def test_info_everything_has_no_line_without_a_name() -> None:
    for server_type, version in (("redis", "7.0"), ("redis", "8.6"), ("valkey", "8.1"), ("valkey", "9")):
        server = Server(server_type=server_type, version=version)
        client = Client(server)
        server.call(client, [b"SET", b"k", b"v"])
        text = server.call(client, [b"INFO", b"everything"]).decode()
        assert all(not line or line.startswith("# ") or ":" in line for line in text.split("\r\n"))
        assert "db0:keys=1" in text


def test_command_statistics_count_calls_failures_and_refusals() -> None:
    server = Server()
    client = Client(server)
    for argv in ([b"SET", b"k", b"v"], [b"LLEN", b"k"], [b"LLEN"]):
        server.call(client, argv)
    text = server.call(client, [b"INFO", b"commandstats"]).decode()
    assert "cmdstat_llen:calls=1,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=1" in text
    server.call(client, [b"CONFIG", b"RESETSTAT"])
    assert "llen" not in server.call(client, [b"INFO", b"commandstats"]).decode()


def test_help_lists_the_subcommands_of_the_version() -> None:
    server = Server(version="7.0")
    client = Client(server)
    lines = server.call(client, [b"CLIENT", b"HELP"])
    assert lines[0] == b"CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
    assert b"SETNAME connection-name" in lines
    assert not any(line.startswith((b"CAPA", b"NO-TOUCH")) for line in lines)
    assert lines[-2:] == [b"HELP", b"    Print this help."]
