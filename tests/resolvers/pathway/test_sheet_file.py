"""The file of a sheet: one line for each person, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import Any

import pytest

from resolvers.pathway.sheet_file import sheet_csv
from tests.answering import viewer

_AT = "2026-11-28T01:00:00Z"


def _person(**more: Any) -> dict[str, Any]:
    known = dict.fromkeys(("name", "sex", "age", "phone", "residence", "whereabouts"), "*")
    return {"code": "320102", **known, **more}


def _sheet(*people: dict[str, Any], **more: Any) -> dict[str, Any]:
    due = [
        {"kind": "TEMPERATURE", "dueAt": "2026-11-28T04:00:00Z", "lateMinutes": 0},
        {"kind": "TEMPERATURE", "dueAt": "2026-11-28T14:00:00Z", "lateMinutes": 0},
        {"kind": "DAY_7_TEST", "dueAt": "2026-11-28T15:59:59Z", "lateMinutes": 7},
    ]
    told = [
        {
            "record": f"contact:{number}",
            "case": None,
            "contact": one,
            "state": "HOME_OBSERVATION",
            "day": 3,
            "pack": {"id": "9TH_EDITION"},
            "caveats": [{"part": "carrier"}],
            "due": due,
        }
        for number, one in enumerate(people, 1)
    ]
    regions = [{"code": "320100", "state": "ANSWERED"}, {"code": "320200", "state": "NOT_ASKED"}]
    return {
        "date": "2026-11-28",
        "unitId": "cdc-320102",
        "complete": True,
        "people": told,
        "regions": regions,
        **more,
    }


def _read(body: bytes) -> tuple[list[str], list[dict[str, str]]]:
    every = body.decode("utf-8-sig").splitlines(keepends=True)
    remarks = [one.strip() for one in every if one.startswith("#")]
    told = csv.DictReader(io.StringIO("".join(one for one in every if not one.startswith("#"))))
    return remarks, list(told)


def test_one_line_for_each_person() -> None:
    body = sheet_csv(_sheet(_person(), _person(name="王芳", age=41)), viewer("320102"), "r-1", _AT)
    remarks, (first, second) = _read(body)
    assert first["编号 record"] == "contact:1"
    assert first["姓名 name"] == "*"
    assert first["方案 rules"] == "9TH_EDITION 未与原文核对 unverified"
    assert first["待办 due"] == "TEMPERATURE DAY_7_TEST"
    assert (first["时限 until"], first["已逾期(分) late"]) == ("2026-11-28T04:00:00Z", "7")
    assert (second["姓名 name"], second["年龄 age"], second["完成情况 done"]) == ("王芳", "41", "")
    assert "# 行数 rows,2" in remarks
    whole, check = body.rsplit("# 校验".encode(), 1)
    assert hashlib.sha256(whole).hexdigest() in check.decode()


@pytest.mark.parametrize(
    "evil", ['=HYPERLINK("http://x","y")', "+86 138", "-2+3", "@SUM(A1)", "\t=1", "＝1+1", " =1"]
)
def test_what_a_spreadsheet_would_run_is_neutralised(evil: str) -> None:
    body = sheet_csv(_sheet(_person(whereabouts=evil)), viewer("320102"), "r-1", _AT)
    _, (row,) = _read(body)
    assert row["目前所在 whereabouts"] == f"'{evil}"


def test_regions_without_an_answer_are_named_at_both_ends() -> None:
    silent = [{"code": "500100", "state": "UNREACHABLE"}]
    body = sheet_csv(_sheet(regions=silent, complete=False), viewer("320102"), "r-1", _AT)
    remarks, rows = _read(body)
    assert rows == []
    assert remarks.count("# 未应答 missing,500100 UNREACHABLE") == 2
