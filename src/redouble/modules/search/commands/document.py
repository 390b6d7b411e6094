"""FT.ADD and its kin: documents as they were when they did not come from HSET, and still may be."""

from __future__ import annotations

from redouble.core.client import Client
from redouble.core.command import Argv
from redouble.core.errors import CommandError, text
from redouble.modules.search.aggregate.expression import parse
from redouble.modules.search.aggregate.rows import Row
from redouble.modules.search.aggregate.values import truth
from redouble.modules.search.arguments import EXPECTED_ARGUMENT, Arguments, ft_command
from redouble.modules.search.commands.index import NO_INDEX, UNKNOWN_INDEX
from redouble.modules.search.index.index import Index
from redouble.modules.search.registry import existing_index
from redouble.modules.search.text.stems import LANGUAGES
from redouble.resp.reply import OK, Reply, Status
from redouble.types.hash import Hash

__all__: list[str] = []

ADD = (
    "key doc score [REPLACE [PARTIAL] [NOCREATE]] [LANGUAGE language] [PAYLOAD payload] [IF expression]"
    " FIELDS field value [field value ...]"
)


@ft_command(f"FT.ADD {ADD}", flags="write denyoom", keys="RW", arity=-4)
def ft_add(client: Client, argv: Argv) -> Reply:
    """Write a hash that an index follows."""
    return _add(client, argv)


@ft_command(f"FT.SAFEADD {ADD}", flags="write denyoom", keys="RW", arity=-4)
def ft_safeadd(client: Client, argv: Argv) -> Reply:
    """FT.ADD, by another name."""
    return _add(client, argv)


def _add(client: Client, argv: Argv) -> Reply:
    _, name, key, score_text = argv[:4]
    score = Arguments.number_of(score_text)
    if score is None:
        raise CommandError("Could not parse document score")
    if not 0 <= score <= 1:
        raise CommandError("Score must be between 0 and 1")
    words = Arguments(argv, 4)
    replaces = is_partial = must_exist = False
    language = payload = condition = b""
    while True:
        if not words:
            raise CommandError("No field list found")
        if words.has(b"FIELDS"):
            break
        if words.has(b"REPLACE"):
            replaces = True
        elif words.has(b"PARTIAL"):
            is_partial = True
        elif words.has(b"NOCREATE"):
            must_exist = True
        elif words.has(b"LANGUAGE"):
            language = _value(words, "LANGUAGE")
        elif words.has(b"PAYLOAD"):
            payload = _value(words, "PAYLOAD")
        elif words.has(b"IF"):
            condition = _value(words, "IF")
        else:
            raise CommandError(f"Unknown keyword `{text(words.peek())}` provided")
    fields = [words.next() for _ in range(len(words))]
    if len(fields) % 2:
        raise CommandError("Fields must be specified in FIELD VALUE pairs")
    if language and language.lower() not in LANGUAGES:
        raise CommandError("Unsupported language")
    index = existing_index(client, name, NO_INDEX)
    value = client.db.peek(key)
    if value is not None and type(value) is not Hash:
        raise CommandError("Invalid Redis key")
    if value is not None and not replaces:
        raise CommandError("Document already exists")
    if value is None and must_exist:
        raise CommandError("Document does not exist")
    if condition and replaces and not _holds(condition, value):
        return Status(b"NOADD")
    if value is not None and not is_partial:
        client.db.delete(key)
    fields += _special_fields(index, score_text, language, payload)
    if fields:
        client.server.internal_call(client, [b"HSET", key, *fields])
    return OK


def _value(words: Arguments, name: str) -> bytes:
    if not words:
        raise CommandError(f"{name}: {EXPECTED_ARGUMENT}")
    return words.next()


def _holds(condition: bytes, value: Hash | None) -> bool:
    evaluation = parse(condition)
    try:
        return truth(evaluation(Row({} if value is None else dict(value.items()))))
    except CommandError:
        return False


def _special_fields(index: Index, score: bytes, language: bytes, payload: bytes) -> list[bytes]:
    """What else is written to the hash, for indexes that were made as it was done before they followed keys."""
    if not index.is_old:
        return []
    definition = index.definition
    definition.score_field = definition.score_field or b"__score"
    definition.language_field = definition.language_field or b"__language"
    definition.payload_field = definition.payload_field or b"__payload"
    fields = [b"__score", score]
    if language:
        fields += [b"__language", language]
    if payload:
        fields += [b"__payload", payload]
    return fields


@ft_command("FT.DEL key doc [DD]", flags="write", keys="RW", arity=-3)
def ft_del(client: Client, argv: Argv) -> Reply:
    """Remove a key."""
    existing_index(client, argv[1], UNKNOWN_INDEX)
    return int(client.db.delete(argv[2]))


@ft_command("FT.GET key doc", flags="readonly", keys="RW", arity=3)
def ft_get(client: Client, argv: Argv) -> Reply:
    """The fields of a document."""
    _, name, key = argv
    return _fields(client, existing_index(client, name, UNKNOWN_INDEX), key)


@ft_command("FT.MGET key [key ...]", flags="readonly", keys="RW", arity=-3)
def ft_mget(client: Client, argv: Argv) -> Reply:
    """The fields of several documents."""
    _, name, *keys = argv
    index = existing_index(client, name, UNKNOWN_INDEX)
    return [_fields(client, index, key) for key in keys]


def _fields(client: Client, index: Index, key: bytes) -> Reply:
    value = client.db.peek(key)
    if key not in index.documents.keys or not isinstance(value, Hash):
        return None
    hidden = index.definition.special_fields
    return [word for field, text in value.items() if field not in hidden for word in (field, text)]


@ft_command("FT.SYNADD key term [term ...]", flags="write", keys="RW", arity=-2)
def ft_synadd(client: Client, argv: Argv) -> Reply:
    """What FT.SYNUPDATE does now."""
    raise CommandError("No longer suppoted, use FT.SYNUPDATE")
