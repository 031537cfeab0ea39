"""Indicators of letters: rates by hand, one count for both copies and for a whole chain (C5)."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from resolvers.assist.indicators import Group, Indicator, LetterFacts, PersonFacts, indicators
from resolvers.assist.states import State

NOW = "2026-11-28T04:00:00Z"
LETTER = LetterFacts(
    number="N1",
    side="RECEIVED",
    root_number="N1",
    from_unit="cdc-341802",
    from_code="341802",
    to_unit="cdc-320102",
    to_code="320102",
    forwarded=0,
    state="IN_PROGRESS",
    sent_at="2026-11-20T02:00:00Z",
    acknowledge_due="2026-11-20T04:00:00Z",
    acknowledged_at="2026-11-20T03:00:00Z",
    control_due="2026-11-21T02:00:00Z",
    feedback_due=None,
    feedback_at=None,
)


def person(
    position: int, controlled: str | None = None, state: str = "", **more: Any
) -> PersonFacts:
    made = PersonFacts(
        "N1",
        "RECEIVED",
        position,
        state or ("CONTROLLED" if controlled else "IN_PROGRESS"),
        controlled,
    )
    return replace(made, **more)


def one(
    letters: list[LetterFacts], people: list[PersonFacts], by: Group = Group.RECEIVER
) -> Indicator:
    (found,) = indicators(letters, people, by, NOW)
    return found


def test_same_day_next_day_and_delayed_are_days_in_china() -> None:
    """Sent at 10:00 in China; midnight there is 16:00Z."""
    found = one(
        [LETTER],
        [
            person(1, "2026-11-20T02:00:00Z"),
            person(2, "2026-11-20T15:59:59Z"),
            person(3, "2026-11-20T16:00:00Z"),
            person(4, "2026-11-21T15:59:59Z"),
            person(5, "2026-11-21T16:00:00Z"),
            person(6),
            person(7, state="UNTRACED"),
            person(8, state="EXCLUDED"),
        ],
    )
    assert found.key == "cdc-320102"
    assert (found.letters, found.people) == (1, 7)
    assert (found.same_day, found.next_day, found.delayed) == (2, 2, 1)
    assert (found.open, found.untraced, found.excluded) == (1, 1, 1)
    assert (found.same_day_rate, found.next_day_rate, found.delayed_rate) == (2 / 7, 2 / 7, 1 / 7)
    assert found.hours_to_control == 14.0
    assert found.hours_to_acknowledge == 1.0
    assert found.hours_to_feedback is None


def test_the_letter_at_one_in_the_morning_is_of_that_day() -> None:
    late = replace(LETTER, sent_at="2026-11-20T17:00:00Z")  # the 21st, 01:00 in China
    found = one([late], [person(1, "2026-11-21T15:00:00Z")])
    assert (found.same_day, found.next_day) == (1, 0)


def test_both_copies_of_a_letter_count_once_by_the_receivers() -> None:
    sent = replace(LETTER, side="SENT", state="SENT", acknowledged_at=None)
    copies = [person(1, "2026-11-20T05:00:00Z"), person(1, side="SENT", state="SENT")]
    for letters in ([sent, LETTER], [LETTER, sent]):
        for people in (copies, copies[::-1]):
            found = one(letters, people)
            assert (found.letters, found.people, found.same_day, found.open) == (1, 1, 1, 0)
            assert found.overdue_acknowledge == 0


def test_the_senders_copy_stands_in_where_the_receivers_region_is_down() -> None:
    sent = replace(LETTER, side="SENT", state="SENT", acknowledged_at=None)
    found = one([sent], [person(1, side="SENT", state="SENT")])
    assert (found.letters, found.people, found.open) == (1, 1, 1)
    assert (found.overdue_acknowledge, found.overdue_control) == (1, 1)


def test_a_forwarded_person_counts_once_with_whoever_looks_for_them_last() -> None:
    first = replace(LETTER, state="FORWARDED")
    second = replace(
        LETTER,
        number="N2",
        from_unit="cdc-320102",
        from_code="320102",
        to_unit="cdc-330502",
        to_code="330502",
        forwarded=1,
        state="FORWARDED",
    )
    third = replace(second, number="N3", to_unit="cdc-500106", to_code="500106", forwarded=2)
    third = replace(third, state="IN_PROGRESS")
    letters = [first, second, third]
    people = [
        person(1, state="FORWARDED"),
        person(1, state="FORWARDED", number="N2"),
        person(1, "2026-11-22T02:00:00Z", number="N3"),
    ]
    sender = one(letters, people, Group.SENDER)
    assert sender.key == "cdc-341802"
    assert (sender.letters, sender.people, sender.delayed) == (3, 1, 1)
    assert (sender.forwarded, sender.forwarded_twice) == (2, 1)
    by_receiver = {one.key: one for one in indicators(letters, people, Group.RECEIVER, NOW)}
    assert {key: one.people for key, one in by_receiver.items()} == {
        "cdc-320102": 0,
        "cdc-330502": 0,
        "cdc-500106": 1,
    }
    assert by_receiver["cdc-320102"].same_day_rate is None


def test_one_person_of_a_letter_who_left_is_not_counted_there() -> None:
    found = one([LETTER], [person(1, "2026-11-20T05:00:00Z"), person(2, state="FORWARDED")])
    assert (found.people, found.forwarded, found.same_day_rate) == (1, 1, 1.0)


def test_what_was_not_sent_or_taken_back_or_refused_does_not_count() -> None:
    for state in (State.DRAFT, State.WITHDRAWN, State.REFUSED):
        assert indicators([replace(LETTER, state=state.name)], [person(1)], Group.SENDER, NOW) == []


def test_overdue_is_what_is_past_and_not_done() -> None:
    due: dict[str, Any] = {"feedback_due": "2026-11-22T02:00:00Z"}
    answered = replace(LETTER, state="FEEDBACK_GIVEN", feedback_at="2026-11-23T02:00:00Z", **due)
    found = one([answered], [person(1, "2026-11-20T05:00:00Z")])
    assert (found.overdue_feedback, found.overdue_control, found.hours_to_feedback) == (0, 0, 72.0)
    late = replace(LETTER, state="CONTROLLED", **due)
    assert one([late], [person(1, "2026-11-20T05:00:00Z")]).overdue_feedback == 1
    early = replace(LETTER, control_due=NOW)
    assert one([early], [person(1)]).overdue_control == 0


@pytest.mark.parametrize(
    ("sender", "receiver", "way"),
    [
        ("341802", "320102", "OTHER_PROVINCE"),
        ("320508", "320102", "OTHER_CITY"),
        ("320104", "320102", "OTHER_COUNTY"),
        ("320100", "320102", "OTHER_COUNTY"),
        ("320000", "320102", "OTHER_CITY"),
        ("110105", "110101", "OTHER_COUNTY"),
    ],
)
def test_the_way_is_by_what_both_ends_have_in_common(sender: str, receiver: str, way: str) -> None:
    letter = replace(LETTER, from_code=sender, to_code=receiver)
    found = indicators([letter], [], Group.ROUTE, NOW)
    assert found[0].key == way


def test_by_province_both_ways() -> None:
    assert one([LETTER], [], Group.SENDER_PROVINCE).key == "340000"
    assert one([LETTER], [], Group.RECEIVER_PROVINCE).key == "320000"


def test_every_person_counts_in_one_place_alone() -> None:
    """Whatever the states, copies and chains: the parts of a key add up to its people."""
    chance = random.Random(7)
    states = [state.name for state in State if state is not State.DRAFT]
    letters, people = [], []
    for number in range(300):
        for side in ("SENT", "RECEIVED"):
            if chance.random() < 0.2:
                continue
            letters.append(
                replace(
                    LETTER,
                    number=f"N{number}",
                    root_number=f"N{number // 3 * 3}",
                    side=side,
                    to_unit=f"cdc-{chance.randrange(9)}",
                    state=chance.choice(states),
                )
            )
            for position in range(1, 4):
                at = chance.choice([None, "2026-11-20T05:00:00Z", "2026-11-24T05:00:00Z"])
                people.append(PersonFacts(f"N{number}", side, position, chance.choice(states), at))
    for by in Group:
        found = indicators(letters, people, by, NOW)
        for each in found:
            parts = each.same_day + each.next_day + each.delayed + each.untraced + each.open
            assert parts == each.people
        total = sum(each.people + each.excluded + each.forwarded for each in found)
        assert total == sum(each.letters for each in found) * 3
        assert sum(each.letters for each in found) <= 300
