"""Entries of the access log as commands print them."""

from __future__ import annotations

from typing import Any

from rich.padding import Padding
from rich.text import Text

from gateway.commands._options import console
from resolvers.access_log.commitments import commitments_in

__all__ = ["show_entries"]

_FIRST = ("number", "at", "account", "operation", "result")
_TOLD_ONCE = ("unit", "address")  # of the second line; what else there is follows
_LEFT_OUT = ("role", "code", "session", "request", "module", "trace", "region")  # --json has them
_MANY = 8


def show_entries(entries: list[dict[str, Any]], *before: str) -> None:
    """Each entry in two lines; the first begins with the keys `before`."""
    out = console()
    for entry in entries:
        first = "  ".join(str(entry.pop(name, None) or "-") for name in (*before, *_FIRST))
        out.print(Text(first, style="bold"), soft_wrap=True)
        out.print(Padding(Text(_more(entry), overflow="fold"), (0, 0, 0, 4)))


def _more(entry: dict[str, Any]) -> str:
    """What else the entry says; long lists by their length."""
    parts = [str(entry.pop(name)) for name in _TOLD_ONCE if entry.get(name)]
    what = entry.pop("what", None)
    told = {**entry, **_counted(what)} if isinstance(what, dict) else entry
    if isinstance(told.get("regions"), dict):
        told["regions"] = _by_state(told["regions"])
    for name, value in told.items():
        if name not in _LEFT_OUT and value not in ("", None, 0, [], {}):
            parts.append(f"{name}: {_said(value)}")
    return "; ".join(parts)


def _counted(what: dict[str, Any]) -> dict[str, Any]:
    """What was seen and written, commitments by how many they are: --json has them."""

    def counted(kinds: dict[str, Any]) -> dict[str, str]:
        return {kind: f"{len(commitments_in(found)):,}" for kind, found in kinds.items()}

    found = {**what}
    for name in ("records", "wrote"):
        if isinstance(found.get(name), dict):
            found[name] = counted(found[name])
    found["reasons"] = {why: counted(kinds) for why, kinds in found.get("reasons", {}).items()}
    return found


def _by_state(regions: dict[str, Any]) -> dict[str, list[str]]:
    """The regions of each state: `ANSWERED 320100, 320200`."""
    found: dict[str, list[str]] = {}
    for code, state in regions.items():
        found.setdefault(str(state), []).append(code)
    return found


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_said(one)}" for name, one in value.items())
    if isinstance(value, list):
        if len(value) > _MANY:
            return f"{len(value):,}"
        return ", ".join(map(str, value))
    return str(value)
