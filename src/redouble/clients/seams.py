"""The parts of a library that the clients pass by, and whether they are still the ones that are known."""

from __future__ import annotations

import functools
import inspect
import operator
import os
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeAlias

__all__ = ["Seam", "intact", "seams_of"]

Seam: TypeAlias = "tuple[Callable[[Any], Any], Any, Any]"
"""What reads parts of a class, the class, and what was read when nothing was replaced."""


class Seams:
    """The parts of one class."""

    def __init__(self, owner: Any, names: tuple[str, ...]) -> None:
        self.owner = owner
        present = [name for name in names if hasattr(owner, name)]
        self.read = operator.attrgetter(*present)
        self.known = self.read(owner)
        self.parts = self.known if len(present) > 1 else (self.known,)

    def pristine(self, *packages: str) -> bool:
        """Whether nothing was replaced before we looked: every function was defined in one of these packages."""
        return all(type(part) is FunctionType and part.__code__.co_filename.startswith(packages) for part in self.parts)


@functools.cache
def seams_of(library: type, *owners: tuple[type, tuple[str, ...]]) -> list[Seam] | None:
    """What to watch in these classes of a library; None if something was replaced already."""
    package = os.path.dirname(inspect.getfile(sys.modules[library.__module__.partition(".")[0]]))
    ours = os.path.dirname(__file__)
    seams = [Seams(owner, names) for owner, names in owners]
    if not all(part.pristine(package, ours) for part in seams):
        return None
    return [(part.read, part.owner, part.known) for part in seams]


def intact(seams: list[Seam] | None) -> bool:
    """Whether nothing was replaced, neither before `seams_of` looked nor since."""
    return seams is not None and all(read(owner) == known for read, owner, known in seams)
