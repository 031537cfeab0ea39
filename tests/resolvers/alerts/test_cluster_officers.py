"""Clusters and the officers of their counties: each may open what it is told of, and no more of it.

The stores are those of Nanjing (3201) and Wuxi (3202); a cluster lies where its first county does.
"""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert

from regions.alerts_forms import signal_clocks
from regions.signal_messages import signal_deliveries, signal_messages
from resolvers.users import Role, Viewer
from tests.answering import viewer
from tests.resolvers.alerts.duty import CITY, ELSEWHERE, NATIONAL, ON_DUTY, Duty, card
from tests.resolvers.alerts.nights import counted, fill
from tests.resolvers.alerts.test_behind import ids, registered

WUXI = viewer("320205", Role.DUTY_PERSON, account="xishan")
"""On duty in a county of the other region."""
WUXI_CITY = viewer("320200", Role.DUTY_PERSON, account="wuxi")
BESIDE = viewer("320206", Role.DUTY_PERSON, account="huishan")
"""On duty in a county of the other region that is in no cluster."""
PROVINCE = viewer("320000", Role.DUTY_PERSON, account="jiangsu")
AT = "2026-03-02T00:00:00Z"
MEMBERS = '["320102","320104","320205"]'

_LIST = """query ($f: SignalFilter, $n: Int, $a: String) {
  signals(filter: $f, first: $n, after: $a) { totalCount
    edges { node { id number code members observed } }
    pageInfo { hasNextPage endCursor } regions { code state records } } }"""
_NODE = "query ($i: ID!) { node(id: $i) { ... on Signal { id code members } } }"
_DONE = """query { signals { edges { node { id event { id } cards { id } trail { id }
  clocks { id } absorbedInto { id } } } } }"""
_MESSAGES = """query ($s: ID!) { signalMessages(signal: $s) { occasion
  deliveries { unitId account } } }"""
_COUNTIES = """query { signals { edges { node { analysis {
  cases place { counties { code own cases } } } } } } }"""


def raised(duty: Duty, **given: Any) -> str:
    """A cluster of two counties of Nanjing and one of Wuxi."""
    return duty.raised(**{"kind": "CLUSTER", "members": MEMBERS} | given)


def listed(duty: Duty, who: Viewer, **wanted: Any) -> list[str]:
    """The ids that a viewer's list has, by plan and in the ordinary way alike."""
    found = duty.both(_LIST, who, {"f": wanted or None, "n": 20})
    assert found.codes == []
    edges = found.data["signals"]["edges"]
    assert found.data["signals"]["totalCount"] == len(edges)
    return [one["node"]["id"] for one in edges]


def opened(duty: Duty, who: Viewer, signal: str) -> Any:
    found = duty.ask(_NODE, who, {"i": signal})
    assert found.codes == []
    return found.data["node"]


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.parametrize("who", [ON_DUTY, ELSEWHERE, WUXI, WUXI_CITY, CITY, PROVINCE, NATIONAL])
def test_whoever_oversees_one_of_its_counties_finds_and_opens_it(either: Duty, who: Viewer) -> None:
    cluster = raised(either)
    assert listed(either, who) == [cluster]
    assert opened(either, who, cluster)["members"] == ["320102", "320104", "320205"]
    code = "320205" if who.code.startswith("3202") else "320104"
    if code.startswith(who.prefix):
        assert listed(either, who, code=[code]) == [cluster]


@pytest.mark.leak(35)
def test_to_nobody_else_it_is_there(either: Duty) -> None:
    cluster = raised(either)
    alone = either.raised()
    for who in (BESIDE, viewer("320105"), viewer("330000")):
        found = either.ask(_LIST, who, {"n": 20})
        assert found.data["signals"]["edges"] == [] == found.errors
        assert opened(either, who, cluster) is None
        assert found.told["records"] == {}
    for who in (ELSEWHERE, WUXI):  # nothing else of that county
        assert listed(either, who) == [cluster]
        assert opened(either, who, alone) is None


def test_a_hospital_sees_no_cluster_of_its_county(duty: Duty) -> None:
    cluster = raised(duty)
    hospital = viewer("320205", Role.DIRECT_REPORTER, unit="hospital-320205-1")
    assert duty.ask(_LIST, hospital, {"n": 20}).codes == ["FORBIDDEN"]
    assert opened(duty, hospital, cluster) is None


def test_codes_find_clusters_by_any_county_and_over_regions(either: Duty) -> None:
    cluster = raised(either)
    alone = either.raised(region="320200", code="320205")
    for who in (NATIONAL, PROVINCE, WUXI_CITY):
        assert set(listed(either, who, code=["320205"])) == {cluster, alone}
    assert listed(either, NATIONAL, code=["320206"]) == []
    assert listed(either, NATIONAL, **{"not": {"code": ["320205"]}}) == []
    found = either.ask(_LIST, WUXI, {"f": {"code": ["320102"]}, "n": 20})
    assert found.codes == ["FORBIDDEN"]  # no code of hers


def test_pages_hold_both_regions_in_one_order(either: Duty) -> None:
    made = []
    for minute in range(6):
        at = f"2026-03-01T16:{minute:02}:00Z"
        if minute % 2:
            made.append(raised(either, detected_at=at))
        else:
            made.append(either.raised(region="320200", code="320205", detected_at=at))
    seen: list[str] = []
    after = None
    while True:
        found = either.both(_LIST, WUXI, {"n": 2, "a": after}).data["signals"]
        assert found["totalCount"] == 6
        seen += [one["node"]["id"] for one in found["edges"]]
        assert [one["state"] for one in found["regions"]] == ["ANSWERED", "ANSWERED"]
        assert [one["records"] for one in found["regions"]] == [1, 1]
        if not found["pageInfo"]["hasNextPage"]:
            break
        after = found["pageInfo"]["endCursor"]
    assert seen == made[::-1]


def test_other_regions_are_asked_only_where_they_keep_one(either: Duty) -> None:
    alone = either.raised(region="320200", code="320205")
    for _ in range(2):
        assert listed(either, WUXI) == [alone]
        assert [read.region for read in either.reads] == [1]
    raised(either)
    assert len(listed(either, WUXI)) == 2
    assert [read.region for read in either.reads] == [1, 0]
    assert listed(either, BESIDE) == []
    assert [read.region for read in either.reads] == [1]
    listed(either, NATIONAL)
    assert len(either.reads) == 2


def test_a_region_that_is_away_is_named_to_whom_it_keeps_one_for(duty: Duty) -> None:
    raised(duty)
    alone = duty.raised(region="320200", code="320205")
    path = duty.regions[0].path
    assert path is not None
    path.rename(path.with_suffix(".away"))
    found = duty.both(_LIST, WUXI, {"n": 20})
    assert found.codes == ["REGION_UNAVAILABLE"]
    assert [one["node"]["id"] for one in found.data["signals"]["edges"]] == [alone]
    assert [one["state"] for one in found.data["signals"]["regions"]] == ["UNREACHABLE", "ANSWERED"]
    assert duty.ask(_LIST, BESIDE, {"n": 20}).codes == []


def test_it_is_logged_with_the_region_that_keeps_it(either: Duty) -> None:
    cluster = raised(either)
    for query, given in ((_LIST, {"n": 20}), (_NODE, {"i": cluster})):
        told = either.ask(query, WUXI, given).told
        assert told["records"] == {"signal": [int(cluster.partition(":")[2])]}
        assert told["regions"]["320100"] == "ANSWERED"


@pytest.mark.parametrize("who", [ELSEWHERE, WUXI])
def test_what_was_done_on_it_stays_with_its_county(either: Duty, who: Viewer) -> None:
    first = raised(either)
    other = either.raised(code="320102", disease="mumps")
    absorbed = raised(either, absorbed_into=int(other.partition(":")[2]), sent=False)
    either.done("fileAbnormalInformationCard", ON_DUTY, first, **card("place"))
    clock = {"id": 1, "signal_id": int(first.partition(":")[2]), "kind": "ABNORMAL_CARD"}
    clock |= {"code": "320102", "unit_id": "cdc-320102", "opened_at": AT, "due_at": AT}
    either.within(lambda connection: connection.execute(insert(signal_clocks).values(clock)))

    def seen(viewer: Viewer) -> dict[str, dict[str, Any]]:
        edges = either.both(_DONE, viewer).data["signals"]["edges"]
        return {one["node"]["id"]: one["node"] for one in edges}

    nothing: dict[str, Any] = {
        "event": None,
        "cards": [],
        "trail": [],
        "clocks": [],
        "absorbedInto": None,
    }
    assert seen(who) == {one: {"id": one} | nothing for one in (first, absorbed)}
    whole = seen(ON_DUTY)
    assert all(whole[first][one] for one in ("event", "cards", "clocks", "trail"))
    assert whole[absorbed]["absorbedInto"] == {"id": other}


def test_a_cluster_that_absorbed_it_is_open_as_it_is(either: Duty) -> None:
    first = raised(either)
    absorbed = raised(either, absorbed_into=int(first.partition(":")[2]), sent=False)
    for who in (ON_DUTY, ELSEWHERE, WUXI):
        edges = either.both(_DONE, who).data["signals"]["edges"]
        told = {one["node"]["id"]: one["node"]["absorbedInto"] for one in edges}
        assert told == {first: None, absorbed: {"id": first}}


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.parametrize("who", [ELSEWHERE, WUXI, WUXI_CITY])
@pytest.mark.parametrize("action", ["viewSignal", "startVerification"])
def test_it_is_answered_by_its_county_and_the_refusal_says_by_whom(
    either: Duty, who: Viewer, action: str
) -> None:
    cluster = raised(either)
    found = either.act(action, who, cluster)
    assert found["code"] == "FORBIDDEN"
    assert "cdc-320102" in found["message"]
    assert "cdc-320102" in found["messageZh"]
    assert either.of(cluster)["state"] == "SENT"
    assert either.act("viewSignal", BESIDE, cluster)["code"] == "NOT_FOUND"
    assert either.done("viewSignal", ON_DUTY, cluster)["state"] == "VIEWED"


def test_the_cards_and_counts_behind_it_are_those_of_ones_own_counties(either: Duty) -> None:
    here = registered(either)
    there = registered(either, code="320205")
    for settings, code in zip(either.regions, ("320102", "320205"), strict=True):
        fill(settings, counted(code, "measles", {"2026-02-20": 3}))
    cluster = raised(either)
    assert ids(either, WUXI, cluster) == [there]
    assert ids(either, ON_DUTY, cluster) == [here]
    assert ids(either, NATIONAL, cluster) == [there, here]

    def own(who: Viewer) -> list[str]:
        (edge,) = either.ask(_COUNTIES, who).data["signals"]["edges"]
        counties = edge["node"]["analysis"]["place"]["counties"]
        return [one["code"] for one in counties if one["own"]]

    assert own(WUXI) == ["320205"]
    assert own(ELSEWHERE) == ["320104"]
    assert own(ON_DUTY) == ["320102", "320104", "320205"]


def test_of_its_messages_those_to_ones_own_units_are_told(either: Duty) -> None:
    cluster = raised(either)
    number = int(cluster.partition(":")[2])
    message = {"id": 1, "signal_id": number, "occasion": "FIRST", "state": "ADDRESSED"}
    at = dict.fromkeys(("due_at", "look_at"), AT)
    deliveries = [
        at
        | {"id": serial, "message_id": 1, "signal_id": number, "channel": "SMS"}
        | {"unit_id": f"cdc-{code}", "account": code, "key": code, "state": "ACCEPTED"}
        for serial, code in enumerate(("320102", "320104", "320205", "320200"), 1)
    ]

    def put(connection: Any) -> None:
        created = {"created_at": "2026-03-01T16:00:00Z"}
        connection.execute(insert(signal_messages).values(message | at | created))
        connection.execute(insert(signal_deliveries), deliveries)

    either.within(put)

    def told(who: Viewer) -> list[str]:
        (found,) = either.ask(_MESSAGES, who, {"s": cluster}).data["signalMessages"]
        return [one["account"] for one in found["deliveries"]]

    assert told(WUXI) == ["320205"]
    assert told(WUXI_CITY) == ["320205", "320200"]
    assert told(ELSEWHERE) == ["320104"]
    assert told(ON_DUTY) == ["320102", "320104", "320205", "320200"]
    assert either.ask(_MESSAGES, BESIDE, {"s": cluster}).data["signalMessages"] is None
