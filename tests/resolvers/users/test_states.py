"""Every state and event is a transition or a named refusal; what the clock makes of an account."""

from __future__ import annotations

from enum import Enum
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.users.states import (
    FILING,
    MACHINES,
    ON_FILE,
    AccountState,
    FilingEvent,
    FilingState,
    Machine,
    RegistrationState,
    Standing,
    WrongState,
    registration_at,
    standing,
)
from schema.users.accounts import UserStanding
from schema.users.filing import FilingState as FilingStateOfSchema
from schema.users.registering import RegistrationState as RegistrationStateOfSchema

PAIRS = [
    pytest.param(machine, state, event, id=f"{machine.name}-{state.name}-{event.name}")
    for machine in MACHINES
    for state, event in product(machine.states, machine.events)
]


@pytest.mark.parametrize(("machine", "state", "event"), PAIRS)
def test_every_event_of_every_state_leads_on_or_is_refused_with_words(
    machine: Machine, state: Enum, event: Enum
) -> None:
    if (state, event) in machine.moves:
        assert machine.next(state, event) in machine.states
        return
    with pytest.raises(WrongState) as raised:
        machine.next(state, event)
    assert len(raised.value.refusal) > 10
    assert not raised.value.refusal_zh.isascii()


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_no_state_is_out_of_reach_and_no_event_without_use(machine: Machine) -> None:
    first = next(iter(machine.states))
    reached, known = {first}, set[Enum]()
    while reached != known:
        known = set(reached)
        reached |= {after for (state, _), after in machine.moves.items() if state in known}
    assert reached == set(machine.states)
    assert {event for _, event in machine.moves} == set(machine.events)


def test_nobody_is_active_who_was_not_accepted() -> None:
    assert all(state in ON_FILE for (state, _) in FILING.moves)
    into_active = [pair for pair, after in FILING.moves.items() if after is FilingState.ACTIVE]
    assert into_active == [(FilingState.ON_FILE, FilingEvent.ACTIVATE)]
    ended = set(FilingState) - ON_FILE
    assert not [pair for pair in FILING.moves if pair[0] in ended]


def test_the_schema_has_the_same_states() -> None:
    assert [one.name for one in UserStanding] == [one.name for one in Standing]
    assert [one.name for one in FilingStateOfSchema] == [one.name for one in FilingState]
    registration = MACHINES[1].states
    assert [one.name for one in RegistrationStateOfSchema] == [one.name for one in registration]


@pytest.mark.parametrize("state", RegistrationState)
def test_only_what_waits_expires_and_to_the_second(state: RegistrationState) -> None:
    since = "2026-11-01T10:00:00Z"
    waits = state is RegistrationState.PENDING
    assert registration_at(state, "2026-11-01T10:00:01Z", since) is state
    for made in (since, "2026-11-01T09:59:59Z"):
        after = RegistrationState.EXPIRED if waits else state
        assert registration_at(state, made, since) is after


INSTANTS = st.sampled_from([f"2026-0{month}-01T00:00:00Z" for month in range(1, 8)])


@given(
    state=st.sampled_from(AccountState),
    at=INSTANTS,
    suspended_until=st.none() | INSTANTS,
    valid_until=INSTANTS,
    renew_by=INSTANTS,
    filing=st.none() | st.sampled_from(sorted(ON_FILE, key=lambda one: one.name)),
    administrator=st.booleans(),
    barred=st.booleans(),
)
def test_an_account_is_active_only_if_nothing_keeps_it_out(
    state: AccountState,
    at: str,
    suspended_until: str | None,
    valid_until: str,
    renew_by: str,
    filing: FilingState | None,
    administrator: bool,
    barred: bool,
) -> None:
    found = standing(
        state,
        at=at,
        suspended_until=suspended_until,
        valid_until=valid_until,
        renew_by=renew_by,
        filing=filing,
        administrator=administrator,
        barred=barred,
    )
    over = suspended_until is not None and suspended_until <= at
    assert (found is Standing.ACTIVE) == (
        (state is AccountState.ACTIVE or (state is AccountState.SUSPENDED and over))
        and at < valid_until
        and at < renew_by
        and (not administrator or filing is FilingState.ACTIVE)
        and not barred
    )
