"""Applications for other rules of detection (requirements E7)."""

from enum import Enum
from typing import Annotated

import strawberry

from schema.alerts import (
    DetectionMethod,
    DetectionParameter,
    DetectionParameterInput,
    DetectionRule,
)
from schema.nodes import PageInfo
from schema.scalars import Date, DateTime, RegionCode
from schema.statistics import Disease
from schema.writing.problems import (
    ForbiddenProblem,
    IdempotencyConflict,
    InvalidInputProblem,
    NotFoundProblem,
    StepProblem,
)

__all__ = [
    "DecideInput",
    "RuleChange",
    "RuleChangeConnection",
    "RuleChangeDecision",
    "RuleChangeEdge",
    "RuleChangeEvent",
    "RuleChangeFilter",
    "RuleChangeInput",
    "RuleChangeKind",
    "RuleChangePayload",
    "RuleChangeResult",
    "RuleChangeState",
    "RuleChangeStep",
]


@strawberry.enum(description="What is applied for.")
class RuleChangeKind(Enum):
    """What is applied for: each has its own way (E7)."""

    NEW_DISEASE = strawberry.enum_value(
        "NEW_DISEASE",
        description="That a disease be watched, too (增加预警病种): a province applies, the "
        "country approves, its administrator sets it.",
    )
    SINGLE_CASE = strawberry.enum_value(
        "SINGLE_CASE",
        description="That a disease of the moving percentile signal by single cases in an area "
        "(调整为单病例预警): a city or county applies, the province approves, its administrator "
        "sets it.",
    )
    OWN_METHOD = strawberry.enum_value(
        "OWN_METHOD",
        description="A province's own method or parameters for its area (本省预警方法): its "
        "administrator sets it.",
    )


@strawberry.enum(description="How an application for a rule stands.")
class RuleChangeState(Enum):
    """How an application for a rule stands."""

    AWAITING_APPROVAL = strawberry.enum_value(
        "AWAITING_APPROVAL", description="Waits to be approved (待批准)."
    )
    AWAITING_SETTING = strawberry.enum_value(
        "AWAITING_SETTING", description="Waits for the administrator to set it (待设置)."
    )
    SET = strawberry.enum_value("SET", description="The rule is set (已设置).")
    REFUSED = strawberry.enum_value("REFUSED", description="Refused (不同意).")
    WITHDRAWN = strawberry.enum_value(
        "WITHDRAWN", description="Withdrawn by whoever applied (已撤回)."
    )


@strawberry.enum(description="What is decided about an application for a rule.")
class RuleChangeDecision(Enum):
    """What is decided about an application for a rule."""

    APPROVE = strawberry.enum_value(
        "APPROVE", description="Approves it (同意): a reviewer or head of the unit that decides."
    )
    REFUSE = strawberry.enum_value(
        "REFUSE", description="Refuses it, which ends it (不同意): whoever's turn it is."
    )
    SET = strawberry.enum_value(
        "SET", description="Sets the rule (设置): the business administrator of that unit."
    )
    WITHDRAW = strawberry.enum_value(
        "WITHDRAW", description="Withdraws what one applied for (撤回)."
    )


@strawberry.enum(description="What happened to an application for a rule.")
class RuleChangeStep(Enum):
    """What happened to an application for a rule."""

    APPLY = strawberry.enum_value("APPLY", description="Applied for (申请).")
    APPROVE = strawberry.enum_value("APPROVE", description="Approved (同意).")
    REFUSE = strawberry.enum_value("REFUSE", description="Refused (不同意).")
    SET = strawberry.enum_value("SET", description="Set (设置).")
    WITHDRAW = strawberry.enum_value("WITHDRAW", description="Withdrawn (撤回).")


@strawberry.input(description="An application for another rule of detection.")
class RuleChangeInput:
    """An application for another rule of detection."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every application: a UUID, say."
    )
    kind: RuleChangeKind = strawberry.field(description="What is applied for.")
    code: RegionCode = strawberry.field(
        description="The area, with all below: a code of the applicant's jurisdiction."
    )
    disease: strawberry.ID = strawberry.field(description="Key of the disease.")
    method: DetectionMethod | None = strawberry.field(
        default=None,
        description="The method; SINGLE_CASE for that kind, unless given.",
    )
    parameters: list[DetectionParameterInput] | None = strawberry.field(
        default=None, description="What differs from the method's defaults."
    )
    reason: str = strawberry.field(
        description="The application in words, at most 2,000 characters; kept sealed."
    )
    effective_from: Date = strawberry.field(
        description="The first day it should hold: after today. What is set later holds from the "
        "day after it was set."
    )
    effective_to: Date | None = strawberry.field(
        default=None, description="The last day; until changed, unless given."
    )


@strawberry.input(description="A decision about an application for a rule.")
class DecideInput:
    """A decision about an application for a rule."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every decision: a UUID, say."
    )
    change: strawberry.ID = strawberry.field(description="The application.")
    decision: RuleChangeDecision = strawberry.field(description="What is decided.")
    reason: str | None = strawberry.field(
        default=None,
        description="Why; required for a refusal, at most 500 characters, kept sealed.",
    )


@strawberry.type(description="One step of an application for a rule.")
class RuleChangeEvent:
    """One step of an application for a rule."""

    at: DateTime = strawberry.field(description="When.")
    actor: str = strawberry.field(description="Account that took it.")
    unit_id: strawberry.ID = strawberry.field(description="Unit of that account.")
    event: RuleChangeStep = strawberry.field(description="What happened.")
    from_state: RuleChangeState | None = strawberry.field(description="How it stood before.")
    to_state: RuleChangeState = strawberry.field(description="How it stood then.")


@strawberry.type(description="An application for another rule of detection, and how it stands.")
class RuleChange:
    """An application for another rule of detection."""

    id: strawberry.ID = strawberry.field(description="Its id.")
    kind: RuleChangeKind = strawberry.field(description="What is applied for.")
    state: RuleChangeState = strawberry.field(description="How it stands.")
    code: RegionCode = strawberry.field(description="The area, with all below.")
    disease: Disease = strawberry.field(description="The disease.")
    method: DetectionMethod = strawberry.field(description="The method.")
    parameters: list[DetectionParameter] = strawberry.field(
        description="What differs from the method's defaults."
    )
    reason: str = strawberry.field(description="The application in words.")
    effective_from: Date = strawberry.field(description="The first day asked for.")
    effective_to: Date | None = strawberry.field(description="The last day asked for.")
    applied_by: str = strawberry.field(description="Account that applied.")
    unit_id: strawberry.ID = strawberry.field(description="Unit of that account.")
    decided_by_unit: strawberry.ID = strawberry.field(
        description="The unit that approves and sets it."
    )
    approved_by: str | None = strawberry.field(description="Account that approved it.")
    approved_at: DateTime | None = strawberry.field(description="When.")
    closed_by: str | None = strawberry.field(
        description="Account that set, refused or withdrew it."
    )
    closed_at: DateTime | None = strawberry.field(description="When.")
    answer: str | None = strawberry.field(description="What was said with the last decision.")
    rule: DetectionRule | None = strawberry.field(description="The rule that was set.")
    trail: list[RuleChangeEvent] = strawberry.field(description="Every step, the first first.")
    created_at: DateTime = strawberry.field(description="When it was applied for.")


@strawberry.input(description="Which applications for rules; several fields must all hold.")
class RuleChangeFilter:
    """Which applications for rules."""

    state: list[RuleChangeState] | None = strawberry.field(
        default=None, description="Those that stand so."
    )
    kind: list[RuleChangeKind] | None = strawberry.field(default=None, description="Of these.")
    disease: list[strawberry.ID] | None = strawberry.field(default=None, description="Diseases.")
    code: RegionCode | None = strawberry.field(
        default=None, description="For this area or one below."
    )


@strawberry.type(description="An application for a rule in a list.")
class RuleChangeEdge:
    """An application for a rule in a list."""

    cursor: str = strawberry.field(description="Opaque place in the list.")
    node: RuleChange = strawberry.field(description="The application.")


@strawberry.type(description="Applications for rules, the newest first.")
class RuleChangeConnection:
    """Applications for rules."""

    edges: list[RuleChangeEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page ends.")
    total_count: int = strawberry.field(description="How many there are.")


@strawberry.type(description="An application for a rule as it stands after a mutation.")
class RuleChangePayload:
    """An application for a rule as it stands after a mutation."""

    change: RuleChange = strawberry.field(description="The application.")
    repeated: bool = strawberry.field(
        description="Whether this is the result of an earlier request with the same key."
    )


RuleChangeResult = Annotated[
    RuleChangePayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem
    | StepProblem,
    strawberry.union("RuleChangeResult", description="The application, or why nothing was done."),
]
