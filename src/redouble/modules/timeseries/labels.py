"""Finding series by their labels: the conditions that clients write, and an index of the labels of one database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from redouble.modules.timeseries.series import Labels, Series

__all__ = ["Condition", "LabelIndex", "parse_condition"]


@dataclass(frozen=True)
class Condition:
    """`name=value`, `name=(value,value)`, and with `!=` instead that this is not so.

    Without values: the label is not there; with `!=`: it is.
    """

    name: bytes
    values: tuple[bytes, ...] | None
    is_negated: bool

    @property
    def is_matcher(self) -> bool:
        """Whether it names values that a series must have; without such a condition nothing can be found."""
        return self.values is not None and not self.is_negated

    @property
    def includes(self) -> bool:
        """Whether the series that have a label, or a value of it, are those that it lets through."""
        return self.is_negated == (self.values is None)

    def holds(self, labels: Labels) -> bool:
        """Whether a series with these labels is let through."""
        found = any(name == self.name and (self.values is None or value in self.values) for name, value in labels)
        return found == self.includes


def parse_condition(text: bytes) -> Condition | None:
    """The condition that a client wrote; None: it is none."""
    text = text.partition(b"\0")[0]
    is_negated, is_list = b"!=" in text, b"=(" in text
    if is_negated:
        is_list = b"!=(" in text
    if b"=" not in text:
        return None
    separators = (b"!" if is_negated else b"") + (b"=(" if is_list else b"=")
    words = _words(text, separators)
    if not words:
        return None
    if not is_list:
        return Condition(words[0], tuple(words[1:2]) or None, is_negated)
    if len(words) < 2 or not words[1].endswith(b")"):
        return None
    listed = words[1][:-1]
    values = _words(listed, b",")
    if listed and len(values) != listed.count(b",") + 1:
        return None
    return Condition(words[0], tuple(values), is_negated)


def _words(text: bytes, separators: bytes) -> list[bytes]:
    """The parts between any of the characters in `separators` that are not empty (strtok)."""
    for separator in separators[1:]:
        text = text.replace(bytes((separator,)), separators[:1])
    return [word for word in text.split(separators[:1]) if word]


class LabelIndex:
    """Which keys hold a series with a label, and with a value of it.

    It hears only of keys that get a series.  Those that no longer have one, or another one, are left out when somebody
    asks for them.
    """

    __slots__ = ("_entries", "_keys")

    def __init__(self) -> None:
        self._keys: dict[tuple[bytes, bytes | None], set[bytes]] = {}
        """By label and value; None: any value."""
        self._entries = 0

    def __len__(self) -> int:
        """How often a key was entered, which bounds the number of stale ones."""
        return self._entries

    def added(self, key: bytes, value: object) -> None:
        """`key` has this value now, or these labels."""
        if type(value) is Series and value.settings.labels:
            self._entries += 1
            for name, text in value.settings.labels:
                self._keys.setdefault((name, text), set()).add(key)
                self._keys.setdefault((name, None), set()).add(key)

    def find(
        self, conditions: Sequence[Condition], series_of: Callable[[bytes], Series | None]
    ) -> Iterator[tuple[bytes, Series]]:
        """The keys whose series all conditions let through, in their order, and the series.

        Costs as much as the fewest keys that one of the conditions names.
        """
        candidates = min((self._named(condition) for condition in conditions if condition.includes), key=len)
        for key in sorted(candidates):
            series = series_of(key)
            if series is not None and all(condition.holds(series.settings.labels) for condition in conditions):
                yield key, series

    def _named(self, condition: Condition) -> set[bytes]:
        if condition.values is None:
            return self._keys.get((condition.name, None), set())
        found = [self._keys.get((condition.name, value), set()) for value in condition.values]
        return found[0] if len(found) == 1 else set().union(*found)
