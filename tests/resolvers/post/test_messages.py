"""Putting messages: once, in order, nothing private."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, select

from regions.errors import PostConflict
from regions.keys import Keys
from regions.post import post_outbox
from regions.settings import RegionSettings
from resolvers.post.messages import check_body, put
from resolvers.writing.stores import Store
from tests.resolvers.post.ledger import AT
from tests.stores import in_store


def _put(connection: Connection, store: Store, subject: str = "t1", **body: object) -> str:
    return put(
        connection,
        store,
        topic="test.entry",
        subject=subject,
        to_region="330200",
        body=body,
        trace="0af7651916cd43dd8448eb211c80319c",
        at=AT,
        step="1",
    )


def test_the_same_message_again_is_the_same(store_settings: RegionSettings, keys: Keys) -> None:
    store = Store(store_settings, keys)

    def work(connection: Connection) -> list[str]:
        ids = [_put(connection, store, epoch=1, people=[2, 3]) for _ in range(2)]
        rows = connection.execute(select(post_outbox.c.id)).all()
        assert len(rows) == 1
        return ids

    assert in_store(store_settings, work) == ["test.entry:t1:1"] * 2


def test_the_same_id_with_another_content_is_a_conflict(
    store_settings: RegionSettings, keys: Keys
) -> None:
    store = Store(store_settings, keys)
    in_store(store_settings, lambda connection: _put(connection, store, epoch=1))
    with pytest.raises(PostConflict, match=r"test\.entry:t1:1"):
        in_store(store_settings, lambda connection: _put(connection, store, epoch=2))
    kept = in_store(
        store_settings, lambda connection: connection.scalars(select(post_outbox.c.body)).all()
    )
    assert kept == ['{"epoch":1}']


def test_messages_are_numbered_as_they_were_put(store_settings: RegionSettings, keys: Keys) -> None:
    store = Store(store_settings, keys)
    for number in (3, 1, 2):
        in_store(store_settings, lambda connection, n=number: _put(connection, store, f"t{n}"))  # type: ignore[misc]  # a default binds the loop's variable
    order = select(post_outbox.c.subject).order_by(post_outbox.c.seq)
    found = in_store(store_settings, lambda connection: list(connection.scalars(order)))
    assert found == ["t3", "t1", "t2"]


def test_what_is_undone_was_not_put(store_settings: RegionSettings, keys: Keys) -> None:
    store = Store(store_settings, keys)

    def work(connection: Connection) -> None:
        _put(connection, store)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        in_store(store_settings, work)
    count = select(post_outbox.c.id)
    assert in_store(store_settings, lambda connection: connection.execute(count).all()) == []


@pytest.mark.parametrize(
    "body",
    [
        {"name": "…"},
        {"people": [{"id": 1, "phone": "…"}]},
        {"stub": {"case_name": "…"}},
        {"remarks": None},
        {"people": {"1": {"escort": "…"}}},
    ],
)
def test_a_body_has_no_private_item(body: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="a message holds no private item"):
        check_body(body)


def test_a_body_has_ids_codes_and_states() -> None:
    check_body({"people": [1, 2], "outcome": {"1": "ACCEPTED"}, "reason_code": "FULL", "epoch": 3})
