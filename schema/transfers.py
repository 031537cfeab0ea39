"""Transfers (handoffs) of people between units and regions, and who answers for whom (D)."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.enum_values import value
from schema.fields import column, gathered, identity, one, private
from schema.nodes import PageInfo, RegionAnswer
from schema.privacy import PrivateItem
from schema.scalars import DateTime, PrivateString, RegionCode

if TYPE_CHECKING:
    from schema.people import Person

__all__ = [
    "Custody",
    "CustodyEvent",
    "CustodyState",
    "Transfer",
    "TransferConnection",
    "TransferEdge",
    "TransferFilter",
    "TransferOutcome",
    "TransferPerson",
    "TransferReason",
    "TransferSide",
    "TransferState",
]


@strawberry.enum(description="How far a transfer is.")
class TransferState(Enum):
    """How far a transfer is."""

    OFFERED = value("OFFERED", "Offered; nobody of it has been decided on.")
    ACCEPTED = value("ACCEPTED", "Everybody was accepted; the dossiers are on their way.")
    PARTLY_ACCEPTED = value("PARTLY_ACCEPTED", "Some were accepted, the others are open or not.")
    REFUSED = value("REFUSED", "Everybody was refused and stays with the sender.")
    CANCELLED = value("CANCELLED", "Taken back before it was accepted.")
    COMMITTED = value("COMMITTED", "The receiver answers for everybody who was accepted.")
    ARRIVED = value("ARRIVED", "They have arrived.")


@strawberry.enum(description="Whose record of a transfer: each region keeps its own.")
class TransferSide(Enum):
    """Whose record of a transfer."""

    SENT = value("SENT", "The sender's.")
    RECEIVED = value("RECEIVED", "The receiver's.")


@strawberry.enum(description="What became of one person of a transfer.")
class TransferOutcome(Enum):
    """What became of one person of a transfer."""

    OFFERED = value("OFFERED", "Not yet decided: the sender answers for the person.")
    ACCEPTED = value("ACCEPTED", "Accepted; the dossier is on its way.")
    REFUSED = value("REFUSED", "Refused: the sender answers for the person.")
    CANCELLED = value("CANCELLED", "Taken back: the sender answers for the person.")
    HANDED = value("HANDED", "Handed over: the receiver answers for the person.")


@strawberry.enum(description="Why people are transferred.")
class TransferReason(Enum):
    """Why people are transferred."""

    HOSPITAL_ADMISSION = value("HOSPITAL_ADMISSION", "To a designated hospital (转入定点医院).")
    CENTRAL_ISOLATION = value("CENTRAL_ISOLATION", "To central isolation (集中隔离).")
    HOME_OBSERVATION = value("HOME_OBSERVATION", "To observation at home (居家观察).")
    RETURN_TO_RESIDENCE = value("RETURN_TO_RESIDENCE", "Back to where they live (返回居住地).")
    JURISDICTION = value("JURISDICTION", "Another county is responsible (属地管理).")
    OTHER = value("OTHER", "Something else.")


@strawberry.enum(description="What a region's store says of its custody of a person.")
class CustodyState(Enum):
    """What a region's store says of its custody of a person."""

    OWNED = value("OWNED", "The region answers for the person.")
    RELEASING = value("RELEASING", "It does, and has offered the person to another.")
    HANDED = value("HANDED", "Another region does: the person was handed over.")
    PENDING = value("PENDING", "Another region does, and has offered the person to this one.")
    CLOSED = value("CLOSED", "Another region does: what it offered was refused or taken back.")
    FENCED = value(
        "FENCED", "Another region does: this store was restored from an older backup and is behind."
    )


@strawberry.type(description="One step in the custody of a person.")
class CustodyEvent:
    """One step in the custody of a person."""

    at: DateTime = strawberry.field(description="When.")
    region: RegionCode = strawberry.field(description="Where it happened.")
    event: str = strawberry.field(description="What happened: `OFFERED`, `ACCEPTED`, `HANDED` ….")
    transfer_id: strawberry.ID = strawberry.field(description="The transfer it is of.")
    actor: str | None = strawberry.field(description="The account; null: the post.")
    unit_id: strawberry.ID | None = strawberry.field(description="The account's unit.")
    epoch: int | None = strawberry.field(description="The epoch after it.")


@strawberry.type(description="Who answers for a person now, and the whole trail (管理责任).")
class Custody:
    """Who answers for a person now, and the whole trail."""

    person_id: strawberry.ID = strawberry.field(description="The person.")
    region: RegionCode = strawberry.field(description="The region that answers for the person.")
    unit_id: strawberry.ID | None = strawberry.field(
        description="The unit that does; null where nobody is on record as the reporter."
    )
    state: CustodyState = strawberry.field(
        description="What that region's store says: `OWNED`, or `RELEASING` while it offers."
    )
    epoch: int = strawberry.field(description="How often custody was settled: it only rises.")
    since: DateTime | None = strawberry.field(description="Since when; null: since registered.")
    transfer_id: strawberry.ID | None = strawberry.field(
        description="The transfer by which the person came, or is offered; null: none."
    )
    confirmed: bool = strawberry.field(
        description="Whether the region named says so itself; false where it does not answer."
    )
    trail: list[CustodyEvent] = strawberry.field(
        description="Every step on record in the regions that the person went through, in order."
    )


@strawberry.type(description="One person of a transfer; each has an outcome of its own.")
class TransferPerson:
    """One person of a transfer."""

    id: strawberry.ID = identity()
    person: Annotated["Person", strawberry.lazy("schema.people")] | None = one(
        "The person as this side's store has them, masked as ever; null before the offer came, and "
        "on the receiver's side where the person was refused or taken back.",
        "Person",
        by="person_id",
        local=True,
    )
    outcome: TransferOutcome = column("What became of the person.")
    reason_code: str | None = column("Why refused or taken back.")
    epoch: int = column("The epoch at which the receiver answers for the person.")
    decided_at: DateTime | None = column("When it was decided.")
    escort: PrivateString | None = private(
        PrivateItem.REMARKS, "Who goes along.", name="escort", of=""
    )
    remarks: PrivateString | None = private(
        PrivateItem.REMARKS, "Free text.", name="remarks", of=""
    )


@strawberry.type(description="A transfer: responsibility for people, from unit to unit (转运).")
class Transfer:
    """A transfer as one side's store has it."""

    id: strawberry.ID = strawberry.field(description="Its id, the same on both sides.")
    side: TransferSide = strawberry.field(description="Whose record this is.")
    state: TransferState = strawberry.field(description="How far it is, by this record.")
    from_region: RegionCode = strawberry.field(description="The sending region.")
    to_region: RegionCode = strawberry.field(description="The receiving region.")
    from_unit: strawberry.ID = strawberry.field(description="Id of the unit that offers.")
    to_unit: strawberry.ID = strawberry.field(description="Id of the unit that decides.")
    reason: TransferReason = strawberry.field(description="Why.")
    planned_at: DateTime | None = strawberry.field(description="Planned departure.")
    departed_at: DateTime | None = strawberry.field(description="Departure.")
    arrived_at: DateTime | None = strawberry.field(description="Arrival, as the receiver said.")
    code: RegionCode = strawberry.field(description="County of this side's unit.")
    created_at: DateTime = strawberry.field(description="When it was offered, or came in.")
    updated_at: DateTime = strawberry.field(description="When this record last changed.")

    people: list[TransferPerson] = gathered("The people, each with an outcome of its own.")
    events: list[CustodyEvent] = gathered("What happened, by this record, in order.")


@strawberry.input(description="Which transfers. Several fields together must all hold.")
class TransferFilter:
    """Which transfers."""

    ids: list[strawberry.ID] | None = strawberry.field(default=None, description="These.")
    side: TransferSide | None = strawberry.field(
        default=None, description="Whose records: RECEIVED are those that came in."
    )
    state: list[TransferState] | None = strawberry.field(
        default=None, description="One of these states."
    )
    from_unit: strawberry.ID | None = strawberry.field(default=None, description="Offered by it.")
    to_unit: strawberry.ID | None = strawberry.field(default=None, description="Offered to it.")
    person: strawberry.ID | None = strawberry.field(default=None, description="Of this person.")
    updated_after: DateTime | None = strawberry.field(
        default=None, description="Changed at this instant or later."
    )


@strawberry.type(description="A transfer in a page.")
class TransferEdge:
    """A transfer in a page."""

    cursor: str = strawberry.field(description="Its place in the list.")
    node: Transfer = strawberry.field(description="The transfer.")


@strawberry.type(description="A page of transfers, the newest first.")
class TransferConnection:
    """A page of transfers."""

    edges: list[TransferEdge] = strawberry.field(description="The transfers.")
    page_info: PageInfo = strawberry.field(description="Where the page ends.")
    regions: list[RegionAnswer] = strawberry.field(description="What became of each region.")
    total_count: int = strawberry.field(
        description="How many there are in the regions that answered; counted only when asked."
    )
