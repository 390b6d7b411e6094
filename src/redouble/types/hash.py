"""Hashes: a dictionary, which keeps the order of insertion as a listpack does.

Fields may have a time to live, which stands in a dictionary of its own that exists only while one of them has one.
Nothing here looks at a clock: who owns the hash calls `remove_due`.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Mapping, Sequence, ValuesView
from typing import ClassVar

from redouble.types.collection import Collection
from redouble.types.limits import DEFAULT_LIMITS, Limits

__all__ = ["Hash"]

MOST_NAMES = 4096
LONGEST_NAMES = 1024
"""Bytes of all fields of a hash; with more it is hardly one of many that look the same."""

_names: dict[bytes, bytes] = {}
"""Names of fields that hashes share."""
_NOTHING: dict[bytes, int] = {}
"""The times to live of a hash that has none; never written to."""


def _shared(names: Sequence[bytes]) -> Iterable[bytes]:
    """The names of fields of a new hash, as the objects that others have already: a fifth of what a small one takes."""
    if sum(map(len, names)) > LONGEST_NAMES:
        return names
    if len(_names) >= MOST_NAMES:
        _names.clear()
    return map(_names.setdefault, names, names)


class Hash(Collection[bytes]):
    """Fields with values.  Everything about one field is O(1)."""

    __slots__ = ("_expires", "_small", "noted", "soonest")

    type_name: ClassVar[bytes] = b"hash"

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(limits)
        self._small = True
        self.noted: int | None = None
        """What a listpackex says of the time at which its first field goes, which may be outdated, or 0; None: it is none."""
        self._expires = _NOTHING
        self.soonest = 0
        """No field goes before this Unix time in milliseconds; 0: none goes at all."""

    @property
    def small(self) -> bool:
        return self._small

    def encoding(self) -> bytes:
        if not self._small:
            return b"hashtable"
        return self.limits.small if self.noted is None else b"listpackex"

    def get(self, field: bytes) -> bytes | None:
        return self._members.get(field)

    def get_each(self, fields: Sequence[bytes]) -> list[bytes | None]:
        """HMGET: the value of each of the fields."""
        get = self._members.get
        return [get(field) for field in fields]

    def values(self) -> ValuesView[bytes]:
        return self._members.values()

    def items(self) -> ItemsView[bytes, bytes]:
        return self._members.items()

    def mapping(self) -> dict[bytes, bytes]:
        """All of it as a dictionary of its own; faster than `dict(items())`: x0.2."""
        return self._members.copy()

    def set(self, field: bytes, value: bytes, *, keep_ttl: bool = False, measured: bool = True) -> bool:
        """HSET of one field: whether it is new.  Its time to live goes unless kept.  Unless `measured`, both may be
        longer than those of small hashes are (HINCRBY before 7.0)."""
        if self._expires and not keep_ttl:
            self.persist(field)
        fields = self._members
        new = field not in fields
        if new and self._small:
            (field,) = _shared((field,))
        fields[field] = value
        if new and self._order is not None:
            self._order.add(field)
        if self._small:
            limits = self.limits
            longest = limits.hash_max_listpack_value
            self._small = (not measured or (len(field) <= longest and len(value) <= longest)) and len(
                fields
            ) <= limits.hash_max_listpack_entries
        return new

    def update(self, words: Sequence[bytes]) -> int:
        """HSET: fields and values by turns; how many fields are new."""
        fields = self._members
        if len(words) == 2:
            return int(self.set(words[0], words[1]))
        limits = self.limits
        if self._small and limits.arguments_count and len(words) // 2 > limits.hash_max_listpack_entries:
            self._small = False
        each = iter(words)
        pairs = zip(each, each)
        if self._order is not None or self._expires:
            return sum(self.set(field, value) for field, value in pairs)
        if not fields:
            pairs = zip(_shared(words[::2]), words[1::2])
        before = len(fields)
        longest = limits.hash_max_listpack_value
        for field, value in pairs:
            fields[field] = value
            if len(field) > longest or len(value) > longest:
                self._small = False
        if self._small and len(fields) > limits.hash_max_listpack_entries:
            self._small = False
        return len(fields) - before

    def delete(self, field: bytes) -> bool:
        """HDEL: whether the field was there."""
        if self._members.pop(field, None) is None:
            return False
        if self._expires and self._expires.pop(field, None) is not None and not self._expires:
            self.soonest = 0
        if self._order is not None:
            self._order.remove(field)
        return True

    # Times to live of single fields.

    def expires_at(self, field: bytes) -> int | None:
        """Unix time in milliseconds at which a field goes; None: never."""
        return self._expires.get(field)

    @property
    def expiries(self) -> Mapping[bytes, int]:
        """The fields that go, with the Unix time in milliseconds."""
        return self._expires

    def extend(self) -> None:
        """Make room for times to live in a listpack, which Redis does before it knows whether a field gets one."""
        if self.noted is None and self.limits.small_hashes_expire:
            self.noted = 0

    def set_expiry(self, field: bytes, at_ms: int) -> None:
        """Let a field that is there go at this Unix time.  O(n) while the encoding is a small one, which is sorted by it."""
        if not self.limits.small_hashes_expire:
            self._small = False
        if self._expires is _NOTHING:
            self._expires = {}
        before = self._expires.get(field)
        self._expires[field] = at_ms
        if self._small:
            fields, expires, value = self._members, self._expires, self._members.pop(field)
            self._members = {}
            for other in fields:
                if field not in self._members and expires.get(other, at_ms) >= at_ms:
                    self._members[field] = value
                self._members[other] = fields[other]
            self._members.setdefault(field, value)
            self._note(at_ms, before)
        self.soonest = min(at_ms, self.soonest or at_ms)

    def _note(self, at_ms: int, before: int | None) -> None:
        """Less than four seconds are not worth noting (hashTypeSetExDone)."""
        noted = self.noted
        if not noted:
            self.noted = at_ms
        elif at_ms < noted or (before is not None and before <= noted):
            first = min(self._expires.values())
            if abs(first - noted) >= 4000:
                self.noted = first

    def persist(self, field: bytes) -> bool:
        """Let a field stay for ever; False if it would anyway."""
        if self._expires.pop(field, None) is None:
            return False
        if self._small:  # those without a time stand last
            self._members[field] = self._members.pop(field)
        if not self._expires:
            self.soonest = 0
        return True

    def remove_due(self, now_ms: int) -> int:
        """Remove the fields whose time has come; how many there were.  O(n) if one has, else O(1)."""
        if not self.soonest or now_ms <= self.soonest:
            return 0
        due = [field for field, at in self._expires.items() if at < now_ms]
        for field in due:
            self.delete(field)
        self.soonest = min(self._expires.values(), default=0)
        if self.noted is not None:
            self.noted = self.soonest
        return len(due)

    def copy(self) -> Hash:
        """COPY.  O(n), in C."""
        twin = Hash(self.limits)
        twin._members = self._members.copy()
        twin._small = self._small
        twin.noted = self.noted
        twin._expires = self._expires.copy() or _NOTHING
        twin.soonest = self.soonest
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

    @classmethod
    def loaded_expiring(
        cls, pairs: dict[bytes, bytes], expiries: dict[bytes, int], limits: Limits, as_listpack: bool
    ) -> Hash:
        """A hash some of whose fields may go.  One that comes as a listpack keeps its order."""
        made = cls.loaded(pairs, limits, long_values_matter=not as_listpack)
        made._expires = expiries
        made.soonest = min(expiries.values(), default=0)
        made._small = made._small and limits.small_hashes_expire
        if made._small:
            if not as_listpack:  # of those that go together the last one is put first
                last_first = sorted(expiries, key=expiries.__getitem__, reverse=True)
                order = [*reversed(last_first), *(field for field in pairs if field not in expiries)]
                made._members = {field: pairs[field] for field in order}
            made.noted = expiries.get(next(iter(made._members)), 0)
        return made

    def check(self) -> None:
        super().check()
        assert all(type(value) is bytes for value in self._members.values())
        assert self._expires.keys() <= self._members.keys()
        assert bool(self.soonest) == bool(self._expires)
        assert all(self.soonest <= at for at in self._expires.values())
