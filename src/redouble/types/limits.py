"""When a small collection stops being small: the *-max-* parameters, and how a server's version reads them.

A server owns one `Limits` and its values share it, so that CONFIG SET reaches them all: a value looks at the limits
when it changes, never when it is asked.  That is what makes `OBJECT ENCODING` depend on history as it does on a real
server: a hash that became a hashtable stays one, and a lower limit is noticed by the next change.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DEFAULT_LIMITS", "Limits"]


@dataclass(slots=True)
class Limits:
    """The defaults are those of Redis 7.2 and later, Valkey included."""

    list_max_listpack_size: int = -2
    """Entries of a node if positive, else -1 ... -5 for 4, 8, 16, 32, 64 kb."""
    hash_max_listpack_entries: int = 512
    hash_max_listpack_value: int = 64
    set_max_intset_entries: int = 512
    set_max_listpack_entries: int = 128
    set_max_listpack_value: int = 64
    zset_max_listpack_entries: int = 128
    zset_max_listpack_value: int = 64
    stream_node_max_bytes: int = 4096
    """How large a block of a stream may become; 0: any size."""
    stream_node_max_entries: int = 100
    """How many entries a block of a stream may hold, deleted ones included; 0: any number."""
    stream_deleted_entries_count: bool = True
    """`CONFIG SET stream-node-max-entries 3`, `XADD s 1-{1..3} f v`, `XDEL s 1-1`, `XADD s 2-1 f v`, `DUMP s`: the block has
    room for one more (6.0), or it is full (6.2)."""
    stream_no_limit_is_zero: bool = False
    """`CONFIG SET stream-node-max-bytes 0`, `XADD s 1-{1..2} f v`, `XINFO STREAM s`: two blocks (6.0), one (6.2)."""
    stream_idmp_duration: int = 100
    """How many seconds a new stream remembers an idempotent id."""
    stream_idmp_maxsize: int = 100
    """How many of those it remembers for each producer."""

    small_lists_are_listpacks: bool = True
    """`RPUSH l a`, `OBJECT ENCODING l`: quicklist up to 7.0, listpack since 7.2."""
    small_sets_are_listpacks: bool = True
    """`SADD s a`, `OBJECT ENCODING s`: hashtable up to 7.0, listpack since 7.2."""
    arguments_count: bool = True
    """`HSET h f v f v ...` 513 times, `OBJECT ENCODING h`: listpack up to 7.0; since 7.2 a hashtable, because the
    arguments of one HSET, SADD or ZADD are counted before it is known that they are the same."""
    small: bytes = b"listpack"
    """`HSET h f v`, `OBJECT ENCODING h`: ziplist up to 6.2, listpack since 7.0."""
    small_hashes_expire: bool = True
    """`HEXPIRE h 9 FIELDS 1 f`, `OBJECT ENCODING h`: listpackex in Redis, hashtable in Valkey."""

    @classmethod
    def of_redis(cls, version: tuple[int, ...]) -> Limits:
        """What a Redis (or a fork that left at 7.2) starts with."""
        recent = version >= (7, 2)
        return cls(
            small_lists_are_listpacks=recent,
            small_sets_are_listpacks=recent,
            arguments_count=recent,
            stream_deleted_entries_count=version >= (6, 2),
            stream_no_limit_is_zero=version < (6, 2),
            small=b"listpack" if version >= (7,) else b"ziplist",
        )


DEFAULT_LIMITS = Limits()
