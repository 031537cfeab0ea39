"""Applications for rules of detection: by whom, decided by whom, and the rule that comes of one."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from regions.offices import administrator_filings
from regions.users import accounts
from resolvers.alerts.change_checks import Wanted
from resolvers.alerts.change_table import (
    REASONS,
    TABLE,
    Event,
    Guard,
    Party,
    Transition,
    first_state,
    step,
)
from resolvers.alerts.rules import Rule, RuleBook, read_rules
from resolvers.lifecycles import Refused, StateRefused
from resolvers.users import Role, Viewer
from schema.alerts import DetectionMethod as Method
from schema.alerts import RuleOrigin
from schema.alerts_changes import RuleChangeKind as Kind
from schema.alerts_changes import RuleChangeState as State
from tests.answering import viewer
from tests.resolvers.alerts.duty import Duty
from tests.resolvers.writing.making import result

_ADMIN = Role.BUSINESS_ADMINISTRATOR
STAFF: Mapping[str, tuple[Role, str]] = {
    "county": (Role.DUTY_PERSON, "320102"),
    "city": (Role.UNIT_USER, "320100"),
    "province": (Role.UNIT_USER, "320000"),
    "province-reviewer": (Role.REVIEWER, "320000"),
    "province-admin": (_ADMIN, "320000"),
    "national": (Role.UNIT_USER, "000000"),
    "national-reviewer": (Role.REVIEWER, "000000"),
    "national-admin": (_ADMIN, "000000"),
    "neighbour": (Role.REVIEWER, "330000"),
    "neighbour-admin": (_ADMIN, "330000"),
}
FIRST, LAST = "2999-01-01", "2999-12-31"
CHANGE = """id kind state code disease { id } method parameters { name value } reason answer
  effectiveFrom effectiveTo appliedBy unitId decidedByUnit approvedBy closedBy
  rule { id version code method origin effectiveFrom effectiveTo }
  trail { actor unitId event fromState toState }"""
RESULT = f"""{{ __typename ... on RuleChangePayload {{ repeated change {{ {CHANGE} }} }}
  ... on Problem {{ code message messageZh }} ... on StepProblem {{ reason }}
  ... on InvalidInputProblem {{ mistakes {{ path }} }} }}"""
LIST = f"""query ($f: RuleChangeFilter) {{ ruleChanges(filter: $f) {{
  totalCount edges {{ node {{ {CHANGE} }} }} }} }}"""
_keys = count(1)


class Rules:
    """A gateway with officers of every level who apply and decide."""

    def __init__(self, duty: Duty) -> None:
        self._duty = duty
        duty.run(duty.central.do(self._fill))

    def _fill(self, connection: Connection) -> None:
        for number, (name, (role, code)) in enumerate(STAFF.items(), 1):
            of = {"account": name, "name": "某人", "unit_id": f"cdc-{code}", "code": code}
            of |= {"unit_name": "某疾控中心", "unit_level": "PROVINCE"}
            index = f"person-{number}"
            connection.execute(
                insert(accounts).values(
                    of
                    | {"id": number, "role": role.name, "password_hash": "none"}
                    | {"person_index": index, "created_at": "2026-01-01T00:00:00Z"}
                )
            )
            if role is _ADMIN:
                signed = dict.fromkeys(("signed_on", "head_signed_on"), "2026-01-01")
                connection.execute(
                    insert(administrator_filings).values(
                        of
                        | signed
                        | {"id": number, "state": "ACTIVE", "slot": 1, "department": "科"}
                        | {"security_commitment": 1, "privacy_commitment": 1, "head_name": "某"}
                        | {"filed_by": name, "filed_at": "2026-01-01T00:00:00Z"}
                    )
                )

    def who(self, name: str) -> Viewer:
        """The viewer of an account."""
        role, code = STAFF[name]
        return viewer(code, role, account=name)

    def ask(self, name: str, kind: str, who: str | Viewer, given: Mapping[str, Any]) -> Any:
        """The result of a mutation, with a key of its own unless one is given."""
        asker = self.who(who) if isinstance(who, str) else who
        text = f"mutation ($input: {kind}!) {{ {name}(input: $input) {RESULT} }}"
        value = {"idempotencyKey": f"key-{next(_keys)}"} | dict(given)
        return result(name, self._duty.ask(text, asker, {"input": value}))

    def apply(self, who: str | Viewer, kind: str, **given: Any) -> Any:
        """The result of an application: for measles, unless told otherwise."""
        value = {"kind": kind, "code": "320000", "disease": "measles", "reason": "为早期发现"}
        value |= {"effectiveFrom": FIRST}
        return self.ask("applyForRuleChange", "RuleChangeInput", who, value | given)

    def applied(self, who: str, kind: str, **given: Any) -> str:
        """The id of an application that is taken."""
        found = self.apply(who, kind, **given)
        assert found["__typename"] == "RuleChangePayload", found
        number: str = found["change"]["id"]
        return number

    def decide(self, who: str, change: str, decision: str, **given: Any) -> Any:
        """The result of a decision."""
        value = {"change": change, "decision": decision} | given
        return self.ask("decideRuleChange", "DecideInput", who, value)

    def listed(self, who: str, **wanted: Any) -> list[Any]:
        """The applications a viewer may know of."""
        found = self._duty.ask(LIST, self.who(who), {"f": wanted}).data["ruleChanges"]
        assert found["totalCount"] == len(found["edges"])
        return [edge["node"] for edge in found["edges"]]

    def book(self) -> RuleBook:
        """The rules as they stand."""
        found: RuleBook = self._duty.run(self._duty.central.do(read_rules))
        return found


@pytest.fixture
def rules(duty: Duty) -> Rules:
    return Rules(duty)


def reason(found: Any) -> str:
    """Why a step was refused."""
    assert found["__typename"] == "StepProblem", found
    why: str = found["reason"]
    return why


def test_a_disease_more_is_applied_for_approved_and_set(rules: Rules) -> None:
    """E7: by the province, by the country, by the country's administrator."""
    unwatched = "aids"
    given = {
        "disease": unwatched,
        "method": "MOVING_PERCENTILE",
        "parameters": [{"name": "percentile", "value": "80"}],
        "effectiveTo": LAST,
    }
    keyed = given | {"idempotencyKey": "one"}
    first = rules.apply("province", "NEW_DISEASE", **keyed)
    again = rules.apply("province", "NEW_DISEASE", **keyed)
    assert (first["repeated"], again["repeated"]) == (False, True)
    assert first["change"] == again["change"]
    change = first["change"]["id"]
    assert first["change"]["state"] == "AWAITING_APPROVAL"
    assert first["change"]["decidedByUnit"] == "cdc-000000"
    assert reason(rules.apply("province", "NEW_DISEASE", **given)) == "OPEN"
    for who in ("province", "province-reviewer", "province-admin", "national", "national-admin"):
        assert reason(rules.decide(who, change, "APPROVE")) == "NOT_YOUR_SIDE", who
    assert reason(rules.decide("national-admin", change, "SET")) == "NOT_APPROVED"
    for stranger in ("neighbour", "county"):
        found = rules.decide(stranger, change, "APPROVE")
        assert found["__typename"] == "NotFoundProblem"
    approved = rules.decide("national-reviewer", change, "APPROVE", reason="同意")["change"]
    assert (approved["state"], approved["answer"]) == ("AWAITING_SETTING", "同意")
    assert approved["approvedBy"] == "national-reviewer"
    assert rules.book().effective(unwatched, "320102", FIRST) is None
    assert reason(rules.decide("province-admin", change, "SET")) == "NOT_YOUR_SIDE"
    set_now = {"idempotencyKey": "set"}
    done = rules.decide("national-admin", change, "SET", **set_now)["change"]
    again = rules.decide("national-admin", change, "SET", **set_now)
    assert (again["repeated"], again["change"]) == (True, done)
    assert done["rule"] == {
        "id": "change-" + change.partition(":")[2],
        "version": 1,
        "code": "320000",
        "method": "MOVING_PERCENTILE",
        "origin": "APPLICATION",
        "effectiveFrom": FIRST,
        "effectiveTo": LAST,
    }
    assert [one["event"] for one in done["trail"]] == ["APPLY", "APPROVE", "SET"]
    assert [one["toState"] for one in done["trail"]][-1] == done["state"] == "SET"
    book = rules.book()
    rule = book.effective(unwatched, "320102", FIRST)
    assert rule is not None
    assert rule.parameters == {"percentile": 80}
    for code, day in (("330102", FIRST), ("320102", "2998-12-31"), ("320102", "3000-01-01")):
        assert book.effective(unwatched, code, day) is None
    for decision in ("APPROVE", "SET", "WITHDRAW", "REFUSE"):
        assert reason(rules.decide("national-admin", change, decision, reason="无")) == "SET"
    assert reason(rules.apply("province", "NEW_DISEASE", **given)) == "WATCHED"


def test_single_cases_for_an_area(rules: Rules) -> None:
    """E7: a city or county applies, the province approves, its administrator sets it."""
    for who, area in (("city", "320100"), ("county", "320102")):
        change = rules.applied(who, "SINGLE_CASE", code=area)
        for stranger in ("national-reviewer", "national-admin"):
            assert reason(rules.decide(stranger, change, "APPROVE")) == "NOT_YOUR_SIDE"
        rules.decide("province-reviewer", change, "APPROVE")
        rule = rules.decide("province-admin", change, "SET")["change"]["rule"]
        assert (rule["method"], rule["code"], rule["origin"]) == (
            "SINGLE_CASE",
            area,
            "APPLICATION",
        )
        assert reason(rules.apply(who, "SINGLE_CASE", code=area)) == "NOT_PERCENTILE"
        if who == "city":  # for the county to apply for, it is turned back there
            back = {"code": "320102", "method": "MOVING_PERCENTILE"}
            own = rules.applied("province", "OWN_METHOD", **back)
            rules.decide("province-admin", own, "SET")
    book = rules.book()
    assert book.single_case("measles", "320104", FIRST)
    versions = [one.version for one in book.rules if one.prefix == "320102"]
    assert sorted(versions) == [1, 2]
    assert book.single_case("measles", "320102", FIRST)  # of one day the newest version holds
    assert not book.single_case("measles", "320500", FIRST)
    for who, area in (("province", "320000"), ("national", "320000")):
        found = rules.apply(who, "SINGLE_CASE", code=area)
        assert found["__typename"] == "ForbiddenProblem"
    hospital = viewer("320102", account="county", unit="hospital-320102-1")
    found = rules.apply(hospital, "SINGLE_CASE", code="320102", disease="mumps")
    assert found["__typename"] == "ForbiddenProblem"


def test_a_tuned_rule_is_applied_for_as_the_evaluation_prints_it(rules: Rules) -> None:
    tuned = {"window": 3, "limit": 3.75, "dispersion": 0.18}
    given = [{"name": name, "value": str(value)} for name, value in tuned.items()]
    change = rules.applied("province", "OWN_METHOD", method="GLR", parameters=given)
    rules.decide("province-admin", change, "SET")
    rule = rules.book().effective("measles", "320102", FIRST)
    assert rule is not None
    assert (rule.method.name, dict(rule.parameters)) == ("GLR", tuned)


def test_a_province_sets_its_own_method_for_its_area_alone(rules: Rules) -> None:
    found = rules.apply("city", "OWN_METHOD", code="320100", method="EARS_C2")
    assert found["__typename"] == "ForbiddenProblem"
    change = rules.applied("province", "OWN_METHOD", method="FARRINGTON_FLEXIBLE")
    for stranger in ("neighbour-admin", "county"):
        found = rules.decide(stranger, change, "SET")
        assert found["__typename"] == "NotFoundProblem"
    assert reason(rules.decide("province-reviewer", change, "APPROVE")) == "APPROVED"
    assert reason(rules.decide("province-reviewer", change, "SET")) == "NOT_YOUR_SIDE"
    done = rules.decide("province-admin", change, "SET")["change"]
    assert done["rule"]["origin"] == "PROVINCE"
    book = rules.book()
    inside, outside = (book.effective("measles", one, FIRST) for one in ("320102", "330102"))
    assert inside is not None
    assert outside is not None
    assert (inside.method, outside.method) == (
        Method.FARRINGTON_FLEXIBLE,
        Method.MOVING_PERCENTILE,
    )
    assert reason(rules.apply("province", "OWN_METHOD", method="NONE")) == "NATIONAL_STAYS"
    plague = {"disease": "plague", "method": "EARS_C2"}
    assert reason(rules.apply("province", "OWN_METHOD", **plague)) == "SINGLE_CASE_STAYS"


def test_nobody_decides_their_own_application(rules: Rules, central: Path) -> None:
    """Nor under another account; and whoever approves does not set."""
    change = rules.applied("province", "OWN_METHOD", method="EARS_C2")
    _same_person(central, "province", "province-admin")
    for decision in ("SET", "REFUSE"):
        assert reason(rules.decide("province-admin", change, decision, reason="无")) == "OWN"
    gone = rules.decide("province", change, "WITHDRAW")["change"]
    assert (gone["state"], gone["closedBy"]) == ("WITHDRAWN", "province")
    other = rules.applied("county", "SINGLE_CASE", code="320102")
    assert reason(rules.decide("city", other, "WITHDRAW")) == "NOT_YOUR_SIDE"
    rules.decide("province-reviewer", other, "APPROVE")
    _same_person(central, "province-reviewer", "province-admin")
    assert reason(rules.decide("province-admin", other, "SET")) == "SAME_PERSON"


def test_an_administrator_who_is_not_active_sets_nothing(rules: Rules, central: Path) -> None:
    change = rules.applied("province", "OWN_METHOD", method="EARS_C2")
    with closing(sqlite3.connect(central)) as store, store:
        store.execute("UPDATE administrator_filings SET state = 'ON_FILE'")
    assert reason(rules.decide("province-admin", change, "SET")) == "NOT_YOUR_SIDE"


def test_a_refusal_has_a_reason_and_room_for_another(rules: Rules) -> None:
    change = rules.applied("county", "SINGLE_CASE", code="320102")
    silent = rules.decide("province-reviewer", change, "REFUSE")
    assert [one["path"] for one in silent["mistakes"]] == [["reason"]]
    done = rules.decide("province-reviewer", change, "REFUSE", reason="本地发病较多")["change"]
    assert (done["state"], done["answer"], done["rule"]) == ("REFUSED", "本地发病较多", None)
    assert reason(rules.decide("province-reviewer", change, "APPROVE")) == "REFUSED"
    rules.applied("county", "SINGLE_CASE", code="320102")


def test_what_an_application_says_is_checked(rules: Rules) -> None:
    wrong: list[tuple[dict[str, Any], list[str]]] = [
        ({"code": "330000"}, ["code"]),
        ({"code": "329900"}, ["code"]),
        ({"disease": "nonsense"}, ["disease"]),
        ({"method": None}, ["method"]),
        ({"effectiveFrom": "2020-01-01"}, ["effectiveFrom"]),
        ({"effectiveTo": "2998-01-01"}, ["effectiveTo"]),
        ({"reason": " "}, ["reason"]),
        ({"parameters": [{"name": "percentile", "value": "101"}]}, ["parameters", "0"]),
        ({"parameters": [{"name": "nonsense", "value": "1"}]}, ["parameters", "0"]),
        ({"parameters": [{"name": "years", "value": "{"}]}, ["parameters", "0", "value"]),
        ({"parameters": [{"name": "years", "value": "[1]"}]}, ["parameters", "0", "value"]),
        ({"parameters": [{"name": "years", "value": "2"}] * 2}, ["parameters", "1", "name"]),
    ]
    for given, path in wrong:
        found = rules.apply("province", "OWN_METHOD", **{"method": "MOVING_PERCENTILE"} | given)
        assert path in [one["path"] for one in found["mistakes"]], (given, found)
    found = rules.apply("county", "SINGLE_CASE", code="320102", method="EARS_C1")
    assert [one["path"] for one in found["mistakes"]] == [["method"]]
    assert rules.listed("national") == []


def test_who_knows_of_an_application(rules: Rules) -> None:
    county = rules.applied("county", "SINGLE_CASE", code="320102")
    province = rules.applied("province", "OWN_METHOD", method="EARS_C2")
    seen = {
        "county": [county],
        "city": [county],
        "province-admin": [province, county],
        "national": [province, county],
        "neighbour": [],
    }
    for who, ids in seen.items():
        assert sorted(one["id"] for one in rules.listed(who)) == sorted(ids), who
    for wanted, ids in (
        ({"kind": ["OWN_METHOD"]}, [province]),
        ({"state": ["AWAITING_APPROVAL"]}, [county]),
        ({"state": []}, []),
        ({"code": "320100"}, [county]),
        ({"disease": ["mumps"]}, []),
    ):
        assert [one["id"] for one in rules.listed("national", **wanted)] == ids, wanted


def test_the_words_are_sealed(rules: Rules, central: Path) -> None:
    change = rules.applied("county", "SINGLE_CASE", code="320102", reason="梅园学校多发")
    rules.decide("province-reviewer", change, "REFUSE", reason="无此必要")
    with closing(sqlite3.connect(central)) as store:
        kept = "\n".join(store.iterdump())
    assert "change" in kept
    assert "梅园学校多发" not in kept
    assert "无此必要" not in kept
    assert rules.listed("county")[0]["reason"] == "梅园学校多发"


# The pure parts.


def test_every_state_and_event_has_an_answer_and_every_refusal_words() -> None:
    assert set(TABLE) == {(state, event) for state in State for event in Event}
    used = {one.reason for one in TABLE.values() if isinstance(one, Refused)}
    guards = {g.name for one in TABLE.values() if isinstance(one, Transition) for g in one.guards}
    assert guards == {guard.name for guard in Guard}
    assert used | guards | {"NOT_YOUR_SIDE", "OPEN"} == set(REASONS)
    for english, chinese in REASONS.values():
        assert english
        assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)


def test_each_event_is_one_party_s_and_each_guard_refuses_it() -> None:
    for (state, event), line in TABLE.items():
        if isinstance(line, Refused):
            with pytest.raises(StateRefused, match=line.reason):
                step(state, event, set(Party))
            continue
        assert step(state, event, {line.party}) is line.next
        with pytest.raises(StateRefused, match="NOT_YOUR_SIDE"):
            step(state, event, set(Party) - {line.party})
        for guard in line.guards:
            with pytest.raises(StateRefused, match=guard.name):
                step(state, event, {line.party}, {guard})
    assert {kind: first_state(kind) for kind in Kind} == {
        Kind.NEW_DISEASE: State.AWAITING_APPROVAL,
        Kind.SINGLE_CASE: State.AWAITING_APPROVAL,
        Kind.OWN_METHOD: State.AWAITING_SETTING,
    }


def test_a_rule_set_late_holds_from_the_next_day_or_never() -> None:
    wanted = Wanted(Kind.NEW_DISEASE, "32", "aids", Method.EARS_C1, {}, "2026-03-01", "2026-03-31")
    assert wanted.begins("2026-02-01") == "2026-03-01"
    assert wanted.begins("2026-03-01") == "2026-03-02"
    assert wanted.begins("2028-02-28") == "2028-02-29"
    assert wanted.failing(RuleBook(), "2026-03-30") == set()
    assert wanted.failing(RuleBook(), "2026-03-31") == {Guard.OVER}
    beyond = Wanted(Kind.NEW_DISEASE, "32", "aids", Method.RKI, {"k": 1}, "2026-03-01", None)
    assert beyond.failing(RuleBook(), "2026-01-01") == {Guard.PARAMETERS}


def test_a_rule_that_came_meanwhile_stops_what_no_longer_fits() -> None:
    def country(method: Method) -> RuleBook:
        day, origin = "2020-01-01", RuleOrigin.NATIONAL
        return RuleBook((Rule("r", 1, "", "aids", method, {}, day, None, origin),))

    def failing(kind: Kind, method: Method, book: RuleBook) -> set[Guard]:
        wanted = Wanted(kind, "3201", "aids", method, {}, "2026-03-01", None)
        return wanted.failing(book, "2026-01-01")

    new, single, own = Kind.NEW_DISEASE, Kind.SINGLE_CASE, Kind.OWN_METHOD
    percentile, card = country(Method.MOVING_PERCENTILE), country(Method.SINGLE_CASE)
    off = country(Method.NONE)
    for kind, method, book, found in (
        (new, Method.RKI, percentile, {Guard.WATCHED}),
        (new, Method.RKI, off, set()),
        (single, Method.SINGLE_CASE, percentile, set()),
        (single, Method.SINGLE_CASE, card, {Guard.NOT_PERCENTILE}),
        (single, Method.SINGLE_CASE, RuleBook(), {Guard.NOT_PERCENTILE}),
        (own, Method.RKI, percentile, set()),
        (own, Method.RKI, off, {Guard.NOT_WATCHED}),
        (own, Method.NONE, percentile, {Guard.NATIONAL_STAYS}),
        (own, Method.RKI, card, {Guard.SINGLE_CASE_STAYS}),
    ):
        assert failing(kind, method, book) == found, (kind, method, book)


def _same_person(central: Path, one: str, other: str) -> None:
    with closing(sqlite3.connect(central)) as store, store:
        store.execute(
            "UPDATE accounts SET person_index = "
            "(SELECT person_index FROM accounts WHERE account = ?) WHERE account = ?",
            (one, other),
        )
