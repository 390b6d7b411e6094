"""CMS.*: count-min sketches."""

from __future__ import annotations

from functools import partial
from typing import Final

from redouble.core.client import Client
from redouble.core.command import Argv, command
from redouble.core.errors import CommandError, wrong_arity
from redouble.modules.arguments import double, long_long
from redouble.modules.bloom.count_min_sketch import LARGEST_COUNT, CountMinSketch, dimensions
from redouble.modules.bloom.memory import NoMemory
from redouble.modules.bloom.versions import version
from redouble.resp.reply import OK, Reply, Status

NO_KEY: Final = "CMS: key does not exist"
NO_MEMORY: Final = "CMS: Insufficient memory to create the key"

cms_command = partial(command, module="bloom", since="2.0.0")


def existing(client: Client, key: bytes) -> CountMinSketch:
    """The sketch in `key`; there must be one."""
    sketch = client.db.module_value(key, CountMinSketch)
    if sketch is None:
        raise CommandError(NO_KEY)
    return sketch


def size(text: bytes, name: str) -> int:
    """A width or a depth."""
    number = long_long(text)
    if number is None or number < 1:
        raise CommandError(f"CMS: invalid {name}")
    return number


def fraction(text: bytes, name: str) -> float:
    """A number between 0 and 1, both excluded."""
    number = double(text)
    if number is None or not 0 < number < 1:
        raise CommandError(f"CMS: invalid {name} value")
    return number


def create(client: Client, key: bytes, width: int, depth: int) -> Reply:
    """An empty sketch in a key that does not exist."""
    try:
        client.db.add(key, CountMinSketch(width, depth))
    except NoMemory:
        raise CommandError(NO_MEMORY) from None
    client.db.modified(key, b"", 0)
    return OK


def must_be_new(client: Client, key: bytes) -> None:
    client.db.touch(key)  # the key is opened for writing
    if client.db.peek(key) is not None:
        raise CommandError("CMS: key already exists")


@cms_command("CMS.INITBYDIM key width depth", flags="write denyoom", keys="RW", acl="write fast cms")
def cms_initbydim(client: Client, argv: Argv) -> Reply:
    """Make a sketch of a certain size."""
    _, key, width, depth = argv
    must_be_new(client, key)
    return create(client, key, size(width, "width"), size(depth, "depth"))


@cms_command("CMS.INITBYPROB key error probability", flags="write denyoom", keys="RW", acl="write fast cms")
def cms_initbyprob(client: Client, argv: Argv) -> Reply:
    """Make a sketch that is right to within an error, with a probability of less than one in so many to be wrong."""
    _, key, error, probability = argv
    must_be_new(client, key)
    width, depth = dimensions(fraction(error, "overestimation"), fraction(probability, "prob"))
    return create(client, key, width, depth)


@cms_command(
    "CMS.INCRBY key <item increment> [item increment ...]", flags="write denyoom", keys="RW", acl="write cms", arity=-4
)
def cms_incrby(client: Client, argv: Argv) -> Reply:
    """Count items; answers the new count of each."""
    _, key, *pairs = argv
    if len(pairs) % 2:
        raise wrong_arity("cms.incrby")
    sketch = existing(client, key)
    amounts = []
    for text in pairs[1::2]:
        amount = long_long(text)
        if amount is None:
            raise CommandError("CMS: Cannot parse number")
        if amount < 0:
            raise CommandError("CMS: Number cannot be negative")
        amounts.append(amount)
    client.server.dirty += 1  # nobody who watches the key is told
    counts = [sketch.increase(item, amount) for item, amount in zip(pairs[::2], amounts)]
    return [CommandError("CMS: INCRBY overflow") if count == LARGEST_COUNT else count for count in counts]


@cms_command("CMS.QUERY key item [item ...]", flags="readonly", keys="RO", acl="read cms")
def cms_query(client: Client, argv: Argv) -> Reply:
    """How often items came, at most."""
    _, key, *items = argv
    sketch = existing(client, key)
    return [sketch.query(item) for item in items]


@cms_command(
    "CMS.MERGE destination numKeys source [source ...] [WEIGHTS weight [weight ...]]",
    flags="write denyoom",
    keys="RW",
    acl="write cms",
)
def cms_merge(client: Client, argv: Argv) -> Reply:
    """Make a sketch the sum of others, each multiplied by its weight."""
    _, destination, count_text, *rest = argv
    target = client.db.open_for_write(destination, CountMinSketch)
    if target is None:
        raise CommandError(NO_KEY)
    count = long_long(count_text)
    if count is None:
        raise CommandError("CMS: invalid numkeys")
    if count < 1 and version(client).cms_no_keys:
        raise CommandError(version(client).cms_no_keys)
    words = [word.upper() for word in rest]
    at = words.index(b"WEIGHTS") if b"WEIGHTS" in words else len(rest)
    if b"WEIGHTS" not in words and len(rest) != count:
        raise CommandError("CMS: wrong number of keys")
    if b"WEIGHTS" in words and (at, len(rest)) != (count, 2 * count + 1):
        raise CommandError("CMS: wrong number of keys/weights")
    weights, sources = [], []
    for key, text in zip(rest, rest[at + 1 :] or [b"1"] * count):
        weight = long_long(text)
        if weight is None:
            raise CommandError("CMS: invalid weight value")
        weights.append(weight)
        sources.append(source := existing(client, key))
        if (source.width, source.depth) != (target.width, target.depth):
            raise CommandError("CMS: width/depth is not equal")
    if not target.merge(sources, weights):
        raise CommandError("CMS: MERGE overflow")
    client.server.dirty += 1
    return OK


@cms_command("CMS.INFO key", flags="readonly", keys="RO", acl="read fast cms")
def cms_info(client: Client, argv: Argv) -> Reply:
    """The size of a sketch, and how much was counted."""
    sketch = existing(client, argv[1])
    count = sketch.count - (1 << 64) if sketch.count >> 63 else sketch.count
    return {Status(b"width"): sketch.width, Status(b"depth"): sketch.depth, Status(b"count"): count}
