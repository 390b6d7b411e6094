"""Which modules a server has, and that they cost nothing before they are used."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from redouble import FakeRedis, FakeServer
from redouble.core.client import Client
from redouble.core.errors import CommandError
from redouble.core.server import Server


def call(client: Client, line: str) -> Any:
    return client.server.call(client, line.encode().split())


def names(server: Server) -> list[bytes]:
    return [module[b"name"] for module in call(Client(server), "MODULE LIST")]


def test_a_redis_has_what_its_users_expect_and_a_valkey_has_none() -> None:
    assert names(Server()) == [b"ReJSON", b"timeseries", b"search", b"bf"]
    assert names(Server(version=8)) == [b"vectorset", b"ReJSON", b"timeseries", b"bf"]
    assert names(Server(server_type="valkey", version=8)) == []


def test_modules_are_those_that_were_asked_for() -> None:
    server = Server(modules=["bloom"])
    client = Client(server)
    assert names(server) == [b"bf"]
    assert call(client, "CMS.INITBYDIM k 5 5") == b"OK"
    assert isinstance(call(client, "JSON.GET k"), CommandError)
    assert names(Server(version=8, modules=[])) == [b"vectorset"]  # a part of the server
    assert names(Server(server_type="valkey", version=8, modules=["json"])) == [b"ReJSON"]


def test_a_module_that_a_server_cannot_have_is_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"modules of redis .* are json, timeseries, search, bloom, not vectorset"):
        FakeServer(modules=["vectorset"])


def test_without_its_module_a_command_is_unknown_and_a_value_is_bad_data() -> None:
    client = FakeRedis()
    client.execute_command("CMS.INITBYDIM", "k", 5, 5)
    payload = client.execute_command("DUMP", "k")
    other = Client(Server(modules=[]))
    assert call(other, "CMS.QUERY k a").message.startswith("ERR unknown command 'CMS.QUERY'")
    refusal = other.server.call(other, [b"RESTORE", b"k", b"0", payload])
    assert refusal.message == "ERR Bad data format"


def test_command_list_and_acl_know_commands_of_modules_that_nobody_has_used() -> None:
    client = Client(Server(version=8))
    assert b"cms.query" in call(client, "COMMAND LIST")
    assert b"cms.query" in call(client, "COMMAND LIST FILTERBY MODULE bf")
    assert call(client, "COMMAND LIST FILTERBY MODULE nosuch") == []
    assert b"cms.query" in call(client, "ACL CAT cms")
    call(client, "ACL SETUSER a on nopass ~* -@all +cms.initbydim")
    call(client, "AUTH a x")
    assert call(client, "CMS.INITBYDIM k 5 5") == b"OK"
    assert call(client, "CMS.INFO k").message.startswith("NOPERM")


def test_a_server_that_uses_no_module_loads_none() -> None:
    program = (
        "import sys, redouble\n"
        "client = redouble.FakeRedis()\n"
        "client.set('a', 1); client.hset('h', 'f', 1); client.eval('return 1', 0); client.command_getkeys('GET', 'a')\n"
        "print([name for name in sys.modules if name.startswith('redouble.modules')])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
