"""Accounts: SQL and Python say the same of them, and what is done to them is kept."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select

from regions.errors import InvalidInput, NotFound
from regions.instants import now, seconds_of
from regions.offices import administrator_filings, unit_roles
from regions.users import account_events, accounts, sessions
from resolvers.users import Role
from resolvers.users.accounts import (
    days_from,
    find_account,
    is_usable,
    reinstate,
    renew,
    standing_of,
    suspend,
)
from resolvers.users.states import AccountState, FilingState, Standing
from schema.users.staff import UserRole
from tests.resolvers.users.central_store import COUNTY, store

PAST, FUTURE = "2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
AT = "2026-06-01T00:00:00Z"


def add(connection: Connection, **columns: Any) -> None:
    row = {
        "account": "a",
        "id": 1,
        "name": "王芳",
        "role": "UNIT_USER",
        "password_hash": "hash",
        "created_at": PAST,
    }
    row |= dict(zip(("unit_id", "unit_name", "unit_level", "code"), COUNTY, strict=True))
    connection.execute(insert(accounts).values(row | columns))


def in_store(work: Callable[[Connection], Any]) -> Any:
    async def main(folder: Path) -> Any:
        async with store(folder) as one:
            return await one.do(work)

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(main(Path(folder)))


ONE = st.fixed_dictionaries(
    {
        "state": st.sampled_from([state.name for state in AccountState]),
        "suspended_until": st.none() | st.sampled_from([PAST, AT, FUTURE]),
        "valid_until": st.sampled_from([PAST, AT, FUTURE, FUTURE]),
        "renew_by": st.sampled_from([PAST, AT, FUTURE, FUTURE]),
        "role": st.sampled_from(["UNIT_USER", "BUSINESS_ADMINISTRATOR"]),
        "filing": st.sampled_from([None, *(state.name for state in FilingState)]),
        "barred": st.sampled_from([None, 0, 1]),
    }
)


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@given(st.lists(ONE, min_size=20, max_size=20))
@settings(max_examples=20)
def test_whether_an_account_is_usable_is_the_same_in_sql_and_in_words(
    ones: list[dict[str, Any]],
) -> None:
    def work(connection: Connection) -> None:
        for one in ones:
            for table in (accounts, administrator_filings, unit_roles):
                connection.execute(delete(table))
            columns = dict(one)
            filing, barred = columns.pop("filing"), columns.pop("barred")
            add(connection, **columns)
            if filing is not None:
                open_filing = FilingState[filing].name in ("FILED", "ON_FILE", "ACTIVE")
                row = dict.fromkeys(
                    (
                        column.name
                        for column in administrator_filings.columns
                        if not column.nullable
                    ),
                    "x",
                )
                more = {"id": 1, "state": filing, "slot": 1 if open_filing else None}
                more |= {"account": "a", "security_commitment": 1, "privacy_commitment": 1}
                connection.execute(insert(administrator_filings).values(row | more))
            if barred is not None:
                said = {"reason": "x", "set_by": "x", "set_at": PAST}
                key = {"unit_id": COUNTY[0], "role": one["role"], "enabled": barred}
                connection.execute(insert(unit_roles).values(key | said))
            found = find_account(connection, "a")
            assert found is not None
            standing = standing_of(connection, found, AT)
            assert is_usable(connection, "a", AT) == (standing is Standing.ACTIVE), one

    in_store(work)


def test_a_suspended_account_comes_back_when_told_or_in_time() -> None:
    def work(connection: Connection) -> list[Any]:
        add(connection, valid_until="2199-01-01T00:00:00Z", renew_by="2199-01-01T00:00:00Z")
        row = {"token_hash": "t", "account": "a", "created_at": PAST}
        connection.execute(
            insert(sessions).values(row | {"expires_at": FUTURE, "last_seen_at": PAST})
        )
        suspend(connection, "a", "no review within 24 h", "system")
        assert connection.scalar(select(sessions.c.revoked_at)) is not None
        assert not is_usable(connection, "a")
        reinstate(connection, "a", "reviewed", "boss")
        assert is_usable(connection, "a")
        suspend(connection, "a", "a week", "system", AT)
        suspend(connection, "a", "longer", "system", FUTURE)
        assert not is_usable(connection, "a")
        assert is_usable(connection, "a", FUTURE)
        reinstate(connection, "a", "enough", "boss")
        with pytest.raises(InvalidInput, match="active already"):
            reinstate(connection, "a", "again", "boss")
        with pytest.raises(NotFound):
            suspend(connection, "nobody", "x", "system")
        query = select(account_events).order_by(account_events.c.id)
        return [(row.event, row.by_account, row.reason) for row in connection.execute(query)]

    assert in_store(work) == [
        ("SUSPEND", "system", "no review within 24 h"),
        ("REINSTATE", "boss", "reviewed"),
        ("SUSPEND", "system", "a week"),
        ("SUSPEND", "system", "longer"),
        ("REINSTATE", "boss", "enough"),
    ]


def test_a_lapsed_account_is_renewed_and_its_old_sessions_stay_ended() -> None:
    def work(connection: Connection) -> None:
        add(connection, renew_by=PAST)
        row = {"token_hash": "t", "account": "a", "created_at": PAST}
        connection.execute(
            insert(sessions).values(row | {"expires_at": FUTURE, "last_seen_at": PAST})
        )
        found = find_account(connection, "a")
        assert found is not None
        assert standing_of(connection, found) is Standing.LAPSED
        until = renew(connection, "a", "boss")
        assert round((seconds_of(until) - seconds_of(now())) / 86_400) == 366
        assert is_usable(connection, "a")
        assert not is_usable(connection, "a", days_from(until, 0))
        assert connection.scalar(select(sessions.c.revoked_at)) is not None

    in_store(work)


def test_the_schema_knows_every_role() -> None:
    """Else a list of accounts fails at the first account of a role it does not know."""
    assert {one.name for one in UserRole} == {one.name for one in Role}
