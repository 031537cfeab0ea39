"""Lists of people into letters, and the figures of letters, over three regions (C5, C6)."""

from __future__ import annotations

import base64
import io
from itertools import count
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from regions.blind_index import check_digit
from resolvers.users import Role
from tests.answering import viewer
from tests.resolvers.assist.corresponding import (
    CLERK,
    ISSUER,
    NATIONAL,
    OFFICER,
    RECEIVER,
    Correspondence,
    letter_input,
)
from tests.resolvers.writing.making import contact_row, contacts_input, result

_keys = count(1)
ANALYST = viewer("320000", Role.ANALYST)
_IMPORT = """mutation ($input: ImportAssistPeopleInput!) { importAssistPeople(input: $input) {
  __typename
  ... on ImportAssistPeoplePayload { accepted rejected counties ignoredColumns ignoredSheets
    pending repeated
    rows { line accepted sameAs duplicate county question questionZh
      mistakes { column message messageZh } }
    assistRequest { id number state version peopleCount
      people { position name idNumber phone level manner lastContactOn whereaboutsCode seat } } }
  ... on Problem { code message messageZh }
  ... on InvalidInputProblem { path } ... on StepProblem { reason } } }"""
_FIGURES = """query ($from: Date!, $to: Date!, $by: AssistIndicatorKey!) {
  assistIndicators(from: $from, to: $to, by: $by) { key complete letters people sameDay nextDay
    delayed open forwarded sameDayRate overdueControl hoursToControl hoursToAcknowledge } }"""
HEADER = "姓名,证件号码,联系电话,密接类型,接触方式,末次接触日期,所在地代码,车次座位"


def id_number(sequence: int) -> str:
    first17 = f"99010119800101{sequence:03d}"
    return first17 + check_digit(first17)


def csv(*lines: str, header: str = HEADER) -> str:
    return base64.b64encode("\n".join([header, *lines]).encode()).decode()


def people(count: int, first: int = 0) -> list[str]:
    return [
        f"测试人{n},{id_number(n % 1000)},1540{n:07d},密接,同餐,2026-11-19,320205001,G1 {n}A"
        for n in range(first, first + count)
    ]


def imported(office: Correspondence, who: Any, content: str, **more: Any) -> Any:
    given = {"idempotencyKey": f"import-{next(_keys)}", "content": content, **more}
    return result("importAssistPeople", office.ask(_IMPORT, who, {"input": given}))


def letter(**more: Any) -> dict[str, Any]:
    given = letter_input()
    return {name: given[name] for name in ("toCode", "case", "asked", "remarks")} | more


def test_a_list_becomes_a_draft_that_is_sent(office: Correspondence) -> None:
    found = imported(office, CLERK, csv(*people(3)), letter=letter())
    assert found["__typename"] == "ImportAssistPeoplePayload", found
    assert (found["accepted"], found["rejected"], found["pending"]) == (3, 0, False)
    assert found["counties"] == ["320205"]
    assert [one["duplicate"] for one in found["rows"]] == [False] * 3
    draft = found["assistRequest"]
    assert (draft["state"], draft["peopleCount"]) == ("DRAFT", 3)
    first = draft["people"][0]
    assert (first["name"], first["idNumber"]) == ("测试人0", id_number(0))
    assert (first["manner"], first["lastContactOn"]) == (["SHARED_MEAL"], "2026-11-19")
    assert (first["whereaboutsCode"], first["seat"]) == ("320205", "G1 0A")
    office.done("submitAssistRequest", CLERK, draft["id"])
    got = office.received(RECEIVER, draft["number"])
    assert [one["position"] for one in got["people"]] == [1, 2, 3]
    assert got["people"][2]["name"] == "测试人2"


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_a_thousand_and_more_people_are_imported_once(office: Correspondence) -> None:
    content = csv(*people(1_500))
    given = {"idempotencyKey": "big", "letter": letter()}
    found = imported(office, CLERK, content, **given)
    assert (found["accepted"], found["repeated"]) == (1_500, False)
    assert found["assistRequest"]["peopleCount"] == 1_500
    assert sum(one["sameAs"] is not None for one in found["rows"]) == 500
    again = imported(office, CLERK, content, **given)
    assert again["repeated"] is True
    assert again["assistRequest"]["id"] == found["assistRequest"]["id"]
    assert len(office.letters(CLERK)) == 1
    other = imported(office, CLERK, csv(*people(2)), **given)
    assert other["code"] == "IDEMPOTENCY_CONFLICT"


def test_rows_are_told_by_line_and_those_that_stand_are_taken(office: Correspondence) -> None:
    lines = [
        *people(2),
        f"李强,{id_number(7)[:-1]}?,,密接,,,,",
        "赵敏,,,密接,偶遇,,,",
        people(1)[0],
    ]
    found = imported(office, CLERK, csv(*lines), letter=letter())
    assert (found["accepted"], found["rejected"]) == (3, 2)
    assert [one["line"] for one in found["rows"]] == [2, 3, 4, 5, 6]
    assert [one["accepted"] for one in found["rows"]] == [True, True, False, False, True]
    assert [one["sameAs"] for one in found["rows"]] == [None, None, None, None, 2]
    assert [m["column"] for m in found["rows"][2]["mistakes"]] == ["证件号码"]
    assert [m["column"] for m in found["rows"][3]["mistakes"]] == ["接触方式"]
    assert "李强" not in str(found["rows"])
    assert found["rows"][2]["duplicate"] is None
    assert found["assistRequest"]["peopleCount"] == 3


def test_somebody_on_record_in_another_region_is_flagged_not_refused(
    office: Correspondence,
) -> None:
    known = contact_row(code="320205")
    known["person"] |= {"idNumber": id_number(5), "birthDate": None, "sex": None, "age": None}
    written = office.ask(
        "mutation ($input: RegisterContactsInput!) { registerContacts(input: $input) { "
        "... on RegisterContactsPayload { registered rows { problem { message } } } } }",
        viewer("320205", Role.DIRECT_REPORTER),
        {"input": contacts_input(rows=[known])},
    )
    assert written.data["registerContacts"]["registered"] == 1, written.data
    found = imported(office, CLERK, csv(*people(2, first=4)))
    assert [one["duplicate"] for one in found["rows"]] == [False, True]
    assert found["accepted"] == 2


def test_a_list_is_only_checked_where_no_letter_is_wanted(office: Correspondence) -> None:
    found = imported(office, CLERK, csv(*people(2)))
    assert (found["accepted"], found["assistRequest"]) == (2, None)
    assert office.letters(CLERK) == []


def test_people_are_added_to_a_letter_that_was_sent(office: Correspondence) -> None:
    sent, got = office.worked_on(people=1)
    found = imported(office, ISSUER, csv(*people(2)), request=sent["id"])
    assert found["assistRequest"]["peopleCount"] == 3
    assert found["assistRequest"]["version"] == 2
    assert [one["position"] for one in office.received(RECEIVER, sent)["people"]] == [1, 2, 3]
    assert got["peopleCount"] == 1


def test_whereabouts_elsewhere_and_nowhere_are_told(office: Correspondence) -> None:
    lines = [
        "甲,,13900000001,,,,320205001,",
        "乙,,13900000002,,,,500101,",
        "丙,,13900000003,,,,130103,",
        "丁,,13900000004,,,,110101,",
    ]
    found = imported(office, CLERK, csv(*lines), letter=letter())
    assert [one["county"] for one in found["rows"]] == ["320205", "500101", None, "110101"]
    assert found["counties"] == ["110101", "320205", "500101"]
    asked = found["rows"][2]
    assert "130102 长安区" in asked["question"]
    assert asked["questionZh"].startswith("该代码已停用")
    codes = [one["whereaboutsCode"] for one in found["assistRequest"]["people"]]
    assert codes == ["320205", "500101", None, "110101"]


def test_a_workbook_is_read_and_its_other_sheets_named(office: Correspondence) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for line in (HEADER + ",血型", *people(2)):
        sheet.append(line.split(","))
    book.create_sheet("别的").append(["x"])
    out = io.BytesIO()
    book.save(out)
    content = base64.b64encode(out.getvalue()).decode()
    found = imported(office, CLERK, content, letter=letter())
    assert (found["accepted"], found["ignoredColumns"]) == (2, ["血型"])
    assert found["ignoredSheets"] == ["别的"]


def test_what_is_no_list_is_refused_with_what_to_do(office: Correspondence) -> None:
    for content, part in (
        ("不是", "base64"),
        (base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0").decode(), "neither"),
        (csv("1", header="序号"), "names no column"),
    ):
        found = imported(office, CLERK, content)
        assert (found["code"], found["path"]) == ("INVALID_INPUT", ["content"])
        assert part in found["message"]
    both = imported(office, CLERK, csv(*people(1)), letter=letter(), request="x:1")
    assert both["path"] == ["request"]
    wrong = imported(office, CLERK, csv(*people(1)), letter=letter(asked=[]))
    assert wrong["path"] == ["letter", "asked"]


def test_only_who_writes_letters_imports(office: Correspondence) -> None:
    assert imported(office, ANALYST, csv(*people(1)))["code"] == "FORBIDDEN"


def figures(office: Correspondence, who: Any, by: str) -> tuple[dict[str, Any], list[Any]]:
    asked = office.ask(_FIGURES, who, {"from": "2020-01-01", "to": "2021-12-31", "by": by})
    assert asked.data["assistIndicators"] == []
    days = {"from": "2026-01-01", "to": "2027-12-31", "by": by}
    asked = office.ask(_FIGURES, who, days)
    return {one["key"]: one for one in asked.data["assistIndicators"]}, asked.errors


def test_figures_count_a_letter_once_whoever_asks(office: Correspondence) -> None:
    _, got = office.worked_on(people=3)
    office.control(got, 1)
    office.draft()
    for who in (NATIONAL, ISSUER, OFFICER):
        found, errors = figures(office, who, "RECEIVER")
        assert errors == []
        one = found["cdc-320205"]
        assert (one["letters"], one["people"], one["open"], one["complete"]) == (1, 3, 2, True)
    by_sender, _ = figures(office, NATIONAL, "SENDER")
    assert set(by_sender) == {"cdc-320102"}
    route, _ = figures(office, NATIONAL, "ROUTE")
    assert set(route) == {"OTHER_CITY"}


def test_figures_say_that_a_region_is_missing(office: Correspondence, tmp_path: Path) -> None:
    office.sent(people=2)
    path = next(one.path for one in office.regions if one.code == "320200")
    assert path is not None
    path.rename(tmp_path / "away.db")
    office.run(office.stores.close())
    found, errors = figures(office, NATIONAL, "RECEIVER")
    one = found["cdc-320205"]
    assert (one["letters"], one["people"], one["complete"]) == (1, 2, False)
    assert [error["extensions"]["region"] for error in errors] == ["320200"]


def test_figures_of_too_long_a_time_and_of_none_are_refused(office: Correspondence) -> None:
    for start, end, code in (
        ("2020-01-01", "2026-01-01", "TOO_LARGE"),
        ("2026-02-01", "2026-01-01", "INVALID_INPUT"),
    ):
        asked = office.ask(_FIGURES, NATIONAL, {"from": start, "to": end, "by": "SENDER"})
        assert asked.errors[0]["extensions"]["code"] == code
    asked = office.ask(
        _FIGURES, ANALYST, {"from": "2026-01-01", "to": "2026-02-01", "by": "SENDER"}
    )
    assert asked.errors[0]["extensions"]["code"] == "FORBIDDEN"
