"""The benchmarks measure what they say: equal data, equal answers, honest figures."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import compare
from bench.client import Load, Shot, request, run
from bench.data import DataSet, build, id_number
from bench.floor import Floor
from bench.machine import Others
from bench.people import search
from bench.people import sheet as people_sheet
from bench.question import FIELDS, PRIVATE, QUESTION, share
from bench.read import NAMES, Plan
from bench.read import compare as compare_servers
from bench.read import sheet as read_sheet
from bench.report import judged
from bench.rounds import BadAnswers, Contender, measure
from bench.servers import running
from bench.timing import Compared, Pair, likelihood
from bench.timing import compare as compare_times
from bench.timing import sheet as timing_sheet
from regions.blind_index import check_digit
from regions.contacts import contacts
from regions.keys import load_keys
from regions.sealing import Sealer
from resolvers.questions.listing import quota

pytestmark = pytest.mark.no_cover  # nothing of bench is counted, and the gateway elsewhere

PORT = 9950


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    return build(tmp_path_factory.mktemp("bench"), 3, contacts_each=60, people_each=80)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contender]:
    logs = tmp_path_factory.mktemp("logs")
    command = ["-m", "bench.empty", "--port", str(PORT + 9)]
    with running([("empty", PORT + 9, command)], logs) as servers:
        yield Contender(servers["empty"], (request(PORT + 9, b"{}"),))


def test_data_is_the_same_every_time_and_can_be_opened(data: DataSet, tmp_path: Path) -> None:
    again = build(tmp_path, 3, contacts_each=60, people_each=80)
    query = "SELECT * FROM contacts ORDER BY id"
    for one, other in zip(data.stores, again.stores, strict=True):
        with sqlite3.connect(one) as a, sqlite3.connect(other) as b:
            rows = a.execute(query).fetchall()
            assert rows == b.execute(query).fetchall()
            assert len(rows) == 60
            ((record, envelope, salt),) = a.execute(
                "SELECT id, sealed, salt FROM people JOIN person_keys ON person_id = id "
                "ORDER BY id LIMIT 1"
            ).fetchall()
            assert a.execute("SELECT count(*) FROM people").fetchone() == (80,)
        a.close()
        b.close()
    sealer = Sealer(load_keys(data.folder / "keys").sealing, data.prefixes[-1])
    assert sealer.open("people", record, envelope, salt)["id_number"] == id_number(2, 0)


def test_numbers_of_people_are_valid_different_and_nobodys() -> None:
    numbers = {id_number(region, number) for region in (0, 7) for number in range(2_000)}
    assert len(numbers) == 4_000
    assert all(number.startswith("9") for number in numbers)  # no province has it
    assert all(number[17] == check_digit(number[:17]) for number in numbers)


def test_a_share_is_never_more_than_the_page() -> None:
    assert [share(first, 4) for first in (1, 4, 40, 1_000)] == [1, 4, 21, 299]
    assert share(40, 1) == 40


def test_the_floor_asks_for_the_shares_that_epigate_asks_for() -> None:
    for first in (1, 4, 40, 1_000):
        for regions in (1, 4, 8, 32):
            assert share(first, regions) == quota(first, 1 / regions)


@pytest.mark.parametrize("variant", ["whole", "share"])
def test_the_floor_is_right_even_where_one_region_has_all_that_is_new(
    data: DataSet, tmp_path: Path, variant: str
) -> None:
    files = []
    for number, store in enumerate(data.stores):
        copy = tmp_path / store.name
        with sqlite3.connect(store) as source, sqlite3.connect(copy) as target:
            source.backup(target)
            if number == 1:
                target.execute(f"UPDATE {contacts.name} SET created_at = '2030' || created_at")
        source.close()
        target.close()
        files.append(str(copy))

    async def ask() -> list[str]:
        floor = Floor(files, variant)
        await floor.open()
        answer = json.loads(await floor.page(50))
        await floor.close()
        return [edge["node"]["id"] for edge in answer["data"]["contacts"]["edges"]]

    with sqlite3.connect(files[1]) as connection:
        newest = connection.execute(
            "SELECT id FROM contacts ORDER BY created_at DESC, id DESC LIMIT 50"
        ).fetchall()
    connection.close()
    assert asyncio.run(ask()) == [f"contact:{row[0]}" for row in newest]


def test_every_server_answers_alike_and_read_makes_its_table(data: DataSet) -> None:
    plan = Plan(
        pages=(1, 40, 180), regions=(3,), connections=(2,), rounds=1, seconds=0.1, port=PORT
    )
    results = list(compare_servers(data, plan))  # each page is checked before it is measured
    for result in results:
        assert set(result.figures) == set(NAMES)
        assert all(f.rate > 1 and 0 < f.p50 <= f.p99 for f in result.figures.values())
    made = read_sheet(results, Others())
    assert [row[0] for row in made.rows] == ["3 × 1 × 2", "", "3 × 40 × 2", "", "3 × 180 × 2", ""]
    assert "| 3 × 40 × 2 |" in made.markdown()


def test_people_are_found_and_duplicates_seen(data: DataSet) -> None:
    results = list(search(data, 80, connections=(2,), rounds=1, seconds=0.2, port=PORT + 30))
    assert set(results[0][1]) == {"people, clear", "checkDuplicate, masked"}
    assert len(people_sheet(results, 3, 80, Others()).rows) == 2


def test_times_that_are_alike_and_times_that_are_not() -> None:
    values = [float(number % 97) for number in range(970)]
    assert likelihood(values, values) == (0.5, 1.0)
    longer, chance = likelihood([value + 20 for value in values], values)
    assert 0.6 < longer < 0.8
    assert chance < 1e-9
    assert likelihood([2.0, 3.0], [0.0, 1.0])[0] == 1.0


def test_kinds_of_answers_are_compared_by_their_times(data: DataSet) -> None:
    results = list(compare_times(data, 80, runs=20, port=PORT + 40))
    assert [one.pair.name for one in results] == ["checkDuplicate", "node", "chain", "contacts"]
    assert all(0 <= one.longer <= 1 and 0 <= one.chance <= 1 for one in results)
    assert len(timing_sheet(results, 20, Others()).rows) == 4


@pytest.mark.parametrize(("alike", "told"), [(True, "**0.75**"), (False, "0.75")])
def test_what_time_tells_is_marked_where_it_must_not(alike: bool, told: str) -> None:
    pair = Pair("node", ("hidden", "missing"), "", ((), ()), alike=alike)
    (row,) = timing_sheet([Compared(pair, (1.5, 1.0), 0.75, 0.001)], 20, Others()).rows
    assert row == ("node", "hidden / missing", "1.500", "1.000", told, "0.001")
    (row,) = timing_sheet([Compared(pair, (1.0, 1.0), 0.55, 0.4)], 20, Others()).rows
    assert row[4] == "0.55"


def test_the_load_generator_counts_what_is_not_a_good_answer(empty: Contender) -> None:
    good = run(Load(empty.server.port, empty.requests, 0, 4, 0.2))
    assert good.ok()
    assert good.rate > 100
    assert len(good.seconds) * len(b'{"data":{}}') == good.octets
    lost = run(Load(empty.server.port, (request(PORT + 9, b"{}", path="/lost"),), 0, 2, 0.1))
    assert lost.refused > 1
    assert not lost.ok()
    short = run(Load(empty.server.port, empty.requests, 12, 2, 0.1))  # 12 octets wanted, 11 come
    assert short.failed > 1
    assert not short.ok()
    with pytest.raises(BadAnswers, match="0 good answers"):
        measure(
            {"empty": Contender(empty.server, empty.requests, 12)},
            connections=1,
            rounds=1,
            seconds=0.1,
        )
    bad = run(Load(empty.server.port, (b"nonsense\r\n\r\n",), 0, 1, 0.2))
    assert not bad.ok()


def test_percentiles() -> None:
    shot = Shot(elapsed=2.0)
    shot.seconds.extend(number / 1000 for number in range(1, 101))
    assert shot.rate == 50
    assert shot.percentile(0.5) == pytest.approx(51)
    assert shot.percentile(0.99) == pytest.approx(100)


def test_a_wrong_answer_is_named() -> None:
    def answer(**changed: str) -> object:
        node = {field: "*" if field in PRIVATE else "x" for field in FIELDS} | changed
        return {"data": {"contacts": {"edges": [{"node": node}]}}}

    compare.same({"a": answer(), "b": answer()}, 1)
    with pytest.raises(BadAnswers, match="contact 0, code: b answered 'y', a 'x'"):
        compare.same({"a": answer(), "b": answer(code="y")}, 1)
    with pytest.raises(BadAnswers, match="a answered"):
        compare.same({"a": {"errors": [{"message": "no"}]}}, 1)
    opened = answer(**dict.fromkeys(PRIVATE, "in clear"))
    compare.opened(answer(), opened)
    with pytest.raises(BadAnswers, match="name"):
        compare.opened(answer(), answer())
    with pytest.raises(BadAnswers, match="not the same contact"):
        compare.opened(answer(level="y"), opened)


def test_the_question_has_the_twelve_fields() -> None:
    assert len(FIELDS) == 12
    assert QUESTION.endswith("{edges{node{" + " ".join(FIELDS) + "}}}}")


def test_what_misses_its_goal_is_bold() -> None:
    assert judged(12.34, 10, at_least=True) == "12.3"
    assert judged(9.5, 10, at_least=True) == "**9.50**"
    assert judged(1.4, 1.5) == "1.40"
    assert judged(1.6, 1.5) == "**1.60**"
