"""Controlled rounding: counts to multiples of five, so that parts still add up to the whole.

Each number becomes the multiple of five below or above it, is off by four at most, and on average
of all secrets not at all. Parts are halved and halved again, each at a place of its own, and of two
halves the one or the other goes up by what is left over of each (controlled rounding in one
dimension). Places and draws hang on names alone, so that nothing is rounded anew but beside what
changed, and parts that nobody joins or leaves are told in two ways at most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

__all__ = ["BASE", "least", "rounded", "shares"]

BASE = 5
"""No number below this is told, and every number is a multiple of it."""


def rounded(size: int, drawn: float) -> int:
    """A size down or up to a multiple of five: on average, over `drawn` in (0, 1), the size."""
    over = size % BASE
    return size - over + (BASE if drawn * BASE < over else 0)


def shares(told: int, sizes: Mapping[str, int], draw: Callable[[str], float]) -> dict[str, int]:
    """What is told of each part of a whole of which `told` is.

    `told` is the multiple of five below or above the sum of `sizes`. So is every share to its
    size, and the shares add up to `told`. `draw` gives a name its number in (0, 1).
    """
    made = {name: size - size % BASE for name, size in sizes.items()}
    left = [name for name, size in sizes.items() if size % BASE]
    up = (told - sum(made.values())) // BASE
    if 0 < up < len(left):
        places = sorted((draw(name), name, sizes[name] % BASE) for name in left)
        left = _going_up(places, up, 0.0, 1.0, draw)
    elif up == 0:
        left = []
    for name in left:
        made[name] += BASE
    return made


_Place = tuple[float, str, int]
"""Where a part stands among the others, its name, and what is left over of it: 1 to 4."""


def _going_up(
    places: Sequence[_Place], up: int, low: float, high: float, draw: Callable[[str], float]
) -> list[str]:
    """Which parts go up, `up` of them: the number of fives in what is left over, or one more."""
    if up in (0, len(places)):
        return [name for _, name, _ in places] if up else []
    middle = (low + high) / 2
    cut = sum(place < middle for place, _, _ in places)
    if cut == 0:
        return _going_up(places, up, middle, high, draw)
    if cut == len(places):
        return _going_up(places, up, low, middle, draw)
    lower, upper = places[:cut], places[cut:]
    a, b = (sum(over for _, _, over in some) for some in (lower, upper))
    first = _half(up, a, b, draw(f"{low}-{high}"))
    return [
        *_going_up(lower, first, low, middle, draw),
        *_going_up(upper, up - first, middle, high, draw),
    ]


def _half(up: int, left: int, right: int, drawn: float) -> int:
    """How many fives of `up` go to the first of two halves that have `left` and `right` over.

    On average `left` / 5, if `up` is on average the sum's.
    """
    down, a, b = left // BASE, left % BASE, right % BASE
    rest = up - down - right // BASE
    if a == 0 or rest == 0:
        return down
    if b == 0 or rest == 2:
        return down + 1
    if a + b <= BASE:
        return down + (drawn * (a + b) < a)
    return down + (drawn * (2 * BASE - a - b) < BASE - b)


def least(told: int) -> int:
    """How few there can be where a multiple of five was told."""
    return told - BASE + 1 if told else 0
