"""The longest common subsequence of two strings, as LCS computes and reports it."""

from __future__ import annotations

from typing import TypeAlias

__all__ = ["Match", "longest_common_length", "longest_common_subsequence"]

Match: TypeAlias = tuple[tuple[int, int], tuple[int, int]]
"""The first and last index of a run in the first string, and in the second."""


def longest_common_length(first: bytes, second: bytes) -> int:
    """How long the subsequence is, in a time proportional to the product of the lengths, divided by the word size."""
    return _rows(first, second)[-1].bit_count()


def longest_common_subsequence(first: bytes, second: bytes) -> tuple[bytes, list[Match]]:
    """The subsequence and the runs it consists of, the last run first.

    The classic table is walked from its end; where both ways are equally long, the walk goes up in `second`, so that
    the result is the real server's among several of one length.
    """
    rows = _rows(first, second)
    common = bytearray()
    matches: list[Match] = []
    i, j = len(first), len(second)
    run = 0
    while i and j:
        if first[i - 1] == second[j - 1]:
            common.append(first[i - 1])
            i, j, run = i - 1, j - 1, run + 1
            continue
        if run:
            matches.append(((i, i + run - 1), (j, j + run - 1)))
            run = 0
        if (rows[i - 1] & ((1 << j) - 1)).bit_count() > (rows[i] & ((1 << j - 1) - 1)).bit_count():
            i -= 1
        else:
            j -= 1
    if run:
        matches.append(((i, i + run - 1), (j, j + run - 1)))
    return bytes(reversed(common)), matches


def _rows(first: bytes, second: bytes) -> list[int]:
    """The table, one integer for each row: bit `j` says that its entry `j + 1` is one more than its entry `j`.

    Heikki Hyyrö's bit-parallel algorithm (2004): one row from the one above in four operations on large integers.
    """
    everything = (1 << len(second)) - 1
    places = {byte: sum(1 << j for j, other in enumerate(second) if other == byte) for byte in set(first)}
    unchanged = everything  # the complement of a row
    rows = [0]
    for byte in first:
        hits = unchanged & places[byte]
        unchanged = ((unchanged + hits) | (unchanged - hits)) & everything
        rows.append(unchanged ^ everything)
    return rows
