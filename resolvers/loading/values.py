"""From the text of a cell to a value: days, instants, ages, codes, words, values of enums."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime, timedelta

import orjson

from regions.areas import reference_areas, reference_rows
from resolvers.loading.fields import Field, FieldKind
from resolvers.loading.mapping import ANYTHING_ELSE, WORD, Choice, Mapping, fold

__all__ = ["Unreadable", "Value", "converter", "repeats"]

Value = str | int | None
Convert = Callable[[str], Value]
_Moment = tuple[date, datetime | None]  # a day, and an instant in UTC if it has a time of day

_TEXT_MAX = 1_000
_FIRST_DAY = date(1900, 1, 1)
_AHEAD = {"observation_due_on": timedelta(days=400)}  # fields that may lie in the future
_EXCEL = "excel"  # a format: days since 1899-12-30
_AGE_MAX = 130
_AGE = re.compile(
    r"<?\s*(\d{1,3})(?:\.\d+)?\s*"
    r"(周岁|岁|years?|yrs?|y|个月|月|months?|mo|m|周|weeks?|w|天|日|days?|d)?(?:.*(?:月|天|months?|days?))?",
    re.IGNORECASE,
)
_YEARS = ("", "周岁", "岁", "y", "yr", "yrs", "year", "years")
_SEXES = {"male": "M", "男": "M", "男性": "M", "female": "F", "女": "F", "女性": "F"}
_COUNT = re.compile(r"(\d{1,9})(?:\.0+)?")


class Unreadable(ValueError):
    """A cell that cannot be read; `reason` is a code of `reasons.REASONS`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def converter(field: Field, choice: Choice, mapping: Mapping, today: date) -> Convert:
    """What reads the cells of one choice of one field; it raises Unreadable.

    Cells come trimmed and are not empty.
    """
    convert = _plain(field, mapping, today)
    if choice.table is None:
        return convert
    table, otherwise = choice.table, choice.table.get(ANYTHING_ELSE)

    def through_table(text: str) -> Value:
        meant = table.get(fold(text), otherwise)
        if meant is None:
            raise Unreadable("NOT_IN_TABLE")
        return convert(meant) if meant else None

    return through_table


def repeats(field: Field, choice: Choice) -> bool:
    """Whether a field's values repeat, so that it pays to keep what was read."""
    return choice.table is not None or field.kind not in (FieldKind.TEXT, FieldKind.REFERENCE)


def _plain(field: Field, mapping: Mapping, today: date) -> Convert:
    match field.kind:
        case FieldKind.TEXT | FieldKind.REFERENCE:
            return _text
        case FieldKind.WORD:
            return _word
        case FieldKind.CODE:
            return _code
        case FieldKind.COUNTY:
            return _county
        case FieldKind.DISEASE:
            return _Diseases(mapping)
        case FieldKind.ENUM:
            return _enum(field.choices)
        case FieldKind.MANNERS:
            return _manners(field.choices)
        case FieldKind.DAY:
            return _Days(mapping, today + _AHEAD.get(field.name, timedelta(days=1))).day
        case FieldKind.INSTANT:
            return _Days(mapping, today + timedelta(days=1)).instant
        case FieldKind.AGE:
            return _age
        case FieldKind.COUNT:
            return _count


def _text(text: str) -> str:
    if len(text) > _TEXT_MAX:
        raise Unreadable("TOO_LONG")
    if not text.isprintable():
        text = " ".join(text.split())
        if any(ord(character) < 32 or ord(character) == 127 for character in text):
            raise Unreadable("CONTROL_CHARACTER")
    return text


def _word(text: str) -> str:
    if not WORD.fullmatch(text):
        raise Unreadable("UNREADABLE_WORD")
    return text


def _code(text: str) -> str:
    if not (text.isascii() and text.isdigit() and 6 <= len(text) <= 12):
        raise Unreadable("UNREADABLE_CODE")
    return (reference_areas().successor(text) or text) if len(text) == 6 else text


def _county(text: str) -> str:
    return _code(_code(text)[:6])


class _Diseases:
    def __init__(self, mapping: Mapping) -> None:
        self._keys = {row["key"] for row in reference_rows("diseases.csv")}
        self._keys |= {row["key"] for row in mapping.diseases}

    def __call__(self, text: str) -> str:
        if text not in self._keys:
            raise Unreadable("UNKNOWN_DISEASE")
        return text


def _enum(choices: Collection[str]) -> Convert:
    known = {fold(choice): choice for choice in choices}
    if set(choices) == {"M", "F"}:
        known |= _SEXES

    def read(text: str) -> Value:
        try:
            return known[fold(text)]
        except KeyError:
            raise Unreadable("NOT_IN_TABLE") from None

    return read


def _manners(choices: Collection[str]) -> Convert:
    read_one = _enum(choices)

    def read(text: str) -> Value:
        names = [read_one(part) for part in re.split("[;；、]", text) if part.strip()]
        return orjson.dumps(list(dict.fromkeys(names))).decode()

    return read


def _age(text: str) -> int:
    found = _AGE.fullmatch(text)
    if not found:
        raise Unreadable("UNREADABLE_AGE")
    in_years = (found[2] or "").lower() in _YEARS
    age = int(found[1]) if in_years and not text.startswith("<") else 0
    if age > _AGE_MAX:
        raise Unreadable("UNREADABLE_AGE")
    return age


def _count(text: str) -> int:
    found = _COUNT.fullmatch(text.replace(",", ""))
    if not found:
        raise Unreadable("UNREADABLE_NUMBER")
    return int(found[1])


class _Days:
    """Reads days and instants in the mapping's formats, up to a last day."""

    def __init__(self, mapping: Mapping, last: date) -> None:
        offset = timedelta(minutes=mapping.offset_minutes)
        self._formats = [_format(form, offset) for form in mapping.formats]
        self._may_reorder = _told_apart(mapping.formats)
        self._last = last

    def day(self, text: str) -> str:
        """The day as `YYYY-MM-DD`, as the list has it."""
        return self._moment(text)[0].isoformat()

    def instant(self, text: str) -> str:
        """The instant in UTC; a day without a time is its first second, unshifted."""
        day, instant = self._moment(text)
        return f"{day.isoformat()}T00:00:00Z" if instant is None else f"{instant.isoformat()}Z"

    def _moment(self, text: str) -> _Moment:
        for number, read in enumerate(self._formats):
            moment = read(text)
            if moment is None:
                continue
            if number and self._may_reorder:  # the next one is written likewise
                self._formats.insert(0, self._formats.pop(number))
            if moment[0] < _FIRST_DAY:
                raise Unreadable("DAY_TOO_EARLY")
            if moment[0] > self._last:
                raise Unreadable("DAY_IN_FUTURE")
            return moment
        raise Unreadable("UNREADABLE_DAY")


def _told_apart(formats: Collection[str]) -> bool:
    """Whether no text fits two of the formats: each has separators of its own between numbers."""
    bare = [re.sub("%[YmdHMS]", "0", form) for form in formats]
    return len(set(bare)) == len(bare) and not any("%" in form or "00" in form for form in bare)


def _format(form: str, offset: timedelta) -> Callable[[str], _Moment | None]:
    """What reads one format; it returns None for what is not written so."""
    if form == _EXCEL:
        return _excel
    pieces = re.split(r"(%.)", form)
    if set(pieces[1::2]) <= _NUMBERS.keys():  # four times as fast as strptime
        pattern = "".join(_NUMBERS.get(piece) or re.escape(piece) for piece in pieces)
        return _Numbers(re.compile(pattern), "%H" in pieces, offset)
    return _Named(form, any(piece in _TIMES for piece in pieces), offset)


_NUMBERS = {
    "%Y": r"(?P<Y>\d{4})",
    "%m": r"(?P<m>\d\d?)",
    "%d": r"(?P<d>\d\d?)",
    "%H": r"(?P<H>\d\d?)",
    "%M": r"(?P<M>\d\d?)",
    "%S": r"(?P<S>\d\d?)",
}
_TIMES = ("%H", "%I", "%X", "%c", "%T")


class _Numbers:
    """A format of numbers alone."""

    def __init__(self, pattern: re.Pattern[str], has_time: bool, offset: timedelta) -> None:
        self._match, self._offset, self._has_time = pattern.fullmatch, offset, has_time
        names = pattern.groupindex
        self._order = [name for name in "YmdHMS" if name in names]

    def __call__(self, text: str) -> _Moment | None:
        found = self._match(text)
        if found is None:
            return None
        try:
            numbers = [int(found[name]) for name in self._order]
            if not self._has_time:
                return date(*numbers), None
            at = datetime(*numbers)  # type: ignore[arg-type]  # as many as the pattern has groups
        except (ValueError, TypeError):
            return None
        return at.date(), at - self._offset


class _Named:
    """A format with names of months, halves of days, zones."""

    def __init__(self, form: str, has_time: bool, offset: timedelta) -> None:
        self._form, self._has_time, self._offset = form, has_time, offset

    def __call__(self, text: str) -> _Moment | None:
        try:
            read = datetime.strptime(text, self._form)
        except ValueError:
            return None
        if not self._has_time:
            return read.date(), None
        if read.tzinfo is None:
            return read.date(), (read - self._offset).replace(microsecond=0)
        return read.date(), read.astimezone(UTC).replace(tzinfo=None, microsecond=0)


def _excel(text: str) -> _Moment | None:
    number = text.partition(".")[0]
    if not (number.isascii() and number.isdigit() and len(number) == 5):
        return None
    return date(1899, 12, 30) + timedelta(days=int(number)), None
