"""`advancePathway`: a pathway begins, or an event moves it on (D)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from regions.pathways import pathway_events
from resolvers.context import Context
from resolvers.nodes import parse_id
from resolvers.pathway.engine import ARRIVAL, started
from resolvers.pathway.packs import RulePack, holding, packs
from resolvers.pathway.reading import read_pathway
from resolvers.pathway.states import Event, PathwayEvent, Refused, local_day
from resolvers.pathway.storing import Known, Who, forget, load, start, step
from resolvers.questions.rows import scope_condition
from resolvers.transfers.custodians import guard
from resolvers.writing.refusing import Mistakes, Refusal, not_found
from resolvers.writing.writing import Writing, Wrote
from schema.writing.pathway import AdvancePathwayInput, AdvancePathwayPayload
from schema.writing.problems import StepProblem

__all__ = ["advance_pathway"]


async def advance_pathway(
    context: Context, given: AdvancePathwayInput, path: str
) -> AdvancePathwayPayload:
    """Begins a pathway or records an event of it. Raises Refusal."""
    writing = Writing(context, "advancePathway", given, path)
    mistakes = Mistakes()
    at = given.at or writing.moment.now
    if at > writing.moment.latest:
        mistakes.add(["at"], "this lies in the future", "该时间在将来")
    if given.pack is not None and given.pack not in packs():
        known = ", ".join(packs())
        mistakes.add(["pack"], f"there is no such rule pack: {known}", f"没有该防控方案：{known}")
    record, number = parse_id(given.record)
    if record is None or record.name not in ("Case", "Contact"):
        mistakes.add(
            ["record"], "this is not the id of a contact or a case", "这不是密接或病例的编号"
        )
    mistakes.stop()
    assert record is not None
    store, _ = await writing.locate(record.table, number, "record")
    table = record.table
    who = Who(writing.viewer.account, writing.viewer.unit_id, writing.moment.now)

    def work(connection: Connection, first: int, wrote: Wrote) -> dict[str, Any]:
        about = connection.execute(
            select(table).where(
                table.c.id == number,
                *scope_condition(writing.question, table, writing.region(store)),
            )
        ).first()
        if about is None:
            raise not_found("record")
        guard(connection, store.settings.code, [about.person_id])
        found = load(connection, number)
        if found is not None and _begins_anew(connection, found, given):
            forget(connection, number)
            found = None
        if found is None:
            found = _begun(connection, about._asdict(), record.kind, at, given.pack, who)
        elif given.event is None:
            raise _step(
                Refused("BEGUN_ALREADY", "this pathway has begun already", "该管理流程已开始")
            )
        elif given.pack is not None and given.pack != found.row["pack"]:
            raise _step(
                Refused("BEGUN_ALREADY", "it has begun by other rules", "该流程已按其他方案开始")
            )
        if given.event is not None:
            refused = _card_first(given.event, about._asdict())
            if refused is not None:
                raise _step(refused)
            following = step(connection, found, Event(given.event, at), who)
            if isinstance(following, Refused):
                raise _step(following)
        wrote[record.kind] = [number]
        return {"pathway": number}

    _, repeated = await writing.once(store, 0, work)
    pathway = await read_pathway(context, given.record, None, path)
    if pathway is None:
        raise writing.unread(number, store)
    return AdvancePathwayPayload(pathway=pathway, repeated=repeated)


def _begins_anew(connection: Connection, known: Known, given: AdvancePathwayInput) -> bool:
    """Whether a pathway begins at another instant, or by another pack, than it did so far: as long
    as nothing has happened on it, and nothing has run out.
    """
    other = given.pack is not None and given.pack != known.row["pack"]
    if not other and (given.event is not None or given.at is None):
        return False
    happened = select(pathway_events.c.number).where(pathway_events.c.pathway_id == known.row["id"])
    lapsed = any(one.missed_at for one in known.standing.clocks)
    return not lapsed and connection.execute(happened.limit(1)).first() is None


def _begun(
    connection: Connection, row: Mapping[str, Any], kind: str, at: str, pack: str | None, who: Who
) -> Known:
    rules: RulePack | None
    if kind == "contact":
        rules = packs().get(pack or row["rule_pack"])
    else:
        rules = packs()[pack] if pack else holding(packs().values(), row["code"], local_day(at))
    if rules is None:
        raise _step(
            Refused("NO_PACK", "no rule pack holds here on that day", "当日当地没有适用的防控方案")
        )
    how = row["level"] if kind == "contact" else "CASE"
    if how == "CASE" and row["found_by"] == "KEY_AREA_TRAVEL":
        how = ARRIVAL
    standing = started(how, at, rules)
    if isinstance(standing, Refused):
        raise _step(standing)
    about = {
        "id": row["id"],
        "record": kind,
        "person_id": row["person_id"],
        "code": row["code"],
        "reporter_unit": row["reporter_unit"] or who.unit_id,
    }
    return start(connection, about, standing, rules, who, how=how)


def _card_first(event: PathwayEvent, row: Mapping[str, Any]) -> Refused | None:
    """The card moves the pathway, not the other way round: `correct` records these events."""
    wanted = {PathwayEvent.CARD_CORRECTED: "CONFIRMED", PathwayEvent.CARD_WITHDRAWN: "EXCLUDED"}
    if event not in wanted:
        return None
    if "classification" in row:
        done = row["classification"] == wanted[event]
    else:
        done = event is PathwayEvent.CARD_WITHDRAWN and row["exclusion_reason"] is not None
    if done:
        return None
    return Refused(
        "CARD_NOT_CORRECTED",
        "correct the record first (`correct`): the pathway follows",
        "请先订正报告卡（correct），流程随之变化",
    )


def _step(refused: Refused) -> Refusal:
    return Refusal(
        StepProblem(
            code="STEP_REFUSED",
            message=refused.message,
            message_zh=refused.message_zh,
            reason=refused.reason,
        )
    )
