"""The fast gear: a plain command of a plain client goes from `execute_command` straight to the server.

Redis-py spends some 10 us of its own on each command: pool, retry, event dispatch, measurement.  `execute_command` is
overridden to spend them only where somebody could tell the difference; wherever that is so, it hands the command to
the library unchanged.  The library's path is the reference, and this module is the list of what makes it needed:

* the connection is not the client's usual one: another pool or connection class, `single_connection_client`, a pool
  with no free connection, one that is closed, or that has something unread;
* something watches the library's path: client-side caching, health checks, credential providers, events, metrics;
* something replaced a part of that path: a subclass, `unittest.mock`, OpenTelemetry, Sentry;
* the command is not plain: it blocks, subscribes, or changes the connection.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Generator
from itertools import chain
from typing import Any, ClassVar

from redouble.clients.connected import new_connection
from redouble.clients.connection import PLAIN, InProcessClient
from redouble.clients.seams import Seam, seams_of
from redouble.core.errors import CommandError
from redouble.resp.reply import BLOCKED, NO_REPLY, Messages, Push, Status

__all__ = ["OF_CLIENT", "AsyncFastMixin", "FastBase", "FastMixin", "Plan", "answer", "arguments", "get", "use_up"]

_NEVER_PLAIN = frozenset(
    b"ACL AUTH CLIENT FAILOVER HELLO HIMPORT MONITOR PSUBSCRIBE PSYNC PUNSUBSCRIBE QUIT REPLCONF RESET"
    b" SHUTDOWN SSUBSCRIBE SUBSCRIBE SUNSUBSCRIBE SYNC UNSUBSCRIBE".split()
)
_OF_STRINGS = frozenset(("HGETALL",))
"""Commands whose map holds only strings, which need not be looked at one by one: x0.7."""
_DONE = frozenset((bytes, str, int, float, bool, type(None), list, dict, set, tuple))
_UNCHANGED = PLAIN | {bytes}
"""What a list or a map may hold that is an answer as it is."""
get = dict.get
_SMALL = {number: b"%d" % number for number in range(-1, 128)}
"""What most integers of a command are: x0.3."""
_OF_LIBRARY = ("execute_command",)
OF_CLIENT = ("parse_response", "_execute_command", "_send_command_parse_response")
_OF_POOL = ("get_connection", "release")
_OF_CONNECTION = ("connect", "send_command", "send_packed_command", "read_response")


class Plan:
    """How to call one command: the words of its name, and under which name its response callback is kept."""

    __slots__ = ("callback_name", "first", "of_strings", "words")

    def __init__(self, name: str) -> None:
        self.words = name.encode().split()
        self.first = self.words[0] if len(self.words) == 1 else None
        self.callback_name = name.upper()
        self.of_strings = self.callback_name in _OF_STRINGS


class FastBase:
    """What the sync and the asyncio client share."""

    library_class: ClassVar[Any]
    default_connection_class: ClassVar[Any]
    default_pool_class: ClassVar[Any]
    connection_pool: Any
    connection: Any
    response_callbacks: Any
    _template_key: Any
    _fast_pool: Any = None
    """The pool whose connections may be used directly; None if this client needs the library's path."""
    _call: Any
    """The library's own path as it was when nothing was replaced; what tracers put there (wrapt's proxies) equals it."""
    _seams: list[Seam]
    _plans: dict[str, Plan | None]
    _metrics: Any

    def _shift_up(self) -> None:
        """Use the fast gear from now on, if nothing about this client forbids it."""
        pool = self.connection_pool
        kwargs = pool.connection_kwargs
        if (
            type(pool) is not self.default_pool_class
            or pool.connection_class is not self.default_connection_class
            or getattr(pool, "cache", None) is not None
            or kwargs.get("health_check_interval")
            or kwargs.get("credential_provider")
            or kwargs.get("event_dispatcher")
            or kwargs.get("redis_connect_func")
        ):
            return
        found = self._find_seams((self.library_class, _OF_LIBRARY), (type(self), OF_CLIENT))
        if found is not None:
            self._call, self._seams = found
            self._plans = {}
            self._metrics = _metrics_of(self.library_class)
            self._fast_pool = pool

    def _find_seams(self, *owners: tuple[type, tuple[str, ...]]) -> tuple[Any, list[Seam]] | None:
        """The one part of the first of these classes; what to watch in the others, the pool and the connection.

        None if something was replaced already.
        """
        seams = seams_of(
            self.library_class,
            *owners,
            (self.default_pool_class, _OF_POOL),
            (self.default_connection_class, _OF_CONNECTION),
        )
        if seams is None:
            return None
        (_, _, path), *others = seams
        return path, others

    def _free_connection(self) -> Any:
        """A connected, idle connection of the pool; None if the library has to see to it."""
        pool = self.connection_pool
        if pool is not self._fast_pool or self.connection is not None:
            return None
        for read, owner, known in self._seams:
            if read(owner) != known:
                return None
        patched = pool.__dict__
        if "get_connection" in patched or "release" in patched or "parse_response" in self.__dict__:
            return None
        metrics = self._metrics
        if metrics is not None and metrics._provider_manager is not None:
            return None
        try:
            connection = pool._available_connections.pop()
        except IndexError:
            connection = None
        if connection is None:
            return self._new_connection(pool)
        client = connection.in_process_client
        if client is not None and not (client.closed or client.inbox or client.backlog):
            server = client.server
            if server.connected and not server.may_fail:
                return connection
        pool._available_connections.append(connection)
        return None

    def _new_connection(self, pool: Any) -> Any:
        """One more, as far as the pool lets; None if the library has to see to it."""
        with pool._lock:
            if pool._created_connections >= pool.max_connections:
                return None
            pool._created_connections += 1
        connection = None
        try:
            connection = new_connection(self._template_key, pool)
        finally:
            if connection is None:
                with pool._lock:
                    pool._created_connections -= 1
        return connection

    def _plan(self, connection: Any, name: Any) -> Plan | None:
        """How to call the command `name`; None if it is not plain."""
        if type(name) is not str or not name.strip():
            return None
        plan: Plan | None = Plan(name)
        assert plan is not None
        found = connection.in_process_client.server.find([*plan.words, b""])
        if isinstance(found, CommandError):
            return None  # unknown so far; not worth remembering
        if plan.words[0].upper() in _NEVER_PLAIN or "blocking" in found.flags:
            plan = None
        self._plans[name] = plan
        return plan


def answer(connection: Any, reply: Any, options: dict[str, Any]) -> Any:
    """What `parse_response` makes of a reply before the response callback; options that it uses up are removed."""
    never_decode = "NEVER_DECODE" in options
    encoder = connection.encoder
    kind = type(reply)
    if kind is dict and not encoder.decode_responses and connection._parser.client.resp == 3:
        if not _UNCHANGED.issuperset(map(type, chain(reply, reply.values()))):
            reply = connection._parser.translate(reply, never_decode)
    elif kind is bytes or kind is Status:
        if encoder.decode_responses and not never_decode:
            reply = reply.decode(encoder.encoding, encoder.encoding_errors)
        elif kind is Status:
            reply = bytes(reply)
    elif kind not in PLAIN and (
        kind is not list or encoder.decode_responses or not _UNCHANGED.issuperset(map(type, reply))
    ):
        if kind is Messages:  # a client that heard its own PUBLISH
            connection.in_process_client.inbox.extend(message for message in reply if type(message) is Push)
            (reply,) = (message for message in reply if type(message) is not Push)
        reply = connection._parser.translate(reply, never_decode)
        if isinstance(reply, Exception):
            if "EMPTY_RESPONSE" in options:
                return _Final(options["EMPTY_RESPONSE"])
            raise reply
    if options:
        use_up(options)
    return reply


class _Final:
    """An answer that no response callback sees."""

    def __init__(self, value: Any) -> None:
        self.value = value


class FastMixin(FastBase):
    """`execute_command` of a synchronous client."""

    pipeline_class: ClassVar[Any]
    _of_pipelines: dict[str, Any] | None = None
    """What its pipelines are given, once there was one."""

    def pipeline(self, *args: Any, **kwargs: Any) -> Any:
        """A pipeline; see `redis.Redis.pipeline`."""
        pipeline = super().pipeline(*args, **kwargs)  # type: ignore[misc]
        if self._fast_pool is not None and type(pipeline) is self.pipeline_class.library_pipeline:
            if self._of_pipelines is None:
                self._of_pipelines = self.pipeline_class.fast_gear(self)
            pipeline.__class__ = self.pipeline_class
            pipeline.__dict__.update(self._of_pipelines)
        return pipeline

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run one command; see `redis.Redis.execute_command`."""
        # Here `_free_connection` and `arguments` are written out, line by line: x0.82 for GET.
        pool = self.connection_pool
        if (
            pool is not self._fast_pool
            or self.connection is not None
            or self.library_class.execute_command is not self._call
        ):
            return super().execute_command(*args, **options)  # type: ignore[misc]
        for read, owner, known in self._seams:
            if read(owner) != known:
                return super().execute_command(*args, **options)  # type: ignore[misc]
        patched = pool.__dict__
        metrics = self._metrics
        if (
            "get_connection" in patched
            or "release" in patched
            or "parse_response" in self.__dict__
            or (metrics is not None and metrics._provider_manager is not None)
        ):
            return super().execute_command(*args, **options)  # type: ignore[misc]
        try:
            connection = pool._available_connections.pop()
        except IndexError:
            connection = None  # what happens now is not because of this error, and should not show it
        if connection is None:
            connection = self._new_connection(pool)
            if connection is None:
                return super().execute_command(*args, **options)  # type: ignore[misc]
        try:
            client = connection._sock
            plan = None
            if client is not None and not (client.closed or client.inbox or client.backlog):
                server = client.server
                if server.connected and not server.may_fail:
                    try:
                        plan = self._plans[args[0]]
                    except KeyError:
                        plan = self._plan(connection, args[0])
            if plan is not None:
                encoder = connection.encoder
                encoding, errors = encoder.encoding, encoder.encoding_errors
                utf8 = encoding == "utf-8" and errors == "strict"
                argv = [plan.first] if plan.first is not None else plan.words.copy()
                for value in args[1:]:
                    kind = type(value)
                    if kind is str:
                        argv.append(value.encode() if utf8 else value.encode(encoding, errors))
                    elif kind is bytes:
                        argv.append(value)
                    elif kind is int:
                        argv.append(_SMALL.get(value) or b"%d" % value)
                    elif kind is float:
                        argv.append(repr(value).encode())
                    else:
                        argv.append(bytes(encoder.encode(value)))
                client.last_interaction = server.clock.time()
                lock = server.lock
                lock.acquire()  # `with` takes x1.5
                try:
                    reply = server.call(client, argv)
                finally:
                    lock.release()
                kind = type(reply)
                if kind not in PLAIN and (kind is not bytes or encoder.decode_responses):
                    if reply is BLOCKED or reply is NO_REPLY:
                        reply = connection.read_response(disable_decoding="NEVER_DECODE" in options)
                    elif not (kind is dict and plan.of_strings and client.resp == 3 and not encoder.decode_responses):
                        reply = answer(connection, reply, options)
                        if type(reply) is _Final:
                            return reply.value
        except connection.connection_error:  # NOAUTH is one, too
            connection.disconnect()
            raise
        finally:
            pool._available_connections.append(connection)
        if plan is None:
            return super().execute_command(*args, **options)  # type: ignore[misc]
        callback = get(self.response_callbacks, plan.callback_name)
        if callback is None:
            return reply
        if options:
            use_up(options)
        return callback(reply, **options)


@types.coroutine
def _turn() -> Generator[None, None, None]:
    """Let the loop do what else there is: `asyncio.sleep(0)` without its own frame."""
    yield


class AsyncFastMixin(FastBase):
    """`execute_command` of an asyncio client."""

    _has_connected = False

    def _new_connection(self, pool: Any) -> Any:
        """The first one: its pool does not count those that are here, and leaves it to them to be no more than it lets."""
        if self._has_connected or pool._in_use_connections:
            return None
        self._has_connected = True
        return new_connection(self._template_key, pool)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run one command; see `redis.asyncio.Redis.execute_command`."""
        untouched = self._fast_pool is not None and self.library_class.execute_command is self._call
        connection = self._free_connection() if untouched else None
        if connection is None:
            return await super().execute_command(*args, **options)  # type: ignore[misc]
        try:
            name = args[0]
            try:
                plan = self._plans[name]
            except KeyError:
                plan = self._plan(connection, name)
            if plan is not None:
                argv = arguments(connection, plan, args)
                await _turn()
                client: InProcessClient | None = connection._writer
                if client is None or client.closed:
                    plan = None
                else:
                    server = client.server
                    client.last_interaction = server.clock.time()
                    lock = server.lock
                    lock.acquire()
                    try:
                        reply = server.call(client, argv)
                    finally:
                        lock.release()
                    kind = type(reply)
                    if kind not in PLAIN and (kind is not bytes or connection.encoder.decode_responses):
                        if reply is BLOCKED or reply is NO_REPLY:
                            reply = await connection.read_response(disable_decoding="NEVER_DECODE" in options)
                        elif not (
                            kind is dict
                            and plan.of_strings
                            and client.resp == 3
                            and not connection.encoder.decode_responses
                        ):
                            reply = answer(connection, reply, options)
        except connection.connection_error:
            await connection.disconnect(nowait=True)
            raise
        finally:
            self._fast_pool._available_connections.append(connection)
        if plan is None:
            return await super().execute_command(*args, **options)  # type: ignore[misc]
        callback = get(self.response_callbacks, plan.callback_name)
        if callback is None:
            return reply if type(reply) is not _Final else reply.value
        if options:
            use_up(options)
        if type(reply) is _Final:
            return reply.value
        result = callback(reply, **options)
        return await result if type(result) not in _DONE and inspect.isawaitable(result) else result


def use_up(options: dict[str, Any]) -> None:
    """Remove what is for `parse_response` and not for a response callback."""
    options.pop("NEVER_DECODE", None)
    options.pop("EMPTY_RESPONSE", None)
    options.pop("keys", None)


def arguments(connection: Any, plan: Plan, args: tuple[Any, ...]) -> list[bytes]:
    """The arguments as bytes, as the library's encoder gives them."""
    encoder = connection.encoder
    encoding, errors = encoder.encoding, encoder.encoding_errors
    utf8 = encoding == "utf-8" and errors == "strict"  # which is what `encode` does by itself, in half the time
    argv = [plan.first] if plan.first is not None else plan.words.copy()
    add = argv.append
    for value in args[1:]:
        kind = type(value)
        if kind is str:
            add(value.encode() if utf8 else value.encode(encoding, errors))
        elif kind is bytes:
            add(value)
        elif kind is int:
            add(_SMALL.get(value) or b"%d" % value)
        elif kind is float:
            add(repr(value).encode())
        else:
            add(bytes(encoder.encode(value)))
    return argv


def _metrics_of(library: Any) -> Any:
    """What holds the library's own metrics, which need its own path."""
    if not library.__module__.startswith("redis."):
        return None
    try:
        from redis.observability.providers import get_observability_instance
    except ImportError:  # before redis-py 7.2
        return None
    return get_observability_instance()
