"""Who asks: the viewer, the role and the jurisdiction (A2, A11)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = [
    "ADMINISTRATOR_ROLES",
    "BUSINESS_ROLES",
    "Grant",
    "Role",
    "Viewer",
    "needs_second_factor",
    "prefix_of",
]


class Role(Enum):
    """The roles of A11, and analysts, who see no person (F13). A business role opens records; an
    administrator or auditor never does (A7).
    """

    DIRECT_REPORTER = "direct reporter"
    UNIT_USER = "unit user"
    DUTY_PERSON = "duty person"
    REVIEWER = "reviewer"
    REGIONAL_SYSTEM = "regional system"
    BUSINESS_ADMINISTRATOR = "business administrator"
    SYSTEM_ADMINISTRATOR = "system administrator"
    SECURITY_ADMINISTRATOR = "security administrator"
    AUDITOR = "auditor"
    ANALYST = "analyst"


BUSINESS_ROLES = frozenset(
    {
        Role.DIRECT_REPORTER,
        Role.UNIT_USER,
        Role.DUTY_PERSON,
        Role.REVIEWER,
        Role.REGIONAL_SYSTEM,
    }
)

ADMINISTRATOR_ROLES = frozenset(Role) - BUSINESS_ROLES - {Role.ANALYST}
"""Business, system and security administrators, and auditors."""


def needs_second_factor(role: Role, *, granted: bool) -> bool:
    """Whether an account needs two factors: an administrator's, or one with a right to see private
    items, now or later (A12).
    """
    return granted or role in ADMINISTRATOR_ROLES


@dataclass(frozen=True, slots=True)
class Grant:
    """A right to see private items in clear: of which records, where, until when (F7).

    `person` narrows it to one person's records; `emergency`: taken by breaking the glass (F11).
    """

    id: str
    record_types: frozenset[str]
    items: frozenset[str]
    code: str
    starts_at: str
    ends_at: str
    purpose: str = ""
    person: int | None = None
    emergency: bool = False


@dataclass(frozen=True, slots=True)
class Viewer:
    """An account that has signed in. `code` is its unit's (`000000` is the country)."""

    account: str
    name: str
    role: Role
    unit_id: str
    unit_name: str
    unit_level: str
    code: str
    grants: tuple[Grant, ...] = ()
    session: str = ""
    actions: frozenset[str] | None = None
    """Names of `resolvers.actions` that a machine client's token is good for; None: everything."""

    @property
    def prefix(self) -> str:
        """The jurisdiction: every code that begins so."""
        return prefix_of(self.code)

    @property
    def opens_records(self) -> bool:
        """Whether the role may open individual records at all."""
        return self.role in BUSINESS_ROLES


def prefix_of(code: str) -> str:
    """The prefix a GB/T 2260 code stands for: `320000` → `32`, `320100` → `3201`, `000000` → ``."""
    for length in (2, 4):
        if code[length - 2 :].strip("0") == "":
            return code[: length - 2]
        if code[length:].strip("0") == "":
            return code[:length]
    return code
