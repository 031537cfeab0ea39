"""The fields of a mapping as its file has them: columns, constants, tables, conditions."""

from __future__ import annotations

import difflib
from typing import Any

from regions.areas import reference_rows
from resolvers.loading.fields import SECTIONS, Field, FieldKind
from resolvers.loading.mapping import WORD, Choice, Condition, Table, fold
from resolvers.loading.toml_file import Path, TomlFile

__all__ = ["FieldsReader"]


class FieldsReader:
    """Reads sections of fields. Raises LoadError."""

    def __init__(self, file: TomlFile) -> None:
        self._file = file
        self._tables: dict[str, Table] = {
            name: file.table(("tables", name), values)
            for name, values in file.section(("tables",)).items()
        }

    def section(self, section: str) -> dict[str, tuple[Choice, ...]]:
        """The choices of each field of a section that has any."""
        values = self._file.section((section,))
        is_there = self._file.at((section,)) is not None
        extra = ("cumulative", "series") if section == "count" else ()
        known = SECTIONS[section]
        self._file.only((section,), values, (*(field.name for field in known.fields), *extra))
        found: dict[str, tuple[Choice, ...]] = {}
        for field in known.fields:
            if field.name in values:
                found[field.name] = self._choices((section, field.name), values[field.name], field)
            elif is_there and field.required and field.default is None:
                self._file.wrong(
                    (section,), f"`{field.name}` is missing", f"a column: {field.help}"
                )
        return found

    def _choices(self, at: Path, value: Any, field: Field) -> tuple[Choice, ...]:
        ways = value if isinstance(value, list) else [value]
        if not ways:
            self._file.wrong(at, "an empty list", "at least one column")
        return tuple(self._choice(at, way, field) for way in ways)

    def _choice(self, at: Path, value: Any, field: Field) -> Choice:
        if isinstance(value, str):
            value = {"column": value}
        if not isinstance(value, dict):
            self._file.wrong(
                at, "neither text nor a table", 'a column: "age" or { column = "age", … }'
            )
        self._file.only(at, value, ("column", "constant", "table", "when", "or_empty", "source"))
        column, constant = value.get("column"), value.get("constant")
        if (column is None) == (constant is None):
            self._file.wrong(at, "needs a column or a constant, one of them", '{ column = "age" }')
        if not isinstance(column or constant, str):
            self._file.wrong(at, "not text", "the name of a column, or a constant, in quotes")
        table = self.table_of(at, value.get("table"))
        for meant in (constant, *(table or {}).values()):
            self._fits(at, meant, field)
        is_reference = field.kind is FieldKind.REFERENCE
        source = value.get("source", self._file.text(("source",)) if is_reference else "")
        if not isinstance(source, str) or bool(source) != is_reference:
            self._file.wrong(
                at, "source", "the source of the list a reference leads to, there only"
            )
        return Choice(
            column=column,
            constant=constant,
            table=table,
            when=self._when(at, value.get("when")),
            or_empty=self._file.true(at, value.get("or_empty", False)),
            source=source,
        )

    def _fits(self, at: Path, meant: str | None, field: Field) -> None:
        """Refuses a constant or a table's value that the field cannot have."""
        if not meant:
            return
        wrong = (
            any(part not in field.choices for part in meant.split(";"))
            if field.kind is FieldKind.MANNERS
            else bool(field.choices) and meant not in field.choices
        )
        if wrong:
            self._file.wrong(
                at, f"{meant!r} is none of its values", f"one of {', '.join(field.choices)}"
            )
        if field.kind is FieldKind.WORD and not WORD.fullmatch(meant):
            self._file.wrong(at, f"{meant!r} is no word", FieldKind.WORD.value)
        if field.kind is FieldKind.DISEASE and meant not in self._disease_keys():
            near = difflib.get_close_matches(meant, self._disease_keys(), n=1)
            hint = (
                f"`{near[0]}`, perhaps" if near else "a key of the reference table, or [[disease]]"
            )
            self._file.wrong(at, f"{meant!r} is no disease", hint)

    def _disease_keys(self) -> list[str]:
        own = [row.get("key") for row in self._file.sections(("disease",)) if isinstance(row, dict)]
        return [row["key"] for row in reference_rows("diseases.csv")] + [str(key) for key in own]

    def _when(self, at: Path, value: Any) -> Condition | None:
        if value is None:
            return None
        if not (isinstance(value, dict) and set(value) == {"column", "is"}):
            self._file.wrong(at, "when", 'when = { column = "outcome", is = ["Death"] }')
        values = value["is"] if isinstance(value["is"], list) else [value["is"]]
        if not all(isinstance(item, str) for item in (value["column"], *values)):
            self._file.wrong(at, "when: not text", "a column and its values in quotes")
        return Condition(value["column"], frozenset(map(fold, values)))

    def table_of(self, at: Path, value: Any) -> Table | None:
        """A table written in place, or that of a [tables.…]; None where there is none."""
        if value is None:
            return None
        if isinstance(value, dict):
            return self._file.table(at, value)
        if not isinstance(value, str) or value not in self._tables:
            known = ", ".join(self._tables) or "none yet"
            self._file.wrong(at, f"there is no table {value!r}", f"a section [tables.…]: {known}")
        return self._tables[value]
