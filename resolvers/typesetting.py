"""Lines of Chinese and mixed text for a page of fixed width, in a font that is embedded (C7).

Breaking follows 避头尾: no closing mark begins a line, no opening mark ends one, a doubled dash or
ellipsis stays whole, and words and numbers in Latin letters are not cut unless they are longer than
the line. A character the font has no picture of is written as its code, `[U+20C30]`: a name that
shows an empty box is no name.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from threading import Lock

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

__all__ = ["FONT", "NO_END", "NO_START", "Measure", "break_lines", "measure", "shown"]

FONT = "epigate-letter"
"""The name under which the font is registered (`prepared`)."""

NO_START = frozenset("，。、；：？！）】》〉」』〕｝”’…—～·％‰℃％,.;:?!)]}>%°′″〟ー々〻")
"""Characters that begin no line."""

NO_END = frozenset("（【《〈「『〔｛“‘([{<￥＄$¥№#")
"""Characters that end no line."""

_TOGETHER = frozenset("—…～")
_LETTER = ("L", "N")
_IN_WORDS = frozenset("-_./@+'&:")  # inside a word, a number, an instant

Measure = Callable[[str], float]


@cache
def _font() -> TTFont:
    """The font, registered once in a process."""
    found = files("paperang_p2_fonts_cjk").joinpath("fonts", "wqy-microhei.ttc")
    font = TTFont(FONT, str(Path(str(found))), subfontIndex=0)
    pdfmetrics.registerFont(font)
    return font


_LOCK = Lock()


def _prepared() -> TTFont:
    with _LOCK:  # letters are made in threads
        return _font()


def shown(text: str) -> str:
    """The text as the font can show it: control characters gone, missing characters as codes."""
    known = _prepared().face.charToGlyph
    found = []
    for one in unicodedata.normalize("NFC", text):
        if one == "\n" or (one.isprintable() and ord(one) in known):
            found.append(one)
        elif one.isspace():
            found.append(" ")
        elif one.isprintable():
            found.append(f"[U+{ord(one):04X}]")
    return "".join(found)


def measure(size: float) -> Measure:
    """What a text is wide at a size of the font, in points."""
    _prepared()
    return lambda text: pdfmetrics.stringWidth(text, FONT, size)


def break_lines(text: str, width: float, wide: Measure) -> list[str]:
    """The lines of a text, none wider than `width` unless a single character is.

    An empty text is no line; a line feed ends one.
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        lines.extend(_paragraph(_units(paragraph), width, wide))
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _units(text: str) -> list[str]:
    """What is not cut: a word of letters or digits, a single character otherwise."""
    found: list[str] = []
    for at, one in enumerate(text):
        if found and _in_word(one, text[at + 1 : at + 2]) and _in_word(found[-1][-1], one):
            found[-1] += one
        else:
            found.append(one)
    return found


def _in_word(one: str, following: str) -> bool:
    """Whether a character is part of a word; a mark is, where another part follows."""
    if one in _IN_WORDS:
        return bool(following) and _narrow(following)
    return _narrow(one)


def _narrow(one: str) -> bool:
    wide = unicodedata.east_asian_width(one) in ("W", "F")
    return not wide and unicodedata.category(one)[0] in _LETTER


def _paragraph(units: Sequence[str], width: float, wide: Measure) -> list[str]:
    lines: list[str] = []
    waiting = list(units)
    while waiting:
        count, taken = 0, ""
        while count < len(waiting) and wide((taken + waiting[count]).rstrip()) <= width:
            taken += waiting[count]
            count += 1
        if count == len(waiting):
            lines.append(taken.rstrip())
            break
        at = _break(waiting, count)
        if at == 0:  # the first unit is longer than the line
            fits = _fitting(waiting[0], width, wide)
            lines.append(waiting[0][:fits])
            waiting[0] = waiting[0][fits:]
            continue
        lines.append("".join(waiting[:at]).rstrip())
        waiting = waiting[at:]
        while waiting and waiting[0].isspace():
            waiting = waiting[1:]
    return lines or [""]


def _break(units: Sequence[str], most: int) -> int:
    """How many units stay on the line, at most so many: the last place where a line may end."""
    for at in range(most, 0, -1):
        if _may_break(units[at - 1], units[at]):
            return at
    return most


def _may_break(before: str, after: str) -> bool:
    if before[-1] in _TOGETHER and after[0] == before[-1]:
        return False
    return after[0] not in NO_START and before[-1] not in NO_END


def _fitting(unit: str, width: float, wide: Measure) -> int:
    fits = 1
    while fits < len(unit) and wide(unit[: fits + 1]) <= width:
        fits += 1
    return fits
