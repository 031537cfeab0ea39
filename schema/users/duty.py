"""Duty persons of a unit, their shifts, and the diseases it watches (A10, E3)."""

import strawberry

from schema.scalars import DateTime, PrivateString

__all__ = [
    "DutyPerson",
    "DutyShift",
    "DutyShiftInput",
    "EndDutyPersonInput",
    "SetDiseaseWatchesInput",
    "SetDutyPersonInput",
    "SetDutyRosterInput",
]

_KEY = "1 to 200 printable characters, new for every request: a UUID, say."


@strawberry.type(description="A duty person for alerts (值班人员, PLAN 5.3).")
class DutyPerson:
    """A duty person for alerts."""

    account: str = strawberry.field(description="Account.")
    name: str = strawberry.field(description="Name.")
    mobile: PrivateString = strawberry.field(
        description="Mobile number; `*` but for the holder and the unit's own administrator."
    )
    email: PrivateString | None = strawberry.field(
        description="E-mail address; `*` but for the holder and the unit's own administrator."
    )
    standing: bool = strawberry.field(description="Whether on duty when no shift says who is.")
    since: DateTime = strawberry.field(description="Since when, with this number and address.")
    until: DateTime | None = strawberry.field(description="Until when; null is to this day.")
    set_by: str = strawberry.field(description="Account that put it on record.")


@strawberry.type(description="Who is on duty from when to when.")
class DutyShift:
    """Who is on duty from when to when."""

    account: str = strawberry.field(description="Account of the duty person.")
    begins: DateTime = strawberry.field(description="From when.")
    ends: DateTime = strawberry.field(description="To when; not part of it.")
    set_by: str = strawberry.field(description="Account that planned it.")


@strawberry.input(description="Who is on duty for alerts, by which number.")
class SetDutyPersonInput:
    """Who is on duty for alerts, by which number."""

    idempotency_key: str = strawberry.field(description=_KEY)
    unit: strawberry.ID = strawberry.field(description="The CDC unit.")
    account: str = strawberry.field(
        description="Account of the duty person, of this unit and a business role."
    )
    mobile: str = strawberry.field(description="Mobile number that is answered, 11 digits.")
    email: str | None = strawberry.field(
        default=None,
        description="E-mail address; as before unless given, and none by an empty text.",
    )
    standing: bool | None = strawberry.field(
        default=None,
        description=(
            "Whether on duty when no shift says who is, in place of whoever was, who keeps the "
            "shifts that are planned. As before unless given; a new duty person is."
        ),
    )


@strawberry.input(description="Who is a duty person no longer.")
class EndDutyPersonInput:
    """Who is a duty person no longer."""

    idempotency_key: str = strawberry.field(description=_KEY)
    unit: strawberry.ID = strawberry.field(description="The CDC unit.")
    account: str = strawberry.field(
        description="Account of the duty person; shifts that have not ended are withdrawn."
    )


@strawberry.input(description="A shift to plan.")
class DutyShiftInput:
    """A shift to plan."""

    account: str = strawberry.field(description="Account of a duty person of the unit.")
    begins: DateTime = strawberry.field(description="From when.")
    ends: DateTime = strawberry.field(description="To when, at most seven days later.")


@strawberry.input(description="The roster of a unit for some time.")
class SetDutyRosterInput:
    """The roster of a unit for some time."""

    idempotency_key: str = strawberry.field(description=_KEY)
    unit: strawberry.ID = strawberry.field(description="The CDC unit.")
    begins: DateTime = strawberry.field(description="From when it is planned anew.")
    ends: DateTime = strawberry.field(
        description="To when. What was planned to begin in this time is withdrawn."
    )
    shifts: list[DutyShiftInput] = strawberry.field(
        description="0 to 1,000 shifts that lie within. They may overlap: then several are told."
    )


@strawberry.input(description="Of which diseases a unit is told.")
class SetDiseaseWatchesInput:
    """Of which diseases a unit is told."""

    idempotency_key: str = strawberry.field(description=_KEY)
    unit: strawberry.ID = strawberry.field(description="The CDC unit.")
    diseases: list[strawberry.ID] = strawberry.field(
        description=(
            "Keys of diseases: those of whose single-case signals below it the unit's duty persons "
            "are told, instead of those set before. None is none."
        )
    )
