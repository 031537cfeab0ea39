"""People: items checked, derived, sealed, indexed; nothing of them in a message or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regions.blind_index import BlindIndexer
from regions.people import PERSON_ITEMS
from resolvers.writing.people import new_person
from resolvers.writing.refusing import Mistakes
from resolvers.writing.values import Moment, day_of
from schema.people import PersonInput
from schema.privacy import MASK
from tests.resolvers.writing.making import (
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
    sample_input,
    visit_input,
)

INDEXER = BlindIndexer(b"2" * 32)
MOMENT = Moment("2026-11-22T00:12:03Z")


def read(**items: Any) -> tuple[Row, dict[str, str]]:
    """The items of a person by an input, and its mistakes by path."""
    mistakes = Mistakes()
    made = new_person(PersonInput(**items), INDEXER, mistakes, ["person"], MOMENT)
    return made.items, {".".join(one.path): one.message for one in mistakes.found}


def test_birth_date_sex_and_age_come_from_a_residents_number() -> None:
    items, wrong = read(id_number=id_number("1990-11-23", sex="F"))
    assert wrong == {}
    assert (items["birth_date"], items["sex"], items["age"]) == ("1990-11-23", "F", 35)
    assert items["id_type"] == "RESIDENT_ID"
    items, _ = read(id_number=id_number("1990-11-22"))
    assert (items["sex"], items["age"]) == ("M", 36)


def test_fifteen_digits_become_eighteen() -> None:
    items, wrong = read(id_number="320102 900102 001")
    assert wrong == {}
    assert items["id_number"] == "32010219900102001" + items["id_number"][-1]
    assert items["birth_date"] == "1990-01-02"
    assert len(items["id_number"]) == 18


def test_another_document_is_not_checked() -> None:
    items, wrong = read(id_type="PASSPORT", id_number=" e1234567 ")
    assert wrong == {}
    assert items == {"id_type": "PASSPORT", "id_number": "E1234567"}
    items, wrong = read(id_type="MILITARY", id_number="军字第1234567号")
    assert wrong == {}


WRONG: list[tuple[Row, str, str]] = [
    ({"id_number": "990101199001020010"}, "idNumber", "checksum"),
    ({"id_number": "99010119900231001X"}, "idNumber", "checksum"),
    ({"id_number": id_number("2099-01-01")}, "idNumber", "no resident's"),
    ({"id_number": id_number("1890-01-01")}, "idNumber", "no resident's"),
    ({"id_number": "E1234567"}, "idNumber", "for another document give idType"),
    ({"id_number": "!"}, "idNumber", "3 to 40"),
    ({"id_number": "9" * 200}, "idNumber", "3 to 40"),
    ({"id_number": id_number("1990-01-02"), "birth_date": "1990-01-03"}, "birthDate", "contradict"),
    ({"id_number": id_number("1990-01-02"), "sex": "F"}, "sex", "contradict"),
    ({"id_type": "two words", "name": "x"}, "idType", "a word"),
    ({"name": "x", "sex": "male"}, "sex", "M or F"),
    ({"name": "x", "age": 131}, "age", "0 to 130"),
    ({"name": "x", "age": -1}, "age", "0 to 130"),
    ({"name": "x", "age": 10**30}, "age", "0 to 130"),
    ({"name": "x", "age": 30, "birth_date": "1990-01-02"}, "age", "contradict"),
    ({"name": "x", "birth_date": "2099-01-01"}, "birthDate", "future"),
    ({"name": "x", "birth_date": "1890-01-01"}, "birthDate", "years ago"),
    ({"name": "x", "phone": "12"}, "phone", "5 to 20"),
    ({"name": "x", "phone": "telephone"}, "phone", "5 to 20"),
    ({"name": "x" * 101}, "name", "longer"),
    ({"name": "x\x1ey"}, "name", "control"),
    ({"name": "\ud800"}, "name", "control"),
    ({"name": "x", "residence_code": "320103"}, "residenceCode", "320104"),
    ({"name": "x", "residence_area": "3201020030"}, "residenceArea", "9 digits"),
    ({"name": "x", "residence_area": "３２０１０２００３"}, "residenceArea", "9 digits"),
    ({"name": "x", "residence_area": "320103003"}, "residenceArea", "320104"),
    (
        {"name": "x", "residence_area": "320102003012", "residence_code": "320104"},
        "residenceArea",
        "another county",
    ),
    ({"name": "x", "nationality": "y" * 61}, "nationality", "longer"),
    ({}, "", "at least a name"),
    ({"sex": "M", "age": 30, "name": " ", "phone": MASK}, "", "at least a name"),
]


@pytest.mark.parametrize(("items", "path", "says"), WRONG, ids=lambda one: ascii(one)[:50])
def test_what_cannot_be_is_named_and_not_echoed(items: Row, path: str, says: str) -> None:
    _, wrong = read(**items)
    message = wrong[f"person.{path}".rstrip(".")]
    assert says in message
    for value in items.values():
        assert len(str(value)) < 6 or str(value) not in message


def test_an_age_counted_in_the_old_way_gives_way_to_the_birth_date() -> None:
    items, wrong = read(name="x", age=38, birth_date="1990-01-02")
    assert wrong == {}
    assert items["age"] == 36


@given(
    st.dictionaries(
        st.sampled_from(PERSON_ITEMS),
        st.one_of(st.text(max_size=30), st.just(MASK), st.none()),
    )
)
def test_no_text_breaks_it_and_no_mask_is_kept(items: Row) -> None:
    made, wrong = read(**items)
    assert MASK not in made.values()
    for name, value in made.items():
        if value is not None and name in items and not wrong:
            assert str(value).strip() == str(value)


def test_days_are_local_days() -> None:
    assert day_of("2026-11-21T16:00:00Z") == "2026-11-22"
    assert day_of("2026-11-21T15:59:59Z") == "2026-11-21"
    assert MOMENT.today == "2026-11-22"
    assert MOMENT.latest == "2026-11-22T00:17:03Z"


SECRETS = {
    "name": "欧阳无敌",
    "idNumber": id_number("1991-07-07", number=77),
    "phone": "15412349876",
    "employer": "测试秘密工厂",
    "employerLocation": "测试工业路",
    "residence": "测试秘密小区",
    "whereabouts": "测试秘密旅馆",
    "guardian": "欧阳监护",
    "residenceArea": "320102003012",
}


def test_nothing_private_is_in_any_file(writer: Writer) -> None:
    """Every mutation with secrets in every private field; then the bytes of every file are read."""
    secret = "极密备注文字"
    case = writer.do(
        "registerCase",
        DOCTOR,
        case_input(person=SECRETS, remarks=secret, exposures=[{"place": secret}]),
    )["case"]
    contact = contact_row(
        person=SECRETS,
        place=secret,
        seat="极密",
        destination=secret,
        remarks=secret,
        observation={"mode": "HOME", "place": secret},
    )
    rows = writer.do("registerContacts", DOCTOR, contacts_input(contact))["rows"]
    writer.do("recordVisit", DOCTOR, visit_input(case["id"], remarks=secret))
    writer.do("recordSample", DOCTOR, sample_input(rows[0]["contact"]["id"], remarks=secret))
    change = correction(case["person"]["id"], ("name", "欧阳更正"), reason=secret)
    assert len(writer.do("correct", DOCTOR, change)["corrections"]) == 1
    files = [
        path
        for region in writer.regions
        for path in Path(str(region.path)).parent.glob(f"{Path(str(region.path)).name}*")
    ]
    content = b"".join(path.read_bytes() for path in files)
    assert len(content) > 100_000
    for value in (*SECRETS.values(), secret, "欧阳更正"):
        assert value.encode() not in content
        assert value.encode("utf-16-le") not in content
        assert ascii(value)[1:-1].encode() not in content


AREA = "query($i: ID!) { node(id: $i) { ... on Person { residenceArea residenceCode residence } } }"


def test_a_village_is_private_and_its_county_is_not(writer: Writer) -> None:
    """B11 wants twelve digits, F3 that nobody reads them who may not see the residence."""
    person = {"name": "测试村民", "residenceArea": "320102003012"}
    made = writer.do("registerCase", DOCTOR, case_input(person=person))["case"]["person"]
    assert made["residenceCode"] == "320102"
    (row,) = writer.rows("people")
    assert (row["residence_code"], row["residence_area"]) == ("320102", "320102003012")
    clear = {"residenceArea": "320102003012", "residenceCode": "320102", "residence": None}
    masked = clear | {"residenceArea": "*", "residence": "*"}
    for who, seen in ((DOCTOR, clear), (COUNTY, masked), (NATIONAL, masked)):
        assert writer.ask(AREA, who, {"i": made["id"]}).data["node"] == seen

    # A masked viewer corrects it unseen; only its county is held against what everybody sees.
    given = correction(made["id"], ("residenceArea", "320104005"))
    (mistake,) = writer.do("correct", COUNTY, given)["mistakes"]
    assert "another county" in mistake["message"]
    given = correction(made["id"], ("residenceArea", "320102005"))
    assert len(writer.do("correct", COUNTY, given)["corrections"]) == 1
    given = correction(made["id"], ("residenceArea", "320104005"), ("residenceCode", "320104"))
    found = writer.do("correct", DOCTOR, given)["corrections"]
    told = {one["field"]: (one["old"], one["new"], one["oldValue"]) for one in found}
    assert told["residenceArea"] == ('"320102005"', '"320104005"', None)
    asked = writer.ask(AREA, DOCTOR, {"i": made["id"]}).data["node"]
    assert asked == clear | {"residenceArea": "320104005", "residenceCode": "320104"}


def test_no_message_holds_a_private_value(writer: Writer) -> None:
    """Every item wrong in its own way."""
    wrong = {
        **SECRETS,
        "idNumber": SECRETS["idNumber"][:-1] + ("0" if SECRETS["idNumber"][-1] != "0" else "1"),
        "sex": "女性人员",
        "birthDate": "1991-07-08",
        "phone": "电话号码是秘密",
        "employer": "测试秘密工厂" * 60,
        "residenceArea": "3201020030124",
        "residence": "测试秘密\x07小区",
    }
    given = case_input(person=wrong, remarks="极密备注文字" * 500)
    asked = writer.do("registerCase", NATIONAL, given)
    assert len(asked["mistakes"]) >= 5
    for value in (*SECRETS.values(), *wrong.values(), "极密备注文字"):
        assert value not in str(asked)
        assert value[:12] not in str(asked)
