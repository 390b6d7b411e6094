"""Sets: a dictionary without values.

An intset shows its members in numeric order, a listpack in the order of insertion, and a hashtable promises none.  The
dictionary has the order of insertion anyway; an intset is sorted when somebody looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import ClassVar

from redouble.types.collection import Collection
from redouble.types.limits import DEFAULT_LIMITS, Limits
from redouble.types.number import parse_integer

__all__ = ["Set"]

_HASHTABLE, _INTSET, _LISTPACK, _NEW = range(4)


class Set(Collection[None]):
    """Members.  Everything about one member is O(1)."""

    __slots__ = ("_encoding", "_expires", "_unsorted", "soonest")

    type_name: ClassVar[bytes] = b"set"

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(limits)
        self._encoding = _NEW  # the first SADD decides
        self._unsorted = False  # an intset that must be sorted before it is shown
        self._expires: dict[bytes, int] | None = None  # of Dragonfly's sets alone
        self.soonest = 0
        """Unix time in milliseconds before which no member goes; 0 if none does."""

    @property
    def small(self) -> bool:
        return self._encoding != _HASHTABLE

    def encoding(self) -> bytes:
        if self._encoding == _INTSET:
            return b"intset"
        return b"listpack" if self._encoding == _LISTPACK else b"hashtable"

    def __iter__(self) -> Iterator[bytes]:
        if self._unsorted:
            self._sort()
        return iter(self._members)

    def add(self, member: bytes) -> bool:
        """SADD of one member: whether it is new."""
        members = self._members
        if member in members:
            return False
        if self._encoding:
            if self._encoding == _NEW:
                self._begin(member, 1)
            self._make_room(member)
        members[member] = None
        if self._order is not None:
            self._order.add(member)
        return True

    def update(self, members: Sequence[bytes]) -> int:
        """SADD: how many members are new."""
        if not members:
            return 0
        if self._encoding == _NEW:
            self._begin(members[0], len(members))
        elif self._encoding and self.limits.arguments_count:
            limits = self.limits
            most = limits.set_max_intset_entries if self._encoding == _INTSET else limits.set_max_listpack_entries
            if len(members) > most:
                self._become_hashtable()
        if self._encoding or self._order is not None:
            return sum(map(self.add, members))
        before = len(self._members)
        self._members.update(dict.fromkeys(members))
        return len(self._members) - before

    def discard(self, member: bytes) -> bool:
        """SREM of one member: whether it was there."""
        members = self._members
        if member not in members:
            return False
        del members[member]
        if self._expires:
            self._expires.pop(member, None)
        if self._order is not None:
            self._order.remove(member)
        return True

    def set_expiry(self, member: bytes, at_ms: int) -> None:
        """Let a member that is there go at this Unix time (Dragonfly's SADDEX)."""
        if self._expires is None:
            self._expires = {}
        self._expires[member] = at_ms
        self.soonest = min(at_ms, self.soonest or at_ms)

    def expires_at(self, member: bytes) -> int | None:
        """Unix time in milliseconds at which a member goes; None: never."""
        return self._expires.get(member) if self._expires else None

    def remove_due(self, now_ms: int) -> int:
        """Remove the members whose time has come; how many there were.  O(n) if one has, else O(1)."""
        if not self._expires or now_ms <= self.soonest:
            return 0
        due = [member for member, at in self._expires.items() if at < now_ms]
        for member in due:
            self.discard(member)
        self.soonest = min(self._expires.values(), default=0)
        return len(due)

    def pop(self, chance: Random) -> bytes:
        """SPOP: a random member goes.  There must be one."""
        member = self.choice(chance)
        self.discard(member)
        return member

    def pop_many(self, count: int, chance: Random) -> list[bytes]:
        """SPOP with a count: random members go, all of them if there are not more.  O(count)."""
        popped = self.sample(count, chance)
        for member in popped:
            self.discard(member)
        left = len(self._members)
        if self._encoding == _HASHTABLE and left and left * 5 <= count:
            # spopWithCountCommand, case 3: the few that stay move into a new set
            self._rebuild(_LISTPACK if self.limits.small_sets_are_listpacks else _INTSET)
        return popped

    def copy(self) -> Set:
        """COPY.  O(n), in C."""
        twin = Set(self.limits)
        twin._members = self._members.copy()
        twin._encoding = self._encoding
        twin._unsorted = self._unsorted
        twin._expires = None if self._expires is None else self._expires.copy()
        twin.soonest = self.soonest
        return twin

    @classmethod
    def union(cls, members: Iterable[bytes], limits: Limits = DEFAULT_LIMITS) -> Set:
        """The set that SUNIONSTORE and SDIFFSTORE make: an intset for as long as that goes."""
        made = cls(limits)
        made._encoding = _INTSET
        for member in members:
            made.add(member)
        return made

    @classmethod
    def intersection(cls, members: Iterable[bytes], limits: Limits = DEFAULT_LIMITS) -> Set:
        """The set that SINTERSTORE makes: a listpack that may turn out to be an intset."""
        made = cls(limits)
        made._members = dict.fromkeys(members)
        made._rebuild(_LISTPACK if limits.small_sets_are_listpacks else _INTSET)
        if len(made) <= limits.set_max_intset_entries and all(parse_integer(m) is not None for m in made._members):
            made._encoding = _INTSET
            made._unsorted = True
        return made

    @classmethod
    def loaded(cls, members: Sequence[bytes], limits: Limits = DEFAULT_LIMITS) -> Set:
        """A set from members that come one by one (RESTORE): an intset for as long as that goes, if it is small."""
        made = cls(limits)
        made._encoding = _INTSET if len(members) <= limits.set_max_intset_entries else _HASHTABLE
        for member in members:
            made.add(member)
        return made

    @classmethod
    def small_loaded(cls, members: Sequence[bytes], intset: bool, limits: Limits = DEFAULT_LIMITS) -> Set:
        """A set that comes as an intset or as a listpack (RESTORE), and stays one unless it has too many members."""
        made = cls(limits)
        made._members = dict.fromkeys(members)
        most = limits.set_max_intset_entries if intset else limits.set_max_listpack_entries
        made._encoding = (_INTSET if intset else _LISTPACK) if len(members) <= most else _HASHTABLE
        return made

    def check(self) -> None:
        super().check()
        assert self._encoding != _NEW or not self._members
        assert self._encoding != _LISTPACK or self.limits.small_sets_are_listpacks
        assert self._encoding == _INTSET or not self._unsorted
        assert (self._expires or {}).keys() <= self._members.keys()
        assert all(self.soonest <= at for at in (self._expires or {}).values())
        if self._encoding == _INTSET:
            numbers = [parse_integer(member) for member in self]
            assert None not in numbers
            assert numbers == sorted(map(int, self._members))

    # ---- encodings (t_set.c: setTypeCreate, setTypeAddAux, setTypeMaybeConvert)

    def _begin(self, first: bytes, count: int) -> None:
        limits = self.limits
        counted = limits.arguments_count
        if parse_integer(first) is not None and (count <= limits.set_max_intset_entries or not counted):
            self._encoding = _INTSET
        elif limits.small_sets_are_listpacks and count <= limits.set_max_listpack_entries:
            self._encoding = _LISTPACK
        else:
            self._encoding = _HASHTABLE

    def _make_room(self, member: bytes) -> None:
        """A new member comes to a small set: choose the encoding that can hold it."""
        limits = self.limits
        length = len(self._members)
        if self._encoding == _INTSET:
            if parse_integer(member) is not None:
                if length < limits.set_max_intset_entries:
                    self._unsorted = True
                else:
                    self._become_hashtable()
                return
            longest = max(map(len, self._members), default=0)
            if limits.small_sets_are_listpacks and longest <= limits.set_max_listpack_value:
                if self._unsorted:
                    self._sort()
                self._encoding = _LISTPACK
        if self._encoding != _LISTPACK or (
            length >= limits.set_max_listpack_entries or len(member) > limits.set_max_listpack_value
        ):
            self._become_hashtable()

    def _become_hashtable(self) -> None:
        self._encoding = _HASHTABLE
        self._unsorted = False

    def _rebuild(self, encoding: int) -> None:
        """Add every member again, to an empty set of that encoding."""
        members, order = self._members, self._order
        self._members, self._order = {}, None
        self._encoding, self._unsorted = encoding, False
        for member in members:
            self.add(member)
        self._order = order

    def _sort(self) -> None:
        members = sorted(self._members, key=int)
        self._members.clear()  # in place: views of it stay what they are
        self._members.update(dict.fromkeys(members))
        self._unsorted = False
