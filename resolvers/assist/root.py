"""The root fields of assist requests."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Annotated, Any

import strawberry

from resolvers.arguments import After, First
from resolvers.assist import (
    amending,
    attaching,
    creating,
    importing,
    receiving,
    reporting,
    sending,
)
from resolvers.assist.indicating import assist_indicators
from resolvers.assist.listing import list_requests
from resolvers.assist.raising import requests_changed
from resolvers.context import Context, context_of
from resolvers.lists import asks_for
from resolvers.writing.mutations import mutation
from schema.assist import AssistRequest
from schema.assist_indicators import AssistIndicator, AssistIndicatorKey
from schema.assist_lists import AssistRequestConnection, AssistRequestFilter
from schema.scalars import Date, RegionCode
from schema.writing.assist import (
    AmendAssistRequestInput,
    AskMoreOfAssistRequestInput,
    AssignAssistRequestInput,
    AssistRequestActionInput,
    AssistRequestResult,
    AttachToAssistRequestInput,
    CreateAssistRequestInput,
    DecideAssistExclusionInput,
    FeedBackAssistRequestInput,
    ForwardAssistRequestInput,
    RefuseAssistRequestInput,
    ReportAssistPersonInput,
)
from schema.writing.assist_import import ImportAssistPeopleInput, ImportAssistPeopleResult

__all__ = ["AssistMutations", "AssistQueries", "AssistSubscriptions"]

_WHAT = strawberry.argument(description="What to do, and the idempotency key.")
_KEY = (
    "The same idempotency key again gives the letter as it is now and does nothing; with another "
    "input it is a conflict."
)
_ISSUER = f"By an officer of the issuing unit. {_KEY}"
_RECEIVER = f"By an officer of the receiving unit. {_KEY}"


def _act(work: Callable[[Context, Any, str], Awaitable[Any]], given: Any, description: str) -> Any:
    return mutation(work, given, AssistRequestResult, description, what=_WHAT)


@strawberry.type
class AssistQueries:
    """Questions about assist requests."""

    @strawberry.field(
        description=(
            "Assist requests (协查函) of the jurisdiction, those issued and those received, the "
            "newest first: with `filter: {side: RECEIVED, state: [SENT]}` what waits to be "
            "acknowledged."
        )
    )
    async def assist_requests(
        self,
        info: strawberry.Info,
        filter: Annotated[
            AssistRequestFilter | None,
            strawberry.argument(description="Which letters; all unless given."),
        ] = None,
        first: First = None,
        after: After = None,
    ) -> AssistRequestConnection:
        """Assist requests."""
        count = asks_for(info.selected_fields, "totalCount")
        path = str(info.path.key)
        return await list_requests(context_of(info), filter, first, after, path, count=count)

    @strawberry.field(
        description=(
            "How well letters first sent from one day to another were answered, of those of the "
            "jurisdiction: same-day, next-day and delayed control, what is overdue, median times."
        )
    )
    async def assist_indicators(
        self,
        info: strawberry.Info,
        start: Annotated[Date, strawberry.argument(name="from", description="First day.")],
        end: Annotated[Date, strawberry.argument(name="to", description="Last day.")],
        by: Annotated[AssistIndicatorKey, strawberry.argument(description="What by.")],
    ) -> list[AssistIndicator]:
        """How well letters were answered."""
        return await assist_indicators(context_of(info), start, end, by, str(info.path.key))


@strawberry.type
class AssistMutations:
    """What moves assist requests on (requirements, table C)."""

    create_assist_request = _act(
        creating.create_assist_request,
        CreateAssistRequestInput,
        f"Writes a draft of a letter to the county where people are looked for. {_ISSUER}",
    )
    import_assist_people = mutation(
        importing.import_assist_people,
        ImportAssistPeopleInput,
        ImportAssistPeopleResult,
        "Reads a list of people (XLSX, CSV), checks every row, looks for the people in every "
        "region, and writes a draft with them or adds them to a letter, if asked to. Rows with "
        f"mistakes are told and left out. {_ISSUER}",
        what=_WHAT,
    )
    submit_assist_request = _act(
        sending.submit_assist_request,
        AssistRequestActionInput,
        f"Sends a draft, or a refused letter as its next version. {_ISSUER}",
    )
    withdraw_assist_request = _act(
        sending.withdraw_assist_request,
        AssistRequestActionInput,
        f"Withdraws a letter that nobody has acknowledged, with a reason. {_ISSUER}",
    )
    amend_assist_request = _act(
        amending.amend_assist_request,
        AmendAssistRequestInput,
        "Changes a letter: of a sent one it is the next version, which the receiver must "
        f"read before going on. {_ISSUER}",
    )
    attach_to_assist_request = _act(
        attaching.attach_to_assist_request,
        AttachToAssistRequestInput,
        "Attaches a file to a letter: the issuer's goes to the receiver with the letter, the "
        f"receiver's to the issuer. By an officer of the unit whose copy it is. {_KEY}",
    )
    acknowledge_assist_request = _act(
        receiving.acknowledge_assist_request,
        AssistRequestActionInput,
        f"Acknowledges a letter (签收), by a duty person of the receiving unit. {_KEY}",
    )
    read_assist_request = _act(
        receiving.read_assist_request,
        AssistRequestActionInput,
        "Says that the letter was seen, also before it is acknowledged, or that its latest version "
        f"was read. {_RECEIVER}",
    )
    refuse_assist_request = _act(
        receiving.refuse_assist_request,
        RefuseAssistRequestInput,
        f"Refuses a letter: it is back with the issuer. {_RECEIVER}",
    )
    forward_assist_request = _act(
        receiving.forward_assist_request,
        ForwardAssistRequestInput,
        "Forwards a letter to where its people are: another letter carries it on, its "
        f"clock keeps its start, and no unit that held it may have it again. {_RECEIVER}",
    )
    assign_assist_request = _act(
        receiving.assign_assist_request,
        AssignAssistRequestInput,
        f"Assigns a letter to an officer of the unit. {_RECEIVER}",
    )
    report_assist_person = _act(
        reporting.report_assist_person,
        ReportAssistPersonInput,
        "Reports what became of people of a letter: controlled, left, not found, no "
        f"contact, tested positive. {_RECEIVER}",
    )
    feed_back_assist_request = _act(
        receiving.feed_back_assist_request,
        FeedBackAssistRequestInput,
        f"Answers a letter (反馈) by what was reported of its people. {_RECEIVER}",
    )
    close_assist_request = _act(
        sending.close_assist_request,
        AssistRequestActionInput,
        "Accepts the answer: the request ends, and with it the receiver's right to see "
        f"its people in clear. {_ISSUER}",
    )
    ask_more_of_assist_request = _act(
        sending.ask_more_of_assist_request,
        AskMoreOfAssistRequestInput,
        f"Asks for more than was answered: the letter is worked on again. {_ISSUER}",
    )
    decide_assist_exclusion = _act(
        sending.decide_assist_exclusion,
        DecideAssistExclusionInput,
        f"Says whether people are no contacts, as the receiver says. {_ISSUER}",
    )


@strawberry.type
class AssistSubscriptions:
    """Letters as they change."""

    @strawberry.subscription(
        description=(
            "Assist requests that change from now on, of those that `assistRequests` lists: a copy "
            "at each event noted of it, with what the viewer may see then. Events of a second may "
            "come as one."
        )
    )
    async def assist_request_changed(
        self,
        info: strawberry.Info,
        codes: Annotated[
            list[RegionCode] | None,
            strawberry.argument(
                description="Only copies of these counties, and of all below them."
            ),
        ] = None,
    ) -> AsyncGenerator[AssistRequest, None]:
        """Letters as they change."""
        async with aclosing(requests_changed(context_of(info), codes)) as found:
            async for one in found:
                yield one
