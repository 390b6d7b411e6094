"""Queries beside a real server: some by chance (many: python -m tests.fuzz.modules.search), and words that sound alike."""

from __future__ import annotations

import os
from typing import Any

import pytest

from redouble import FakeRedis
from tests.fuzz.modules.search import play

QUERIES = int(os.environ.get("SEARCH_QUERIES", "400"))
DIFFERENT = 0.02
"""So many may differ: docs/differences.md says why."""

SPELLED = """
accede accident acquire aghast angel architect artois aspirin autumn bacchus bach bacher bellocchio biaggi bough
breaux cabrillo caesar cagney campbell castle caution chaos charisma chemistry chianti chorus church column cough
czerny danger debt dough doubt dumb echo edgar edge exaggerate filipowicz focaccia gallegos ghislane ghost ghoul gnome
hajj hallelujah hawk herb hochmeier honest hugh island jankelowicz jose jugurtha knight ladder laugh listen llama
macher manager match matthew mcgregor mclaughlin michael nation nietzsche night orchestra orchid pfeiffer phone pizza
plumber pneumonia psalm ranger raspberry receipt reich resnais rogier rough russia schenker schermerhorn schmidt
schneider school schooner science sieg sign smith snider subtle succeed success sugar suggest tichner thames thomas
thorough through thumb tough tsingtao van vasserman vision wagner wasserman wechsler what whole witz wright xavier
yankelovich zhao
"""
"""One for each rule of the double metaphone, and some more."""

pytestmark = pytest.mark.real


def test_queries(real: Any) -> None:
    real("redis-stack-7.4")  # skips where there is none
    result = play(1, QUERIES)
    assert len(result.different) <= DIFFERENT * result.asked, result.different[0][1:]


def test_words_that_sound_alike(real: Any) -> None:
    theirs, ours = real("redis-stack-7.4"), FakeRedis(version="7.4")
    ours.response_callbacks.clear()
    for ask in (theirs, ours.execute_command):
        ask("FLUSHALL")
        ask("FT.CREATE", "alike", "STOPWORDS", 0, "SCHEMA", "word", "TEXT", "NOSTEM", "PHONETIC", "dm:en")
        for word in SPELLED.split():
            ask("HSET", word, "word", word)
    found = 0
    for word in SPELLED.split():
        query = ("FT.SEARCH", "alike", f"@word:{word}", "NOCONTENT")
        reply = ours.execute_command(*query)
        assert reply == theirs(*query), word
        found += reply[b"total_results"] > 1
    assert found > 10
