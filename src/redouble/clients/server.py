"""`FakeServer`: the handle by which a test holds an in-process server, and which clients share one.

A private server lives as long as its handle, which its connections hold; a named one (host and port, or path) is kept
until `reset`.  Nothing here imports redis-py.
"""

from __future__ import annotations

import contextlib
import os
import random as random_module
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import redouble.commands  # noqa: F401  # fills the command table
from redouble.core.clock import Clock
from redouble.core.server import Server
from redouble.dialects import dialect_for, parse_version
from redouble.net.link import dial

if TYPE_CHECKING:
    from redouble.core.database import Database
    from redouble.testing.data import Data
    from redouble.testing.faults import Faults
    from redouble.testing.record import Record
    from redouble.testing.snapshot import Snapshot
    from redouble.testing.strict import Strict

__all__ = ["CONNECTION_ERROR", "FakeServer", "reset"]

CONNECTION_ERROR = "FakeRedis is emulating a connection error."

_live: weakref.WeakSet[Server] = weakref.WeakSet()
"""Every server of this process; `os.fork` waits until no thread is inside one."""


class FakeServer:
    """A server in this process, shared by every client that is given it.

    Args:
        version: `7`, `"7.4"` or `(7, 4)`; a bare major version means its newest minor.
        server_type: `"redis"`, `"valkey"`, `"dragonfly"` or `"kividb"`.
        config: parameters as in a configuration file, e.g. `{"requirepass": "secret"}`; with a `dir` the data is kept in
            files, as a real server keeps it; users, one a line, as
            `{"user": "alice on >secret ~cache:* +@read"}`.
        clock: time for this server, which `server.clock` moves; give several servers the same one, or a `ManualClock`.
        random: chance for this server; seed it to repeat a run.
        record: whether to keep `commands`; a number is how many of them at most.
        strict: whether a command that this version lacks raises `UnknownCommandError` (an AssertionError) in its client.
        modules: what it loads of "json", "bloom", "timeseries" and "vectorset"; by default a Redis has all that its users expect,
            a Valkey none.
        clock_command: whether clients may move the clock with CLOCK, a command that no real server has.
        path: a folder in which the data is kept in redouble's own form, which opens at once however much it is.  `close` it at
            the end.  Raises `redouble.dbm.DBMError` if somebody else has it open, or it is damaged.
    """

    _shared: ClassVar[dict[str, FakeServer]] = {}
    _path: str | None = None
    """The folder of a server that is shared by address."""

    def __init__(
        self,
        version: tuple[int, ...] | str | int = (7,),
        server_type: str = "redis",
        config: Mapping[Any, Any] | None = None,
        *,
        clock: Clock | None = None,
        random: random_module.Random | None = None,
        record: bool | int = False,
        strict: bool = False,
        clock_command: bool = False,
        modules: Iterable[str] | None = None,
        path: str | os.PathLike[str] | None = None,
    ) -> None:
        self._core: Server | None = None
        self._type_and_version = server_type, version
        dialect_for(server_type, version)
        has_folder = "dir" in {str(_text(name)).lower() for name in config or {}}
        if path is not None and has_folder:
            raise ValueError("the data is kept in the folder `path`, or as Redis keeps it in the configuration's `dir`")
        if clock is not None or random is not None or config or clock_command or modules is not None:
            self._core = self._start(
                clock=clock,
                random=random,
                clock_command=clock_command,
                modules=modules,
                config={_text(name): _text(value) for name, value in (config or {}).items()},
            )
        if path is not None:
            from redouble.persistence.store import Store

            self.core.files = Store(self.core, Path(path), _later)
        elif has_folder:
            from redouble.persistence.redis_files import RedisFiles

            self.core.files = RedisFiles(self.core, Path(self.core.config.text("dir")), _later)
        if self._core is not None and self._core.files is not None:
            with self._core.lock:
                self._core.files.load()
        self.lastsave = int(time.time())
        self._record: Record | None = None
        self._faults: Faults | None = None
        if record:
            self._start_recording(record)
        self.strict: Strict | None = None
        """What notes unknown commands."""
        if strict:
            from redouble.testing.strict import Strict

            self.strict = Strict(self.core)
            self.core.observe(self.strict)

    @property
    def core(self) -> Server:
        """The server itself, which starts when it is first asked for: x0.4 of a client that never connects."""
        if self._core is None:
            with _start_lock:
                if self._core is None:
                    self._core = self._start()
        return self._core

    def _start(self, **options: Any) -> Server:
        server_type, version = self._type_and_version
        core = Server(server_type=server_type, version=version, **options)
        core.dial = dial
        _live.add(core)
        return core

    @staticmethod
    def get_server(
        key: str,
        version: tuple[int, ...] | str | int = (7,),
        server_type: str = "redis",
        path: str | os.PathLike[str] | None = None,
    ) -> FakeServer:
        """The server of that name, which is made when it is first asked for.

        Raises ValueError if it is there and does not keep its data in the folder `path`, if one is given; DBMError.
        """
        with _registry_lock:
            server = FakeServer._shared.get(key)
            if server is None:
                server = FakeServer._shared[key] = FakeServer(version=version, server_type=server_type, path=path)
                server._path = None if path is None else os.path.realpath(path)
            elif path is not None and server._path != os.path.realpath(path):
                kept = "in memory" if server._path is None else f"in {server._path}"
                raise ValueError(f"the server {key} keeps its data {kept} already, not in {path}")
            return server

    @staticmethod
    def at(
        address: str,
        version: tuple[int, ...] | str | int = (7,),
        server_type: str = "redis",
        *,
        connected: bool = True,
        path: str | os.PathLike[str] | None = None,
    ) -> FakeServer:
        """The server that clients of one address, type and major version share."""
        key = f"{address}:{server_type}:v{parse_version(version)[0]}"
        server = FakeServer.get_server(key, version, server_type, path)
        if not connected:
            server.connected = False
        return server

    @property
    def connected(self) -> bool:
        """Set it to False to cut every in-process connection, also those that wait, and to refuse new ones."""
        return self.core.connected

    @connected.setter
    def connected(self, connected: bool) -> None:
        with self.core.lock:
            self.core.connected = connected
            if not connected:
                self._cut()

    def _cut(self) -> None:
        if self._core is None:
            return
        with self.core.lock:
            for client in list(self.core.clients.values()):
                client.kill()

    # For tests.

    @property
    def commands(self) -> Record:
        """What clients have asked of this server.  Raises RuntimeError if that was not recorded."""
        if self._record is None:
            raise RuntimeError("nothing was recorded: FakeServer(record=True), or `with server.recording():`")
        return self._record

    @property
    def connections(self) -> int:
        """How many clients are connected now."""
        with self.core.lock:
            self.core.run_deferred()
            return len(self.core.clients)

    @property
    def connections_received(self) -> int:
        """How many clients have connected so far."""
        return self.core.connections_received

    @contextlib.contextmanager
    def recording(self, kept: int | None = None) -> Iterator[Record]:
        """Record the commands of a `with` block, where nothing is recorded yet; at most the newest `kept`."""
        if self._record is not None:
            yield self._record
            return
        record = self._start_recording(kept or True)
        try:
            yield record
        finally:
            self._record = None
            with self.core.lock:
                self.core.forget_observer(record)

    def _start_recording(self, kept: int) -> Record:
        from redouble.testing.record import ENTRIES_KEPT, Record

        record = self._record = Record(self.core, ENTRIES_KEPT if kept is True else kept)
        with self.core.lock:
            self.core.observe(record)
        return record

    @property
    def faults(self) -> Faults:
        """What goes wrong on purpose."""
        if self._faults is None:
            from redouble.net.link import Asker
            from redouble.testing.faults import Faults

            self._faults = Faults(self.core, Asker)
        return self._faults

    @property
    def data(self) -> Data:
        """What this server holds, as Python values; `data.db(3)` is another database."""
        from redouble.testing.data import Data

        return Data(self.core)

    def dump(self) -> str:
        """All that this server holds as text, for people and for diff."""
        from redouble.testing.dump import dump

        with self.core.lock:
            self.core.unit_ms = 0
            return dump(self.core)

    def seed(self, data: Mapping[Any, Any], db: int = 0) -> None:
        """Set keys to Python values; see `redouble.testing.seed`."""
        from redouble.testing.seed import seed

        with self.core.lock:
            seed(self.core, data, db)

    def run(self, script: str) -> list[Any]:
        """Send lines as one types them at redis-cli; their replies.  Raises ValueError if one is answered with an error."""
        from redouble.testing.seed import run

        with self.core.lock:
            return run(self.core, script)

    def snapshot(self) -> Snapshot:
        """All data at this moment, for `restore`; what costs is the number of keys, not what they hold."""
        from redouble.testing.snapshot import Snapshot

        with self.core.lock:
            return Snapshot(self.core)

    def restore(self, snapshot: Snapshot) -> None:
        """Make the data what it was; clients stay connected."""
        with self.core.lock:
            snapshot.restore()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all data as the RDB file that the emulated server would write."""
        from redouble.testing.files import save

        with self.core.lock:
            save(self.core, Path(path))

    def load(self, path: str | os.PathLike[str]) -> None:
        """Put what an RDB file, an AOF or the folder of one holds in the place of all data.  Raises ValueError if it cannot be read."""
        from redouble.testing.files import load

        with self.core.lock:
            load(self.core, Path(path))

    def check(self) -> None:
        """Raise AssertionError if a structure of this server contradicts itself: a bug of redouble's."""
        with self.core.lock:
            self.core.check()

    def restart(self, *, keep_data: bool = True) -> None:
        """End the server and start it again, with or without the data; clients find their connections closed."""
        with self.core.lock:
            self.core.restart(keep_data=keep_data)

    def close(self) -> None:
        """Let go of the files: of the folder `path`, after which the server is gone, or of the configuration's `dir`, after
        saving as SHUTDOWN does; nothing is kept from then on.

        Raises OSError if it cannot be saved.
        """
        with self.core.lock:
            files = self.core.files
            if files is not None:
                try:
                    files.close(save=bool(files.save_points))
                finally:
                    self.core.files = None
                    self.core.refuse_writes(False)
                if not self.core.connected:
                    self._cut()

    def __enter__(self) -> FakeServer:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def clock(self) -> Clock:
        """The time of this server: `advance`, `freeze`, `unfreeze` and `set` move it, from any thread."""
        return self.core.clock

    @property
    def version(self) -> tuple[int, ...]:
        return self.core.version

    @property
    def server_type(self) -> str:
        return self.core.server_type

    @property
    def dbs(self) -> dict[int, Database]:
        return self.core.databases

    @property
    def config(self) -> Any:
        return self.core.config

    @property
    def acl(self) -> Any:
        return self.core.acl

    @property
    def lock(self) -> threading.RLock:
        """Held while a command runs; whoever holds it sees no change that is not their own."""
        return self.core.lock

    def __del__(self) -> None:
        core = self.__dict__.get("_core")
        if core is not None:
            core.close()


def reset() -> None:
    """Forget every server that is shared by address, and cut the connections to it: they connect to an empty one.

    What is kept in a folder stays there.  Raises OSError and DBMError if it cannot be.
    """
    with _registry_lock:
        forgotten = list(FakeServer._shared.values())
        FakeServer._shared.clear()
    for server in forgotten:
        server._cut()
    for server in forgotten:
        if server._path is not None:
            server.close()


_registry_lock = threading.Lock()
_start_lock = threading.RLock()  # a finalizer may start another one meanwhile


def _later(seconds: float, action: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


# fork: the child gets a copy of each server as it is between two commands, without the clients of threads that it lacks.

_held: list[Server] = []


def _before_fork() -> None:
    _registry_lock.acquire()
    _start_lock.acquire()
    for server in sorted(_live, key=id):
        server.lock.acquire()
        _held.append(server)


def _release() -> None:
    while _held:
        _held.pop().lock.release()
    _start_lock.release()
    _registry_lock.release()


def _after_fork_in_child() -> None:
    for server in _held:
        for client in list(server.blocking.clients):
            client.disconnect()
    _release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_release, after_in_child=_after_fork_in_child)
