"""Where data may be: a running server or cluster, an RDB file, an append-only file or the folder of one, a data folder of redouble's."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

import redis
from redis.cluster import RedisCluster

from redouble.clients.server import FakeServer
from redouble.clients.sync import FakeRedis
from redouble.dialects import Dialect, dialect_for, parse_version
from redouble.persistence.aof import parts_of
from redouble.persistence.rdb import snapshot_of, write_file, written_by
from redouble.persistence.store import FAILURES, is_store
from redouble.persistence.store import written_by as folder_written_by

__all__ = ["Dumped", "Place", "PlaceError", "open_source", "open_target"]

LENIENT = ("redis", "8.6")
"""Who reads a file that does not say who wrote it."""
PORTABLE = ("redis", "6.2")
"""What every server reads."""
_SCHEMES = {"valkey": "redis", "valkeys": "rediss"}


class PlaceError(Exception):
    """A place that cannot be used; the message says why."""


class Dumped(NamedTuple):
    """A key with its value as DUMP gives it, and the Unix time in milliseconds at which it goes; 0: never."""

    key: bytes
    payload: bytes
    expires_at: int


class Place(Protocol):
    """Keys in databases, by number."""

    name: str
    dialect: type[Dialect]

    def databases(self) -> list[int]:
        """Those that hold something."""

    def size(self, db: int) -> int:
        """How many keys there are."""

    def scan(self, db: int, cursor: str, pattern: str | None, kind: str | None, count: int) -> tuple[str, list[bytes]]:
        """Some more keys, and where to go on: `""` at the beginning and at the end."""

    def read(self, db: int, keys: Sequence[bytes]) -> list[Dumped]:
        """Those of these keys that are there."""

    def write(self, db: int, values: Sequence[Dumped], replace: bool) -> list[str | None]:
        """What went wrong with each, None if nothing did."""

    def close(self) -> None:
        """Keep what was written."""


class _Remote:
    """What servers and clusters have in common."""

    name: str
    dialect: type[Dialect]
    client: Any

    def read(self, db: int, keys: Sequence[bytes]) -> list[Dumped]:
        tells_moments = self.dialect.has("7.0.0")
        replies = self._run(db, [["DUMP", key] for key in keys])
        moments = self._run(db, [["PEXPIRETIME" if tells_moments else "PTTL", key] for key in keys])
        now = 0
        if not tells_moments:
            seconds, microseconds = self._time()
            now = int(seconds) * 1000 + int(microseconds) // 1000
        found = zip(keys, replies, moments)
        return [
            Dumped(key, payload, now + left if left >= 0 else 0) for key, payload, left in found if payload is not None
        ]

    def write(self, db: int, values: Sequence[Dumped], replace: bool) -> list[str | None]:
        replies = self._run(db, [_restore(value, replace) for value in values])
        return [str(reply) if isinstance(reply, Exception) else None for reply in replies]

    def close(self) -> None:
        self.client.close()

    def _time(self) -> Any:
        raise NotImplementedError

    def _run(self, db: int, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """The replies of commands; exceptions stand for errors."""
        raise NotImplementedError


class ServerPlace(_Remote):
    """A running server, or the data of a file in a server of this process."""

    def __init__(self, name: str, client: Any, only: int | None = None) -> None:
        self.name = name
        self.only = only
        self.client = client
        self.dialect = _dialect(client.info("server"))

    def databases(self) -> list[int]:
        if self.only is not None:
            return [self.only]
        return sorted(int(name[2:]) for name in self.client.info("keyspace"))

    def size(self, db: int) -> int:
        return int(self.client.info("keyspace").get(f"db{db}", {}).get("keys", 0))

    def scan(self, db: int, cursor: str, pattern: str | None, kind: str | None, count: int) -> tuple[str, list[bytes]]:
        following, keys = self._run(db, [_scan(cursor, pattern, kind, count)])[0]
        return ("" if int(following) == 0 else str(int(following))), keys

    def _time(self) -> Any:
        return self.client.time()

    def _run(self, db: int, commands: Sequence[Sequence[Any]]) -> list[Any]:
        pipe = self.client.pipeline(transaction=False)
        pipe.execute_command("SELECT", db)
        for argv in commands:
            pipe.execute_command(*argv, NEVER_DECODE=True)
        replies: list[Any] = pipe.execute(raise_on_error=False)
        first = replies.pop(0)
        if isinstance(first, Exception):
            raise PlaceError(f"{self.name}: {first}")
        return replies


class ClusterPlace(_Remote):
    """The primaries of a cluster; its one database is 0."""

    def __init__(self, name: str, client: Any) -> None:
        self.name = name
        self.client = client
        self.dialect = _dialect(client.info("server", target_nodes=client.get_random_node()))
        self._nodes = sorted(client.get_primaries(), key=lambda node: str(node.name))

    def databases(self) -> list[int]:
        return [0]

    def size(self, db: int) -> int:
        return sum(int(self.client.dbsize(target_nodes=node)) for node in self.client.get_primaries())

    def scan(self, db: int, cursor: str, pattern: str | None, kind: str | None, count: int) -> tuple[str, list[bytes]]:
        number, _, position = cursor.partition(":")
        at = int(number or 0)
        connection = self.client.get_redis_connection(self._nodes[at])
        following, keys = connection.execute_command(*_scan(position, pattern, kind, count))
        if int(following):
            return f"{at}:{int(following)}", keys
        return (f"{at + 1}:0" if at + 1 < len(self._nodes) else ""), keys

    def _time(self) -> Any:
        return self.client.time(target_nodes=self.client.get_random_node())

    def _run(self, db: int, commands: Sequence[Sequence[Any]]) -> list[Any]:
        if db:
            raise PlaceError(f"{self.name}: a cluster has no database {db}")
        pipe = self.client.pipeline()
        for argv in commands:
            pipe.execute_command(*argv, NEVER_DECODE=True)
        return list(pipe.execute(raise_on_error=False))


class FileTarget(ServerPlace):
    """An RDB file that is written when everything is there, in a form that every server reads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.server = FakeServer(PORTABLE[1], PORTABLE[0])
        super().__init__(str(path), FakeRedis(server=self.server))

    def close(self) -> None:
        with self.server.lock:
            data = write_file(snapshot_of(self.server.core), self.server.core.dialect)
        self.path.write_bytes(data)
        super().close()


class FolderPlace(ServerPlace):
    """A data folder of redouble's, which nobody else may have open; it is made if it is not there."""

    def __init__(self, path: Path) -> None:
        try:
            kind, version = folder_written_by(path) if is_store(path) else ("redis", "7")
            self.server = FakeServer(version, kind, path=path)
        except (ValueError, *FAILURES) as error:
            raise PlaceError(str(error)) from None
        super().__init__(str(path), FakeRedis(server=self.server))

    def close(self) -> None:
        self.server.close()
        super().close()


def _scan(cursor: str, pattern: str | None, kind: str | None, count: int) -> list[Any]:
    words = ["MATCH", pattern] * (pattern is not None) + ["TYPE", kind] * (kind is not None)
    return ["SCAN", cursor or "0", *words, "COUNT", count]


def _restore(value: Dumped, replace: bool) -> list[Any]:
    words: list[Any] = ["RESTORE", value.key, value.expires_at, value.payload]
    return [*words, *["REPLACE"] * replace, *["ABSTTL"] * bool(value.expires_at)]


def _dialect(facts: dict[str, Any]) -> type[Dialect]:
    kind = "valkey" if facts.get("server_name") == "valkey" else "redis"
    version = facts.get("valkey_version") or facts["redis_version"]
    return dialect_for(kind, parse_version(str(version)))


def open_source(text: str) -> Place:
    """The place of a URL or a path.  Raises PlaceError."""
    if "://" in text:
        return _open_url(text)
    path = Path(text)
    if not path.exists():
        raise PlaceError(f"{text}: there is no such file, and no URL begins so")
    if is_store(path):
        return FolderPlace(path)
    try:
        first = parts_of(path)[0].path if path.is_dir() else path
        with first.open("rb") as file:
            kind, version = written_by(file.read(4096)) or LENIENT
        server = FakeServer(version, kind)
        server.load(path)
    except (OSError, ValueError) as error:
        raise PlaceError(str(error)) from None
    return ServerPlace(text, FakeRedis(server=server))


def open_target(text: str) -> Place:
    """The place of a URL, a data folder, or a file that is written anew; a name that ends with a slash is a folder.  Raises PlaceError."""
    if "://" in text:
        return _open_url(text)
    path = Path(text)
    if is_store(path) or (text.endswith(("/", os.sep)) and path.parent.is_dir() and not any(path.glob("*"))):
        return FolderPlace(path)
    if path.is_dir() or not path.parent.is_dir():
        raise PlaceError(f"{text}: not the name of a file in a folder that exists")
    return FileTarget(path)


def _open_url(text: str) -> Place:
    scheme, separator, rest = text.partition("://")
    asks_for_cluster = scheme.endswith("+cluster")
    scheme = scheme.removesuffix("+cluster")
    url = _SCHEMES.get(scheme, scheme) + separator + rest
    try:
        client = redis.Redis.from_url(url)
        is_cluster = bool(client.info("cluster").get("cluster_enabled"))
        if asks_for_cluster and not is_cluster:
            raise PlaceError(f"{text}: is no cluster")
        if is_cluster:
            client.close()
            return ClusterPlace(text, RedisCluster.from_url(url))
    except (redis.RedisError, ValueError) as error:
        raise PlaceError(f"{text}: {error}") from None
    database = urlsplit(url).path.strip("/")
    return ServerPlace(text, client, int(database) if database.isdigit() and scheme != "unix" else None)


def all_keys(place: Place, db: int, pattern: str | None, kind: str | None, count: int) -> Iterator[list[bytes]]:
    """The keys of a database, in portions."""
    cursor = ""
    while True:
        cursor, keys = place.scan(db, cursor, pattern, kind, count)
        yield keys
        if not cursor:
            return
