"""The national roles, and how what was asked becomes grants that show that and no more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.catalog import RECORDS
from resolvers.privacy import Decision, decide
from resolvers.privacy.roles import NATIONAL_ROLES, grant_parts, roles_that_show
from resolvers.users import Grant
from schema.privacy import PrivateItem, RecordType
from tests.answering import viewer

_ITEMS = [item.name for item in PrivateItem]
_TYPES = [kind.name for kind in RecordType]


def test_there_is_one_national_role_for_each_type_of_record() -> None:
    assert sorted(role.record_type for role in NATIONAL_ROLES.values()) == sorted(_TYPES)
    for role in NATIONAL_ROLES.values():
        assert set(role.items) <= set(_ITEMS)
        assert len(set(role.items)) == len(role.items)
        assert role.name_zh.endswith("隐私角色")


_ASKED = st.dictionaries(
    st.sampled_from(_TYPES), st.sets(st.sampled_from(_ITEMS), min_size=1), min_size=1
)


@given(_ASKED)
def test_the_grants_of_what_was_asked_show_that_and_no_more(asked: dict[str, set[str]]) -> None:
    parts = grant_parts(asked.items())
    shown = {(kind, item) for types, items in parts for kind in types for item in items}
    assert shown == {(kind, item) for kind, items in asked.items() for item in items}
    assert len(shown) == sum(len(types) * len(items) for types, items in parts)
    grants = [
        Grant(str(i), types, items, "000000", "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z")
        for i, (types, items) in enumerate(parts)
    ]
    somebody = viewer(grants=grants)
    for record in RECORDS.values():
        if record.every_item or record.name == "Unit":
            continue
        for item in PrivateItem:
            asked_for = all(item.name in asked.get(kind, ()) for kind in record.privacy)
            decided = decide(somebody, record, item, code="320104", reporter=None)
            assert (decided is Decision.SHOW) is asked_for


@pytest.mark.parametrize("item", _ITEMS)
def test_the_roles_named_for_an_item_show_it(item: str) -> None:
    for record in RECORDS.values():
        roles = roles_that_show(record.privacy, item)
        assert bool(roles) is all(
            item in role.items
            for role in NATIONAL_ROLES.values()
            if role.record_type in record.privacy
        )
