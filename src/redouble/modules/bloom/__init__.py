"""RedisBloom: Bloom and cuckoo filters, count-min sketches, top-k lists, t-digests."""

from redouble.modules.bloom import commands, rdb

__all__ = ["commands", "rdb"]
