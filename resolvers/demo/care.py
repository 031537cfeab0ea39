"""Rows of health visits and samples: what was done for cases and contacts."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

import orjson

from resolvers.demo.cases import CASE_COLUMNS
from resolvers.demo.contacts import CONTACT_COLUMNS
from resolvers.demo.diseases import all_diseases
from resolvers.demo.scene import Row, Scene, json_bytes
from resolvers.demo.tracing import CLOSE, Meeting

__all__ = ["SAMPLE_COLUMNS", "VISIT_COLUMNS", "care_of_case", "care_of_contact"]

VISIT_COLUMNS = (
    "id",
    "person_id",
    "contact_id",
    "case_id",
    "visited_at",
    "kind",
    "temperature_tenths",
    "symptoms",
    "code",
    "sealed",
    "reporter",
    "reporter_unit",
    "created_at",
)
SAMPLE_COLUMNS = (
    "id",
    "person_id",
    "contact_id",
    "case_id",
    "taken_at",
    "specimen",
    "test",
    "result",
    "result_at",
    "laboratory",
    "code",
    "sealed",
    "reporter",
    "reporter_unit",
    "created_at",
)

_MODE = CONTACT_COLUMNS.index("observation_mode")
_CONTACT_CODE = CONTACT_COLUMNS.index("code")
_CONTACT_BY = CONTACT_COLUMNS.index("reporter")
_CONTACT_UNIT = CONTACT_COLUMNS.index("reporter_unit")
_CASE_CLASS = CASE_COLUMNS.index("classification")
_CASE_CODE = CASE_COLUMNS.index("code")
_CASE_BY = CASE_COLUMNS.index("reporter")
_CASE_UNIT = CASE_COLUMNS.index("reporter_unit")

_NONE = "[]"
_SYMPTOMS = tuple(
    orjson.dumps(symptoms).decode()
    for symptoms in (
        ["FEVER"],
        ["COUGH"],
        ["FEVER", "COUGH"],
        ["FATIGUE", "SORE_THROAT"],
        ["DIARRHOEA", "VOMITING"],
        ["RUNNY_NOSE"],
    )
)
_REMARKS = ("自述无不适", "体温正常, 情绪稳定", "已电话随访", "家属代为应答")
_WELL_SYMPTOMS = 0.03
_TESTED_CLOSE, _TESTED_SECONDARY = 0.8, 0.35


def care_of_contact(
    random: Random, scene: Scene, contact: Row, meeting: Meeting
) -> tuple[list[Row], list[Row]]:
    """Visits and samples during the observation of a contact, whose row `contact_rows` gave."""
    record, last = _Record.of_contact(contact), scene.calendar.last
    if contact[_MODE] is None:
        return [], []
    infected, close = meeting.infected >= 0, meeting.level == CLOSE
    visits, samples = [], []
    day = meeting.day + 1
    for _ in range(1 + int(random.random() * 2.4) if close else 1):
        if day <= last:
            visits.append(_visit(random, scene, record, "HEALTH_MONITORING", day, infected))
        day += 1 + int(random.random() * 4)
    if infected or random.random() < (_TESTED_CLOSE if close else _TESTED_SECONDARY):
        day = min(meeting.day + int(random.random() * 3), last)
        result = "POSITIVE" if infected else "NEGATIVE"
        samples.append(_sample(random, scene, record, meeting.disease, day, result))
    return visits, samples


def care_of_case(
    random: Random, scene: Scene, case: Row, number: int
) -> tuple[list[Row], list[Row]]:
    """Visits and samples of a case: its row as `case_rows` gave it, its number in the region."""
    record, planned = _Record.of_case(case), scene.region.cases[number]
    visits, samples = [], []
    if random.random() < 0.5:
        day = planned.day + 3 + int(random.random() * 10)
        if day <= scene.calendar.last:
            kind = "HOME_VISIT" if random.random() < 0.4 else "REVISIT"
            visits.append(_visit(random, scene, record, kind, day, random.random() < 0.4))
    samples.append(
        _sample(random, scene, record, planned.disease, planned.day - 1, _result(random, case))
    )
    day = planned.day + 7 + int(random.random() * 7)
    if random.random() < 0.4 and day <= scene.calendar.last:
        samples.append(_sample(random, scene, record, planned.disease, day, "NEGATIVE"))
    return visits, samples


class _Record(NamedTuple):
    """The case or contact that is cared for."""

    person: int
    contact: int | None
    case: int | None
    code: str
    reporter: str
    unit: str

    @classmethod
    def of_contact(cls, row: Row) -> _Record:
        return cls(row[1], row[0], None, row[_CONTACT_CODE], row[_CONTACT_BY], row[_CONTACT_UNIT])

    @classmethod
    def of_case(cls, row: Row) -> _Record:
        return cls(row[1], None, row[0], row[_CASE_CODE], row[_CASE_BY], row[_CASE_UNIT])


def _visit(random: Random, scene: Scene, record: _Record, kind: str, day: int, ill: bool) -> Row:
    number, at = next(scene.ids), scene.calendar.moment(random, day)
    symptoms, tenths = _NONE, 362 + int(random.random() * 10)
    if ill or random.random() < _WELL_SYMPTOMS:
        symptoms = _SYMPTOMS[int(random.random() * len(_SYMPTOMS))]
        if "FEVER" in symptoms:
            tenths = 376 + int(random.random() * 18)
    sealed = None
    if random.random() < 0.1:
        remark = json_bytes(_REMARKS[int(random.random() * len(_REMARKS))])
        sealed = scene.seal(record.person, "visits", number, (remark,))
    return (
        number,
        record.person,
        record.contact,
        record.case,
        at,
        kind,
        tenths,
        symptoms,
        record.code,
        sealed,
        record.reporter,
        record.unit,
        at,
    )


def _sample(
    random: Random, scene: Scene, record: _Record, disease: int, day: int, result: str
) -> Row:
    profile = all_diseases()[disease]
    taken = scene.calendar.moment(random, day)
    known = day + 1
    if known > scene.calendar.last:
        result = "PENDING"
    return (
        next(scene.ids),
        record.person,
        record.contact,
        record.case,
        taken,
        profile.specimen,
        profile.test,
        result,
        None if result == "PENDING" else scene.calendar.moment(random, known),
        f"cdc-{record.code}",
        record.code,
        None,
        record.reporter,
        record.unit,
        taken,
    )


def _result(random: Random, case: Row) -> str:
    """What the first sample of a case said, by the case's classification."""
    if case[_CASE_CLASS] in ("CONFIRMED", "ASYMPTOMATIC"):
        return "POSITIVE"
    if case[_CASE_CLASS] == "EXCLUDED":
        return "NEGATIVE"
    return "INDETERMINATE" if random.random() < 0.5 else "PENDING"
