"""A small, fixed budget of random programs for every run of the tests, and tests of the fuzzer itself."""

from __future__ import annotations

from random import Random

import pytest

from tests.parity.machine import real

from .duel import Duel
from .programs import Tree, generate, shrink

PROGRAMS = 300


@pytest.mark.real
@pytest.mark.parametrize("server", ["redis-7.0", "redis-8.6", "valkey-9"])
def test_random_programs_answer_as_on_the_real_server(server: str) -> None:
    if server not in real.installed():
        pytest.skip(f"{server} is not installed")
    with Duel(server) as duel:
        found = duel.round(Random("test"), PROGRAMS)
    if found:
        pytest.fail("\n".join(difference.text(server) for difference in found), pytrace=False)


@pytest.mark.fake
def test_the_same_seed_makes_the_same_program() -> None:
    assert [generate(Random(seed)) for seed in range(20)] == [generate(Random(seed)) for seed in range(20)]
    assert len({generate(Random(seed)).text for seed in range(20)}) > 15


@pytest.mark.fake
def test_shrinking_keeps_what_matters() -> None:
    def shows(candidate: Tree) -> bool:
        return "string.rep(" in candidate.text

    large = next(tree for tree in map(generate, map(Random, range(1000))) if shows(tree) and len(tree.text) > 1000)
    small = shrink(large, shows)
    assert shows(small)
    assert len(small.text) < 120
