"""A TOML file while it is read: values of the form wanted, or the line where they are not."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from collections.abc import Mapping as Mapped
from typing import Any, NoReturn

from regions.errors import LoadError
from resolvers.loading.mapping import fold

__all__ = ["Path", "TomlFile", "fail"]

Path = tuple[str, ...]
"""The keys that lead to a value; in a list of sections its number stands between them."""


def fail(file: str, line: int, key: str, message: str, expected: str) -> NoReturn:
    """Raises the LoadError of a mistake in a file."""
    raise LoadError(
        f"{file}:{line}: {key}: {message}",
        hint=f"expected {expected}",
        file=file,
        line=line,
        key=key,
    ) from None


class TomlFile:
    """One file; its text is kept to find the line of a mistake. Any method may raise LoadError."""

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
            fail(file, line, "(line)", message, expected)

    def table(self, at: Path, values: Any) -> dict[str, str]:
        """A section whose values are texts, its keys folded."""
        if not isinstance(values, dict):
            self.wrong(at, "not a table", f"a section [{'.'.join(at)}]")
        table: dict[str, str] = {}
        for key, meant in values.items():
            if not isinstance(meant, str):
                self.wrong((*at, key), "not text", "text in quotes")
            if fold(key) in table:
                self.wrong((*at, key), "twice in the table", "each value once, in any case")
            table[fold(key)] = meant
        return table

    def section(self, at: Path) -> dict[str, Any]:
        """A section, empty where it is missing."""
        value = self.at(at)
        if value is not None and not isinstance(value, dict):
            self.wrong(at, "not a section", f"a section [{'.'.join(at)}]")
        return value or {}

    def sections(self, at: Path) -> list[Any]:
        """The sections of a list, or the one there is."""
        value = self.at(at)
        ways = [value] if isinstance(value, dict) else value or []
        if not (isinstance(ways, list) and all(isinstance(way, dict) for way in ways)):
            self.wrong(at, "not a list of sections", f"sections headed [[{'.'.join(at)}]]")
        return ways

    def texts(self, at: Path) -> tuple[str, ...]:
        """A text or a list of texts; none where it is missing."""
        value = self.at(at)
        items = [value] if isinstance(value, str) else value or []
        if not (isinstance(items, list) and all(isinstance(item, str) for item in items)):
            self.wrong(at, "neither text nor a list of texts", "text in quotes, or a list of it")
        return tuple(items)

    def text(self, at: Path, *, required: bool = False) -> str:
        """A text, empty where it is missing."""
        value = self.at(at)
        if value is None and not required:
            return ""
        if not (isinstance(value, str) and value):
            self.wrong(at, "missing" if value is None else "not text", "text in quotes")
        return value

    def one_of(self, at: Path, known: Iterable[str], *, required: bool) -> str:
        """One of the texts that are known."""
        value = self.text(at, required=required)
        names = list(known)
        if value not in names:
            self.wrong(at, f"{value!r} is not known", f"one of {', '.join(names)}")
        return value

    def flag(self, at: Path) -> bool:
        """True or false; false where it is missing."""
        value = self.at(at)
        return False if value is None else self.true(at, value)

    def true(self, at: Path, value: Any) -> bool:
        """The value, if it is true or false."""
        if not isinstance(value, bool):
            self.wrong(at, "neither true nor false", "true or false")
        return value

    def at(self, at: Path) -> Any:
        """The value at keys (all values at none), None where it is missing."""
        value: Any = self._values
        for part in at:
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def only(self, at: Path, values: Mapped[str, Any], known: Iterable[str]) -> None:
        """Refuses keys that are not known here."""
        names = list(known)
        for key in values:
            if key not in names:
                near = difflib.get_close_matches(key, names, n=1)
                expected = f"`{near[0]}`, perhaps" if near else f"one of {', '.join(names)}"
                self.wrong((*at, key), "not known here", expected)

    def wrong(self, at: Path, message: str, expected: str) -> NoReturn:
        """Raises the LoadError of a mistake at keys."""
        fail(self._file, _line_of(self._text, at), ".".join(at), message, expected)


def _line_of(text: str, at: Path) -> int:
    """The line of a key, or else of the innermost section around it that stands in the file."""
    best, depth = 1, 0
    here: Path = ()
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
