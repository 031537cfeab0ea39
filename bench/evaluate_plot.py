"""Two axes as SVG: what methods give away against what they gain."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from math import log10

__all__ = ["STYLE", "Point", "scatter"]

_WIDTH, _HEIGHT = 860, 520
_LEFT, _TOP, _RIGHT, _BOTTOM = 62, 24, 250, 56
_KINDS = 6  # colours
_APART = 19.5  # px between the lines at the right
STYLE = """<style>
svg { background: #fff; fill: #222; stroke: none }
.grid { stroke: #ddd }
.c0 { color: #1f5fa8 } .c1 { color: #c2410c } .c2 { color: #15803d }
.c3 { color: #7c3aed } .c4 { color: #b91c1c } .c5 { color: #0e7490 }
.dot, .word { fill: currentColor } .bar, .ring, .mark { stroke: currentColor; fill: none }
.mark { stroke-width: 3 }
@media (prefers-color-scheme: dark) {
svg { background: #0d1117; fill: #ddd }
.grid { stroke: #333 }
.c0 { color: #79b8ff } .c1 { color: #ffab70 } .c2 { color: #7ee787 }
.c3 { color: #d2a8ff } .c4 { color: #ff7b72 } .c5 { color: #76e3ea }
}
</style>"""
"""Six colours, c0 to c5, by day and by night."""


@dataclass(frozen=True, slots=True)
class Point:
    """One method: `x` > 0 and `y` in percent, one standard error of y, and where another program
    stands with the same method."""

    name: str
    x: float
    y: float
    error: float
    other: tuple[float, float] | None = None


def scatter(points: list[Point], title: str, across: str, up: str, low: float) -> str:
    """An SVG picture; x on a logarithmic axis down to `low` percent, numbers beside the points are
    explained at the right; rings are where the other program stands."""
    highest = 100.0
    decades = log10(highest / low)
    wide, high = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def x(value: float) -> float:
        return _LEFT + wide * min(1.0, max(0.0, log10(max(value, low) / low) / decades))

    def y(value: float) -> float:
        return _TOP + high * (1 - value / 100)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif" font-size="12" role="img">',
        f"<title>{escape(title)}</title>",
        STYLE,
    ]
    lines += [
        f'<path d="M{_LEFT} {y(percent):.1f}h{wide}" class="grid"/>'
        f'<text x="{_LEFT - 8}" y="{y(percent) + 4:.1f}" text-anchor="end">{percent}</text>'
        for percent in range(0, 101, 20)
    ]
    lines += [
        f'<path d="M{x(tick):.1f} {_TOP}v{high}" class="grid"/>'
        f'<text x="{x(tick):.1f}" y="{_TOP + high + 18}" text-anchor="middle">'
        f"{tick:g}</text>"
        for tick in (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
        if low <= tick <= highest
    ]
    lines.append(
        f'<text x="{_LEFT + wide / 2}" y="{_HEIGHT - 14}" text-anchor="middle">'
        f"{escape(across)}</text>"
        f'<text transform="translate(18 {_TOP + high / 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(up)}</text>"
    )
    for number, point in enumerate(points, start=1):
        at, level = x(point.x), y(point.y)
        lines.append(f'<g class="c{number % _KINDS}">')
        if point.other is not None:
            lines.append(
                f'<circle class="ring" cx="{x(point.other[0]):.1f}" '
                f'cy="{y(point.other[1]):.1f}" r="7"/>'
            )
        span = point.error * high / 100
        lines.append(
            f'<path class="bar" d="M{at:.1f} {level - span:.1f}v{2 * span:.1f}"/>'
            f'<circle class="dot" cx="{at:.1f}" cy="{level:.1f}" r="3.5"/>'
            f'<text class="word" x="{at + 9:.1f}" y="{level - 5:.1f}" font-size="10">'
            f"{number}</text>"
            f'<text class="word" x="{_WIDTH - _RIGHT + 16}" '
            f'y="{_TOP + 10 + (number - 1) * _APART:.1f}" font-size="11">'
            f"{number}  {escape(point.name)}</text></g>"
        )
    lines.append("</svg>")
    return "\n".join(lines) + "\n"
