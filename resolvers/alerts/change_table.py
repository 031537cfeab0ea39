"""The life of an application for a rule as a table: every state and event is a transition or a
named refusal (requirements E7).

Pure. Which unit approves and sets, by kind, and what must hold of the rules: `change_checks`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import Enum

from resolvers import lifecycles
from resolvers.lifecycles import Refused, decided
from schema.alerts_changes import RuleChangeKind as Kind
from schema.alerts_changes import RuleChangeState as State

__all__ = ["REASONS", "TABLE", "Event", "Guard", "Party", "Transition", "first_state", "step"]


class Event(Enum):
    """What may happen to an application that was filed."""

    APPROVE = "approve"
    REFUSE = "refuse"
    SET = "set the rule"
    WITHDRAW = "withdraw"


class Party(Enum):
    """Whose event it is."""

    APPLICANT = "whoever applied"
    APPROVER = "a reviewer or head of a department of the unit that decides"
    ADMINISTRATOR = "the active business administrator of that unit"
    NOBODY = "anybody else"


class Guard(Enum):
    """What must hold; an event is refused by the name of the first that fails."""

    OWN = "whoever decides did not apply, under no account"
    SAME_PERSON = "whoever sets it did not approve it"
    OVER = "the days asked for are not over"
    PARAMETERS = "the method still takes the parameters"
    WATCHED = "a disease to add is not watched there"
    NOT_WATCHED = "the disease of a method is watched there"
    NOT_PERCENTILE = "the disease is watched by the moving percentile there"
    SINGLE_CASE_STAYS = "the country does not watch the disease by single cases"
    NATIONAL_STAYS = "what the country watches is not turned off"


class _Clock(Enum):
    """No clock runs."""


class Transition(lifecycles.Transition[Party, Guard, State, _Clock]):
    """One line of the table."""

    __slots__ = ()


_OTHERS = (Guard.OWN, Guard.SAME_PERSON)
_RULES = tuple(guard for guard in Guard if guard not in _OTHERS)

_LINES: Mapping[tuple[State, Event], Transition] = {
    (State.AWAITING_APPROVAL, Event.APPROVE): Transition(
        Party.APPROVER, (Guard.OWN, *_RULES), State.AWAITING_SETTING
    ),
    (State.AWAITING_APPROVAL, Event.REFUSE): Transition(
        Party.APPROVER, (Guard.OWN,), State.REFUSED
    ),
    (State.AWAITING_APPROVAL, Event.WITHDRAW): Transition(Party.APPLICANT, (), State.WITHDRAWN),
    (State.AWAITING_SETTING, Event.SET): Transition(
        Party.ADMINISTRATOR, (*_OTHERS, *_RULES), State.SET
    ),
    (State.AWAITING_SETTING, Event.REFUSE): Transition(
        Party.ADMINISTRATOR, (Guard.OWN,), State.REFUSED
    ),
    (State.AWAITING_SETTING, Event.WITHDRAW): Transition(Party.APPLICANT, (), State.WITHDRAWN),
}
_WHY = {
    State.AWAITING_APPROVAL: "NOT_APPROVED",
    State.AWAITING_SETTING: "APPROVED",
    State.SET: "SET",
    State.REFUSED: "REFUSED",
    State.WITHDRAWN: "WITHDRAWN",
}

TABLE: Mapping[tuple[State, Event], Transition | Refused] = {
    (state, event): _LINES.get((state, event)) or Refused(_WHY[state])
    for state in State
    for event in Event
}
"""The whole table: no state and event without an answer."""

REASONS: Mapping[str, tuple[str, str]] = {
    "NOT_APPROVED": ("the application is not approved yet", "该申请尚未批准"),
    "APPROVED": ("nothing is left to approve: it waits to be set", "该申请无需再批准，待设置"),
    "SET": ("the rule was set already; apply for another change", "规则已设置，如需更改请另行申请"),
    "REFUSED": ("the application was refused: file it anew", "该申请未获同意，请重新申请"),
    "WITHDRAWN": ("the application was withdrawn: file it anew", "该申请已撤回，请重新申请"),
    "NOT_YOUR_SIDE": (
        "this is for somebody else: the state and decidedByUnit say whose turn it is",
        "当前环节不由您办理，见 state 与 decidedByUnit",
    ),
    "OPEN": (
        "an application for this area and disease is not decided yet",
        "该地区该病种已有未办结的申请",
    ),
    "OWN": ("nobody decides what they applied for themselves", "不得审批本人提交的申请"),
    "SAME_PERSON": (
        "whoever approved it does not set it, too",
        "批准与设置须由不同人员办理",
    ),
    "OVER": (
        "the days asked for are over, or will be before it can hold: apply anew",
        "申请的执行期限已过，请重新申请",
    ),
    "PARAMETERS": (
        "the method does not take these parameters any more: apply anew",
        "该方法已不接受所申请的参数，请重新申请",
    ),
    "WATCHED": (
        "the disease is watched there already: detectionRules says how",
        "该地区已对该病种开展预警，见 detectionRules",
    ),
    "NOT_WATCHED": (
        "the disease is not watched there: apply for NEW_DISEASE first",
        "该地区尚未对该病种开展预警，请先申请 NEW_DISEASE",
    ),
    "NOT_PERCENTILE": (
        "the disease is not watched by the moving percentile there: detectionRules says how",
        "该地区该病种未采用移动百分位数法，见 detectionRules",
    ),
    "SINGLE_CASE_STAYS": (
        "the country watches this disease by single cases: no province does otherwise",
        "该病种为国家规定的单病例预警病种，省级不得更改",
    ),
    "NATIONAL_STAYS": (
        "the country watches this disease: no province turns it off",
        "该病种为国家规定的预警病种，省级不得停用",
    ),
}
"""Why an event is refused: a stable name, in English and Chinese. Guards refuse by their names."""


def first_state(kind: Kind) -> State:
    """How an application begins: a province's own method needs no approval from above."""
    return State.AWAITING_SETTING if kind is Kind.OWN_METHOD else State.AWAITING_APPROVAL


def step(
    state: State, event: Event, parties: Collection[Party], failing: Iterable[Guard] = ()
) -> State:
    """The state after an event by somebody who is each of the parties. Raises StateRefused."""
    line = TABLE[(state, event)]
    party = Party.NOBODY
    if not isinstance(line, Refused) and line.party in parties:
        party = line.party
    return decided(line, lifecycles.Facts(party, frozenset(failing))).next
