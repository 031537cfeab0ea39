"""The tables of the manual's pages on signals and on rules."""

from __future__ import annotations

from collections.abc import Mapping

from resolvers.alerts import change_table
from resolvers.alerts.reasons import REASONS
from resolvers.alerts.states import Event, State, Transition
from resolvers.alerts.table import TABLE

__all__ = ["rule_refusals", "signal_refusals", "signal_states"]


def signal_states() -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The states of a signal and the events each takes: head and rows."""
    rows: list[tuple[str, ...]] = []
    for state in State:
        cells: dict[str, list[str]] = {}
        for event in Event:
            found = TABLE[(state, event)]
            if isinstance(found, Transition):
                after = "" if found.next is state else f" → `{found.next.name}`"
                cells.setdefault(found.party.name, []).append(f"`{event.name}`{after}")
        told = [", ".join(cells.get(party, [])) or "–" for party in ("SYSTEM", "COUNTY")]
        rows.append((f"`{state.name}`", state.value, *told))
    return ("state", "meaning", "events of the gateway", "events of the county"), rows


def signal_refusals() -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Why an event of a signal is refused: head and rows."""
    return _refusals(REASONS)


def rule_refusals() -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Why a step of an application for a rule is refused: head and rows."""
    return _refusals(change_table.REASONS)


def _refusals(
    reasons: Mapping[str, tuple[str, str]],
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    rows: list[tuple[str, ...]] = [
        (f"`{name}`", en, zh) for name, (en, zh) in sorted(reasons.items())
    ]
    return ("reason", "meaning", "in Chinese"), rows
