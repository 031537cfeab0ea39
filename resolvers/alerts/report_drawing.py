"""Pictures of a report as shapes: the curve of signals, and the counties as points (E12). Pure.

A picture is drawn once, as shapes in points from its upper left corner, and comes out the same as
SVG and on a page of a PDF. The map has no outlines and claims no borders: every county is one point
(`county_centroids.csv`), larger where it has signals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from math import ceil, cos, log10, radians, sqrt

from regions.areas import reference_rows

__all__ = [
    "COLOURS",
    "Circle",
    "Figure",
    "Picture",
    "Rectangle",
    "Step",
    "Words",
    "counties_map",
    "curve",
    "svg",
]

COLOURS: Mapping[str, str] = {
    "signals": "#7d9cbf",
    "suspected": "#d97706",
    "confirmed": "#b91c1c",
    "text": "#222222",
    "grid": "#d8d8d8",
    "county": "#a8a8a8",
}
_SIZE = 8.5  # of text, in points
_WIDTH = 500.0
_CURVE_HEIGHT, _MAP_HEIGHT = 170.0, 360.0
_LEFT, _TOP, _BOTTOM = 34.0, 22.0, 24.0
_TICKS, _LABELS = 4, 10
_EDGE = 18.0
_LARGEST, _SMALLEST = 16.0, 2.6  # radii of discs
_POINT, _FINE, _MANY = 1.5, 0.8, 500  # radii of points, and how many are drawn finer


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A rectangle from its upper left corner, filled."""

    x: float
    y: float
    width: float
    height: float
    colour: str


@dataclass(frozen=True, slots=True)
class Circle:
    """A disc, clear enough that another shows through where `clear`."""

    x: float
    y: float
    radius: float
    colour: str
    clear: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text on its baseline; `anchor` is start, middle or end."""

    x: float
    y: float
    text: str
    anchor: str = "start"


Shape = Rectangle | Circle | Words


@dataclass(slots=True)
class Picture:
    """A picture; `title` says what it shows to whoever cannot see it."""

    width: float
    height: float
    title: str
    shapes: list[Shape] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a curve."""

    label: str
    signals: int
    suspected: int
    confirmed: int


@dataclass(frozen=True, slots=True)
class Figure:
    """What a point of the map shows."""

    code: str
    signals: int
    suspected: int
    confirmed: int


def curve(steps: Sequence[Step], title: str, legend: Sequence[str]) -> Picture:
    """Signals by step: of outbreaks, else suspected, else others, one upon the other. `legend`
    names them in the order signals, suspected, confirmed.
    """
    made = Picture(_WIDTH, _CURVE_HEIGHT, title)
    wide, high = _WIDTH - _LEFT, _CURVE_HEIGHT - _TOP - _BOTTOM
    most = _round_up(max((one.signals for one in steps), default=0))
    base = _TOP + high
    tick = max(1, most // _TICKS)
    for value in range(0, most + 1, tick):
        y = base - high * value / most
        made.shapes.append(Rectangle(_LEFT, y - 0.25, wide, 0.5, "grid"))
        made.shapes.append(Words(_LEFT - 4, y + _SIZE / 3, f"{value:,}", "end"))
    each = wide / max(1, len(steps))
    every = max(1, ceil(len(steps) / _LABELS))
    for number, step in enumerate(steps):
        x = _LEFT + number * each
        suspected = max(step.suspected, step.confirmed)
        parts = (
            ("confirmed", step.confirmed),
            ("suspected", suspected - step.confirmed),
            ("signals", step.signals - suspected),
        )
        y = base
        for name, value in parts:
            if value > 0:
                height = high * value / most
                y -= height
                made.shapes.append(Rectangle(x + each * 0.12, y, each * 0.76, height, name))
        if number % every == 0:
            made.shapes.append(Words(x + each / 2, base + _SIZE + 4, step.label, "middle"))
    made.shapes += _legend(legend, _LEFT, _TOP - 10)
    return made


def _round_up(value: int) -> int:
    """The least of 4, 8, 20, 40, 80, 200 … that is no smaller."""
    if value <= _TICKS:
        return _TICKS
    power = 10 ** int(log10(value / _TICKS))
    found: int = next(
        step * power * _TICKS for step in (1, 2, 5, 10) if step * power * _TICKS >= value
    )
    return found


def counties_map(
    figures: Sequence[Figure], prefix: str, title: str, legend: Sequence[str]
) -> Picture | None:
    """The counties under a prefix as points, those with signals as discs whose area is their
    number; None where no place of the area is known.
    """
    known = {code: place for code, place in _centroids().items() if code.startswith(prefix)}
    if not known:
        return None
    made = Picture(_WIDTH, _MAP_HEIGHT, title)
    at = _projected(known)
    point = _FINE if len(known) > _MANY else _POINT
    made.shapes += [Circle(*at(place), point, "county") for place in known.values()]
    most = max((one.signals for one in figures), default=0)
    for one in sorted(figures, key=lambda one: -one.signals):
        place = _place_of(one.code, known)
        if place is None or not one.signals:
            continue
        colour = "confirmed" if one.confirmed else "suspected" if one.suspected else "signals"
        radius = max(_SMALLEST, _LARGEST * sqrt(one.signals / most))
        made.shapes.append(Circle(*at(place), radius, colour, clear=True))
    made.shapes += _legend(legend, _EDGE, _SIZE + 2)
    return made


Place = tuple[float, float]
"""Latitude and longitude, degrees."""


@cache
def _centroids() -> Mapping[str, Place]:
    return {
        row["code"]: (float(row["latitude"]), float(row["longitude"]))
        for row in reference_rows("county_centroids.csv")
    }


def _place_of(code: str, known: Mapping[str, Place]) -> Place | None:
    """Of a county its own; of a city or province the middle of its counties."""
    if code in known:
        return known[code]
    within = [place for one, place in known.items() if one.startswith(code.rstrip("0"))]
    if not within:
        return None
    return (
        sum(place[0] for place in within) / len(within),
        sum(place[1] for place in within) / len(within),
    )


class _projected:  # written small, as it is called like a function
    """Places to points of the picture: parallels evenly apart, meridians as at the middle."""

    def __init__(self, known: Mapping[str, Place]) -> None:
        latitudes = [place[0] for place in known.values()]
        longitudes = [place[1] for place in known.values()]
        self._north, self._west = max(latitudes), min(longitudes)
        self._narrow = cos(radians((max(latitudes) + min(latitudes)) / 2))
        wide = max((max(longitudes) - self._west) * self._narrow, 1e-3)
        high = max(self._north - min(latitudes), 1e-3)
        inner_wide, inner_high = _WIDTH - 2 * _EDGE, _MAP_HEIGHT - 2 * _EDGE - _TOP
        self._scale = min(inner_wide / wide, inner_high / high)
        self._x = _EDGE + (inner_wide - wide * self._scale) / 2
        self._y = _TOP + _EDGE + (inner_high - high * self._scale) / 2

    def __call__(self, place: Place) -> tuple[float, float]:
        latitude, longitude = place
        x = self._x + (longitude - self._west) * self._narrow * self._scale
        y = self._y + (self._north - latitude) * self._scale
        return round(x, 1), round(y, 1)


def _legend(legend: Sequence[str], x: float, y: float) -> list[Shape]:
    found: list[Shape] = []
    for name, text in zip(("signals", "suspected", "confirmed"), legend, strict=True):
        found.append(Rectangle(x, y - _SIZE + 1.5, _SIZE, _SIZE, name))
        found.append(Words(x + _SIZE + 4, y, text))
        x += _SIZE + 18 + sum(_SIZE if ord(one) > 0xFF else _SIZE * 0.6 for one in text)
    return found


def svg(picture: Picture) -> str:
    """The picture as an SVG element for a page of HTML."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {picture.width:g} '
        f'{picture.height:g}" role="img" font-size="{_SIZE}">',
        f"<title>{escape(picture.title)}</title>",
    ]
    for one in picture.shapes:
        match one:
            case Rectangle():
                lines.append(
                    f'<rect x="{one.x:.1f}" y="{one.y:.1f}" width="{one.width:.1f}" '
                    f'height="{one.height:.1f}" class="{one.colour}"/>'
                )
            case Circle():
                clear = ' fill-opacity=".6"' if one.clear else ""
                lines.append(
                    f'<circle cx="{one.x:g}" cy="{one.y:g}" r="{one.radius:.1f}" '
                    f'class="{one.colour}"{clear}/>'
                )
            case Words():
                lines.append(
                    f'<text x="{one.x:.1f}" y="{one.y:.1f}" text-anchor="{one.anchor}">'
                    f"{escape(one.text)}</text>"
                )
    lines.append("</svg>")
    return "\n".join(lines)
