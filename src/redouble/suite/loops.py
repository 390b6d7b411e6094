"""The end of an event loop, noticed by what was opened on it.

An asyncio client on sockets has to be closed on its own loop, which a fixture does not run: it may be pytest-asyncio's,
anyio's or one that the test ran itself.  But every loop ends its asynchronous generators before it closes, so one of
them waits there for the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

__all__ = ["LoopEnd"]


class LoopEnd:
    """Calls `close` on each loop that was `entered`, before it ends or when `close_now` is called."""

    def __init__(self, close: Callable[[], Awaitable[None]]) -> None:
        self._close = close
        self._waiting: dict[asyncio.AbstractEventLoop, AsyncGenerator[None, None]] = {}

    async def enter(self) -> None:
        """Something is being opened on the loop that runs."""
        loop = asyncio.get_running_loop()
        if loop not in self._waiting:
            generator = self._waiting[loop] = self._until_the_end(loop)
            await generator.__anext__()

    async def _until_the_end(self, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._waiting.pop(loop, None)
            await self._close()

    def close_now(self) -> None:
        """Close on every loop that still lives; none of them may be running in this thread."""
        for loop, generator in list(self._waiting.items()):
            if not loop.is_closed() and not loop.is_running():
                loop.run_until_complete(generator.aclose())
