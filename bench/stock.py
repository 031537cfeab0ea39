"""Stock Strawberry: the same question answered as its documentation teaches, parser and validation
caches on, and with everything left out that epigate must do (sign-in, rights, log).

    python -m bench.stock --port 9901 FILE...
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import enum
from collections.abc import AsyncIterator
from typing import Any

import aiosqlite
import strawberry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache

from bench.question import SQL
from bench.servers import serve


@strawberry.enum
class ContactLevel(enum.Enum):
    """How close."""

    CLOSE = "CLOSE"
    SECONDARY = "SECONDARY"
    GENERAL = "GENERAL"


@strawberry.enum
class Traced(enum.Enum):
    """Whether the person was found."""

    YES = "YES"
    NO = "NO"
    MOVED_TO_OTHER_PROVINCE = "MOVED_TO_OTHER_PROVINCE"


@strawberry.enum
class ContactOutcome(enum.Enum):
    """How it ended."""

    CONTINUING = "CONTINUING"
    RELEASED = "RELEASED"
    TURNED_POSITIVE = "TURNED_POSITIVE"
    TURNED_CONFIRMED = "TURNED_CONFIRMED"


@strawberry.type
class Contact:
    """A contact, private fields masked for everybody."""

    id: strawberry.ID
    level: ContactLevel
    code: str
    traced: Traced
    outcome: ContactOutcome
    first_contact_on: datetime.date | None
    last_contact_on: datetime.date | None

    @strawberry.field
    def name(self) -> str:
        """Masked."""
        return "*"

    @strawberry.field
    def sex(self) -> str:
        """Masked."""
        return "*"

    @strawberry.field
    def age(self) -> str:
        """Masked."""
        return "*"

    @strawberry.field
    def id_number(self) -> str:
        """Masked."""
        return "*"

    @strawberry.field
    def phone(self) -> str:
        """Masked."""
        return "*"


@strawberry.type
class ContactEdge:
    """A place in the list."""

    node: Contact


@strawberry.type
class ContactConnection:
    """A page of the list."""

    edges: list[ContactEdge]


def _day(text: str | None) -> datetime.date | None:
    return datetime.date.fromisoformat(text) if text else None


def _contact(row: Any) -> Contact:
    return Contact(
        id=strawberry.ID(f"contact:{row[1]}"),
        level=ContactLevel(row[2]),
        code=row[3],
        traced=Traced(row[4]),
        outcome=ContactOutcome(row[5]),
        first_contact_on=_day(row[6]),
        last_contact_on=_day(row[7]),
    )


@strawberry.type
class Query:
    """The root."""

    @strawberry.field
    async def contacts(
        self, info: strawberry.Info[dict[str, Any], None], first: int | None = 20
    ) -> ContactConnection:
        """The newest contacts of all regions."""
        first = first or 20
        parts = await asyncio.gather(
            *(store.execute_fetchall(SQL, (first,)) for store in info.context["stores"])
        )
        rows = sorted((row for part in parts for row in part), reverse=True)[:first]
        return ContactConnection(edges=[ContactEdge(node=_contact(row)) for row in rows])


class _View(GraphQL[dict[str, Any], None]):
    async def get_context(self, request: Any, response: Any) -> dict[str, Any]:
        return {"stores": request.app.state.stores}


def application(files: list[str]) -> Starlette:
    """The ASGI application over kept connections, one a region."""
    view = _View(strawberry.Schema(Query, extensions=[ParserCache, ValidationCache]))

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.stores = [await aiosqlite.connect(file) for file in files]
        yield
        for store in app.state.stores:
            await store.close()

    async def answer(request: Request) -> Any:
        return await view.run(request)

    return Starlette(routes=[Route("/graphql", answer, methods=["POST"])], lifespan=lifespan)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    serve(application(options.files), options.port)
