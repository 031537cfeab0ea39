"""`attachToSignal`: the investigation report and other files of a suspected event (E11)."""

from __future__ import annotations

from sqlalchemy import func, insert, select

from regions.alerts_forms import signal_attachments, signal_contents
from regions.person_sealing import PeopleSealers
from resolvers.alerts.acting import Acting, Held
from resolvers.alerts.events import event_of, member_rows, person_of
from resolvers.alerts.filing import enter
from resolvers.alerts.states import Event
from resolvers.alerts.words import Filled, flag
from resolvers.context import Context
from resolvers.lifecycles import StateRefused
from resolvers.writing.envelopes import sealed_items
from resolvers.writing.files import MOST, read_file
from resolvers.writing.sniffing import DOCX
from schema.writing.alerts import AttachToSignalInput, SignalPayload

__all__ = ["attach_to_signal"]

_DOCUMENTS = ("application/pdf", DOCX)
"""What a report is, unless it is said to be another: pictures and lists are beside it."""


async def attach_to_signal(
    context: Context, given: AttachToSignalInput, path: str
) -> SignalPayload:
    """Attaches a file to the event of a signal. Raises Refusal."""
    acting = Acting(context, "attachToSignal", given, path)
    file = await read_file(given.file_name, given.content, acting.mistakes)
    acting.mistakes.stop()
    assert file is not None
    report = file.media_type in _DOCUMENTS if given.report is None else given.report

    def work(held: Held) -> None:
        event = event_of(held.connection, held.row)
        number = None if event is None else event["number"]
        held.event(Event.ATTACH, event=number, mediaType=file.media_type, size=file.size)
        assert event is not None  # else the table refuses
        c = signal_attachments.c
        counted = select(func.count()).where(c.investigation_id == event["id"])
        if held.connection.execute(counted).scalar_one() >= MOST:
            raise StateRefused("FILES")
        person = person_of(held.connection, member_rows(held.connection, event))
        attached = enter(
            held,
            signal_attachments,
            "signalattachment",
            Filled(items={"file_name": file.name}),
            person,
            investigation_id=event["id"],
            event_number=event["number"],
            report=flag(report),
            media_type=file.media_type,
            size=file.size,
            sha256=file.sha256,
            created_at=held.who.at,
        )
        row = {"id": attached, "person_id": person}
        sealers = PeopleSealers(held.connection, held.store.sealer)
        within = {"content": file.content}
        sealed = sealed_items(sealers, held.store, signal_contents, row, within)
        held.connection.execute(insert(signal_contents).values(row | {"sealed": sealed}))

    return await acting.do(work)
