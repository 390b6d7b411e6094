"""CONFIG: the parameters of the emulated server."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redouble.core.server import Server

__all__ = ["Config"]


class Config:
    def __init__(self, server: Server) -> None:
        self.server = server
        self.requirepass = b""
        self.databases = 16
        self.appendonly = False
        self.maxmemory_policy = b"noeviction"
        self.lfu_log_factor = 10
        self.lfu_decay_time = 1
        self.proto_max_bulk_len = 512 * 1024 * 1024

    def set_at_start(self, name: str, value: str) -> None:
        setattr(self, name.replace("-", "_"), type(getattr(self, name.replace("-", "_")))(value))
