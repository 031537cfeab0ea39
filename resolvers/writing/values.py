"""Values of an input, checked one by one. What is wrong goes to the `Mistakes`, never the value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from unicodedata import normalize

from regions.instants import now
from resolvers.writing.refusing import Mistakes
from schema.privacy import MASK

__all__ = [
    "FIRST_DAY",
    "NO_DISEASE",
    "Moment",
    "day_of",
    "is_given",
    "is_mask",
    "item",
    "text",
    "word",
]

Path = Sequence[str]

FIRST_DAY = "1900-01-01"
"""No day or instant of a record lies before it."""

NO_DISEASE = ("there is no such disease; see `diseases`", "没有该病种，见 diseases")
"""What is said of a disease that is none, in English and Chinese."""

_SKEW = timedelta(minutes=5)  # clocks of clients that are fast
_CHINA = timedelta(hours=8)  # days are local days; China has one time
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*")
_MANY_LINES = str.maketrans("", "", "\n\t")


@dataclass(frozen=True)
class Moment:
    """The instant of a mutation, and what counts as the future by it."""

    now: str

    @classmethod
    def this(cls) -> Moment:
        """This instant."""
        return cls(now())

    @cached_property
    def today(self) -> str:
        """The day in China."""
        return day_of(self.now)

    @cached_property
    def latest(self) -> str:
        """The last instant that is not the future: clocks differ by some minutes."""
        return _text(_instant(self.now) + _SKEW)

    def ahead(self, days: int) -> str:
        """The day so many days from today."""
        return (date.fromisoformat(self.today) + timedelta(days=days)).isoformat()


def day_of(instant: str) -> str:
    """The day in China of an instant."""
    try:
        return (_instant(instant) + _CHINA).date().isoformat()
    except OverflowError:  # in the last hours of the year 9999
        return date.max.isoformat()


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def is_given(value: object) -> bool:
    """Whether an input says anything: the mask, sent back by a form, says nothing (F12)."""
    return value is not None and not is_mask(value)


def is_mask(value: object) -> bool:
    """Whether it is the mask as forms and people send it back: in spaces, full width, repeated."""
    return isinstance(value, str) and set(normalize("NFKC", value).strip()) == {MASK}


def item(value: str | None, mistakes: Mistakes, path: Path, longest: int = 200) -> str | None:
    """A private text, or None where nothing was given."""
    return text(value, mistakes, path, longest) if is_given(value) else None


def text(value: str | None, mistakes: Mistakes, path: Path, longest: int = 200) -> str | None:
    """A text without its outer spaces; None where it is empty."""
    bare = (value or "").strip()
    if not bare or is_mask(bare):
        return None
    if len(bare) > longest:
        mistakes.add(
            path, f"the text is longer than {longest} characters", f"文字超过 {longest} 个字符"
        )
        return None
    if not bare.translate(_MANY_LINES).isprintable():
        mistakes.add(path, "the text holds a control character", "文字含控制字符")
        return None
    return bare


def word(value: str | None, mistakes: Mistakes, path: Path, longest: int = 60) -> str | None:
    """A code word: this column is not private, so that no sentence may stand in it."""
    bare = (value or "").strip()
    if not bare:
        return None
    if len(bare) > longest or not _WORD.fullmatch(bare):
        mistakes.add(
            path,
            f"only a word of at most {longest} letters, digits and . _ : - can stand here",
            f"只能填写不超过 {longest} 个字符的代码（字母、数字和 . _ : -）",
        )
        return None
    return bare
