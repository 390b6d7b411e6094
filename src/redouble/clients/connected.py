"""New connections without the library's constructor and handshake: x0.5 of a client and its first command.

As with clients (`template.py`) the library makes the first connection of a kind, to a server that nobody else sees.
What that consists of is kept, and so is what it said until it was connected: those that follow consist of the same and
say the same.  Wherever that is not certain to be what the library would do, the library does it.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Coroutine
from typing import Any

from redouble.clients.seams import Seam, intact, seams_of
from redouble.clients.server import FakeServer
from redouble.clients.template import Template, remember
from redouble.core.server import Server

__all__ = ["Connector", "new_connection"]

_BY_ITSELF = frozenset(("_parser", "_command_packer", "_reader", "_server", "_sock", "_writer", "himport_registry"))
"""Attributes of a connection that are not parts of its template."""
_MAKES = ("make_connection",)
_HANDSHAKE = ("__init__", "_connect", "connect_check_health", "on_connect", "on_connect_check_health", "set_parser")


class Connector:
    """How connections of one kind come to be.  Raises LookupError if not all of what the library does is known."""

    def __init__(self, kind: Any, arguments: dict[str, Any], server: Server) -> None:
        self._kind = kind
        own = FakeServer(server.version, server.server_type)
        first = kind(**arguments | {"server": own})
        self._said: list[list[bytes]] = []
        send = first.send_command

        def listening(*args: Any, **options: Any) -> Any:
            self._said.append(first._encode(args))
            return send(*args, **options)

        first.send_command = listening
        _finish(first.connect())
        del first.send_command
        self._has_registry, self._packs = hasattr(first, "himport_registry"), hasattr(first, "_command_packer")
        greeting = getattr(first, "handshake_metadata", None)
        self._id = greeting and next(name for name in greeting if name in ("id", b"id"))
        """Its name in the answer to HELLO as the library keeps it; None if it does not."""
        self._template = Template(first, without=_BY_ITSELF)
        client = first.open()
        self._heard = [own.core.call(client, argv.copy()) for argv in self._said]
        client.close()
        _finish(first.disconnect())

    def connect(self, pool: Any) -> Any:
        """A connection to the server of this pool; None if it is not answered as the first one was."""
        arguments = pool.connection_kwargs
        connection = object.__new__(self._kind)
        self._template.fill(connection)
        connection._server = arguments["server"]
        if self._has_registry:
            connection.himport_registry = arguments.get("himport_registry")
        connection.set_parser(None)
        if self._packs:
            connection._command_packer = connection._construct_command_packer(None)
        connection.in_process_client = client = connection.open()
        connection._parser.on_connect(connection)
        server: Server = client.server
        with server.lock:
            for argv, known in zip(self._said, self._heard):
                reply = server.call(client, argv.copy())
                if type(reply) is not type(known):
                    client.close()
                    return None
                if type(reply) is dict and self._id is not None:
                    if {**reply, b"id": None} == {**known, b"id": None}:
                        connection.handshake_metadata[self._id] = reply[b"id"]
                    else:
                        connection.handshake_metadata = connection._parser.translate(reply, False)
        return connection


def _finish(running: Coroutine[Any, Any, None] | None) -> None:
    """Run a method of a connection to its end, if it is a coroutine: a server in this process is waited for by no future."""
    if running is not None:
        try:
            while True:
                running.send(None)
        except StopIteration:
            pass


@functools.cache
def _seams(pool: type, kind: type) -> list[Seam] | None:
    """What the library makes and connects a connection with; what ours hides of it, too."""
    package = pool.__module__.partition(".")[0]
    inherited = [
        (base, tuple(name for name in _HANDSHAKE if name in vars(base)))
        for base in kind.__mro__
        if base.__module__.partition(".")[0] == package
    ]
    return seams_of(pool, (pool, _MAKES), (kind, _HANDSHAKE), *(each for each in inherited if each[1]))


_connectors: dict[Any, Connector | None] = {}
"""By what clients have in common, and how their server speaks; None: the library does something that is not known."""


def new_connection(key: Any, pool: Any) -> Any:
    """A connection that is not in the pool; None if the library has to make it.  `key`: the client's `template_key`."""
    arguments, kind = pool.connection_kwargs, pool.connection_class
    server = arguments.get("server")
    if key is None or server is None:
        return None
    core: Server = server.core
    plain = core.connected and core.admits and not (core.gate or core.may_fail or core.requires_auth)
    if not plain or core.acl.default.restricted or getattr(pool, "pid", None) not in (None, os.getpid()):
        return None
    seams = _seams(type(pool), kind)  # type: ignore[arg-type]  # a class is hashable
    if not intact(seams) or "make_connection" in vars(pool):
        return None
    key = key, core.dialect
    if key not in _connectors:
        unknown = (LookupError, kind.connection_error.__base__)  # the library tells its user what went wrong
        remember(_connectors, key, lambda: Connector(kind, arguments, core), unknown)
    connector = _connectors[key]
    return None if connector is None else connector.connect(pool)
