"""The lives of an account, a registration and a filing, as tables: state, event, next state (A4,
A5, A12).

Pure: an event of a state either leads to a state or has a named refusal, and there is no third
thing. What depends on the clock (LAPSED, EXPIRED) is no state that is stored: it follows from the
columns (`standing`), so that no job has to run for an account to lapse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar, cast

__all__ = [
    "ACCOUNT",
    "FILING",
    "MACHINES",
    "ON_FILE",
    "REGISTRATION",
    "AccountEvent",
    "AccountState",
    "FilingEvent",
    "FilingState",
    "Machine",
    "RegistrationEvent",
    "RegistrationState",
    "Standing",
    "WrongState",
    "registration_at",
    "standing",
]


S = TypeVar("S", bound=Enum)


class AccountState(Enum):
    """What is stored of an account."""

    ACTIVE = "may sign in"
    SUSPENDED = "may not sign in until a given instant, or until it is reinstated"
    DISABLED = "may not sign in: its holder left, or it leaked"


class AccountEvent(Enum):
    """What can be done to an account."""

    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    DISABLE = "disable"
    ENABLE = "enable"
    RENEW = "renew"


class RegistrationState(Enum):
    """What a registration is; all but EXPIRED are stored (`registration_at`)."""

    PENDING = "waits for the administrator of the unit"
    APPROVED = "has become an account"
    REFUSED = "was refused, with a reason"
    EXPIRED = "was not decided in time; stored as `PENDING`, the clock makes it this"


class RegistrationEvent(Enum):
    """What can be done to a registration, and what time does to it."""

    APPROVE = "approve"
    REFUSE = "refuse"
    EXPIRE = "expire"


class FilingState(Enum):
    """What is stored of an administrator's filing."""

    FILED = "waits for the level above"
    ON_FILE = "accepted, not active"
    ACTIVE = "the one active administrator of the unit"
    REFUSED = "refused by the level above, with a reason"
    WITHDRAWN = "withdrawn before it was decided"
    DEREGISTERED = "deregistered with the level above"


class FilingEvent(Enum):
    """What can be done to a filing."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    ACTIVATE = "activate"
    STAND_DOWN = "stand down"
    DEREGISTER = "deregister"


ON_FILE = frozenset({FilingState.FILED, FilingState.ON_FILE, FilingState.ACTIVE})
"""The states that count towards the two a unit may have."""


class WrongState(Exception):
    """The event is not for this state; says which."""

    def __init__(self, refusal: str, refusal_zh: str) -> None:
        super().__init__(refusal)
        self.refusal, self.refusal_zh = refusal, refusal_zh


@dataclass(frozen=True, slots=True)
class Machine:
    """States and what leads from one to the next. What is not in `moves` is in `refusals`."""

    name: str
    states: type[Enum]
    events: type[Enum]
    moves: Mapping[tuple[Enum, Enum], Enum]
    refusals: Mapping[Enum, tuple[str, str]]  # why nothing else happens to a state; also Chinese

    def next(self, state: S, event: Enum) -> S:
        """The state after the event. Raises WrongState."""
        found = self.moves.get((state, event))
        if found is None:
            raise WrongState(*self.refusals[state])
        return cast(S, found)


ACCOUNT = Machine(
    "account",
    AccountState,
    AccountEvent,
    {
        (AccountState.ACTIVE, AccountEvent.SUSPEND): AccountState.SUSPENDED,
        (AccountState.ACTIVE, AccountEvent.DISABLE): AccountState.DISABLED,
        (AccountState.ACTIVE, AccountEvent.RENEW): AccountState.ACTIVE,
        (AccountState.SUSPENDED, AccountEvent.SUSPEND): AccountState.SUSPENDED,
        (AccountState.SUSPENDED, AccountEvent.REINSTATE): AccountState.ACTIVE,
        (AccountState.SUSPENDED, AccountEvent.DISABLE): AccountState.DISABLED,
        (AccountState.DISABLED, AccountEvent.ENABLE): AccountState.ACTIVE,
    },
    {
        AccountState.ACTIVE: ("the account is active already", "账号已处于启用状态"),
        AccountState.SUSPENDED: (
            "the account is suspended: it is reinstated first",
            "账号已暂停，请先恢复",
        ),
        AccountState.DISABLED: (
            "the account is disabled: it is enabled first",
            "账号已停用，请先启用",
        ),
    },
)

REGISTRATION = Machine(
    "registration",
    RegistrationState,
    RegistrationEvent,
    {
        (RegistrationState.PENDING, RegistrationEvent.APPROVE): RegistrationState.APPROVED,
        (RegistrationState.PENDING, RegistrationEvent.REFUSE): RegistrationState.REFUSED,
        (RegistrationState.PENDING, RegistrationEvent.EXPIRE): RegistrationState.EXPIRED,
    },
    {
        RegistrationState.APPROVED: ("the registration was approved already", "该注册已批准"),
        RegistrationState.REFUSED: ("the registration was refused already", "该注册已拒绝"),
        RegistrationState.EXPIRED: (
            "the registration was not decided in time and expired: the person registers anew",
            "该注册逾期未审核，已失效，请本人重新注册",
        ),
    },
)

FILING = Machine(
    "filing",
    FilingState,
    FilingEvent,
    {
        (FilingState.FILED, FilingEvent.ACCEPT): FilingState.ON_FILE,
        (FilingState.FILED, FilingEvent.REFUSE): FilingState.REFUSED,
        (FilingState.FILED, FilingEvent.WITHDRAW): FilingState.WITHDRAWN,
        (FilingState.ON_FILE, FilingEvent.ACTIVATE): FilingState.ACTIVE,
        (FilingState.ON_FILE, FilingEvent.DEREGISTER): FilingState.DEREGISTERED,
        (FilingState.ACTIVE, FilingEvent.STAND_DOWN): FilingState.ON_FILE,
        (FilingState.ACTIVE, FilingEvent.DEREGISTER): FilingState.DEREGISTERED,
    },
    {
        FilingState.FILED: (
            "the filing is not decided yet: the level above accepts or refuses it",
            "备案尚未审核，须由上级管理员受理或退回",
        ),
        FilingState.ON_FILE: (
            "the administrator is on file already, and not active",
            "该管理员已备案，未启用",
        ),
        FilingState.ACTIVE: ("the administrator is active already", "该管理员已启用"),
        FilingState.REFUSED: ("the filing was refused: file anew", "备案已被退回，请重新备案"),
        FilingState.WITHDRAWN: ("the filing was withdrawn: file anew", "备案已撤回，请重新备案"),
        FilingState.DEREGISTERED: (
            "the administrator is deregistered: file anew",
            "该管理员已注销，请重新备案",
        ),
    },
)


def registration_at(state: RegistrationState, created_at: str, since: str) -> RegistrationState:
    """What a stored registration is, where those made at `since` or before it expired undecided."""
    if state is RegistrationState.PENDING and created_at <= since:
        return REGISTRATION.next(state, RegistrationEvent.EXPIRE)
    return state


MACHINES = (ACCOUNT, REGISTRATION, FILING)


class Standing(Enum):
    """What an account is at an instant: its state, and what the clock and its unit make of it."""

    ACTIVE = "may sign in"
    SUSPENDED = "suspended"
    DISABLED = "disabled"
    LAPSED = "not renewed within a year"
    EXPIRED = "its term is over"
    STANDBY = "an administrator who is on file and not the active one"
    UNFILED = "an administrator who is not on file"
    BARRED = "the unit may not have this role"


def standing(
    state: AccountState,
    *,
    at: str,
    suspended_until: str | None,
    valid_until: str,
    renew_by: str,
    filing: FilingState | None,
    administrator: bool,
    barred: bool,
    unreviewed: bool = False,
) -> Standing:
    """What an account is at an instant; the first thing that keeps it out, where several do.

    `filing` is the open filing of a business administrator (`administrator`), if any; `barred` is
    whether the unit lost the role, `unreviewed` whether an emergency access of the account was not
    reviewed in time (F11).
    """
    if state is AccountState.DISABLED:
        return Standing.DISABLED
    if state is AccountState.SUSPENDED and (suspended_until is None or at < suspended_until):
        return Standing.SUSPENDED
    if unreviewed:
        return Standing.SUSPENDED
    if at >= valid_until:
        return Standing.EXPIRED
    if at >= renew_by:
        return Standing.LAPSED
    if administrator and filing is not FilingState.ACTIVE:
        return Standing.UNFILED if filing is None else Standing.STANDBY
    return Standing.BARRED if barred else Standing.ACTIVE
