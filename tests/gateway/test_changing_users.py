"""A changed account over HTTP: its sessions and open subscriptions end at once, the log has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.test_subscriptions import await_entries, wire
from tests.gateway.test_users import ADMINS, COUNTY, do, sign_in
from tests.served import Demo, Gateway, serving

_CHANGED = "subscription { assistRequestChanged { id } }"
_USER = "... on UserPayload { repeated user { role head } }"


@pytest.fixture
def gateway(demo: Demo, tmp_path: Path) -> Iterator[Gateway]:
    with serving(demo.copied(tmp_path), workers=2) as found:
        yield found


@pytest.mark.leak(26)
def test_a_changed_account_is_signed_out_everywhere(gateway: Gateway) -> None:
    who = f"county-{COUNTY}"
    (token,) = gateway.demo.open_sessions(who)
    with wire(gateway) as one:
        one.begin(token)
        one.subscribe("1", _CHANGED)
        await_entries(gateway, 1, operation="subscription assistRequestChanged")
        given = {"account": who, "head": True, "reason": "任命为科室负责人"}
        assert do(gateway, "changeUser", _USER, given, ADMINS[COUNTY])["user"]["head"] is True
        assert one.closed() == (4403, "the session has ended")
    assert gateway.ask("{me{account}}", who=token).status_code == 401
    assert gateway.ask("{me{account}}", who=who).status_code == 401
    again = sign_in(gateway, who, gateway.demo.accounts[who]["password"])
    assert again.status_code == 200
    seen = gateway.data("{me{user{head}}}", who=again.json()["token"])
    assert seen == {"me": {"user": {"head": True}}}
    (entry, *_) = gateway.demo.entries(operation="mutation changeUser")
    assert entry["account"] == ADMINS[COUNTY]
    assert entry["what"]["wrote"].keys() == {"account"}
