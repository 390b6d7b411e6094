"""One connection in one line, as CLIENT LIST and ACL LOG print it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from redouble.core import client as gates
from redouble.core import errors

if TYPE_CHECKING:
    from redouble.core.client import Client

__all__ = ["client_flags", "client_line", "client_type"]


def client_type(client: Client) -> bytes:
    return b"pubsub" if client.subscriptions or client.shard_channels else b"normal"


def client_flags(client: Client) -> str:
    """The letters of CLIENT LIST, in the order of catClientInfoString."""
    marks = (
        (client.gate & gates.MONITORS, "O"),
        (client_type(client) == b"pubsub", "P"),
        (client.gate & gates.IN_MULTI or client.transcript is not None, "x"),
        (client.blocked, "b"),
        (client.tracked is not None, "t"),
        (client.tracked is not None and client.tracked.broken, "R"),
        (client.tracked is not None and client.tracked.bcast, "B"),
        (client.watch_broken, "d"),
        (client.closing, "c"),
        (client.address.endswith(":0") and client.address.startswith("/"), "U"),
        (client.no_evict, "e"),
        (client.no_touch, "T"),
        (client.import_source, "I"),
    )
    return "".join(letter for on, letter in marks if on) or "N"


def client_line(client: Client) -> str:
    """One client as CLIENT LIST prints it; which fields there are is the dialect's matter."""
    server = client.server
    now = server.clock.time()
    queued = sum(len(word) for _, argv in client.queue for word in argv)
    argv_memory = sum(map(len, client.argv)) if client.blocked else 0
    values = {
        "id": client.id,
        "addr": client.address,
        "laddr": client.local_address,
        "fd": client.fd,
        "name": errors.text(client.name),
        "age": int(now - client.created),
        "idle": int(max(now - client.last_interaction, 0)),
        "flags": client_flags(client),
        "capa": errors.text(client.capabilities),
        "db": client.db.index,
        "sub": len(client.channels),
        "psub": len(client.patterns),
        "ssub": len(client.shard_channels),
        "multi": len(client.queue) if client.gate & gates.IN_MULTI else -1,
        "watch": len(client.watching),
        "qbuf": 0,
        "qbuf-free": 0,
        "argv-mem": argv_memory,
        "multi-mem": queued,
        "rbs": 0,
        "rbp": 0,
        "obl": 0,
        "oll": 0,
        "omem": 0,
        "tot-mem": CLIENT_MEMORY + argv_memory + queued,
        "events": "r",
        "cmd": client.command.name if client.transcript is None else "exec",
        "user": errors.text(client.user.name),
        "redir": -1 if client.tracked is None else client.tracked.redirect,
        "resp": client.resp,
        "lib-name": errors.text(client.lib_name),
        "lib-ver": errors.text(client.lib_version),
        "io-thread": 0,
        "tot-net-in": client.bytes_in,
        "tot-net-out": client.bytes_out,
        "tot-cmds": client.commands,
    }
    return " ".join(f"{name}={values[name]}" for name in server.dialect.client_fields)


CLIENT_MEMORY: Final = 2000
"""What a Client and its containers take, about."""
