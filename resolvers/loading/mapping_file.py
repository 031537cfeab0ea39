"""Mappings as files: TOML, read and checked; those shipped with epigate lie in `mappings/`.

A mistake is a LoadError that names the file, the line, the key and what was expected.
"""

from __future__ import annotations

import codecs
import pathlib
import re
from collections.abc import Mapping as Mapped
from importlib.resources import files
from typing import Any

from regions.areas import reference_areas
from regions.errors import LoadError
from regions.ids import padded
from resolvers.loading.fields import KINDS, SECTIONS, FieldKind
from resolvers.loading.mapping import WORD, Choice, Mapping, PlaceChoice, fold
from resolvers.loading.mapping_fields import FieldsReader
from resolvers.loading.toml_file import Path, TomlFile, fail

__all__ = ["read_mapping", "shipped_mappings"]

_ENCODINGS = ("utf-8", "gb18030", "gbk", "big5", "latin-1", "ascii")  # a line ends with a byte 0x0A
_DEFAULT_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S")
_LOOKUPS = ("code", "name")
_TOP = (
    *("title", "kind", "source", "id", "id_private", "file", "dates"),
    *("place", "tables", "unit", "disease"),
)
_UNIT_LEVELS = ("HOSPITAL", "ISOLATION_SITE", "HEALTH_CENTRE")
_LAW_CLASSES = ("A", "B", "C", "OTHER")


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
        return _MappingReader(TomlFile(f"{name_or_file}.toml", text)).mapping(name_or_file)
    path = pathlib.Path(name_or_file)
    if not path.is_file():
        raise LoadError(
            f"there is no mapping {name_or_file}",
            hint=f"give a file, or one of {', '.join(shipped_mappings())}",
        )
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        fail(str(path), line, "(text)", "not UTF-8", "a text file in UTF-8")
    return _MappingReader(TomlFile(str(path), text)).mapping(path.stem)


class _MappingReader:
    """Reads one mapping."""

    def __init__(self, file: TomlFile) -> None:
        self._file = file
        self._fields = FieldsReader(file)

    def mapping(self, name: str) -> Mapping:
        """The whole file."""
        kind = KINDS[self._file.one_of(("kind",), KINDS, required=True)]
        self._file.only((), self._file.at(()), (*_TOP, *kind.sections))
        for section in kind.required:
            if section not in self._file.at(()):
                self._file.wrong((section,), "missing", f"a section [{section}]")
        source = self._file.text(("source",), required=True)
        if not WORD.fullmatch(source):
            self._file.wrong(("source",), f"{source!r} is no word", FieldKind.WORD.value)
        sections = {section: self._fields.section(section) for section in kind.sections}
        places = tuple(
            self._place(number) for number in range(len(self._file.sections(("place",))))
        )
        if kind.name != "contact_link" and not places:
            self._file.wrong(("place",), "missing", "[[place]]: how a row finds its code")
        file, dates = self._file.section(("file",)), self._file.section(("dates",))
        self._file.only(("file",), file, ("encoding", "delimiter", "missing"))
        self._file.only(("dates",), dates, ("formats", "offset"))
        id_columns = self._file.texts(("id",))
        series = self._file.texts(("count", "series"))
        return Mapping(
            name=name,
            title=self._file.text(("title",)) or name,
            kind=kind,
            source=source,
            id_columns=id_columns,
            id_private=self._file.flag(("id_private",)) or _holds_private(sections, id_columns),
            encoding=self._encoding(),
            delimiter=self._delimiter(),
            missing=frozenset({"", *map(fold, self._file.texts(("file", "missing")))}),
            formats=self._file.texts(("dates", "formats")) or _DEFAULT_FORMATS,
            offset_minutes=self._offset(),
            places=places,
            sections=sections,
            units=tuple(
                self._unit(number) for number in range(len(self._file.sections(("unit",))))
            ),
            diseases=tuple(self._disease(n) for n in range(len(self._file.sections(("disease",))))),
            cumulative=self._file.flag(("count", "cumulative")),
            series=series or tuple(dict.fromkeys(place.column for place in places)),
        )

    def _place(self, number: int) -> PlaceChoice:
        at = ("place", str(number))
        value = self._file.sections(("place",))[number]
        self._file.only(at, value, ("column", "table", "lookup", "within", "coarser"))
        for key in ("column", "lookup", "within"):
            if not isinstance(value.get(key, ""), str):
                self._file.wrong((*at, key), "not text", "text in quotes")
        if not value.get("column"):
            self._file.wrong(at, "`column` is missing", "the name of a column")
        table, lookup = value.get("table"), value.get("lookup")
        if (table is None) == (lookup is None):
            self._file.wrong(at, "needs a table or a lookup, one of them", 'lookup = "code"')
        if lookup not in (None, *_LOOKUPS):
            self._file.wrong((*at, "lookup"), f"{lookup!r}", f"one of {', '.join(_LOOKUPS)}")
        codes = self._fields.table_of(at, table)
        for code in (codes or {}).values():
            if code and reference_areas().successor(padded(code)) is None:
                self._file.wrong(
                    at, f"{code} is no code of GB/T 2260", "codes as the table's values"
                )
        return PlaceChoice(
            value["column"],
            {key: padded(code) for key, code in codes.items()} if codes is not None else None,
            lookup,
            value.get("within"),
            self._file.true(at, value.get("coarser", False)),
        )

    # Rows that a mapping brings along

    def _unit(self, number: int) -> dict[str, str | None]:
        at = ("unit", str(number))
        row = self._row(
            at,
            self._file.sections(("unit",))[number],
            ("id", "code", "name_zh", "name_en", "level"),
        )
        if row["level"] not in _UNIT_LEVELS:
            self._file.wrong(
                (*at, "level"), f"{row['level']!r}", f"one of {', '.join(_UNIT_LEVELS)}"
            )
        if not WORD.fullmatch(row["id"]):
            self._file.wrong((*at, "id"), f"{row['id']!r} is no word", FieldKind.WORD.value)
        if not reference_areas().is_known(row["code"]):
            self._file.wrong(
                (*at, "code"), f"{row['code']!r}", "a code of GB/T 2260 with six digits"
            )
        return {**row, "parent": f"cdc-{row['code']}"}

    def _disease(self, number: int) -> dict[str, str]:
        at = ("disease", str(number))
        row = self._row(
            at,
            self._file.sections(("disease",))[number],
            ("key", "name_zh", "name_en", "law_class", "icd10"),
        )
        if row["law_class"] not in _LAW_CLASSES:
            self._file.wrong(
                (*at, "law_class"), row["law_class"], f"one of {', '.join(_LAW_CLASSES)}"
            )
        if not re.fullmatch(r"[a-z0-9_]{1,40}", row["key"]):
            self._file.wrong((*at, "key"), f"{row['key']!r}", "lower-case letters, digits and _")
        return {**row, "alert_method": "NONE"}

    def _row(self, at: Path, value: Any, keys: tuple[str, ...]) -> dict[str, str]:
        self._file.only(at, value, keys)
        for key in keys:
            if not (isinstance(value.get(key), str) and value[key]):
                self._file.wrong((*at, key), "missing or not text", "text in quotes")
        return dict(value)

    # Settings of the file

    def _encoding(self) -> str:
        name = self._file.text(("file", "encoding")) or "utf-8"
        try:
            known = codecs.lookup(name).name
        except LookupError:
            known = ""
        if known not in {codecs.lookup(encoding).name for encoding in _ENCODINGS}:
            self._file.wrong(("file", "encoding"), f"{name!r}", f"one of {', '.join(_ENCODINGS)}")
        return "gb18030" if known == "gbk" else known

    def _delimiter(self) -> str:
        text = self._file.text(("file", "delimiter")) or ","
        if len(text) != 1 or text in '"\r\n':
            self._file.wrong(
                ("file", "delimiter"), f"{text!r}", 'one character, such as "," ";" "\\t"'
            )
        return text

    def _offset(self) -> int:
        text = self._file.text(("dates", "offset")) or "+08:00"
        found = re.fullmatch(r"([+-])(\d\d):(\d\d)", text)
        if not found or int(found[2]) > 14 or int(found[3]) > 59:
            self._file.wrong(("dates", "offset"), f"{text!r}", "an offset from UTC, such as +08:00")
        minutes = int(found[2]) * 60 + int(found[3])
        return -minutes if found[1] == "-" else minutes


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
