"""`python -m tests.proofs.hyperloglog redis-8.6 200 7`: random sets, up to a million members, counted by both servers.

The answers to PFADD, the count and the bytes that GET shows must be the same; so must those of PFMERGE.
"""

from __future__ import annotations

import math
import sys
from random import Random

from .pair import Pair

MOST = 1_000_000
"""Members of the largest sets; the sizes are spread evenly on a logarithmic scale."""
KEPT = 8
"""So many sets are kept to be merged."""


def prove(server: str, sets: int, seed: int) -> tuple[int, list[str]]:
    """How many members were added, and what differed."""
    random = Random(seed)
    added = 0
    with Pair(server) as pair:
        for number in range(sets):
            key = b"set:%d" % (number % KEPT)
            size = round(math.exp(random.uniform(0, math.log(MOST))))
            first = random.randrange(1 << 40)  # neighbours overlap now and then
            form = random.choice((b"%d", b"user:%d", b"%x", b"session:%016d:visits"))
            step = random.choice((1 if size < 10_000 else 100, 1000, 5000))
            pair.ask(
                (b"DEL", key),
                *(
                    (b"PFADD", key, *(form % member for member in range(start, min(start + step, first + size))))
                    for start in range(first, first + size, step)
                ),
            )
            added += size
            others = [b"set:%d" % random.randrange(KEPT) for _ in range(random.randint(1, 4))]
            pair.ask(
                (b"PFCOUNT", key),
                (b"GET", key),
                (b"PFCOUNT", key, *others),
                (b"PFMERGE", b"merged", *others),
                (b"PFCOUNT", b"merged"),
                (b"GET", b"merged"),
                *[(b"DEL", b"merged")] * random.randint(0, 1),
            )
        return added, pair.differences


if __name__ == "__main__":
    name, sets, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    count, differences = prove(name, sets, seed)
    print("\n".join(differences[:20]), file=sys.stderr)
    print(f"{sets:,} | {count:,} | {seed} | {len(differences)}")
