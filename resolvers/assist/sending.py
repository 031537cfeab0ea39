"""What the issuer does with a letter that is written: sends, withdraws, accepts, asks for more."""

from __future__ import annotations

from resolvers.assist.acting import Acting, ask, party_of, positions_of
from resolvers.assist.attachments import put_attachments
from resolvers.assist.news import put_letter
from resolvers.assist.rows import SENT, Copy, Who
from resolvers.assist.states import Event, Guard, State, Subject
from resolvers.assist.steps import close_shares, decide_letter, effective, share_at_issuer
from resolvers.assist.table import StateRefused
from resolvers.context import Context
from resolvers.writing.values import word
from schema.writing.assist import (
    AskMoreOfAssistRequestInput,
    AssistRequestActionInput,
    AssistRequestPayload,
    DecideAssistExclusionInput,
)

__all__ = [
    "ask_more_of_assist_request",
    "close_assist_request",
    "decide_assist_exclusion",
    "submit_assist_request",
    "withdraw_assist_request",
]


async def submit_assist_request(
    context: Context, given: AssistRequestActionInput, path: str
) -> AssistRequestPayload:
    """Sends a draft, or a refused letter as its next version. Raises Refusal."""
    acting = Acting(context, "submitAssistRequest", given, path)

    def work(copy: Copy, who: Who) -> None:
        again = copy.state is State.REFUSED
        whole = copy.row["people_count"] and copy.row["to_unit"]
        failing = [] if whole else [Guard.COMPLETE]
        if again:
            copy.row["version"] += 1
        sent_at = copy.row["sent_at"] or who.at
        copy.row["sent_at"] = sent_at
        copy.row["revision"] = 0  # it may go to another receiver now, who counts anew
        decide_letter(
            copy,
            Event.SUBMIT,
            party_of(copy),
            who,
            acting.limits,
            failing=failing,
            reason_code=None,
        )
        copy.save(who.at)
        share_at_issuer(copy, who.at)
        put_letter(copy, Event.SUBMIT, who, people=None)
        put_attachments(copy, who)

    return await acting.do(work)


async def withdraw_assist_request(
    context: Context, given: AssistRequestActionInput, path: str
) -> AssistRequestPayload:
    """Withdraws a letter: a draft at once, else where the receiver's region agrees. Raises
    Refusal.
    """
    acting = Acting(context, "withdrawAssistRequest", given, path)
    reason = word(given.reason_code, acting.mistakes, ["reasonCode"])

    def work(copy: Copy, who: Who) -> None:
        failing = [] if reason else [Guard.REASON]
        if copy.row["side"] == SENT and copy.state is not State.DRAFT:
            ask(copy, Event.WITHDRAW, who, reason=reason, failing=failing)
            return
        decide_letter(
            copy,
            Event.WITHDRAW,
            party_of(copy),
            who,
            acting.limits,
            failing=failing,
            reason=reason,
        )
        close_shares(copy, who.at)
        copy.save(who.at)

    return await acting.do(work, Event.WITHDRAW)


async def close_assist_request(
    context: Context, given: AssistRequestActionInput, path: str
) -> AssistRequestPayload:
    """Accepts the answer. Raises Refusal."""
    acting = Acting(context, "closeAssistRequest", given, path)
    reason = word(given.reason_code, acting.mistakes, ["reasonCode"])

    def work(copy: Copy, who: Who) -> None:
        ask(copy, Event.ACCEPT, who, reason=reason)

    return await acting.do(work, Event.ACCEPT)


async def ask_more_of_assist_request(
    context: Context, given: AskMoreOfAssistRequestInput, path: str
) -> AssistRequestPayload:
    """Asks for more than was answered. Raises Refusal."""
    acting = Acting(context, "askMoreOfAssistRequest", given, path)
    reason = word(given.reason_code, acting.mistakes, ["reasonCode"])
    people = None if given.people is None else positions_of(given.people, acting.mistakes)

    def work(copy: Copy, who: Who) -> None:
        failing = [] if reason else [Guard.REASON]
        ask(copy, Event.ASK_MORE, who, reason=reason, people=people, failing=failing)

    return await acting.do(work, Event.ASK_MORE)


async def decide_assist_exclusion(
    context: Context, given: DecideAssistExclusionInput, path: str
) -> AssistRequestPayload:
    """Says whether people are no contacts after all, as the receiver says. Raises Refusal."""
    acting = Acting(context, "decideAssistExclusion", given, path)
    reason = word(given.reason_code, acting.mistakes, ["reasonCode"])
    positions = positions_of(given.people, acting.mistakes)
    event = Event.CONFIRM_EXCLUSION if given.agree else Event.DISPUTE_EXCLUSION

    def work(copy: Copy, who: Who) -> None:
        people = copy.load(positions)
        if len(people) < len(positions):
            raise StateRefused("NO_PERSON")
        failing = [] if reason else [Guard.REASON]
        if any(one["proposed"] != State.EXCLUDED.name for one in people):
            failing.append(Guard.PROPOSED)
        ask(
            copy,
            event,
            who,
            reason=reason,
            people=positions,
            subject=Subject.PERSON,
            states=[effective(copy.state, State[one["state"]]) for one in people],
            failing=failing,
        )

    return await acting.do(work, event)
