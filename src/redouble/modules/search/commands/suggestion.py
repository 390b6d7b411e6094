"""FT.SUG*: words to suggest."""

from __future__ import annotations

from redouble.core.client import Client
from redouble.core.command import Argv
from redouble.core.errors import CommandError, text, wrong_arity
from redouble.modules.arguments import double, long_long
from redouble.modules.search.arguments import EXPECTED_ARGUMENT, NOT_CONVERTED, OUT_OF_BOUNDS, Arguments, ft_command
from redouble.modules.search.suggestions import Suggestions
from redouble.resp.reply import Reply

__all__: list[str] = []

DEFAULT_COUNT = 5
MOST = (1 << 32) - 1
LONGEST_PREFIX = 199


@ft_command("FT.SUGADD key string score [INCR] [PAYLOAD payload]", flags="write denyoom", keys="RW", arity=-4)
def ft_sugadd(client: Client, argv: Argv) -> Reply:
    """Add a word with a score, or change its score; answers how many words there are."""
    _, key, word, score_text, *rest = argv
    if len(rest) > 3:
        raise wrong_arity("FT.SUGADD")
    words = Arguments(rest, 0)
    payload = b""
    adds_up = False
    while words:
        if words.has(b"INCR"):
            adds_up = True
        elif words.has(b"PAYLOAD"):
            if not words:
                raise CommandError(f"Invalid payload: {EXPECTED_ARGUMENT}")
            payload = words.next()
        else:
            raise CommandError(f"Unknown argument `{text(words.next())}`")
    suggestions = client.db.open_for_write(key, Suggestions)
    score = double(score_text)
    if score is None:
        raise CommandError("ERR invalid score")
    if suggestions is None:
        suggestions = Suggestions()
        client.db.add(key, suggestions)
    suggestions.add(word, score, payload, adds_up=adds_up)
    client.db.modified(key, b"", 0)
    return suggestions.size


@ft_command("FT.SUGGET key prefix [FUZZY] [WITHSCORES] [WITHPAYLOADS] [MAX max]", flags="readonly", keys="RW", arity=-3)
def ft_sugget(client: Client, argv: Argv) -> Reply:
    """The best words that begin in this way."""
    _, key, prefix, *rest = argv
    if len(prefix) > LONGEST_PREFIX:
        raise CommandError("Invalid query length")
    words = Arguments(rest, 0)
    shows_scores = shows_payloads = is_fuzzy = trims = False
    count = DEFAULT_COUNT
    while words:
        if words.has(b"FUZZY"):
            is_fuzzy = True
        elif words.has(b"WITHSCORES"):
            shows_scores = True
        elif words.has(b"WITHPAYLOADS"):
            shows_payloads = True
        elif words.has(b"TRIM"):
            trims = True
        elif words.has(b"MAX"):
            count = _most(words)
        else:
            raise CommandError(f"Unrecognized argument: {text(words.next())}")
    suggestions = client.db.module_value(key, Suggestions)
    if suggestions is None:
        return None
    reply: list[Reply] = []
    for found in suggestions.search(prefix, count, is_fuzzy=is_fuzzy, trims=trims):
        reply.append(found.word)
        if shows_scores:
            reply.append(found.score)
        if shows_payloads:
            reply.append(found.payload or None)
    return reply


def _most(words: Arguments) -> int:
    """What MAX says; of a number with a fraction its whole part."""
    if not words:
        raise CommandError(f"MAX: {EXPECTED_ARGUMENT}")
    word = words.next()
    number = long_long(word)
    if number is None:
        real = double(word)
        if real is None or not real >= 1:
            raise CommandError(f"MAX: {NOT_CONVERTED}")
        number = int(min(real, MOST + 1))
    if not 1 <= number <= MOST:
        raise CommandError(f"MAX: {OUT_OF_BOUNDS}")
    return number


@ft_command("FT.SUGDEL key string", flags="write", keys="RW")
def ft_sugdel(client: Client, argv: Argv) -> Reply:
    """Remove a word."""
    suggestions = client.db.open_for_write(argv[1], Suggestions)
    if suggestions is None:
        return 0
    is_deleted = suggestions.delete(argv[2])
    if is_deleted:
        client.db.modified(argv[1], b"", 0)
    return int(is_deleted)


@ft_command("FT.SUGLEN key", flags="readonly", keys="RW")
def ft_suglen(client: Client, argv: Argv) -> Reply:
    """How many words there are."""
    suggestions = client.db.module_value(argv[1], Suggestions)
    return 0 if suggestions is None else suggestions.size
