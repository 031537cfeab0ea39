"""`startInvestigation`, `endInvestigation`, `fileInvestigationForm`: a suspected event in the
field, and its form (E11).
"""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import func, insert, select

from regions.alerts import signals
from regions.alerts_forms import (
    investigation_forms,
    investigation_occupations,
    signal_attachments,
)
from regions.ids import region_of, take_ids
from resolvers.alerts.acting import Acting, Held, signal_number
from resolvers.alerts.clocks import Span, meet, open_clock
from resolvers.alerts.events import event_of, join, member_rows, person_of, save_event
from resolvers.alerts.filing import enter, reporting_unit, version_before
from resolvers.alerts.form import read_form
from resolvers.alerts.states import Event, Guard
from resolvers.alerts.steps import hold
from resolvers.alerts.words import flag
from resolvers.context import Context
from resolvers.questions.rows import scope_condition
from resolvers.writing.refusing import Mistakes, not_found
from resolvers.writing.values import FIRST_DAY
from schema.writing.alerts import (
    EndInvestigationInput,
    InvestigationFormInput,
    SignalActionInput,
    SignalPayload,
)

__all__ = ["end_investigation", "file_investigation_form", "start_investigation"]

_FORM = "INVESTIGATION_FORM"
_MOST_SIGNALS = 200


async def start_investigation(
    context: Context, given: SignalActionInput, path: str
) -> SignalPayload:
    """Begins the investigation of the event of a signal. Raises Refusal."""

    def work(held: Held) -> None:
        event = event_of(held.connection, held.row)
        if event is None:  # refused by the table: there is no card that suspects one
            held.event(Event.INVESTIGATE)
            return
        for row in _members(held, event):
            _event(held, row, Event.INVESTIGATE, event=event["number"])
        save_event(held, event, state="INVESTIGATING", started_at=held.who.at)

    return await Acting(context, "startInvestigation", given, path).do(work)


async def end_investigation(
    context: Context, given: EndInvestigationInput, path: str
) -> SignalPayload:
    """Tells that the investigation in the field is over: its form is due 24 h later.

    Raises Refusal.
    """
    acting = Acting(context, "endInvestigation", given, path)
    moment = acting.writing.moment
    ended_at = given.ended_at or moment.now
    if not FIRST_DAY <= ended_at <= moment.latest:
        acting.mistakes.add(
            ["endedAt"], "the investigation has not ended yet", "现场调查结束时间晚于当前"
        )

    def work(held: Held) -> None:
        event = event_of(held.connection, held.row)
        if event is None:
            held.event(Event.END)
            return
        if event["ended_at"] is not None:
            held.failing.add(Guard.RUNNING)
        rows = _members(held, event)
        _after_signal(rows, "endedAt", ended_at)
        for row in rows:
            _event(held, row, Event.END, event=event["number"], endedAt=ended_at)
        due = _open_clock(held, event, rows, ended_at)
        save_event(held, event, ended_at=ended_at, form_due=due)

    return await acting.do(work)


async def file_investigation_form(
    context: Context, given: InvestigationFormInput, path: str
) -> SignalPayload:
    """Files a version of the form of the event of a signal. Raises Refusal."""
    acting = Acting(context, "fileInvestigationForm", given, path)
    mistakes = acting.mistakes
    further = [
        signal_number(one, mistakes, ["signals", str(place)])
        for place, one in enumerate(given.signals or ())
    ]
    if len(further) > _MOST_SIGNALS:
        mistakes.add(
            ["signals"],
            f"at most {_MOST_SIGNALS} signals join at once",
            f"一次最多并入 {_MOST_SIGNALS} 个信号",
        )

    def work(held: Held) -> None:
        event = event_of(held.connection, held.row)
        if event is None:
            held.event(Event.CONCLUDE)
            return
        for place, number in enumerate(further):
            join(held, _other(acting, held, number, place), event)
        rows, found = _members(held, event), Mistakes()
        first = rows[0]
        version, before = version_before(held, investigation_forms, "investigation_id", event["id"])
        filled = read_form(
            given,
            kinds=frozenset(row["kind"] for row in rows),
            before=before,
            viewer_name=acting.writing.viewer.name,
            moment=acting.writing.moment,
            reference=context.answering.reference,
            mistakes=found,
        )
        _after_signal(rows, "investigatedTo", str(given.investigated_to))
        if not _has_report(held, event):
            held.failing.add(Guard.REPORT)
        told = {"event": event["number"], "form": version + 1, "conclusion": given.conclusion.name}
        for row in rows:
            _event(held, row, Event.CONCLUDE, **told)
        found.stop()
        form = enter(
            held,
            investigation_forms,
            "investigationform",
            filled,
            person_of(held.connection, rows),
            **reporting_unit(event["code"]),
            investigation_id=event["id"],
            version=version + 1,
            event_number=event["number"],
            signal_numbers=orjson.dumps([row["number"] for row in rows]).decode(),
            sent_at=first["sent_at"],
            disease=first["disease"],
            filled_at=held.who.at,
        )
        _enter_occupations(held, form, given)
        _conclude(held, event, rows, given, version + 1)

    return await acting.do(work)


def _event(held: Held, row: dict[str, Any], kind: Event, **detail: Any) -> None:
    """An event of one of the signals of an event; that which was acted on, or one beside it."""
    held.event(kind, None if row is held.row else row, **detail)


def _members(held: Held, event: dict[str, Any]) -> list[dict[str, Any]]:
    """The signals of an event, the first one first, with the one that was acted on among them."""
    rows = member_rows(held.connection, event)
    return [held.row if row["id"] == held.row["id"] else row for row in rows]


def _other(acting: Acting, held: Held, number: int, place: int) -> dict[str, Any]:
    """A further signal of the same county, held. Raises Refusal."""
    if number == held.row["id"]:
        return held.row
    writing = acting.writing
    scoped = scope_condition(writing.question, signals, writing.region(held.store))
    seen = select(signals.c.id).where(
        signals.c.id == number, signals.c.code == held.row["code"], *scoped
    )
    there = region_of(number) == held.region and held.connection.execute(seen).first() is not None
    row = hold(held.connection, number) if there else None
    if row is None:
        raise not_found("signals", str(place))
    return row


def _after_signal(rows: list[dict[str, Any]], field: str, ended_at: str) -> None:
    """Raises Refusal where an investigation is said to have ended before there was a signal: a
    clock that ran out in a mistaken year would stand as missed for ever.
    """
    if ended_at < min(row["detected_at"] for row in rows):
        found = Mistakes()
        found.add(
            [field], "this lies before the first signal of the event", "该时间早于首个预警信号"
        )
        found.stop()


def _has_report(held: Held, event: dict[str, Any]) -> bool:
    c = signal_attachments.c
    counted = select(func.count()).where(c.investigation_id == event["id"], c.report == flag(True))
    return bool(held.connection.execute(counted).scalar_one())


def _open_clock(
    held: Held, event: dict[str, Any], rows: list[dict[str, Any]], ended_at: str
) -> str:
    of = Span(rows[0]["id"], event["code"], event["id"])
    return open_clock(held.connection, held.region, of, _FORM, ended_at, held.limits)


def _conclude(
    held: Held,
    event: dict[str, Any],
    rows: list[dict[str, Any]],
    given: InvestigationFormInput,
    version: int,
) -> None:
    """What a form changes of its event, and its clock: it ran from the end that was told, else
    from the one on the form.
    """
    changed: dict[str, Any] = {
        "state": "CONCLUDED",
        "conclusion": given.conclusion.name,
        "forms": version,
    }
    if event["ended_at"] is None:
        due = _open_clock(held, event, rows, str(given.investigated_to))
        changed |= {"ended_at": given.investigated_to, "form_due": due}
    if event["concluded_at"] is None:
        changed["concluded_at"] = held.who.at
    meet(held.connection, _FORM, held.who.at, investigation_id=event["id"])
    save_event(held, event, **changed)


def _enter_occupations(held: Held, form: int, given: InvestigationFormInput) -> None:
    for row in given.occupations or ():
        held.connection.execute(
            insert(investigation_occupations).values(
                id=take_ids(held.connection, held.region, 1),
                form_id=form,
                occupation=row.occupation.name,
                cases=row.cases,
            )
        )
