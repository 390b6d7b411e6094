"""`python -m tests.proofs.geo redis-8.6 10000 7`: random searches on random maps, answered by both servers.

The maps are crowded where it is difficult: at the 180th meridian, at the edges in the north and in the south, in one
street.  All options take part: shapes, units, order, COUNT, ANY, what is told of each member, GEOSEARCHSTORE.
"""

from __future__ import annotations

import sys
from random import Random

from redouble.types.geohash import Point, Polygon

from .pair import Pair

MAPS = (30, 300, 3000)
"""How many places there are on each of the maps."""
EDGE = 85.05112878
UNITS = {b"m": 1.0, b"km": 1000.0, b"ft": 0.3048, b"mi": 1609.34}
QUERIES_AT_ONCE = 200


def place(random: Random) -> tuple[float, float]:
    kind = random.random()
    if kind < 0.4:
        return random.uniform(-180, 180), random.uniform(-EDGE, EDGE)
    if kind < 0.55:
        return random.choice((-180, 180)) * random.uniform(0.999, 1), random.uniform(-EDGE, EDGE)
    if kind < 0.7:
        return random.uniform(-180, 180), random.choice((-EDGE, EDGE)) * random.uniform(0.99, 1)
    if kind < 0.8:
        return random.choice((-180.0, -90.0, 0.0, 90.0, 180.0)), random.choice((-EDGE, -66.5, 0.0, 45.0, EDGE))
    return random.gauss(13.36, 0.05), random.gauss(38.11, 0.05)


def degrees(random: Random) -> list[bytes]:
    digits = random.choice((0, 4, 12))
    longitude, latitude = place(random)
    return [b"%.*f" % (digits, longitude), b"%.*f" % (max(digits, 8) if abs(latitude) > 85 else digits, latitude)]


def length(random: Random, unit: bytes) -> bytes:
    """From a street to more than the earth."""
    return b"%.*f" % (random.choice((0, 3)), 10 ** random.uniform(1, 7.6) / UNITS[unit])


def query(random: Random, polygons: bool) -> list[bytes]:
    key = b"map:%d" % random.choice(MAPS)
    unit = random.choice(list(UNITS))
    shape = random.choice(("radius", "box", "polygon") if polygons else ("radius", "box"))
    options: list[list[bytes]] = [[b"ASC"]] * random.randint(0, 1) or [[b"DESC"]] * random.randint(0, 1)
    if random.random() < 0.5:
        options.append([b"COUNT", b"%d" % random.choice((1, 2, 5, 20, 1000)), *[b"ANY"] * random.randint(0, 1)])
    if random.random() < 0.05:
        argv = [b"GEOSEARCHSTORE", b"stored", key]
        options += [[b"STOREDIST"]] * random.randint(0, 1)
    else:
        argv = [b"GEOSEARCH", key]
        options += [[word] for word in (b"WITHCOORD", b"WITHDIST", b"WITHHASH") if random.random() < 0.5]
    if shape == "polygon":
        corners = [degrees(random) for _ in range(random.randint(3, 6))]
        if abs(Polygon([Point(*map(float, corner)) for corner in corners]).centre.latitude) > 85:
            return query(random, polygons)  # docs/differences.md, "Mistakes of the real servers that are left out"
        argv += [b"BYPOLYGON", b"%d" % len(corners), *(number for corner in corners for number in corner)]
    else:
        if random.random() < 0.3:
            argv += [b"FROMMEMBER", b"place:%d" % random.randrange(MAPS[0])]
        else:
            argv += [b"FROMLONLAT", *degrees(random)]
        sides = [length(random, unit) for _ in range(1 if shape == "radius" else 2)]
        argv += [b"BYRADIUS" if shape == "radius" else b"BYBOX", *sides, unit]
    random.shuffle(options)
    return [*argv, *(word for option in options for word in option)]


def prove(server: str, queries: int, seed: int) -> tuple[int, list[str]]:
    """How many bytes of answers were compared, and what differed."""
    random = Random(seed)
    compared = 0
    with Pair(server) as pair:
        polygons = server.startswith("valkey-9")
        for start in range(0, queries, QUERIES_AT_ONCE):
            if start % 1000 == 0:
                for size in MAPS:
                    pair.ask(
                        (b"DEL", b"map:%d" % size),
                        *((b"GEOADD", b"map:%d" % size, *degrees(random), b"place:%d" % at) for at in range(size)),
                    )
            asked = [query(random, polygons) for _ in range(min(QUERIES_AT_ONCE, queries - start))]
            compared += sum(map(len, pair.ask(*asked)))
            pair.ask((b"ZRANGE", b"stored", b"0", b"-1", b"WITHSCORES"))
        return compared, pair.differences


if __name__ == "__main__":
    name, queries, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    size, differences = prove(name, queries, seed)
    print("\n".join(differences[:20]), file=sys.stderr)
    print(f"{queries:,} | {size / 1e6:.0f} MB | {seed} | {len(differences)}")
