"""A replay as SVG: a row for each province, in it a line for each method, marks for signals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from html import escape
from math import log1p

import numpy as np

from bench.evaluate_plot import STYLE
from bench.replay import DISEASE, FIRST, Replayed, provinces
from resolvers.alerts.counts import Counted

__all__ = ["picture"]

_DAY, _LINE = 5.0, 3.4  # px of a day across, of a method down
_LEFT, _TOP, _BOTTOM, _RIGHT = 120.0, 52.0, 30.0, 16.0
_GAP = 3.0  # between two rows
_MARK = 4.0  # width of a mark
_TITLE = "COVID-19 in China 2020: when each method signalled, by province"


def picture(counted: Counted, results: Mapping[str, Replayed]) -> str:
    """Days across, provinces down, in the order of their first case. The grey behind a row is the
    day's cases, on a logarithmic scale; a mark is a signal in one of its places.
    """
    cases = np.nan_to_num(counted.cases[DISEASE][:, counted.position(FIRST) :])
    rows = provinces(counted)
    row_height = _LINE * len(results) + _GAP
    days = cases.shape[1]
    width = _LEFT + days * _DAY + _RIGHT
    height = _TOP + row_height * len(rows) + _BOTTOM
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'font-family="sans-serif" font-size="11" role="img">',
        f"<title>{escape(_TITLE)}</title>",
        STYLE,
        *_legend(list(results)),
        *_months(days, height),
    ]
    most = log1p(float(cases.max()))
    for number, (name, places) in enumerate(rows):
        top = _TOP + number * row_height
        lines.append(
            f'<text x="{_LEFT - 8}" y="{top + row_height / 2 + 4:.1f}" text-anchor="end">'
            f"{escape(name)}</text>"
        )
        daily = cases[places].sum(axis=0)
        lines += [
            f'<rect x="{_LEFT + day * _DAY:.1f}" y="{top:.1f}" width="{_DAY}" '
            f'height="{row_height - _GAP:.1f}" fill="#888" '
            f'fill-opacity="{0.05 + 0.4 * log1p(float(count)) / most:.2f}"/>'
            for day, count in enumerate(daily)
            if count > 0
        ]
        for kind, found in enumerate(results.values()):
            signalled = np.nonzero(found.signals[places].any(axis=0))[0]
            y = top + (kind + 0.5) * _LINE
            marks = "".join(
                f"M{_LEFT + day * _DAY + (_DAY - _MARK) / 2:.1f} {y:.1f}h{_MARK}"
                for day in signalled
            )
            if marks:
                lines.append(f'<g class="c{kind}"><path class="mark" d="{marks}"/></g>')
    lines.append("</svg>")
    return "\n".join(lines) + "\n"


def _legend(names: list[str]) -> list[str]:
    lines, x = [], _LEFT
    for kind, name in enumerate(names):
        lines.append(
            f'<g class="c{kind}"><path class="mark" d="M{x} 18h14"/>'
            f'<text class="word" x="{x + 18}" y="22">{escape(name)}</text></g>'
        )
        x += 36 + 6.4 * len(name)
    return lines


def _months(days: int, height: float) -> list[str]:
    lines = []
    for number in range(days):
        day = date.fromisoformat(FIRST) + timedelta(days=number)
        if day.day in (1, 15):
            x = _LEFT + number * _DAY
            lines.append(
                f'<path d="M{x:.1f} {_TOP - 4}V{height - _BOTTOM:.1f}" class="grid"/>'
                f'<text x="{x:.1f}" y="{_TOP - 9}" text-anchor="middle">{day:%d %b}</text>'
            )
    return lines
