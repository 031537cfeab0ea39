from __future__ import annotations

import pytest

from resolvers.demo.accounts import demo_accounts
from resolvers.users import BUSINESS_ROLES, Role
from resolvers.users.staff import is_id_number
from tests.stores import region_settings


def test_every_role_has_an_account() -> None:
    accounts = demo_accounts(region_settings("3201"))
    assert {account.role for account in accounts} == set(Role)
    shown = {account.shown_role: account for account in accounts}
    # Whoever tries all that open records leaves the others out by these words.
    others = {one.role for name, one in shown.items() if "admin" in name or "audit" in name}
    assert others == set(Role) - BUSINESS_ROLES
    assert shown["national unit user"].code == "000000"
    assert shown["province unit user"].code == "320000"
    assert shown["city unit user"].code == "320100"
    assert shown["county unit user"].code == "320102"
    assert shown["direct reporter"].unit_id == "hospital-320102-1"
    assert shown["direct reporter"].account == "reporter-320102-1"
    assert shown["regional system"].code == "320100"
    assert len(accounts) == len({one.account for one in accounts})
    assert len(accounts) == len({one.items["id_number"] for one in accounts})
    assert all(is_id_number(one.items["id_number"]) for one in accounts)
    administrators = [one for one in accounts if one.role is Role.BUSINESS_ADMINISTRATOR]
    assert {one.unit_level for one in administrators} == {"NATIONAL", "PROVINCE", "CITY", "COUNTY"}
    heads = [one for one in accounts if one.head]
    assert len({one.department for one in heads}) == len(heads) == 3
    assert {one.unit_id for one in heads} == {"cdc-320102"}
    assert [account.unit_level for account in accounts[:5]] == [
        "NATIONAL",
        "PROVINCE",
        "CITY",
        "COUNTY",
        "HOSPITAL",
    ]


@pytest.mark.parametrize("code", ["11", "5001", "4419", "46"])
def test_any_first_region_will_do(code: str) -> None:
    accounts = demo_accounts(region_settings(code))
    administrators = [a.unit_id for a in accounts if a.role is Role.BUSINESS_ADMINISTRATOR]
    assert len(administrators) == len(set(administrators)) >= 3
    for account in accounts:
        assert account.unit_id
        assert account.unit_name
        assert account.name
        assert len(account.code) == 6
