"""Where a command's keys are, and what it does with them: what COMMAND INFO calls key specifications.

Positions follow from the usage line, by the few names that keys have there.  What the command does with each key does
not, and stands in the table below.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from redouble.core.command import words_of
from redouble.core.usage import Node

if TYPE_CHECKING:
    from redouble.dialects import Dialect

__all__ = ["KeySpec", "first_last_step", "key_places", "key_specs", "keys_of", "told_flags"]

KEY_NAMES: Final = frozenset(
    (
        "key",
        "key1",
        "key2",
        "keys",
        "source",
        "destination",
        "newkey",
        "destkey",
        "sourcekey",
        "sourceKey",
        "destKey",
        "dst",
        "src",
        "shardchannel",
        "storekey",
        "storedistkey",
    )
)

_KEY_FLAGS: Final = """\
RO access: bitcount bitfield_ro bitpos digest dump eval_ro evalsha_ro expiretime fcall_ro geodist geohash geopos georadius_ro
RO access: georadiusbymember_ro geosearch get getbit getrange hexpiretime hget hgetall hkeys hmget hpexpiretime hpttl
RO access: hrandfield hscan httl hvals lcs lindex lpos lrange mget pexpiretime pttl sdiff sinter sintercard smembers
RO access: smismember srandmember sscan substr sunion ttl xinfo|consumers xinfo|groups xinfo|stream xpending xrange xread
RO access: stralgo xreadgroup xrevrange zcount zdiff zinter zintercard zlexcount zmscore zrandmember zrange zrangebylex
RO access: zrangebyscore zrank zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan zscore zunion
RO: exists hexists hlen hstrlen llen memory|usage object|encoding object|freq object|idletime object|refcount scard
RO: sismember strlen touch type watch xlen zcard
RW access update: decr decrby eval evalsha fcall getex getset hgetex hincrby hincrbyfloat incr incrby incrbyfloat move
RW access update: setbit zincrby
RW access update variable_flags: bitfield set
RW update: expire expireat geoadd hexpire hexpireat hmset hpersist hpexpire hpexpireat hset hsetex lset persist pexpire
RW update: pexpireat setrange xack xadd xcfgset xclaim xgroup|setid xidmprecord xsetid zadd
RW insert: append hsetnx linsert lpush lpushx pfadd rpush rpushx sadd xgroup|create xgroup|createconsumer
RW delete: hdel lrem ltrim srem xautoclaim xdel xdelex xgroup|delconsumer xgroup|destroy xtrim zrem zremrangebylex
RW delete: zremrangebyrank zremrangebyscore
RW delete variable_flags: delex
RW access delete: blmpop blpop brpop bzmpop bzpopmax bzpopmin getdel hgetdel lmpop lpop rpop spop zmpop zpopmax zpopmin
RW access: pfcount pfdebug
RW update delete: xackdel
RM delete: del delifeq unlink
OW update: mset msetex psetex restore restore-asking setex
OW insert: msetnx setnx
OW update, RO access: bitop geosearchstore sdiffstore sinterstore sunionstore zdiffstore zinterstore zrangestore zunionstore
RW access delete, RW insert: blmove brpoplpush lmove rpoplpush smove
RW access insert, RO access: pfmerge
RW access delete, OW update: rename
RW access delete, OW insert: renamenx
RW access delete, RW access delete incomplete: migrate
RO access, OW update: copy
RO access, OW update, OW update: georadius georadiusbymember
RO access, RO access, OW update: sort
RO access, RO access: sort_ro
not_key: spublish ssubscribe sunsubscribe clusterscan
"""


@dataclass(frozen=True)
class KeySpec:
    """One place where keys stand, as COMMAND INFO describes it."""

    flags: tuple[str, ...]
    keyword: str = ""
    """What the keys stand behind; empty: they begin at `index`."""
    index: int = 0
    """Where the keys (or their number) begin, or the search for `keyword` starts."""
    counted: bool = False
    """The number of keys stands before them."""
    last: int = 0
    """The last key from the first one; negative: from the end of the arguments."""
    step: int = 1
    limit: int = 0
    unknown: bool = False
    """Nothing can be said: the word may be anywhere."""
    notes: str | None = None
    """What a module says about them."""


_TOLD_APART: Final[dict[tuple[str, tuple[str, ...]], tuple[tuple[str, ...], str]]] = {
    ("sinterstore", ("OW", "update")): (("RW", "update"), "before:7.4.0,valkey=8.0.0"),
    ("hsetex", ("RW", "update")): (("RW", "insert"), "valkey=9.0.0"),
    ("georadius", ("OW", "update")): (("OW", "update", "variable_flags"), "valkey=9.0.0"),
    ("georadiusbymember", ("OW", "update")): (("OW", "update", "variable_flags"), "valkey=9.0.0"),
}
"""What some versions say instead, without any consequence."""


def told_flags(name: str, flags: tuple[str, ...], dialect: type[Dialect]) -> tuple[str, ...]:
    """What COMMAND of `dialect` says that a command does with a key."""
    others, moment = _TOLD_APART.get((name, flags), (flags, ""))
    return others if moment and words_of(f"others@{moment}", dialect) else flags


@functools.cache
def _flags() -> dict[str, tuple[tuple[str, ...], ...]]:
    table = {}
    for line in _KEY_FLAGS.splitlines():
        flags, _, names = line.partition(": ")
        for name in names.split():
            table[name] = _split(flags)
    return table


def _split(flags: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(part.split()) for part in flags.split(", "))


@functools.cache
def key_specs(name: str, nodes: tuple[Node, ...], told: str = "") -> tuple[KeySpec, ...]:
    """The key specifications of the command `name` (`xgroup|create`); `told`: those that a module's command tells of, by
    their flags, and its notes: `RO: where from, RW`."""
    if told:
        parts = [part.partition(":") for part in told.split(", ")]
        return tuple(
            KeySpec(flags=tuple(words.split()), notes=notes.strip() if colon else None, **place)  # type: ignore[arg-type]
            for (words, colon, notes), place in zip(parts, _SPECIAL.get(name) or _places(nodes, 1))
        )
    flags = _flags().get(name)
    if flags is None:
        return ()
    places = _SPECIAL.get(name) or list(_places(nodes, name.count("|") + 1))
    return tuple(
        KeySpec(flags=flags[min(i, len(flags) - 1)], **place)  # type: ignore[arg-type]
        for i, place in enumerate(places)
    )


Place = dict[str, object]

_UNKNOWN: Final[Place] = {"unknown": True}
_SPECIAL: Final[dict[str, list[Place]]] = {
    "sort": [{"index": 1}, _UNKNOWN, _UNKNOWN],
    "sort_ro": [{"index": 1}, _UNKNOWN],
    "migrate": [{"index": 3}, {"keyword": "KEYS", "index": -2, "last": -1}],
    "lcs": [{"index": 1, "last": 1}],
    "stralgo": [{"keyword": "KEYS", "index": 2, "last": 1}],
    "clusterscan": [{"index": 1}],
    "cms.merge": [{"index": 1}],  # what it reads it does not tell
    "FT.CURSOR": [{"index": 2}],
    **{
        f"FT.{name}": [{"index": 1, "last": 1}]
        for name in ("ADD", "SAFEADD", "GET", "DEL", "ALIASADD", "ALIASUPDATE", "_ALIASADDIFNX")
    },
    **{
        name: [{"index": 2, "counted": True}]
        for name in ("eval", "evalsha", "eval_ro", "evalsha_ro", "fcall", "fcall_ro")
    },
    "xread": [{"keyword": "STREAMS", "index": 1, "last": -1, "limit": 2}],
    "xreadgroup": [{"keyword": "STREAMS", "index": 4, "last": -1, "limit": 2}],
}


def _places(nodes: Sequence[Node], position: int) -> Iterable[Place]:
    """Where the usage line says that keys stand; `position` is that of the first argument."""
    fixed = True
    for i, node in enumerate(nodes):
        rest = nodes[i + 1 :]
        if _is_key(node) and not node.optional:
            if i and nodes[i - 1].name == "numkeys":
                yield {"index": position - 1, "counted": True}
            elif node.multiple:
                yield {"index": position, "last": -1 - sum(other.least() for other in rest)}
            else:
                yield {"index": position}
        elif node.kind == "value" and node.optional and node.multiple and node.name in KEY_NAMES:
            yield {"index": position, "last": -1}  # SUNSUBSCRIBE [shardchannel ...]
        elif node.kind == "block" and node.multiple and _is_key(node.children[0]):
            if i and nodes[i - 1].name == "numkeys":
                yield {"index": position - 1, "counted": True, "step": len(node.children)}
            else:
                yield {"index": position, "last": -1, "step": len(node.children)}
        elif node.kind in ("block", "oneof"):
            for member in node.children if node.kind == "oneof" else (node,):
                children = member.children
                if (
                    member.kind == "block"
                    and len(children) == 2
                    and children[0].kind == "word"
                    and _is_key(children[1])
                ):
                    yield {"keyword": children[0].name, "index": position}
        elif node.kind == "word" and rest and _is_key(rest[0]) and rest[0].multiple:
            yield {"keyword": node.name, "index": position if fixed else 1, "last": -1, "limit": 2}
            return
        if not node.fixed():
            fixed = False
        position += node.least()


def _is_key(node: Node) -> bool:
    return node.kind == "value" and node.name in KEY_NAMES


def first_last_step(specs: Sequence[KeySpec]) -> tuple[int, int, int, bool]:
    """The three numbers by which COMMAND once told where keys are, and whether they do not tell all (movablekeys).

    Key specifications that follow each other are one range (populateCommandLegacyRangeSpec).
    """
    if not specs:
        return 0, 0, 0, False
    if len(specs) == 1 and _is_range(specs[0]):
        spec = specs[0]
        last = spec.last if spec.last < 0 else spec.index + spec.last
        return spec.index, last, spec.step, "incomplete" in spec.flags
    first = last = 0
    movable = False
    for spec in specs:
        if not _is_range(spec) or spec.step != 1 or (last and last != spec.index - 1):
            movable = True
            continue
        first = min(first or spec.index, spec.index)
        end = spec.last if spec.last < 0 else spec.index + spec.last
        last = end if end < 0 or (last >= 0 and end > last) else last
    return (first, last, 1, movable) if first else (0, 0, 0, movable)


def _is_range(spec: KeySpec) -> bool:
    return not (spec.unknown or spec.keyword or spec.counted)


def keys_of(
    name: str, specs: Sequence[KeySpec], argv: Sequence[bytes], comparing_reads: bool = True
) -> list[tuple[bytes, tuple[str, ...]]] | None:
    """The keys in a command line, each with its flags; None if the line cannot be a right one."""
    places = key_places(name, specs, argv, comparing_reads)
    return None if places is None else [(argv[position], flags) for position, flags in places]


def key_places(
    name: str, specs: Sequence[KeySpec], argv: Sequence[bytes], comparing_reads: bool
) -> list[tuple[int, tuple[str, ...]]] | None:
    """Where the keys in a command line stand, each with its flags; None if the line cannot be a right one."""
    if name == "migrate" and len(argv) > 3:
        return [(position, specs[0].flags) for position in _migrated(argv)]
    found: list[tuple[int, tuple[str, ...]]] = []
    for spec in specs:
        if spec.unknown:
            continue
        positions = _positions(spec, argv)
        if positions is None and spec.keyword.startswith("STORE"):  # it is the last word (georadiusGetKeys)
            continue
        if positions is None:
            return None
        found += ((position, _flags_now(name, spec, argv, comparing_reads)) for position in positions)
    if name == "sort":
        stores = [i for i in range(2, len(argv) - 1) if argv[i].upper() == b"STORE"]
        if stores:
            found.append((stores[-1] + 1, ("OW", "update")))
    return found


def _migrated(argv: Sequence[bytes]) -> Iterable[int]:
    """MIGRATE has one key, or in its place an empty word and the keys behind KEYS."""
    i = 6
    while not argv[3] and i < len(argv):
        word = argv[i].upper()
        if word == b"KEYS":
            return range(i + 1, len(argv))
        i += {b"AUTH": 2, b"AUTH2": 3}.get(word, 1)
    return (3,)


def _positions(spec: KeySpec, argv: Sequence[bytes]) -> Iterable[int] | None:
    count = len(argv)
    first = spec.index
    if spec.keyword:
        word = spec.keyword.encode()
        step = 1 if first >= 0 else -1
        start = first if first >= 0 else count + first
        places = [i for i in range(start, count if step > 0 else 0, step) if argv[i].upper() == word]
        if not places:
            return () if spec.last == 0 or first < 0 else None
        first = places[0] + 1
    if spec.counted:
        if first >= count or not argv[first].isdigit():
            return None
        number = int(argv[first])
        if not 1 <= number <= (count - first - 1) // spec.step:
            return None
        return range(first + 1, first + 1 + number * spec.step, spec.step)
    if first >= count:
        return None
    if spec.last >= 0:
        last = first + spec.last
    elif spec.limit > 1:
        last = first + (count - first) // spec.limit + spec.last
    else:
        last = count + spec.last
    return range(first, min(last, count - 1) + 1, spec.step)


def _flags_now(name: str, spec: KeySpec, argv: Sequence[bytes], comparing_reads: bool) -> tuple[str, ...]:
    """What a command does with the key this time, where its arguments decide (`variable_flags`)."""
    if name not in ("set", "bitfield"):
        return spec.flags
    words = {word.upper() for word in argv[2:]}
    if name == "set":
        if b"GET" in words:
            return "RW", "access", "update"
        if comparing_reads and words & {b"IFEQ", b"IFNE", b"IFDEQ", b"IFDNE"}:
            return "RW", "update"
        return "OW", "update"
    return ("RW", "access", "update") if words & {b"SET", b"INCRBY"} else ("RO", "access")
