"""CF.*: cuckoo filters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from redouble.core.client import Client
from redouble.core.command import Argv, command
from redouble.core.errors import CommandError, wrong_arity
from redouble.modules.arguments import long_long
from redouble.modules.bloom.cuckoo_filter import CuckooFilter
from redouble.modules.bloom.memory import NoMemory
from redouble.modules.bloom.versions import version
from redouble.resp.reply import OK, Reply, Status

NOT_FOUND: Final = "ERR not found"
ITEM_EXISTS: Final = "ERR item exists"
BAD_CAPACITY: Final = "Bad capacity"
MOST_EXPANSIONS: Final = 32
LONGEST_CHUNK: Final = 1 << 24

cf_command = partial(command, module="bloom", since="1.0.0")


def existing(client: Client, key: bytes) -> CuckooFilter:
    """The filter in `key`; there must be one."""
    filter = client.db.module_value(key, CuckooFilter)
    if filter is None:
        raise CommandError(NOT_FOUND)
    return filter


def filter_or_none(client: Client, key: bytes) -> CuckooFilter | None:
    """The filter in `key`, which may hold something else too."""
    value = client.db.lookup(key)
    return value if isinstance(value, CuckooFilter) else None


def signed(number: int) -> int:
    """A counter of 64 bits as replies write it."""
    return number - (1 << 64) if number >> 63 else number


@cf_command(
    "CF.RESERVE key capacity [BUCKETSIZE bucketsize] [MAXITERATIONS maxiterations] [EXPANSION expansion]",
    flags="write denyoom",
    keys="RW",
    acl="write fast cuckoo",
    arity=-3,
)
def cf_reserve(client: Client, argv: Argv) -> Reply:
    """Make an empty filter for about so many items."""
    if len(argv) % 2 == 0:
        raise wrong_arity("cf.reserve")
    key = argv[1]
    texts = version(client)
    words = [word.upper() for word in argv]  # RMUtil_ArgIndex takes any word, the key too, for an option

    def option(name: bytes, default: int, least: int, largest: int) -> int:
        if name not in words:
            return default
        at = words.index(name) + 1
        number = long_long(argv[at]) if at < len(argv) else None
        if number is None:
            raise CommandError(f"Couldn't parse {name.decode()}")
        if not least <= number <= largest:
            raise CommandError(texts.cf_not_in_range.format(name=name.decode(), least=least, largest=largest))
        return number

    capacity = long_long(argv[2])
    if capacity is None:
        raise CommandError(BAD_CAPACITY)
    max_iterations = option(b"MAXITERATIONS", 20, 1, 65535)
    bucket_size = option(b"BUCKETSIZE", 2, 1, 255)
    expansion = option(b"EXPANSION", 1, 0, 32768)
    if not 2 * bucket_size <= capacity <= texts.cf_largest_capacity:
        raise CommandError(texts.cf_reserve_capacity)
    if client.db.open_for_write(key, CuckooFilter) is not None:
        raise CommandError(ITEM_EXISTS)
    try:
        client.db.add(key, CuckooFilter(capacity, bucket_size, max_iterations, expansion))
    except NoMemory:
        raise CommandError("Couldn't create Cuckoo Filter") from None
    client.db.modified(key, b"", 0)
    return OK


def insert(
    client: Client, key: bytes, items: Sequence[bytes], *, new: bool, capacity: int = 1024, creates: bool = True
) -> list[bool | CommandError | None]:
    """Add items to a filter, which is made if there is none and it may; with `new` only those that are not there.

    Answers whether each was added: None if there is no room.
    """
    filter = client.db.open_for_write(key, CuckooFilter)
    if filter is None:
        if not creates:
            raise CommandError(NOT_FOUND)
        try:
            filter = client.db.add(key, CuckooFilter(capacity, 2, 20, 1))
        except NoMemory:
            raise CommandError("Could not create filter") from None
    if len(filter.tables) >= MOST_EXPANSIONS:
        raise CommandError("Maximum expansions reached")
    replies: list[bool | CommandError | None] = []
    for item in items:
        try:
            replies.append(False if new and filter.contains(item) else filter.add(item) or None)
        except NoMemory:
            replies.append(CommandError("Memory allocation failure"))
    return replies


def insert_one(client: Client, argv: Argv, *, new: bool) -> Reply:
    _, key, item = argv
    (reply,) = insert(client, key, [item], new=new)
    if isinstance(reply, CommandError):
        raise reply
    if reply is None:
        raise CommandError("Filter is full")
    client.db.modified(key, b"", 0)
    return reply


def insert_many(client: Client, argv: Argv, *, new: bool) -> Sequence[bool | CommandError | None]:
    key = argv[1]
    texts = version(client)
    capacity = 1024
    creates = True
    items: list[bytes] = []
    words = iter(argv[2:])
    for option in words:
        letter = option[:1].lower()  # one is enough
        if letter == b"i":
            items = list(words)
        elif letter == b"c":
            text = next(words, None)
            if text is None:
                raise wrong_arity(client.command.name)
            number = long_long(text)
            if number is None:
                raise CommandError(BAD_CAPACITY)
            capacity = number
            if not 4 <= capacity <= texts.cf_largest_capacity:
                raise CommandError(texts.cf_insert_capacity)
        elif letter == b"n":
            creates = False
        else:
            raise CommandError("Unknown argument received")
    if not items:
        raise wrong_arity(client.command.name)
    replies = insert(client, key, items, new=new, capacity=capacity, creates=creates)
    client.db.modified(key, b"", 0)
    return replies


@cf_command("CF.ADD key item", flags="write denyoom", keys="RW", acl="write cuckoo")
def cf_add(client: Client, argv: Argv) -> Reply:
    """Add an item, once more if it is there, to a filter, which is made if there is none."""
    return insert_one(client, argv, new=False)


@cf_command("CF.ADDNX key item", flags="write denyoom", keys="RW", acl="write cuckoo")
def cf_addnx(client: Client, argv: Argv) -> Reply:
    """Add an item that is not there to a filter, which is made if there is none; answers whether it was added."""
    return insert_one(client, argv, new=True)


@cf_command(
    "CF.INSERT key [CAPACITY capacity] [NOCREATE] ITEMS item [item ...]",
    flags="write denyoom",
    keys="RW",
    acl="write cuckoo",
    arity=-4,
)
def cf_insert(client: Client, argv: Argv) -> Reply:
    """Add items, once more if they are there, and say what is to be made if there is no filter."""
    replies = insert_many(client, argv, new=False)
    if client.resp == 3:
        return [False if reply is None else reply for reply in replies]
    return [-1 if reply is None else reply for reply in replies]


@cf_command(
    "CF.INSERTNX key [CAPACITY capacity] [NOCREATE] ITEMS item [item ...]",
    flags="write denyoom",
    keys="RW",
    acl="write cuckoo",
    arity=-4,
)
def cf_insertnx(client: Client, argv: Argv) -> Reply:
    """Add items that are not there, and say what is to be made if there is no filter; answers whether each was added."""
    replies = insert_many(client, argv, new=True)
    return [-1 if reply is None else int(reply) if isinstance(reply, bool) else reply for reply in replies]


@cf_command("CF.EXISTS key item", flags="readonly fast", keys="RO", acl="read cuckoo")
def cf_exists(client: Client, argv: Argv) -> Reply:
    """Whether an item is probably there."""
    filter = filter_or_none(client, argv[1])
    return filter is not None and filter.contains(argv[2])


@cf_command("CF.MEXISTS key item [item ...]", flags="readonly fast", keys="RO", acl="read cuckoo")
def cf_mexists(client: Client, argv: Argv) -> Reply:
    """Whether items are probably there."""
    _, key, *items = argv
    filter = filter_or_none(client, key)
    return [filter is not None and filter.contains(item) for item in items]


@cf_command("CF.COUNT key item", flags="readonly fast", keys="RO", acl="read cuckoo")
def cf_count(client: Client, argv: Argv) -> Reply:
    """How often an item is probably there."""
    filter = filter_or_none(client, argv[1])
    return 0 if filter is None else filter.count(argv[2])


@cf_command("CF.DEL key item", flags="write fast", keys="RW", acl="write cuckoo")
def cf_del(client: Client, argv: Argv) -> Reply:
    """Take away an item, once; one that was never added may take another one with it."""
    _, key, item = argv
    filter = open_or_none(client, key)
    if filter is None:
        raise CommandError("Not found")
    deleted = filter.delete(item)
    client.db.modified(key, b"", 0)
    return deleted


@cf_command("CF.COMPACT key", flags="readonly fast", keys="RW access update", acl="read cuckoo", arity=-1)
def cf_compact(client: Client, argv: Argv) -> Reply:
    """Move items to the free places of the first tables, and do without the last ones if they can."""
    if len(argv) != 2:
        raise wrong_arity("cf.compact")
    filter = open_or_none(client, argv[1])
    if filter is None:
        raise CommandError("Cuckoo filter was not found")
    filter.compact()
    client.db.modified(argv[1], b"", 0)
    return OK


def open_or_none(client: Client, key: bytes) -> CuckooFilter | None:
    """`filter_or_none` for a command that changes the filter."""
    if isinstance(client.db.peek(key), CuckooFilter):
        return client.db.open_for_write(key, CuckooFilter)
    client.db.touch(key)
    return None


@cf_command("CF.INFO key", flags="readonly fast", keys="RO", acl="read fast cuckoo")
def cf_info(client: Client, argv: Argv) -> Reply:
    """The size of a filter, how it grows, and what was done with it."""
    filter = existing(client, argv[1])
    return {
        Status(b"Size"): filter.memory_usage(),
        Status(b"Number of buckets"): filter.buckets,
        Status(b"Number of filters"): len(filter.tables),
        Status(b"Number of items inserted"): signed(filter.items),
        Status(b"Number of items deleted"): signed(filter.deleted),
        Status(b"Bucket size"): filter.bucket_size,
        Status(b"Expansion rate"): filter.expansion,
        Status(b"Max iterations"): filter.max_iterations,
    }


@cf_command("CF.DEBUG key", flags="readonly fast", keys="RW access update", acl="read cuckoo", arity=-1)
def cf_debug(client: Client, argv: Argv) -> Reply:
    """The same on one line."""
    if len(argv) != 2:
        raise wrong_arity("cf.debug")
    filter = existing(client, argv[1])
    return b"bktsize:%d buckets:%d items:%d deletes:%d filters:%d max_iterations:%d expansion:%d" % (
        filter.bucket_size,
        filter.buckets,
        filter.items,
        filter.deleted,
        len(filter.tables),
        filter.max_iterations,
        filter.expansion,
    )


@cf_command("CF.SCANDUMP key iterator", flags="readonly fast", keys="RW", acl="read cuckoo")
def cf_scandump(client: Client, argv: Argv) -> Reply:
    """A piece of a filter, for CF.LOADCHUNK, and what to ask for the next one; begin with 0, end when it is 0."""
    _, key, iterator_text = argv
    iterator = long_long(iterator_text)
    if iterator is None or iterator < 0:
        raise CommandError("Invalid position")
    filter = existing(client, key)
    if not filter.items:
        return [0, None]
    if iterator == 0:
        return [1, filter.header()]
    return [*filter.chunk(iterator, LONGEST_CHUNK)]


@cf_command("CF.LOADCHUNK key iterator data", flags="write denyoom", keys="RW", acl="write cuckoo")
def cf_loadchunk(client: Client, argv: Argv) -> Reply:
    """Put a piece of a filter in its place, with the iterator that CF.SCANDUMP answered with it."""
    _, key, iterator_text, data = argv
    client.db.touch(key)
    iterator = long_long(iterator_text)
    if not iterator:
        raise CommandError("Invalid position")
    filter = client.db.for_write(key, CuckooFilter)
    try:
        if iterator == 1:
            if filter is not None:
                raise CommandError(ITEM_EXISTS)
            client.db.add(key, CuckooFilter.from_header(data))
        elif filter is None:
            raise CommandError(NOT_FOUND)
        else:
            filter.load(iterator, data)
    except ValueError as error:
        raise CommandError(str(error)) from None
    client.db.modified(key, b"", 0)
    return OK
