"""Privacy roles (隐私角色): which items of which records, national or a unit's own (F4)."""

from __future__ import annotations

import strawberry

from schema.privacy.items import PrivateItem, RecordType

__all__ = ["DedicatedRoleInput", "PrivacyRole"]


@strawberry.type(
    description=(
        "A privacy role (隐私角色): the items it reveals of a type of record. The national ones "
        "are fixed; a dedicated one (专用隐私权限角色) is of the unit that defined it (L503 3.3)."
    )
)
class PrivacyRole:
    """A privacy role."""

    id: strawberry.ID = strawberry.field(description="Its id, to be given in an application.")
    name: str = strawberry.field(description="Name.")
    name_zh: str = strawberry.field(description="Chinese name.")
    record_type: RecordType = strawberry.field(description="Of which records.")
    items: list[PrivateItem] = strawberry.field(description="The items it reveals.")
    national: bool = strawberry.field(description="Whether it is a national role.")
    unit_id: strawberry.ID | None = strawberry.field(
        description="The unit that defined it; null for a national role."
    )
    regulation: str | None = strawberry.field(
        description="The regulation a dedicated role rests on; null for a national role."
    )


@strawberry.input(
    description=(
        "A dedicated role that the unit defines by this application, where the national ones do "
        "not suffice (L503 3.3). It exists once the application has its fifth signature."
    )
)
class DedicatedRoleInput:
    """A dedicated role."""

    name: str = strawberry.field(description="Name, at most 60 characters.")
    name_zh: str = strawberry.field(description="Chinese name, at most 60 characters.")
    record_type: RecordType = strawberry.field(description="Of which records.")
    items: list[PrivateItem] = strawberry.field(description="The items it reveals.")
    regulation: str = strawberry.field(
        description="The text of the unit's regulation it rests on, at most 4,000 characters."
    )
