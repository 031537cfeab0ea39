"""The sheet of a unit's day: whom to see, and what is due of each (D)."""

import strawberry

from schema.cases import Case
from schema.contacts import Contact, RulePack
from schema.nodes import RegionAnswer
from schema.pathway import OverdueItem, PathwayCaveat, PathwayState
from schema.scalars import Date

__all__ = ["FollowUp", "FollowUpSheet"]


@strawberry.type(description="Somebody to see, and what for.")
class FollowUp:
    """Somebody to see."""

    record: strawberry.ID = strawberry.field(description="The case or contact.")
    case: Case | None = strawberry.field(description="The case, where it is one.")
    contact: Contact | None = strawberry.field(description="The contact, where it is one.")
    state: PathwayState = strawberry.field(description="Where the person stands.")
    day: int | None = strawberry.field(
        description="Which day of the observation the sheet's day is; null where none runs."
    )
    pack: RulePack = strawberry.field(description="The rules the person is managed by.")
    caveats: list[PathwayCaveat] = strawberry.field(
        description="What the days rest on that nobody has compared with these rules' document."
    )
    due: list[OverdueItem] = strawberry.field(
        description="What is due by the end of the day, the longest due first."
    )


@strawberry.type(description="Whom a unit has to see on a day (随访清单).")
class FollowUpSheet:
    """Whom a unit has to see on a day."""

    date: Date = strawberry.field(description="The day.")
    unit_id: strawberry.ID = strawberry.field(description="The unit responsible.")
    people: list[FollowUp] = strawberry.field(description="Each once, the longest due first.")
    complete: bool = strawberry.field(
        description="Whether every region that can hold somebody answered."
    )
    regions: list[RegionAnswer] = strawberry.field(description="What became of each region.")
