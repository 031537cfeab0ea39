"""Templates of requests: a text with `{mobile}`, `{text}`, `{key}` and `{token}` in it.

Whatever is filled in is written as the format wants it, so that no value can end the place it
stands in. Other braces are the template's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote_plus

__all__ = ["FORMATS", "check_template", "fill"]

FORMATS: Mapping[str, str] = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "text": "text/plain; charset=utf-8",
}
"""The formats, each with its media type."""

_PLACES = ("mobile", "text", "key", "token")
_NEEDED = ("mobile", "text")
_PLACE = re.compile(r"\{([a-z]+)\}")


def fill(format: str, template: str, values: Mapping[str, str]) -> str:
    """The template with the values in it."""
    return _PLACE.sub(
        lambda found: _written(format, values[found[1]]) if found[1] in values else found[0],
        template,
    )


def check_template(format: str, template: str) -> None:
    """Raises ValueError where a template lacks a place, has an unknown one, or is not of its format
    once it is filled.
    """
    places = _PLACE.findall(template)
    for name in _NEEDED:
        if name not in places:
            raise ValueError(f"{{{name}}} does not stand in it")
    for name in places:
        if name not in _PLACES:
            raise ValueError(f"{{{name}}} is nothing that can be filled in")
    sample = {name: f'{name} "1"&2\n' for name in _PLACES}
    filled = fill(format, template, sample)
    if format == "json":
        try:
            found = json.loads(filled)
        except ValueError:
            raise ValueError("it is no JSON: every place stands within quotes") from None
        if not isinstance(found, dict | list):
            raise ValueError("it is no JSON object")
    elif format == "form":
        pairs = dict(parse_qsl(filled, keep_blank_values=True, strict_parsing=False))
        if not any(sample["text"] in value for value in pairs.values()):
            raise ValueError("it is no form: name=value&name={text}")


def _written(format: str, value: str) -> str:
    if format == "json":
        return json.dumps(value, ensure_ascii=False)[1:-1]
    return quote_plus(value) if format == "form" else value
