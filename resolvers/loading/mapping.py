"""Mappings: a TOML file that says what the columns of a list mean.

A mistake in one is a LoadError that names the file, the line, the key and what was expected. Those
shipped with epigate lie in `mappings/` and are called by their name.
"""

from __future__ import annotations

import codecs
import difflib
import re
import tomllib
from collections.abc import Iterable
from collections.abc import Mapping as Mapped
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn

from regions.areas import reference_areas, reference_rows
from regions.errors import LoadError
from regions.ids import padded
from resolvers.loading.fields import KINDS, SECTIONS, Field, FieldKind, Kind

__all__ = [
    "Choice",
    "Condition",
    "Mapping",
    "PlaceChoice",
    "fold",
    "read_mapping",
    "shipped_mappings",
]

WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
ANYTHING_ELSE = "*"
"""The key of a table that stands for every value not in it."""

_ENCODINGS = ("utf-8", "gb18030", "gbk", "big5", "latin-1", "ascii")  # a line ends with a byte 0x0A
_DEFAULT_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S")
_LOOKUPS = ("code", "name")
_TOP = (
    "title",
    "kind",
    "source",
    "id",
    "id_private",
    "file",
    "dates",
    "place",
    "tables",
    "unit",
    "disease",
)
_UNIT_LEVELS = ("HOSPITAL", "ISOLATION_SITE", "HEALTH_CENTRE")
_LAW_CLASSES = ("A", "B", "C", "OTHER")

Table = Mapped[str, str]
"""From a value as it stands in the list (folded) to the value meant; "" means unknown."""


def fold(text: str) -> str:
    """A value without what does not tell it from others: case and spaces around it."""
    return text.strip().casefold()


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds where a column has one of the values (folded)."""

    column: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to a field's value: a column or a constant, through a table, under a condition."""

    column: str | None = None
    constant: str | None = None
    table: Table | None = None
    when: Condition | None = None
    or_empty: bool = False  # what cannot be read counts as empty, with a notice
    source: str = ""  # of a reference: the list it leads to


@dataclass(frozen=True, slots=True)
class PlaceChoice:
    """One way to the code of a row's place: a column through a table, or looked up in GB/T 2260."""

    column: str
    table: Table | None
    lookup: str | None  # code or name
    within: str | None  # the column with the place above, for a lookup by name
    coarser: bool  # the place found is larger than the one meant: a notice


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping as read. `sections` has, per section and field, the choices in their order."""

    name: str
    title: str
    kind: Kind
    source: str
    id_columns: tuple[str, ...]
    id_private: bool
    encoding: str
    delimiter: str
    missing: frozenset[str]
    formats: tuple[str, ...]
    offset_minutes: int
    places: tuple[PlaceChoice, ...]
    sections: Mapped[str, Mapped[str, tuple[Choice, ...]]]
    units: tuple[Mapped[str, str | None], ...]  # rows of the units that fields name
    diseases: tuple[Mapped[str, str], ...]  # rows of diseases beyond the reference table
    cumulative: bool
    series: tuple[str, ...]

    def columns(self) -> tuple[str, ...]:
        """Every column the mapping reads, once."""
        names = [*self.id_columns, *self.series]
        for place in self.places:
            names += [place.column, *([place.within] if place.within else [])]
        for section in self.sections.values():
            for choices in section.values():
                for choice in choices:
                    names += [choice.column] if choice.column else []
                    names += [choice.when.column] if choice.when else []
        return tuple(dict.fromkeys(names))


def shipped_mappings() -> tuple[str, ...]:
    """The names of the mappings shipped with epigate."""
    folder = files("resolvers.loading").joinpath("mappings")
    return tuple(sorted(file.name[:-5] for file in folder.iterdir() if file.name.endswith(".toml")))


def read_mapping(name_or_file: str) -> Mapping:
    """A shipped mapping by its name, or one's own by its file (a path, or a name with `.toml`).

    Raises LoadError.
    """
    if name_or_file in shipped_mappings():
        folder = files("resolvers.loading").joinpath("mappings")
        text = folder.joinpath(f"{name_or_file}.toml").read_text("utf-8")
        return _Reader(f"{name_or_file}.toml", text).mapping(name_or_file)
    path = Path(name_or_file)
    if not path.is_file():
        raise LoadError(
            f"there is no mapping {name_or_file}",
            hint=f"give a file, or one of {', '.join(shipped_mappings())}",
        )
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        _fail(str(path), line, "(text)", "not UTF-8", "a text file in UTF-8")
    return _Reader(str(path), text).mapping(path.stem)


def _fail(file: str, line: int, key: str, message: str, expected: str) -> NoReturn:
    raise LoadError(
        f"{file}:{line}: {key}: {message}",
        hint=f"expected {expected}",
        file=file,
        line=line,
        key=key,
    ) from None


class _Reader:
    """One file while it is read; its text is kept to find the line of a mistake."""

    def __init__(self, file: str, text: str) -> None:
        self._file, self._text = file, text
        try:
            self._values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"\(at line (\d+)", str(error))
            line = int(found[1]) if found else text.count("\n") + 1
            message = str(error).partition(" (at ")[0]
            expected = "TOML"
            if not "".join(text.splitlines()[line - 1 : line]).isascii():
                expected = 'TOML; a key not of plain letters stands in quotes: "确诊" = "CONFIRMED"'
            _fail(file, line, "(line)", message, expected)
        self._tables: dict[str, Table] = {}

    def mapping(self, name: str) -> Mapping:
        kind = KINDS[self._one_of(("kind",), KINDS, required=True)]
        self._only((), self._values, (*_TOP, *kind.sections))
        for section in kind.required:
            if section not in self._values:
                self._wrong((section,), "missing", f"a section [{section}]")
        self._tables = {
            table: self._table(("tables", table), values)
            for table, values in self._section(("tables",)).items()
        }
        source = self._text_of(("source",), required=True)
        if not WORD.fullmatch(source):
            self._wrong(("source",), f"{source!r} is no word", FieldKind.WORD.value)
        sections = {section: self._fields(kind, section) for section in kind.sections}
        places = tuple(self._place(number) for number in range(len(self._list(("place",)))))
        if kind.name != "contact_link" and not places:
            self._wrong(("place",), "missing", "[[place]]: how a row finds its code")
        file, dates = self._section(("file",)), self._section(("dates",))
        self._only(("file",), file, ("encoding", "delimiter", "missing"))
        self._only(("dates",), dates, ("formats", "offset"))
        id_columns = self._texts(("id",))
        count = self._section(("count",))
        series = self._texts(("count", "series"))
        return Mapping(
            name=name,
            title=self._text_of(("title",)) or name,
            kind=kind,
            source=source,
            id_columns=id_columns,
            id_private=self._flag(("id_private",)) or _holds_private(sections, id_columns),
            encoding=self._encoding(),
            delimiter=self._delimiter(),
            missing=frozenset({"", *map(fold, self._texts(("file", "missing")))}),
            formats=self._texts(("dates", "formats")) or _DEFAULT_FORMATS,
            offset_minutes=self._offset(),
            places=places,
            sections=sections,
            units=tuple(self._unit(number) for number in range(len(self._list(("unit",))))),
            diseases=tuple(self._disease(n) for n in range(len(self._list(("disease",))))),
            cumulative=self._flag(("count", "cumulative")) if count else False,
            series=series or tuple(dict.fromkeys(place.column for place in places)),
        )

    # Fields

    def _fields(self, kind: Kind, section: str) -> dict[str, tuple[Choice, ...]]:
        values = self._section((section,))
        extra = ("cumulative", "series") if section == "count" else ()
        known = SECTIONS[section]
        self._only((section,), values, (*(field.name for field in known.fields), *extra))
        found: dict[str, tuple[Choice, ...]] = {}
        for field in known.fields:
            if field.name in values:
                found[field.name] = self._choices((section, field.name), values[field.name], field)
            elif section in self._values and field.required and field.default is None:
                self._wrong((section,), f"`{field.name}` is missing", f"a column: {field.help}")
        return found

    def _choices(self, at: tuple[str, ...], value: Any, field: Field) -> tuple[Choice, ...]:
        ways = value if isinstance(value, list) else [value]
        if not ways:
            self._wrong(at, "an empty list", "at least one column")
        return tuple(self._choice(at, way, field) for way in ways)

    def _choice(self, at: tuple[str, ...], value: Any, field: Field) -> Choice:
        if isinstance(value, str):
            value = {"column": value}
        if not isinstance(value, dict):
            self._wrong(at, "neither text nor a table", 'a column: "age" or { column = "age", … }')
        self._only(at, value, ("column", "constant", "table", "when", "or_empty", "source"))
        column, constant = value.get("column"), value.get("constant")
        if (column is None) == (constant is None):
            self._wrong(at, "needs a column or a constant, one of them", '{ column = "age" }')
        if not isinstance(column or constant, str):
            self._wrong(at, "not text", "the name of a column, or a constant, in quotes")
        table = self._table_of(at, value.get("table"))
        for meant in (constant, *(table or {}).values()):
            self._fits(at, meant, field)
        is_reference = field.kind is FieldKind.REFERENCE
        source = value.get("source", self._values.get("source", "") if is_reference else "")
        if not isinstance(source, str) or bool(source) != is_reference:
            self._wrong(at, "source", "the source of the list a reference leads to, there only")
        return Choice(
            column=column,
            constant=constant,
            table=table,
            when=self._when(at, value.get("when")),
            or_empty=self._true(at, value.get("or_empty", False)),
            source=source,
        )

    def _fits(self, at: tuple[str, ...], meant: str | None, field: Field) -> None:
        """Refuses a constant or a table's value that the field cannot have."""
        if not meant:
            return
        wrong = (
            any(part not in field.choices for part in meant.split(";"))
            if field.kind is FieldKind.MANNERS
            else bool(field.choices) and meant not in field.choices
        )
        if wrong:
            self._wrong(
                at, f"{meant!r} is none of its values", f"one of {', '.join(field.choices)}"
            )
        if field.kind is FieldKind.WORD and not WORD.fullmatch(meant):
            self._wrong(at, f"{meant!r} is no word", FieldKind.WORD.value)
        if field.kind is FieldKind.DISEASE and meant not in self._disease_keys():
            near = difflib.get_close_matches(meant, self._disease_keys(), n=1)
            hint = (
                f"`{near[0]}`, perhaps" if near else "a key of the reference table, or [[disease]]"
            )
            self._wrong(at, f"{meant!r} is no disease", hint)

    def _disease_keys(self) -> list[str]:
        own = [row.get("key") for row in self._list(("disease",)) if isinstance(row, dict)]
        return [row["key"] for row in reference_rows("diseases.csv")] + [str(key) for key in own]

    def _when(self, at: tuple[str, ...], value: Any) -> Condition | None:
        if value is None:
            return None
        if not (isinstance(value, dict) and set(value) == {"column", "is"}):
            self._wrong(at, "when", 'when = { column = "outcome", is = ["Death"] }')
        values = value["is"] if isinstance(value["is"], list) else [value["is"]]
        if not all(isinstance(item, str) for item in (value["column"], *values)):
            self._wrong(at, "when: not text", "a column and its values in quotes")
        return Condition(value["column"], frozenset(map(fold, values)))

    # Places

    def _place(self, number: int) -> PlaceChoice:
        at = ("place", str(number))
        value = self._list(("place",))[number]
        self._only(at, value, ("column", "table", "lookup", "within", "coarser"))
        for key in ("column", "lookup", "within"):
            if not isinstance(value.get(key, ""), str):
                self._wrong((*at, key), "not text", "text in quotes")
        if not value.get("column"):
            self._wrong(at, "`column` is missing", "the name of a column")
        table, lookup = value.get("table"), value.get("lookup")
        if (table is None) == (lookup is None):
            self._wrong(at, "needs a table or a lookup, one of them", 'lookup = "code"')
        if lookup not in (None, *_LOOKUPS):
            self._wrong((*at, "lookup"), f"{lookup!r}", f"one of {', '.join(_LOOKUPS)}")
        codes = self._table_of(at, table)
        for code in (codes or {}).values():
            if code and reference_areas().successor(padded(code)) is None:
                self._wrong(at, f"{code} is no code of GB/T 2260", "codes as the table's values")
        return PlaceChoice(
            value["column"],
            {key: padded(code) for key, code in codes.items()} if codes is not None else None,
            lookup,
            value.get("within"),
            self._true(at, value.get("coarser", False)),
        )

    # Rows that a mapping brings along

    def _unit(self, number: int) -> dict[str, str | None]:
        at = ("unit", str(number))
        row = self._row(
            at, self._list(("unit",))[number], ("id", "code", "name_zh", "name_en", "level")
        )
        if row["level"] not in _UNIT_LEVELS:
            self._wrong((*at, "level"), f"{row['level']!r}", f"one of {', '.join(_UNIT_LEVELS)}")
        if not WORD.fullmatch(row["id"]):
            self._wrong((*at, "id"), f"{row['id']!r} is no word", FieldKind.WORD.value)
        if not reference_areas().is_known(row["code"]):
            self._wrong((*at, "code"), f"{row['code']!r}", "a code of GB/T 2260 with six digits")
        return {**row, "parent": f"cdc-{row['code']}"}

    def _disease(self, number: int) -> dict[str, str]:
        at = ("disease", str(number))
        row = self._row(
            at,
            self._list(("disease",))[number],
            ("key", "name_zh", "name_en", "law_class", "icd10"),
        )
        if row["law_class"] not in _LAW_CLASSES:
            self._wrong((*at, "law_class"), row["law_class"], f"one of {', '.join(_LAW_CLASSES)}")
        if not re.fullmatch(r"[a-z0-9_]{1,40}", row["key"]):
            self._wrong((*at, "key"), f"{row['key']!r}", "lower-case letters, digits and _")
        return {**row, "alert_method": "NONE"}

    def _row(self, at: tuple[str, ...], value: Any, keys: tuple[str, ...]) -> dict[str, str]:
        self._only(at, value, keys)
        for key in keys:
            if not (isinstance(value.get(key), str) and value[key]):
                self._wrong((*at, key), "missing or not text", "text in quotes")
        return dict(value)

    # Settings of the file

    def _encoding(self) -> str:
        name = self._text_of(("file", "encoding")) or "utf-8"
        try:
            known = codecs.lookup(name).name
        except LookupError:
            known = ""
        if known not in {codecs.lookup(encoding).name for encoding in _ENCODINGS}:
            self._wrong(("file", "encoding"), f"{name!r}", f"one of {', '.join(_ENCODINGS)}")
        return "gb18030" if known == "gbk" else known

    def _delimiter(self) -> str:
        text = self._text_of(("file", "delimiter")) or ","
        if len(text) != 1 or text in '"\r\n':
            self._wrong(("file", "delimiter"), f"{text!r}", 'one character, such as "," ";" "\\t"')
        return text

    def _offset(self) -> int:
        text = self._text_of(("dates", "offset")) or "+08:00"
        found = re.fullmatch(r"([+-])(\d\d):(\d\d)", text)
        if not found or int(found[2]) > 14 or int(found[3]) > 59:
            self._wrong(("dates", "offset"), f"{text!r}", "an offset from UTC, such as +08:00")
        minutes = int(found[2]) * 60 + int(found[3])
        return -minutes if found[1] == "-" else minutes

    # The forms of values

    def _table_of(self, at: tuple[str, ...], value: Any) -> Table | None:
        if value is None:
            return None
        if isinstance(value, dict):
            return self._table(at, value)
        if not isinstance(value, str) or value not in self._tables:
            known = ", ".join(self._tables) or "none yet"
            self._wrong(at, f"there is no table {value!r}", f"a section [tables.…]: {known}")
        return self._tables[value]

    def _table(self, at: tuple[str, ...], values: Any) -> Table:
        if not isinstance(values, dict):
            self._wrong(at, "not a table", f"a section [{'.'.join(at)}]")
        table: dict[str, str] = {}
        for key, meant in values.items():
            if not isinstance(meant, str):
                self._wrong((*at, key), "not text", "text in quotes")
            if fold(key) in table:
                self._wrong((*at, key), "twice in the table", "each value once, in any case")
            table[fold(key)] = meant
        return table

    def _section(self, at: tuple[str, ...]) -> dict[str, Any]:
        value = self._at(at)
        if value is not None and not isinstance(value, dict):
            self._wrong(at, "not a section", f"a section [{'.'.join(at)}]")
        return value or {}

    def _list(self, at: tuple[str, ...]) -> list[Any]:
        value = self._at(at)
        ways = [value] if isinstance(value, dict) else value or []
        if not (isinstance(ways, list) and all(isinstance(way, dict) for way in ways)):
            self._wrong(at, "not a list of sections", f"sections headed [[{'.'.join(at)}]]")
        return ways

    def _texts(self, at: tuple[str, ...]) -> tuple[str, ...]:
        value = self._at(at)
        items = [value] if isinstance(value, str) else value or []
        if not (isinstance(items, list) and all(isinstance(item, str) for item in items)):
            self._wrong(at, "neither text nor a list of texts", "text in quotes, or a list of it")
        return tuple(items)

    def _text_of(self, at: tuple[str, ...], *, required: bool = False) -> str:
        value = self._at(at)
        if value is None and not required:
            return ""
        if not (isinstance(value, str) and value):
            self._wrong(at, "missing" if value is None else "not text", "text in quotes")
        return value

    def _one_of(self, at: tuple[str, ...], known: Iterable[str], *, required: bool) -> str:
        value = self._text_of(at, required=required)
        names = list(known)
        if value not in names:
            self._wrong(at, f"{value!r} is not known", f"one of {', '.join(names)}")
        return value

    def _flag(self, at: tuple[str, ...]) -> bool:
        return self._true(at, self._at(at) or False)

    def _true(self, at: tuple[str, ...], value: Any) -> bool:
        if not isinstance(value, bool):
            self._wrong(at, "neither true nor false", "true or false")
        return value

    def _at(self, at: tuple[str, ...]) -> Any:
        value: Any = self._values
        for part in at:
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def _only(self, at: tuple[str, ...], values: Mapped[str, Any], known: Iterable[str]) -> None:
        names = list(known)
        for key in values:
            if key not in names:
                near = difflib.get_close_matches(key, names, n=1)
                expected = f"`{near[0]}`, perhaps" if near else f"one of {', '.join(names)}"
                self._wrong((*at, key), "not known here", expected)

    def _wrong(self, at: tuple[str, ...], message: str, expected: str) -> NoReturn:
        _fail(self._file, _line_of(self._text, at), ".".join(at), message, expected)


def _holds_private(
    sections: Mapped[str, Mapped[str, tuple[Choice, ...]]], columns: tuple[str, ...]
) -> bool:
    """Whether one of the columns is also a private item, so that keys made of it must be hashed."""
    return any(
        choice.column in columns
        for section, fields in sections.items()
        for name, choices in fields.items()
        for choice in choices
        if (field := SECTIONS[section].field(name)) is not None and field.private
    )


def _line_of(text: str, at: tuple[str, ...]) -> int:
    """The line of a key, or else of the innermost section around it that stands in the file."""
    best, depth = 1, 0
    here: tuple[str, ...] = ()
    numbers: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*(\[\[?)\s*([^\]]+?)\s*\]", line)
        if header:
            name = header[2]
            here = tuple(part.strip().strip("\"'") for part in name.split("."))
            if header[1] == "[[":
                numbers[name] = numbers.get(name, -1) + 1
                here = (*here, str(numbers[name]))
            found = here
        else:
            key = re.match(r"""\s*("[^"]*"|'[^']*'|[A-Za-z0-9_-]+)\s*=""", line)
            if not key:
                continue
            found = (*here, key[1].strip("\"'"))
        common = 0
        while common < min(len(found), len(at)) and found[common] == at[common]:
            common += 1
        if common == len(found) and common > depth:
            best, depth = number, common
    return best
