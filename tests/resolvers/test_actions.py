"""What a machine client's token is good for: names of root fields that there are."""

from __future__ import annotations

import pytest

from regions.errors import Forbidden
from resolvers.actions import ACTIONS, allows, require_action
from resolvers.rights import RIGHTS, require
from resolvers.users import Role, Viewer


def token(*actions: str) -> Viewer:
    return Viewer(
        account="system",
        name="",
        role=Role.REGIONAL_SYSTEM,
        unit_id="cdc-320100",
        unit_name="",
        unit_level="CITY",
        code="320100",
        actions=frozenset(actions),
    )


@pytest.mark.parametrize("action", ACTIONS)
def test_every_field_of_an_action_may_be_asked_for_by_a_regional_system(action: str) -> None:
    for field in ACTIONS[action]:
        assert Role.REGIONAL_SYSTEM in RIGHTS[field].roles, field
        assert allows(token(action), field)


@pytest.mark.parametrize("field", RIGHTS)
def test_a_token_is_good_for_nothing_else(field: str) -> None:
    for action, fields in ACTIONS.items():
        assert allows(token(action), field) == (field in fields)
    with pytest.raises(Forbidden):
        require(token(), field)
    assert allows(token(), "__typename")


def test_the_error_says_which_action_it_takes() -> None:
    with pytest.raises(Forbidden) as refused:
        require_action(token("READ"), ["me", "registerCase"])
    assert refused.value.hint == "ask for one with the action REGISTER"
    with pytest.raises(Forbidden) as refused:
        require_action(token(*ACTIONS), ["somethingNew"])
    assert refused.value.hint == "no machine client may ask for it"
