"""The thread that waits for sockets: a poller, the handlers of its sockets, and a way to wake it from outside.

Whoever called `wait` calls the handlers of what is ready.  It may happen again from within a handler (a script that
runs for too long lets the others speak), so a handler must bear being called for a socket that has nothing left to say.
"""

from __future__ import annotations

import contextlib
import select
import selectors
import socket
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["READ", "WRITE", "Handler", "Loop"]

READ, WRITE = 1, 4
"""As epoll has them.  It may report others (the peer hung up): a handler then tries both."""
LARGEST_ROUND = 256
"""So many sockets are ready in one round at most; the others are in the next."""

Handler = Callable[[int], None]
"""Called with the events (READ, WRITE or both) that its socket is ready for."""


class _Selector:
    """What epoll does, where there is none (or gevent took it away): by `selectors`."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def register(self, fd: int, events: int) -> None:
        self._selector.register(fd, _selected(events))

    def modify(self, fd: int, events: int) -> None:
        self._selector.modify(fd, _selected(events))

    def unregister(self, fd: int) -> None:
        self._selector.unregister(fd)

    def poll(self, timeout: float | None, maxevents: int) -> list[tuple[int, int]]:
        return [
            (key.fd, (events & selectors.EVENT_READ and READ) | (events & selectors.EVENT_WRITE and WRITE))
            for key, events in self._selector.select(timeout)
        ]

    def close(self) -> None:
        self._selector.close()


def _selected(events: int) -> int:
    return (events & READ and selectors.EVENT_READ) | (events & WRITE and selectors.EVENT_WRITE)


class Loop:
    """Everything but `wake` and `close` is called by one thread only, the one that waits."""

    def __init__(self) -> None:
        self._poller: Any = select.epoll() if hasattr(select, "epoll") else _Selector()
        self.handlers: dict[int, Handler] = {}
        """By the descriptor of the socket."""
        self._ear, self._bell = socket.socketpair()
        self._ear.setblocking(False)
        self._bell.setblocking(False)
        self._rung = False
        self.thread: int | None = None
        """The thread that waits, while there is one."""
        self.add(self._ear, READ, self._heard)

    def add(self, sock: socket.socket, events: int, handler: Handler) -> None:
        """Call `handler` whenever `sock` is ready."""
        self._poller.register(sock.fileno(), events)
        self.handlers[sock.fileno()] = handler

    def change(self, sock: socket.socket, events: int) -> None:
        """Wait for other events of `sock` from now on."""
        self._poller.modify(sock.fileno(), events)

    def remove(self, sock: socket.socket) -> None:
        self._poller.unregister(sock.fileno())
        del self.handlers[sock.fileno()]

    def wait(self, timeout: float | None) -> list[tuple[int, int]]:
        """Wait until a socket is ready, `wake` is called or `timeout` seconds are over.

        What is ready: descriptors, whose `handlers` are to be called with the events beside them, if they are still there.
        """
        return self._poller.poll(timeout, LARGEST_ROUND)  # type: ignore[no-any-return]

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
        self._poller.close()
        self.handlers.clear()
        self._ear.close()
        self._bell.close()
