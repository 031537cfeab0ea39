"""What the mutations of transfers share: outcomes of people, what is kept with the key, delivering,
reading the transfer back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import strawberry
from sqlalchemy import Connection

from resolvers.nodes import parse_id
from resolvers.transfers.reading import read_transfer
from resolvers.transfers.terms import MOST_PEOPLE, Outcome, PersonOutcome
from resolvers.transfers.terms import Refusal as Named
from resolvers.users import Viewer
from resolvers.writing.refusing import Mistakes, Refusal, not_found, refused_step, retold, told
from resolvers.writing.several import Mutation
from resolvers.writing.stores import Store
from resolvers.writing.writing import Writing, Wrote
from schema.transfers import TransferOutcome
from schema.writing.problems import Problem
from schema.writing.transfers import TransferPayload, TransferRow

__all__ = [
    "Kept",
    "Requested",
    "acts_for",
    "answer",
    "kept_of",
    "kept_of_step",
    "people_given",
    "problem_of",
    "refused_whole",
    "take_all",
]

What = TypeVar("What")
Wanted = TypeVar("Wanted")

_REPORTING = frozenset({"HOSPITAL", "ISOLATION_SITE", "HEALTH_CENTRE"})

Kept = dict[str, Any]
"""What is kept with an idempotency key: the transfer's id, and what became of each person."""


def acts_for(viewer: Viewer, unit: str | None) -> bool:
    """Whether the viewer's unit may act for a unit of its jurisdiction: a CDC for those below, a
    reporting unit for itself alone.
    """
    return viewer.unit_id == unit or viewer.unit_level not in _REPORTING


def people_given(
    given: Sequence[strawberry.ID], mistakes: Mistakes, path: Sequence[str], *below: str
) -> list[int]:
    """The numbers of people by their ids; mistakes for what is none, or named twice.

    `below` are the names of fields between the list's element and the id.
    """
    if not 1 <= len(given) <= MOST_PEOPLE:
        text, text_zh = f"give 1 to {MOST_PEOPLE:,} people", f"每次 1 至 {MOST_PEOPLE} 人"
        mistakes.add(path, text, text_zh)
        return []
    found: dict[int, None] = {}
    for index, one in enumerate(given):
        record, number = parse_id(one)
        place = [*path, str(index), *below]
        if record is None or record.name != "Person":
            mistakes.add(place, "this is not the id of a person", "这不是人员的编号")
        elif number in found:
            mistakes.add(place, "each person once", "每名人员只能出现一次")
        found[number] = None
    return list(found)


def problem_of(named: Named) -> Problem:
    """The problem of a step that is not taken."""
    if named in (Named.NO_SUCH_PERSON, Named.NO_SUCH_TRANSFER):
        return not_found().problem
    return refused_step(named.name, named.english, named.chinese).problem


def refused_whole(outcome: Outcome) -> Refusal:
    """The refusal of a step that was taken for nobody."""
    assert outcome.refusal is not None
    return Refusal(problem_of(outcome.refusal))


def kept_of(
    transfer: str | None,
    people: Iterable[int],
    outcomes: Mapping[int, PersonOutcome],
    problems: Mapping[int, Problem],
) -> Kept:
    """What is kept with the key, of the people in the order of the input."""
    rows: list[tuple[int, str | None, dict[str, Any] | None]] = []
    for person in people:
        problem, one = problems.get(person), outcomes.get(person)
        if one is not None and one.refusal is not None:
            problem = problem_of(one.refusal)
        stands = one.outcome if one is not None and problem is None else None
        rows.append((person, stands, told(problem) if problem is not None else None))
    return {"transfer": transfer, "people": rows}


def kept_of_step(outcome: Outcome, people: Sequence[int] | None, wrote: Wrote) -> Kept:
    """What is kept of a step that was taken; `people` are those of the input, None for all. Notes
    in `wrote` for whom it was taken.
    """
    taken = [person for person, one in outcome.people.items() if one.refusal is None]
    wrote["person"], wrote["transfer"] = taken, [outcome.transfer_id]
    return kept_of(outcome.transfer_id, people or outcome.people, outcome.people, {})


@dataclass(frozen=True, slots=True)
class Requested(Generic[What]):
    """A step a mutation requests together with others: of an offer, or of the transfer with an id,
    for some people in the order of the input, or for all where None.
    """

    writing: Writing
    what: What
    people: Sequence[int] | None


def take_all(
    connection: Connection,
    store: Store,
    given: Sequence[tuple[Mutation, int]],
    wanted: Callable[[Requested[What], str], Wanted | None],
    take: Callable[[Connection, Store, Sequence[tuple[Wanted, int]]], Sequence[Outcome | None]],
) -> list[Kept | None]:
    """Takes the steps that mutations want, as `Requested`: what is kept of each, None of those that
    are to be done alone.

    `wanted` makes of a request, at an instant, what `take` takes for all; None where the viewer is
    refused any of it, which the mutation says when it is done alone.
    """
    kept: list[Kept | None] = [None] * len(given)
    places, made = [], []
    for place, (mutation, first) in enumerate(given):
        one = wanted(mutation.wants, mutation.at)
        if one is not None:
            places.append(place)
            made.append((one, first))
    outcomes = take(connection, store, made) if made else ()
    for place, outcome in zip(places, outcomes, strict=True):
        if outcome is not None:
            mutation = given[place][0]
            kept[place] = kept_of_step(outcome, mutation.wants.people, mutation.wrote)
    return kept


async def answer(
    writing: Writing, store: Store, side: str, kept: Kept, repeated: bool, path: str
) -> TransferPayload:
    """The payload: what became of everybody, and the transfer as it is once it was delivered.

    Where the other region does not answer, nothing is undone: the post delivers it later.
    """
    transfer, pending = None, False
    if kept["transfer"] is not None:
        pending = not await writing.context.post.nudge(store.settings.code, kept["transfer"])
        region = writing.region(store)
        transfer = await read_transfer(writing.context, region, kept["transfer"], side, path)
    rows = []
    for person, outcome, problem in kept["people"]:
        rows.append(
            TransferRow(
                person_id=f"person:{person}",  # type: ignore[arg-type]  # scalars are text
                outcome=TransferOutcome[outcome] if outcome else None,
                problem=retold(problem) if problem is not None else None,
            )
        )
        code = problem["code"] if problem is not None else None
        if code is not None and code not in writing.question.trail.problems:
            writing.question.trail.problems.append(code)
    return TransferPayload(transfer=transfer, people=rows, pending=pending, repeated=repeated)
