"""TOPK.*: lists of the items that came most often."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Final

from redouble.core.client import Client
from redouble.core.command import Argv, command
from redouble.core.errors import CommandError, wrong_arity
from redouble.modules.arguments import double, long_long
from redouble.modules.bloom.top_k import LARGEST_INCREMENT, TopK
from redouble.modules.bloom.versions import version
from redouble.resp.reply import OK, Reply, Status

NO_KEY: Final = "TopK: key does not exist"
BAD_INCREMENT: Final = (
    f"TopK: increment must be an integer greater or equal to 0{' ' * 28}and smaller or equal to {LARGEST_INCREMENT:,}"
)
MOST_BYTES: Final = 1 << 29
"""In one part of a value: RedisBloom takes as many as the machine has."""

topk_command = partial(command, module="bloom", since="2.0.0")


def existing(client: Client, key: bytes) -> TopK:
    """The list in `key`; there must be one."""
    value = client.db.module_value(key, TopK)
    if value is None:
        raise CommandError(NO_KEY)
    return value


def opened(client: Client, key: bytes) -> TopK:
    """The same for a command that changes it."""
    value = client.db.open_for_write(key, TopK)
    if value is None:
        raise CommandError(NO_KEY)
    return value


def chance(client: Client, value: TopK) -> Random | None:
    """What decides whether counts decay."""
    return client.server.random if version(client).topk_decays_when_loaded or not value.was_loaded else None


def size(text: bytes, name: str) -> int:
    """How many items, or a width or a depth."""
    number = long_long(text)
    if number is None or number < 1:
        raise CommandError(f"TopK: invalid {name}")
    return number


def shown(item: bytes | None) -> bytes | None:
    """An item as replies have it: up to the first zero byte."""
    return item if item is None else item.partition(b"\0")[0]


@topk_command("TOPK.RESERVE key topk [width depth decay]", flags="write denyoom", keys="RW", acl="write fast topk")
def topk_reserve(client: Client, argv: Argv) -> Reply:
    """Make an empty list."""
    if len(argv) not in (3, 6):
        raise wrong_arity("topk.reserve")
    _, key, k_text, *shape = argv
    client.db.touch(key)
    if client.db.peek(key) is not None:
        raise CommandError("TopK: key already exists")
    value = TopK(size(k_text, "k"))
    if shape:
        value.width, value.depth = size(shape[0], "width"), size(shape[1], "depth")
        decay = double(shape[2])
        if decay is None or not 0 < decay <= 1:
            raise CommandError("TopK: invalid decay value. must be '<= 1' & '> 0'")
        value.decay = decay
    if max(8 * value.width * value.depth, 24 * value.k) > MOST_BYTES:
        raise CommandError("ERR Insufficient memory to create topk data structure")
    client.db.add(key, value)
    client.db.modified(key, b"", 0)
    return OK


@topk_command("TOPK.ADD key item [item ...]", flags="write denyoom", keys="RW", acl="write topk")
def topk_add(client: Client, argv: Argv) -> Reply:
    """Count items; answers for each the one that it drove from the list."""
    _, key, *items = argv
    value = opened(client, key)
    client.server.dirty += 1
    random = chance(client, value)
    return [shown(value.add(item, 1, random)) for item in items]


@topk_command("TOPK.INCRBY key item increment [item increment ...]", flags="write denyoom", keys="RW", acl="write topk")
def topk_incrby(client: Client, argv: Argv) -> Reply:
    """Count items several times; answers for each the one that it drove from the list."""
    _, key, *pairs = argv
    if len(pairs) % 2:
        raise wrong_arity("topk.incrby")
    value = opened(client, key)
    client.server.dirty += 1
    random = chance(client, value)
    expelled: list[Reply] = []
    for item, text in zip(pairs[::2], pairs[1::2]):
        increment = long_long(text)
        if increment is None or not 0 <= increment <= LARGEST_INCREMENT:
            # RedisBloom ends here, too, but its array promises an answer for each item, so that its clients wait for ever.
            return [*expelled, CommandError(BAD_INCREMENT)]
        expelled.append(shown(value.add(item, increment, random)))
    return expelled


@topk_command("TOPK.QUERY key item [item ...]", flags="readonly", keys="RO", acl="read topk")
def topk_query(client: Client, argv: Argv) -> Reply:
    """Whether items are in the list."""
    _, key, *items = argv
    value = existing(client, key)
    return [item in value for item in items]


@topk_command("TOPK.COUNT key item [item ...]", flags="write@before:8.0.0 readonly@8.0.0", keys="RO", acl="read topk")
def topk_count(client: Client, argv: Argv) -> Reply:
    """How often items came, about."""
    _, key, *items = argv
    value = existing(client, key)
    return [value.query(item) for item in items]


@topk_command("TOPK.LIST key [WITHCOUNT]", flags="readonly", keys="RO", acl="read topk")
def topk_list(client: Client, argv: Argv) -> Reply:
    """The items of the list, the most frequent first."""
    if len(argv) > 3:
        raise wrong_arity("topk.list")
    _, key, *word = argv
    if word and not b"WITHCOUNT".startswith(word[0].upper()):
        raise CommandError("WITHCOUNT keyword expected")
    items = existing(client, key).items()
    if word:
        return [part for item, count in items for part in (shown(item), count)]
    return [shown(item) for item, _ in items]


@topk_command("TOPK.INFO key", flags="readonly", keys="RO", acl="read fast topk")
def topk_info(client: Client, argv: Argv) -> Reply:
    """The measures of a list."""
    value = existing(client, argv[1])
    return {
        Status(b"k"): value.k,
        Status(b"width"): value.width,
        Status(b"depth"): value.depth,
        Status(b"decay"): value.decay,
    }
