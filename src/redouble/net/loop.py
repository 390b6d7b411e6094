"""The thread that waits for sockets: a selector, the handlers of its sockets, and a way to wake it from outside.

Whoever called `wait` calls the handlers of what is ready.  It may happen again from within a handler (a script that
runs for too long lets the others speak), so a handler must bear being called for a socket that has nothing left to say.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable

__all__ = ["READ", "WRITE", "Handler", "Loop"]

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE

Handler = Callable[[int], None]
"""Called with the events (READ, WRITE or both) that its socket is ready for."""


class Loop:
    """Everything but `wake` and `close` is called by one thread only, the one that waits."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._ear, self._bell = socket.socketpair()
        self._ear.setblocking(False)
        self._bell.setblocking(False)
        self._rung = False
        self.thread: int | None = None
        """The thread that waits, while there is one."""
        self._selector.register(self._ear, READ, self._heard)

    def add(self, sock: socket.socket, events: int, handler: Handler) -> None:
        """Call `handler` whenever `sock` is ready."""
        self._selector.register(sock, events, handler)

    def change(self, sock: socket.socket, events: int, handler: Handler) -> None:
        self._selector.modify(sock, events, handler)

    def remove(self, sock: socket.socket) -> None:
        self._selector.unregister(sock)

    def wait(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait until a socket is ready, `wake` is called or `timeout` seconds are over.

        What is ready: the `data` of each key is the handler to call, with the events beside it.
        """
        return self._selector.select(timeout)

    def wake(self) -> None:
        """Let the other thread that is in `wait` return soon; the waiting thread itself needs no such call."""
        if not self._rung and self.thread != threading.get_ident():
            self._rung = True
            self.ring()

    def ring(self) -> None:
        """`wake`, whichever thread asks: for signal handlers, which interrupt the waiting thread."""
        with contextlib.suppress(OSError):  # it has been rung often enough, or is closed by now
            self._bell.send(b"\0")

    @property
    def bell(self) -> int:
        """A descriptor that wakes the loop when it is written to: for `signal.set_wakeup_fd`."""
        return self._bell.fileno()

    def _heard(self, events: int) -> None:
        with contextlib.suppress(BlockingIOError):
            self._ear.recv(4096)
        # Only now: a byte that came before this line is one that has been heard, and what it was about is looked at
        # after the handlers.
        self._rung = False

    def close(self) -> None:
        self._selector.close()
        self._ear.close()
        self._bell.close()
