"""CONFIG timeout: connections on which nothing was said for too long are closed.

Whole seconds count, as on the real server.  Who waits for a key or listens to a channel may be silent for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redouble.core.client import Client
    from redouble.core.clock import Clock

__all__ = ["IdleClients"]


class IdleClients:
    """The clients of one server, and when one of them may have been idle for too long."""

    def __init__(self, clients: dict[int, Client], clock: Clock) -> None:
        self.clients = clients
        self.clock = clock
        self.limit = 0
        """Seconds; 0: nobody is closed."""
        self._next_look = 0.0
        """Unix time; nobody is idle for too long before."""

    def set_limit(self, seconds: int) -> None:
        self.limit = seconds
        self._next_look = 0.0

    def next_look(self) -> float | None:
        """When `close` may find somebody, in the clock's monotonic seconds."""
        if not self.limit or not self.clients:
            return None
        return self.clock.monotonic() + max(0.0, self._next_look - self.clock.time())

    def close(self) -> None:
        """Close who has been idle for too long."""
        now = self.clock.time()
        if not self.limit or now < self._next_look:
            return
        self._next_look = now + self.limit  # whoever comes, or ends to wait or to listen, does so after now
        for client in list(self.clients.values()):
            if not client.blocked and not client.listens:
                closed_at = int(client.last_interaction) + self.limit + 1
                if closed_at <= now:
                    client.kill()
                else:
                    self._next_look = min(self._next_look, closed_at)
