"""What differs between the versions of RedisBloom."""

from __future__ import annotations

from typing import ClassVar

from redouble.core.client import Client

__all__ = ["Bloom", "version"]


class Bloom:
    """RedisBloom 2.8, of Redis Stack 7."""

    cms_no_keys: ClassVar[str] = "CMS: wrong number of keys"
    """`CMS.MERGE d 0 s`."""
    topk_decays_when_loaded: ClassVar[bool] = False
    """`RESTORE k 0 (a list)`, `TOPK.INCRBY k b 100`: the count of an item that is in b's way gets smaller."""


class Bloom8(Bloom):
    """The one of Redis 8."""

    cms_no_keys = "CMS: Number of keys must be positive"
    topk_decays_when_loaded = True


def version(client: Client) -> type[Bloom]:
    """The version that the server has."""
    return Bloom8 if client.server.dialect.describes_modules else Bloom
