"""The questions about records: every root field and what answers it."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry

from resolvers.arguments import After, First
from resolvers.chain import DEFAULT_DEPTH, follow
from resolvers.context import context_of
from resolvers.diseases import learn_diseases
from resolvers.lists import connection
from resolvers.nodes import by_global_ids, regions_now
from resolvers.people import check_duplicate, search_people
from resolvers.questions.ordinary import disease_of
from resolvers.statistics import count_series
from resolvers.units import list_units
from resolvers.users.listing import read_user
from resolvers.users.offices import unit_offices
from schema.cases import CaseConnection, CaseEdge, CaseFilter, CaseOrder
from schema.chain import Chain
from schema.contacts import (
    ContactConnection,
    ContactEdge,
    ContactFilter,
    ContactOrder,
)
from schema.enums import CountSource, Step, UnitLevel
from schema.nodes import Node, Region
from schema.people import DuplicateCheck, PersonMatches, PersonSearch
from schema.privacy import PrivateItem, RecordType
from schema.scalars import Date, RegionCode
from schema.statistics import CountSeries, Disease
from schema.users import GrantOfViewer, UnitConnection, UnitFilter, Viewer

__all__ = ["RecordQueries"]


def _argument(description: str) -> Any:
    return strawberry.argument(description=description)


_Search = Annotated[PersonSearch, _argument("Whom to look for.")]
_Cases = Annotated[CaseFilter | None, _argument("Which cases; all unless given.")]
_CaseOrders = Annotated[
    list[CaseOrder] | None, _argument("Keys of the order; newest first unless given.")
]
_Contacts = Annotated[ContactFilter | None, _argument("Which contacts; all unless given.")]
_ContactOrders = Annotated[
    list[ContactOrder] | None, _argument("Keys of the order; newest first unless given.")
]
_Units = Annotated[UnitFilter | None, _argument("Which units; all unless given.")]


def _path(info: strawberry.Info) -> str:
    return str(info.path.key)


@strawberry.type
class RecordQueries:
    """Questions about records, and about who asks."""

    @strawberry.field(description="Whoever asks.")
    async def me(self, info: strawberry.Info) -> Viewer:
        """Whoever asks."""
        context = context_of(info)
        viewer = context.signed_in()
        return Viewer(
            account=viewer.account,
            name=viewer.name,
            role=viewer.role.value,
            unit_id=viewer.unit_id,  # type: ignore[arg-type]  # scalars are text
            unit_name=viewer.unit_name,
            unit_level=UnitLevel[viewer.unit_level],
            code=viewer.code,  # type: ignore[arg-type]  # scalars are text
            grants=[
                GrantOfViewer(
                    id=grant.id,  # type: ignore[arg-type]  # scalars are text
                    record_types=[RecordType[name] for name in sorted(grant.record_types)],
                    items=[PrivateItem[name] for name in sorted(grant.items)],
                    code=grant.code,  # type: ignore[arg-type]  # scalars are text
                    ends_at=grant.ends_at,  # type: ignore[arg-type]  # scalars are text
                )
                for grant in viewer.grants
            ],
            reading=lambda: read_user(context, viewer.account),
            offices=lambda: unit_offices(context, viewer.unit_id),
        )

    @strawberry.field(
        description="A record by its id; null where there is none that the viewer may open."
    )
    async def node(
        self,
        info: strawberry.Info,
        id: Annotated[strawberry.ID, _argument("An id, as a field `id` tells it.")],
    ) -> Node | None:
        """A record by its id."""
        found: Node | None = (await by_global_ids(context_of(info), [id], _path(info)))[0]
        return found

    @strawberry.field(description="Records by their ids, in their order; at most 1,000.")
    async def nodes(
        self,
        info: strawberry.Info,
        ids: Annotated[list[strawberry.ID], _argument("Ids, as fields `id` tell them.")],
    ) -> list[Node | None]:
        """Records by their ids."""
        return await by_global_ids(context_of(info), ids, _path(info))

    @strawberry.field(description="The regions and whether each answers now.")
    async def regions(self, info: strawberry.Info) -> list[Region]:
        """The regions."""
        return await regions_now(context_of(info))

    @strawberry.field(description="Cases of all regions, newest first unless ordered otherwise.")
    async def cases(
        self,
        info: strawberry.Info,
        filter: _Cases = None,
        order_by: _CaseOrders = None,
        first: First = None,
        after: After = None,
    ) -> CaseConnection:
        """Cases of all regions."""
        types = (CaseConnection, CaseEdge)
        found: CaseConnection = await connection(
            info, "Case", types, filter, order_by, first, after
        )
        return found

    @strawberry.field(description="Contacts of all regions, newest first unless ordered otherwise.")
    async def contacts(
        self,
        info: strawberry.Info,
        filter: _Contacts = None,
        order_by: _ContactOrders = None,
        first: First = None,
        after: After = None,
    ) -> ContactConnection:
        """Contacts of all regions."""
        types = (ContactConnection, ContactEdge)
        found: ContactConnection = await connection(
            info, "Contact", types, filter, order_by, first, after
        )
        return found

    @strawberry.field(
        description=(
            "People, exactly, over every region: for viewers who may see the searched items in "
            "clear. Several items find whoever matches one of them."
        )
    )
    async def people(self, info: strawberry.Info, search: _Search) -> PersonMatches:
        """People, exactly, over every region."""
        context = context_of(info)
        return await search_people(context, context.answering.indexer, search, _path(info))

    @strawberry.field(
        description="Whether a person is on record in any region. Says only whether (L503 2.1)."
    )
    async def check_duplicate(self, info: strawberry.Info, candidate: _Search) -> DuplicateCheck:
        """Whether a person is on record in any region."""
        context = context_of(info)
        return await check_duplicate(context, context.answering.indexer, candidate, _path(info))

    @strawberry.field(
        description="Cases and contacts linked across regions, `depth` links far (3, at most 10)."
    )
    async def chain(
        self,
        info: strawberry.Info,
        start: Annotated[
            strawberry.ID,
            strawberry.argument(name="root", description="Id of a case or a contact."),
        ],
        depth: Annotated[
            int | None, _argument("How many links far; 3 unless given, at most 10.")
        ] = DEFAULT_DEPTH,
    ) -> Chain:
        """Cases and contacts linked across regions."""
        return await follow(context_of(info), start, depth, _path(info))

    @strawberry.field(description="Counts by day of report, for codes of the jurisdiction.")
    async def counts(
        self,
        info: strawberry.Info,
        diseases: Annotated[list[strawberry.ID], _argument("Keys of diseases.")],
        codes: Annotated[list[RegionCode], _argument("Each stands for itself and all below.")],
        start: Annotated[Date, strawberry.argument(name="from", description="First day.")],
        end: Annotated[Date, strawberry.argument(name="to", description="Last day.")],
        step: Annotated[Step | None, _argument("What one count covers.")] = Step.DAY,
        source: Annotated[
            CountSource | None,
            _argument(
                "Where the counts come from; unless given each source that has any in the period "
                "is a series of its own."
            ),
        ] = None,
    ) -> list[CountSeries]:
        """Counts by day of report."""
        context = context_of(info)
        return await count_series(
            context, diseases, codes, start, end, step or Step.DAY, source, _path(info)
        )

    @strawberry.field(
        description="The notifiable diseases, and those that line lists brought along."
    )
    async def diseases(self, info: strawberry.Info) -> list[Disease]:
        """The notifiable diseases."""
        context = context_of(info)
        context.signed_in()
        reference = context.answering.reference
        await learn_diseases(context.answering.federation, reference, context.question.ask)
        return [disease_of(reference, key) for key in reference.disease_keys()]

    @strawberry.field(description="Units of all regions, by id.")
    async def units(
        self,
        info: strawberry.Info,
        filter: _Units = None,
        first: First = None,
        after: After = None,
    ) -> UnitConnection:
        """Units of all regions."""
        return await list_units(context_of(info), filter, first, after, _path(info))
