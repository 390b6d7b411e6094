"""Geo: sorted sets whose scores are places (types/geohash.py).  All searches, old and new, are one: the words of a
command say where the centre is and what shape lies around it, `find` gives the members in it, and `_answer` lists or
stores them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from redouble.commands.sorted_set import add_members, store_scores
from redouble.core import errors
from redouble.core.arguments import INT32_MAX, double, integer, integer_in
from redouble.core.client import Client
from redouble.core.command import Argv, command
from redouble.core.errors import CommandError
from redouble.resp.reply import NULL_ARRAY, PrintedDouble, Reply
from redouble.types import geohash
from redouble.types.geohash import Box, Circle, Point, Polygon, Shape
from redouble.types.partial_sort import partial_order
from redouble.types.sorted_set import ScoreRange, SortedSet

UNITS: Final = {b"M": 1.0, b"KM": 1000.0, b"FT": 0.3048, b"MI": 1609.34}


def metres(client: Client, text: bytes) -> float:
    """How long a unit is."""
    spelt = client.server.dialect.geo_unit
    unit = UNITS.get(text.upper())
    if unit is None or (spelt is str.lower and not text.islower()):
        raise CommandError(f"ERR unsupported unit provided. please use {spelt('M, KM, FT, MI')}")
    return unit


def point(client: Client, longitude_text: bytes, latitude_text: bytes) -> Point:
    """A place on the map, which ends before the poles."""
    longitude, latitude = double(client, longitude_text), double(client, latitude_text)
    if abs(longitude) > geohash.LONGITUDE_MAX or abs(latitude) > geohash.LATITUDE_MAX:
        raise CommandError(f"ERR invalid longitude,latitude pair {longitude:f},{latitude:f}")
    return Point(longitude, latitude)


def coordinates(client: Client, place: Point) -> Reply:
    """A place as it is answered."""
    if client.server.dialect.coordinates_have_17_places:
        return [PrintedDouble((b"%.17f" % number).rstrip(b"0").rstrip(b".")) for number in place]
    return list(place)


def printed(client: Client, distance: float) -> bytes:
    """A distance as it is answered: the product with 10000 is rounded, halves to the even side (fixedpoint_d2string; Redis 7.0 prints the same)."""
    if math.isnan(distance):
        return b"nan"
    if client.server.dialect.distances_are_printed:
        return b"%.4f" % distance
    whole, part = divmod(round(distance * 10000), 10000)
    return b"%d.%04d" % (whole, part)


@command(
    "GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]",
    flags="write denyoom",
    since="3.2.0",
    since_option={"NX": "6.2.0", "XX": "6.2.0", "CH": "6.2.0"},
)
def geoadd(client: Client, argv: Argv) -> Reply:
    """Add members with their places, or move them; answers how many are new."""
    at, words = 2, client.command.options.words
    while at < len(argv) and argv[at].upper() in words:
        at += 1
    options = argv[2:at]
    if (len(argv) - at) % 3 or {b"NX", b"XX"} <= {option.upper() for option in options}:
        raise CommandError(client.server.dialect.geoadd_syntax)
    zadd = [b"ZADD", argv[1], *options]
    for i in range(at, len(argv), 3):
        zadd += b"%d" % geohash.encode(point(client, argv[i], argv[i + 1])), argv[i + 2]
    return add_members(client, zadd, set())


@command("GEOPOS key [member [member ...]]", flags="readonly", since="3.2.0")
def geopos(client: Client, argv: Argv) -> Reply:
    """The places of members."""
    return [
        NULL_ARRAY if score is None else coordinates(client, geohash.decode(score)) for score in _scores(client, argv)
    ]


@command("GEOHASH key [member [member ...]]", flags="readonly", since="3.2.0")
def geohash_(client: Client, argv: Argv) -> Reply:
    """The places of members as geohash.org writes them."""
    return [
        None if score is None else geohash.standard_text(geohash.decode(score)).encode()
        for score in _scores(client, argv)
    ]


# Later declarations win: until 7.2 COMMAND DOCS said that a member is needed, which was never true.
command("GEOPOS key member [member ...]", flags="readonly", since="3.2.0", until="7.2.0", arity=-2)(geopos)
command("GEOHASH key member [member ...]", flags="readonly", since="3.2.0", until="7.2.0", arity=-2)(geohash_)


def _scores(client: Client, argv: Argv) -> list[float | None]:
    _, key, *wanted = argv
    members = client.db.sorted_set(key)
    return [members.score(member) if members else None for member in wanted]


@command("GEODIST key member1 member2 [M | KM | FT | MI]", flags="readonly", since="3.2.0")
def geodist(client: Client, argv: Argv) -> Reply:
    """How far two members are from each other."""
    if len(argv) > 5:
        raise CommandError(errors.SYNTAX_ERROR)
    unit = metres(client, argv[4]) if len(argv) == 5 else 1.0
    one, other = _scores(client, argv[:4])
    if one is None or other is None:
        return None
    return printed(client, geohash.distance(geohash.decode(one), geohash.decode(other)) / unit)


# Searches.

PIECE = 256
"""Members that a search takes from the sorted set at a time."""


class Found(NamedTuple):
    """A member within the shape."""

    distance: float
    member: bytes
    score: float


@dataclass
class Search:
    """What the words of a command ask for."""

    centre: Point | None = None
    """None also in a search around a member where the key does not exist."""
    has_centre: bool = False
    has_shape: bool = False
    shape: Callable[[Point], Shape] | None = None
    """What lies around the centre."""
    polygon: Polygon | None = None
    with_dist: bool = False
    with_hash: bool = False
    with_coord: bool = False
    count: int = 0
    any: bool = False
    order: bytes = b""
    store: bytes | None = None
    store_dist: bool = False

    def find(self, members: SortedSet, sorts_all: bool) -> list[Found]:
        """The members in the shape, in the order of the answer."""
        shape: Shape | None = self.polygon
        if shape is None:
            assert self.shape is not None
            assert self.centre is not None
            shape = self.shape(self.centre)
        found: list[Found] = []
        enough = self.count if self.any else 0
        for first, behind in geohash.score_ranges(shape):
            if enough and len(found) >= enough:
                break
            start, stop = members.by_score(ScoreRange(first, behind, max_open=True))
            for member, score in _in_pieces(members, start, stop):
                distance = shape.measure(geohash.decode(score))
                if distance is not None:
                    found.append(Found(distance, member, score))
                    if len(found) == enough:
                        break
        order = self.order or (b"ASC" if self.count and not self.any else b"")
        if order:
            distances = [each.distance for each in found]
            last = min(self.count or len(found), len(found)) - 1
            if last < len(found) - 1 and not sorts_all:
                indices = partial_order(distances, 0, last, order == b"DESC")[: last + 1]
            else:
                indices = sorted(range(len(found)), key=distances.__getitem__, reverse=order == b"DESC")
            found = [found[index] for index in indices]
        unit = shape.unit
        return [Found(distance / unit, member, score) for distance, member, score in found[: self.count or None]]


def _in_pieces(members: SortedSet, start: int, stop: int) -> Iterator[tuple[bytes, float]]:
    """The members from one rank to another; who has enough (ANY) leaves the rest alone."""
    for at in range(start, stop, PIECE):
        yield from members.pairs(at, min(at + PIECE, stop))


def around(client: Client, members: SortedSet | None, member: bytes) -> Point | None:
    """The place of the member that a search is around; None where the key does not exist, which is no error yet."""
    if members is None:
        return None
    score = members.score(member)
    if score is None:
        raise CommandError(client.server.dialect.geo_no_such_member.format(errors.text(member)))
    return geohash.decode(score)


def _circle(client: Client, radius_text: bytes, unit_text: bytes) -> Callable[[Point], Shape]:
    radius = double(client, radius_text, "ERR need numeric radius")
    if radius < 0:
        raise CommandError("ERR radius cannot be negative")
    unit = metres(client, unit_text)
    return lambda centre: Circle(centre, radius, unit)


def _box(client: Client, width_text: bytes, height_text: bytes, unit_text: bytes) -> Callable[[Point], Shape]:
    width = double(client, width_text, "ERR need numeric width")
    height = double(client, height_text, "ERR need numeric height")
    if width < 0 or height < 0:
        raise CommandError("ERR height or width cannot be negative")
    unit = metres(client, unit_text)
    return lambda centre: Box(centre, width, height, unit)


def _polygon(client: Client, argv: Argv, at: int) -> Polygon:
    corners = integer_in(argv[at], -INT32_MAX - 1, INT32_MAX, "ERR invalid number of vertices")
    texts = argv[at + 1 : at + 1 + 2 * max(corners, 0)]
    if corners < 3 or len(texts) < 2 * corners:
        raise CommandError("ERR GEOSEARCH BYPOLYGON must have at least 3 vertices")
    return Polygon([point(client, texts[i], texts[i + 1]) for i in range(0, len(texts), 2)])


def _option(client: Client, search: Search, argv: Argv, at: int) -> int:
    """One of the options that all searches have: how many words it takes; 0: it is none of them."""
    word = argv[at].upper()
    if word == b"WITHDIST":
        search.with_dist = True
    elif word == b"WITHHASH":
        search.with_hash = True
    elif word == b"WITHCOORD":
        search.with_coord = True
    elif word == b"ANY" and client.command.options.available("ANY"):
        search.any = True
    elif word in (b"ASC", b"DESC"):
        search.order = word
    elif word == b"COUNT" and at + 1 < len(argv):
        search.count = integer(argv[at + 1])
        if search.count <= 0:
            raise CommandError("ERR COUNT must be > 0")
        return 2
    else:
        return 0
    return 1


def _answer(client: Client, argv: Argv, search: Search, members: SortedSet | None, event: bytes, storing: str) -> Reply:
    """The end of all searches: the options must agree, then the result is stored or listed."""
    if search.store is not None and (search.with_dist or search.with_hash or search.with_coord):
        raise CommandError(client.server.dialect.cannot_store_places(storing))
    name = errors.text(argv[0])
    if not search.has_centre:
        raise CommandError(f"ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for {name}")
    if not search.has_shape:
        raise CommandError(f"ERR exactly one of {client.server.dialect.geo_shapes} can be specified for {name}")
    if search.any and not search.count:
        raise CommandError("ERR the ANY argument requires COUNT argument")
    found = search.find(members, client.server.dialect.sorts_all_places) if members is not None else []
    if search.store is not None:
        scores = {each.member: each.distance if search.store_dist else each.score for each in found}
        return store_scores(client, search.store, scores, event)
    if not (search.with_dist or search.with_hash or search.with_coord):
        return [each.member for each in found]
    answer: list[Reply] = []
    for each in found:
        line: list[Reply] = [each.member]
        if search.with_dist:
            line.append(printed(client, each.distance))
        if search.with_hash:
            line.append(int(each.score))
        if search.with_coord:
            line.append(coordinates(client, geohash.decode(each.score)))
        answer.append(line)
    return answer


@command(
    "GEOSEARCH key <FROMMEMBER member | FROMLONLAT longitude latitude>"
    " <<BYRADIUS radius> <M | KM | FT | MI> | <BYBOX width> height <M | KM | FT | MI>"
    " | <BYPOLYGON num-vertices> longitude latitude [longitude latitude ...]>"
    " [ASC | DESC] [<COUNT count> [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]",
    flags="readonly",
    since="6.2.0",
    since_option={"BYPOLYGON": "valkey=9.0.0"},
    arity=-7,
)
def geosearch(client: Client, argv: Argv) -> Reply:
    """The members in a circle, a box or a polygon."""
    return _search(client, argv, 1, Search())


@command(
    "GEOSEARCHSTORE destination source <FROMMEMBER member | FROMLONLAT longitude latitude>"
    " <<BYRADIUS radius> <M | KM | FT | MI> | <BYBOX width> height <M | KM | FT | MI>"
    " | <BYPOLYGON num-vertices> longitude latitude [longitude latitude ...]>"
    " [ASC | DESC] [<COUNT count> [ANY]] [STOREDIST]",
    flags="write denyoom",
    since="6.2.0",
    since_option={"BYPOLYGON": "valkey=9.0.0"},
    arity=-8,
)
def geosearchstore(client: Client, argv: Argv) -> Reply:
    """Store what GEOSEARCH would answer, with the places or with the distances as scores."""
    return _search(client, argv, 2, Search(store=argv[1]))


def _search(client: Client, argv: Argv, key_at: int, search: Search) -> Reply:
    """GEOSEARCH, whose centre and shape are options too; each may be said again, but not in another way."""
    members = client.db.sorted_set(argv[key_at])
    polygons = client.command.options.available("BYPOLYGON")
    at = key_at + 1
    centre_word = shape_word = b""
    while at < len(argv):
        word, left = argv[at].upper(), len(argv) - at - 1
        if taken := _option(client, search, argv, at):
            at += taken
            continue
        if word == b"STOREDIST" and search.store is not None:
            search.store_dist = True
            at += 1
        elif word == b"FROMMEMBER" and left >= 1 and centre_word in (b"", word):
            search.centre, centre_word = around(client, members, argv[at + 1]), word
            at += 2
        elif word == b"FROMLONLAT" and left >= 2 and centre_word in (b"", word):
            search.centre, centre_word = point(client, argv[at + 1], argv[at + 2]), word
            at += 3
        elif word == b"BYRADIUS" and left >= 2 and shape_word in (b"", word):
            search.shape, shape_word = _circle(client, *argv[at + 1 : at + 3]), word
            at += 3
        elif word == b"BYBOX" and left >= 3 and shape_word in (b"", word):
            search.shape, shape_word = _box(client, *argv[at + 1 : at + 4]), word
            at += 4
        elif word == b"BYPOLYGON" and polygons and left >= 2 and {centre_word, shape_word} <= {b"", word}:
            search.polygon, centre_word, shape_word = _polygon(client, argv, at + 1), word, word
            at += 2 + 2 * len(search.polygon.corners)
        else:
            raise CommandError(errors.SYNTAX_ERROR)
    search.has_centre, search.has_shape = bool(centre_word), bool(shape_word)
    return _answer(client, argv, search, members, b"geosearchstore", "GEOSEARCHSTORE")


CIRCLE = "radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [<COUNT count> [ANY]] [ASC | DESC]"
STORE = "[STORE storekey | STOREDIST storedistkey]"


@command(
    f"GEORADIUS key longitude latitude {CIRCLE} {STORE}",
    flags="write denyoom",
    since="3.2.0",
    since_option={"ANY": "6.2.0"},
)
def georadius(client: Client, argv: Argv) -> Reply:
    """The members in a circle around a place; an older form of GEOSEARCH and GEOSEARCHSTORE."""
    return _radius(client, argv, by_member=False, stores=True)


@command(
    f"GEORADIUS_RO key longitude latitude {CIRCLE}", flags="readonly", since="3.2.10", since_option={"ANY": "6.2.0"}
)
def georadius_ro(client: Client, argv: Argv) -> Reply:
    """The members in a circle around a place; an older form of GEOSEARCH."""
    return _radius(client, argv, by_member=False, stores=False)


@command(
    f"GEORADIUSBYMEMBER key member {CIRCLE} {STORE}",
    flags="write denyoom",
    since="3.2.0",
    since_option={"ANY": "6.2.0"},
)
def georadiusbymember(client: Client, argv: Argv) -> Reply:
    """The members in a circle around one of them; an older form of GEOSEARCH and GEOSEARCHSTORE."""
    return _radius(client, argv, by_member=True, stores=True)


@command(f"GEORADIUSBYMEMBER_RO key member {CIRCLE}", flags="readonly", since="3.2.10", since_option={"ANY": "6.2.0"})
def georadiusbymember_ro(client: Client, argv: Argv) -> Reply:
    """The members in a circle around one of them; an older form of GEOSEARCH."""
    return _radius(client, argv, by_member=True, stores=False)


def _radius(client: Client, argv: Argv, *, by_member: bool, stores: bool) -> Reply:
    """GEORADIUS and its kin, whose centre and radius stand in front; of several STORE the last one counts."""
    members = client.db.sorted_set(argv[1])
    if members is None and client.server.dialect.places_of_nothing_need_no_words:
        return []
    at = 5 if by_member else 6
    search = Search(has_centre=True, has_shape=True)
    search.centre = around(client, members, argv[2]) if by_member else point(client, argv[2], argv[3])
    if search.centre is not None:  # around a member of nothing, not even the radius is looked at
        search.shape = _circle(client, *argv[at - 2 : at])
    while at < len(argv):
        if taken := _option(client, search, argv, at):
            at += taken
            continue
        word = argv[at].upper()
        if word not in (b"STORE", b"STOREDIST") or not stores or at + 1 == len(argv):
            raise CommandError(errors.SYNTAX_ERROR)
        search.store, search.store_dist = argv[at + 1], word == b"STOREDIST"
        at += 2
    return _answer(client, argv, search, members, b"georadiusstore", "STORE option in GEORADIUS")
