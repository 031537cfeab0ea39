"""The life of an application: every state and event, and what holds whatever happens."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.privacy import services
from resolvers.privacy.steps import (
    MOVES,
    OPEN,
    REASONS,
    REFUSALS,
    Application,
    Event,
    Signer,
    StepRefused,
    step_awaited,
    take_step,
)
from schema.privacy.applications import PrivacyApplicationState as State
from schema.privacy.applications import SigningStep as Step
from schema.privacy.data_requests import DataRequestState

_AT = "2026-06-01T00:00:00Z"
_FORM = Application(
    State.AWAITING_APPLICANT, "officer", "p1", "cdc", "A", "B", "2027-01-01T00:00:00Z", True
)
_PEOPLE = (
    Signer("officer", "p1", "cdc", "A", False, False),
    Signer("head-a", "p2", "cdc", "A", True, False),
    Signer("head-b", "p3", "cdc", "B", True, False),
    Signer("admin", "p4", "cdc", "C", False, True),
    Signer("head-c", "p5", "cdc", "C", True, False),
)
_OTHERS = (
    Signer("head-a", "p2", "other", "A", True, False),  # of another unit
    Signer("admin-2", "p1", "cdc", "C", False, True),  # the applicant's second account
    Signer("head-a2", "p3", "cdc", "A", True, False),  # one person, head of two departments
    Signer("head-c2", None, "cdc", "C", True, False),  # whose ID number nobody knows
    Signer("nobody", None, "cdc", None, True, False),
)


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("state", State)
def test_every_state_and_event_is_a_move_or_a_named_refusal(state: State, event: Event) -> None:
    assert ((state, event) in MOVES) is not ((state, event) in REFUSALS)
    if (state, event) in REFUSALS:
        english, chinese = REASONS[REFUSALS[(state, event)]]
        assert english
        assert chinese


@pytest.mark.parametrize("event", services.Event)
@pytest.mark.parametrize("state", DataRequestState)
def test_so_it_is_with_requests_for_data(state: DataRequestState, event: services.Event) -> None:
    known = (state, event) in services.MOVES
    assert known is not ((state, event) in services.REFUSALS)
    if not known:
        assert services.REFUSALS[(state, event)] in services.REASONS


def test_five_people_in_their_order() -> None:
    application = take_step(_FORM, _PEOPLE[3], Event.BRIEF, _AT)
    for number, signer in enumerate(_PEOPLE):
        assert application.state is OPEN[number]
        application = take_step(application, signer, Event.SIGN, _AT)
    assert application.state is State.GRANTED
    assert [one.step for one in application.signatures] == list(Step)
    assert take_step(application, _PEOPLE[0], Event.REVOKE, _AT).state is State.REVOKED


def _refused(application: Application, signer: Signer, event: Event, at: str = _AT) -> str:
    with pytest.raises(StepRefused) as refused:
        take_step(application, signer, event, at)
    return refused.value.reason


def _until(state: State, *, briefed: bool = True) -> Application:
    application = _FORM
    if briefed:
        application = take_step(application, _PEOPLE[3], Event.BRIEF, _AT)
    for signer in _PEOPLE[: OPEN.index(state)]:
        application = take_step(application, signer, Event.SIGN, _AT)
    return application


def test_what_must_happen_first_is_named() -> None:
    waiting = _until(State.AWAITING_ADMINISTRATOR, briefed=False)
    assert _refused(waiting, _PEOPLE[3], Event.SIGN) == "NOT_BRIEFED"
    assert _refused(replace(_FORM, commitment=False), _PEOPLE[0], Event.SIGN) == (
        "COMMITMENT_MISSING"
    )
    assert _refused(_FORM, _PEOPLE[0], Event.SIGN, "2027-01-01T00:00:00Z") == "TIME_OVER"
    assert _refused(_FORM, _PEOPLE[1], Event.SIGN) == "NOT_YOUR_STEP"
    last = _until(State.AWAITING_ADMINISTRATOR_HEAD)
    assert _refused(last, _PEOPLE[3], Event.BRIEF) == "TOO_LATE_TO_BRIEF"


def test_five_accounts_of_fewer_people_do_not_do() -> None:
    waiting = _until(State.AWAITING_ADMINISTRATOR)
    assert _refused(waiting, _OTHERS[1], Event.SIGN) == "SAME_PERSON"
    second = take_step(_until(State.AWAITING_DEPARTMENT_HEAD), _OTHERS[2], Event.SIGN, _AT)
    assert _refused(second, _PEOPLE[2], Event.SIGN) == "SAME_PERSON"


def test_whose_account_nobody_knows_does_not_sign() -> None:
    last = _until(State.AWAITING_ADMINISTRATOR_HEAD)
    assert _refused(last, _OTHERS[3], Event.SIGN) == "PERSON_UNKNOWN"
    unknown = replace(_PEOPLE[0], person=None)
    assert _refused(_FORM, unknown, Event.SIGN) == "PERSON_UNKNOWN"
    request = replace(_FILED, people=(("officer", None),))
    with pytest.raises(StepRefused, match="PERSON_UNKNOWN"):
        services.take_step(request, _PEOPLE[2], services.Event.APPROVE)


_STEPS = st.lists(
    st.tuples(st.sampled_from((*_PEOPLE, *_OTHERS)), st.sampled_from(Event)), max_size=20
)


@given(_STEPS)
def test_whatever_happens_a_right_has_five_different_people_behind_it(
    steps: list[tuple[Signer, Event]],
) -> None:
    application = _FORM
    for signer, event in steps:
        before = application
        with suppress(StepRefused):
            application = take_step(application, signer, event, _AT)
        assert len(application.signatures) - len(before.signatures) in (0, 1)
        if step_awaited(before.state) is None and before.state is not State.GRANTED:
            assert application == before
    signed = application.signatures
    assert [one.step for one in signed] == list(Step)[: len(signed)]
    assert len({one.account for one in signed}) == len(signed)
    people = {one.person for one in signed}
    assert len(people) == len(signed)
    assert None not in people  # of whom nobody knows who it is cannot be told to be another
    if application.state in (State.GRANTED, State.REVOKED):
        assert len(signed) == 5
        assert application.briefed
    else:
        assert len(signed) < 5


_FILED = services.Request(DataRequestState.AWAITING_BUSINESS_HEAD, "cdc", "B", (("officer", "p1"),))


@pytest.mark.parametrize("other", [_OTHERS[1], Signer("officer", None, "cdc", "C", False, True)])
def test_whoever_filed_a_request_does_not_approve_it(other: Signer) -> None:
    request = replace(
        _FILED,
        state=DataRequestState.AWAITING_ADMINISTRATOR,
        people=(("officer", "p1"), ("head-b", "p3")),
    )
    with pytest.raises(StepRefused, match="SAME_PERSON"):
        services.take_step(request, other, services.Event.APPROVE)
    assert services.take_step(request, other, services.Event.REFUSE) is DataRequestState.REFUSED


@given(
    st.lists(
        st.tuples(st.sampled_from((*_PEOPLE, *_OTHERS, None)), st.sampled_from(services.Event)),
        max_size=12,
    )
)
def test_an_approved_request_has_three_different_people_behind_it(
    steps: list[tuple[Signer | None, services.Event]],
) -> None:
    request = _FILED
    for signer, event in steps:
        with suppress(StepRefused):
            state = services.take_step(request, signer, event)
            people = request.people
            if event is services.Event.APPROVE:
                assert signer is not None
                people = (*people, (signer.account, signer.person))
            request = replace(request, state=state, people=people)
    if request.state in (DataRequestState.APPROVED, DataRequestState.PREPARED):
        assert len(request.people) == 3
        assert request.people[2][0] in ("admin", "admin-2")
        assert len({account for account, _ in request.people}) == 3
        known = {person for _, person in request.people}
        assert len(known) == 3
        assert None not in known
