"""The process that serves a shared file: `python -m redouble shared`, which clients start (see `net/shared.py`)."""

from __future__ import annotations

import dbm
import json
import logging
import os
import secrets
import signal
import sys
import time
from typing import Any

from redouble.clients.server import FakeServer
from redouble.core.clock import real_monotonic
from redouble.dialects import parse_version
from redouble.net.shared import Options, Place
from redouble.net.tcp import TcpFakeServer
from redouble.persistence.store import is_store

__all__ = ["SharedServer", "main"]

LOCK_TRIES = 25


class SharedServer(TcpFakeServer):
    """A server that ends when nobody has been connected to it for `grace` seconds."""

    grace: float
    _unused_since: float | None = None

    def poll(self, timeout: float | None = None) -> None:
        if self.clients:
            self._unused_since = None
        elif self._unused_since is None:
            self._unused_since = real_monotonic()
        since = self._unused_since
        if timeout is None and since is not None:
            timeout = max(0.0, since + self.grace - real_monotonic())
        super().poll(timeout)
        if since is not None and not self.clients and real_monotonic() >= since + self.grace:
            self._stop = True


def main() -> int:
    """What clients start: reads what is wanted from the standard input.  Returns the exit status."""
    wanted = json.load(sys.stdin)
    place, handle = Place(wanted.pop("path")), wanted.pop("handle")
    if handle is None:
        handle = _take_lock(place)
        if handle is None:
            return 0  # somebody else was faster
    elif os.fork():
        os._exit(0)  # the starter waits for this half, so that the other one is nobody's child
    os.umask(0o077)
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    try:
        server = _begin(place, Options(**wanted))
    except Exception as error:
        logging.exception("it cannot begin")
        place.fail(str(error) or repr(error))
        return 1
    os.chdir(os.path.abspath(os.sep))  # this folder goes at the end
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: server.shutdown())
    server.serve_forever()
    server.server_close()
    return _end(place, handle, server.fake_server)


def _take_lock(place: Place) -> int | None:
    for _ in range(LOCK_TRIES):  # others hold it for a moment, to see whether they can
        handle = place.lock()
        if handle is not None:
            return handle
        time.sleep(0.02)
    return None


def _begin(place: Place, options: Options) -> SharedServer:
    """A server that has read its data and listens.  Raises OSError, ValueError and DBMError."""
    config: dict[str, Any] = dict(options.config)
    over_tcp = options.tcp or not hasattr(os, "getuid")
    if over_tcp:
        config.setdefault("requirepass", secrets.token_hex(32))
    fake = (_on_folder if place.is_folder else _on_file)(place, options, config)
    if over_tcp:
        server = SharedServer(("127.0.0.1", 0), False, server=fake)
    else:
        server = SharedServer(None, False, server=fake, unixsocket=place.prepare_socket(), unixsocketperm=0o600)
    server.grace = options.grace
    server.server_bind()
    if over_tcp:
        host, port = server.server_address
        place.publish(f"redis://{config['requirepass']}@{host}:{port}")
    else:
        place.publish(f"unix://{server.unixsocket}")
    return server


def _on_file(place: Place, options: Options, config: dict[str, Any]) -> FakeServer:
    if parse_version(options.version)[0] < 7:
        raise ValueError(
            "the shared server of a file has to be of version 7 at least: older ones keep their log elsewhere"
        )
    kept = {
        "dir": str(place.data.parent),
        "dbfilename": place.data.name,
        "appenddirname": place.folder.name,
        "appendonly": "yes" if place.has_log else "no",
    }
    fake = FakeServer(options.version, options.server_type, {"save": "", **config, **kept})
    core = fake.core
    core.files.temporaries = place.folder  # which is removed, whatever is left in it
    if core.files.log is None:  # it has read the file; from now on every change is logged
        with core.lock:
            core.config.set([(b"appendonly", b"yes")])
    return fake


def _on_folder(place: Place, options: Options, config: dict[str, Any]) -> FakeServer:
    folder = place.data
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder}: a file, and its name must not end with a slash")
    # Its LOCK is the first that such a folder has.
    if folder.is_dir() and any(folder.iterdir()) and not (is_store(folder) or (folder / "LOCK").exists()):
        raise ValueError(f"{folder}: a folder that holds something else than the data of `FakeServer(path=...)`")
    return FakeServer(options.version, options.server_type, config, path=folder)


def _end(place: Place, handle: int, fake: FakeServer) -> int:
    """Put everything into the one file, or the data folder, and only then remove the rest."""
    if not place.is_locked_by(handle):
        logging.error("%s was removed or moved, nothing is saved", place.folder)
        return 1
    core = fake.core
    files = core.files
    while not files.idle:  # what is being saved in the background is older than what comes now
        time.sleep(0.01)
    try:
        with core.lock:
            files.close(save=True)
    except dbm.error as error:
        logging.error("%s cannot be saved, the log stays: %s", place.data, error)
        return 1
    place.remove(handle)
    return 0
