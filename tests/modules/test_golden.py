"""Every recorded case of the modules, in both protocols; what answers differently is named, with its reason."""

from __future__ import annotations

import pytest

from .golden import FAMILIES, VERSIONS, differences, tags

EXCEPTIONS: dict[str, str] = {}
"""The `id` of a case: why redouble answers something else.  At most one in two hundred of each family."""


@pytest.mark.fake
@pytest.mark.parametrize(
    ("family", "label", "tag"),
    [
        pytest.param(family, label, tag, id=f"{family}-{label}-{tag}")
        for family in FAMILIES
        for label in VERSIONS
        for tag in tags(family, label)
    ],
)
def test_redouble_answers_as_recorded(family: str, label: str, tag: str) -> None:
    wrong = []
    for protocol in (2, 3):
        for case, difference in differences(family, label, protocol, tag):
            if case["id"] not in EXCEPTIONS:
                wrong.append(f"{case['id']} RESP{protocol}\n{difference}")
    if wrong:
        pytest.fail(f"{len(wrong)} cases\n\n" + "\n\n".join(wrong[:5]), pytrace=False)
