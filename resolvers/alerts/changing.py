"""`applyForRuleChange` and `decideRuleChange`: an application, and what is decided of it (E7).

The rule is written in the transaction that sets it, as a row of its own: what held before stays on
record, and holds again when the new one ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, Row, func, insert, select, update

from regions.alerts import detection_rules
from regions.alerts_changes import rule_change_events, rule_changes
from regions.areas import reference_areas
from regions.errors import AlertRuleInvalid
from regions.ids import padded
from resolvers.alerts.change_checks import (
    ORIGINS,
    Wanted,
    applicants,
    deciding_unit,
    may_apply,
)
from resolvers.alerts.change_table import REASONS, Event, Guard, Party, first_state, step
from resolvers.alerts.changes import KIND, find_change, payload, rule_id, wanted_of
from resolvers.alerts.parameters import checked
from resolvers.alerts.rules import CLUSTER_METHODS, read_rules
from resolvers.context import Context
from resolvers.filters import code_prefix
from resolvers.lifecycles import StateRefused
from resolvers.privacy.rows import fresh_id, required_account, within_jurisdiction
from resolvers.users import BUSINESS_ROLES, Role, Viewer
from resolvers.users.accounts import Account, find_account, is_usable, next_id
from resolvers.users.persons import same_person
from resolvers.users.shared import needed
from resolvers.writing.central import CentralWriting
from resolvers.writing.refusing import Mistakes, Refusal, forbidden, not_found, refused_step
from resolvers.writing.values import NO_DISEASE
from schema.alerts import DetectionMethod as Method
from schema.alerts import DetectionParameterInput
from schema.alerts_changes import (
    DecideInput,
    RuleChangeDecision,
    RuleChangeInput,
    RuleChangeKind,
    RuleChangePayload,
    RuleChangeState,
)

__all__ = ["apply_for_rule_change", "decide_rule_change"]

_LONGEST_REASON, _LONGEST_VALUE = 2_000, 100
_CHANGE = rule_changes.c
_OPEN = (RuleChangeState.AWAITING_APPROVAL, RuleChangeState.AWAITING_SETTING)


async def apply_for_rule_change(
    context: Context, given: RuleChangeInput, _: str
) -> RuleChangePayload:
    """Files an application. Raises Refusal."""
    viewer = context.signed_in()
    writing = CentralWriting(context, "applyForRuleChange", given, account=viewer.account)
    at = writing.moment.now
    today = _today(context, at)
    mistakes = Mistakes()
    wanted = _wanted(context, viewer, given, today, mistakes)
    reason = needed(given.reason, mistakes, ["reason"], _LONGEST_REASON)
    mistakes.stop()
    if not may_apply(given.kind, viewer.unit_id, viewer.code):
        who, who_zh = applicants(given.kind)
        raise forbidden(
            f"{given.kind.name} is applied for by officers of {who}",
            f"此类申请由{who_zh}提交",
        )
    number, state = fresh_id(), first_state(given.kind)

    def work(connection: Connection) -> dict[str, Any]:
        account = required_account(connection, viewer)
        _check_open(connection, wanted)
        failing = wanted.failing(read_rules(connection), today)
        for guard in Guard:
            if guard in failing:
                raise _refused(guard.name)
        sealed = context.central.sealer.seal(
            rule_changes.name, number, {"reason": reason, "answer": None}
        )
        connection.execute(
            insert(rule_changes).values(
                id=number,
                kind=given.kind.name,
                state=state.name,
                prefix=wanted.prefix,
                code=padded(wanted.prefix),
                disease=wanted.disease,
                method=wanted.method.name,
                parameters=_json(wanted.parameters),
                effective_from=wanted.effective_from,
                effective_to=wanted.effective_to,
                applied_by=account.account,
                unit_id=account.unit_id,
                decided_by_unit=deciding_unit(given.kind, padded(wanted.prefix)),
                sealed=sealed,
                created_at=at,
            )
        )
        _note(connection, number, account, "APPLY", None, state, at)
        writing.wrote(KIND, number)
        return {"change": number}

    kept, repeated = await writing.once(work)
    return await payload(context, kept["change"], repeated)


async def decide_rule_change(context: Context, given: DecideInput, _: str) -> RuleChangePayload:
    """Approves, refuses, sets or withdraws. Raises Refusal."""
    viewer = context.signed_in()
    writing = CentralWriting(context, "decideRuleChange", given, account=viewer.account)
    event, mistakes = Event[given.decision.name], Mistakes()
    answer = None
    if given.reason is not None or given.decision is RuleChangeDecision.REFUSE:
        answer = needed(given.reason, mistakes, ["reason"])
    mistakes.stop()
    at, sealer = writing.moment.now, context.central.sealer
    today = _today(context, at)

    def work(connection: Connection) -> dict[str, Any]:
        row = find_change(connection, viewer, str(given.change))
        if row is None:
            raise not_found("change")
        account = required_account(connection, viewer)
        before, wanted = RuleChangeState[row.state], wanted_of(row)
        failing = wanted.failing(read_rules(connection), today) | _people(connection, row, account)
        try:
            state = step(before, event, _parties(connection, row, account, at), failing)
        except StateRefused as refused:
            raise _refused(refused.reason) from None
        values: dict[str, Any] = {"state": state.name}
        if event is Event.APPROVE:
            values |= {"approved_by": account.account, "approved_at": at}
        else:
            values |= {"closed_by": account.account, "closed_at": at}
        if answer is not None:
            words = dict(sealer.open(rule_changes.name, row.id, row.sealed)) | {"answer": answer}
            values["sealed"] = sealer.seal(rule_changes.name, row.id, words)
        connection.execute(update(rule_changes).where(_CHANGE.id == row.id).values(**values))
        _note(connection, row.id, account, event.name, before, state, at)
        writing.wrote(KIND, row.id)
        if event is Event.SET:
            _set(connection, row.id, wanted, today, at)
            writing.wrote("detectionRule", rule_id(row.id))
        return {"change": row.id}

    kept, repeated = await writing.once(work)
    return await payload(context, kept["change"], repeated)


def _today(context: Context, at: str) -> str:
    """The day of the nights' zone: all regions have the same."""
    return context.answering.federation.regions[0].days.day(at)


def _wanted(
    context: Context, viewer: Viewer, given: RuleChangeInput, today: str, mistakes: Mistakes
) -> Wanted:
    prefix = code_prefix(given.code)
    if not reference_areas().is_prefix(prefix):
        mistakes.add(["code"], "this is no code of GB/T 2260", "不是有效的行政区划代码")
    elif not within_jurisdiction(viewer, padded(prefix)):
        mistakes.add(
            ["code"], "the area lies outside your jurisdiction", "该地区不在您的管辖范围内"
        )
    if not context.answering.reference.knows(str(given.disease)):
        mistakes.add(["disease"], *NO_DISEASE)
    method = given.method
    if given.kind is RuleChangeKind.SINGLE_CASE:
        if method not in (None, Method.SINGLE_CASE):
            mistakes.add(
                ["method"],
                "this kind of application is for SINGLE_CASE; a province applies for OWN_METHOD",
                "此类申请仅限单病例预警（SINGLE_CASE），其他方法由省级申请 OWN_METHOD",
            )
        method = Method.SINGLE_CASE
    elif method is None:
        mistakes.add(["method"], "say by which method", "请填写预警方法")
    elif method is Method.NONE and given.kind is RuleChangeKind.NEW_DISEASE:
        mistakes.add(["method"], "NONE watches nothing", "NONE 表示不预警")
    elif method in CLUSTER_METHODS and given.kind is RuleChangeKind.NEW_DISEASE:
        mistakes.add(
            ["method"],
            "a scan goes along with a method that watches each county: apply for that first",
            "时空扫描须与逐县预警方法并用，请先申请逐县预警方法",
        )
    if given.effective_from <= today:
        mistakes.add(
            ["effectiveFrom"], f"the first day lies after today, {today}", f"起始日期须晚于 {today}"
        )
    if given.effective_to is not None and given.effective_to < given.effective_from:
        mistakes.add(["effectiveTo"], "the last day lies before the first", "截止日期早于起始日期")
    method = method or Method.NONE
    parameters = _parameters(given.parameters or (), method, mistakes)
    return Wanted(
        kind=given.kind,
        prefix=prefix,
        disease=str(given.disease),
        method=method,
        parameters=parameters,
        effective_from=str(given.effective_from),
        effective_to=None if given.effective_to is None else str(given.effective_to),
    )


def _parameters(
    given: list[DetectionParameterInput] | tuple[()], method: Method, mistakes: Mistakes
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for place, one in enumerate(given):
        path = ["parameters", str(place)]
        try:
            value = orjson.loads(one.value) if len(one.value) <= _LONGEST_VALUE else {}
        except orjson.JSONDecodeError:
            value = {}
        if isinstance(value, (dict, list)):
            mistakes.add(
                [*path, "value"],
                "a value is a number, true, false, null, or a text in quotes, as JSON",
                "参数值须为 JSON 的数、true、false、null 或带引号的文字",
            )
        elif one.name in found:
            mistakes.add([*path, "name"], "the parameter is given twice", "参数重复")
        else:
            found[one.name] = value
            _check(method, {one.name: value}, path, mistakes)
    if not given:
        _check(method, {}, ["method"], mistakes)
    return found


def _check(method: Method, values: Mapping[str, Any], path: list[str], mistakes: Mistakes) -> None:
    """Adds what the rules' own check says of a method and a parameter."""
    try:
        checked(method, values)
    except AlertRuleInvalid as error:
        where = path if "parameter" in error.details else ["method"]
        if not mistakes.has(where):
            mistakes.add(
                where,
                f"{error.message}: {error.hint}",
                f"预警方法 {method.name} 不接受该参数或取值（{error.hint}）",
            )


def _check_open(connection: Connection, wanted: Wanted) -> None:
    known = select(_CHANGE.id).where(
        _CHANGE.prefix == wanted.prefix,
        _CHANGE.disease == wanted.disease,
        _CHANGE.state.in_([one.name for one in _OPEN]),
    )
    if connection.execute(known).first() is not None:
        raise _refused("OPEN")


def _parties(connection: Connection, row: Row[Any], account: Account, at: str) -> set[Party]:
    """What somebody is to an application, as the account stands in this transaction."""
    found = {Party.APPLICANT} if account.account == row.applied_by else set()
    if account.unit_id == row.decided_by_unit and is_usable(connection, account.account, at):
        if account.role is Role.BUSINESS_ADMINISTRATOR:
            found.add(Party.ADMINISTRATOR)
        elif account.role is Role.REVIEWER or (account.head and account.role in BUSINESS_ROLES):
            found.add(Party.APPROVER)
    return found


def _people(connection: Connection, row: Row[Any], account: Account) -> set[Guard]:
    """The guards that fail by who took part already, under whatever account."""
    found = set()
    for name, guard in ((row.applied_by, Guard.OWN), (row.approved_by, Guard.SAME_PERSON)):
        other = None if name is None else find_account(connection, name)
        if same_person(other, account):
            found.add(guard)
    return found


def _set(connection: Connection, number: int, wanted: Wanted, today: str, at: str) -> None:
    """Writes the rule: the next version for the disease in the area."""
    rule = detection_rules.c
    clusters = [one.name for one in CLUSTER_METHODS]
    same = rule.method.in_ if wanted.method in CLUSTER_METHODS else rule.method.not_in
    before = connection.scalar(
        select(func.max(rule.version)).where(
            rule.prefix == wanted.prefix, rule.disease == wanted.disease, same(clusters)
        )
    )
    connection.execute(
        insert(detection_rules).values(
            id=rule_id(number),
            prefix=wanted.prefix,
            disease=wanted.disease,
            method=wanted.method.name,
            parameters=_json(wanted.parameters),
            effective_from=wanted.begins(today),
            effective_to=wanted.effective_to,
            origin=ORIGINS[wanted.kind].name,
            version=(before or 0) + 1,
            created_at=at,
            updated_at=at,
        )
    )


def _note(
    connection: Connection,
    number: int,
    account: Account,
    event: str,
    before: RuleChangeState | None,
    after: RuleChangeState,
    at: str,
) -> None:
    connection.execute(
        insert(rule_change_events).values(
            id=next_id(connection, rule_change_events),
            change_id=number,
            at=at,
            actor=account.account,
            unit_id=account.unit_id,
            event=event,
            from_state=None if before is None else before.name,
            to_state=after.name,
        )
    )


def _refused(reason: str) -> Refusal:
    return refused_step(reason, *REASONS[reason])


def _json(values: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(values), option=orjson.OPT_SORT_KEYS).decode()
