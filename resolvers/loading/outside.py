"""Which rows of a list lie outside every configured region: kept by their keys, for lists of links.

A list of links names cases only by their ids. Without this list nobody could tell a case of another
organisation's region from a case that is missing.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["OutsideList"]


class OutsideList:
    """The source keys of rows outside, one a line, in the data folder."""

    def __init__(self, data: Path, source: str) -> None:
        self._path = data / "loads" / f"{source}.outside"

    def read(self) -> set[str] | None:
        """The keys, or None where no such list was ever loaded."""
        try:
            return set(self._path.read_text("utf-8").splitlines())
        except FileNotFoundError:
            return None

    def write(self, *, outside: set[str], inside: set[str]) -> None:
        """Adds and takes away keys; the file is replaced whole or not at all."""
        before = self.read()
        keys = (before or set()) - inside | outside
        if keys == before:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = self._path.with_suffix(".new")
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(f"{key}\n" for key in sorted(keys))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
