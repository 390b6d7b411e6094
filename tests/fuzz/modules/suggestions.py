"""Dictionaries of suggestions."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from tests.fuzz.grammar import Slots
from tests.fuzz.values import one_of

from .shared import key_of

LETTERS = "aabbcdeHhé"
COUNTS = [b"0", b"1", b"2", b"3", b"10", b"100", b"1.5"]


def suggestion(random: Random) -> bytes:
    """Words of few letters, so that many begin alike."""
    if random.random() < 0.1:
        return random.choice([b"", b"hello world", b"Hello", b"hell", "ÜBER".encode(), "über".encode(), b"x" * 300])
    return "".join(random.choices(LETTERS, k=random.choice((1, 2, 2, 3, 3, 4, 6)))).encode()


def is_avoided(argv: Sequence[bytes]) -> bool:
    """What makes the real module ask for all memory there is or read beyond a text, and scores that end it."""
    name = argv[0].upper()
    if not name.startswith(b"FT.SUG"):
        return False
    try:
        b"".join(argv[2:3]).decode()
    except UnicodeDecodeError:
        return True
    if name == b"FT.SUGADD":
        return any(word.lower() == b"nan" or (word.startswith(b"-") and len(word) > 3) for word in argv[3:])
    return name == b"FT.SUGGET" and any(word[:1].isdigit() and word not in COUNTS for word in argv[3:])


FAMILIES = {
    "sug": """
        FT.SUGADD <dictionary> <suggestion> <suggestion_score>
        FT.SUGADD <dictionary> <suggestion> <suggestion_score>
        FT.SUGADD <dictionary> <suggestion> <suggestion_score>
        FT.SUGADD <dictionary> <suggestion> <suggestion_score> [INCR] [PAYLOAD <item>]
        FT.SUGADD <dictionary> <suggestion> <suggestion_score> INCR
        FT.SUGGET <dictionary> <suggestion>
        FT.SUGGET <dictionary> <suggestion> [FUZZY] [WITHSCORES] [WITHPAYLOADS] [TRIM] [MAX <most_suggestions>]
        FT.SUGGET <dictionary> <suggestion> WITHSCORES MAX <most_suggestions>
        FT.SUGGET <dictionary> <suggestion> FUZZY WITHSCORES MAX 100
        FT.SUGDEL <dictionary> <suggestion>
        FT.SUGDEL <dictionary> <suggestion>
        FT.SUGLEN <dictionary>
        COPY <dictionary> <dictionary>
        DEL <dictionary>
        SET s1 x
    """,
}
SLOTS: Slots = {
    "dictionary": key_of(b"dictionary1", b"dictionary2", b"dictionary3"),
    "suggestion": suggestion,
    "suggestion_score": one_of(
        [b"1", b"1", b"2", b"3", b"0.5", b"10", b"7.25", b"0", b"-1", b"1e10", b"inf", b"nan", b"x", b""]
    ),
    "most_suggestions": one_of([*COUNTS, b"-1", b"x"]),
}
