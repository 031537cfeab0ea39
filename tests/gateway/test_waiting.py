from __future__ import annotations

from gateway.waiting import Waiting


def test_an_address_has_so_many_places_and_gets_them_back() -> None:
    waiting = Waiting(2, 10)
    one, two = waiting.enter("192.0.2.1"), waiting.enter("192.0.2.1")
    assert one is not None
    assert two is not None
    assert waiting.enter("192.0.2.1") is None
    assert waiting.enter("192.0.2.2") is not None
    one()
    one()  # given back twice, it is one place
    assert waiting.enter("192.0.2.1") is not None
    assert waiting.enter("192.0.2.1") is None


def test_one_customer_of_ipv6_is_one_client() -> None:
    waiting = Waiting(1, 10)
    assert waiting.enter("2001:db8::1") is not None
    assert waiting.enter("2001:db8::ffff:2") is None
    assert waiting.enter("2001:db8:0:1::1") is not None


def test_all_addresses_together_have_so_many() -> None:
    waiting = Waiting(2, 3)
    held = [waiting.enter(f"192.0.2.{last}") for last in range(4)]
    assert [one is not None for one in held] == [True, True, True, False]
    assert held[0] is not None
    held[0]()
    assert waiting.enter("192.0.2.9") is not None


def test_nothing_is_kept_of_whoever_left() -> None:
    waiting = Waiting(1, 1)
    for last in range(50):
        leave = waiting.enter(f"192.0.2.{last}")
        assert leave is not None
        assert waiting.enter(f"198.51.100.{last}") is None
        leave()
    assert not waiting._of_network
