"""BF.*: Bloom filters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeVar

from redouble.core.client import Client
from redouble.core.command import Argv, command
from redouble.core.errors import CommandError, wrong_arity
from redouble.modules.arguments import double, long_long
from redouble.modules.bloom.bloom_filter import FORCE_64, BloomFilter, FilterIsFull
from redouble.modules.bloom.memory import NoMemory
from redouble.modules.bloom.versions import version
from redouble.resp.reply import OK, Reply, Status

NOT_FOUND: Final = "ERR not found"
ITEM_EXISTS: Final = "ERR item exists"
NOT_CREATED: Final = "ERR could not create filter"
LONGEST_CHUNK: Final = 1 << 24

N = TypeVar("N", int, float)

bf_command = partial(command, module="bloom", since="1.0.0")


def existing(client: Client, key: bytes) -> BloomFilter:
    """The filter in `key`; there must be one."""
    filter = client.db.module_value(key, BloomFilter)
    if filter is None:
        raise CommandError(NOT_FOUND)
    return filter


def create(client: Client, key: bytes, error: float, capacity: int, expansion: int, nonscaling: bool) -> BloomFilter:
    """A filter in a key that does not exist."""
    error = min(error, version(client).bf_error_cap)
    try:
        filter = BloomFilter(capacity, error, expansion & 0xFFFFFFFF, nonscaling or not expansion)
    except NoMemory:
        raise CommandError(NOT_CREATED) from None
    return client.db.add(key, filter)


def add(client: Client, key: bytes, filter: BloomFilter, items: Sequence[bytes]) -> list[Reply]:
    """Add items, up to one that finds no room; answers whether each is new."""
    replies: list[Reply] = []
    try:
        for item in items:
            replies.append(filter.add(item))
    except FilterIsFull:
        replies.append(CommandError("ERR non scaling filter is full"))
    except NoMemory:
        replies.append(CommandError("ERR problem inserting into filter"))
    client.db.modified(key, b"", 0)
    return replies


def add_by_default(client: Client, argv: Argv) -> list[Reply]:
    """Add items to a filter, which is made if there is none."""
    _, key, *items = argv
    filter = client.db.open_for_write(key, BloomFilter)
    if filter is None:
        filter = create(client, key, 0.01, 100, 2, nonscaling=False)
    return add(client, key, filter, items)


@bf_command(
    "BF.RESERVE key error_rate capacity [EXPANSION expansion] [NONSCALING]",
    flags="write denyoom",
    keys="RW",
    acl="write fast bloom",
    arity=-4,
)
def bf_reserve(client: Client, argv: Argv) -> Reply:
    """Make an empty filter for so many items, which errs in no more than a certain part of its answers."""
    if len(argv) > 7:
        raise wrong_arity("bf.reserve")
    _, key, error_text, capacity_text = argv[:4]
    texts = version(client)
    error = double(error_text)
    if error is None:
        raise CommandError("ERR bad error rate")
    if not 0 < error < 1:
        raise CommandError(texts.bf_error_out_of_range)
    capacity = long_long(capacity_text)
    if capacity is None:
        raise CommandError("ERR bad capacity")
    if not 1 <= capacity <= texts.bf_largest_capacity:
        raise CommandError(texts.bf_capacity_out_of_range)
    words = [word.upper() for word in argv]  # RMUtil_ArgIndex takes any word, the key too, for an option
    nonscaling = b"NONSCALING" in words
    expansion: int | None = 2
    if b"EXPANSION" in words:
        at = words.index(b"EXPANSION") + 1
        if at == len(argv):
            raise CommandError("ERR no expansion")
        if nonscaling:
            raise CommandError("Nonscaling filters cannot expand")
        expansion = long_long(argv[at])
    if expansion is None:
        raise CommandError("ERR bad expansion")
    least, largest = texts.bf_expansions
    if not least <= expansion <= largest:
        raise CommandError(texts.bf_expansion_out_of_range)
    if client.db.open_for_write(key, BloomFilter) is not None:
        raise CommandError(ITEM_EXISTS)
    create(client, key, error, capacity, expansion, nonscaling)
    client.db.modified(key, b"", 0)
    return OK


@bf_command("BF.ADD key item", flags="write denyoom", keys="RW", acl="write bloom")
def bf_add(client: Client, argv: Argv) -> Reply:
    """Add an item to a filter, which is made if there is none; answers whether it is new."""
    (reply,) = add_by_default(client, argv)
    if isinstance(reply, CommandError):
        raise reply
    return reply


@bf_command("BF.MADD key item [item ...]", flags="write denyoom", keys="RW", acl="write bloom")
def bf_madd(client: Client, argv: Argv) -> Reply:
    """Add items to a filter, which is made if there is none; answers whether each is new."""
    return add_by_default(client, argv)


@bf_command(
    "BF.INSERT key [CAPACITY capacity] [ERROR error] [EXPANSION expansion] [NOCREATE] [NONSCALING] ITEMS item [item ...]",
    flags="write denyoom",
    keys="RW",
    acl="write bloom",
    arity=-4,
)
def bf_insert(client: Client, argv: Argv) -> Reply:
    """Add items to a filter, and say what is to be made if there is none; answers whether each item is new."""
    key = argv[1]
    texts = version(client)
    least, largest = texts.bf_expansions
    words = iter(argv[2:])

    def number(convert: Callable[[bytes], N | None], is_right: Callable[[N], bool], name: str) -> N:
        text = next(words, None)
        if text is None:
            raise wrong_arity("bf.insert")
        found = convert(text)
        if found is None or (texts.bf_insert_says_which and not is_right(found)):
            raise CommandError(f"Bad {name}")
        return found

    def is_error(error: float) -> bool:
        return 0 < error < 1

    def is_capacity(capacity: int) -> bool:
        return 1 <= capacity <= texts.bf_largest_capacity

    def is_expansion(expansion: int) -> bool:
        return least <= expansion <= largest

    error, capacity, expansion = 0.01, 100, 2
    creates, nonscaling = True, False
    items: list[bytes] = []
    for option in words:
        letters = option[:3].lower()
        if letters[:1] == b"i":  # one letter is enough for most
            items = list(words)
        elif letters[:2] == b"er":
            error = number(double, is_error, "error rate")
        elif letters[:1] == b"e":
            expansion = number(long_long, is_expansion, "expansion")
        elif letters[:1] == b"c":
            capacity = number(long_long, is_capacity, "capacity")
        elif letters[:1] == b"n":
            creates = creates and letters[2:] != b"c"
            nonscaling = nonscaling or letters[2:] != b"c"
        else:
            raise CommandError("Unknown argument received")
    if not items:
        raise wrong_arity("bf.insert")
    if not (is_error(error) and is_capacity(capacity) and is_expansion(expansion)):
        raise CommandError("Bad argument received")
    filter = client.db.open_for_write(key, BloomFilter)
    if filter is None:
        if not creates:
            raise CommandError(NOT_FOUND)
        filter = create(client, key, error, capacity, expansion, nonscaling)
    return add(client, key, filter, items)


@bf_command("BF.EXISTS key item", flags="readonly fast", keys="RO", acl="read bloom")
def bf_exists(client: Client, argv: Argv) -> Reply:
    """Whether an item was probably added."""
    filter = filter_or_none(client, argv[1])
    return filter is not None and filter.contains(argv[2])


@bf_command("BF.MEXISTS key item [item ...]", flags="readonly fast", keys="RO", acl="read bloom")
def bf_mexists(client: Client, argv: Argv) -> Reply:
    """Whether items were probably added."""
    _, key, *items = argv
    filter = filter_or_none(client, key)
    return [filter is not None and filter.contains(item) for item in items]


def filter_or_none(client: Client, key: bytes) -> BloomFilter | None:
    """The filter in `key`, which may hold something else too."""
    value = client.db.lookup(key)
    return value if isinstance(value, BloomFilter) else None


@command("BF.CARD key", module="bloom", since="2.4.4", flags="readonly fast", keys="RO", acl="read fast bloom")
def bf_card(client: Client, argv: Argv) -> Reply:
    """How many items were added."""
    filter = client.db.module_value(argv[1], BloomFilter)
    return 0 if filter is None else filter.size


@bf_command(
    "BF.INFO key [CAPACITY | SIZE | FILTERS | ITEMS | EXPANSION]",
    flags="readonly fast",
    keys="RO",
    acl="read fast bloom",
)
def bf_info(client: Client, argv: Argv) -> Reply:
    """The size of a filter, and how it grows; or one of these facts."""
    if len(argv) > 3:
        raise wrong_arity("bf.info")
    filter = existing(client, argv[1])
    facts: dict[bytes, tuple[bytes, int | None]] = {
        b"CAPACITY": (b"Capacity", filter.capacity),
        b"SIZE": (b"Size", filter.memory_usage()),
        b"FILTERS": (b"Number of filters", len(filter.links)),
        b"ITEMS": (b"Number of items inserted", filter.size),
        b"EXPANSION": (b"Expansion rate", None if filter.nonscaling else filter.expansion),
    }
    if len(argv) == 2:
        return {Status(name): fact for name, fact in facts.values()}
    if argv[2].upper() not in facts:
        raise CommandError("Invalid information value")
    name, fact = facts[argv[2].upper()]
    return [fact] if client.resp == 2 else {Status(name): fact}


@bf_command("BF.DEBUG key", flags="readonly fast", keys="RW access update", acl="read bloom", arity=-1)
def bf_debug(client: Client, argv: Argv) -> Reply:
    """The parts of a filter."""
    if len(argv) != 2:
        raise wrong_arity("bf.debug")
    filter = existing(client, argv[1])
    width = 64 if filter.options & FORCE_64 else 32
    return [
        b"size:%d" % filter.size,
        *(
            b"bytes:%d bits:%d hashes:%d hashwidth:%d capacity:%d size:%d ratio:%s"
            % (len(link.data), link.bits, link.hashes, width, link.capacity, link.size, b"%g" % link.error)
            for link in filter.links
        ),
    ]


@bf_command("BF.SCANDUMP key iterator", flags="readonly fast", keys="RW", acl="read bloom")
def bf_scandump(client: Client, argv: Argv) -> Reply:
    """A piece of a filter, for BF.LOADCHUNK, and what to ask for the next one; begin with 0, end when it is 0."""
    _, key, iterator_text = argv
    filter = existing(client, key)
    iterator = long_long(iterator_text)
    if iterator is None:
        raise CommandError("Second argument must be numeric")
    if iterator == 0:
        return [1, filter.header()]
    return [*filter.chunk(iterator, LONGEST_CHUNK)]


@bf_command("BF.LOADCHUNK key iterator data", flags="write denyoom", keys="RW", acl="write bloom")
def bf_loadchunk(client: Client, argv: Argv) -> Reply:
    """Put a piece of a filter in its place, with the iterator that BF.SCANDUMP answered with it."""
    _, key, iterator_text, data = argv
    iterator = long_long(iterator_text)
    if iterator is None:
        raise CommandError("ERR Second argument must be numeric")
    filter = client.db.open_for_write(key, BloomFilter)
    try:
        if filter is None and iterator == 1:
            client.db.add(key, BloomFilter.from_header(data))
        elif filter is None:
            raise CommandError(NOT_FOUND)
        else:
            filter.load(iterator, data)
    except ValueError as error:
        raise CommandError(f"ERR {error}") from None
    client.db.modified(key, b"", 0)
    return OK
