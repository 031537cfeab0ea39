"""Nights, signals, what their cards have in common, and the reports on them: made of public columns
and of what the viewer sees (41).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type, is_leaf_type
from sqlalchemy import Connection

from regions.keys import Keys
from resolvers.alerts.report import REPORT, document
from resolvers.alerts.report_html import report_html
from resolvers.alerts.states import Event
from resolvers.alerts.steps import Who, apply
from resolvers.pages import Printer
from resolvers.users import Role
from schema.alerts import DetectionMethod
from tests.answering import grant, viewer
from tests.leaks.documents import SCHEMA, VARYING
from tests.resolvers.alerts.duty import (
    CITY,
    ELSEWHERE,
    HOSPITAL,
    NATIONAL,
    OFFICER,
    ON_DUTY,
    SENT_AT,
    Duty,
)
from tests.resolvers.alerts.nights import (
    DAY,
    book,
    counted,
    days_before,
    fill,
    rule,
    run_nights,
    signal_rows,
)
from tests.resolvers.writing.making import case_input
from tests.stores import Stores

REGIONS = ("3201", "3411")
RULES = book(rule("plague", DetectionMethod.SINGLE_CASE), rule("measles"))
REGISTRAR = viewer(account="registrar")  # asks nothing: who registered a card sees it in clear
SEER = viewer("320102", Role.DUTY_PERSON, account="seer", grants=[grant("320102")])
MASKED = (ON_DUTY, OFFICER, HOSPITAL, CITY, NATIONAL, ELSEWHERE)
PRINTER = Printer("somebody", "某人", "某单位", "2026-03-03T04:05:00Z")

# A school class of one house, and three who have nothing in common, one of them little known.
ALIKE: Sequence[Mapping[str, Any]] = [
    {"name": name, "age": 8, "sex": "M", "employer": "珍珠泉小学", "residence": "梅园镇梅花村7号"}
    for name in "甲乙丙"
]
UNLIKE: Sequence[Mapping[str, Any]] = [
    {"name": "某某某", "age": 70, "sex": "F", "employer": "一厂", "residence": "某路1号"},
    {"name": "丁", "age": 1, "sex": "M", "phone": None, "residence": "某镇某村2号"},
    {"name": "戊", "age": None, "sex": None, "employer": None, "residence": None},
]


def _filled(duty: Duty, people: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Cards of these people, one of plague, and their signals; rows that a night has written."""
    duty.stores.rules = lambda: RULES
    (region, _) = duty.regions
    fill(region, counted("320105", "rabies", {days_before(DAY, 2600): 1}))  # counted for long
    for disease, some in (("measles", people), ("plague", people[:1])):
        for one in some:
            given = {
                "disease": disease,
                "reportedAt": "2026-02-27T10:00:00+08:00",
                "onsetOn": "2026-02-24",
                "person": {"occupation": "学生", "idNumber": None, **one},
            }
            found = duty.do("registerCase", REGISTRAR, case_input(**given))
            assert found["__typename"] == "RegisterCasePayload", found
    duty.raised(kind="CLUSTER", code="320106", members='["320102","320106","341102"]')
    run_nights(duty.regions, duty.keys, RULES)
    rows = [row for one in duty.regions for row in signal_rows(one) if row["state"] == "DETECTED"]

    def send(connection: Connection) -> None:
        for row in rows:
            apply(connection, "320100", row["id"], Event.SEND, Who.system(SENT_AT))

    duty.within(send)
    return [row for row in rows if row["kind"] == "STATISTICAL"]


@pytest.fixture
def twins(stores: Stores, keys: Keys, tmp_path: Path) -> Iterator[tuple[Duty, Duty]]:
    """Nanjing and Chuzhou twice: of their cards nothing differs but hidden values."""
    made = []
    for name, people in (("alike", ALIKE), ("unlike", UNLIKE)):
        folder = tmp_path / name
        settings = [stores.sqlite(code, folder / f"{code}.db") for code in REGIONS]
        duty = Duty(settings, keys, stores.central(folder / "central.db"))
        made.append((duty, _filled(duty, people)))
    (one, rows), (other, others) = made
    assert rows == others
    assert [(row["code"], row["disease"], row["cases"]) for row in rows] == [
        ("320102", "measles", 3)
    ]
    yield one, other
    one.close()
    other.close()


_OF_THE_MOMENT = {"createdAt", "updatedAt", "detectedAt", "at", "openedAt", "dueAt"}


def _everything(name: str, depth: int) -> str:
    """The fields of a type without arguments, and those of what they lead to."""
    kind = SCHEMA.type_map[name]
    parts = []
    for field, one in getattr(kind, "fields", {}).items():
        target = get_named_type(one.type)
        if one.args or field in _OF_THE_MOMENT or (name, field) in VARYING:
            continue
        if is_leaf_type(target):
            parts.append(field)
        elif depth and isinstance(target, GraphQLObjectType):
            parts.append(f"{field} {{ {_everything(target.name, depth - 1)} }}")
    return " ".join(parts) or "__typename"


SIGNALS = f"""{{ signals(first: 50) {{ totalCount edges {{ node {{ {_everything("Signal", 0)}
  case {{ {_everything("Case", 1)} }} casesBehind {{ {_everything("Case", 1)} }}
  analysis {{ {_everything("SignalAnalysis", 4)} }} trail {{ {_everything("SignalEvent", 0)} }}
  clocks {{ {_everything("SignalClock", 0)} }} }} }} }} }}"""


def _settled(value: Any) -> Any:
    """What the access log is told, its lists in order: records are noted as they come."""
    if isinstance(value, dict):
        return {name: _settled(one) for name, one in value.items()}
    return sorted(value, key=str) if isinstance(value, list) else value


def _analyses(duty: Duty, who: Any) -> Any:
    found = duty.ask(SIGNALS, who, {})
    assert not found.errors, found.errors
    return [edge["node"]["analysis"] for edge in found.data["signals"]["edges"]]


def test_leak_41_signals_their_cards_and_analyses_follow_from_what_is_seen(
    twins: tuple[Duty, Duty],
) -> None:
    """What a night found, what a card raised and what spreads over counties; of three, of one."""
    for who in MASKED:
        one, other = (duty.ask(SIGNALS, who, {}) for duty in twins)
        assert one.data == other.data, who.account
        assert one.errors == other.errors
        assert _settled(one.told) == _settled(other.told)
    seen = [_analyses(duty, ON_DUTY) for duty in twins]
    assert sorted(one["cases"] for one in seen[0]) == [1, 3, 3]
    assert {one["place"]["employers"]["hidden"] for one in seen[0]} == {1, 3}
    assert {one["people"]["ages"] for one in seen[0]} == {None}
    clear, others = (_analyses(duty, SEER) for duty in twins)
    assert clear != others
    assert [one["place"]["employers"]["groups"] != [] for one in clear].count(True) == 2
    assert [one["place"]["employers"]["groups"] != [] for one in others].count(True) == 0


def test_leak_41_a_report_and_its_map_count_signals_alone(twins: tuple[Duty, Duty]) -> None:
    for who in (*MASKED, SEER):
        given = {"period": "YEAR", "date": DAY, "code": str(who.code)}
        asked = [duty.ask(REPORT, who, given) for duty in twins]
        assert asked[0].codes == asked[1].codes
        if asked[0].codes:
            assert who is HOSPITAL
            continue
        printed = []
        for one in asked:
            report = one.data["signalReport"] | {"asOf": SENT_AT}
            printed.append((report, report_html(document(report, "zh"), PRINTER)))
        assert printed[0] == printed[1]
        assert (printed[0][0]["total"]["signals"] > 0) == (who is not ELSEWHERE)
        assert b"<svg" in printed[0][1]
