from __future__ import annotations

import pytest

from gateway.strangers import Strangers
from regions.errors import TooManyRequests
from tests.served import Demo, serving


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_fills_evenly() -> None:
    clock = Clock()
    strangers = Strangers(60, clock)
    for _ in range(60):
        strangers.admit("192.0.2.1")
    with pytest.raises(TooManyRequests) as refused:
        strangers.admit("192.0.2.1")
    assert refused.value.details["retryAfter"] == 1
    strangers.admit("192.0.2.2")
    clock.now += 2
    for _ in range(2):
        strangers.admit("192.0.2.1")
    with pytest.raises(TooManyRequests):
        strangers.admit("192.0.2.1")
    clock.now += 3_600
    for _ in range(60):
        strangers.admit("192.0.2.1")
    with pytest.raises(TooManyRequests):
        strangers.admit("192.0.2.1")


def test_one_customer_of_ipv6_is_one_client() -> None:
    strangers = Strangers(1, Clock())
    strangers.admit("2001:db8::1")
    with pytest.raises(TooManyRequests):
        strangers.admit("2001:db8::ffff:2")
    strangers.admit("2001:db8:0:1::1")


def test_its_memory_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.strangers._KEPT", 3)
    strangers = Strangers(1, Clock())
    for last in range(50):
        strangers.admit(f"192.0.2.{last}")
    assert len(strangers._buckets) <= 3


def test_behind_a_proxy_each_client_has_its_own(
    demo: Demo, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """And the access log has its address; a header by itself is nobody's."""
    copy = demo.copied(tmp_path_factory.mktemp("strangers"))
    file = copy.folder / "config.toml"
    text = file.read_text("utf-8")
    more = 'strangers_per_minute = 3\ntrusted_proxies = ["127.0.0.1/32"]\n'
    file.write_text(text.replace("[gateway]\n", f"[gateway]\n{more}", 1), "utf-8")
    with serving(copy) as gateway:
        for client in ("203.0.113.1", "203.0.113.2"):
            told = {"x-forwarded-for": f"198.51.100.9, {client}"}
            answers = [
                gateway.send(b'{"query":"{ me { account } }"}', who=None, **told) for _ in range(5)
            ]
            assert [one.status_code for one in answers] == [200] * 3 + [429] * 2
            assert answers[-1].headers["retry-after"]
            assert answers[-1].json()["errors"][0]["extensions"]["code"] == "TOO_MANY_REQUESTS"
            body = {"account": "nobody", "password": "a password"}
            refused = gateway.client.post("/sign-in", json=body, headers=told)
            assert refused.status_code == 429
            unknown = gateway.send(b'{"query":"{ me { account } }"}', who="no-token", **told)
            assert unknown.status_code == 429
            known = gateway.send(b'{"query":"{ me { account } }"}', **told)
            assert known.status_code == 200  # who has a session is no stranger
        logged = [one["address"] for one in copy.entries(module="graphql")]
        assert logged == ["203.0.113.1"] * 4 + ["203.0.113.2"] * 4
