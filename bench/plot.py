"""Plots as SVG: bars on a linear scale, dots on a logarithmic one, each for light and for dark pages."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from html import escape
from typing import NamedTuple

__all__ = ["THEMES", "Theme", "bars", "dots"]


class Theme(NamedTuple):
    """The colours of what is not data."""

    text: str
    faint: str


THEMES = {"light": Theme("#1f2328", "#d8dee4"), "dark": Theme("#e6edf3", "#3d444d")}

Rows = Mapping[str, Mapping[str, float]]
"""A row of the plot, by its label: the value of each target."""
Colours = Mapping[str, str]
"""Of the targets, in the order in which they appear."""
WIDTH, RIGHT = 720, 64
CHARACTER = 7.2
"""How wide one is, on average, and a little more."""


def bars(rows: Rows, colours: Colours, unit: str, theme: Theme) -> str:
    """A group of bars for each row, with the figures at their ends."""
    bar, gap, top, left = 15, 13, 34, _margin(rows)
    longest = max(value for row in rows.values() for value in row.values())
    parts, y = [*_legend(colours, left, 12)], float(top)
    for label, row in rows.items():
        middle = y + bar * len(row) / 2 + 4
        parts.append(_text(left - 10, middle, label, "end"))
        for name, value in row.items():
            length = max(value / longest * (WIDTH - left - RIGHT), 1.5)
            parts.append(
                f'<rect x="{left:.0f}" y="{y:.1f}" width="{length:.1f}" height="{bar - 2}" rx="2" fill="{colours[name]}"/>'
            )
            parts.append(_text(left + length + 6, y + bar - 4, f"{_figure(value)} {unit}", size=11))
            y += bar
        y += gap
    return _svg(parts, y, theme)


def dots(rows: Rows, colours: Colours, theme: Theme) -> str:
    """A line for each row, with a dot for each target; the values are factors."""
    row_height, top, left = 26, 26, _margin(rows)
    logs = [math.log10(value) for row in rows.values() for value in row.values()]
    low, high = min(logs) - 0.03, max(logs) + 0.03
    bottom = top + row_height * len(rows)

    def x(value: float) -> float:
        return left + (WIDTH - left - RIGHT / 2) * (math.log10(value) - low) / (high - low)

    parts = []
    for value in _ticks(low, high):
        at = x(value)
        parts.append(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{top}" y2="{bottom}" stroke="{theme.faint}"'
            f' stroke-width="{2 if value == 1 else 1}"/>'
        )
        parts.append(_text(at, top - 10, f"{value:g}×", "middle", 11))
    for number, (label, row) in enumerate(rows.items()):
        y = top + row_height * (number + 0.5)
        parts.append(_text(left - 10, y + 4, label, "end"))
        parts += [
            f'<circle cx="{x(row[name]):.1f}" cy="{y:.1f}" r="6" fill="{colour}" fill-opacity="0.85">'
            f"<title>{escape(name)}: {_figure(row[name])}×</title></circle>"
            for name, colour in reversed(colours.items())
            if name in row
        ]
    legend = list(_legend(colours, left, bottom + 22))
    return _svg([*parts, *legend], bottom + 16 + 20 * _lines(colours, left), theme)


def _margin(rows: Rows) -> float:
    """The room for the labels."""
    return 20 + CHARACTER * max(map(len, rows))


def _ticks(low: float, high: float) -> Iterator[float]:
    """Round numbers between two powers of ten, few enough to read."""
    for power in range(math.floor(low), math.ceil(high) + 1):
        for first in (1, 2, 5) if high - low < 2.5 else (1,):
            if low <= math.log10(first * 10.0**power) <= high:
                yield first * 10.0**power


def _legend(colours: Colours, left: float, y: float) -> list[str]:
    parts: list[str] = []
    x = left
    for name, colour in colours.items():
        if x > left and x + _wide(name) > WIDTH:
            x, y = left, y + 20
        parts.append(f'<circle cx="{x + 6:.1f}" cy="{y:.1f}" r="6" fill="{colour}"/>')
        parts.append(_text(x + 18, y + 4, name))
        x += _wide(name)
    return parts


def _lines(colours: Colours, left: float) -> int:
    """Of the legend."""
    lines, x = 1, left
    for name in colours:
        if x > left and x + _wide(name) > WIDTH:
            lines, x = lines + 1, left
        x += _wide(name)
    return lines


def _wide(name: str) -> float:
    return 40 + CHARACTER * len(name)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}" if value < 10 else f"{value:.3g}"


def _text(x: float, y: float, text: str, anchor: str = "start", size: int = 13) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'


def _svg(parts: list[str], height: float, theme: Theme) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}"'
        f' font-family="system-ui, sans-serif" fill="{theme.text}">'
    )
    return "\n".join([head, *parts, "</svg>", ""])
