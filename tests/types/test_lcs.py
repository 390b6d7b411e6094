"""The longest common subsequence against the classic table."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from redouble.types.lcs import longest_common_length, longest_common_subsequence

texts = st.lists(st.sampled_from(b"abc"), max_size=25).map(bytes)


@given(texts, texts)
def test_the_walk_through_the_table(first: bytes, second: bytes) -> None:
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, a in enumerate(first):
        for j, b in enumerate(second):
            table[i + 1][j + 1] = table[i][j] + 1 if a == b else max(table[i][j + 1], table[i + 1][j])
    pairs = []
    i, j = len(first), len(second)
    while i and j:
        if first[i - 1] == second[j - 1]:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif table[i - 1][j] > table[i][j - 1]:
            i -= 1
        else:
            j -= 1
    common, matches = longest_common_subsequence(first, second)
    assert longest_common_length(first, second) == table[-1][-1] == len(common)
    assert common == bytes(first[i] for i, _ in reversed(pairs))
    in_runs = [
        (start1 + k, start2 + k)
        for (start1, end1), (start2, end2) in matches
        for k in range(end1 - start1, -1, -1)
        if end1 - start1 == end2 - start2
    ]
    assert in_runs == pairs


def test_long_strings_take_little_time_and_space() -> None:
    assert longest_common_length(b"ab" * 3000, b"ba" * 3000) == 5999
