"""FT.DICT* and FT.SYN*: words that FT.SPELLCHECK looks for, and words that mean the same."""

from __future__ import annotations

from typing import Final

from redouble.core.client import Client
from redouble.core.command import Argv
from redouble.core.errors import CommandError
from redouble.modules.search.arguments import ft_command
from redouble.modules.search.commands.index import NO_INDEX
from redouble.modules.search.registry import existing_index, registry
from redouble.modules.search.text.tokens import normalize
from redouble.resp.reply import OK, Members, Reply

__all__: list[str] = []

LONGEST_WORD: Final = 254


@ft_command("FT.DICTADD dict term [term ...]", flags="readonly", since="1.4.0")
def ft_dictadd(client: Client, argv: Argv) -> Reply:
    """Add words to a dictionary; answers how many are new."""
    _, name, *words = argv
    known = registry(client.server)
    known.attach()
    dictionary = known.dictionaries.setdefault(name, {})
    size = len(dictionary)
    dictionary.update((word, None) for word in words if 0 < len(word.decode("utf-8", "replace")) <= LONGEST_WORD)
    return len(dictionary) - size


@ft_command("FT.DICTDEL dict term [term ...]", flags="readonly", since="1.4.0")
def ft_dictdel(client: Client, argv: Argv) -> Reply:
    """Remove words from a dictionary; answers how many there were."""
    _, name, *words = argv
    dictionaries = registry(client.server).dictionaries
    dictionary = dictionaries.get(name, {})
    size = len(dictionary)
    for word in words:
        dictionary.pop(word, None)
    return size - len(dictionary)


@ft_command("FT.DICTDUMP dict", flags="readonly", since="1.4.0")
def ft_dictdump(client: Client, argv: Argv) -> Reply:
    """All words of a dictionary."""
    dictionary = registry(client.server).dictionaries.get(argv[1])
    if dictionary is None:
        raise CommandError("could not open dict key")
    return Members(sorted(dictionary))


@ft_command(
    "FT.SYNUPDATE key synonym_group_id [SKIPINITIALSCAN] term [term ...]",
    flags="write",
    keys="RW",
    since="1.2.0",
)
def ft_synupdate(client: Client, argv: Argv) -> Reply:
    """Let words mean the same; documents are indexed again unless SKIPINITIALSCAN is said."""
    _, name, group, *words = argv
    index = existing_index(client, name, NO_INDEX)
    skips = words[0].upper() == b"SKIPINITIALSCAN"
    synonyms = index.schema.synonyms
    for word in words[skips:]:
        groups = synonyms.setdefault(normalize(word), [])
        if group not in groups:
            groups.append(group)
    if not skips:
        registry(client.server).scan(index)
    return OK


@ft_command("FT.SYNDUMP key", flags="readonly", keys="RW", since="1.2.0")
def ft_syndump(client: Client, argv: Argv) -> Reply:
    """Each word that means the same as others, with its groups."""
    index = existing_index(client, argv[1], NO_INDEX)
    return {word: list(groups) for word, groups in index.schema.synonyms.items()}


@ft_command("FT.SYNADD key term [term ...]", flags="write", keys="RW", arity=-1, since="1.2.0")
def ft_synadd(client: Client, argv: Argv) -> Reply:
    """What FT.SYNUPDATE does today."""
    raise CommandError("No longer suppoted, use FT.SYNUPDATE")
