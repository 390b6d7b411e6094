"""Whether what several programs saw of one register can be told as if one command had run after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Operation", "linearizable"]


@dataclass(frozen=True)
class Operation:
    """SET, GET or INCR: when it was sent, when it was answered, and how; "unknown" if the connection broke."""

    began: int
    ended: int
    name: str
    value: int = 0
    answer: Any = None

    def after(self, register: int | None) -> tuple[int | None, Any]:
        """What the register holds then, and the answer, if it runs now."""
        if self.name == "SET":
            return self.value, True
        if self.name == "INCR":
            return (register or 0) + 1, (register or 0) + 1
        return register, register


def linearizable(operations: Sequence[Operation]) -> bool:
    """The search of Wing and Gong, which remembers where it has been.

    An operation whose answer is unknown may have run at any time after it began, or never.
    """
    seen = set()
    never = max((each.ended for each in operations), default=0) + 1
    ends = [never if each.answer == "unknown" else each.ended for each in operations]
    everything = sum(1 << index for index, end in enumerate(ends) if end != never)
    paths: list[tuple[int, int | None]] = [(0, None)]
    while paths:
        place = paths.pop()
        if place in seen:
            continue
        seen.add(place)
        done, register = place
        if done & everything == everything:
            return True
        left = [index for index in range(len(operations)) if not done >> index & 1]
        first_end = min(ends[index] for index in left)
        for index in left:
            each = operations[index]
            if each.began <= first_end:
                then, answer = each.after(register)
                if each.answer in ("unknown", answer):
                    paths.append((done | 1 << index, then))
    return False
