"""`server.snapshot()` and `server.restore(snapshot)`: all data of a server at one moment, and back to it.

Taking and restoring copy the tables of keys, not the values: those are shared until somebody changes them
(`Database.own`).  What costs is the number of keys, some 100 ns each.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redouble.core.server import Server

__all__ = ["Snapshot"]


class Snapshot:
    """The keys of all databases with their times to live, and the functions; not the configuration, nor what clients do.

    It may be restored as often as one likes, on the server that it was taken of.
    """

    def __init__(self, server: Server) -> None:
        self._server = weakref.ref(server)
        if not any(True for _ in _living.get(server, ())) and (server.files is None or server.files.idle):
            server.shared.clear()
        _living.setdefault(server, weakref.WeakSet()).add(self)
        self._databases = {index: db.contents() for index, db in server.databases.items()}
        self._functions = None if server.functions is None else server.functions.codes
        self._search = None if server.search is None else server.search.contents()

    def __len__(self) -> int:
        """How many keys it holds."""
        return sum(len(keys) for keys, _, _ in self._databases.values())

    def restore(self) -> None:
        """Make the data what it was; whoever watches a key that changes by this, or waits for one, is told."""
        server = self._server()
        if server is None:
            raise ValueError("the server of this snapshot is gone")
        for index, db in list(server.databases.items()):
            if index not in self._databases:
                db.clear()
        for index, contents in self._databases.items():
            server.database(index).reinstate(contents)
        if server.search is not None:
            server.search.reinstate(self._search)
        server.functions = None
        if self._functions:
            from redouble.scripting.functions import libraries_of

            libraries_of(server).restore(self._functions, replace=True)
        if server.files is not None:
            server.files.start_over()
        server.dirty += 1
        server.tracking.flush()
        server.blocking.serve()
        server.wake_drivers()


_living: weakref.WeakKeyDictionary[Server, weakref.WeakSet[Snapshot]] = weakref.WeakKeyDictionary()
"""The snapshots of each server that somebody still holds."""
