"""An action on a letter: by whom, on whose copy, and what the other side made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, select

from regions.assist import assist_events, assist_requests
from regions.ids import region_of
from resolvers.assist.news import put_wish
from resolvers.assist.reasons import REASONS
from resolvers.assist.rows import SENT, Copy, Who
from resolvers.assist.states import Event, Facts, Guard, Party, Subject
from resolvers.assist.table import StateRefused, step
from resolvers.context import Context
from resolvers.nodes import parse_id
from resolvers.questions.rows import scope_condition
from resolvers.users.on_duty import is_on_duty
from resolvers.writing.failures import WriteFailed
from resolvers.writing.refusing import Mistakes, Refusal, forbidden, not_found
from resolvers.writing.stores import Store
from resolvers.writing.writing import Writing, Wrote
from schema.writing.assist import AssistRequestPayload
from schema.writing.problems import StepProblem

__all__ = ["MOST_PEOPLE", "Acting", "ask", "party_of", "positions_of", "step_refused"]

MOST_PEOPLE = 2000
"""People of one letter."""

Work = Callable[[Copy, Who], None]


def step_refused(reason: str) -> Refusal:
    """An event that the table refuses, by the name of its reason."""
    message, message_zh = REASONS[reason]
    return Refusal(
        StepProblem(code="STEP_REFUSED", message=message, message_zh=message_zh, reason=reason)
    )


def party_of(copy: Copy) -> Party:
    """Whose copy it is."""
    return Party.ISSUER if copy.row["side"] == SENT else Party.RECEIVER


def positions_of(
    given: Sequence[int], mistakes: Mistakes, path: Sequence[str] = ("people",)
) -> list[int]:
    """The positions of people, each once, in order."""
    found = sorted(set(given))
    if not 1 <= len(found) <= MOST_PEOPLE or found[0] < 1:
        text, text_zh = f"give 1 to {MOST_PEOPLE:,} positions", f"请填写 1 至 {MOST_PEOPLE} 个序号"
        mistakes.add(list(path), text, text_zh)
    return found


class Acting:
    """One action on a letter. Raises Refusal."""

    def __init__(self, context: Context, operation: str, given: Any, path: str) -> None:
        self.context, self.given = context, given
        self.writing = Writing(context, operation, given, path)
        self.mistakes = Mistakes()
        self.limits = context.answering.assist
        record, self._number = parse_id(given.request)
        if record is None or record.name != "AssistRequest":
            self.mistakes.add(
                ["request"], "this is not the id of an assist request", "这不是协查函的编号"
            )

    @property
    def viewer(self) -> Any:
        """Who acts."""
        return self.writing.viewer

    async def is_on_duty(self) -> bool:
        """Whether the viewer is a duty person of the own unit."""
        return await is_on_duty(self.context)

    async def do(self, work: Work, wish: Event | None = None) -> AssistRequestPayload:
        """Does the work on the copy of the viewer's unit, tells the other side, reads it back.

        With `wish` the receiver's region decides: its refusal is raised as if it were one's own.
        """
        self.mistakes.stop()
        writing, number = self.writing, self._number
        await writing.look()
        store = writing.stores.of_region(region_of(number))
        if store is None:
            raise not_found("request")
        who = Who(*writing.reporter, writing.moment.now, writing.trace)

        def run(connection: Connection, _: int, wrote: Wrote) -> dict[str, Any]:
            scoped = scope_condition(writing.question, assist_requests, writing.region(store))
            seen = select(assist_requests.c.id).where(assist_requests.c.id == number, *scoped)
            if connection.execute(seen).first() is None:
                raise not_found("request")
            copy = Copy.of_id(connection, store, number)
            own = copy.row["from_unit" if party_of(copy) is Party.ISSUER else "to_unit"]
            if own != who.unit_id:
                raise forbidden(
                    f"only officers of the unit {own} act on this copy of the letter",
                    f"仅 {own} 的人员可办理此协查函",
                )
            try:
                work(copy, who)
            except StateRefused as refusal:
                raise step_refused(refusal.reason) from None
            wrote["assistrequest"] = [number]
            subjects = [copy.number, *copy.onward]
            return {"subjects": subjects, "key": copy.keys[-1] if copy.keys else ""}

        kept, repeated = await writing.once(store, 0, run)
        return await self.finish(store, number, kept, repeated, wish)

    async def finish(
        self,
        store: Store,
        number: int,
        kept: dict[str, Any],
        repeated: bool,
        wish: Event | None = None,
    ) -> AssistRequestPayload:
        """Lets the post deliver what was put, and gives the letter as it is after that."""
        answered = True
        for subject in kept["subjects"]:
            told = await self.context.post.nudge(store.settings.code, subject)
            answered = told and answered
        if wish is not None and answered:
            await self._raise_refused(store, number, kept["key"])
        self.context.forget()
        request = await self.writing.read_one("AssistRequest", number)
        return AssistRequestPayload(assist_request=request, pending=not answered, repeated=repeated)

    async def _raise_refused(self, store: Store, number: int, key: str) -> None:
        """Raises Refusal where the receiver's region refused what was asked for."""
        c = assist_events.c

        def look(connection: Connection) -> str | None:
            asked = select(c.reason_code, c.detail).where(
                c.request_id == number, c.phase == "REFUSED"
            )
            for reason, detail in connection.execute(asked):
                if orjson.loads(detail).get("asked") == key:
                    return str(reason)
            return None

        try:
            reason = await store.read(look)
        except WriteFailed:
            return  # the letter that is read back tells it, too
        if reason is not None:
            raise step_refused(reason)


def ask(
    copy: Copy,
    event: Event,
    who: Who,
    *,
    reason: str | None = None,
    people: Sequence[int] | None = None,
    subject: Subject = Subject.LETTER,
    states: Iterable[Any] = (),
    failing: Iterable[Guard] = (),
) -> None:
    """Asks the receiver's region for what the issuer wishes, unless the issuer's copy knows already
    that it cannot be. `states` are those of the people it is about. Raises StateRefused.
    """
    facts = Facts(party_of(copy), frozenset(failing))
    for state in states if subject is Subject.PERSON else [copy.state]:
        step(subject, state, event, facts)
    copy.row["pending"] = event.name
    detail = {"people": list(people)} if people is not None else {}
    copy.note(event.name, "REQUESTED", who, reason=reason, detail=detail)
    copy.save(who.at)
    put_wish(copy, event, who, reason=reason, people=people)
