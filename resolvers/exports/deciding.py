"""Rules of exports over values: where one stands, whether it needs approval, who may give it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Officer", "may_decide", "most_rows", "needs_approval", "state_at"]

_GROWTH = 2  # times the rows that were counted, by which a list may have grown when it is fetched
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Officer:
    """Somebody who asks or decides. `person` is the same for every account of one person, where
    known; `decides`: the unit's business administrator, or head of a department."""

    account: str
    unit_id: str
    name: str
    person: str | None
    decides: bool


def state_at(state: str, expires_at: str, now: str) -> str:
    """Where an export stands at an instant."""
    if state in ("WAITING", "READY") and now >= expires_at:
        return "EXPIRED"
    return state


def needs_approval(rows: int, missing: Sequence[str], earlier: int, limit: int) -> bool:
    """Whether an export must be approved.

    `earlier` are the rows of the account's other exports of the last day that were not approved:
    many small ones are a large one. Where a region did not answer nobody knows the size.
    """
    return bool(missing) or rows + earlier > limit


def most_rows(rows: int, missing: Sequence[str], *, approved: bool, limit: int) -> int | None:
    """How many rows the file may have, None for any number.

    What needed no approval stays within the limit; what was approved at a known size may have grown
    meanwhile, but not out of proportion.
    """
    if not approved:
        return limit
    return None if missing else rows * _GROWTH + _PAGE


def may_decide(decider: Officer, requester: Officer) -> bool:
    """Whether an officer may decide about another's export: of the same unit, a different person.

    An administrator owns a separate ordinary account (A7), so accounts alone do not tell people
    apart. Where the person behind one is not known, the same name in a unit counts as the same.
    """
    if not decider.decides or decider.unit_id != requester.unit_id:
        return False
    if decider.account == requester.account:
        return False
    if decider.person is not None and requester.person is not None:
        return decider.person != requester.person
    return decider.name != requester.name
