"""Requests for data of people without an account: filed, decided, listed, and what exports need of
them (F9, L503 3.1(3)).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, false, insert, or_, select, update

from regions.privacy import data_requests
from regions.sealing import Sealer
from regions.users import accounts
from resolvers.context import Context
from resolvers.privacy.applications import takes_part
from resolvers.privacy.forms import check_place, required_text
from resolvers.privacy.rows import (
    CONTROLLERS,
    contact_of,
    fresh_id,
    global_id,
    number_of,
    read_slice,
    required_account,
    signer_of,
    step_refused,
    under_jurisdiction,
)
from resolvers.privacy.services import REASONS, REFUSALS, Event, Request, take_step
from resolvers.privacy.steps import StepRefused
from resolvers.users import Role, Viewer
from resolvers.users.accounts import Account
from resolvers.users.staff import read_contact
from resolvers.writing.central import CentralWriting
from resolvers.writing.refusing import Mistakes, not_found
from schema.privacy import PrivateItem, RecordType
from schema.privacy.applications import PrivacyPurpose
from schema.privacy.data_requests import (
    DataRequest,
    DataRequestConnection,
    DataRequestDecision,
    DataRequestEdge,
    DataRequestFilter,
    DataRequestInput,
    DataRequestPayload,
    DataRequestState,
    DecideDataRequestInput,
)

__all__ = [
    "ApprovedRequest",
    "approved_request",
    "decide_data_request",
    "list_data_requests",
    "note_prepared",
    "request_data",
]

KIND = "dataRequest"
_EVENTS = {
    DataRequestDecision.APPROVE: Event.APPROVE,
    DataRequestDecision.REFUSE: Event.REFUSE,
    DataRequestDecision.WITHDRAW: Event.WITHDRAW,
}
_KINDS = (RecordType.CASE, RecordType.CONTACT)


@dataclass(frozen=True, slots=True)
class ApprovedRequest:
    """What may be exported for an approved request, and for whom: records of `record_type` of
    `code` and below, registered from one day to another (both included), with no private item but
    `items` in clear. `account` filed it and prepares the export.
    """

    number: int
    account: str
    organisation: str
    record_type: str
    items: frozenset[str]
    code: str
    start: str
    end: str


async def request_data(context: Context, given: DataRequestInput, _: str) -> DataRequestPayload:
    """Files a request for somebody without an account. Raises Refusal."""
    viewer = context.signed_in()
    writing = CentralWriting(context, "requestData", given, account=viewer.account)
    mistakes, at = Mistakes(), writing.moment.now
    items: dict[str, Any] = dict(read_contact(given.contact, mistakes, ["contact"]))
    items["requester"] = required_text(given.requester, mistakes, ["requester"], 60)
    items["purpose_text"] = required_text(given.purpose_text, mistakes, ["purposeText"], 1_000)
    organisation = required_text(given.organisation, mistakes, ["organisation"], 120)
    basis = required_text(given.legal_basis, mistakes, ["legalBasis"], 500)
    department = required_text(given.business_department, mistakes, ["businessDepartment"], 60)
    check_place(viewer, given.code, mistakes)
    if given.record_type not in _KINDS:
        mistakes.add(["recordType"], "only cases and contacts", "仅限病例或密接")
    if given.end < given.start:
        mistakes.add(["to"], "the last day lies before the first", "结束日期早于开始日期")
    if not given.commitment_agreed:
        mistakes.add(
            ["commitmentAgreed"],
            "the requester signs the commitment first",
            "申请人须先签署隐私信息安全承诺",
        )
    mistakes.stop()
    number = fresh_id()

    def work(connection: Connection) -> dict[str, Any]:
        account = required_account(connection, viewer)
        connection.execute(
            insert(data_requests).values(
                id=number,
                state=DataRequestState.AWAITING_BUSINESS_HEAD.name,
                filed_by=account.account,
                unit_id=account.unit_id,
                unit_code=account.code,
                organisation=organisation,
                purpose=given.purpose.name,
                legal_basis=basis,
                record_type=given.record_type.name,
                items=json.dumps([one.name for one in PrivateItem if one in given.items]),
                code=given.code,
                from_on=given.start,
                to_on=given.end,
                business_department=department,
                sealed=context.central.sealer.seal("data_requests", number, items),
                created_at=at,
            )
        )
        writing.wrote(KIND, number)
        return {"request": number}

    kept, repeated = await writing.once(work)
    return await _payload(context, viewer, kept["request"], repeated)


async def decide_data_request(
    context: Context, given: DecideDataRequestInput, _: str
) -> DataRequestPayload:
    """Approves, refuses or withdraws a request. Raises Refusal."""
    viewer = context.signed_in()
    writing = CentralWriting(context, "decideDataRequest", given, account=viewer.account)
    number, reason = number_of(KIND, given.request), None
    if given.decision is DataRequestDecision.REFUSE:
        mistakes = Mistakes()
        reason = required_text(given.reason or "", mistakes, ["reason"], 500)
        mistakes.stop()
    sealer, at = context.central.sealer, writing.moment.now

    def work(connection: Connection) -> dict[str, Any]:
        row = _row(connection, number)
        if row is None or not takes_part(required_account(connection, viewer), row):
            raise not_found("request")
        signer = signer_of(connection, viewer, at)
        event = _EVENTS[given.decision]
        try:
            state = take_step(_request(connection, row), signer, event)
        except StepRefused as refused:
            raise step_refused(refused.reason, REASONS[refused.reason]) from None
        values: dict[str, Any] = {"state": state.name}
        if event is not Event.WITHDRAW:
            which = (
                "business"
                if row.state == DataRequestState.AWAITING_BUSINESS_HEAD.name
                else "administrator"
            )
            by = "business_head" if which == "business" else "administrator"
            values |= {by: signer.account, f"{which}_decided_at": at}
        if reason is not None:
            items = sealer.open("data_requests", row.id, row.sealed) | {"reason": reason}
            values["sealed"] = sealer.seal("data_requests", row.id, items)
        connection.execute(
            update(data_requests).where(data_requests.c.id == row.id).values(**values)
        )
        writing.wrote(KIND, row.id)
        return {"request": row.id}

    kept, repeated = await writing.once(work)
    return await _payload(context, viewer, kept["request"], repeated)


async def list_data_requests(
    context: Context, wanted: DataRequestFilter | None, first: int | None, after: str | None
) -> DataRequestConnection:
    """Requests the viewer may know of: those filed; for an administrator those of the unit, for a
    head those waiting for the department; for security administrator and auditor those of the
    jurisdiction.
    """
    viewer = context.signed_in()
    read = read_slice(context, data_requests, KIND, first, after)
    chosen: list[ColumnElement[bool]] = []
    if wanted is not None and wanted.state is not None:
        chosen.append(or_(false(), *(data_requests.c.state == one.name for one in wanted.state)))

    def work(connection: Connection) -> DataRequestConnection:
        account = required_account(connection, viewer)
        found = read(connection, and_(_visible(account, viewer), *chosen))
        nodes = _types(context.central.sealer, found.rows, account)
        return DataRequestConnection(
            edges=[
                DataRequestEdge(cursor=cursor, node=node)
                for cursor, node in zip(found.cursors, nodes, strict=True)
            ],
            page_info=found.info,
            total_count=found.total,
        )

    return await context.central.do(work)


def approved_request(
    connection: Connection, request: str, account: str, *, again: bool = False
) -> ApprovedRequest:
    """What an approved request allows to be exported. Raises Refusal unless it is approved and the
    account filed it: for everybody else there is none. `again`: or was prepared already.
    """
    row = _row(connection, number_of(KIND, request))
    if row is None or row.filed_by != account:
        raise not_found("dataRequest")
    prepared = again and row.state == DataRequestState.PREPARED.name
    if row.state != DataRequestState.APPROVED.name and not prepared:
        why = REFUSALS[(DataRequestState[row.state], Event.PREPARE)]
        raise step_refused(why, REASONS[why])
    return ApprovedRequest(
        number=row.id,
        account=row.filed_by,
        organisation=row.organisation,
        record_type=row.record_type,
        items=frozenset(json.loads(row.items)),
        code=row.code,
        start=row.from_on,
        end=row.to_on,
    )


def note_prepared(connection: Connection, number: int, export: str, at: str) -> None:
    """Notes the export prepared for an approved request; a second one needs a new request."""
    row = _row(connection, number)
    assert row is not None
    state = take_step(_request(connection, row), None, Event.PREPARE)
    connection.execute(
        update(data_requests)
        .where(data_requests.c.id == number)
        .values(state=state.name, export_id=export, prepared_at=at)
    )


def _row(connection: Connection, number: int | None) -> Row[Any] | None:
    if number is None:
        return None
    return connection.execute(select(data_requests).where(data_requests.c.id == number)).first()


def _request(connection: Connection, row: Row[Any]) -> Request:
    names = [name for name in (row.filed_by, row.business_head, row.administrator) if name]
    persons = {
        one.account: one.person_index
        for one in connection.execute(
            select(accounts.c.account, accounts.c.person_index).where(accounts.c.account.in_(names))
        )
    }
    return Request(
        DataRequestState[row.state],
        row.unit_id,
        row.business_department,
        tuple((name, persons.get(name)) for name in names),
    )


async def _payload(
    context: Context, viewer: Viewer, number: int, repeated: bool
) -> DataRequestPayload:
    def read(connection: Connection) -> DataRequest:
        row = _row(connection, number)
        assert row is not None
        account = required_account(connection, viewer)
        return _types(context.central.sealer, [row], account)[0]

    return DataRequestPayload(request=await context.central.do(read), repeated=repeated)


def _visible(account: Account, viewer: Viewer) -> ColumnElement[bool]:
    table = data_requests.c
    own = table.filed_by == account.account
    if viewer.role in CONTROLLERS:
        return or_(own, under_jurisdiction(table.unit_code, viewer))
    here = table.unit_id == account.unit_id
    if account.role is Role.BUSINESS_ADMINISTRATOR:
        return or_(own, here)
    if account.head and account.department:
        return or_(own, and_(here, table.business_department == account.department))
    return own


def _types(
    sealer: Sealer, rows: Sequence[Row[Any]] | Iterable[Row[Any]], account: Account
) -> list[DataRequest]:
    found = []
    for row in rows:
        items: dict[str, Any] | None = None
        if takes_part(account, row):
            items = dict(sealer.open("data_requests", row.id, row.sealed))
        told = items or {}
        found.append(
            DataRequest(
                id=global_id(KIND, row.id),  # type: ignore[arg-type]  # scalars are text
                state=DataRequestState[row.state],
                filed_by=row.filed_by,
                unit_id=row.unit_id,
                requester=told.get("requester"),
                organisation=row.organisation,
                contact=contact_of(items),
                purpose=PrivacyPurpose[row.purpose],
                purpose_text=told.get("purpose_text"),
                legal_basis=row.legal_basis,
                record_type=RecordType[row.record_type],
                items=[PrivateItem[name] for name in json.loads(row.items)],
                code=row.code,
                start=row.from_on,
                end=row.to_on,
                business_department=row.business_department,
                business_head=row.business_head,
                business_decided_at=row.business_decided_at,
                administrator=row.administrator,
                administrator_decided_at=row.administrator_decided_at,
                reason=told.get("reason"),
                export_id=row.export_id,
                created_at=row.created_at,
            )
        )
    return found
