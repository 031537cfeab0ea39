"""The sheet of a unit's day as a file to print or to fill in: what GraphQL gives, as CSV (D).

It is asked for as the viewer, by the same executor as everybody's: so the file has what the
viewer's list has, masked the same. What a spreadsheet would run is neutralised as in exports.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resolvers.exports.columns import Column, ColumnKind
from resolvers.exports.csv_file import CsvFile
from resolvers.exports.watermark import Watermark
from resolvers.users import Viewer

__all__ = ["SHEET", "sheet_csv"]

SHEET = """query print($date: Date!, $unit: ID) { followUpSheet(date: $date, unit: $unit) {
  date unitId complete
  people { record state day pack { id } caveats { part } due { kind dueAt lateMinutes }
    case { code name sex age phone residence whereabouts }
    contact { code name sex age phone residence whereabouts } }
  regions { code state } } }"""
"""Everything of a sheet."""

_PERSON = ("name", "sex", "age", "phone", "residence", "whereabouts")
_HEADS = {
    "name": "姓名 name",
    "sex": "性别 sex",
    "age": "年龄 age",
    "phone": "电话 phone",
    "residence": "现住址 residence",
    "whereabouts": "目前所在 whereabouts",
}
_COLUMNS = [
    Column(("编号 record",), ColumnKind.TEXT),
    Column(("县区 code",), ColumnKind.TEXT),
    *(Column((_HEADS[name],), ColumnKind.PRIVATE) for name in _PERSON),
    Column(("状态 state",), ColumnKind.TEXT),
    Column(("第几天 day",), ColumnKind.NUMBER),
    Column(("方案 rules",), ColumnKind.TEXT),
    Column(("待办 due",), ColumnKind.TEXT),
    Column(("时限 until",), ColumnKind.INSTANT),
    Column(("已逾期(分) late",), ColumnKind.NUMBER),
    Column(("完成情况 done",), ColumnKind.TEXT),  # to be written in by hand
]
_UNVERIFIED = " 未与原文核对 unverified"
_SILENT = frozenset({"ANSWERED", "NOT_ASKED"})


def sheet_csv(sheet: Mapping[str, Any], viewer: Viewer, request: str, at: str) -> bytes:
    """The file of a sheet as `SHEET` gives it; `request` and `at` say which answer it is.

    One line for each person, the longest due first. Regions that did not answer are named.
    """
    mark = Watermark(
        request,
        viewer.account,
        viewer.name,
        viewer.unit_id,
        viewer.unit_name,
        at,
        f"随访清单 follow-up sheet {sheet['unitId']} {sheet['date']}",
    )
    missing = [
        f"{one['code']} {one['state']}" for one in sheet["regions"] if one["state"] not in _SILENT
    ]
    file = CsvFile(_COLUMNS, mark, bom=True)
    rows = [_row(one) for one in sheet["people"]]
    return file.head(missing) + file.rows(rows) + file.end(len(rows), missing)


def _row(one: Mapping[str, Any]) -> list[str | int | float | None]:
    record, due = one["case"] or one["contact"] or {}, one["due"]
    return [
        one["record"],
        record.get("code"),
        *(None if record.get(name) is None else str(record[name]) for name in _PERSON),
        one["state"],
        one["day"],
        one["pack"]["id"] + (_UNVERIFIED if one["caveats"] else ""),
        " ".join(dict.fromkeys(clock["kind"] for clock in due)),
        due[0]["dueAt"],
        max(clock["lateMinutes"] for clock in due),
        None,
    ]
