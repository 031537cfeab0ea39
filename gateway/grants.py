"""Grants: who may see which private items of which records in clear, where, how long (F4, F7).

Functions on a connection to the gateway's own store; the caller's transaction is theirs. A grant
holds in every worker from the next request on.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from gateway.accounts import Account, find_account
from regions.areas import reference_areas
from regions.errors import InvalidInput, NotFound
from regions.instants import instant, now, seconds_of
from regions.privacy import grants
from resolvers.users import BUSINESS_ROLES, Role, prefix_of

__all__ = ["ITEMS", "RECORD_TYPES", "GrantRow", "add_grant", "list_grants", "revoke_grant"]

ITEMS = (
    "NAME",
    "SEX",
    "AGE",
    "BIRTH_DATE",
    "ID_NUMBER",
    "PHONE",
    "EMPLOYER",
    "EMPLOYER_LOCATION",
    "RESIDENCE",
    "WHEREABOUTS",
    "GUARDIAN",
    "SEAT",
    "COORDINATES",
    "REMARKS",
)
"""The private items (L503 2.2)."""

RECORD_TYPES = ("CASE", "CONTACT", "ASSIST_REQUEST", "VISIT", "SAMPLE", "TRANSFER")
"""The types of record that rights are given for (L503 3.3)."""

_LONGEST_DAYS = 366  # rights are renewed yearly (L503 1.1)


@dataclass(frozen=True, slots=True)
class GrantRow:
    """A grant as stored. It holds from `starts_at` to `ends_at` for `code` and all below."""

    id: str
    account: str
    record_types: tuple[str, ...]
    items: tuple[str, ...]
    code: str
    purpose: str
    starts_at: str
    ends_at: str
    revoked: bool
    how: str = "COMMAND_LINE"  # or APPLICATION, EMERGENCY


def add_grant(
    connection: Connection,
    account: str,
    *,
    record_types: Iterable[str],
    items: Iterable[str],
    code: str,
    purpose: str,
    starts_at: str | None = None,
    ends_at: str,
) -> str:
    """Gives a right and returns its id. Instants or days (`2026-12-31`, its first second, UTC).

    Raises NotFound where there is no such account, InvalidInput where the grant makes no sense: an
    administrator's or auditor's account never opens records (A7), nothing holds over a year (F7),
    and for a code apart from the account's jurisdiction it would open nothing.
    """
    found = find_account(connection, account)
    if found is None:
        raise NotFound(f"there is no account {account}", hint="see `epigate accounts list`")
    if found.role not in BUSINESS_ROLES:
        raise InvalidInput(
            f"the role {found.role.value} of {account} never opens records",
            hint="give the right to a separate business account of the same level",
        )
    starts, ends = _period(starts_at or now(), ends_at)
    row = {
        "id": secrets.token_hex(6),
        "account": account,
        "record_types": json.dumps(_chosen(record_types, RECORD_TYPES, "record type")),
        "items": json.dumps(_chosen(items, ITEMS, "item")),
        "code": _within(found, _code(code)),
        "purpose": _purpose(purpose),
        "starts_at": starts,
        "ends_at": ends,
        "created_at": now(),
        "how": "COMMAND_LINE",
    }
    connection.execute(insert(grants).values(row))
    return row["id"]


def list_grants(connection: Connection, account: str | None = None) -> list[GrantRow]:
    """Every grant, or those of an account, the newest first."""
    query = select(grants).order_by(grants.c.created_at.desc(), grants.c.id)
    if account is not None:
        query = query.where(grants.c.account == account)
    return [_grant(row) for row in connection.execute(query)]


def revoke_grant(connection: Connection, grant_id: str) -> None:
    """Ends a right at once. Raises NotFound."""
    changed = connection.execute(update(grants).where(grants.c.id == grant_id).values(revoked=1))
    if changed.rowcount == 0:
        raise NotFound(f"there is no grant {grant_id}", hint="see `epigate grants list`")


def _chosen(given: Iterable[str], known: tuple[str, ...], what: str) -> list[str]:
    names = {name.strip().upper() for name in given}
    unknown = sorted(names - set(known))
    if unknown:
        raise InvalidInput(f"{', '.join(unknown)} is no {what}", hint=f"any of {', '.join(known)}")
    if not names:
        raise InvalidInput(f"no {what} is given", hint=f"any of {', '.join(known)}")
    return [name for name in known if name in names]


def _period(starts_at: str, ends_at: str) -> tuple[str, str]:
    try:
        starts, ends = seconds_of(starts_at), seconds_of(ends_at)
    except ValueError:
        raise InvalidInput(
            "a grant begins and ends at a day or an instant",
            hint="such as 2026-12-31 or 2026-12-31T18:00:00Z",
        ) from None
    if ends <= starts:
        raise InvalidInput("the grant ends before it begins")
    if ends - starts > _LONGEST_DAYS * 86_400:
        raise InvalidInput(
            f"the grant holds longer than {_LONGEST_DAYS} days", hint="rights are renewed yearly"
        )
    return instant(starts), instant(ends)


def _code(code: str) -> str:
    if not (re.fullmatch(r"[0-9]{6}", code) and reference_areas().is_prefix(prefix_of(code))):
        raise InvalidInput(
            f"{code!r} is no code of GB/T 2260", hint="six digits; 000000 is the country"
        )
    return code


def _within(account: Account, code: str) -> str:
    """The code, where it has any place in common with what the account may open."""
    if account.role is Role.DIRECT_REPORTER:  # opens what its unit reported, wherever that lives
        return code
    ours, given = prefix_of(account.code), prefix_of(code)
    if not (given.startswith(ours) or ours.startswith(given)):
        raise InvalidInput(
            f"{_place(code)} lies outside the jurisdiction of {account.account}, "
            f"{_place(account.code)}: the grant would open nothing",
            hint=f"a grant never widens a jurisdiction; give {account.code} or a code below it, "
            "or give the right to an account there",
        )
    return code


def _place(code: str) -> str:
    """The code with its name; a few codes of a region have none of their own."""
    name = reference_areas().name(code)
    return code if name == code else f"{code} {name}"


def _purpose(purpose: str) -> str:
    if not purpose.strip():
        raise InvalidInput("the purpose of the grant is empty", hint="a right is for a purpose")
    return purpose.strip()


def _grant(row: Row[Any]) -> GrantRow:
    return GrantRow(
        id=row.id,
        account=row.account,
        record_types=tuple(json.loads(row.record_types)),
        items=tuple(json.loads(row.items)),
        code=row.code,
        purpose=row.purpose,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        revoked=bool(row.revoked),
        how=row.how,
    )
