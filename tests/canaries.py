"""Canaries: private values that can be told from everything else, and a search for them in files.

A canary may stand in answers to those with a right, in lists somebody loads and in the rejects file
of a load; nowhere else. `singing` looks for them as they stand and as they might be written: in
UTF-16, hexadecimal, base64, and inside gzip and zip files.
"""

from __future__ import annotations

import base64
import gzip
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

__all__ = ["APPROVED", "PHONE", "WORD", "canary", "phone", "singing", "songs"]

WORD = "Qz7Canary"
"""Every canary of text begins so."""

PHONE = "15590990731642"
"""Every canary of digits begins so."""

APPROVED = re.compile(r"(^|/)(approved-|rejects/)")
"""Files that may hold canaries: what tests give to be loaded, and what a load did not take."""

_LARGEST = 1 << 28


def canary(item: str, number: int) -> str:
    """The private value of an item of somebody."""
    return f"{WORD}{item.replace('_', '').upper()}{number:05d}"


def phone(number: int) -> str:
    """A number to call somebody by: digits alone."""
    return f"{PHONE}{number:05d}"


def _forms() -> tuple[bytes, ...]:
    found: list[bytes] = []
    for word in (WORD, WORD.upper(), WORD.lower(), PHONE):
        plain = word.encode()
        # UTF-16 of either order but for the zero at its edge, where looking for it is slow.
        found += [plain, word.encode("utf-16-le")[:-1]]
        found += [plain.hex().encode(), plain.hex().upper().encode()]
        for shift in range(3):  # wherever it begins within three bytes
            written = base64.b64encode(b"\0" * shift + plain)
            cut = written[(0, 2, 3)[shift] : -4]
            found.append(cut)
    return tuple(dict.fromkeys(found))


_FORMS = _forms()


def songs(content: bytes) -> list[bytes]:
    """The forms of canaries that stand in some bytes, packed ones too."""
    found = [form for form in _FORMS if form in content]
    if content[:2] == b"\x1f\x8b":
        with suppress(OSError, EOFError, zlib.error):
            found += songs(gzip.decompress(content))
    return found


def singing(folder: Path, searched: Sequence[Path] = ()) -> Iterator[tuple[Path, bytes]]:
    """The files below a folder that hold canaries and may not, with the form found; without those
    in folders that were searched already.
    """
    for path in sorted(folder.rglob("*")):
        if any(path.is_relative_to(one) for one in searched):
            continue
        if path.is_symlink() or not path.is_file() or APPROVED.search(str(path)):
            continue
        try:
            if path.stat().st_size > _LARGEST:
                continue
            content = path.read_bytes()
        except OSError:
            continue
        found = songs(content)
        if content[:4] == b"PK\x03\x04" and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                for name in packed.namelist():
                    found += songs(packed.read(name))
        yield from ((path, form) for form in found[:1])
