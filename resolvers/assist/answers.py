"""What the receiver writes of the people of a letter, as each copy keeps it beside the issuer's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from regions.assist import assist_people
from regions.person_sealing import PeopleSealers
from resolvers.assist.rows import Copy
from resolvers.writing.envelopes import opened, sealed_items

__all__ = ["ANSWERS", "OUTCOME", "reseal", "take_answers"]

ANSWERS = ("control_place", "destination", "answer")
"""The sealed items that the receiver fills in."""

OUTCOME = (
    *("reason_code", "found_at", "found_code", "controlled_at", "control_mode", "outcome"),
    *("destination_code", "contact_id", "case_id", "positive_at", "case_due", "case_at"),
)
"""The columns that say what became of a person."""


def reseal(copy: Copy, rows: Sequence[dict[str, Any]], items: Sequence[Mapping[str, Any]]) -> None:
    """Seals the items of people of a letter anew."""
    known = {row["person_id"] for row in rows if row["person_id"] is not None}
    sealers = PeopleSealers(copy.connection, copy.store.sealer, known)
    for row, own in zip(rows, items, strict=True):
        row["sealed"] = sealed_items(sealers, copy.store, assist_people, row, own)


def take_answers(
    copy: Copy, rows: Sequence[dict[str, Any]], told: Sequence[Mapping[str, Any]]
) -> None:
    """The receiver's sealed items of people (`told`), beside the issuer's own."""
    clear = opened(copy.connection, copy.store, assist_people, rows)
    wanted = [
        (row, dict(items) | dict(answers))
        for row, items, answers in zip(rows, clear, told, strict=True)
        if any(items.get(name) != value for name, value in answers.items())
    ]
    reseal(copy, [row for row, _ in wanted], [items for _, items in wanted])
