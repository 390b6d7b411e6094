"""What the structures cost at 1,000, 100,000 and 1,000,000 elements: microseconds of CPU per operation, and the ratio.

PYTHONPATH=src python bench/structures.py
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from random import Random
from time import process_time

from redouble.types.hash import Hash
from redouble.types.list import List
from redouble.types.set import Set
from redouble.types.sorted_set import ScoreRange, SortedSet, limited

SIZES = (1_000, 100_000, 1_000_000)
ROUNDS = 2_000


def cost(action: Callable[[int], object]) -> float:
    """Microseconds, the best of five batches."""
    best = float("inf")
    for batch in range(5):
        start = process_time()
        for i in range(batch * ROUNDS // 5, (batch + 1) * ROUNDS // 5):
            action(i)
        best = min(best, (process_time() - start) / (ROUNDS // 5))
    return best * 1e6


def operations(size: int) -> dict[str, float]:
    chance = Random(1)
    costs = {}

    members = [b"member:%d" % i for i in range(size)]
    scores = [chance.random() * size for _ in members]
    zset = SortedSet.loaded(dict(zip(members, scores, strict=True)))
    some = [chance.randrange(size) for _ in range(ROUNDS)]

    def range_with_limit(i: int) -> object:
        start, stop = zset.by_score(ScoreRange(scores[some[i]], float("inf")))
        return zset.pairs(*limited(start, stop, size // 10, 10))

    costs["ZADD update"] = cost(lambda i: zset.add(members[some[i]], chance.random() * size))
    costs["ZADD new"] = cost(lambda i: zset.add(b"new:%d" % i, chance.random() * size))
    costs["ZRANK"] = cost(lambda i: zset.rank(members[some[i]]))
    costs["ZRANGEBYSCORE LIMIT"] = cost(range_with_limit)
    costs["ZRANGE 10"] = cost(lambda i: zset.pairs(size // 2, size // 2 + 10))
    zset._ordered()
    cursor = 0

    def zscan(i: int) -> None:
        nonlocal cursor
        cursor, _ = zset.scan(cursor, 10)

    costs["ZSCAN 10"] = cost(zscan)
    costs["ZPOPMIN, ZADD"] = cost(lambda i: zset.add(*zset.pop(1)[0]))

    values = List(values=members)
    costs["RPUSH"] = cost(lambda i: values.rpush((b"x",)))
    costs["LPUSH"] = cost(lambda i: values.lpush((b"x",)))
    costs["LINDEX"] = cost(lambda i: values.index(some[i]))
    costs["LRANGE 10"] = cost(lambda i: values.slice(size // 2, size // 2 + 10))
    costs["LSET"] = cost(lambda i: values.set(some[i], b"y"))
    costs["RPUSH, LPOP"] = cost(lambda i: (values.rpush((b"x",)), values.lpop()))
    costs["RPUSH, RPOP"] = cost(lambda i: (values.rpush((b"x",)), values.rpop()))

    group = Set()
    group.update(members)
    group._ordered()
    costs["SADD"] = cost(lambda i: group.add(b"new:%d" % i))
    costs["SRANDMEMBER"] = cost(lambda i: group.choice(chance))
    costs["SSCAN 10"] = cost(lambda i: group.scan(some[i], 10))
    costs["SPOP"] = cost(lambda i: group.pop(chance))

    fields = Hash()
    fields.update([word for member in members for word in (member, member)])
    costs["HSET"] = cost(lambda i: fields.set(members[some[i]], b"x"))
    costs["HGET"] = cost(lambda i: fields.get(members[some[i]]))
    fields._ordered()
    costs["HSCAN 10"] = cost(lambda i: fields.scan(some[i], 10))
    return costs


def main() -> int:
    rows = [operations(size) for size in SIZES]
    print(f"{'':22}" + "".join(f"{size:>12,}" for size in SIZES) + "   ratio")
    for name in rows[0]:
        line = [row[name] for row in rows]
        print(f"{name:22}" + "".join(f"{value:12.2f}" for value in line) + f"{line[-1] / line[0]:8.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
