"""Signals in lists and by id, and the rules they come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text

from regions.alerts import signals
from regions.ids import first_id
from regions.settings import RegionSettings
from resolvers.users import Role
from tests.answering import NATIONAL, Gateway, viewer
from tests.stores import Stores, in_store

_FIELDS = """id number kind code day method ruleId ruleVersion observed expected bound score cases
    deaths dataVersion state detectedAt sentAt viewedAt answeredAt repeats updatedAt members
    disease { id nameZh } absorbedInto { id number } case { id }"""
_LIST = f"""query($f: SignalFilter, $n: Int, $a: String) {{
    signals(filter: $f, first: $n, after: $a) {{ totalCount edges {{ cursor node {{ {_FIELDS} }} }}
       pageInfo {{ endCursor hasNextPage }} regions {{ code state records }} }} }}"""


def signal(region: str, number: int, **given: Any) -> dict[str, Any]:
    code = given.get("code", f"{region[:4]}02")
    row = {
        "id": first_id(region) + number,
        "number": f"{code}20260301{number:03d}",
        "kind": "STATISTICAL",
        "code": code,
        "disease": "measles",
        "day": "2026-03-01",
        "slot": "",
        "rule_id": f"rule-{number}",
        "rule_version": 1,
        "method": "MOVING_PERCENTILE",
        "observed": 7.0,
        "expected": 2.35,
        "bound": 3.0,
        "score": 7 / 3,
        "cases": 7,
        "deaths": 1,
        "data_version": "7",
        "case_id": None,
        "members": None,
        "state": "DETECTED",
        "detected_at": f"2026-03-01T16:00:{number:02}Z",
        "absorbed_into": None,
        "repeats": 0,
        "updated_at": "2026-03-01T16:00:00Z",
    }
    return row | given


def rows() -> list[dict[str, Any]]:
    north = [signal("320100", number) for number in range(1, 5)]
    north.append(
        signal("320100", 5, expected=None, bound=None, score=None, absorbed_into=north[0]["id"])
    )
    north.append(
        signal("320100", 6, kind="CLUSTER", members='["320102","320104"]', disease="dengue")
    )
    return north + [signal("320200", number, state="SENT") for number in range(1, 4)]


@pytest.fixture(params=["sqlite", "postgresql"])
def signalled(
    request: pytest.FixtureRequest, stores: Stores, make: Callable[..., Gateway]
) -> Gateway:
    regions: list[RegionSettings] = []
    for code in ("3201", "3202"):
        settings = stores.make(request.param, code)
        mine = [row for row in rows() if row["code"].startswith(code)]
        in_store(settings, lambda connection, mine=mine: connection.execute(insert(signals), mine))  # type: ignore[misc]  # a default binds the loop's variable
        regions.append(settings)
    return make(regions)


def test_a_plan_and_the_ordinary_way_tell_the_same(signalled: Gateway) -> None:
    found = signalled.both(_LIST, NATIONAL, {"n": 20}).data["signals"]
    assert found["totalCount"] == 9
    instants = [one["node"]["detectedAt"] for one in found["edges"]]
    assert instants == sorted(instants, reverse=True)
    nodes = {one["node"]["number"]: one["node"] for one in found["edges"]}
    first = nodes["32010220260301001"]
    assert (first["observed"], first["expected"], first["bound"]) == (7, 2.35, 3)
    assert first["score"] == pytest.approx(7 / 3, rel=1e-12)
    assert first["disease"] == {"id": "measles", "nameZh": "麻疹"}
    assert nodes["32010220260301005"]["absorbedInto"]["id"] == first["id"]
    assert nodes["32010220260301006"]["members"] == ["320102", "320104"]
    assert [one["records"] for one in found["regions"]] == [6, 3]


def test_pages_hold_every_signal_once(signalled: Gateway) -> None:
    seen, after = [], None
    while True:
        found = signalled.both(_LIST, NATIONAL, {"n": 2, "a": after}).data["signals"]
        seen += [one["node"]["id"] for one in found["edges"]]
        if not found["pageInfo"]["hasNextPage"]:
            break
        after = found["pageInfo"]["endCursor"]
    assert len(seen) == len(set(seen)) == 9


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({"code": ["320100"]}, 6),
        ({"disease": ["dengue"]}, 1),
        ({"state": ["SENT"]}, 3),
        ({"kind": ["CLUSTER"]}, 1),
        ({"absorbed": True}, 1),
        ({"absorbed": False}, 8),
        ({"not": {"absorbed": True}}, 8),
        ({"or": [{"absorbed": True}, {"kind": ["CLUSTER"]}]}, 2),
        ({"number": ["32020220260301002"]}, 1),
        ({"method": ["EARS_C1"]}, 0),
        ({"ruleId": ["rule-2"]}, 2),
        ({"case": ["case:7"]}, 0),
        ({"day": {"from": "2026-03-02"}}, 0),
        ({"detectedAt": {"from": "2026-03-01T16:00:03Z"}}, 5),
    ],
)
def test_what_is_asked_for(signalled: Gateway, wanted: Any, count: int) -> None:
    assert signalled.both(_LIST, NATIONAL, {"f": wanted}).data["signals"]["totalCount"] == count


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_clusters_are_listed_and_counted_in_an_index(stores: Stores, dialect: str) -> None:
    """They are few among all signals: neither a page of them nor their number reads the others."""

    def work(connection: Connection) -> list[str]:
        found = [
            signal("320100", n)
            | {"number": f"n{n}", "kind": "CLUSTER" if n % 200 == 0 else "STATISTICAL"}
            for n in range(1, 6_001)
        ]
        connection.execute(insert(signals), found)
        connection.execute(text("ANALYZE"))
        explain = "EXPLAIN" if dialect == "postgresql" else "EXPLAIN QUERY PLAN"
        of_clusters = "FROM signals WHERE kind IN ('CLUSTER')"
        return [
            "\n".join(str(row[-1]) for row in connection.execute(text(f"{explain} {asked}")))
            for asked in (
                f"SELECT number {of_clusters} ORDER BY detected_at DESC, id DESC LIMIT 21",
                f"SELECT count(*) {of_clusters}",
            )
        ]

    for plan in in_store(stores.make(dialect), work):
        assert "ix_signals_kind_detected" in plan
        assert "Seq Scan" not in plan
        assert "Sort" not in plan
        assert "TEMP B-TREE" not in plan


def test_only_those_of_the_jurisdiction(signalled: Gateway) -> None:
    found = signalled.both(_LIST, viewer("320200"), {}).data["signals"]
    assert {one["node"]["code"] for one in found["edges"]} == {"320202"}
    asked = "query($i: [ID!]!) { nodes(ids: $i) { id } }"
    ids = [f"signal:{first_id(region) + 1}" for region in ("320100", "320200")]
    for code, there in (("320200", [False, True]), ("000000", [True, True])):
        nodes = signalled.ask(asked, viewer(code), {"i": ids}).data["nodes"]
        assert [one is not None for one in nodes] == there


def test_a_direct_reporter_sees_none(signalled: Gateway) -> None:
    hospital = viewer("320102", Role.DIRECT_REPORTER, unit="hospital-320102-1")
    assert signalled.ask(_LIST, hospital, {}).codes == ["FORBIDDEN"]
    asked = "query($i: ID!) { node(id: $i) { id } }"
    found = signalled.ask(asked, hospital, {"i": f"signal:{first_id('320100') + 1}"})
    assert found.data == {"node": None}


def test_a_region_that_is_away_is_named(stores: Stores, make: Callable[..., Gateway]) -> None:
    regions = [stores.sqlite("3201"), stores.sqlite("3202")]
    assert regions[1].path is not None
    regions[1].path.unlink()
    asked = make(regions).ask(_LIST, NATIONAL, {})
    assert asked.codes == ["REGION_UNAVAILABLE"]
    assert [one["state"] for one in asked.data["signals"]["regions"]] == ["ANSWERED", "UNREACHABLE"]
