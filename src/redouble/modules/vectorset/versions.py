"""What differs between the versions of vector sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from redouble.core.client import Client
from redouble.modules.vectorset.vectors import SCALAR, WIDE, Arithmetic

if TYPE_CHECKING:
    from redouble.dialects import Dialect

__all__ = ["VectorSets", "version", "version_of"]


class VectorSets:
    """Those of Redis 8.0."""

    filters_have_null: ClassVar[bool] = False
    """`VSIM k ELE a FILTER ".x == null"`: a syntax error (8.0)."""
    filters_find_substrings: ClassVar[bool] = False
    """`VSIM k ELE a FILTER "'b' in 'abc'"`: finds none (8.0), all with attributes (8.6)."""
    of_epsilon: ClassVar[int] = 1
    """`VSIM k ELE a EPSILON 0.2`: how many times so far an element may be, of 2 (8.0) or of 1 (8.6)."""
    limits_ef: ClassVar[bool] = False
    """`VSIM k ELE a EF 1000001`: too many (8.6)."""
    reduces_only: ClassVar[bool] = False
    """`VADD k REDUCE 3 VALUES 2 1 1 a`: makes a longer vector (8.0), an error (8.6)."""
    files_tell_farthest: ClassVar[bool] = False
    """`DUMP k`: of each node's links, which is the longest (8.6)."""
    arithmetic: ClassVar[type[Arithmetic]] = SCALAR
    """The last digits of the scores of `VSIM` with WITHSCORES, of sixteen numbers or more."""


class VectorSets82(VectorSets):
    """Those of Redis 8.6; 8.2 and 8.4, which were not at hand, count as the same."""

    filters_have_null = True
    filters_find_substrings = True
    of_epsilon = 2
    limits_ef = True
    reduces_only = True
    files_tell_farthest = True
    arithmetic = WIDE


def version(client: Client) -> type[VectorSets]:
    """The version that the server has."""
    return version_of(client.server.dialect)


def version_of(dialect: type[Dialect]) -> type[VectorSets]:
    """The version that servers of a dialect have."""
    return VectorSets82 if dialect.describes("vectorset") else VectorSets
