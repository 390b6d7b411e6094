"""The figures in the documentation are those that were measured, and the plots are drawings."""

from __future__ import annotations

import xml.etree.ElementTree as xml

import pytest
from bench import plot, report
from bench.result import Result, compared


def test_pages_and_plots_show_the_figures_that_were_recorded() -> None:
    stale = [path.name for path, text in report.pages().items() if path.read_text(encoding="utf-8") != text]
    assert not stale, f"python -m bench report makes them again: {stale}"


def test_a_ratio_is_the_median_of_what_rounds_gave() -> None:
    result = compared("calls", "GET", "us", ("redouble", [1.0, 4.0, 3.0]), ("fakeredis", [10.0, 10.0, 60.0]))
    assert (result.figure, result.its, result.ratio) == (3.0, 10.0, 0.1)
    assert report.times(result).startswith("10×")


@pytest.mark.parametrize(
    ("unit", "ratio", "behind"),
    [("us", 1.2, True), ("us", 0.8, False), ("requests/s", 0.8, True), ("bytes", 1.0, False)],
)
def test_more_is_worse_but_for_requests(unit: str, ratio: float, behind: bool) -> None:
    assert report.lost(Result("calls", "GET", "redouble", unit, ratio, "fakeredis", 1.0, ratio)) is behind


@pytest.mark.parametrize("kind", ["bars", "dots"])
@pytest.mark.parametrize("theme", plot.THEMES.values(), ids=plot.THEMES)
def test_what_a_plot_draws_is_inside_of_it(kind: str, theme: plot.Theme) -> None:
    rows = {"GET & <SET>": {"a": 0.001, "b": 1.0}, "a long label of a row": {"a": 12_345.0}}
    colours = {"a": "#111", "b": "#222"}
    text = plot.bars(rows, colours, "µs", theme) if kind == "bars" else plot.dots(rows, colours, theme)
    svg = xml.fromstring(text)
    width, height = map(float, svg.attrib["viewBox"].split()[2:])
    drawn = 0
    for element in svg.iter():
        for x, y in (("x", "y"), ("cx", "cy"), ("x1", "y1")):
            if x in element.attrib:
                drawn += 1
                assert 0 <= float(element.attrib[x]) <= width
                assert 0 <= float(element.attrib[y]) <= height
    assert drawn > 8
