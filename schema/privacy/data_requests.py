"""Requests for data (数据服务申请) of people without an account, filed for them by an officer (F9,
L503 3.1(3)).
"""

from enum import Enum
from typing import Annotated

import strawberry

from schema.nodes import PageInfo
from schema.privacy.applications import PrivacyPurpose
from schema.privacy.items import PrivateItem, RecordType
from schema.scalars import Date, DateTime, RegionCode
from schema.users.staff import ContactInput, StaffContact
from schema.writing.problems import (
    ForbiddenProblem,
    IdempotencyConflict,
    InvalidInputProblem,
    NotFoundProblem,
    StepProblem,
)

__all__ = [
    "DataRequest",
    "DataRequestConnection",
    "DataRequestDecision",
    "DataRequestEdge",
    "DataRequestFilter",
    "DataRequestInput",
    "DataRequestPayload",
    "DataRequestResult",
    "DataRequestState",
    "DecideDataRequestInput",
]


@strawberry.enum(description="How a request for data stands.")
class DataRequestState(Enum):
    """How a request for data stands."""

    AWAITING_BUSINESS_HEAD = strawberry.enum_value(
        "AWAITING_BUSINESS_HEAD", description="Waits for the head of the department in charge."
    )
    AWAITING_ADMINISTRATOR = strawberry.enum_value(
        "AWAITING_ADMINISTRATOR", description="Waits for the business administrator."
    )
    APPROVED = strawberry.enum_value("APPROVED", description="Approved; the export is prepared.")
    PREPARED = strawberry.enum_value("PREPARED", description="The export is there.")
    REFUSED = strawberry.enum_value("REFUSED", description="Refused.")
    WITHDRAWN = strawberry.enum_value("WITHDRAWN", description="Withdrawn by whoever filed it.")


@strawberry.enum(description="What is decided about a request for data.")
class DataRequestDecision(Enum):
    """What is decided about a request for data."""

    APPROVE = strawberry.enum_value("APPROVE", description="Approves it (同意).")
    REFUSE = strawberry.enum_value("REFUSE", description="Refuses it, which ends it (不同意).")
    WITHDRAW = strawberry.enum_value("WITHDRAW", description="Withdraws what one filed (撤回).")


@strawberry.input(description="A request for data, filed for somebody without an account.")
class DataRequestInput:
    """A request for data."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every request: a UUID, say."
    )
    requester: str = strawberry.field(
        description="Name of whoever wants the data, at most 60 characters; kept sealed."
    )
    organisation: str = strawberry.field(
        description="Organisation of the requester, at most 120 characters."
    )
    contact: ContactInput = strawberry.field(
        description="Contact details and ID number of the requester; kept sealed."
    )
    purpose: PrivacyPurpose = strawberry.field(description="What for.")
    purpose_text: str = strawberry.field(
        description="What for, in words, at most 1,000 characters; kept sealed."
    )
    legal_basis: str = strawberry.field(
        description="Law, order or contract it rests on, at most 500 characters."
    )
    record_type: RecordType = strawberry.field(description="CASE or CONTACT.")
    items: list[PrivateItem] = strawberry.field(
        description="Private items needed in clear; none is a masked export."
    )
    code: RegionCode = strawberry.field(
        description="Where: a code within the filing officer's jurisdiction, itself and all below."
    )
    start: Date = strawberry.field(name="from", description="First day of registration.")
    end: Date = strawberry.field(name="to", description="Last day of registration.")
    business_department: str = strawberry.field(
        description="Name of the department in charge (业务主管部门), whose head decides first."
    )
    commitment_agreed: bool = strawberry.field(
        description="Whether the requester signed the commitment to use the data as applied for."
    )


@strawberry.type(description="A request for data, and how it stands.")
class DataRequest:
    """A request for data, and how it stands."""

    id: strawberry.ID = strawberry.field(description="Its id.")
    state: DataRequestState = strawberry.field(description="How it stands.")
    filed_by: str = strawberry.field(description="Login name of the officer who filed it.")
    unit_id: strawberry.ID = strawberry.field(description="Unit of that officer.")
    requester: str | None = strawberry.field(
        description="Name of the requester; null for whoever does not take part."
    )
    organisation: str = strawberry.field(description="Organisation of the requester.")
    contact: StaffContact = strawberry.field(
        description="In clear for those who take part; `*` for everyone else."
    )
    purpose: PrivacyPurpose = strawberry.field(description="What for.")
    purpose_text: str | None = strawberry.field(
        description="What for, in words; null for whoever does not take part."
    )
    legal_basis: str = strawberry.field(description="What it rests on.")
    record_type: RecordType = strawberry.field(description="Of which records.")
    items: list[PrivateItem] = strawberry.field(description="Private items in clear.")
    code: RegionCode = strawberry.field(description="Where: this code and all below.")
    start: Date = strawberry.field(name="from", description="First day.")
    end: Date = strawberry.field(name="to", description="Last day.")
    business_department: str = strawberry.field(description="The department in charge.")
    business_head: str | None = strawberry.field(
        description="Login name of the head of that department who decided."
    )
    business_decided_at: DateTime | None = strawberry.field(description="When.")
    administrator: str | None = strawberry.field(
        description="Login name of the business administrator who decided."
    )
    administrator_decided_at: DateTime | None = strawberry.field(description="When.")
    reason: str | None = strawberry.field(
        description="Why it was refused; null for whoever does not take part."
    )
    export_id: strawberry.ID | None = strawberry.field(
        description="The export prepared for the requester."
    )
    created_at: DateTime = strawberry.field(description="When it was filed.")


@strawberry.input(description="Which requests for data.")
class DataRequestFilter:
    """Which requests for data."""

    state: list[DataRequestState] | None = strawberry.field(
        default=None, description="Those that stand so."
    )


@strawberry.type(description="A request for data in a list.")
class DataRequestEdge:
    """A request for data in a list."""

    cursor: str = strawberry.field(description="Opaque place in the list.")
    node: DataRequest = strawberry.field(description="The request.")


@strawberry.type(description="Requests for data, the newest first.")
class DataRequestConnection:
    """Requests for data."""

    edges: list[DataRequestEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page ends.")
    total_count: int = strawberry.field(description="How many there are.")


@strawberry.input(description="A decision about a request for data.")
class DecideDataRequestInput:
    """A decision about a request for data."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every decision: a UUID, say."
    )
    request: strawberry.ID = strawberry.field(description="The request.")
    decision: DataRequestDecision = strawberry.field(description="What is decided.")
    reason: str | None = strawberry.field(
        default=None,
        description="Why; required for a refusal, at most 500 characters, kept sealed.",
    )


@strawberry.type(description="A request for data as it stands after a mutation.")
class DataRequestPayload:
    """A request for data as it stands after a mutation."""

    request: DataRequest = strawberry.field(description="The request.")
    repeated: bool = strawberry.field(
        description="Whether this is the result of an earlier request with the same key."
    )


DataRequestResult = Annotated[
    DataRequestPayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem
    | StepProblem,
    strawberry.union("DataRequestResult", description="The request, or why not."),
]
