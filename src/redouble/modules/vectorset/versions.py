"""What differs between the versions of vector sets."""

from __future__ import annotations

from typing import ClassVar

from redouble.core.client import Client
from redouble.modules.vectorset.vectors import SCALAR, WIDE, Arithmetic

__all__ = ["VectorSets", "version"]


class VectorSets:
    """Those of Redis 8.0."""

    filters_have_null: ClassVar[bool] = False
    """`VSIM k ELE a FILTER ".x == null"`: a syntax error (8.0)."""
    filters_find_substrings: ClassVar[bool] = False
    """`VSIM k ELE a FILTER "'b' in 'abc'"`: finds none (8.0), all with attributes (8.6)."""
    limits_ef: ClassVar[bool] = False
    """`VSIM k ELE a EF 1000001`: too many (8.6)."""
    reduces_only: ClassVar[bool] = False
    """`VADD k REDUCE 3 VALUES 2 1 1 a`: makes a longer vector (8.0), an error (8.6)."""
    arithmetic: ClassVar[type[Arithmetic]] = SCALAR
    """The last digits of the scores of `VSIM` with WITHSCORES, of sixteen numbers or more."""


class VectorSets82(VectorSets):
    """Those of Redis 8.2 and later; of 8.6, as far as they differ."""

    filters_have_null = True
    filters_find_substrings = True
    limits_ef = True
    reduces_only = True
    arithmetic = WIDE


def version(client: Client) -> type[VectorSets]:
    """The version that the server has."""
    return VectorSets82 if client.server.dialect.describes("vectorset") else VectorSets
