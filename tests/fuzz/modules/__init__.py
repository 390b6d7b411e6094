"""What the fuzzer says to a server with modules: a file for each module, or for structures that are alike."""

from __future__ import annotations

from collections.abc import Sequence

from tests.fuzz.grammar import Slots
from tests.fuzz.values import SLOTS as COMMON_SLOTS

from . import digests, filters, json, series, suggestions, vectors
from .shared import ITEM

__all__ = ["MODULE_FAMILIES", "MODULE_SLOTS", "is_avoided"]

_FILES = (filters, digests, json, series, suggestions, vectors)
MODULE_FAMILIES: dict[str, str] = {name: text for file in _FILES for name, text in file.FAMILIES.items()}
MODULE_SLOTS: Slots = {"item": ITEM, **{name: make for file in _FILES for name, make in file.SLOTS.items()}}
assert MODULE_SLOTS.keys().isdisjoint(COMMON_SLOTS)
assert len(MODULE_SLOTS) == 1 + sum(len(file.SLOTS) for file in _FILES)  # no two have the same name


def is_avoided(argv: Sequence[bytes]) -> bool:
    """Whether the real module ends, hangs or takes all memory there is, or chance decides."""
    return any(file.is_avoided(argv) for file in (filters, digests, series, suggestions))
