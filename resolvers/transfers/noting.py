"""The trail of custody: what a step of a store notes, and how it is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection

from regions.bulk import insert_rows
from regions.transfers import transfer_events
from regions.writes import Writer
from resolvers.transfers.states import Step

__all__ = ["Noted", "note", "note_all"]

_EVENTS = tuple(column.name for column in transfer_events.columns)


@dataclass(slots=True)
class Noted:
    """Events of one transaction: written together, with the ids that were taken for them."""

    region: str
    at: str
    actor: str | None = None
    unit_id: str | None = None
    rows: list[tuple[Any, ...]] = field(default_factory=list)

    def add(
        self, transfer: str, person: int | None, event: str, epoch: int | None, **detail: Any
    ) -> None:
        """Notes an event. `detail` are codes and states."""
        said = orjson.dumps(detail, option=orjson.OPT_SORT_KEYS).decode() if detail else None
        self.rows.append(
            (
                transfer,
                person,
                self.at,
                self.actor,
                self.unit_id,
                self.region,
                event,
                epoch,
                said,
            )
        )

    def step(self, transfer: str, person: int, step: Step, **detail: Any) -> None:
        """Notes the event of a step, if it has one."""
        if step.event is not None:
            self.add(transfer, person, step.event.name, step.custody.epoch, **detail)


def note(connection: Connection, noted: Noted, first_id: int) -> int:
    """Writes the events with ids from `first_id` on; returns the id behind the last."""
    return note_all(connection, [(noted, first_id)])


def note_all(connection: Writer, given: Iterable[tuple[Noted, int]]) -> int:
    """Writes events, each with ids from the one beside it on; returns the id behind the last."""
    rows: list[tuple[Any, ...]] = []
    last = 0
    for noted, first_id in given:
        rows += [(first_id + number, *row) for number, row in enumerate(noted.rows)]
        last = first_id + len(noted.rows)
        noted.rows = []
    insert_rows(connection, transfer_events, _EVENTS, rows)
    return last
