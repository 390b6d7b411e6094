"""TDIGEST.*: t-digests, which estimate how observations are distributed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Final

from redouble.core.client import Client
from redouble.core.command import Argv, command
from redouble.core.errors import WRONGTYPE, CommandError, wrong_arity
from redouble.modules.arguments import double, long_long
from redouble.modules.bloom.t_digest import LARGEST_COMPRESSION, TDigest, WeightOverflow
from redouble.resp.reply import OK, Reply, Status

NO_KEY: Final = "ERR T-Digest: key does not exist"
WRONG_WORD: Final = "ERR T-Digest: wrong keyword"
OVERFLOW: Final = "ERR T-Digest: overflow detected"

tdigest_command = partial(command, module="bloom", since="2.4.0")
reading_command = partial(tdigest_command, flags="readonly", keys="RO")


def existing(client: Client, key: bytes) -> TDigest:
    """The digest in `key`; there must be one."""
    digest = client.db.module_value(key, TDigest)
    if digest is None:
        raise CommandError(NO_KEY)
    return digest


def opened(client: Client, key: bytes) -> TDigest:
    """The same for a command that changes it."""
    digest = client.db.open_for_write(key, TDigest)
    if digest is None:
        raise CommandError(NO_KEY)
    return digest


def compression_of(text: bytes) -> int:
    """A compression that a client sent."""
    number = long_long(text)
    if number is None:
        raise CommandError("ERR T-Digest: error parsing compression parameter")
    if number <= 0:
        raise CommandError("ERR T-Digest: compression parameter needs to be a positive integer")
    return number


def numbers(texts: Sequence[bytes], name: str) -> list[float]:
    """Values that a client sent; `name` is what the error calls one."""
    values = []
    for text in texts:
        value = double(text)
        if value is None:
            raise CommandError(f"ERR T-Digest: error parsing {name}")
        values.append(value)
    return values


# Making and changing digests.


@tdigest_command(
    "TDIGEST.CREATE key [COMPRESSION compression]", flags="write denyoom", keys="RW", acl="write fast tdigest"
)
def tdigest_create(client: Client, argv: Argv) -> Reply:
    """Make an empty digest."""
    if len(argv) not in (2, 4):
        raise wrong_arity("tdigest.create")
    _, key, *words = argv
    client.db.touch(key)
    value = client.db.peek(key)
    if value is not None:
        raise CommandError("ERR T-Digest: key already exists" if type(value) is TDigest else WRONGTYPE)
    compression = 100
    if words:
        if b"COMPRESSION" not in (words[0].upper(), words[1].upper()):
            raise CommandError(WRONG_WORD)
        compression = compression_of(words[1])
    if compression > LARGEST_COMPRESSION:
        raise CommandError("ERR T-Digest: allocation failed")
    client.db.add(key, TDigest(compression))
    client.db.modified(key, b"", 0)
    return OK


@tdigest_command("TDIGEST.RESET key", flags="write denyoom", keys="RW", acl="write fast tdigest")
def tdigest_reset(client: Client, argv: Argv) -> Reply:
    """Forget all observations."""
    opened(client, argv[1]).reset()
    client.server.dirty += 1
    return OK


@tdigest_command("TDIGEST.ADD key value [value ...]", flags="write denyoom", keys="RW", acl="write tdigest")
def tdigest_add(client: Client, argv: Argv) -> Reply:
    """Add observations."""
    _, key, *texts = argv
    digest = opened(client, key)
    values = []
    for text in texts:
        (value,) = numbers([text], "val parameter")
        if math.isinf(value):
            raise CommandError("ERR T-Digest: val parameter needs to be a finite number")
        values.append(value)
    try:
        for value in values:
            digest.add(value)
    except WeightOverflow:
        raise CommandError(OVERFLOW) from None
    client.server.dirty += 1
    return OK


@tdigest_command(
    "TDIGEST.MERGE destination numkeys source [source ...] [COMPRESSION compression] [OVERRIDE]",
    flags="write denyoom",
    keys="RW, RO",
    acl="write tdigest",
)
def tdigest_merge(client: Client, argv: Argv) -> Reply:
    """Make a digest of the observations of others, and of its own unless they are overridden."""
    _, destination, count_text, *rest = argv
    target = client.db.module_value(destination, TDigest)
    count = long_long(count_text)
    if count is None:
        raise CommandError("ERR T-Digest: error parsing numkeys")
    if count <= 0:
        raise CommandError("ERR T-Digest: numkeys needs to be a positive integer")
    if count > len(rest):
        raise wrong_arity("tdigest.merge")
    keys, options = rest[:count], rest[count:]
    words = [word.upper() for word in options]
    override = b"OVERRIDE" in words
    compression = None if target is None or override else target.compression
    if b"COMPRESSION" in words:
        at = words.index(b"COMPRESSION") + 1
        if at == len(options):
            raise wrong_arity("tdigest.merge")
        compression = compression_of(options[at])
    elif options and not override:
        raise CommandError(WRONG_WORD)
    sources = [_source(client, key, destination, target) for key in keys]
    if compression is None:
        compression = max(source.compression for source in sources)
    if compression > LARGEST_COMPRESSION:
        raise CommandError("ERR T-Digest: allocation of destination digest failed")
    merged = TDigest(compression)
    try:
        for source in sources if target is None or override else (target, *sources):
            merged.merge(source)
    except WeightOverflow:
        raise CommandError(OVERFLOW) from None
    _put(client, destination, merged)
    return OK


def _source(client: Client, key: bytes, destination: bytes, target: TDigest | None) -> TDigest:
    if key != destination:
        return existing(client, key)
    if target is None:
        raise CommandError(NO_KEY)
    return target


def _put(client: Client, key: bytes, digest: TDigest) -> None:
    """Give a key a new value, and no time to live."""
    if client.db.peek(key) is not None:
        client.db.take(key)
    client.db.add(key, digest)
    client.db.modified(key, b"", 0)


# Questions.


@reading_command("TDIGEST.MIN key", acl="read fast tdigest")
def tdigest_min(client: Client, argv: Argv) -> Reply:
    """The smallest observation."""
    digest = existing(client, argv[1])
    return digest.minimum if digest.size > 0 else math.nan


@reading_command("TDIGEST.MAX key", acl="read fast tdigest")
def tdigest_max(client: Client, argv: Argv) -> Reply:
    """The largest observation."""
    digest = existing(client, argv[1])
    return digest.maximum if digest.size > 0 else math.nan


@reading_command("TDIGEST.QUANTILE key quantile [quantile ...]", acl="read fast tdigest")
def tdigest_quantile(client: Client, argv: Argv) -> Reply:
    """Values that are larger than a certain part of the observations."""
    _, key, *texts = argv
    digest = existing(client, key)
    fractions = []
    for text in texts:
        (fraction,) = numbers([text], "quantile")
        if not 0 <= fraction <= 1:
            raise CommandError("ERR T-Digest: quantile should be in [0,1]")
        fractions.append(fraction)
    return digest.quantiles(fractions)


@reading_command("TDIGEST.CDF key value [value ...]", acl="read fast tdigest")
def tdigest_cdf(client: Client, argv: Argv) -> Reply:
    """Which part of the observations is smaller than values, or half of them equal."""
    _, key, *texts = argv
    digest = existing(client, key)
    return [digest.cdf(value) for value in numbers(texts, "cdf")]


@reading_command("TDIGEST.TRIMMED_MEAN key low_cut_quantile high_cut_quantile", acl="read tdigest")
def tdigest_trimmed_mean(client: Client, argv: Argv) -> Reply:
    """The mean of what lies between two quantiles."""
    _, key, low_text, high_text = argv
    digest = existing(client, key)
    (low,) = numbers([low_text], "low_cut_percentile")
    (high,) = numbers([high_text], "high_cut_percentile")
    if not (0 <= low <= 1 and 0 <= high <= 1):
        raise CommandError("ERR T-Digest: low_cut_percentile and high_cut_percentile should be in [0,1]")
    if low >= high:
        raise CommandError("ERR T-Digest: low_cut_percentile should be lower than high_cut_percentile")
    return digest.trimmed_mean(low, high)


@reading_command("TDIGEST.RANK key value [value ...]", acl="read fast tdigest")
def tdigest_rank(client: Client, argv: Argv) -> Reply:
    """How many observations are smaller than values, with half of those that are equal."""
    return _ranks(client, argv, reverse=False)


@reading_command("TDIGEST.REVRANK key value [value ...]", acl="read fast tdigest")
def tdigest_revrank(client: Client, argv: Argv) -> Reply:
    """How many observations are larger than values, with half of those that are equal."""
    return _ranks(client, argv, reverse=True)


def _ranks(client: Client, argv: Argv, reverse: bool) -> Reply:
    _, key, *texts = argv
    digest = existing(client, key)
    return [digest.rank(value, reverse) for value in numbers(texts, "value")]


@reading_command("TDIGEST.BYRANK key rank [rank ...]", acl="read fast tdigest")
def tdigest_byrank(client: Client, argv: Argv) -> Reply:
    """Values that are larger than a certain number of observations."""
    return _by_ranks(client, argv, reverse=False)


@reading_command("TDIGEST.BYREVRANK key reverse_rank [reverse_rank ...]", acl="read fast tdigest")
def tdigest_byrevrank(client: Client, argv: Argv) -> Reply:
    """Values that are smaller than a certain number of observations."""
    return _by_ranks(client, argv, reverse=True)


def _by_ranks(client: Client, argv: Argv, reverse: bool) -> Reply:
    _, key, *texts = argv
    digest = existing(client, key)
    ranks = []
    for text in texts:
        rank = long_long(text)
        if rank is None:
            raise CommandError("ERR T-Digest: error parsing rank")
        if rank < 0:
            raise CommandError("ERR T-Digest: rank needs to be non negative")
        ranks.append(rank)
    return [digest.by_rank(rank, reverse) for rank in ranks]


@reading_command("TDIGEST.INFO key", acl="read fast tdigest")
def tdigest_info(client: Client, argv: Argv) -> Reply:
    """The measures of a digest, and what is in it."""
    digest = existing(client, argv[1])
    facts = {
        b"Compression": digest.compression,
        b"Capacity": digest.capacity,
        b"Merged nodes": digest.merged,
        b"Unmerged nodes": len(digest.means) - digest.merged,
        b"Merged weight": digest.merged_weight,
        b"Unmerged weight": digest.unmerged_weight,
        b"Observations": digest.size,
        b"Total compressions": digest.compressions,
        b"Memory usage": digest.memory_usage(),
    }
    return {Status(name): fact for name, fact in facts.items()}
