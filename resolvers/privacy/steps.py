"""The life of an application for a privacy role, as a table: state, event, next state (F6, F7).

Pure: an event of a state either leads to a state, by a given person, or has a named refusal; there
is no third thing. Five different people sign in their order; whoever may refuse is whose turn it
is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from schema.privacy.applications import PrivacyApplicationState as State
from schema.privacy.applications import SigningStep as Step

__all__ = [
    "MOVES",
    "OPEN",
    "REASONS",
    "REFUSALS",
    "Application",
    "Event",
    "Move",
    "Signature",
    "Signer",
    "StepRefused",
    "step_awaited",
    "take_step",
]


class Event(Enum):
    """What can be done to an application."""

    SIGN = "sign"
    REFUSE = "refuse to sign"
    WITHDRAW = "withdraw"
    BRIEF = "record the briefing"
    REVOKE = "revoke what it gave"
    CUT = "end it with the right it renews, which was misused, or the role it asks for"


@dataclass(frozen=True, slots=True)
class Move:
    """Where an event leads, and in which capacity it is done; None: whoever may revoke grants."""

    state: State
    by: Step | None


_ORDER = {
    State.AWAITING_APPLICANT: Step.APPLICANT,
    State.AWAITING_DEPARTMENT_HEAD: Step.DEPARTMENT_HEAD,
    State.AWAITING_BUSINESS_HEAD: Step.BUSINESS_HEAD,
    State.AWAITING_ADMINISTRATOR: Step.ADMINISTRATOR,
    State.AWAITING_ADMINISTRATOR_HEAD: Step.ADMINISTRATOR_HEAD,
}
OPEN = tuple(_ORDER)
"""The states of an application that is not decided, in their order."""

_NEXT = dict(zip(OPEN, (*OPEN[1:], State.GRANTED), strict=True))

MOVES: Mapping[tuple[State, Event], Move] = {
    **{(state, Event.SIGN): Move(_NEXT[state], step) for state, step in _ORDER.items()},
    **{(state, Event.REFUSE): Move(State.REFUSED, _ORDER[state]) for state in OPEN[1:]},
    **{(state, Event.WITHDRAW): Move(State.WITHDRAWN, Step.APPLICANT) for state in OPEN},
    **{(state, Event.BRIEF): Move(state, Step.ADMINISTRATOR) for state in OPEN[:4]},
    (State.GRANTED, Event.REVOKE): Move(State.REVOKED, None),
    **{(state, Event.CUT): Move(State.REFUSED, None) for state in OPEN},
}
"""(state, event) → where it leads. Every other pair is in `REFUSALS`."""


def _refusal(state: State, event: Event) -> str:
    if event is Event.REVOKE:
        return "REVOKED_ALREADY" if state is State.REVOKED else "NOTHING_GRANTED"
    if state in OPEN:
        return "WITHDRAW_INSTEAD" if event is Event.REFUSE else "TOO_LATE_TO_BRIEF"
    return {
        State.GRANTED: "GRANTED_ALREADY",
        State.REFUSED: "REFUSED_ALREADY",
        State.WITHDRAWN: "WITHDRAWN_ALREADY",
        State.REVOKED: "REVOKED_ALREADY",
    }[state]


REFUSALS: Mapping[tuple[State, Event], str] = {
    (state, event): _refusal(state, event)
    for state in State
    for event in Event
    if (state, event) not in MOVES
}
"""(state, event) → the name of the reason why it leads nowhere."""

REASONS: Mapping[str, tuple[str, str]] = {
    "GRANTED_ALREADY": ("the application has its five signatures already", "该申请已完成五级签字"),
    "REFUSED_ALREADY": ("the application was refused: apply anew", "该申请已被拒绝，请重新申请"),
    "WITHDRAWN_ALREADY": ("the application was withdrawn: apply anew", "该申请已撤回，请重新申请"),
    "REVOKED_ALREADY": ("what it gave was revoked already", "该授权已撤销"),
    "NOTHING_GRANTED": ("the application gave no right yet", "该申请尚未授权"),
    "WITHDRAW_INSTEAD": (
        "the applicant has not signed yet: only the applicant can withdraw it",
        "申请人尚未签字，只能由申请人撤回",
    ),
    "TOO_LATE_TO_BRIEF": (
        "the administrator has signed: the briefing was recorded before",
        "业务管理员已签字，使用说明应在此前记录",
    ),
    "NOT_YOUR_STEP": (
        "this step is another's: nextStep says whose signature is awaited",
        "当前环节不由您办理，请查看 nextStep",
    ),
    "SAME_PERSON": (
        "five different people sign: this person has signed this application already",
        "五级签字须由五人分别完成，您已签过此申请",
    ),
    "PERSON_UNKNOWN": (
        "nobody knows whose account this is, so that different people cannot be told: an operator "
        "puts the ID number of its holder on record (epigate accounts person)",
        "账号未登记持有人身份证号，请先由运维人员补登",
    ),
    "COMMITMENT_MISSING": (
        "the applicant did not agree to the commitment: withdraw it and apply anew",
        "申请人未同意隐私信息安全承诺，请撤回后重新申请",
    ),
    "NOT_BRIEFED": (
        "the briefing on privacy duties comes first: recordPrivacyBriefing",
        "请先记录隐私安全使用说明（recordPrivacyBriefing）",
    ),
    "APPLICANT_CHANGED": (
        "the applicant has left the unit or the role applied for",
        "申请人已调离该单位或角色已变更",
    ),
    "ROLE_WITHDRAWN_ALREADY": ("the role was withdrawn already", "该专用角色已撤销"),
    "TIME_OVER": (
        "the time applied for is over: withdraw it and apply anew",
        "申请的使用期限已过，请撤回后重新申请",
    ),
}
"""The name of each reason a step is refused for: what is said, in English and Chinese."""


class StepRefused(Exception):
    """The step cannot be taken; `reason` is a key of `REASONS`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature given. `person` is the index of the signer's ID number, where known."""

    step: Step
    account: str
    person: str | None
    department: str | None


@dataclass(frozen=True, slots=True)
class Application:
    """What of an application decides about a step."""

    state: State
    account: str
    person: str | None
    unit: str
    department: str
    business_department: str
    ends_at: str
    commitment: bool
    briefed: bool = False
    signatures: tuple[Signature, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Signer:
    """What of an account decides about its step. `administrator`: the unit's active one on file."""

    account: str
    person: str | None
    unit: str
    department: str | None
    head: bool
    administrator: bool


def step_awaited(state: State) -> Step | None:
    """Whose signature an application waits for."""
    return _ORDER.get(state)


def take_step(application: Application, signer: Signer, event: Event, at: str) -> Application:
    """The application after the event, at the instant `at`. Raises StepRefused."""
    move = MOVES.get((application.state, event))
    if move is None:
        raise StepRefused(REFUSALS[(application.state, event)])
    if move.by is not None and not _is(move.by, application, signer):
        raise StepRefused("NOT_YOUR_STEP")
    if event is Event.BRIEF:
        return replace(application, briefed=True)
    if event is not Event.SIGN:
        return replace(application, state=move.state)
    assert move.by is not None
    if any(_same(one, signer) for one in application.signatures):
        raise StepRefused("SAME_PERSON")
    known = application.person is not None and application.person == signer.person
    if known and move.by is not Step.APPLICANT:
        raise StepRefused("SAME_PERSON")
    if signer.person is None:
        raise StepRefused("PERSON_UNKNOWN")
    if not application.commitment:
        raise StepRefused("COMMITMENT_MISSING")
    if move.by is Step.ADMINISTRATOR and not application.briefed:
        raise StepRefused("NOT_BRIEFED")
    if at >= application.ends_at:
        raise StepRefused("TIME_OVER")
    given = Signature(move.by, signer.account, signer.person, signer.department)
    return replace(application, state=move.state, signatures=(*application.signatures, given))


def _is(step: Step, application: Application, signer: Signer) -> bool:
    """Whether the signer may act in this capacity."""
    if step is Step.APPLICANT:
        return signer.account == application.account
    if signer.unit != application.unit:
        return False
    if step is Step.ADMINISTRATOR:
        return signer.administrator
    if not signer.head or not signer.department:
        return False
    if step is Step.DEPARTMENT_HEAD:
        return signer.department == application.department
    if step is Step.BUSINESS_HEAD:
        return signer.department == application.business_department
    return signer.department == application.signatures[-1].department


def _same(signature: Signature, signer: Signer) -> bool:
    if signature.account == signer.account:
        return True
    return signature.person is not None and signature.person == signer.person
