"""The corpus of the coverage-guided fuzzer, and inputs that are near to it: without atheris, on every interpreter."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from .guided.targets import LONGEST, TARGETS

CORPUS = Path(__file__).parent / "corpus"
NEAR = 30
"""Inputs that are made of each."""


def changed(chance: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """A few bytes changed, cut out, put in or brought from another input."""
    body = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(body) + 1)
        match chance.randrange(4):
            case 0 if at < len(body):
                body[at] = chance.choice((0, 1, 0x0A, 0x0D, 0x2A, 0x5B, 0x7F, 0x80, 0xFF, chance.randrange(256)))
            case 1:
                del body[at : at + chance.randrange(1, 8)]
            case 2:
                body[at:at] = chance.randbytes(chance.randrange(1, 4))
            case _:
                other = chance.choice(others)
                start = chance.randrange(len(other) + 1)
                body[at:at] = other[start : start + chance.randrange(1, 16)]
    return bytes(body)


@pytest.mark.parametrize("name", TARGETS)
def test_what_led_somewhere_once_is_still_read_well(name: str) -> None:
    inputs = [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
    assert inputs
    chance = random.Random(name)
    for data in inputs:
        TARGETS[name](data)
        for _ in range(NEAR):
            TARGETS[name](changed(chance, data, inputs)[: LONGEST[name]])
