"""The tables of the manual's page on assist requests."""

from __future__ import annotations

from itertools import combinations_with_replacement

from resolvers.assist.reasons import REASONS
from resolvers.assist.states import Event, State, Subject, Transition
from resolvers.assist.table import TABLE, added_up

__all__ = ["diagrams", "refusals", "states_and_events"]

_BEGINS = {Subject.LETTER: State.DRAFT, Subject.PERSON: State.IN_PROGRESS}


def diagrams() -> str:
    """The states of a letter, and of one of its people while it is worked on, and what leads from
    one to the next.
    """
    return "\n".join(_diagram(subject) for subject in Subject)


def _diagram(subject: Subject) -> str:
    edges: dict[tuple[State, State], list[str]] = {}
    for (whose, state, event), found in TABLE.items():
        if whose is subject and isinstance(found, Transition) and found.next is not state:
            edges.setdefault((state, found.next), []).append(event.name)
    if subject is Subject.LETTER:
        for pair in combinations_with_replacement(_ends(), 2):
            edges[State.IN_PROGRESS, added_up(pair)] = ["by its people"]
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {_BEGINS[subject].name}"]
    lines += [
        f"    {state.name} --> {following.name}: {', '.join(kinds)}"
        for (state, following), kinds in edges.items()
    ]
    return "\n".join([*lines, "```", ""])


def _ends() -> list[State]:
    """The states in which a person of a letter is done with for the time being."""
    return sorted(
        {
            found.next
            for (whose, _, _), found in TABLE.items()
            if whose is Subject.PERSON
            and isinstance(found, Transition)
            and found.next is not State.IN_PROGRESS
        },
        key=list(State).index,
    )


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
