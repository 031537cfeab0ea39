"""Accounts of before they had states: they go on, and administrators of a unit are at most two."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from sqlalchemy import Connection, create_engine, text

from regions.instants import now, seconds_of
from regions.migrating import _alembic_config
from resolvers.users.accounts import is_usable, list_accounts, standing_of

_BEFORE = "0004"
_UNITS = {"320100": "cdc-320100", "320102": "cdc-320102"}


def _add(store: Connection, account: str, role: str, code: str, disabled: int = 0) -> None:
    store.execute(
        text(
            "INSERT INTO accounts (account, name, role, unit_id, unit_name, unit_level, code, "
            "password_hash, disabled, created_at) VALUES (:account, '王', :role, :unit, '某', "
            "'CITY', :code, 'hash', :disabled, :at)"
        ),
        {
            "account": account,
            "role": role,
            "unit": _UNITS[code],
            "code": code,
            "disabled": disabled,
            "at": f"2025-01-0{len(account)}T00:00:00Z",  # longer names are younger accounts
        },
    )


def test_accounts_there_were_go_on(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'gateway.db'}")
    with engine.begin() as store:
        command.upgrade(_alembic_config("central", store), _BEFORE)
        _add(store, "u", "UNIT_USER", "320100")
        _add(store, "g", "AUDITOR", "320100", disabled=1)
        for account in ("aa", "bbb", "cccc"):
            _add(store, account, "BUSINESS_ADMINISTRATOR", "320100")
        _add(store, "d", "BUSINESS_ADMINISTRATOR", "320100", disabled=1)
        _add(store, "z", "BUSINESS_ADMINISTRATOR", "320102")
    with engine.begin() as store:
        command.upgrade(_alembic_config("central", store), "head")
    with engine.begin() as store:
        found = list_accounts(store)
        stands = {one.account: standing_of(store, one).name for one in found}
        usable = {one.account for one in found if is_usable(store, one.account)}
        events = store.execute(text("SELECT account, event, reason FROM account_events")).all()
        numbers = store.execute(text("SELECT id FROM accounts")).scalars().all()
    engine.dispose()
    assert stands == {
        "u": "ACTIVE",
        "g": "DISABLED",
        "aa": "ACTIVE",
        "bbb": "STANDBY",
        "cccc": "DISABLED",
        "d": "DISABLED",
        "z": "ACTIVE",
    }
    assert usable == {"u", "aa", "z"}
    assert [event[:2] for event in events] == [("cccc", "DISABLE")]
    assert sorted(numbers) == list(range(1, 8))
    for one in found:
        assert one.renew_by is not None
        assert one.valid_until is not None
        terms = (one.renew_by, one.valid_until)
        days = [(seconds_of(at) - seconds_of(now())) / 86_400 for at in terms]
        assert [round(day) for day in days] == [366, 1_096]
        assert one.person_index is None
