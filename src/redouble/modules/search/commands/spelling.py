"""FT.SPELLCHECK: what the words of a query may have been meant to be."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from redouble.core.client import Client
from redouble.core.command import Argv
from redouble.core.errors import CommandError, text
from redouble.modules.arguments import long_long
from redouble.modules.search.arguments import ft_command
from redouble.modules.search.commands.search import BAD_DIALECT, MOST_DIALECT
from redouble.modules.search.query.parser import parse
from redouble.modules.search.registry import existing_index, registry
from redouble.modules.search.spelling import Suggestion, is_known, suggestions, terms_of
from redouble.resp.reply import Reply, Status

__all__: list[str] = []

BAD_DISTANCE: Final = "bad distance given, distance must be a natural number between 1 to 4"


@dataclass
class Options:
    """What follows the query."""

    distance: int = 1
    includes: list[bytes] = field(default_factory=list)
    excludes: list[bytes] = field(default_factory=list)
    counts: bool = False
    """FULLSCOREINFO: how many documents have a word, not which part of all."""
    dialect: int = 1


def _dialect(words: list[bytes], at: int) -> int:
    if at + 1 == len(words):
        raise CommandError("Need an argument for DIALECT")
    number = long_long(words[at + 1])
    if number is None or not 1 <= number <= MOST_DIALECT:
        raise CommandError(BAD_DIALECT)
    return number


def _options(words: list[bytes], options: Options) -> None:
    """Words that are no options do not matter."""
    upper = [word.upper() for word in words]
    if b"DISTANCE" in upper:
        at = upper.index(b"DISTANCE")
        if at + 1 == len(words):
            raise CommandError("DISTANCE arg is given but no DISTANCE comes after")
        number = long_long(words[at + 1])
        if number is None or not 1 <= number <= 4:
            raise CommandError(BAD_DISTANCE)
        options.distance = number
    options.counts = b"FULLSCOREINFO" in upper
    for at, word in enumerate(upper):
        if word == b"TERMS":
            if at + 2 >= len(words):
                raise CommandError("TERM arg is given but no TERM params comes after")
            if upper[at + 1] not in (b"INCLUDE", b"EXCLUDE"):
                raise CommandError("bad format, exlude/include operation was not given")
            chosen = options.includes if upper[at + 1] == b"INCLUDE" else options.excludes
            chosen.append(words[at + 2])


@ft_command(
    "FT.SPELLCHECK key query [DISTANCE distance] [TERMS inclusion dictionary [terms [terms ...]]] [DIALECT dialect]",
    flags="readonly",
    keys="RW",
    arity=-3,
)
def ft_spellcheck(client: Client, argv: Argv) -> Reply:
    """Words that are near those of a query that the index lacks."""
    _, name, query, *words = argv
    index = existing_index(client, name, "Unknown Index name")
    options = Options(dialect=registry(client.server).settings[b"DEFAULT_DIALECT"])
    upper = [word.upper() for word in words]
    if b"DIALECT" in upper:
        options.dialect = _dialect(words, upper.index(b"DIALECT"))
    node = parse(query, index.schema, options.dialect, stop_words=(), is_asked=False)
    _options(words, options)
    includes, excludes = (
        [_dictionary(client, name) for name in names] for names in (options.includes, options.excludes)
    )
    total = 1 if options.counts else len(index.documents.ids) or 1
    found: list[tuple[bytes, list[Suggestion] | None]] = []
    for term in terms_of(node):
        if is_known(term.text, index):
            if options.counts:
                found.append((term.text, None))
        elif not any(term.text in words for words in excludes):
            found.append((term.text, suggestions(term, index, options.distance, includes)))
    if client.resp == 3:
        results: dict[bytes, Reply] = {}
        for word, near in found:
            results[word] = [{one.word: one.count / total} for one in near] if near is not None else EXISTS_ERROR
        facts: dict[Status, Reply] = {Status(b"total_docs"): len(index.documents.ids)} if options.counts else {}
        return {**facts, Status(b"results"): results}
    rows: list[Reply] = [len(index.documents.ids)] if options.counts else []
    for word, near in found:
        shown: Reply = EXISTS if near is None else [[one.count / total, one.word] for one in near]
        rows.append([Status(b"TERM"), word, shown])
    return rows


EXISTS: Final = Status(b"term exists in index")
EXISTS_ERROR: Final = CommandError("term exists in index")


def _dictionary(client: Client, name: bytes) -> Collection[bytes]:
    """Raises CommandError if there is none with this name."""
    words = registry(client.server).dictionaries.get(name)
    if words is None:
        raise CommandError(f"Dict does not exist: {text(name)}")
    return words
