"""Applications for privacy roles (个人隐私信息使用申请表): the form of L503 annex 2 and its five
signatures (F5, F6, F8).
"""

from enum import Enum
from typing import Annotated

import strawberry

from schema.nodes import PageInfo, RegionAnswer
from schema.privacy.grants import Grant
from schema.privacy.items import PrivateItem
from schema.privacy.roles import DedicatedRoleInput, PrivacyRole
from schema.scalars import DateTime, RegionCode
from schema.users.staff import ContactInput, StaffContact
from schema.writing.problems import (
    ForbiddenProblem,
    IdempotencyConflict,
    InvalidInputProblem,
    NotFoundProblem,
    StepProblem,
)

__all__ = [
    "BriefingTopic",
    "PrivacyApplication",
    "PrivacyApplicationConnection",
    "PrivacyApplicationEdge",
    "PrivacyApplicationFilter",
    "PrivacyApplicationInput",
    "PrivacyApplicationPayload",
    "PrivacyApplicationResult",
    "PrivacyApplicationState",
    "PrivacyBriefing",
    "PrivacyPurpose",
    "PrivacySignature",
    "RecordPrivacyBriefingInput",
    "SignPrivacyApplicationInput",
    "SigningDecision",
    "SigningStep",
]


@strawberry.enum(description="What private items are needed for (L503 3.3).")
class PrivacyPurpose(Enum):
    """What private items are needed for."""

    SURVEILLANCE = strawberry.enum_value("SURVEILLANCE", description="Surveillance (监测).")
    FOLLOW_UP = strawberry.enum_value("FOLLOW_UP", description="Follow-up of people (随访).")
    INVESTIGATION = strawberry.enum_value("INVESTIGATION", description="Investigation (调查).")
    INTERVIEW = strawberry.enum_value("INTERVIEW", description="Interviews (访谈).")
    DATA_QUALITY = strawberry.enum_value("DATA_QUALITY", description="Data quality (数据质控).")
    RESEARCH = strawberry.enum_value("RESEARCH", description="Research (科研).")
    OTHER = strawberry.enum_value("OTHER", description="Something else; the text says what (其他).")


@strawberry.enum(description="The five signatures, in their order (L503 annex 2).")
class SigningStep(Enum):
    """The five signatures of an application, in their order."""

    APPLICANT = strawberry.enum_value("APPLICANT", description="The applicant (申请人).")
    DEPARTMENT_HEAD = strawberry.enum_value(
        "DEPARTMENT_HEAD", description="Head of the applicant's department (本部门领导)."
    )
    BUSINESS_HEAD = strawberry.enum_value(
        "BUSINESS_HEAD", description="Head of the department in charge (业务主管部门领导)."
    )
    ADMINISTRATOR = strawberry.enum_value(
        "ADMINISTRATOR", description="Active business administrator of the unit (业务管理员)."
    )
    ADMINISTRATOR_HEAD = strawberry.enum_value(
        "ADMINISTRATOR_HEAD",
        description="Head of the administrator's department (业务管理员部门领导).",
    )


@strawberry.enum(description="How an application for a privacy role stands.")
class PrivacyApplicationState(Enum):
    """How an application for a privacy role stands."""

    AWAITING_APPLICANT = strawberry.enum_value(
        "AWAITING_APPLICANT", description="Filled in; the applicant signs first."
    )
    AWAITING_DEPARTMENT_HEAD = strawberry.enum_value(
        "AWAITING_DEPARTMENT_HEAD", description="Waits for the head of the own department."
    )
    AWAITING_BUSINESS_HEAD = strawberry.enum_value(
        "AWAITING_BUSINESS_HEAD", description="Waits for the head of the department in charge."
    )
    AWAITING_ADMINISTRATOR = strawberry.enum_value(
        "AWAITING_ADMINISTRATOR", description="Waits for the business administrator."
    )
    AWAITING_ADMINISTRATOR_HEAD = strawberry.enum_value(
        "AWAITING_ADMINISTRATOR_HEAD",
        description="Waits for the head of the administrator's department.",
    )
    GRANTED = strawberry.enum_value(
        "GRANTED", description="Signed five times; its grants say from when until when they hold."
    )
    REFUSED = strawberry.enum_value("REFUSED", description="Somebody refused to sign.")
    WITHDRAWN = strawberry.enum_value("WITHDRAWN", description="The applicant withdrew it.")
    REVOKED = strawberry.enum_value("REVOKED", description="All its grants were revoked.")


@strawberry.enum(description="What a signer decides.")
class SigningDecision(Enum):
    """What a signer decides."""

    SIGN = strawberry.enum_value("SIGN", description="Signs (签字同意).")
    REFUSE = strawberry.enum_value("REFUSE", description="Refuses, which ends it (不同意).")
    WITHDRAW = strawberry.enum_value(
        "WITHDRAW", description="Withdraws the own application (撤回)."
    )


@strawberry.enum(description="What a briefing on privacy duties was about (L503 3.1).")
class BriefingTopic(Enum):
    """What a briefing on privacy duties was about."""

    PURPOSE_ONLY = strawberry.enum_value(
        "PURPOSE_ONLY", description="Use for the purpose applied for, and no other (按申请使用)."
    )
    NO_DISCLOSURE = strawberry.enum_value(
        "NO_DISCLOSURE", description="Nothing is passed on (不对外泄露)."
    )
    LIABILITY = strawberry.enum_value("LIABILITY", description="Who answers for a leak (责任自负).")
    OWN_COMPUTER = strawberry.enum_value(
        "OWN_COMPUTER", description="Own account, own computer, no public one (专人专机)."
    )
    EXPORTS = strawberry.enum_value("EXPORTS", description="Care for exported files (导出数据).")
    ACCESS_LOG = strawberry.enum_value(
        "ACCESS_LOG", description="Everything shown in clear is logged (访问留痕)."
    )


@strawberry.input(
    description=(
        "An application for privacy roles (个人隐私信息使用申请表, L503 annex 2). Unit, name, "
        "department and login name are those of the account."
    )
)
class PrivacyApplicationInput:
    """An application for privacy roles."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every application: a UUID, say."
    )
    roles: list[strawberry.ID] = strawberry.field(
        description="Ids of the privacy roles applied for (see `privacyRoles`)."
    )
    dedicated_role: DedicatedRoleInput | None = strawberry.field(
        default=None, description="A dedicated role, defined and applied for by this application."
    )
    items: list[PrivateItem] | None = strawberry.field(
        default=None, description="Only these of what the roles reveal; all of it unless given."
    )
    code: RegionCode = strawberry.field(
        description="Where: a code within the own jurisdiction, itself and all below."
    )
    purpose: PrivacyPurpose = strawberry.field(description="What for.")
    purpose_text: str = strawberry.field(
        description="What for, in words, at most 1,000 characters; kept sealed."
    )
    starts_at: DateTime | None = strawberry.field(
        default=None, description="From when; from the fifth signature on, unless given."
    )
    ends_at: DateTime = strawberry.field(description="Until when; within a year (366 days).")
    business_department: str = strawberry.field(
        description="Name of the department in charge (业务主管部门), whose head signs third."
    )
    contact: ContactInput = strawberry.field(
        description="Office telephone, mobile, QQ, ID number, e-mail."
    )
    commitment_agreed: bool = strawberry.field(
        description=(
            "The commitment: private items are used strictly as applied for and not passed on; "
            "the applicant answers for what comes of careless use (隐私信息安全承诺). Without it "
            "nobody can sign."
        )
    )
    renews: strawberry.ID | None = strawberry.field(
        default=None,
        description=(
            "The application that this one renews (yearly, L503 1.1): the own, granted, of the "
            "same roles or fewer. The new right begins as the old one ends."
        ),
    )


@strawberry.type(description="A signature, or a refusal to sign.")
class PrivacySignature:
    """A signature, or a refusal to sign."""

    step: SigningStep = strawberry.field(description="Which of the five.")
    decision: SigningDecision = strawberry.field(description="Signed or refused.")
    account: str = strawberry.field(description="Login name of the signer.")
    name: str = strawberry.field(description="Name of the signer.")
    signed_at: DateTime = strawberry.field(description="When.")
    reason: str | None = strawberry.field(
        description="Why it was refused; for those who take part in the application."
    )


@strawberry.type(description="The administrator's briefing on privacy duties (隐私安全使用说明).")
class PrivacyBriefing:
    """The administrator's briefing on privacy duties."""

    by: str = strawberry.field(description="Login name of the administrator.")
    given_at: DateTime = strawberry.field(description="When it was given.")
    topics: list[BriefingTopic] = strawberry.field(description="What it was about.")


@strawberry.type(description="An application for privacy roles, and how it stands.")
class PrivacyApplication:
    """An application for privacy roles, and how it stands."""

    id: strawberry.ID = strawberry.field(description="Its id.")
    state: PrivacyApplicationState = strawberry.field(description="How it stands.")
    account: str = strawberry.field(description="Login name of the applicant (登录账号).")
    name: str = strawberry.field(description="Name of the applicant (申请人姓名).")
    unit_id: strawberry.ID = strawberry.field(description="Unit of the applicant.")
    unit_name: str = strawberry.field(description="Its name (申请人单位).")
    department: str = strawberry.field(description="Department of the applicant (所在部门).")
    business_department: str = strawberry.field(description="The department in charge.")
    contact: StaffContact = strawberry.field(
        description="In clear for those who take part in the application; `*` for everyone else."
    )
    roles: list[PrivacyRole] = strawberry.field(
        description="The roles applied for, with the items each reveals here."
    )
    code: RegionCode = strawberry.field(description="Where: this code and all below.")
    purpose: PrivacyPurpose = strawberry.field(description="What for.")
    purpose_text: str | None = strawberry.field(
        description="What for, in words; null for whoever does not take part in the application."
    )
    starts_at: DateTime | None = strawberry.field(description="From when, as applied for.")
    ends_at: DateTime = strawberry.field(description="Until when, as applied for.")
    commitment_agreed: bool = strawberry.field(description="Whether the commitment was agreed.")
    renews: strawberry.ID | None = strawberry.field(description="What it renews.")
    briefing: PrivacyBriefing | None = strawberry.field(description="The briefing, once given.")
    signatures: list[PrivacySignature] = strawberry.field(description="In their order.")
    next_step: SigningStep | None = strawberry.field(
        description="Whose signature is awaited; null once it is decided."
    )
    grants: list[Grant] = strawberry.field(description="The rights it gave.")
    created_at: DateTime = strawberry.field(description="When it was filled in.")


@strawberry.input(description="Which applications.")
class PrivacyApplicationFilter:
    """Which applications."""

    account: str | None = strawberry.field(default=None, description="Those of this login name.")
    state: list[PrivacyApplicationState] | None = strawberry.field(
        default=None, description="Those that stand so."
    )


@strawberry.type(description="An application in a list.")
class PrivacyApplicationEdge:
    """An application in a list."""

    cursor: str = strawberry.field(description="Opaque place in the list.")
    node: PrivacyApplication = strawberry.field(description="The application.")


@strawberry.type(description="Applications, the newest first.")
class PrivacyApplicationConnection:
    """Applications."""

    edges: list[PrivacyApplicationEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page ends.")
    regions: list[RegionAnswer] = strawberry.field(
        description="Every region as NOT_ASKED: the gateway's own store has these."
    )
    total_count: int = strawberry.field(description="How many there are.")


@strawberry.input(description="A signature, a refusal or a withdrawal.")
class SignPrivacyApplicationInput:
    """A signature, a refusal or a withdrawal."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every signature: a UUID, say."
    )
    application: strawberry.ID = strawberry.field(description="The application.")
    decision: SigningDecision = strawberry.field(description="What the signer decides.")
    reason: str | None = strawberry.field(
        default=None,
        description="Why; required for a refusal, at most 500 characters, kept sealed.",
    )


@strawberry.input(description="The administrator's briefing, recorded before granting (L503 3.1).")
class RecordPrivacyBriefingInput:
    """The administrator's briefing, recorded before granting."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every briefing: a UUID, say."
    )
    application: strawberry.ID = strawberry.field(description="The application.")
    topics: list[BriefingTopic] = strawberry.field(
        description="What it was about: PURPOSE_ONLY, NO_DISCLOSURE and LIABILITY at least."
    )
    given_at: DateTime | None = strawberry.field(
        default=None, description="When it was given; now, unless given."
    )


@strawberry.type(description="An application as it stands after a mutation.")
class PrivacyApplicationPayload:
    """An application as it stands after a mutation."""

    application: PrivacyApplication = strawberry.field(description="The application.")
    repeated: bool = strawberry.field(
        description="Whether this is the result of an earlier request with the same key."
    )


PrivacyApplicationResult = Annotated[
    PrivacyApplicationPayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem
    | StepProblem,
    strawberry.union("PrivacyApplicationResult", description="The application, or why not."),
]
