"""What the values of all modules' types have in common; the rest of the server asks no more of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, TypeVar

__all__ = ["ModuleValue"]

Self = TypeVar("Self", bound="ModuleValue")


class ModuleValue:
    """A value of a module's type: one class for each type, in the folder of its module."""

    __slots__ = ()

    type_name: ClassVar[bytes]
    """What TYPE answers: nine characters."""
    can_be_copied: ClassVar[bool] = False
    """Whether COPY takes it."""

    def encoding(self) -> bytes:
        """OBJECT ENCODING."""
        return b"raw"

    def copy(self: Self) -> Self:
        """Another one that shares nothing that can change."""
        raise NotImplementedError

    def copy_for(self: Self, key: bytes) -> Self:
        """What COPY puts into `key`."""
        return self.copy()

    def arrived(self, db: Any, key: bytes) -> None:
        """It is now the value of `key`, where RENAME, MOVE or RESTORE put it."""

    def relatives(self) -> Iterable[bytes]:
        """Other keys of its database that may change when it does."""
        return ()

    def memory_usage(self) -> int:
        """What MEMORY USAGE says that the value takes, in bytes, without its key."""
        raise NotImplementedError

    def digest_parts(self) -> Iterator[list[bytes]] | None:
        """What DEBUG DIGEST mixes of it, part by part, of which the order does not count; None: it looks at none of it."""
        return None

    def describe(self) -> Iterator[str]:
        """Its facts for a reader, a line each (`server.dump()`)."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise AssertionError if something contradicts itself."""
