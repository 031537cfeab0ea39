"""Lapses of all regions as they are written down: each once, none lost, also after a pause."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, update

from regions.instants import instant, now, seconds_of
from regions.people import people
from regions.tables import regional
from resolvers.pathway.becoming import Lapses
from resolvers.pathway.overdue import COLUMNS
from resolvers.pathway.storing import sweep
from tests.answering import Gateway
from tests.stores import in_store, noticed

_PLACE = [column.name for column in COLUMNS].index("pathway_id")


def _clock(number: int, due: str, **more: Any) -> dict[str, Any]:
    return {
        "pathway_id": number,
        "kind": "DIRECT_REPORT",
        "number": 1,
        "place": 0,
        "code": "320102",
        "unit_id": "cdc-320102",
        "reporter_unit": "hospital-320102-1",
        "opened_at": due,
        "due_at": due,
    } | more


def _person(number: int, at: str) -> dict[str, Any]:
    return {
        "id": number,
        "code": "320102",
        "sealed": b"",
        "created_at": at,
        "updated_at": at,
        "id_number_index": None,
        "phone_index": None,
        "name_birth_index": None,
    }


def _pathway(number: int, at: str) -> dict[str, Any]:
    return {
        "id": number,
        "record": "case",
        "person_id": number + 1000,
        "code": "320102",
        "unit_id": "cdc-320102",
        "level": "CASE",
        "started_as": "CASE",
        "started_at": at,
        "pack": "N113",
        "state": "REPORTED",
        "entered_at": at,
        "revisits": 0,
        "reporter_unit": "hospital-320102-1",
        "updated_at": at,
    }


def _begin(settings: Any, numbers: range, due: str) -> None:
    def work(connection: Connection) -> None:
        for number in numbers:
            connection.execute(insert(people).values(_person(number + 1000, due)))
            connection.execute(insert(regional.tables["pathways"]).values(_pathway(number, due)))
            connection.execute(
                insert(regional.tables["pathway_clocks"]).values(_clock(number, due))
            )

    in_store(settings, work)


def _sweep(settings: Any, at: str) -> None:
    in_store(settings, lambda connection: sweep(connection, at))


def _ago(seconds: int) -> str:
    return instant(seconds_of(now()) - seconds)


def _polled(gateway: Gateway, lapses: Lapses, after: int | None = 0) -> list[int]:
    _, events = gateway.run(lapses.poll(after))
    return [row[_PLACE] for row in events]


def test_each_lapse_is_told_once_whichever_region_wrote_it(either: Gateway) -> None:
    first, second = either.regions[:2]
    _begin(first, range(1, 3), _ago(600))
    _sweep(first, now())
    lapses = Lapses(either.federation)
    assert _polled(either, lapses, None) == []  # from now on
    assert _polled(either, lapses) == []
    _begin(second, range(11, 12), _ago(300))
    _begin(first, range(3, 5), _ago(60))
    assert _polled(either, lapses) == []  # they ran out, and nobody has written it yet
    _sweep(first, now())
    _sweep(second, now())
    assert _polled(either, lapses) == [11, 3, 4]  # the longest due first
    assert _polled(either, lapses) == []


def test_a_look_is_one_question_to_all_regions(either: Gateway) -> None:
    lapses = Lapses(either.federation)
    _polled(either, lapses, None)
    either.federation.rounds.clear()
    assert _polled(either, lapses) == []
    (reads,) = either.federation.rounds
    assert sorted(one.region for one in reads) == list(either.federation.everyone)


def test_what_was_written_by_a_transaction_that_ended_late_is_told(either: Gateway) -> None:
    first = either.regions[0]
    lapses = Lapses(either.federation)
    assert _polled(either, lapses, None) == []
    _begin(first, range(1, 2), _ago(600))
    _sweep(first, _ago(20))  # noted so long ago, and seen only now
    assert _polled(either, lapses) == [1]


def test_a_region_that_was_down_is_told_when_it_is_back(writer: Gateway) -> None:
    second = writer.regions[1]
    assert second.path is not None
    lapses = Lapses(writer.federation)
    assert _polled(writer, lapses, None) == []
    lapses._since = dict.fromkeys(writer.federation.everyone, _ago(3600))  # an hour has passed
    _begin(second, range(11, 12), _ago(3000))
    _sweep(second, _ago(2900))
    away = second.path.with_suffix(".away")
    second.path.rename(away)
    noticed()
    assert _polled(writer, lapses) == []
    away.rename(second.path)
    assert _polled(writer, lapses) == [11]
    assert _polled(writer, lapses) == []


def test_the_lapses_of_whoever_was_handed_over_are_told_elsewhere(either: Gateway) -> None:
    first = either.regions[0]
    lapses = Lapses(either.federation)
    assert _polled(either, lapses, None) == []
    _begin(first, range(1, 3), _ago(600))
    gone = update(people).where(people.c.id == 1001).values(kept_in="320200")
    in_store(first, lambda connection: connection.execute(gone))
    _sweep(first, now())
    assert _polled(either, lapses) == [2]


def test_many_at_once_are_all_told(either: Gateway) -> None:
    first = either.regions[0]
    lapses = Lapses(either.federation)
    assert _polled(either, lapses, None) == []
    due = _ago(600)

    def work(connection: Connection) -> None:
        numbers = range(1, 1202)
        connection.execute(insert(people), [_person(one + 1000 + 5000, due) for one in numbers])
        rows = [_pathway(one, due) | {"person_id": one + 6000} for one in numbers]
        connection.execute(insert(regional.tables["pathways"]), rows)
        noted = [_clock(one, due, missed_at=due, noted_at=now()) for one in numbers]
        connection.execute(insert(regional.tables["pathway_clocks"]), noted)

    in_store(first, work)
    assert _polled(either, lapses) == list(range(1, 1202))
    assert _polled(either, lapses) == []
