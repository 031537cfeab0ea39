"""Messages of signals in the stores: put once, addressed by the roster, leased, settled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, event, insert, select, update

from regions.alerts import signal_events, signals
from regions.fencing import fence
from regions.instants import seconds_of
from regions.keys import Keys
from regions.offices import duty_persons
from regions.reference import diseases
from regions.sealing import Sealer
from regions.settings import RegionSettings
from regions.signal_messages import signal_messages
from resolvers.alerts.addressing import (
    Addressee,
    Due,
    address,
    addressees,
    due_messages,
    lacks_people,
    put_off,
)
from resolvers.alerts.deliveries import (
    NEVER,
    Delivery,
    Settled,
    begin_handing,
    lease,
    next_due,
    next_look,
    readdress,
    settle,
)
from resolvers.alerts.messages import (
    MessageLimits,
    is_overdue,
    level_of,
    put_messages,
    put_overdue,
    untold_messages,
)
from tests.keys import same_keys
from tests.resolvers.alerts.telling import (
    COUNTY_UNIT,
    answer,
    at,
    deliveries,
    in_central,
    messages,
    put_person,
    raise_one,
)
from tests.stores import Stores, in_store

REGION = "320100"
CHANNELS = ("SMS", "EMAIL", "FILE")
LIMITS = MessageLimits(escalate=(4, 8), escalate_statistical=(12,))
PEOPLE = [Addressee("SMS", COUNTY_UNIT, "duty-1", 1), Addressee("EMAIL", COUNTY_UNIT, "duty-1", 1)]
SMS, FILE = Addressee("SMS", COUNTY_UNIT, "duty-1", 1), Addressee("FILE")

Within = Callable[[Callable[[Connection], Any]], Any]


@pytest.fixture
def within(store_settings: RegionSettings) -> Within:
    """Runs work in a transaction of a store that knows measles and plague."""
    return lambda work: in_store(store_settings, work)


def raised(connection: Connection, serial: int = 1, due: float = 0, **given: Any) -> int:
    signal_id = raise_one(connection, serial, **given)
    put_messages(connection, REGION, [signal_id], at(due))
    return signal_id


def addressed(
    connection: Connection, to: list[Addressee], hours: float = 0, *, wholly: bool = True
) -> None:
    for due in due_messages(connection, at(hours)):
        assert address(connection, REGION, due, to, at(hours), LIMITS, wholly=wholly)


def take(connection: Connection, by: str = "one", hours: float = 0, **more: Any) -> list[Delivery]:
    given: dict[str, Any] = {"seconds": 120, "most": 10, "dropping": {"FILE"}}
    given |= {"channels": CHANNELS, "limits": LIMITS} | more
    return lease(connection, by, at(hours), **given)


def done(connection: Connection, one: Delivery, by: str, hours: float, **more: Any) -> None:
    settled = Settled(more.pop("state", "ACCEPTED"), more.pop("outcome", "HTTP_200"), **more)
    settle(connection, REGION, one, by, settled, at(hours))


def of_signal(connection: Connection, signal_id: int) -> tuple[str, str | None]:
    c = signals.c
    return tuple(connection.execute(select(c.state, c.sent_at).where(c.id == signal_id)).one())


def events(connection: Connection) -> list[str]:
    return list(connection.scalars(select(signal_events.c.event).order_by(signal_events.c.id)))


def test_a_message_is_put_once_for_an_occasion(within: Within) -> None:
    def work(connection: Connection) -> None:
        ids = [raise_one(connection, number) for number in (1, 2)]
        put_messages(connection, REGION, ids[:1], at(20))
        put_messages(connection, REGION, ids, at(20))
        put_messages(connection, REGION, [], at(20))
        assert messages(connection) == [("FIRST", "WAITING")] * 2
        assert due_messages(connection, at(19.9)) == []
        assert [one.signal_id for one in due_messages(connection, at(20))] == ids

    within(work)


def test_nobody_is_told_of_history(within: Within) -> None:
    """A line list of years ago that is loaded raises its signals, and calls nobody."""

    def work(connection: Connection) -> None:
        ids = [
            raise_one(connection, number, day=day)
            for number, day in enumerate(("2013-04-01", "2026-10-28", "2026-10-29"), 1)
        ]
        put_messages(connection, REGION, ids, at(0))
        assert [one.signal_id for one in due_messages(connection, at(0))] == ids[2:]

    within(work)


def test_the_messages_of_a_whole_night(within: Within) -> None:
    def work(connection: Connection) -> None:
        ids = [raise_one(connection, number) for number in range(1, 1_100)]
        put_messages(connection, REGION, ids, at(20))
        put_messages(connection, REGION, ids, at(20))
        assert len(messages(connection)) == 1_099

    within(work)


def test_the_text_and_a_delivery_for_each(within: Within) -> None:
    def work(connection: Connection) -> None:
        raised(connection)
        addressed(connection, [*PEOPLE, FILE])
        text = connection.scalar(select(signal_messages.c.text))
        assert text == "预警系统提示-编号32010220261127001,玄武区，请关注麻疹"
        found = deliveries(connection, "channel", "unit_id", "account", "record", "state")
        assert found == [
            ("SMS", COUNTY_UNIT, "duty-1", 1, "DUE"),
            ("EMAIL", COUNTY_UNIT, "duty-1", 1, "DUE"),
            ("FILE", "", "", None, "DUE"),
        ]
        assert len(set(deliveries(connection, "key"))) == 3
        (due,) = [Due(*row) for row in _waiting(connection)]
        assert not address(connection, REGION, due, PEOPLE, at(1), LIMITS)  # by another gateway
        assert len(deliveries(connection, "id")) == 3

    within(work)


def _waiting(connection: Connection) -> list[tuple[Any, ...]]:
    m, s = signal_messages.c, signals.c
    query = select(
        m.id, m.signal_id, m.occasion, m.due_at, s.number, s.kind, s.code, s.disease, s.day
    )
    rows = connection.execute(query.join(signals, s.id == m.signal_id))
    return [(*row, (), True) for row in rows]


def test_a_signal_moves_on_by_the_first_acceptance(within: Within) -> None:
    def work(connection: Connection) -> None:
        signal_id = raised(connection, kind="SINGLE_CASE", disease="plague")
        addressed(connection, [*PEOPLE, FILE])
        sms, email, file = take(connection)
        assert (sms.text[-3:], sms.attempts) == ("1号病", 1)
        done(connection, sms, "one", 0.1, state="FAILED", outcome="HTTP_400")
        assert of_signal(connection, signal_id) == ("DETECTED", None)
        done(connection, file, "one", 0.2)  # a line in a file tells nobody
        assert of_signal(connection, signal_id) == ("DETECTED", None)
        done(connection, email, "one", 0.3, reference="queued-7")
        assert of_signal(connection, signal_id) == ("SENT", at(0.3))
        assert events(connection) == ["SEND"]
        columns = ("state", "outcome", "reference", "settled_at")
        assert deliveries(connection, *columns) == [
            ("FAILED", "HTTP_400", None, at(0.1)),
            ("ACCEPTED", "HTTP_200", "queued-7", at(0.3)),
            ("ACCEPTED", "HTTP_200", None, at(0.2)),
        ]

    within(work)


def test_where_there_is_no_channel_to_people_a_file_counts(within: Within) -> None:
    def work(connection: Connection) -> None:
        signal_id = raised(connection)
        addressed(connection, [FILE])
        assert untold(connection, 1) == (1, at(0))
        (file,) = take(connection)
        done(connection, file, "one", 0.1)
        assert of_signal(connection, signal_id) == ("SENT", at(0.1))
        assert untold(connection, 1) == (0, None)

    within(work)


def test_a_file_is_written_at_once_and_people_are_looked_for(within: Within) -> None:
    """Nobody is on duty so far: the file has its line, and nobody was told."""

    def work(connection: Connection) -> None:
        signal_id = raised(connection, kind="SINGLE_CASE")
        addressed(connection, [FILE], wholly=False)
        assert messages(connection) == [("FIRST", "WAITING")]
        (file,) = take(connection)
        assert file.text == connection.scalar(select(signal_messages.c.text))
        done(connection, file, "one", 0.1)
        assert of_signal(connection, signal_id) == ("DETECTED", None)
        assert untold(connection, 0.2) == (1, at(0))
        addressed(connection, [SMS, FILE], 0.3)  # somebody is on duty by now
        assert messages(connection) == [("FIRST", "ADDRESSED")]
        assert deliveries(connection, "channel") == ["FILE", "SMS"]
        (sms,) = take(connection, hours=0.3)
        done(connection, sms, "one", 0.4)
        assert of_signal(connection, signal_id) == ("SENT", at(0.4))
        assert untold(connection, 0.5) == (0, None)

    within(work)


def test_sent_again_after_two_hours_and_then_above(within: Within) -> None:
    """E10; the levels by configuration."""

    def work(connection: Connection) -> None:
        signal_id = raised(connection, kind="SINGLE_CASE", disease="plague")
        addressed(connection, [SMS])
        (sms,) = take(connection)
        done(connection, sms, "one", 0.5)
        for hours, occasions in (
            (2.4, []),
            (2.5, ["AGAIN"]),
            (4.6, ["LEVEL-1"]),
            (30, ["LEVEL-2"]),
        ):
            assert is_overdue(connection, at(hours), LIMITS) == bool(occasions)
            put_overdue(connection, REGION, at(hours), LIMITS)
            assert not is_overdue(connection, at(hours), LIMITS)
            due = due_messages(connection, at(hours))
            assert [one.occasion for one in due] == occasions, hours
            addressed(connection, [SMS], hours)
            for again in take(connection, hours=hours):
                done(connection, again, "one", hours)
        assert of_signal(connection, signal_id) == ("RESENT", at(0.5))
        assert events(connection) == ["SEND", "RESEND"]
        assert len(set(deliveries(connection, "key"))) == 4
        assert [level_of(one) for one in ("FIRST", "AGAIN", "LEVEL-2")] == [None, None, 2]

    within(work)


def test_whoever_answered_is_left_alone(within: Within) -> None:
    def work(connection: Connection) -> None:
        answered, absorbed, counted = (
            raised(connection, number, kind=kind)
            for number, kind in ((1, "SINGLE_CASE"), (2, "SINGLE_CASE"), (3, "STATISTICAL"))
        )
        addressed(connection, [SMS])
        for one in take(connection):
            done(connection, one, "one", 0)
        put_overdue(connection, REGION, at(2), LIMITS)
        assert messages(connection)[3:] == [("AGAIN", "WAITING")] * 2  # single cases alone
        answer(connection, answered)
        which = update(signals).where(signals.c.id == absorbed)
        connection.execute(which.values(absorbed_into=counted))
        due = due_messages(connection, at(2))
        assert [one.concerned for one in due] == [False, False]
        assert [put_off(connection, one, at(2), LIMITS) for one in due] == ["DROPPED"] * 2
        put_overdue(connection, REGION, at(30), LIMITS)
        assert messages(connection)[5:] == [("LEVEL-1", "WAITING")]  # of the counted one
        answer(connection, counted)
        late = raised(connection, 4, due=8)
        answer(connection, late)  # somebody looked before it was due: it is sent all the same
        due = due_messages(connection, at(30))
        assert [(one.signal_id, one.concerned) for one in due] == [(late, True), (counted, False)]

    within(work)


def test_a_doubtful_first_message_is_followed_by_another(within: Within) -> None:
    def work(connection: Connection) -> None:
        signal_id = raised(connection, kind="SINGLE_CASE")
        addressed(connection, [SMS])
        (sms,) = take(connection)
        done(connection, sms, "one", 0, state="DOUBTFUL", outcome="ANSWER_LOST")
        assert of_signal(connection, signal_id) == ("DETECTED", None)
        put_overdue(connection, REGION, at(2), LIMITS)
        addressed(connection, [SMS], 2)
        (again,) = take(connection, hours=2)
        assert again.key != sms.key
        done(connection, again, "one", 2)
        assert of_signal(connection, signal_id) == ("SENT", at(2))

    within(work)


PLAIN = MessageLimits()


def put_and_taken(connection: Connection, hours: float) -> list[tuple[str, Delivery]]:
    """What `put_overdue` puts, addressed and under a lease: occasion and delivery."""
    assert is_overdue(connection, at(hours), PLAIN) == bool(
        put_overdue(connection, REGION, at(hours), PLAIN)
    )
    assert not is_overdue(connection, at(hours), PLAIN)
    addressed(connection, [SMS, FILE], hours)
    return [(one.occasion, one) for one in take(connection, hours=hours) if one.channel == "SMS"]


@pytest.mark.parametrize("kind", ["SINGLE_CASE", "STATISTICAL"])
def test_what_no_receiver_takes_goes_to_the_level_above(within: Within, kind: str) -> None:
    """A number that is not in use tells nobody: the next level is told at once, and the next."""

    def work(connection: Connection) -> None:
        signal_id = raised(connection, kind=kind, detected_at=at(0))
        addressed(connection, [*PEOPLE, FILE])
        sms, email, file = take(connection)
        done(connection, file, "one", 0)
        done(connection, sms, "one", 0, state="FAILED", outcome="HTTP_400")
        assert put_and_taken(connection, 0.01) == []  # a mail is still under way
        done(connection, email, "one", 0.01, state="FAILED", outcome="SMTP_550")
        ((occasion, one),) = put_and_taken(connection, 0.02)
        assert occasion == "LEVEL-1"
        done(connection, one, "one", 0.02, state="FAILED", outcome="HTTP_400")
        assert of_signal(connection, signal_id) == ("DETECTED", None)
        assert untold(connection, 0.03) == (2, at(0))
        ((occasion, one),) = put_and_taken(connection, 0.03)
        assert occasion == "LEVEL-2"
        done(connection, one, "one", 0.03)
        assert of_signal(connection, signal_id) == ("SENT", at(0.03))
        assert untold(connection, 0.04) == (0, None)
        assert put_and_taken(connection, 1) == []
        again = ["AGAIN"] if kind == "SINGLE_CASE" else []
        assert [occasion for occasion, _ in put_and_taken(connection, 2.1)] == again

    within(work)


def test_a_gateway_that_says_no_each_time_is_believed(within: Within) -> None:
    """It answers 200, and that it has not taken the message."""

    def work(connection: Connection) -> None:
        raised(connection, detected_at=at(0))
        addressed(connection, [SMS])
        hours = 0.0
        for attempt in range(6):
            (one,) = take(connection, hours=hours)
            assert not is_overdue(connection, at(hours), PLAIN), attempt
            done(connection, one, "one", hours, state="DUE", outcome="NOT_ACCEPTED")
            hours += 2**attempt * 5 / 3_600 + 0.0001
        assert [occasion for occasion, _ in put_and_taken(connection, hours)][-1] == "LEVEL-1"

    within(work)


@pytest.mark.parametrize("outcome", ["UNREACHABLE", "HTTP_503", "TIMED_OUT"])
def test_a_channel_that_is_away_calls_nobody_above(within: Within, outcome: str) -> None:
    def work(connection: Connection) -> None:
        raised(connection, detected_at=at(0))
        addressed(connection, [SMS])
        for hours in (0, 0.1, 0.2, 0.4, 0.7, 1, 1.5, 2):
            (one,) = take(connection, hours=hours)
            done(connection, one, "one", hours, state="DUE", outcome=outcome)
            assert not is_overdue(connection, at(hours), PLAIN)
        (one,) = take(connection, hours=3)
        done(connection, one, "one", 3, state="DOUBTFUL", outcome="ANSWER_LOST")
        assert not is_overdue(connection, at(3), PLAIN)

    within(work)


def test_whoever_looked_by_himself_needs_nobody_above(within: Within) -> None:
    def work(connection: Connection) -> None:
        signal_id = raised(connection, detected_at=at(0))
        addressed(connection, [SMS])
        (one,) = take(connection)
        done(connection, one, "one", 0, state="FAILED", outcome="HTTP_400")
        assert is_overdue(connection, at(0), PLAIN)
        assert not is_overdue(connection, at(25), PLAIN)  # of long ago
        which = update(signals).where(signals.c.id == signal_id)
        connection.execute(which.values(state="VIEWED"))
        assert not is_overdue(connection, at(0), PLAIN)

    within(work)


def test_one_sender_at_a_time(within: Within) -> None:
    def work(connection: Connection) -> None:
        raised(connection)
        addressed(connection, [SMS, FILE])
        sms, file = take(connection, "one")
        assert take(connection, "two") == []
        assert next_due(connection, at(0.01), CHANNELS, LIMITS).first > at(0.01)
        assert begin_handing(connection, sms, "one", at(0.01))
        assert not begin_handing(connection, sms, "two", at(0.01))
        assert not begin_handing(connection, sms, "one", at(0.1))  # the lease ended
        (again,) = take(connection, "two", 0.1)  # the short message is in doubt, the file is not
        assert (again.id, again.key, again.attempts) == (file.id, file.key, 2)
        assert deliveries(connection, "state", "outcome")[0] == ("DOUBTFUL", "INTERRUPTED")
        done(connection, file, "one", 0.11, state="DUE", outcome="HTTP_503")  # no longer its own
        assert deliveries(connection, "state") == ["DOUBTFUL", "SENDING"]
        done(connection, sms, "one", 0.12)  # it came to an end after all: a fact
        assert deliveries(connection, "state") == ["ACCEPTED", "SENDING"]

    within(work)


def test_before_the_point_of_no_return_nothing_is_in_doubt(within: Within) -> None:
    def work(connection: Connection) -> None:
        raised(connection)
        addressed(connection, [SMS])
        (first,) = take(connection)
        (second,) = take(connection, "two", 0.1)
        assert (first.key, second.attempts) == (second.key, 2)

    within(work)


def test_what_a_store_from_a_backup_does_not_know_is_in_doubt(within: Within) -> None:
    """It may have been sent after the backup was made."""

    def work(connection: Connection) -> None:
        raised(connection)
        addressed(connection, [SMS, FILE])
        fence(connection, REGION, at(1))
        assert [one.channel for one in take(connection, hours=1)] == ["FILE"]
        assert deliveries(connection, "state", "outcome")[0] == ("DOUBTFUL", "RESTORED")
        raised(connection, 2, due=2)
        addressed(connection, [SMS], 2)
        assert [one.channel for one in take(connection, hours=2)] == ["FILE", "SMS"]

    within(work)


def test_what_is_refused_for_now_is_tried_later_and_later(within: Within) -> None:
    def work(connection: Connection) -> None:
        raised(connection)
        addressed(connection, [SMS])
        waits, hours = [], 0.0
        while found := take(connection, hours=hours):
            done(connection, found[0], "one", hours, state="DUE", outcome="HTTP_503")
            (look,) = deliveries(connection, "look_at")
            waits.append(seconds_of(look) - seconds_of(at(hours)))
            hours += waits[-1] / 3_600 + 0.0001
        assert waits[:9] == [5, 10, 20, 40, 80, 160, 320, 600, 600]
        assert 24 < hours < 24.5
        assert deliveries(connection, "state", "outcome") == [("FAILED", "HTTP_503")]

    within(work)


def untold(connection: Connection, hours: float) -> tuple[Any, ...]:
    """How many messages reached nobody, and since when."""
    return tuple(connection.execute(untold_messages(at(hours))).one())


def test_what_reached_nobody_is_counted(within: Within) -> None:
    def work(connection: Connection) -> None:
        assert untold(connection, 0) == (0, None)
        raised(connection, 1, due=1)
        raised(connection, 2, due=2)
        assert untold(connection, 0.9) == (0, None)
        assert untold(connection, 3) == (2, at(1))
        addressed(connection, [SMS, FILE], 3)
        sms, file, *_ = take(connection, hours=3)
        done(connection, sms, "one", 3, state="DOUBTFUL", outcome="ANSWER_LOST")
        assert untold(connection, 3) == (2, at(1))
        done(connection, file, "one", 3)
        assert untold(connection, 3) == (2, at(1))  # a line in a file tells nobody
        done(connection, sms, "one", 3)  # it came to an end after all
        assert untold(connection, 3) == (1, at(2))
        assert untold(connection, 200) == (0, None)  # of a week

    within(work)


def test_a_channel_this_gateway_does_not_have_is_left_to_others(within: Within) -> None:
    def work(connection: Connection) -> None:
        raised(connection)
        addressed(connection, PEOPLE)
        assert [one.channel for one in take(connection, channels={"EMAIL"})] == ["EMAIL"]
        assert take(connection, channels={"EMAIL"}) == []
        assert at(0.01) < next_due(connection, at(0.01), {"EMAIL"}, LIMITS).delivery < NEVER
        assert [one.channel for one in take(connection, "two")] == ["SMS"]  # not delayed

    within(work)


def test_what_nobody_has_a_channel_for_any_more_is_given_up(within: Within) -> None:
    def work(connection: Connection) -> None:
        raised(connection)
        addressed(connection, [SMS])
        assert take(connection, channels={"FILE"}, hours=24) == []
        assert deliveries(connection, "state") == ["DUE"]
        assert next_due(connection, at(24), {"FILE"}, LIMITS).delivery == NEVER
        assert next_due(connection, at(24.1), {"FILE"}, LIMITS).delivery == at(0)
        assert take(connection, channels={"FILE"}, hours=24.1) == []
        assert deliveries(connection, "state", "outcome") == [("FAILED", "LATE")]

    within(work)


def test_a_new_number_is_another_message_to_a_receiver(within: Within) -> None:
    def work(connection: Connection) -> None:
        raised(connection)
        addressed(connection, [SMS])
        (sms,) = take(connection)
        assert readdress(connection, sms, 7, "two", at(0.01)) is None
        again = readdress(connection, sms, 7, "one", at(0.01))
        assert again is not None
        assert (again.id, again.record) == (sms.id, 7)
        assert again.key != sms.key
        assert readdress(connection, again, 7, "one", at(0.01)) == again
        assert deliveries(connection, "record", "key") == [(7, again.key)]
        assert readdress(connection, again, 8, "one", at(0.1)) is None  # the lease ended
        addressed(connection, [SMS], 0.1)
        assert len(deliveries(connection, "id")) == 1

    within(work)


def test_nobody_on_duty_is_looked_for_again(within: Within) -> None:
    def work(connection: Connection) -> None:
        raised(connection)
        (due,) = due_messages(connection, at(0))
        assert put_off(connection, due, at(0), LIMITS) == "WAITING"
        assert due_messages(connection, at(0.01)) == []
        (due,) = due_messages(connection, at(0.02))
        assert put_off(connection, due, at(24.1), LIMITS) == "NOBODY"
        assert messages(connection) == [("FIRST", "NOBODY")]

    within(work)


def test_a_signal_without_a_text_is_refused(within: Within) -> None:
    def work(connection: Connection) -> None:
        connection.execute(
            insert(diseases).values(
                key="x",
                name_zh="王小芳 15400000001",
                name_en="",
                law_class="OTHER",
                alert_method="NONE",
                icd10="",
            )
        )
        raised(connection, 1, disease="x")
        put_messages(connection, REGION, [raise_one(connection, 2, number="王小芳")], at(0))
        for due in due_messages(connection, at(0)):
            with pytest.raises(ValueError, match=r"called by a name|17 digits"):
                address(connection, REGION, due, PEOPLE, at(0), LIMITS)
        assert deliveries(connection, "id") == []

    within(work)


@given(st.integers(1, 400), st.integers(0, 5_000))
def test_waits_only_grow(attempts: int, asked: int) -> None:
    wait = seconds_of(next_look(attempts, at(0), asked)) - seconds_of(at(0))
    assert max(5, asked) <= wait <= max(600, asked)
    assert wait <= seconds_of(next_look(attempts + 1, at(0), asked)) - seconds_of(at(0))


def test_a_look_reads_no_more_than_what_is_due(stores: Stores) -> None:
    """Every second, beside years of messages."""

    def work(connection: Connection) -> str:
        said: list[str] = []

        def explain(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
            plan = connection.connection.cursor()
            plan.execute(f"EXPLAIN QUERY PLAN {statement}", values)
            said.extend(row[3] for row in plan.fetchall())

        event.listen(connection, "before_cursor_execute", explain)
        next_due(connection, at(0), CHANNELS, LIMITS)
        due_messages(connection, at(0))
        take(connection)
        event.remove(connection, "before_cursor_execute", explain)
        return "\n".join(said)

    plan = in_store(stores.sqlite("3201"), work)
    assert "USING INDEX ix_signal_messages_waiting (look_at<?)" in plan
    assert "SCAN signal_messages USING INDEX ix_signal_messages_waiting" in plan
    assert "SCAN signal_deliveries USING INDEX ix_signal_deliveries_open" in plan
    assert plan.count("ix_signal_deliveries_open (look_at<?)") == 1
    assert plan.count("SCAN signal") == 2  # of those that wait, the first
    assert "TEMP B-TREE" not in plan


# Who is told.

ALL = ("SMS", "EMAIL", "WEBHOOK", "FILE")
UNITS = ("cdc-320102", "cdc-320100", "cdc-320000", "cdc-000000")


def told(
    tmp_path: Path, *people: dict[str, Any], channels: Any = ("SMS",), **given: Any
) -> list[tuple[str, str, str]]:
    """Channel, unit and account of those who are told of a signal in Xuanwu."""
    keys: Keys = same_keys()

    def work(central: Connection) -> list[tuple[str, str, str]]:
        for number, one in enumerate(people, 1):
            put_person(central, keys, number, **one)
        values: dict[str, Any] = {
            "kind": "STATISTICAL",
            "code": "320102",
            "disease": "plague",
            "day": "",
            "members": (),
        }
        values |= {"occasion": "FIRST", "concerned": True} | given
        due = Due(id=1, signal_id=1, due_at=at(0), number="", **values)
        found = addressees(central, Sealer(keys.sealing, "000000"), due, at(0), channels)
        personal = {"SMS", "EMAIL"}
        lacking = bool(personal & set(channels)) and not personal & {one.channel for one in found}
        assert lacks_people(found, channels) == lacking
        records = set(central.scalars(select(duty_persons.c.id)))
        assert all((one.record in records) == (one.channel in ALL[:2]) for one in found)
        return [(one.channel, one.unit_id, one.account) for one in found]

    return in_central(tmp_path / "gateway.db", work)


def test_the_county_is_told_by_every_channel(tmp_path: Path) -> None:
    people: list[dict[str, Any]] = [
        {"unit": UNITS[0]},
        {"unit": UNITS[0], "standing": False},
        {"unit": UNITS[1], "diseases": ["plague"]},
    ]
    assert told(tmp_path, *people, channels=ALL) == [
        ("SMS", UNITS[0], "duty-1"),
        ("EMAIL", UNITS[0], "duty-1"),
        ("FILE", "", ""),
        ("WEBHOOK", "", ""),
    ]


def test_of_a_single_case_also_those_who_set_the_disease(tmp_path: Path) -> None:
    """E3: the own level, and the CDCs that set the disease."""
    people: list[dict[str, Any]] = [
        {"unit": UNITS[0], "diseases": ["sars"]},
        {"unit": UNITS[1], "diseases": ["plague"]},
        {"unit": UNITS[2], "diseases": ["sars"]},
        {"unit": UNITS[3], "diseases": ["plague", "sars"]},
        {"unit": "cdc-330000", "diseases": ["plague"]},
    ]
    assert [one[1] for one in told(tmp_path, *people, kind="SINGLE_CASE")] == [
        UNITS[0],
        UNITS[1],
        UNITS[3],
    ]


def test_where_nobody_is_on_duty_the_next_above_is_told(tmp_path: Path) -> None:
    assert told(tmp_path) == []
    assert told(tmp_path, channels=("FILE",)) == [("FILE", "", "")]
    assert told(tmp_path, channels=("FILE", "SMS")) == [("FILE", "", "")]
    people = [{"unit": UNITS[2]}, {"unit": UNITS[3]}]
    assert told(tmp_path, *people) == [("SMS", UNITS[2], "duty-1")]


def test_an_address_that_is_not_there_is_not_mailed(tmp_path: Path) -> None:
    assert told(tmp_path, {"email": None}, channels=("SMS", "EMAIL")) == [
        ("SMS", UNITS[0], "duty-1")
    ]


def test_whom_no_channel_reaches_is_not_told_but_the_next_above(tmp_path: Path) -> None:
    people: list[dict[str, Any]] = [
        {"unit": UNITS[0], "email": None},
        {"unit": UNITS[1], "email": None},
        {"unit": UNITS[2]},
    ]
    found = told(tmp_path, *people, channels=("EMAIL", "FILE"))
    assert found == [("EMAIL", UNITS[2], "duty-3"), ("FILE", "", "")]


def test_the_levels_above(tmp_path: Path) -> None:
    people = [{"unit": one} for one in (UNITS[0], UNITS[1], UNITS[3])]
    for level, unit in ((1, UNITS[1]), (2, UNITS[3]), (3, UNITS[3])):
        folder = tmp_path / str(level)
        folder.mkdir()
        found = told(folder, *people, occasion=f"LEVEL-{level}", kind="SINGLE_CASE")
        assert [one[1] for one in found] == [unit], level


def test_every_county_of_a_cluster_is_told_once(tmp_path: Path) -> None:
    people = [{"unit": one} for one in ("cdc-320102", "cdc-320104", "cdc-341821")]
    members = ("320102", "320104", "341821", "320105")
    found = told(tmp_path, *people, kind="CLUSTER", members=members)
    assert [one[1] for one in found] == ["cdc-320102", "cdc-320104", "cdc-341821"]
