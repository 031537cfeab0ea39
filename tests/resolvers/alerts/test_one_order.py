"""Two transactions that want ids, counts and signals of a store: one waits, none fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, select, text

from regions.alerts import signals
from regions.cases import cases
from regions.ids import take_ids
from regions.keys import Keys
from regions.settings import RegionSettings
from regions.statistics import apply_counts
from resolvers.alerts.current import no_rules
from resolvers.alerts.single_case import signal_cards
from resolvers.alerts.slots import Found, put_signals
from resolvers.alerts.states import Event
from resolvers.alerts.steps import Who, apply
from schema.alerts import DetectionMethod as Method
from schema.alerts import SignalKind
from tests.resolvers.alerts.duty import signal
from tests.resolvers.alerts.nights import book, rule, run_nights, signal_rows
from tests.resolvers.writing.making import NATIONAL, Writer, case_input, correction
from tests.stores import Stores, in_store

PLAGUE = rule("plague", Method.SINGLE_CASE)
RULES = book(PLAGUE, rule("measles"))
DAY, AT = "2026-03-02", "2026-03-02T15:30:00Z"
_SECONDS = 60.0
_WAITS = text("SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))")


@pytest.fixture
def desk(stores: Stores, keys: Keys) -> Iterator[Writer]:
    """Nanjing on PostgreSQL, where many write at a time; it has ids for some cases."""
    made = Writer([stores.postgresql("3201")], keys)
    made.stores.rules = lambda: RULES
    made.do("registerCase", NATIONAL, case_input(disease="mumps"))
    yield made
    made.close()


@contextmanager
def beside(
    settings: RegionSettings,
    before: Callable[[Connection], Any],
    after: Callable[[Connection], Any],
) -> Iterator[None]:
    """A transaction in a thread: `before` is done when the block begins, `after` as soon as what
    the block does waits for it. Fails as it does.
    """
    begun, failed = threading.Event(), list[BaseException]()

    def work(connection: Connection) -> None:
        before(connection)
        begun.set()
        end = time.monotonic() + _SECONDS
        while not connection.scalar(_WAITS):
            assert time.monotonic() < end, "nobody waits"
            time.sleep(0.02)
        after(connection)

    def run() -> None:
        try:
            in_store(settings, work)
        except BaseException as error:
            failed.append(error)
        finally:
            begun.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert begun.wait(_SECONDS)
    try:
        yield
    finally:
        thread.join(_SECONDS)
    assert not failed, failed


def loads(cell: tuple[str, str, str]) -> tuple[Callable[[Connection], Any], ...]:
    """What a load does: ids first, then counts."""
    return (
        lambda connection: take_ids(connection, "320100", 2),
        lambda connection: apply_counts(connection, {cell: (1, 0)}),
    )


def test_registering_beside_a_load(desk: Writer) -> None:
    (region,) = desk.regions
    with beside(region, *loads(("plague", "320102", DAY))):
        given = case_input(disease="plague", reportedAt=AT)
        made = desk.do("registerCase", NATIONAL, given)
    assert made["__typename"] == "RegisterCasePayload", made
    (found,) = signal_rows(region)
    assert (found["observed"], found["cases"]) == (1, 2)


def test_correcting_beside_a_load(desk: Writer) -> None:
    (region,) = desk.regions
    made = desk.do("registerCase", NATIONAL, case_input(disease="mumps", reportedAt=AT))
    with beside(region, *loads(("plague", "320102", DAY))):
        done = desk.do("correct", NATIONAL, correction(made["case"]["id"], ("disease", "plague")))
    assert done["__typename"] == "CorrectPayload", done
    assert len(signal_rows(region)) == 1


def test_a_signal_that_is_sent_beside_a_night_that_absorbs_into_it(desk: Writer) -> None:
    (region,) = desk.regions
    row = signal(1, day="2026-03-01")
    in_store(region, lambda connection: connection.execute(signals.insert().values(row)))
    found = Found(SignalKind.STATISTICAL, rule("measles"), "320102", DAY, 3.0, 3, 0)

    def night(connection: Connection) -> None:
        put = put_signals(connection, region.code, [found], at=AT, data_version="1", absorb_days=7)
        assert len(put.absorbed) == 1

    with beside(region, lambda connection: take_ids(connection, "320100", 2), night):
        who = Who.system(AT)
        in_store(region, lambda connection: apply(connection, "320100", row["id"], Event.SEND, who))
    assert [one["state"] for one in signal_rows(region)] == ["SENT", "DETECTED"]


def test_a_night_and_a_correction_raise_the_signal_of_a_card_once(desk: Writer) -> None:
    """The rule came later than the card, so that each finds it without a signal."""
    (region,) = desk.regions
    desk.stores.rules = no_rules
    made = desk.do("registerCase", NATIONAL, case_input(disease="plague", reportedAt=AT))
    number = int(made["case"]["id"].partition(":")[2])

    def raising(connection: Connection) -> None:
        card = connection.execute(select(cases).where(cases.c.id == number)).mappings().one()
        assert len(signal_cards(connection, region, RULES, [dict(card)], AT)) == 1

    with beside(region, raising, lambda _: None):
        run_nights([region], desk.keys, RULES, DAY)
    assert len(signal_rows(region)) == 1
    in_store(region, lambda connection: connection.execute(signals.delete()))
    desk.stores.rules = lambda: RULES
    with beside(region, raising, lambda _: None):
        done = desk.do("correct", NATIONAL, correction(made["case"]["id"], ("outcome", "DIED")))
    assert done["__typename"] == "CorrectPayload", done
    assert len(signal_rows(region)) == 1
