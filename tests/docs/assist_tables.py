"""The tables of the manual's page on assist requests."""

from __future__ import annotations

from resolvers.assist.reasons import REASONS
from resolvers.assist.states import Event, State, Subject, Transition
from resolvers.assist.table import TABLE

__all__ = ["refusals", "states_and_events"]


def states_and_events() -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The states of a letter and of its people, and the events each takes: head and rows."""
    rows: list[tuple[str, ...]] = []
    for state in State:
        cells = []
        for subject in Subject:
            taken = []
            for event in Event:
                found = TABLE[(subject, state, event)]
                if isinstance(found, Transition):
                    after = "" if found.next is state else f" → `{found.next.name}`"
                    taken.append(f"`{event.name}`{after}")
            cells.append(", ".join(taken) or "–")
        rows.append((f"`{state.name}`", *cells))
    head: tuple[str, ...] = ("state", "events of the letter", "events of a person")
    return head, rows


def refusals() -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Why an event of a letter is refused: head and rows."""
    rows: list[tuple[str, ...]] = [
        (f"`{name}`", en, zh) for name, (en, zh) in sorted(REASONS.items())
    ]
    return ("reason", "meaning", "in Chinese"), rows
