"""The root fields of assist requests."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from resolvers.assist.amending import amend_assist_request
from resolvers.assist.attaching import attach_to_assist_request
from resolvers.assist.creating import create_assist_request
from resolvers.assist.importing import import_assist_people
from resolvers.assist.indicating import assist_indicators
from resolvers.assist.listing import list_requests
from resolvers.assist.raising import requests_changed
from resolvers.assist.receiving import (
    acknowledge_assist_request,
    assign_assist_request,
    feed_back_assist_request,
    forward_assist_request,
    read_assist_request,
    refuse_assist_request,
)
from resolvers.assist.reporting import report_assist_person
from resolvers.assist.sending import (
    ask_more_of_assist_request,
    close_assist_request,
    decide_assist_exclusion,
    submit_assist_request,
    withdraw_assist_request,
)
from resolvers.context import context_of
from resolvers.writing.writing import answered
from schema.assist import AssistRequest, AssistRequestConnection, AssistRequestFilter
from schema.assist_indicators import AssistIndicator, AssistIndicatorKey
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
        first: Annotated[
            int | None,
            strawberry.argument(
                description="Size of the page, at most 1,000; the gateway has a default."
            ),
        ] = None,
        after: Annotated[
            str | None,
            strawberry.argument(
                description="The page behind this cursor: `endCursor` of the last."
            ),
        ] = None,
    ) -> AssistRequestConnection:
        """Assist requests."""
        return await list_requests(context_of(info), filter, first, after, str(info.path.key))

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

    @strawberry.mutation(
        description=(
            f"Writes a draft of a letter to the county where people are looked for. {_ISSUER}"
        )
    )
    async def create_assist_request(
        self, info: strawberry.Info, input: Annotated[CreateAssistRequestInput, _WHAT]
    ) -> AssistRequestResult:
        """Writes a draft."""
        result: AssistRequestResult = await answered(info, create_assist_request, input)
        return result

    @strawberry.mutation(
        description=(
            "Reads a list of people (XLSX, CSV), checks every row, looks for the people in every "
            "region, and writes a draft with them or adds them to a letter, if asked to. Rows with "
            f"mistakes are told and left out. {_ISSUER}"
        )
    )
    async def import_assist_people(
        self, info: strawberry.Info, input: Annotated[ImportAssistPeopleInput, _WHAT]
    ) -> ImportAssistPeopleResult:
        """Reads a list of people."""
        result: ImportAssistPeopleResult = await answered(info, import_assist_people, input)
        return result

    @strawberry.mutation(
        description=(f"Sends a draft, or a refused letter as its next version. {_ISSUER}")
    )
    async def submit_assist_request(
        self, info: strawberry.Info, input: Annotated[AssistRequestActionInput, _WHAT]
    ) -> AssistRequestResult:
        """Sends a letter."""
        result: AssistRequestResult = await answered(info, submit_assist_request, input)
        return result

    @strawberry.mutation(
        description=(f"Withdraws a letter that nobody has acknowledged, with a reason. {_ISSUER}")
    )
    async def withdraw_assist_request(
        self, info: strawberry.Info, input: Annotated[AssistRequestActionInput, _WHAT]
    ) -> AssistRequestResult:
        """Withdraws a letter."""
        result: AssistRequestResult = await answered(info, withdraw_assist_request, input)
        return result

    @strawberry.mutation(
        description=(
            "Changes a letter: of a sent one it is the next version, which the receiver must "
            f"read before going on. {_ISSUER}"
        )
    )
    async def amend_assist_request(
        self, info: strawberry.Info, input: Annotated[AmendAssistRequestInput, _WHAT]
    ) -> AssistRequestResult:
        """Changes a letter."""
        result: AssistRequestResult = await answered(info, amend_assist_request, input)
        return result

    @strawberry.mutation(
        description=(
            "Attaches a file to a letter: the issuer's goes to the receiver with the letter, the "
            f"receiver's to the issuer. By an officer of the unit whose copy it is. {_KEY}"
        )
    )
    async def attach_to_assist_request(
        self, info: strawberry.Info, input: Annotated[AttachToAssistRequestInput, _WHAT]
    ) -> AssistRequestResult:
        """Attaches a file."""
        result: AssistRequestResult = await answered(info, attach_to_assist_request, input)
        return result

    @strawberry.mutation(
        description=(
            f"Acknowledges a letter (签收), by a duty person of the receiving unit. {_KEY}"
        )
    )
    async def acknowledge_assist_request(
        self, info: strawberry.Info, input: Annotated[AssistRequestActionInput, _WHAT]
    ) -> AssistRequestResult:
        """Acknowledges a letter."""
        result: AssistRequestResult = await answered(info, acknowledge_assist_request, input)
        return result

    @strawberry.mutation(description=(f"Says that the latest version was read. {_RECEIVER}"))
    async def read_assist_request(
        self, info: strawberry.Info, input: Annotated[AssistRequestActionInput, _WHAT]
    ) -> AssistRequestResult:
        """Reads a version."""
        result: AssistRequestResult = await answered(info, read_assist_request, input)
        return result

    @strawberry.mutation(description=(f"Refuses a letter: it is back with the issuer. {_RECEIVER}"))
    async def refuse_assist_request(
        self, info: strawberry.Info, input: Annotated[RefuseAssistRequestInput, _WHAT]
    ) -> AssistRequestResult:
        """Refuses a letter."""
        result: AssistRequestResult = await answered(info, refuse_assist_request, input)
        return result

    @strawberry.mutation(
        description=(
            "Forwards a letter to where its people are: another letter carries it on, its "
            f"clock keeps its start, and no unit that held it may have it again. {_RECEIVER}"
        )
    )
    async def forward_assist_request(
        self, info: strawberry.Info, input: Annotated[ForwardAssistRequestInput, _WHAT]
    ) -> AssistRequestResult:
        """Forwards a letter."""
        result: AssistRequestResult = await answered(info, forward_assist_request, input)
        return result

    @strawberry.mutation(description=(f"Assigns a letter to an officer of the unit. {_RECEIVER}"))
    async def assign_assist_request(
        self, info: strawberry.Info, input: Annotated[AssignAssistRequestInput, _WHAT]
    ) -> AssistRequestResult:
        """Assigns a letter."""
        result: AssistRequestResult = await answered(info, assign_assist_request, input)
        return result

    @strawberry.mutation(
        description=(
            "Reports what became of people of a letter: controlled, left, not found, no "
            f"contact, tested positive. {_RECEIVER}"
        )
    )
    async def report_assist_person(
        self, info: strawberry.Info, input: Annotated[ReportAssistPersonInput, _WHAT]
    ) -> AssistRequestResult:
        """Reports what became of people."""
        result: AssistRequestResult = await answered(info, report_assist_person, input)
        return result

    @strawberry.mutation(
        description=(f"Answers a letter (反馈) by what was reported of its people. {_RECEIVER}")
    )
    async def feed_back_assist_request(
        self, info: strawberry.Info, input: Annotated[FeedBackAssistRequestInput, _WHAT]
    ) -> AssistRequestResult:
        """Answers a letter."""
        result: AssistRequestResult = await answered(info, feed_back_assist_request, input)
        return result

    @strawberry.mutation(
        description=(
            "Accepts the answer: the request ends, and with it the receiver's right to see "
            f"its people in clear. {_ISSUER}"
        )
    )
    async def close_assist_request(
        self, info: strawberry.Info, input: Annotated[AssistRequestActionInput, _WHAT]
    ) -> AssistRequestResult:
        """Accepts the answer."""
        result: AssistRequestResult = await answered(info, close_assist_request, input)
        return result

    @strawberry.mutation(
        description=(f"Asks for more than was answered: the letter is worked on again. {_ISSUER}")
    )
    async def ask_more_of_assist_request(
        self, info: strawberry.Info, input: Annotated[AskMoreOfAssistRequestInput, _WHAT]
    ) -> AssistRequestResult:
        """Asks for more."""
        result: AssistRequestResult = await answered(info, ask_more_of_assist_request, input)
        return result

    @strawberry.mutation(
        description=(f"Says whether people are no contacts, as the receiver says. {_ISSUER}")
    )
    async def decide_assist_exclusion(
        self, info: strawberry.Info, input: Annotated[DecideAssistExclusionInput, _WHAT]
    ) -> AssistRequestResult:
        """Decides on an exclusion."""
        result: AssistRequestResult = await answered(info, decide_assist_exclusion, input)
        return result


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
