"""The options of TS commands.  They are looked for in the whole command line: where a word first stands, key or not, is where
its values are expected."""

from __future__ import annotations

from collections.abc import Sequence

from redouble.core.client import Client
from redouble.core.command import Argv
from redouble.core.errors import CommandError, wrong_arity
from redouble.modules.arguments import double, long_long
from redouble.modules.timeseries.aggregation import AGGREGATORS, Aggregator, First, Last, TimeWeightedAverage
from redouble.modules.timeseries.labels import Condition, parse_condition
from redouble.modules.timeseries.ranges import Buckets, Query
from redouble.modules.timeseries.series import POLICIES, Labels, Settings
from redouble.modules.timeseries.versions import version

__all__ = [
    "buckets",
    "conditions",
    "error",
    "find",
    "policy",
    "query",
    "reducer",
    "selected_labels",
    "settings",
    "timestamp",
]

_KEYWORDS = frozenset(b"WITHLABELS AGGREGATION LIMIT GROUPBY REDUCE FILTER FILTER_BY_VALUE FILTER_BY_TS COUNT".split())
"""They end the list of SELECTED_LABELS."""
_OPTIONS = frozenset(b"LATEST COUNT AGGREGATION ALIGN FILTER_BY_VALUE FILTER_BY_TS".split())
"""Of TS.RANGE."""
_MOST_LABELS = 50
_NOT_IN_LABELS = frozenset(b"(),")
_MOST_TIMESTAMPS = 128
_HALVES = {b"start": 0, b"-": 0, b"mid": 1, b"~": 1, b"end": 2, b"+": 2}
"""What BUCKETTIMESTAMP takes: how many halves of a bucket after its start."""
_END_OF_TIME = (1 << 63) - 1


def error(text: str) -> CommandError:
    return CommandError(f"ERR TSDB: {text}")


def find(argv: Sequence[bytes], word: bytes, start: int = 0) -> int:
    """Where a word first stands; -1: nowhere."""
    length = len(word)
    for index in range(start, len(argv)):
        if len(argv[index]) == length and argv[index].upper() == word:
            return index
    return -1


def timestamp(text: bytes) -> int | None:
    """Milliseconds, from 0 on."""
    number = long_long(text)
    return number if number is not None and number >= 0 else None


def _value_after(argv: Argv, at: int) -> bytes:
    return argv[at + 1] if at + 1 < len(argv) else b""


# How series are made.


def settings(client: Client, argv: Argv, name: str) -> Settings:
    """The options of TS.CREATE, in the command called `name`."""
    made = Settings()
    made.labels = _labels(argv)
    at = find(argv, b"RETENTION")
    if at > 0:
        retention = long_long(_value_after(argv, at))
        if retention is None:
            raise error("Couldn't parse RETENTION")
        if retention < 0:
            raise CommandError("TSDB: Couldn't parse RETENTION")
        made.retention = retention
    at = find(argv, b"CHUNK_SIZE")
    if at >= 0:
        size = long_long(_value_after(argv, at))
        if size is None:
            raise error("Couldn't parse CHUNK_SIZE")
        if not 48 <= size <= 1048576 or size % 8:
            raise error("CHUNK_SIZE value must be a multiple of 8 in the range [48 .. 1048576]")
        made.chunk_size = size
    made.options = _encoding(argv, name)
    made.policy = policy(argv, b"DUPLICATE_POLICY")
    at = find(argv, b"IGNORE")
    if at >= 0:
        time, value = long_long(_value_after(argv, at)), double(_value_after(argv, at + 1))
        if time is None or value is None:
            raise error("Couldn't parse IGNORE")
        if time < 0 or value < 0:
            raise error("IGNORE arguments cannot be negative")
        made.ignore_time, made.ignore_value = time, value
    return made


def _labels(argv: Argv) -> Labels:
    at = find(argv, b"LABELS")
    if at < 0:
        return []
    rest = argv[at + 1 :]
    labels = list(zip(rest[::2], rest[1::2]))
    if any(not name or not value or not _NOT_IN_LABELS.isdisjoint(value) for name, value in labels):
        raise error("Couldn't parse LABELS")
    return labels


def _encoding(argv: Argv, name: str) -> int:
    at = find(argv, b"ENCODING")
    if at > 0:
        if at + 1 == len(argv):
            raise wrong_arity(name)
        word = argv[at + 1].upper()
        if word not in (b"UNCOMPRESSED", b"COMPRESSED"):
            raise error("unknown ENCODING parameter")
        return Settings.UNCOMPRESSED if word == b"UNCOMPRESSED" else Settings.COMPRESSED
    options = Settings.UNCOMPRESSED if find(argv, b"UNCOMPRESSED") > 0 else 0
    if find(argv, b"COMPRESSED") > 0:
        options |= Settings.COMPRESSED
    return options or Settings.COMPRESSED


def policy(argv: Argv, option: bytes) -> bytes:
    """The policy for duplicates behind `option`; empty: none is given."""
    at = find(argv, option)
    if at < 0:
        return b""
    if at + 1 == len(argv):
        raise error("Couldn't parse DUPLICATE_POLICY")
    word = argv[at + 1].lower()
    if word not in POLICIES[1:]:
        raise error("Unknown DUPLICATE_POLICY")
    return word


# How they are asked.


def aggregator(client: Client, text: bytes) -> type[Aggregator] | None:
    """The aggregator of this name, if the version has it."""
    kind = AGGREGATORS.get(text.lower())
    return None if kind is not None and kind.number > 13 and not version(client).counts_nan else kind


def buckets(client: Client, argv: Argv, at: int) -> Buckets:
    """What stands behind AGGREGATION, which is at `at`."""
    words = argv[at + 1 : at + 3]
    duration = long_long(words[1]) if len(words) == 2 else None
    if duration is None:
        raise error("Couldn't parse AGGREGATION")
    kind = aggregator(client, words[0])
    if kind is None:
        raise error("Unknown aggregation type")
    if duration <= 0:
        raise error("bucketDuration must be greater than zero")
    return Buckets(kind, duration)


def query(client: Client, argv: Argv, start: int, name: str) -> Query:
    """Two times, which are at `start`, and the options of TS.RANGE, in the command called `name`."""
    first, last = argv[start], argv[start + 1]
    begin = 0 if first == b"-" else timestamp(first)
    if begin is None:
        raise error("wrong fromTimestamp")
    end = _END_OF_TIME if last == b"+" else timestamp(last)
    if end is None:
        raise error("wrong toTimestamp")
    made = Query(begin, end)
    if len(argv) == start + 2 and argv[1].upper() not in _OPTIONS:
        return made
    made.latest = find(argv, b"LATEST") > 0
    made.count = _count(argv)
    at = find(argv, b"AGGREGATION")
    if at > 0:
        made.buckets = _buckets_of_query(client, argv, at, name)
    alignment = _alignment(argv, made, name)
    if alignment is not None:
        if made.buckets is None:
            raise error("ALIGN parameter can only be used with AGGREGATION")
        word, made.buckets.alignment = alignment
        if word == b"start" and first == b"-":
            raise error("start alignment can only be used with explicit start timestamp")
        if word == b"end" and last == b"+":
            raise error("end alignment can only be used with explicit end timestamp")
    made.values = _values(argv)
    made.timestamps = _timestamps(argv)
    return made


def _count(argv: Argv) -> int:
    at = find(argv, b"COUNT")
    for option in (b"AGGREGATION", b"REDUCE"):
        place = find(argv, option)
        if at > 0 and place > 0 and at == place + 1:  # it is the aggregator
            at = find(argv, b"COUNT", at + 1)
    if at <= 0:
        return -1
    if at + 1 == len(argv):
        raise error("COUNT argument is missing")
    count = long_long(argv[at + 1])
    if count is None:
        raise error("Couldn't parse COUNT")
    if count <= 0:
        raise error("Invalid COUNT value")
    return count


def _buckets_of_query(client: Client, argv: Argv, at: int, name: str) -> Buckets:
    made = buckets(client, argv, at)
    place = find(argv, b"EMPTY")
    if place > 0:
        if place not in (at + 3, at + 5):
            raise error("EMPTY flag should be the 3rd or 5th flag after AGGREGATION flag")
        made.with_empty = True
    place = find(argv, b"BUCKETTIMESTAMP")
    if place > 0:
        if place not in (at + 3, at + 4):
            raise error("BUCKETTIMESTAMP flag should be the 3rd or 4th flag after AGGREGATION flag")
        if place + 1 == len(argv):
            raise wrong_arity(name)
        halves = _HALVES.get(argv[place + 1].lower())
        if halves is None:
            raise error("unknown BUCKETTIMESTAMP parameter")
        made.shift = halves * made.duration // 2
    return made


def _alignment(argv: Argv, made: Query, name: str) -> tuple[bytes, int] | None:
    """`start`, `end` or empty, and the timestamp at which a bucket starts."""
    at = find(argv, b"ALIGN")
    if at <= 0:
        return None
    if at + 1 == len(argv):
        raise wrong_arity(name)
    word = argv[at + 1].lower()
    if word in (b"start", b"-"):
        return b"start", made.start
    if word in (b"end", b"+"):
        return b"end", made.end
    moment = timestamp(word)
    if moment is None:
        raise error("unknown ALIGN parameter")
    return b"", moment


def _values(argv: Argv) -> tuple[float, float] | None:
    at = find(argv, b"FILTER_BY_VALUE")
    if at <= 0:
        return None
    if at + 2 >= len(argv):
        raise error("FILTER_BY_VALUE one or more arguments are missing")
    least = double(argv[at + 1])
    if least is None:
        raise error("Couldn't parse MIN")
    most = double(argv[at + 2])
    if most is None:
        raise error("Couldn't parse MAX")
    return least, most


def _timestamps(argv: Argv) -> list[int] | None:
    at = find(argv, b"FILTER_BY_TS")
    if at <= 0:
        return None
    found: set[int] = set()
    for taken, word in enumerate(argv[at + 1 :]):
        moment = timestamp(word)
        if moment is None or taken == _MOST_TIMESTAMPS:
            break
        found.add(moment)
    if not found:
        raise error("FILTER_BY_TS one or more arguments are missing")
    return sorted(found)


def conditions(words: Sequence[bytes]) -> list[Condition]:
    """The conditions of FILTER, of which one must name values that series have."""
    found = []
    for word in words:
        condition = parse_condition(word)
        if condition is None:
            raise error("failed parsing labels")
        found.append(condition)
    if not any(condition.is_matcher for condition in found):
        raise error("please provide at least one matcher")
    return found


def selected_labels(argv: Argv) -> tuple[bool, list[bytes]]:
    """Whether all labels are wanted, and otherwise which."""
    with_labels, at = find(argv, b"WITHLABELS") > 0, find(argv, b"SELECTED_LABELS")
    if at <= 0:
        return with_labels, []
    if with_labels:
        raise error("cannot accept WITHLABELS and SELECT_LABELS together")
    found: list[bytes] = []
    for word in argv[at + 1 :]:
        if word.upper() in _KEYWORDS:
            break
        if len(found) == _MOST_LABELS:
            raise error("reached max size for SELECT_LABELS")
        found.append(word.partition(b"\0")[0])
    if not found:
        raise error("SELECT_LABELS should have at least 1 parameter")
    return False, found


def reducer(client: Client, text: bytes) -> type[Aggregator]:
    """The aggregator behind REDUCE."""
    kind = aggregator(client, text)
    if kind is None or kind in (First, Last, TimeWeightedAverage):
        raise error("Invalid reducer type")
    return kind
