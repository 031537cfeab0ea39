"""The life of a request for data of somebody without an account, as a table (F9, L503 3.1(3)).

Pure, as `steps` is: filed by an officer, approved by the head of the department in charge and by
the business administrator, three different people; then an export is prepared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from resolvers.privacy.steps import REASONS as STEP_REASONS
from resolvers.privacy.steps import Signer, StepRefused
from schema.privacy.data_requests import DataRequestState as State

__all__ = ["MOVES", "REASONS", "REFUSALS", "Event", "Request", "take_step"]


class Event(Enum):
    """What can be done to a request for data."""

    APPROVE = "approve"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    PREPARE = "prepare the export"


class _By(Enum):
    HEAD = "head of the department in charge"
    ADMINISTRATOR = "active business administrator of the unit"
    FILER = "officer who filed it"
    GATEWAY = "the gateway itself"


MOVES: Mapping[tuple[State, Event], tuple[State, _By]] = {
    (State.AWAITING_BUSINESS_HEAD, Event.APPROVE): (State.AWAITING_ADMINISTRATOR, _By.HEAD),
    (State.AWAITING_BUSINESS_HEAD, Event.REFUSE): (State.REFUSED, _By.HEAD),
    (State.AWAITING_BUSINESS_HEAD, Event.WITHDRAW): (State.WITHDRAWN, _By.FILER),
    (State.AWAITING_ADMINISTRATOR, Event.APPROVE): (State.APPROVED, _By.ADMINISTRATOR),
    (State.AWAITING_ADMINISTRATOR, Event.REFUSE): (State.REFUSED, _By.ADMINISTRATOR),
    (State.AWAITING_ADMINISTRATOR, Event.WITHDRAW): (State.WITHDRAWN, _By.FILER),
    (State.APPROVED, Event.WITHDRAW): (State.WITHDRAWN, _By.FILER),
    (State.APPROVED, Event.PREPARE): (State.PREPARED, _By.GATEWAY),
}
"""(state, event) → where it leads, and by whom. Every other pair is in `REFUSALS`."""

_WHY = {
    State.AWAITING_BUSINESS_HEAD: "NOT_APPROVED",
    State.AWAITING_ADMINISTRATOR: "NOT_APPROVED",
    State.APPROVED: "APPROVED_ALREADY",
    State.PREPARED: "PREPARED_ALREADY",
    State.REFUSED: "REFUSED_ALREADY",
    State.WITHDRAWN: "WITHDRAWN_ALREADY",
}

REFUSALS: Mapping[tuple[State, Event], str] = {
    (state, event): _WHY[state] for state in State for event in Event if (state, event) not in MOVES
}
"""(state, event) → the name of the reason why it leads nowhere."""

REASONS: Mapping[str, tuple[str, str]] = {
    "NOT_APPROVED": ("the request is not approved yet", "该申请尚未批准"),
    "APPROVED_ALREADY": ("the request is approved already", "该申请已批准"),
    "PREPARED_ALREADY": ("the export of this request is there already", "该申请的数据已导出"),
    "REFUSED_ALREADY": ("the request was refused: file it anew", "该申请已被拒绝，请重新提交"),
    "WITHDRAWN_ALREADY": ("the request was withdrawn: file it anew", "该申请已撤回，请重新提交"),
    "NOT_YOUR_STEP": (
        "this step is another's: the state says whose decision is awaited",
        "当前环节不由您办理",
    ),
    "SAME_PERSON": (
        "three different people file and approve: this person took part already",
        "提交与审批须由三人分别完成，您已参与此申请",
    ),
    "PERSON_UNKNOWN": STEP_REASONS["PERSON_UNKNOWN"],
}
"""The name of each reason a step is refused for: what is said, in English and Chinese."""


@dataclass(frozen=True, slots=True)
class Request:
    """What of a request decides about a step: `people` took part, (account, person) each; the
    first of them filed it.
    """

    state: State
    unit: str
    business_department: str
    people: tuple[tuple[str, str | None], ...]


def take_step(request: Request, signer: Signer | None, event: Event) -> State:
    """The state after the event; `signer` is None for the gateway itself. Raises StepRefused."""
    move = MOVES.get((request.state, event))
    if move is None:
        raise StepRefused(REFUSALS[(request.state, event)])
    state, by = move
    if not _is(by, request, signer):
        raise StepRefused("NOT_YOUR_STEP")
    if signer is not None and event is Event.APPROVE:
        for account, person in request.people:
            if account == signer.account or (person is not None and person == signer.person):
                raise StepRefused("SAME_PERSON")
        if signer.person is None or any(person is None for _, person in request.people):
            raise StepRefused("PERSON_UNKNOWN")
    return state


def _is(by: _By, request: Request, signer: Signer | None) -> bool:
    if signer is None or by is _By.GATEWAY:
        return signer is None and by is _By.GATEWAY
    if by is _By.FILER:
        return signer.account == request.people[0][0]
    if signer.unit != request.unit:
        return False
    if by is _By.ADMINISTRATOR:
        return signer.administrator
    return signer.head and signer.department == request.business_department
