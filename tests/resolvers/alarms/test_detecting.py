"""The detector: each rule at its threshold, no rule below it, the same after a crash anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from regions.instants import instant
from resolvers.alarms.detecting import Detector, Raised
from resolvers.alarms.rules import RULES, Limits
from schema.alarms import AlarmRule

NOON = 1_795_320_000.0  # 2026-11-22T04:00:00Z, noon in Beijing
NIGHT = NOON + 11 * 3_600
LIMITS = Limits(
    reveal_records=10,
    reveal_minutes=60,
    off_hours_records=4,
    refusals=3,
    refusal_minutes=10,
    near_candidates=5,
)
Entry = dict[str, Any]


def entry(at: float = NOON, account: str | None = "nanjing", **more: Any) -> Entry:
    return {
        "at": instant(at),
        "account": account,
        "unit": "cdc-320100",
        "code": "320100",
        "address": "192.0.2.1",
        "operation": "query contacts",
        "result": "OK",
        "what": {"reasons": {}},
    } | more


def reveal(at: float, ids: Iterable[int], account: str = "nanjing", reason: str = "own") -> Entry:
    return entry(at, account, what={"reasons": {reason: {"contact": list(ids)}}})


def raised(entries: Sequence[Entry], limits: Limits = LIMITS) -> list[Raised]:
    detector = Detector(limits)
    return [one for number, said in enumerate(entries, 1) for one in detector.see(number, said)]


def rules(entries: Sequence[Entry]) -> list[AlarmRule]:
    return [one.rule for one in raised(entries)]


def test_every_rule_is_described() -> None:
    assert set(RULES) == set(AlarmRule)


def test_many_records_in_clear_within_an_hour_are_a_bulk_reveal() -> None:
    entries = [reveal(NOON + 60 * n, [2 * n, 2 * n + 1]) for n in range(5)]
    assert raised(entries[:4]) == []
    (one,) = raised(entries)
    assert one == Raised(
        rule=AlarmRule.BULK_REVEAL,
        subject="account:nanjing",
        window="2026-11-22T04:00:00Z",
        account="nanjing",
        unit="cdc-320100",
        code="320100",
        at="2026-11-22T04:04:00Z",
        first=1,
        last=5,
        found=10,
        threshold=10,
    )


def test_the_same_records_again_are_no_bulk_reveal() -> None:
    assert rules([reveal(NOON + n, range(9)) for n in range(50)]) == []


def test_a_record_seen_again_counts_from_its_last_time() -> None:
    late = [reveal(NOON, range(9)), reveal(NOON + 3_599, range(9)), reveal(NOON + 5_000, [9])]
    assert rules(late) == [AlarmRule.BULK_REVEAL]


def test_records_by_their_commitments_are_told_apart() -> None:
    """One string of a list; who is shown the same page again and again saw no more than it."""
    marks = [f"{n:032x}" for n in range(10)]

    def seen(at: float, *numbers: int) -> Entry:
        shown = "".join(marks[n] for n in numbers)
        return entry(at, what={"reasons": {"own": {"contact": shown}, "grant:1": {"case": shown}}})

    same = [seen(NOON + n, *range(9)) for n in range(50)]
    assert raised(same) == []
    (one,) = raised([*same, seen(NOON + 50, 8, 9)])
    assert (one.found, one.first, one.last) == (10, 50, 51)
    assert raised([*same, seen(NOON + 49 + 3_600, 9)]) == []


def test_records_over_more_than_an_hour_are_none() -> None:
    assert rules([reveal(NOON + 401 * n, [n]) for n in range(20)]) == []


def test_others_do_not_add_to_it() -> None:
    entries = [reveal(NOON + n, [n], account=f"account-{n % 2}") for n in range(18)]
    assert rules(entries) == []


def test_an_hour_has_one_alarm_and_the_next_another() -> None:
    entries = [reveal(NOON + 60 * n, range(10 * n, 10 * n + 10)) for n in range(70)]
    found = [one.window for one in raised(entries)]
    assert found == ["2026-11-22T04:00:00Z", "2026-11-22T05:00:00Z"]


def test_the_window_slides_over_the_stroke_of_the_hour() -> None:
    entries = [reveal(NOON + 3_500, range(6)), reveal(NOON + 3_700, range(6, 12))]
    assert rules(entries) == [AlarmRule.BULK_REVEAL]


def test_a_night_is_one_night_over_midnight() -> None:
    night = [reveal(NIGHT + 3_600 * n, [n]) for n in range(4)]  # 23:00 to 02:00
    (one,) = raised(night)
    assert (one.rule, one.window) == (AlarmRule.OFF_HOURS_REVEAL, "2026-11-22")
    assert rules([reveal(NOON + 3_700 * n, [n]) for n in range(5)]) == []  # by day


def test_two_nights_do_not_add_up() -> None:
    evening = [reveal(NIGHT, [1, 2]), reveal(NIGHT + 21 * 3_600, [3, 4])]
    assert rules(evening) == []


def test_refusals_of_an_account_and_of_an_address() -> None:
    mine = [entry(NOON + n, result="FORBIDDEN") for n in range(3)]
    assert rules(mine) == [AlarmRule.MANY_REFUSALS]
    strange = [entry(NOON + n, None, result="REFUSED", operation="sign-in") for n in range(3)]
    (one,) = raised(strange)
    assert (one.subject, one.account, one.code) == ("address:192.0.2.1", None, None)
    assert rules([entry(NOON + 400 * n, result="FORBIDDEN") for n in range(9)]) == []
    assert rules([entry(NOON + n, result="NOT_FOUND") for n in range(9)]) == []


def test_emergency_access_is_an_alarm_when_taken_and_once_when_used() -> None:
    taken = entry(operation="mutation breakGlass")
    assert rules([taken]) == [AlarmRule.EMERGENCY_ACCESS]
    assert rules([taken | {"result": "FORBIDDEN"}]) == []
    used = [reveal(NOON + n, [n], reason="emergency:7") for n in range(3)]
    assert {one.window for one in raised(used)} == {"emergency:7"}


def probe(at: float, **counts: int) -> Entry:
    return entry(at, operation="query checkDuplicate", what={"reasons": {}, "probes": counts})


def test_candidates_near_to_each_other_are_probes() -> None:
    assert rules([probe(NOON, candidates=4, near=4, limit=200)]) == []
    (one,) = raised([probe(NOON, candidates=7, near=5, limit=200)])
    assert (one.rule, one.found, one.threshold) == (AlarmRule.DUPLICATE_PROBES, 5, 5)
    over = probe(NOON, candidates=201, near=0, limit=200) | {"result": "TOO_MANY_CANDIDATES"}
    (one,) = raised([over])
    assert (one.found, one.threshold) == (201, 200)


def test_what_is_no_entry_of_a_question_raises_nothing() -> None:
    odd: list[Entry] = [{}, {"at": "yesterday"}, {"at": "2026-11-22T04:00:00Z"}]
    whats: list[Any] = [None, [], {"reasons": []}, {"reasons": {"own": []}}]
    odd += [entry(what=what) for what in whats]
    assert raised(odd) == []


_entries = st.lists(
    st.tuples(
        st.integers(0, 7_200),
        st.sampled_from(["a", "b"]),
        st.lists(st.integers(0, 30), max_size=12),
        st.sampled_from(["OK", "FORBIDDEN"]),
    ),
    max_size=40,
).map(
    lambda drawn: [
        reveal(NIGHT + at, ids, account) | {"result": result}
        for at, account, ids, result in sorted(drawn, key=lambda one: one[0])
    ]
)


@given(_entries, st.data())
def test_a_crash_anywhere_loses_no_alarm_and_finds_no_other(
    entries: list[Entry], data: st.DataObject
) -> None:
    """After a crash a new detector is fed the window before the stored position, then goes on."""
    crash = data.draw(st.integers(0, len(entries)))
    stored = data.draw(st.integers(0, crash))  # the position is stored now and then

    def slots(found: Iterable[Raised]) -> set[tuple[AlarmRule, str, str]]:
        return {(one.rule, one.subject, one.window) for one in found}

    first = Detector(LIMITS)
    before = [one for n, said in enumerate(entries[:crash], 1) for one in first.see(n, said)]
    second = Detector(LIMITS)
    for n, said in enumerate(entries[:stored], 1):
        second.see(n, said)
    after = [
        one for n, said in enumerate(entries[stored:], stored + 1) for one in second.see(n, said)
    ]
    assert slots(before) | slots(after) == slots(raised(entries))
