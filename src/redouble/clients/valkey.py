"""The clients of valkey-py, sync and asyncio, on a Valkey server of this process; errors are valkey-py's own."""

from __future__ import annotations

from typing import ClassVar

import valkey
import valkey.asyncio
from valkey._parsers import _AsyncRESP3Parser, _RESP3Parser

from redouble.clients.asyncio import AsyncConnectionMixin, AsyncReplyReader
from redouble.clients.construction import ClientMixin
from redouble.clients.fast import AsyncFastMixin, FastMixin
from redouble.clients.pipeline import FastPipelineMixin
from redouble.clients.sync import SyncConnectionMixin, SyncReplyReader

__all__ = [
    "FakeAsyncValkey",
    "FakeAsyncValkeyConnection",
    "FakeStrictValkey",
    "FakeValkey",
    "FakeValkeyConnection",
]


class ValkeyReplyReader(SyncReplyReader, _RESP3Parser):
    connection_error = valkey.ConnectionError


class ValkeyAsyncReplyReader(AsyncReplyReader, _AsyncRESP3Parser):
    connection_error = valkey.ConnectionError


class FakeValkeyConnection(SyncConnectionMixin, valkey.Connection):  # type: ignore[misc]  # packed commands are lists of arguments
    """A `valkey.Connection` to a server of this process."""

    parser_class = ValkeyReplyReader
    connection_error = valkey.ConnectionError


class FakeAsyncValkeyConnection(AsyncConnectionMixin, valkey.asyncio.Connection):  # type: ignore[misc]  # packed commands are lists of arguments
    """A `valkey.asyncio.Connection` to a server of this process."""

    parser_class = ValkeyAsyncReplyReader
    connection_error = valkey.ConnectionError


class ValkeyMixin(ClientMixin):
    """A client of valkey-py has a Valkey server."""

    default_server_type: ClassVar[str] = "valkey"

    @classmethod
    def _server_type(cls, wanted: str | None) -> str:
        if wanted not in (None, "valkey"):
            raise ValueError(f"server_type must be valkey, not {wanted!r}")
        return "valkey"


class FakeValkeyPipeline(FastPipelineMixin, valkey.client.Pipeline):
    """A `valkey.client.Pipeline` to a server of this process."""

    library_pipeline: ClassVar[type] = valkey.client.Pipeline
    response_error: ClassVar[type] = valkey.ResponseError


class FakeValkey(FastMixin, ValkeyMixin, valkey.Valkey):
    """A `valkey.Valkey` on a server of this process; see `FakeRedis` for what is shared."""

    library_class: ClassVar[type] = valkey.Valkey
    pipeline_class: ClassVar[type] = FakeValkeyPipeline
    default_connection_class: ClassVar[type] = FakeValkeyConnection
    default_pool_class: ClassVar[type] = valkey.ConnectionPool


class FakeStrictValkey(FakeValkey):
    """The same; valkey-py kept the name, too."""


class FakeAsyncValkey(AsyncFastMixin, ValkeyMixin, valkey.asyncio.Valkey):  # type: ignore[misc]  # our from_url takes more
    """A `valkey.asyncio.Valkey` on a server of this process."""

    library_class: ClassVar[type] = valkey.asyncio.Valkey
    default_connection_class: ClassVar[type] = FakeAsyncValkeyConnection
    default_pool_class: ClassVar[type] = valkey.asyncio.ConnectionPool
    connects_at_once: ClassVar[bool] = False
