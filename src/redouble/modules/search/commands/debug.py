"""FT.DEBUG: what is inside an index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from redouble.core.client import Client
from redouble.core.command import Argv
from redouble.core.errors import CommandError, text, wrong_arity
from redouble.modules.arguments import long_long
from redouble.modules.search.arguments import ft_command
from redouble.modules.search.index.index import Index
from redouble.modules.search.registry import registry
from redouble.modules.search.schema import Field
from redouble.resp.reply import OK, Reply, Status

__all__: list[str] = []

NO_CONTEXT: Final = "Can not create a search ctx"
NO_INDEX: Final = "Unknown index name"


def _terms(index: Index) -> Reply:
    return list(index.terms.ordered())


def _documents_of_term(index: Index, term: bytes) -> Reply:
    postings = index.terms.get(term)
    if postings is None:
        raise CommandError("Can not find the inverted index")
    return list(postings.entries)


def _field(index: Index, name: bytes) -> Field:
    field = index.schema.find(name)
    if field is None:
        raise CommandError("Could not find given field in index spec")
    return field


def _documents_by_range(index: Index, name: bytes) -> Reply:
    """Of each range of numbers."""
    numbers = index.numbers.get(_field(index, name).name)
    return [[]] if numbers is None else [list(range.ids) for range in numbers.leaves()]


def _documents_by_tag(index: Index, name: bytes) -> Reply:
    tags = index.tags.get(_field(index, name).name)
    if tags is None or not tags.documents:
        raise CommandError("can not open tag field")
    return [[tag, list(tags.documents[tag])] for tag in tags.ordered()]


def _key_of(index: Index, id: bytes) -> Reply:
    number = long_long(id)
    if number is None:
        raise CommandError("bad id given")
    document = index.documents.get(number)
    if document is None:
        raise CommandError("document was removed")
    return document.key


def _number_of(index: Index, key: bytes) -> Reply:
    document = index.documents.of_key(key)
    return 0 if document is None else document.id


class Subcommand(NamedTuple):
    run: Callable[..., Reply]
    """Of an index, and a word if there is one."""
    words: int


SUBCOMMANDS: Final = {
    b"DUMP_INVIDX": Subcommand(_documents_of_term, 2),
    b"DUMP_NUMIDX": Subcommand(_documents_by_range, 2),
    b"DUMP_TAGIDX": Subcommand(_documents_by_tag, 2),
    b"IDTODOCID": Subcommand(_key_of, 2),
    b"DOCIDTOID": Subcommand(_number_of, 2),
    b"DUMP_TERMS": Subcommand(_terms, 1),
}
OF_LIFE: Final = (b"GC_FORCEINVOKE", b"TTL", b"TTL_EXPIRE")
"""Those that ask for no part of an index."""


@ft_command("FT.DEBUG subcommand [argument [argument ...]]", flags="readonly", arity=-2)
def ft_debug(client: Client, argv: Argv) -> Reply:
    """What an index keeps, by the numbers of documents; GC_FORCEINVOKE, TTL, TTL_EXPIRE and HELP."""
    _, word, *words = argv
    name = word.upper()
    known = registry(client.server)
    if name == b"HELP":
        return [*SUBCOMMANDS, *OF_LIFE]
    if name not in SUBCOMMANDS and name not in OF_LIFE:
        raise CommandError(f"ERR unknown subcommand '{text(word)}'. Try FT.DEBUG HELP.")
    subcommand = SUBCOMMANDS.get(name)
    if not words or (subcommand is not None and len(words) != subcommand.words):
        raise wrong_arity(f"FT.DEBUG|{text(name)}")
    if subcommand is not None:
        index = known.find(words[0])
        if index is None:
            raise CommandError(NO_CONTEXT)
        return subcommand.run(index, *words[1:])
    index = known.peek(words[0])
    if index is None:
        raise CommandError(NO_INDEX)
    if name == b"GC_FORCEINVOKE":
        index.collect()
        return Status(b"DONE")
    if not index.lifetime_ms:
        raise CommandError("Index is not temporary")
    if name == b"TTL":
        return (index.used_ms + index.lifetime_ms - client.server.now_ms()) // 1000
    known.drop(index, with_documents=True)
    return OK
