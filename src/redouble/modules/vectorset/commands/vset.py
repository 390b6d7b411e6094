"""V*: vector sets."""

from __future__ import annotations

from array import array
from functools import partial
from itertools import chain, takewhile
from typing import Final

from redouble.core.arguments import MOST_RANDOM
from redouble.core.client import Client
from redouble.core.command import Argv, command
from redouble.core.errors import CommandError, text, wrong_arity
from redouble.modules.arguments import double, long_long
from redouble.modules.vectorset.expression import Expression, ExpressionError
from redouble.modules.vectorset.vector_set import Element, VectorSet
from redouble.modules.vectorset.vectors import (
    MOST_DIMENSIONS,
    MOST_PROJECTED,
    QUANTISATIONS,
    Floats,
    Projection,
    Quantisation,
    read_floats,
    single,
)
from redouble.modules.vectorset.versions import version
from redouble.resp.reply import NULL_ARRAY, Reply, Status

INVALID_VECTOR: Final = "ERR invalid vector specification"
UNQUANTISED, INT8, BINARY = QUANTISATIONS
QUANTISATION_WORDS: Final = {b"NOQUANT": UNQUANTISED, b"Q8": INT8, b"BIN": BINARY}
DEFAULT_M: Final = 16
MOST_EF: Final = 1_000_000

vset_command = partial(command, module="vectorset", since="8.0.0", capitals=True, keys="RW access update")


def positive(argument: bytes, name: str, most: int | None = None) -> int:
    """A number above zero."""
    number = long_long(argument)
    if number is None or number < 1 or (most is not None and number > most):
        raise CommandError(f"ERR invalid {name}")
    return number


def vector_at(argv: Argv, at: int) -> tuple[Floats, int]:
    """`FP32 blob` or `VALUES num value [value ...]`, and where it ends."""
    format = argv[at].upper()
    if format == b"FP32" and at + 1 < len(argv):
        data = argv[at + 1]
        if data and not len(data) % 4 and len(data) <= 4 * MOST_DIMENSIONS:
            return read_floats(data), at + 2
    elif format == b"VALUES" and at + 1 < len(argv):
        count = long_long(argv[at + 1])
        if count is not None and 0 < count <= min(MOST_DIMENSIONS, len(argv) - at - 2):
            values = [value for value in map(double, argv[at + 2 : at + 2 + count]) if value is not None]
            if len(values) == count:
                return array("f", values), at + 2 + count
    raise CommandError(INVALID_VECTOR)


def wrong_dimension(numbers: Floats, vectors: VectorSet) -> CommandError:
    return CommandError(f"ERR Vector dimension mismatch - got {len(numbers)} but set has {vectors.dimension}")


def projected(numbers: Floats, projection: Projection) -> Floats:
    """The shorter vector."""
    if len(numbers) != projection.source:
        raise CommandError(
            f"ERR Input dimension mismatch for projection - got {len(numbers)} but projection expects {projection.source}"
        )
    return projection.apply(numbers)


def find(client: Client, key: bytes, name: bytes) -> tuple[VectorSet | None, Element | None]:
    """The vector set in `key`, and its element."""
    vectors = client.db.module_value(key, VectorSet)
    return vectors, vectors.elements.get(name) if vectors is not None else None


def opened(client: Client, key: bytes) -> VectorSet | None:
    """The vector set in `key`, for a command that may change it: who watches the key is told already now."""
    client.db.touch(key)
    return client.db.for_write(key, VectorSet)


@vset_command(
    "VADD key [REDUCE dim] <FP32 | VALUES> vector element [CAS] [NOQUANT | BIN | Q8] [EF build-exploration-factor]"
    " [SETATTR attributes] [M numlinks]",
    flags="write denyoom",
)
def vadd(client: Client, argv: Argv) -> Reply:
    """Give an element of a vector set its vector; whether the element is new."""
    key, at, reduced = argv[1], 2, None
    if argv[2].upper() == b"REDUCE" and len(argv) > 4:
        reduced = long_long(argv[3])
        if reduced is None or reduced < 1:
            raise CommandError(INVALID_VECTOR)
        reduced = reduced & 0xFFFFFFFF or None  # it is kept in 32 bits
        at = 4
    numbers, at = vector_at(argv, at)
    if reduced is not None and version(client).reduces_only and reduced > len(numbers):
        raise CommandError(INVALID_VECTOR)
    if at == len(argv):
        raise wrong_arity("VADD")
    quantisation, m, attributes = options_of_vadd(argv, at + 1)
    vectors = opened(client, key)
    if vectors is None:
        vectors = new_set(numbers, reduced, quantisation, m)
        client.db.add(key, vectors)
    else:
        must_fit(vectors, numbers, reduced, quantisation, m)
    if vectors.projection is not None:
        numbers = projected(numbers, vectors.projection)
    is_new = argv[at] not in vectors.elements
    element = vectors.add(argv[at], numbers, client.server.random)
    if attributes is not None:
        vectors.set_attributes(element, attributes if is_new else attributes or None)
    client.db.modified(key, b"", 0)
    return is_new


def options_of_vadd(argv: Argv, at: int) -> tuple[Quantisation, int, bytes | None]:
    """What follows the element.  CAS and EF are about how the real server builds its graph."""
    quantisation: Quantisation = INT8
    m, attributes = DEFAULT_M, None
    while at < len(argv):
        word = argv[at].upper()
        has_value = at + 1 < len(argv)
        if word in QUANTISATION_WORDS:
            quantisation = QUANTISATION_WORDS[word]
        elif word == b"EF" and has_value:
            positive(argv[at := at + 1], "EF", MOST_EF)
        elif word == b"M" and has_value:
            m = positive(argv[at := at + 1], "M", 4096)
            if m < 4:
                raise CommandError("ERR invalid M")
        elif word == b"SETATTR" and has_value:
            attributes = argv[at := at + 1]
        elif word != b"CAS":
            raise CommandError("ERR invalid option after element")
        at += 1
    return quantisation, m, attributes


def new_set(numbers: Floats, reduced: int | None, quantisation: Quantisation, m: int) -> VectorSet:
    """A set for vectors like this one."""
    if reduced is None:
        return VectorSet(len(numbers), quantisation, m)
    if reduced * len(numbers) > MOST_PROJECTED:
        raise CommandError(f"ERR a projection of more than {MOST_PROJECTED} numbers is not supported by redouble")
    return VectorSet(reduced, quantisation, m, Projection(len(numbers), reduced))


def must_fit(vectors: VectorSet, numbers: Floats, reduced: int | None, quantisation: Quantisation, m: int) -> None:
    """Raise CommandError if another vector for a set is not like those before."""
    if vectors.quantisation is not quantisation:
        raise CommandError("ERR asked quantization mismatch with existing vector set")
    if vectors.graph.m != m:
        raise CommandError("ERR asked M value mismatch with existing vector set")
    if vectors.dimension != (len(numbers) if vectors.projection is None else reduced):
        raise wrong_dimension(numbers, vectors)
    if reduced is not None and vectors.projection is None:
        raise CommandError("ERR cannot add projection to existing set without projection")


@vset_command("VREM key element", flags="write")
def vrem(client: Client, argv: Argv) -> Reply:
    """Remove an element; whether it was there."""
    _, key, name = argv
    vectors = opened(client, key)
    if vectors is None or not vectors.remove(name):
        return False
    if not vectors.elements:
        client.db.take(key)  # without an event
    client.db.modified(key, b"", 0)
    return True


@vset_command(
    "VSIM key <ELE | FP32 | VALUES> vector_or_element [WITHSCORES] [WITHATTRIBS] [COUNT count] [EPSILON max_distance]"
    " [EF search-exploration-factor] [FILTER expression] [FILTER-EF max-filtering-effort] [TRUTH] [NOTHREAD]",
    flags="readonly",
    since_option={"WITHATTRIBS": "8.2.0"},
)
def vsim(client: Client, argv: Argv) -> Reply:
    """The elements nearest to a vector, or to that of an element, nearest first."""
    vectors = client.db.module_value(argv[1], VectorSet)
    if vectors is None:
        return []
    if argv[2].upper() == b"ELE":
        element = vectors.elements.get(argv[3])
        if element is None:
            raise CommandError("ERR element not found in set")
        numbers, at = vectors.numbers(element), 4
    else:
        numbers, at = vector_at(argv, 2)
        if vectors.projection is not None and len(numbers) != vectors.dimension:
            numbers = projected(numbers, vectors.projection)
        if len(numbers) != vectors.dimension:
            raise wrong_dimension(numbers, vectors)
    words: set[str] = set()
    count, epsilon, expression = 10, 2.0, None
    for name, value in client.command.options.each(argv, at, syntax_error="ERR syntax error in VSIM command"):
        words.add(name)
        if name == "COUNT":
            count = positive(value, name)
        elif name == "EPSILON":
            number = double(value)
            if number is None or number <= 0:
                raise CommandError("ERR invalid EPSILON")
            epsilon = single(number)
        elif name == "EF":
            positive(value, name, MOST_EF if version(client).limits_ef else None)
        elif name == "FILTER-EF":
            positive(value, name)
        elif name == "FILTER":
            expression = compiled(client, value)
    found = vectors.nearest(
        numbers, count, version(client).arithmetic, expression.matches if expression else None, "TRUTH" in words
    )
    farthest = epsilon * version(client).of_epsilon
    near = [
        (1.0 - distance / 2, element) for distance, element in takewhile(lambda pair: not pair[0] > farthest, found)
    ]
    return similar(client, near, "WITHSCORES" in words, "WITHATTRIBS" in words)


def compiled(client: Client, argument: bytes) -> Expression:
    """The expression of a FILTER."""
    known = version(client)
    try:
        return Expression(argument, has_null=known.filters_have_null, finds_substrings=known.filters_find_substrings)
    except ExpressionError as error:
        position = error.position if error.position < len(argument) else 0
        raise CommandError(f"ERR syntax error in FILTER expression near: {text(argument[position:])}") from None


def similar(client: Client, near: list[tuple[float, Element]], with_scores: bool, with_attributes: bool) -> Reply:
    """What VSIM answers: in RESP3 a map if anything is told of the elements, and of two facts an array."""
    facts = [[element.name, *[score] * with_scores, *[element.attributes] * with_attributes] for score, element in near]
    if client.resp == 2 or not (with_scores or with_attributes):
        return list(chain.from_iterable(facts))
    return {name: rest if len(rest) > 1 else rest[0] for name, *rest in facts}


@vset_command("VDIM key", flags="readonly fast")
def vdim(client: Client, argv: Argv) -> Reply:
    """How many numbers the vectors of a set have."""
    vectors = client.db.module_value(argv[1], VectorSet)
    if vectors is None:
        raise CommandError("ERR key does not exist")
    return vectors.dimension


@vset_command("VCARD key", flags="readonly fast")
def vcard(client: Client, argv: Argv) -> Reply:
    """How many elements a vector set has."""
    vectors = client.db.module_value(argv[1], VectorSet)
    return len(vectors) if vectors is not None else 0


@vset_command("VEMB key element [RAW]", flags="readonly fast")
def vemb(client: Client, argv: Argv) -> Reply:
    """The vector of an element, as near as it is still known, or the form in which it is kept."""
    _, key, name, *options = argv
    if any(option.upper() != b"RAW" for option in options):
        raise CommandError("ERR invalid option")
    vectors, element = find(client, key, name)
    if vectors is None or element is None:
        return None
    if not options:
        return list(vectors.numbers(element))
    quantisation, vector = vectors.quantisation, element.vector
    facts = [Status(quantisation.name), quantisation.data(vector, vectors.dimension), vector.length]
    return [*facts, vector.range] if quantisation is INT8 else facts


@vset_command("VLINKS key element [WITHSCORES]", flags="readonly fast")
def vlinks(client: Client, argv: Argv) -> Reply:
    """The neighbours of an element in the graph, on each of its levels, the highest first."""
    _, key, name, *options = argv
    if len(options) > 1 or (options and options[0].upper() != b"WITHSCORES"):
        raise wrong_arity("VLINKS")
    vectors, element = find(client, key, name)
    if vectors is None or element is None:
        return None
    vectors.graph.link_all()
    levels = [[vectors.by_id(id) for id in layer.links] for layer in reversed(element.layers)]
    if not options:
        return [[neighbour.name for neighbour in level] for level in levels]
    arithmetic = version(client).arithmetic
    return [
        {neighbour.name: single(1 - vectors.distance(element, neighbour, arithmetic) / 2) for neighbour in level}
        for level in levels
    ]


@vset_command("VINFO key", flags="readonly fast")
def vinfo(client: Client, argv: Argv) -> Reply:
    """Facts about a vector set and its graph."""
    vectors = client.db.module_value(argv[1], VectorSet)
    if vectors is None:
        return NULL_ARRAY
    facts = {
        b"quant-type": Status(vectors.quantisation.name),
        b"hnsw-m": vectors.graph.m,
        b"vector-dim": vectors.dimension,
        b"projection-input-dim": vectors.projection.source if vectors.projection is not None else 0,
        b"size": len(vectors),
        b"max-level": vectors.highest_level,
        b"attributes-count": vectors.with_attributes,
        b"vset-uid": vectors.id,
        b"hnsw-max-node-uid": vectors.last_id,
    }
    return {Status(name): fact for name, fact in facts.items()}


@vset_command("VSETATTR key element json", flags="write fast")
def vsetattr(client: Client, argv: Argv) -> Reply:
    """Give an element attributes, or take them; whether it is there."""
    _, key, name, attributes = argv
    vectors = opened(client, key)
    element = vectors.elements.get(name) if vectors is not None else None
    if vectors is None or element is None:
        return False
    vectors.set_attributes(element, attributes or None)
    client.db.modified(key, b"", 0)
    return True


@vset_command("VGETATTR key element", flags="readonly fast")
def vgetattr(client: Client, argv: Argv) -> Reply:
    """The attributes of an element."""
    _, element = find(client, argv[1], argv[2])
    return element.attributes if element is not None else None


@vset_command("VRANDMEMBER key [count]", flags="readonly")
def vrandmember(client: Client, argv: Argv) -> Reply:
    """Elements at random; a negative count may name one several times."""
    _, key, *rest = argv
    if len(rest) > 1:
        raise wrong_arity("VRANDMEMBER")
    count = long_long(rest[0]) if rest else 1
    if count is None:
        raise CommandError("ERR COUNT value is not an integer")
    if count == 0:
        return []
    vectors = client.db.module_value(key, VectorSet)
    if vectors is None:
        return [] if rest else None
    if count < -MOST_RANDOM:
        raise CommandError(f"ERR a reply of more than {MOST_RANDOM} elements is not supported by redouble")
    random, names = client.server.random, vectors.names
    if not rest:
        return random.choice(names)
    return random.choices(names, k=-count) if count < 0 else random.sample(names, min(count, len(names)))


def vismember(client: Client, argv: Argv) -> Reply:
    """Whether a vector set has an element."""
    return find(client, argv[1], argv[2])[1] is not None


vset_command("VISMEMBER key element", flags="readonly", since="8.2.0")(vismember)
vset_command("VISMEMBER key element", flags="readonly", until="8.2.0")(vismember)  # 8.0.2 has it, too


@vset_command("VRANGE key start end [count]", flags="readonly", since="8.4.0")
def vrange(client: Client, argv: Argv) -> Reply:
    """The elements between two names, in their order."""
    _, key, start, end, *rest = argv
    if len(rest) > 1:
        raise wrong_arity("VRANGE")
    count = long_long(rest[0]) if rest else -1
    if count is None:
        raise CommandError("ERR invalid COUNT value")
    for argument, name in ((start, "start"), (end, "end")):
        if argument not in (b"-", b"+") and (argument[:1] not in (b"[", b"(") or len(argument) < 2):
            raise CommandError(f"ERR invalid {name} range format")
    if start == b"+" or end == b"-":
        raise CommandError("ERR '-' can only be used as first argument, '+' only as second")
    vectors = client.db.module_value(key, VectorSet)
    if vectors is None:
        return []
    return vectors.between(start[1:] or None, end[1:] or None, start.startswith(b"["), end.startswith(b"["), count)
