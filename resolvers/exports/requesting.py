"""`requestExport` and `decideExport`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from graphql import GraphQLSchema
from sqlalchemy import Connection, insert, select, update

from regions.errors import Forbidden, QuestionError
from regions.exports import exports
from regions.instants import instant, now, seconds_of
from resolvers.alerts.behind import filter_of_signal
from resolvers.catalog import RECORDS
from resolvers.context import Context
from resolvers.exports.columns import BadColumn, columns_of
from resolvers.exports.data_requests import check_columns, confined
from resolvers.exports.deciding import may_decide, most_rows, needs_approval, state_at
from resolvers.exports.kinds import KINDS, Kind
from resolvers.exports.limits import WAITING_DAYS
from resolvers.exports.records import export_of, officer, read_rows, rows_since
from resolvers.filters import orders, plain
from resolvers.privacy import require_records
from resolvers.privacy.data_requests import approved_request, note_prepared
from resolvers.questions.listing import ListPlan
from resolvers.questions.plans import shaper_for
from resolvers.questions.selection import Selected, Selector
from resolvers.writing.central import CentralWriting
from resolvers.writing.refusing import Mistakes, Refusal, forbidden, not_found
from resolvers.writing.values import text
from schema.exports import (
    DecideExportInput,
    DecideExportPayload,
    ExportDecision,
    RequestExportInput,
    RequestExportPayload,
)

__all__ = ["decide_export", "request_export"]

_DAY = 86_400
_OF_OTHERS = "the field is for another kind", "该字段用于其他类型"


async def request_export(
    context: Context, given: RequestExportInput, path: str, schema: GraphQLSchema
) -> RequestExportPayload:
    """Asks for an export: checks it, counts its records, decides whether it waits.

    Raises Refusal.
    """
    viewer = context.signed_in()
    writing = CentralWriting(context, "requestExport", given, account=viewer.account)
    mistakes = Mistakes()
    kind = KINDS[given.kind.name]
    purpose = text(given.purpose, mistakes, ["purpose"])
    if purpose is None and not mistakes.has(["purpose"]):
        mistakes.add(["purpose"], "say what the export is for", "请填写导出用途")
    for other in KINDS.values():
        for name in (other.filter, other.order):
            if other is not kind and getattr(given, name) is not None:
                mistakes.add([_camel(name)], *_OF_OTHERS)
    if given.signal is not None and kind.record != "Case":
        mistakes.add(["signal"], *_OF_OTHERS)
    try:
        columns = columns_of(schema, kind.record, given.columns)
    except BadColumn as error:
        where = ["columns"] if error.place < 0 else ["columns", str(error.place)]
        mistakes.add(where, error.message, error.zh)
    mistakes.stop()
    wanted, order = plain(getattr(given, kind.filter)), plain(getattr(given, kind.order))
    if given.signal is not None and viewer.opens_records:  # `_count` refuses the others
        cards = await filter_of_signal(context, given.signal, path)
        wanted = {"and": [cards, wanted]} if wanted else cards
    of_request = given.data_request
    if of_request is not None:
        request = await context.central.do(
            lambda connection: approved_request(connection, of_request, viewer.account, again=True)
        )
        check_columns(request, schema, kind, columns, mistakes)
        mistakes.stop()
        wanted = confined(request, wanted)
    rows, missing = await _count(context, kind, wanted, order)
    limits, moment = context.answering.exports, writing.moment

    def work(connection: Connection) -> dict[str, Any]:
        recipient = None
        export = secrets.token_hex(16)
        if of_request is not None:  # it may have been withdrawn, or prepared, meanwhile
            request = approved_request(connection, of_request, viewer.account)
            recipient = request.organisation
            note_prepared(connection, request.number, export, moment.now)
            writing.wrote("dataRequest", request.number)
        since = instant(seconds_of(moment.now) - _DAY)
        earlier = rows_since(connection, viewer.account, since)
        approved = recipient is not None
        waits = not approved and needs_approval(rows, missing, earlier, limits.approval_rows)
        lasts = WAITING_DAYS * _DAY if waits else limits.link_minutes * 60
        most = most_rows(rows, missing, approved=waits or approved, limit=limits.approval_rows)
        connection.execute(
            insert(exports).values(
                id=export,
                account=viewer.account,
                unit_id=viewer.unit_id,
                kind=given.kind.name,
                format=given.format.name,
                bom=int(given.byte_order_mark),
                columns=orjson.dumps([column.title for column in columns]).decode(),
                filter=orjson.dumps(wanted).decode(),
                orders=orjson.dumps(order).decode(),
                purpose=purpose,
                recipient=recipient,
                data_request=given.data_request,
                rows=rows,
                missing=orjson.dumps(missing).decode(),
                most=most,
                state="WAITING" if waits else "READY",
                requested_at=moment.now,
                expires_at=instant(seconds_of(moment.now) + lasts),
            )
        )
        writing.wrote("export", export)
        return {"export": export}

    kept, repeated = await writing.once(work)
    export = await _read(context, kept["export"])
    return RequestExportPayload(export=export, repeated=repeated)


async def decide_export(
    context: Context, given: DecideExportInput, path: str
) -> DecideExportPayload:
    """Approves or refuses an export that waits. Raises Refusal."""
    viewer = context.signed_in()
    writing = CentralWriting(context, "decideExport", given, account=viewer.account)
    mistakes = Mistakes()
    reason = text(given.reason, mistakes, ["reason"])
    if reason is None and not mistakes.has(["reason"]):
        mistakes.add(["reason"], "say why", "请填写理由")
    mistakes.stop()
    approves, at = given.decision is ExportDecision.APPROVE, writing.moment.now
    lasts = context.answering.exports.link_minutes * 60

    def work(connection: Connection) -> dict[str, Any]:
        row = connection.execute(select(exports).where(exports.c.id == given.export)).first()
        decider = officer(connection, viewer.account)
        requester = officer(connection, row.account) if row is not None else None
        if row is None or decider is None or requester is None:
            raise not_found("export")
        if decider.unit_id != row.unit_id:
            raise not_found("export")  # of another unit: not even that it is there
        if not decider.decides:
            raise forbidden(
                "the unit's business administrator, or the head of a department, decides",
                "须由本机构业务管理员或科室负责人审批",
            )
        if not may_decide(decider, requester):
            raise forbidden(
                "an export is decided about by a different person than who asked for it",
                "导出申请须由申请人以外的人审批",
            )
        if state_at(row.state, row.expires_at, at) != "WAITING":
            found = Mistakes()
            found.add(["export"], "the export does not wait any more", "该导出申请已不在待审批状态")
            found.stop()
        state = "READY" if approves else "REFUSED"
        values = {"state": state, "decided_by": viewer.account, "decided_at": at, "reason": reason}
        if approves:
            values["expires_at"] = instant(seconds_of(at) + lasts)
        connection.execute(update(exports).where(exports.c.id == row.id).values(values))
        writing.wrote("export", row.id)
        return {"export": row.id}

    kept, repeated = await writing.once(work)
    export = await _read(context, kept["export"])
    return DecideExportPayload(export=export, repeated=repeated)


async def _count(
    context: Context,
    kind: Kind,
    wanted: Mapping[str, Any] | None,
    order: Sequence[Mapping[str, Any]] | None,
) -> tuple[int, list[str]]:
    """Records in the regions that answered, and the regions that did not. Raises Refusal."""
    question, record = context.question, RECORDS[kind.record]
    selector = Selector(GraphQLSchema(), {}, {})
    shaper = shaper_for(context.answering, question.viewer, selector)
    try:
        require_records(question.viewer)
        plan = ListPlan(
            question,
            shaper,
            record,
            [Selected("id", "id", ())],
            wanted,
            orders(order),
            count=True,
            edges=False,
        )
        page = await plan.page(question, 0, None)
    except Forbidden as error:
        raise forbidden(error.message, "超出您的权限或辖区") from None
    except QuestionError as error:
        mistakes = Mistakes()
        mistakes.add([_camel(kind.filter)], f"{error.message}", "筛选条件无效")
        raise Refusal(mistakes.problem()) from None
    regions, outcomes = question.federation.regions, page.report.outcomes
    for settings, outcome in zip(regions, outcomes, strict=True):
        if outcome.state != "NOT_ASKED":
            question.trail.regions[settings.code] = outcome.state
    return page.total, [regions[one].code for one in page.report.failed()]


async def _read(context: Context, export: str) -> Any:
    rows = await context.central.do(lambda one: read_rows(one, exports.c.id == export))
    if not rows:
        raise not_found("export")
    viewer = context.signed_in()
    return export_of(rows[0], viewer.account, now())


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)
