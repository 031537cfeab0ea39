"""A file looked at again: which export it says it is, and whether its content is what its hash
says.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from regions.errors import ExportInvalid
from resolvers.exports.watermark import ABORTED, CHECK
from resolvers.exports.xlsx_file import NOTES, SHEETS

__all__ = ["Found", "look_at"]

_PIECE = 1 << 20
_EXPORT = re.compile(r"epigate ([0-9a-f]{32})")
_CHECK_LINE = f"# {CHECK},".encode()
_ABORTED_LINE = f"# {ABORTED},".encode()
_NOTES_MOST = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Found:
    """What a file says: the export's id and the hash of its content; and both hashes as they are.

    `stated` is None where the file says none, `aborted` where it says that it is not whole.
    """

    export: str | None
    stated: str | None
    content: str
    file: str
    aborted: bool = False


def look_at(path: Path) -> Found:
    """Reads a file. Raises ExportInvalid where it cannot be read, or has neither format."""
    try:
        with path.open("rb") as file:
            head = file.read(4)
        return _xlsx(path) if head.startswith(b"PK") else _csv(path)
    except (OSError, zipfile.BadZipFile, ElementTree.ParseError, KeyError, ValueError) as error:
        raise ExportInvalid(
            f"{path.name} cannot be read as an export: {type(error).__name__}",
            hint="a file that was not fetched to its end does not open; fetch it again",
        ) from None


def _csv(path: Path) -> Found:
    """The last line states the hash of every byte before it."""
    whole, content = hashlib.sha256(), hashlib.sha256()
    export, last, aborted = None, b"", False
    with path.open("rb") as file:
        for line in file:
            whole.update(line)
            content.update(last)
            last = line
            aborted = aborted or line.startswith(_ABORTED_LINE)
            if export is None and line.lstrip(b"\xef\xbb\xbf").startswith(b"# "):
                found = _EXPORT.search(line.decode("utf-8", "replace"))
                export = found[1] if found else None
    stated = None
    if last.startswith(_CHECK_LINE):
        stated = last[len(_CHECK_LINE) :].strip().decode("ascii", "replace")
    else:
        content.update(last)
    return Found(export, stated, content.hexdigest(), whole.hexdigest(), aborted)


def _xlsx(path: Path) -> Found:
    """The sheet 说明 states the hash of the sheets before it."""
    content = hashlib.sha256()
    with zipfile.ZipFile(path) as archive:
        number = 1
        while f"{SHEETS}{number}.xml" in archive.namelist():
            with archive.open(f"{SHEETS}{number}.xml") as sheet:
                for piece in iter(lambda one=sheet: one.read(_PIECE), b""):  # type: ignore[misc]  # a default binds the loop's variable
                    content.update(piece)
            number += 1
        with archive.open(NOTES) as notes:
            said = list(_texts(notes.read(_NOTES_MOST)))
    export = next((m[1] for text in said if (m := _EXPORT.search(text))), None)
    stated = said[said.index(CHECK) + 1] if CHECK in said[:-1] else None
    whole = hashlib.sha256()
    with path.open("rb") as file:
        for piece in iter(lambda: file.read(_PIECE), b""):
            whole.update(piece)
    return Found(export, stated, content.hexdigest(), whole.hexdigest())


def _texts(notes: bytes) -> Iterator[str]:
    for one in ElementTree.fromstring(notes).iter():
        if one.tag.endswith("}t"):
            yield one.text or ""
