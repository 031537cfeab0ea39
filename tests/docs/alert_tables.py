"""The tables of the manual's page on signals."""

from __future__ import annotations

from resolvers.alerts.reasons import REASONS
from resolvers.alerts.states import Event, State, Transition
from resolvers.alerts.table import TABLE

__all__ = ["signal_refusals", "signal_states"]


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
    rows: list[tuple[str, ...]] = [
        (f"`{name}`", en, zh) for name, (en, zh) in sorted(REASONS.items())
    ]
    return ("reason", "meaning", "in Chinese"), rows
