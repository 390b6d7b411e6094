"""Hashes: a dictionary, which keeps the order of insertion as a listpack does.

All access goes through methods, because a field will one day be able to expire.
"""

from __future__ import annotations

from collections.abc import ItemsView, Sequence, ValuesView
from typing import ClassVar

from redouble.types.collection import Collection
from redouble.types.limits import DEFAULT_LIMITS, Limits

__all__ = ["Hash"]


class Hash(Collection[bytes]):
    """Fields with values.  Everything about one field is O(1)."""

    __slots__ = ("_small",)

    type_name: ClassVar[bytes] = b"hash"

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(limits)
        self._small = True

    @property
    def small(self) -> bool:
        return self._small

    def encoding(self) -> bytes:
        return self.limits.small if self._small else b"hashtable"

    def get(self, field: bytes) -> bytes | None:
        return self._members.get(field)

    def values(self) -> ValuesView[bytes]:
        return self._members.values()

    def items(self) -> ItemsView[bytes, bytes]:
        return self._members.items()

    def set(self, field: bytes, value: bytes) -> bool:
        """HSET of one field: whether it is new."""
        fields = self._members
        new = field not in fields
        fields[field] = value
        if new and self._order is not None:
            self._order.add(field)
        if self._small:
            limits = self.limits
            longest = limits.hash_max_listpack_value
            self._small = (
                len(field) <= longest and len(value) <= longest and len(fields) <= limits.hash_max_listpack_entries
            )
        return new

    def update(self, words: Sequence[bytes]) -> int:
        """HSET: fields and values by turns; how many fields are new."""
        fields = self._members
        if len(words) == 2:
            return int(self.set(words[0], words[1]))
        if self._small:
            limits = self.limits
            too_many = limits.arguments_count and len(words) // 2 > limits.hash_max_listpack_entries
            self._small = not too_many and max(map(len, words), default=0) <= limits.hash_max_listpack_value
        if self._order is not None:
            return sum(map(self.set, words[::2], words[1::2]))
        before = len(fields)
        fields.update(zip(words[::2], words[1::2], strict=True))
        if self._small and len(fields) > self.limits.hash_max_listpack_entries:
            self._small = False
        return len(fields) - before

    def delete(self, field: bytes) -> bool:
        """HDEL: whether the field was there."""
        if self._members.pop(field, None) is None:
            return False
        if self._order is not None:
            self._order.remove(field)
        return True

    def copy(self) -> Hash:
        """COPY.  O(n), in C."""
        twin = Hash(self.limits)
        twin._members = self._members.copy()
        twin._small = self._small
        return twin

    @classmethod
    def loaded(
        cls, pairs: dict[bytes, bytes], limits: Limits = DEFAULT_LIMITS, long_values_matter: bool = False
    ) -> Hash:
        """A hash made in one go (RESTORE).  One that comes as a listpack stays one, however long its values are."""
        made = cls(limits)
        made._members = pairs
        made._small = len(pairs) <= limits.hash_max_listpack_entries
        if made._small and long_values_matter:
            made._small = max(map(len, (*pairs.keys(), *pairs.values())), default=0) <= limits.hash_max_listpack_value
        return made

    def check(self) -> None:
        super().check()
        assert all(type(value) is bytes for value in self._members.values())
