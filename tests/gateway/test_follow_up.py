"""`GET /follow-up-sheets/<date>.csv`: the sheet of a unit's day, as the viewer may see it."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from tests.served import Demo, Gateway, serving

_DAY = "2026-11-22"
_SHEET = """query ($d: Date!, $u: ID) { followUpSheet(date: $d, unit: $u) { unitId
  people { record state day due { kind dueAt } case { name } contact { name } } } }"""


@pytest.fixture(scope="module")
def gateway(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    own = demo.copied(tmp_path_factory.mktemp("sheets"), deadline_ms=20_000)
    with serving(own, counted=True) as made:
        yield made


def _get(gateway: Gateway, path: str, who: str | None) -> httpx.Response:
    return httpx.get(f"{gateway.url}{path}", headers=gateway.headers(who), timeout=60)


def _lines(answer: httpx.Response) -> tuple[list[str], list[list[str]]]:
    """The remarks of a file, and its lines with the heads first."""
    text = answer.content.decode("utf-8-sig")
    every = text.splitlines(keepends=True)
    remarks = [one.strip() for one in every if one.startswith("#")]
    told = "".join(one for one in every if not one.startswith("#"))
    return remarks, list(csv.reader(io.StringIO(told)))


def _busiest(gateway: Gateway) -> str:
    """The unit with most clocks that wait."""
    found = []
    for one in gateway.demo.config.regions:
        with closing(sqlite3.connect(str(one.path))) as store:
            found += store.execute(
                "SELECT count(*), unit_id FROM pathway_clocks WHERE met_at IS NULL "
                "AND dropped_at IS NULL AND due_at < '2026-11-22T16' GROUP BY unit_id"
            ).fetchall()
    return str(max(found)[1])


def test_the_file_has_what_the_question_gives_masked_the_same(gateway: Gateway) -> None:
    unit = _busiest(gateway)
    asked = gateway.data(_SHEET, {"d": _DAY, "u": unit})["followUpSheet"]["people"]
    answer = _get(gateway, f"/follow-up-sheets/{unit}/{_DAY}.csv", "national")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert f'filename="follow-up-{unit}-{_DAY}.csv"' in answer.headers["content-disposition"]
    remarks, (heads, *rows) = _lines(answer)
    assert [row[0] for row in rows] == [one["record"] for one in asked] != []
    places = {head: number for number, head in enumerate(heads)}
    assert {row[places["姓名 name"]] for row in rows} == {"*"}
    assert [row[places["时限 until"]] for row in rows] == [one["due"][0]["dueAt"] for one in asked]
    assert any(unit in one and _DAY in one for one in remarks)
    assert f"# 行数 rows,{len(rows)}" in remarks
    (entry,) = gateway.demo.entries(operation="print followUpSheet", result="OK")
    assert entry["module"] == "print"
    assert entry["what"]["records"]["case"] or entry["what"]["records"]["contact"]


@pytest.mark.parametrize(
    ("path", "who", "status"),
    [
        (f"{_DAY}.csv", None, 401),
        (f"{_DAY}.csv", "auditor", 403),
        ("2026-02-30.csv", "national", 404),
        ("now.csv", "national", 404),
        (f"a/b/{_DAY}.csv", "national", 404),
        (f"nobody/{_DAY}.csv", "national", 200),
    ],
)
def test_what_is_no_sheet(gateway: Gateway, path: str, who: str | None, status: int) -> None:
    answer = _get(gateway, f"/follow-up-sheets/{path}", who)
    assert answer.status_code == status, answer.text
    if status == 200:
        assert "# 行数 rows,0" in _lines(answer)[0]
