"""A viewer read from the gateway's own store: session, account and grants, by one look-up each.

Raw SQLite: this runs on the event loop, between a request and its question.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from dataclasses import dataclass
from typing import Any

from regions.errors import StoreError
from regions.instants import instant, seconds_of
from resolvers.users import Grant, Role, Viewer, needs_second_factor, prefix_of
from resolvers.users.accounts import USABLE

__all__ = ["Scope", "SessionRow", "make_viewer", "read_session"]

_SESSION = f"""
SELECT s.expires_at, s.last_seen_at, min(a.valid_until, a.renew_by), s.second_factor,
       (SELECT min(e.review_due_at) FROM emergencies e WHERE e.account = a.account
        AND e.reviewed_at IS NULL AND e.suspended_at IS NULL),
       s.scope, a.password_given,
       a.account, a.name, a.role, a.unit_id, a.unit_name, a.unit_level, a.code
FROM sessions s JOIN accounts a ON a.account = s.account
WHERE s.token_hash = :hash AND s.revoked_at IS NULL AND {USABLE}
"""
_GRANTS = """
SELECT id, record_types, items, code, starts_at, ends_at, purpose, person_id, how
FROM grants WHERE account = ? AND revoked = 0 AND ends_at > ? ORDER BY id
"""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session that was not revoked, of an account that may be signed in. Seconds since 1970.

    `account` and `grants` are the rows as they stand: equal ones make equal viewers. `turns_at` is
    when the account lapses, its term is over, an emergency of it must be reviewed, or the next of
    the grants begins or ends.
    `must_enrol`: the account needs a second factor, and the session has none. `must_change`:
    somebody else chose the account's password.
    """

    expires: float
    seen: float
    account: tuple[str, ...]
    grants: tuple[Grant, ...]  # in force
    turns_at: float
    actions: frozenset[str] | None  # a machine client's token is good for; None: everything
    must_enrol: bool
    must_change: bool


@dataclass(frozen=True, slots=True)
class Scope:
    """What a machine client's token is good for: a code with all below, and names of actions."""

    code: str
    actions: tuple[str, ...]

    def written(self) -> str:
        """As it is kept."""
        return json.dumps({"code": self.code, "actions": self.actions})

    @classmethod
    def read(cls, text: str) -> Scope | None:
        """As it was kept, or None where that makes no sense."""
        try:
            found = json.loads(text)
            return cls(str(found["code"]), tuple(str(name) for name in found["actions"]))
        except (ValueError, TypeError, KeyError):
            _log.error("the scope of a session makes no sense: it gives no right")
            return None


def read_session(cursor: sqlite3.Cursor, token_hash: str, now: float) -> SessionRow | None:
    """The session with its account and the grants in force, None where there is none."""
    at = instant(now)
    row = cursor.execute(_SESSION, {"hash": token_hash, "at": at}).fetchone()
    if row is None:
        return None
    expires_at, last_seen_at, ends_at, second_factor, review_due_at, narrowed, given, *account = row
    scope = None
    if narrowed is not None:
        scope = Scope.read(narrowed)
        if scope is None or not prefix_of(scope.code).startswith(prefix_of(account[-1])):
            return None  # good for a place that is the account's no more
        account[-1] = scope.code
    rows = cursor.execute(_GRANTS, (account[0], at)).fetchall()
    in_force = []
    turns_at = seconds_of(min(ends_at, review_due_at or ends_at))
    for granted in rows:
        found = _grant(granted)
        if found is None:
            continue
        grant, starts, ends = found
        if starts <= now < ends:
            in_force.append(grant)
            turns_at = min(turns_at, ends)
        elif now < starts:
            turns_at = min(turns_at, starts)
    return SessionRow(
        expires=seconds_of(expires_at),
        seen=seconds_of(last_seen_at),
        account=tuple(account),
        grants=tuple(in_force),
        turns_at=turns_at,
        actions=None if scope is None else frozenset(scope.actions),
        must_enrol=not second_factor and _needs(account[2], rows),
        must_change=bool(given),
    )


def make_viewer(row: SessionRow, session: str) -> Viewer:
    """The viewer of a session's row. Raises StoreError where the account's role is none of ours."""
    account, name, role, unit_id, unit_name, unit_level, code = row.account
    if role not in Role.__members__:
        raise StoreError(f"the account {account} has a role that does not exist: {role}")
    return Viewer(
        account=account,
        name=name,
        role=Role[role],
        unit_id=unit_id,
        unit_name=unit_name,
        unit_level=unit_level,
        code=code,
        grants=row.grants,
        session=session,
        actions=row.actions,
    )


def _needs(role: str, grants: list[tuple[Any, ...]]) -> bool:
    return role in Role.__members__ and needs_second_factor(Role[role], granted=bool(grants))


def _grant(row: tuple[Any, ...]) -> tuple[Grant, float, float] | None:
    """A grant, when it begins and when it ends; a row that makes no sense gives no right."""
    grant_id, record_types, items, code, starts_at, ends_at, purpose, person, how = row
    try:
        grant = Grant(
            id=grant_id,
            record_types=frozenset(json.loads(record_types)),
            items=frozenset(json.loads(items)),
            code=code,
            starts_at=starts_at,
            ends_at=ends_at,
            purpose=purpose,
            person=person,
            emergency=how == "EMERGENCY",
        )
        return grant, seconds_of(starts_at), seconds_of(ends_at)
    except (ValueError, TypeError):
        _log.error("the grant %s is no valid row and gives no right", grant_id)
        return None
