"""Text that a spreadsheet takes for text: formula injection neutralised (leak channels 28 and 46).

A cell that begins with `=`, `+`, `-`, `@`, a tab or a line end (after spaces and characters without
width, too, and in their full-width forms) is run as a formula by spreadsheet programs; OWASP: CSV
Injection. Such a text gets an apostrophe before it.
"""

from __future__ import annotations

import unicodedata

__all__ = ["safe"]

_DANGEROUS = frozenset("=+-@\t\r\n\v\f")
_WIDTHLESS = frozenset("\ufeff\u200b\u200c\u200d\u200e\u200f\u2060\u00ad\u180e")


def safe(text: str) -> str:
    """The text, with an apostrophe before it where a program might run it."""
    for character in text:
        if character in _DANGEROUS:
            return f"'{text}"
        if (
            character.isspace()
            or character in _WIDTHLESS
            or unicodedata.category(character)
            in (
                "Cc",
                "Cf",
            )
        ):
            continue
        # Full-width and small forms (＝, ﹢, ＠) and the minus sign count as the plain ones.
        plain = unicodedata.normalize("NFKC", character)[:1]
        return f"'{text}" if plain in _DANGEROUS or character == "\u2212" else text
    return text
