"""The longest common subsequence of two strings, as LCS computes and reports it."""

from __future__ import annotations

from typing import TypeAlias

__all__ = ["Match", "longest_common_subsequence"]

Match: TypeAlias = tuple[tuple[int, int], tuple[int, int]]
"""The first and last index of a run in the first string, and in the second."""


def longest_common_subsequence(first: bytes, second: bytes) -> tuple[bytes, list[Match]]:
    """The subsequence and the runs it consists of, the last run first.

    The classic table of O(len(first) * len(second)) time and space, walked from its end; where both ways are equally
    long, the walk goes up in `second` (so that the result is the real server's among several of one length).
    """
    columns = len(second)
    rows = [[0] * (columns + 1)]
    for byte in first:
        above = rows[-1]
        row = [0]
        left = 0
        for column, other in enumerate(second):
            if byte == other:
                left = above[column] + 1
            elif above[column + 1] > left:
                left = above[column + 1]
            row.append(left)
        rows.append(row)
    common = bytearray()
    matches: list[Match] = []
    i, j = len(first), columns
    run: list[int] = []  # last index in first, last in second, length
    while i and j:
        if first[i - 1] == second[j - 1]:
            common.append(first[i - 1])
            i -= 1
            j -= 1
            if run and run[0] - run[2] == i and run[1] - run[2] == j:
                run[2] += 1
            else:
                if run:
                    matches.append(_match(run))
                run = [i, j, 1]
        elif rows[i - 1][j] > rows[i][j - 1]:
            i -= 1
        else:
            j -= 1
    if run:
        matches.append(_match(run))
    return bytes(reversed(common)), matches


def _match(run: list[int]) -> Match:
    last1, last2, length = run
    return (last1 - length + 1, last1), (last2 - length + 1, last2)
