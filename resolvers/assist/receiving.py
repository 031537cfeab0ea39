"""What the receiver does with a letter: acknowledges, refuses, forwards, assigns, answers."""

from __future__ import annotations

from sqlalchemy import Connection

from resolvers.assist.acting import Acting, party_of
from resolvers.assist.news import put_news
from resolvers.assist.onward import carry_on, held_by
from resolvers.assist.routing import Asked, Route, route
from resolvers.assist.rows import Copy, Who
from resolvers.assist.states import Event, Facts, Guard, State, Subject
from resolvers.assist.steps import close_shares, decide_letter
from resolvers.assist.table import step
from resolvers.context import Context
from resolvers.users import BUSINESS_ROLES
from resolvers.users.accounts import find_account, standing_of
from resolvers.users.states import Standing
from resolvers.writing.refusing import Mistakes
from resolvers.writing.values import word
from schema.writing.assist import (
    AssignAssistRequestInput,
    AssistRequestActionInput,
    AssistRequestPayload,
    FeedBackAssistRequestInput,
    ForwardAssistRequestInput,
    RefuseAssistRequestInput,
)

__all__ = [
    "acknowledge_assist_request",
    "assign_assist_request",
    "feed_back_assist_request",
    "forward_assist_request",
    "read_assist_request",
    "refuse_assist_request",
    "way_to",
]


async def acknowledge_assist_request(
    context: Context, given: AssistRequestActionInput, path: str
) -> AssistRequestPayload:
    """Acknowledges a letter, which reads it. Raises Refusal."""
    acting = Acting(context, "acknowledgeAssistRequest", given, path)
    failing = [] if await acting.is_on_duty() else [Guard.DUTY]

    def work(copy: Copy, who: Who) -> None:
        decide_letter(
            copy,
            Event.ACKNOWLEDGE,
            party_of(copy),
            who,
            acting.limits,
            failing=failing,
            acknowledged_at=who.at,
            read_version=copy.row["version"],
        )
        _told(copy, who)

    return await acting.do(work)


async def read_assist_request(
    context: Context, given: AssistRequestActionInput, path: str
) -> AssistRequestPayload:
    """Reads the latest version of a letter, so that work on it may go on; before it is acknowledged
    it says that somebody of the unit has seen it (C3). Raises Refusal.
    """
    acting = Acting(context, "readAssistRequest", given, path)

    def work(copy: Copy, who: Who) -> None:
        decide_letter(
            copy,
            Event.READ,
            party_of(copy),
            who,
            acting.limits,
            read_version=copy.row["version"],
        )
        _told(copy, who)

    return await acting.do(work)


async def refuse_assist_request(
    context: Context, given: RefuseAssistRequestInput, path: str
) -> AssistRequestPayload:
    """Refuses a letter: it is back with the issuer. Raises Refusal."""
    acting = Acting(context, "refuseAssistRequest", given, path)

    def work(copy: Copy, who: Who) -> None:
        decide_letter(
            copy, Event.REFUSE, party_of(copy), who, acting.limits, reason=given.reason.name
        )
        _told(copy, who)

    return await acting.do(work)


def way_to(
    context: Context,
    code: str,
    sender: str,
    through_province: bool,
    mistakes: Mistakes,
    path: list[str],
) -> Route | None:
    """The way of a letter to a code; None with a mistake that names the counties to choose of."""
    regions = context.answering.federation.regions
    found = route(code, regions, sender=sender, through_province=through_province)
    if isinstance(found, Asked):
        mistakes.add(path, found.message, found.message_zh)
        return None
    return found


async def forward_assist_request(
    context: Context, given: ForwardAssistRequestInput, path: str
) -> AssistRequestPayload:
    """Forwards a letter to where its people are, by another letter. Raises Refusal."""
    acting = Acting(context, "forwardAssistRequest", given, path)
    viewer = acting.viewer
    reason = word(given.reason_code, acting.mistakes, ["reasonCode"])
    way = way_to(
        context,
        given.to_code,
        viewer.code,
        given.through_province,
        acting.mistakes,
        ["toCode"],
    )

    def work(copy: Copy, who: Who) -> None:
        assert way is not None
        failing = {Guard.NEW_HOLDER} if way.unit in held_by(copy) else set()
        if copy.row["read_version"] < copy.row["version"]:
            failing.add(Guard.READ_NOW)
        # Before anything is written of the letter that goes on.
        step(Subject.LETTER, copy.state, Event.FORWARD, Facts(party_of(copy), frozenset(failing)))
        detail = carry_on(copy, way, viewer.code, None, who, acting.limits)
        copy.onward.append(detail["number"])
        for person in copy.load():
            person["forwarded_to"] = detail["number"]
        decide_letter(
            copy,
            Event.FORWARD,
            party_of(copy),
            who,
            acting.limits,
            reason=reason,
            detail=detail,
            forwarded_to=detail["number"],
        )
        _told(copy, who)

    return await acting.do(work)


async def assign_assist_request(
    context: Context, given: AssignAssistRequestInput, path: str
) -> AssistRequestPayload:
    """Assigns a letter to an officer of the unit. Raises Refusal."""
    acting = Acting(context, "assignAssistRequest", given, path)
    officer = given.officer or acting.viewer.account
    failing = [] if await _is_officer(acting, officer) else [Guard.OFFICER]

    def work(copy: Copy, who: Who) -> None:
        decide_letter(
            copy,
            Event.ASSIGN,
            party_of(copy),
            who,
            acting.limits,
            failing=failing,
            detail={"officer": officer},
            assigned_to=officer,
            assigned_at=copy.row["assigned_at"] or who.at,
        )
        _told(copy, who)

    return await acting.do(work)


async def _is_officer(acting: Acting, name: str) -> bool:
    """Whether an account may work on a letter of the viewer's unit."""
    viewer = acting.viewer
    if name == viewer.account:
        return True

    def look(connection: Connection) -> bool:
        account = find_account(connection, name)
        return (
            account is not None
            and account.unit_id == viewer.unit_id
            and account.role in BUSINESS_ROLES
            and standing_of(connection, account) is Standing.ACTIVE
        )

    return await acting.context.central.do(look)


async def feed_back_assist_request(
    context: Context, given: FeedBackAssistRequestInput, path: str
) -> AssistRequestPayload:
    """Answers a letter by what was reported of its people. Raises Refusal."""
    acting = Acting(context, "feedBackAssistRequest", given, path)

    def work(copy: Copy, who: Who) -> None:
        counts: dict[str, int] = {}
        whole = True
        for person in copy.load():
            counts[person["state"]] = counts.get(person["state"], 0) + 1
            whole = whole and _is_answered(person)
        copy.people.clear()  # only looked at
        decide_letter(
            copy,
            Event.FEED_BACK,
            party_of(copy),
            who,
            acting.limits,
            failing=[] if whole else [Guard.FORM],
            detail={"people": counts},
            feedback_at=who.at,
        )
        _told(copy, who)

    return await acting.do(work)


def _is_answered(person: dict[str, object]) -> bool:
    """Whether the answer says of a person what it must (C4)."""
    state = person["state"]
    if state in (State.CONTROLLED.name, State.CASE_RAISED.name):
        return bool(person["control_mode"] and person["controlled_at"] and person["outcome"])
    if state in (State.UNTRACED.name, State.EXCLUDED.name):
        return bool(person["reason_code"])
    return state == State.FORWARDED.name


def _told(copy: Copy, who: Who) -> None:
    """Writes what was decided and tells the issuer."""
    copy.open_people()
    close_shares(copy, who.at)
    people = copy.save(who.at)
    put_news(copy, who, people)
