"""Makes a list of commands that shows a difference as short as it can be (delta debugging)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from .generator import Unit

Shows = Callable[[Sequence[Unit]], bool]
"""Whether these units, played on two empty servers, still show the difference."""


def shrink(units: Sequence[Unit], shows: Shows) -> list[Unit]:
    """Fewer units, then fewer commands in them, then fewer and simpler arguments."""
    left = _fewer(list(units), shows)
    left = _fewer([(command,) for unit in left for command in unit], shows)
    for position in range(len(left)):
        left = _simpler(left, position, shows)
    return left


def _fewer(units: list[Unit], shows: Shows) -> list[Unit]:
    size = len(units) // 2
    while size:
        start = len(units) - size  # what differs is at the end, so most of the beginning goes
        while start > -size:
            without = units[: max(start, 0)] + units[start + size :]
            if len(without) < len(units) and shows(without):
                units = without
            start -= size
        size = size // 2 if size > 1 else 0
    return units


def _simpler(units: list[Unit], position: int, shows: Shows) -> list[Unit]:
    """Arguments of one command, from its last: without it, then with a plain one instead."""
    (command,) = units[position]
    for at in range(len(command.argv) - 1, 0, -1):
        before, after = command.argv[:at], command.argv[at + 1 :]
        for argv in ((*before, *after), (*before, b"a", *after)):
            candidate = replace(command, argv=argv)
            trial = [*units[:position], (candidate,), *units[position + 1 :]]
            if argv != command.argv and shows(trial):
                units, command = trial, candidate
                break
    return units
