"""Who asks, and the units (A2, A11)."""

from collections.abc import Awaitable, Callable
from typing import Any

import strawberry

from schema.enums import UnitLevel
from schema.fields import column
from schema.nodes import PageInfo, RegionAnswer
from schema.privacy import PrivateItem, RecordType
from schema.scalars import DateTime, RegionCode
from schema.users.accounts import User
from schema.users.offices import UnitOffices

__all__ = ["GrantOfViewer", "Unit", "UnitConnection", "UnitEdge", "UnitFilter", "Viewer"]


@strawberry.type(description="A unit: a CDC or a reporting institution (机构).")
class Unit:
    """A unit: a CDC or a reporting institution."""

    id: strawberry.ID = column("Its id, `cdc-320102`.")
    code: RegionCode = column("Where it is; a CDC's jurisdiction is this and all below.")
    level: UnitLevel = column("Its level.")
    name_zh: str = column("Chinese name.")
    name_en: str = column("English name.")


@strawberry.input(description="Which units.")
class UnitFilter:
    """Which units."""

    ids: list[strawberry.ID] | None = strawberry.field(default=None, description="These.")
    code: list[RegionCode] | None = strawberry.field(
        default=None, description="Units of these codes and all below."
    )
    level: list[UnitLevel] | None = strawberry.field(default=None, description="Of these levels.")


@strawberry.type(description="A unit in a list.")
class UnitEdge:
    """A unit in a list."""

    cursor: str = strawberry.field(description="Opaque place in the list.")
    node: Unit = strawberry.field(description="The unit.")


@strawberry.type(description="Units of all regions.")
class UnitConnection:
    """Units of all regions."""

    edges: list[UnitEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page ends.")
    regions: list[RegionAnswer] = strawberry.field(description="What became of each region.")
    total_count: int = strawberry.field(
        description="How many there are in the regions that answered."
    )


@strawberry.type(description="A right of the viewer to see private items in clear (F7).")
class GrantOfViewer:
    """A right of the viewer to see private items in clear."""

    id: strawberry.ID = strawberry.field(description="Its id, as the access log names it.")
    record_types: list[RecordType] = strawberry.field(description="Of which records.")
    items: list[PrivateItem] = strawberry.field(description="Which items.")
    code: RegionCode = strawberry.field(description="Where: this code and all below.")
    ends_at: DateTime = strawberry.field(description="Until when.")


async def _user(root: strawberry.Parent[Any]) -> User | None:
    found: User | None = await root.reading()
    return found


async def _unit_offices(root: strawberry.Parent[Any]) -> UnitOffices | None:
    found: UnitOffices | None = await root.offices()
    return found


@strawberry.type(description="Whoever asks.")
class Viewer:
    """Whoever asks."""

    account: str = strawberry.field(description="Login name.")
    name: str = strawberry.field(description="Name of the account's holder.")
    role: str = strawberry.field(description="Role, `unit user`.")
    unit_id: strawberry.ID = strawberry.field(description="Unit.")
    unit_name: str = strawberry.field(description="Name of the unit.")
    unit_level: UnitLevel = strawberry.field(description="Level of the unit.")
    code: RegionCode = strawberry.field(
        description="Jurisdiction: this code and all below; 000000 is the country."
    )
    grants: list[GrantOfViewer] = strawberry.field(description="Rights in force.")
    reading: strawberry.Private[Callable[[], Awaitable[User | None]]]
    offices: strawberry.Private[Callable[[], Awaitable[UnitOffices | None]]]
    user: User | None = strawberry.field(
        resolver=_user,
        description=(
            "The account in whole: until when it is good, when it must be renewed, the holder's "
            "own contact details."
        ),
    )
    unit_offices: UnitOffices | None = strawberry.field(
        resolver=_unit_offices,
        description="Who holds which office in the unit: administrator, responsible, on duty.",
    )
