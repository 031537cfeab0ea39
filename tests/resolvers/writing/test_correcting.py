"""correct: history, reasons, masks that never overwrite, nothing told of hidden values."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random

import hypothesis
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text, update

from regions.blind_index import BlindIndexer
from regions.contacts import contacts
from regions.keys import Keys
from resolvers.catalog import RECORDS
from resolvers.observed import DISEASE
from resolvers.transfers.ledger import custodies
from resolvers.users import Viewer
from resolvers.writing.correctable import CORRECTABLE
from resolvers.writing.rules import RULES
from tests.answering import grant, viewer
from tests.resolvers.writing.making import (
    CITY,
    COLLEAGUE,
    COUNTY,
    DOCTOR,
    NATIONAL,
    Row,
    Writer,
    case_input,
    contact_row,
    contacts_input,
    correction,
    id_number,
    person,
    sample_input,
    visit_input,
)
from tests.stores import Stores, in_store


def make_case(writer: Writer, who: Viewer = DOCTOR, **more: object) -> Row:
    case: Row = writer.do("registerCase", who, case_input(**more))["case"]
    return case


def make_contact(writer: Writer, **more: object) -> str:
    given = contacts_input(contact_row(**more))
    found: str = writer.do("registerContacts", DOCTOR, given)["rows"][0]["contact"]["id"]
    return found


def test_contacts_follow_a_corrected_disease_and_say_so(either: Writer) -> None:
    case = make_case(either)
    here = make_contact(either, sourceCase=case["id"])
    there = either.do(
        "registerContacts",
        NATIONAL,
        contacts_input(contact_row(sourceCase=case["id"], code="320205")),
    )
    assert there["rows"][0]["contact"]["disease"]["id"] == "measles"
    given = correction(case["id"], ("disease", "rubella"))
    assert either.do("correct", DOCTOR, given)["__typename"] == "CorrectPayload"
    text = (
        "query ($i: ID!) { node(id: $i) { ... on Contact { disease { id } history { field } } } }"
    )
    found = either.ask(text, CITY, {"i": here}).data["node"]
    assert found == {"disease": {"id": "rubella"}, "history": [{"field": "disease"}]}
    told = [row for row in either.rows("post_outbox") if row["topic"] == DISEASE]
    assert {row["to_region"] for row in told} == {"320200"}
    assert {row["subject"] for row in told} == {case["id"], here}
    # What is said of a contact itself is corrected as any field.
    assert either.do("correct", NATIONAL, correction(here, ("disease", "mumps")))["corrections"]
    assert either.ask(text, CITY, {"i": here}).data["node"]["disease"] == {"id": "mumps"}


def test_public_and_private_fields_with_their_history(either: Writer) -> None:
    case = make_case(either, remarks="旧备注")
    given = correction(
        case["id"],
        ("onsetOn", "2026-02-27"),
        ("classification", "SUSPECTED"),
        ("foundBy", None),
        ("remarks", "新备注"),
        reason="核实后更正",
    )
    found = either.do("correct", DOCTOR, given)
    assert found["record"] == {"id": case["id"]}
    by_field = {one["field"]: one for one in found["corrections"]}
    assert set(by_field) == {"onsetOn", "classification", "remarks"}
    assert by_field["onsetOn"]["oldValue"] == '"2026-03-01"'
    assert by_field["onsetOn"]["newValue"] == '"2026-02-27"'
    assert by_field["onsetOn"]["old"] is None
    assert by_field["remarks"]["old"] == '"旧备注"'
    assert by_field["remarks"]["new"] == '"新备注"'
    assert by_field["remarks"]["oldValue"] is None
    assert {one["reason"] for one in found["corrections"]} == {"核实后更正"}
    assert {one["correctedBy"] for one in found["corrections"]} == {"doctor"}
    assert [(one["field"], one["code"]) for one in found["ignored"]] == [("foundBy", "UNCHANGED")]
    (row,) = either.rows("cases")
    assert (row["onset_on"], row["remarks"], row["version"]) == ("2026-02-27", "新备注", 2)
    (one,) = [r for r in either.rows("corrections") if r["field"] == "remarks"]
    assert one["item"] == "REMARKS"
    assert one["old_value"] is one["new_value"] is None
    assert (one["reporter"], one["unit_id"]) == ("doctor", "hospital-320102-1")


def test_a_correction_of_a_person_seals_and_indexes_anew(either: Writer) -> None:
    case = make_case(either, person=person(birthDate="1990-01-02"))
    who = case["person"]["id"]
    number = id_number("1991-02-03", number=4711)
    given = correction(
        who,
        ("name", "更正名"),
        ("idNumber", number),
        ("birthDate", "1991-02-03"),
        ("age", "35"),
        ("sex", None),
        ("residenceCode", "320104"),
        ("medicalWorker", "YES"),
    )
    found = either.do("correct", DOCTOR, given)
    assert len(found["corrections"]) == 7
    (row,) = either.rows("people")
    assert (row["name"], row["id_number"], row["age"], row["sex"]) == ("更正名", number, 35, None)
    assert row["phone"] is not None
    assert row["residence_code"] == "320104"
    indexer = BlindIndexer(either.keys.index)
    assert row["id_number_index"] == indexer.id_number(number)
    assert row["name_birth_index"] == indexer.name_birth("更正名", "1991-02-03")
    assert row["phone_index"] == indexer.phone(row["phone"])
    found = either.do("registerCase", COUNTY, case_input(person={"idNumber": number}))
    assert found["duplicate"] is True


@pytest.mark.leak(23)
@pytest.mark.parametrize("mask", ["*", " * "])
def test_a_mask_never_overwrites_whoever_sends_it(mask: str, either: Writer) -> None:
    case = make_case(either, remarks="备注")
    before = either.rows("people"), either.rows("cases")
    for who in (DOCTOR, COUNTY, NATIONAL):
        fields = [name for name, one in CORRECTABLE["Person"].items() if one.item is not None]
        given = correction(case["person"]["id"], *((name, mask) for name in fields))
        found = either.do("correct", who, given)
        assert found["corrections"] == []
        assert [one["field"] for one in found["ignored"]] == fields
        assert {one["code"] for one in found["ignored"]} == {"MASK_GIVEN"}
        assert all(one["messageZh"] for one in found["ignored"])
        found = either.do("correct", who, correction(case["id"], ("remarks", mask)))
        assert found["corrections"] == []
    assert (either.rows("people"), either.rows("cases")) == before


def test_a_masked_viewer_corrects_what_it_does_not_see_and_nothing_else(either: Writer) -> None:
    case = make_case(either)
    (before,) = either.rows("people")
    given = correction(case["person"]["id"], ("phone", "15400000001"), ("name", "*"))
    found = either.do("correct", COUNTY, given)
    (entry,) = found["corrections"]
    assert {entry[name] for name in ("old", "new", "reason")} == {"*"}
    (after,) = either.rows("people")
    changed = {name for name in after if after[name] != before[name]}
    assert changed <= {"phone", "phone_index", "version", "updated_at"}
    assert after["phone"] == "15400000001"
    (entry,) = either.rows("corrections")
    assert entry["old"] == f'"{before["phone"]}"'
    seen = either.ask(
        "query ($id: ID!) { node(id: $id) { ... on Person { history { old new reason } } } }",
        DOCTOR,
        {"id": case["person"]["id"]},
    )
    (entry,) = seen.data["node"]["history"]
    assert entry == {"old": f'"{before["phone"]}"', "new": '"15400000001"', "reason": "录入错误"}


@pytest.mark.leak(22)
def test_a_guess_of_a_hidden_value_looks_like_any_other(writer: Writer) -> None:
    """For a masked viewer a right and a wrong guess give the same answer; a clear one is told."""
    results = []
    for guess in ("测试真名", "测试假名"):
        case = make_case(writer, person={"name": "测试真名", "idNumber": id_number("1990-01-02")})
        who = case["person"]["id"]
        given = correction(who, ("name", guess), ("birthDate", "1990-01-02"), ("sex", "F"))
        found = writer.do("correct", COUNTY, given)
        results.append([one["field"] for one in found["corrections"]] + found["ignored"])
        if guess == "测试真名":
            own = writer.do("correct", DOCTOR, correction(who, ("name", guess)))
            assert [one["code"] for one in own["ignored"]] == ["UNCHANGED"]
    assert results[0] == results[1] == ["name", "birthDate", "sex"]


@pytest.mark.leak(17)
def test_a_number_is_not_compared_with_hidden_items(writer: Writer) -> None:
    """Whether an ID number fits the birth date on record would tell the birth date."""
    case = make_case(writer, person={"name": "x", "birthDate": "1990-01-02"})
    for birth in ("1990-01-02", "1980-05-06"):
        given = correction(case["person"]["id"], ("idNumber", id_number(birth)))
        assert len(writer.do("correct", COUNTY, given)["corrections"]) == 1
    both = correction(
        case["person"]["id"], ("idNumber", id_number("1990-01-02")), ("birthDate", "1990-01-03")
    )
    found = writer.do("correct", COUNTY, both)
    assert (found["__typename"], found["path"]) == (
        "InvalidInputProblem",
        ["changes", "1", "value"],
    )


def test_contacts_visits_and_samples(either: Writer) -> None:
    source = make_case(either)["id"]
    contact = make_contact(either, seat="1A", place="旧地点", observation={"mode": "HOME"})
    given = correction(
        contact,
        ("sourceCase", source),
        ("manner", '["SHARED_MEAL", "OTHER", "SHARED_MEAL"]'),
        ("observation.mode", "CENTRAL"),
        ("observation.place", "隔离点"),
        ("observation.dueOn", "2026-03-20"),
        ("seat", None),
        ("outcome", '"RELEASED"'),
        ("rulePack", "N113"),
        ("exclusionReason", "NEVER_MET"),
    )
    found = either.do("correct", DOCTOR, given)
    old = {one["field"]: (one["oldValue"], one["newValue"]) for one in found["corrections"]}
    assert len(old) == 9
    assert old["sourceCase"] == ("null", f'"{source}"')
    assert old["manner"] == ("[]", '["SHARED_MEAL","OTHER"]')
    (row,) = either.rows("contacts")
    assert (row["observation_place"], row["place"], row["seat"]) == ("隔离点", "旧地点", None)
    assert f"case:{row['source_case_id']}" == source
    visit = either.do("recordVisit", DOCTOR, visit_input(contact))["visit"]["id"]
    given = correction(visit, ("temperatureTenths", "385"), ("symptoms", '["FEVER"]'))
    assert len(either.do("correct", DOCTOR, given)["corrections"]) == 2
    assert either.rows("visits")[0]["temperature_tenths"] == 385
    sample = either.do("recordSample", DOCTOR, sample_input(contact))["sample"]["id"]
    given = correction(sample, ("result", "POSITIVE"), ("remarks", "备注"))
    assert len(either.do("correct", DOCTOR, given)["corrections"]) == 2
    assert either.rows("samples")[0]["remarks"] == "备注"
    kinds = {row["record_type"] for row in either.rows("corrections")}
    assert kinds == {"CONTACT", "VISIT", "SAMPLE"}


WRONG: list[tuple[tuple[tuple[str, str | None], ...], str, str]] = [
    ((("nonsense", "1"),), "changes.0.field", "no field of a case"),
    ((("name", "x"),), "changes.0.field", "by the person's id"),
    ((("createdAt", "2026-01-01T00:00:00Z"),), "changes.0.field", "no field"),
    ((("onsetOn", "2026-02-01"), ("onsetOn", "2026-02-02")), "changes.1.field", "once"),
    ((("onsetOn", "yesterday"),), "changes.0.value", "YYYY-MM-DD"),
    ((("onsetOn", "2099-01-01"),), "changes.0.value", "future"),
    ((("reportedAt", "2026-01-01"),), "changes.0.value", "ISO 8601"),
    ((("reportedAt", None),), "changes.0.value", "cannot be emptied"),
    ((("code", ""),), "changes.0.value", "cannot be emptied"),
    ((("code", "x"),), "changes.0.value", "six digits"),
    ((("code", "320103"),), "changes.0.value", "320104"),
    ((("code", "320100"),), "changes.0.value", "county"),
    ((("code", "320205"),), "changes.0.value", "another region"),
    ((("classification", "MAYBE"),), "changes.0.value", "SUSPECTED"),
    ((("disease", "x"),), "changes.0.value", "no such disease"),
    ((("diedOn", "2026-03-04"),), "changes.0.value", "needs the outcome DIED"),
    ((("outcome", None), ("diedOn", "2026-03-04")), "changes.1.value", "needs the outcome DIED"),
    ((), "changes", "1 to 50"),
]


@pytest.mark.parametrize(("changes", "path", "says"), WRONG, ids=lambda one: str(one)[:60])
def test_what_cannot_be_is_named(
    changes: tuple[tuple[str, str | None], ...], path: str, says: str, shared: Writer
) -> None:
    case = make_case(shared)
    before = shared.rows("cases"), shared.rows("corrections")
    found = shared.do("correct", NATIONAL, correction(case["id"], *changes))
    assert found["__typename"] == "InvalidInputProblem", found
    told = {".".join(one["path"]): one["message"] for one in found["mistakes"]}
    assert says in told[path]
    assert (shared.rows("cases"), shared.rows("corrections")) == before


def test_other_mistakes(writer: Writer) -> None:
    case = make_case(writer)["id"]
    contact = make_contact(writer)
    visit = writer.do("recordVisit", DOCTOR, visit_input(contact))["visit"]["id"]
    for given, path in (
        (correction(case, ("onsetOn", None), reason=" "), ["reason"]),
        (correction(case, ("onsetOn", None), reason="*"), ["reason"]),
        (correction(case, ("onsetOn", None), reason="x" * 1001), ["reason"]),
        (correction("exposure:1", ("place", "x")), ["id"]),
        (correction("nonsense", ("place", "x")), ["id"]),
        (correction(contact, ("manner", "SHARED_MEAL")), ["changes", "0", "value"]),
        (correction(contact, ("manner", '["TALKED"]')), ["changes", "0", "value"]),
        (correction(contact, ("manner", None)), ["changes", "0", "value"]),
        (correction(contact, ("level", "SECONDARY")), ["changes", "0", "value"]),
        (correction(contact, ("sourceCase", "case:7")), ["changes", "0", "value"]),
        (correction(contact, ("sourceCase", contact)), ["changes", "0", "value"]),
        (correction(visit, ("temperatureTenths", "warm")), ["changes", "0", "value"]),
        (correction(visit, ("temperatureTenths", "99")), ["changes", "0", "value"]),
        (correction(visit, ("code", "320104")), ["changes", "0", "field"]),
    ):
        found = writer.do("correct", NATIONAL, given)
        assert (found["__typename"], found["path"]) == ("InvalidInputProblem", path), given


def test_who_may_correct(writer: Writer) -> None:
    case = make_case(writer)
    change = ("onsetOn", "2026-02-20")
    found = writer.do("correct", COLLEAGUE, correction(case["id"], change))
    assert found["__typename"] == "ForbiddenProblem"
    for who in (DOCTOR, COUNTY, CITY, NATIONAL):
        found = writer.do("correct", who, correction(case["id"], change))
        assert found["__typename"] == "CorrectPayload"
    other = viewer("320104", account="other")
    nobody = f"case:{320100 << 43 | 99}"
    results = [
        writer.do("correct", who, correction(record, change))
        for who, record in ((other, case["id"]), (NATIONAL, nobody), (NATIONAL, "case:7"))
    ]
    assert results[0]["__typename"] == "NotFoundProblem"
    assert all(one == results[0] for one in results)


@pytest.mark.leak(22)
def test_a_record_leaves_no_jurisdiction_and_enters_no_right(writer: Writer) -> None:
    case = make_case(writer)["id"]
    found = writer.do("correct", COUNTY, correction(case, ("code", "320104")))
    assert found["__typename"] == "ForbiddenProblem"
    granted = viewer("320100", account="granted", grants=[grant("320105")])
    found = writer.do("correct", granted, correction(case, ("code", "320105")))
    assert found["__typename"] == "ForbiddenProblem"
    assert "masked for you" in found["message"]
    found = writer.do("correct", granted, correction(case, ("code", "320104")))
    assert len(found["corrections"]) == 1
    assert writer.rows("cases")[0]["code"] == "320104"
    assert [(c["code"], c["cases"]) for c in writer.rows("daily_counts")] == [("320104", 1)]


def test_rules_of_fields_that_stay_do_not_stop_a_correction(writer: Writer) -> None:
    """A carrier falls ill after the report; records loaded from real lists are out of order."""
    case = make_case(writer, classification="ASYMPTOMATIC", onsetOn=None)["id"]
    given = correction(case, ("classification", "CONFIRMED"), ("onsetOn", "2026-03-09"))
    assert len(writer.do("correct", DOCTOR, given)["corrections"]) == 2
    given = correction(case, ("foundBy", "SOURCE_TRACING"))
    assert len(writer.do("correct", DOCTOR, given)["corrections"]) == 1


def test_an_unchanged_record_has_no_history(either: Writer) -> None:
    case = make_case(either)
    before = either.rows("cases")
    given = correction(case["id"], ("onsetOn", "2026-03-01"), ("disease", "measles"))
    found = either.do("correct", NATIONAL, given)
    assert found["corrections"] == []
    assert {one["code"] for one in found["ignored"]} == {"UNCHANGED"}
    assert either.rows("cases") == before
    assert either.count("corrections") == 0


def test_everything_registered_can_be_corrected_and_every_rule_knows_its_columns() -> None:
    fixed = {
        "Person": {"id", "region", "createdAt", "updatedAt", "elsewhere", "cases", "contacts"},
        "Case": {"id", "person", "reportedBy", "createdAt", "updatedAt", "contacts", "exposures"},
        "Contact": {"id", "person", "createdAt", "updatedAt", "secondaryContacts", "observation"},
        "Visit": {"id", "person", "contact", "case", "code", "createdAt"},
        "Sample": {"id", "person", "contact", "case", "code", "createdAt"},
    }
    of_person = set(CORRECTABLE["Person"])
    for name, fields in CORRECTABLE.items():
        others = set(RECORDS[name].fields) - set(fields) - fixed[name]
        others -= {"history", "visits", "samples", "transfers", "custody", "pathway"}
        others -= {"assistRequests"}
        assert others <= of_person, f"{name}: nobody says whether {others} can be corrected"
    for table, rules in RULES.items():
        record = next((one for one in RECORDS.values() if one.table.name == table), None)
        assert record is not None
        assert {column for rule in rules for column in rule.columns} <= set(record.table.c.keys())
        assert all(rule.message and rule.message_zh for rule in rules)


ITEMS = tuple(name for name, one in CORRECTABLE["Person"].items() if one.item is not None)
VALUES = {
    "sex": ["M", "F"],
    "age": ["1", "99"],
    "birthDate": ["1990-01-02", "2000-02-29"],
    "idType": ["PASSPORT"],
    "idNumber": [id_number("1990-01-02"), id_number("2000-02-29")],
    "phone": ["15400000001", "15400000002"],
}
WHO = (DOCTOR, COUNTY, NATIONAL)
EDITS = st.lists(
    st.tuples(
        st.sampled_from(range(len(WHO))),
        st.dictionaries(
            st.sampled_from(ITEMS),
            st.sampled_from(["*", "* ", None, "甲", "乙"]),
            min_size=1,
            max_size=5,
        ),
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.leak(23)
def test_whatever_forms_send_back_no_hidden_value_is_lost(writer: Writer) -> None:
    """Edits by clear and masked viewers: every item is what was last given for it, never a mask."""
    who = make_case(writer)["person"]["id"]

    @settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
    @hypothesis.given(EDITS, st.randoms(use_true_random=False))
    def edits(steps: list[tuple[int, dict[str, str | None]]], chance: Random) -> None:
        (row,) = writer.rows("people")
        model = {name: row[one.target] for name, one in CORRECTABLE["Person"].items()}
        for number, changes in steps:
            given_values = {
                name: chance.choice(VALUES[name])
                if value in ("甲", "乙") and name in VALUES
                else value
                for name, value in changes.items()
            }
            found = writer.do("correct", WHO[number], correction(who, *given_values.items()))
            if found["__typename"] != "CorrectPayload":  # items that contradict each other
                assert found["__typename"] == "InvalidInputProblem"
                continue
            for name, value in given_values.items():
                if value is None or value.strip() != "*":
                    model[name] = int(value) if name == "age" and value else value
        (row,) = writer.rows("people")
        after = {name: row[one.target] for name, one in CORRECTABLE["Person"].items()}
        assert after == model
        assert "*" not in after.values()

    edits()
    assert writer.count("corrections") > 0


def test_two_corrections_of_a_record_in_one_operation_each_tell_their_own(writer: Writer) -> None:
    """What the first read is not what the second finds."""
    contact = make_contact(writer)
    selection = "{ ... on CorrectPayload { corrections { field } record { id } } }"
    asked = writer.ask(
        f"""mutation ($one: CorrectInput!, $two: CorrectInput!) {{
          one: correct(input: $one) {selection} two: correct(input: $two) {selection} }}""",
        DOCTOR,
        {
            "one": correction(contact, ("level", "GENERAL")),
            "two": correction(contact, ("traced", "NO")),
        },
    )
    found = [[one["field"] for one in asked.data[name]["corrections"]] for name in ("one", "two")]
    assert found == [["level"], ["traced"]]


def test_a_correction_and_a_step_of_a_transfer_do_not_wait_for_each_other(
    stores: Stores, keys: Keys
) -> None:
    """On PostgreSQL: the step has the person, and says then where the records are."""
    region = stores.postgresql("3201")
    writer = Writer([region], keys)
    contact = make_contact(writer)
    (row,) = writer.rows("contacts")
    holds = threading.Event()

    def step(connection: Connection) -> None:
        custodies(connection, [row["person_id"]])
        holds.set()
        end = time.monotonic() + _SECONDS
        while not connection.execute(_WAITING).scalar():
            assert time.monotonic() < end
            connection.execute(_ANEW)
            time.sleep(0.02)
        connection.execute(update(contacts).values(created_at=contacts.c.created_at))

    with ThreadPoolExecutor(1) as thread:
        stepping = thread.submit(in_store, region, step)
        assert holds.wait(_SECONDS)
        found = writer.do("correct", DOCTOR, correction(contact, ("level", "GENERAL")))
        stepping.result()
    writer.close()
    assert found["__typename"] == "CorrectPayload", found
    assert [one["field"] for one in found["corrections"]] == ["level"]


_SECONDS = 60.0  # until the test gives up
_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
_ANEW = text("SELECT pg_stat_clear_snapshot()")
