"""From cells to values: days in many forms, ages as people write them, codes, words, enums."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.loading.fields import SECTIONS
from resolvers.loading.mapping import Choice, Mapping
from resolvers.loading.mapping_file import read_mapping
from resolvers.loading.reasons import NOTICES, REASONS
from resolvers.loading.values import Unreadable, converter
from tests.resolvers.lists import CARDS, TODAY


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def mapping(folder: Path, dates: str = "") -> Mapping:
    path = folder / "own.toml"
    path.write_text(f"{CARDS}\n[dates]\n{dates}\n", "utf-8")
    return read_mapping(str(path))


def read(folder: Path, field: str, text: str, dates: str = "", **choice: Any) -> Any:
    section, _, name = field.partition(".")
    found = SECTIONS[section].field(name)
    assert found
    return converter(found, Choice(column="x", **choice), mapping(folder, dates), TODAY)(text)


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("person.age", "68", 68),
        ("person.age", "68岁", 68),
        ("person.age", "68.5 周岁", 68),
        ("person.age", "3岁5月", 3),
        ("person.age", "70 years", 70),
        ("person.age", "5月", 0),
        ("person.age", "11个月", 0),
        ("person.age", "28天", 0),
        ("person.age", "3 weeks", 0),
        ("person.age", "<1", 0),
        ("person.age", "0", 0),
        ("person.sex", "男", "M"),
        ("person.sex", "Female", "F"),
        ("person.sex", "m", "M"),
        ("person.name", "张\u3000三", "张 三"),
        ("person.medical_worker", "yes", "YES"),
        ("person.residence_code", "320102", "320102"),
        ("person.residence_code", "320103", "320104"),
        ("person.residence_code", "320102003012", "320102003012"),
        ("exposure.code", "320103003012", "320104"),
        ("case.disease", "measles", "measles"),
        ("case.hospital", "hospital-320102-1", "hospital-320102-1"),
        (
            "contact.manner",
            "SHARED_MEAL；medical_care; SHARED_MEAL",
            '["SHARED_MEAL","MEDICAL_CARE"]',
        ),
        ("count.cases", "1,234", 1234),
        ("count.cases", "12.0", 12),
        ("case.onset_on", "2026/3/9", "2026-03-09"),
        ("case.onset_on", "2026-03-09 23:30:00", "2026-03-09"),
        ("case.reported_at", "2026-03-09", "2026-03-09T00:00:00Z"),
        ("case.reported_at", "2026-03-09 07:30:00", "2026-03-08T23:30:00Z"),
        ("contact.observation_due_on", "2027-01-05", "2027-01-05"),
    ],
)
def test_values(folder: Path, field: str, text: str, value: Any) -> None:
    assert read(folder, field, text) == value


@pytest.mark.parametrize(
    ("field", "text", "reason"),
    [
        ("person.age", "131", "UNREADABLE_AGE"),
        ("person.age", "60-69", "UNREADABLE_AGE"),
        ("person.age", "-3", "UNREADABLE_AGE"),
        ("person.sex", "other", "NOT_IN_TABLE"),
        ("person.name", "x" * 1001, "TOO_LONG"),
        ("person.name", "a\x07b", "CONTROL_CHARACTER"),
        ("person.residence_code", "32010", "UNREADABLE_CODE"),
        ("person.residence_code", "32O102", "UNREADABLE_CODE"),
        ("case.disease", "meazles", "UNKNOWN_DISEASE"),
        ("case.hospital", "St. Mary's", "UNREADABLE_WORD"),
        ("contact.manner", "SHARED_MEAL;KISS", "NOT_IN_TABLE"),
        ("count.cases", "-1", "UNREADABLE_NUMBER"),
        ("count.cases", "1.5", "UNREADABLE_NUMBER"),
        ("case.onset_on", "2026-02-30", "UNREADABLE_DAY"),
        ("case.onset_on", "soon", "UNREADABLE_DAY"),
        ("case.onset_on", "1899-12-31", "DAY_TOO_EARLY"),
        ("case.onset_on", "2026-11-24", "DAY_IN_FUTURE"),
        ("case.reported_at", "2026-03-09 25:00:00", "UNREADABLE_DAY"),
        ("contact.observation_due_on", "2028-01-05", "DAY_IN_FUTURE"),
    ],
)
def test_what_cannot_be_read_has_a_reason(folder: Path, field: str, text: str, reason: str) -> None:
    with pytest.raises(Unreadable) as wrong:
        read(folder, field, text)
    assert wrong.value.reason == reason
    assert reason in REASONS


@pytest.mark.parametrize(
    ("formats", "text", "day"),
    [
        ('["%Y年%m月%d日"]', "2026年3月9日", "2026-03-09"),
        ('["%d/%m/%Y"]', "9/3/2026", "2026-03-09"),
        ('["%m/%d/%Y", "%d/%m/%Y"]', "3/9/2026", "2026-03-09"),
        ('["%m/%d/%Y", "%d/%m/%Y"]', "19/3/2026", "2026-03-19"),
        ('["%Y%m%d"]', "20260309", "2026-03-09"),
        ('["%d %b %Y"]', "09 Mar 2026", "2026-03-09"),
        ('["excel", "%Y-%m-%d"]', "46090", "2026-03-09"),
        ('["excel", "%Y-%m-%d"]', "46090.75", "2026-03-09"),
        ('["excel", "%Y-%m-%d"]', "2026-03-09", "2026-03-09"),
    ],
)
def test_formats(folder: Path, formats: str, text: str, day: str) -> None:
    assert read(folder, "case.onset_on", text, f"formats = {formats}") == day


def test_formats_that_may_be_taken_for_each_other_keep_their_order(folder: Path) -> None:
    field = SECTIONS["case"].field("onset_on")
    assert field
    own = mapping(folder, 'formats = ["%m/%d/%Y", "%d/%m/%Y"]')
    convert = converter(field, Choice(column="x"), own, TODAY)
    assert [convert("3/9/2026"), convert("19/3/2026"), convert("3/9/2026")] == [
        "2026-03-09",
        "2026-03-19",
        "2026-03-09",
    ]


@pytest.mark.parametrize(
    ("dates", "text", "instant"),
    [
        ('offset = "+00:00"', "2026-03-09 07:30:00", "2026-03-09T07:30:00Z"),
        ('offset = "-03:30"', "2026-03-09 22:00:00", "2026-03-10T01:30:00Z"),
        ('formats = ["%Y-%m-%d %H:%M"]', "2026-03-09 08:00", "2026-03-09T00:00:00Z"),
        ('formats = ["%d %b %Y %I:%M %p"]', "09 Mar 2026 08:00 PM", "2026-03-09T12:00:00Z"),
        ('formats = ["%Y-%m-%dT%H:%M:%S%z"]', "2026-03-09T08:00:00+0200", "2026-03-09T06:00:00Z"),
    ],
)
def test_instants_are_utc(folder: Path, dates: str, text: str, instant: str) -> None:
    assert read(folder, "case.reported_at", text, dates) == instant


def test_a_table_goes_before_the_values_of_the_field(folder: Path) -> None:
    table = {"alive": "RECOVERED", "dead": "DIED", "na": "", "*": "LOST_TO_FOLLOW_UP"}
    for text, value in (("Alive", "RECOVERED"), ("NA", None), ("gone", "LOST_TO_FOLLOW_UP")):
        assert read(folder, "case.outcome", text, table=table) == value
    with pytest.raises(Unreadable, match="NOT_IN_TABLE"):
        read(folder, "case.outcome", "gone", table={"alive": "RECOVERED"})


@given(st.dates(date(1900, 1, 1), TODAY), st.sampled_from(["%Y-%m-%d", "%Y/%m/%d"]))
def test_every_day_comes_back(
    tmp_path_factory: pytest.TempPathFactory, day: date, form: str
) -> None:
    folder = tmp_path_factory.getbasetemp()
    assert read(folder, "case.onset_on", day.strftime(form)) == day.isoformat()


@given(st.datetimes(datetime(1900, 1, 2), datetime(2026, 11, 22)))
def test_every_instant_comes_back(tmp_path_factory: pytest.TempPathFactory, at: datetime) -> None:
    at = at.replace(microsecond=0)
    text = read(tmp_path_factory.getbasetemp(), "case.reported_at", at.isoformat())
    assert datetime.fromisoformat(text).replace(tzinfo=None) == at - timedelta(hours=8)


def test_every_reason_is_told_in_two_languages() -> None:
    for english, chinese in (*REASONS.values(), *NOTICES.values()):
        assert english.isascii() or "’" in english
        assert any("\u4e00" <= character <= "\u9fff" for character in chinese)
