"""Rows of cases and of how they were exposed, in the order of their report."""

from __future__ import annotations

from collections.abc import Iterator
from math import log
from random import Random

from resolvers.demo.diseases import Disease, all_diseases
from resolvers.demo.epidemics import PlannedCase
from resolvers.demo.places import HOSPITALS, coined_word
from resolvers.demo.scene import Reporter, Row, Scene, hospital_reporter, json_bytes

__all__ = ["CASE_COLUMNS", "EXPOSURE_COLUMNS", "case_rows", "exposure_rows"]

CASE_COLUMNS = (
    "id",
    "person_id",
    "disease",
    "classification",
    "origin",
    "found_by",
    "code",
    "onset_on",
    "diagnosed_at",
    "reported_at",
    "unit_id",
    "hospital",
    "outcome",
    "outcome_on",
    "died_on",
    "sealed",
    "reporter",
    "reporter_unit",
    "created_at",
    "updated_at",
)
EXPOSURE_COLUMNS = (
    "id",
    "person_id",
    "case_id",
    "source_case_id",
    "kind",
    "code",
    "started_on",
    "ended_on",
    "sealed",
    "created_at",
)

_CARRIERS = {  # share without symptoms
    "covid19": 0.5,
    "cholera": 0.2,
    "typhoid": 0.2,
    "dysentery": 0.2,
    "polio": 0.2,
    "malaria": 0.2,
}
_CHRONIC = frozenset({"aids", "hepatitis_b", "hepatitis_c", "leprosy", "echinococcosis", "tb"})
_CHRONIC_DAYS, _ACUTE_DAYS = 240, 26
_STAR_AT_HOME, _STAR_ELSEWHERE = 0.92, 0.4  # cases the demo's direct reporter has reported
_HOSPITAL_SHARES = (0.55, 0.85, 1.0)
_REMARKS = (
    "住院治疗, 病情平稳",
    "门诊随访, 症状好转",
    "发病前与同住家人共同就餐",
    "已告知居家休息, 暂停集体活动",
    "合并基础疾病, 转上级医院",
    "否认近期外出史",
)
_FOUND = ("EPIDEMIOLOGICAL_INVESTIGATION", "OPPORTUNISTIC_SCREENING", "SOURCE_TRACING")


def case_rows(scene: Scene) -> Iterator[Row]:
    """A row for every case; notes who reported it, and which are carriers without symptoms."""
    random = scene.random("cases")
    for number, case in enumerate(scene.region.cases):
        person = scene.traced.patients[number]
        reporter = _reporter(random, scene, case)
        scene.case_reporters.append(reporter)
        scene.note(person, reporter, case.day)
        yield _case(random, scene, number, case, reporter)


def _case(random: Random, scene: Scene, number: int, case: PlannedCase, reporter: Reporter) -> Row:
    disease, calendar = all_diseases()[case.disease], scene.calendar
    person, record = scene.traced.patients[number], scene.region.case_id(number)
    person_id = scene.region.person_id(person)
    infected = scene.traced.sources[number] >= 0
    classification = _classification(random, disease, infected, calendar.last - case.day)
    if classification == "ASYMPTOMATIC":
        scene.asymptomatic.add(number)
    delay = int(random.lognormvariate(log(disease.delay + 0.5), 0.55))
    onset = None if classification == "ASYMPTOMATIC" else calendar.day(case.day - min(delay, 400))
    reported = calendar.moment(random, case.day)
    diagnosed = calendar.moment(random, case.day - 1) if delay else reported
    outcome, ended = _outcome(random, disease, classification, case.day, calendar.last)
    imported = random.random() * 100 < disease.imported and not infected
    remark = _REMARKS[int(random.random() * len(_REMARKS))] if random.random() < 0.25 else None
    updated = max(reported, calendar.moment(random, ended)) if ended is not None else reported
    ended_on = calendar.day(ended) if ended is not None else None
    return (
        record,
        person_id,
        disease.key,
        classification,
        "IMPORTED" if imported else "LOCAL",
        _found_by(random, case, infected, imported, classification),
        scene.code(person),
        onset,
        None if classification == "SUSPECTED" else diagnosed,
        reported,
        reporter.unit,
        reporter.unit if random.random() < 0.6 else None,
        outcome,
        ended_on,
        ended_on if outcome == "DIED" else None,
        scene.seal(person_id, "cases", record, (json_bytes(remark),)) if remark else None,
        reporter.account,
        reporter.unit,
        reported,
        updated,
    )


def _reporter(random: Random, scene: Scene, case: PlannedCase) -> Reporter:
    """The hospital that reported a case; the demo's own has most of its county, some of others."""
    star = scene.star
    if star is not None and random.random() < (_STAR_ELSEWHERE if case.county else _STAR_AT_HOME):
        return star
    drawn = random.random()
    number = next(n for n in range(HOSPITALS) if drawn < _HOSPITAL_SHARES[n])
    return hospital_reporter(scene.counties[case.county], number + 1)


def _classification(random: Random, disease: Disease, infected: bool, days_ago: int) -> str:
    drawn = random.random()
    if drawn < _CARRIERS.get(disease.key, 0.0):
        return "ASYMPTOMATIC"
    if infected or drawn < 0.86:
        return "CONFIRMED"
    if drawn < 0.93:
        return "PROBABLE"
    return "SUSPECTED" if days_ago < 14 or drawn < 0.95 else "EXCLUDED"


def _outcome(
    random: Random, disease: Disease, classification: str, day: int, last: int
) -> tuple[str | None, int | None]:
    """How a case ended and when (an ordinal): nothing yet where that would be after `last`."""
    if classification == "EXCLUDED":
        return None, None
    usual = _CHRONIC_DAYS if disease.key in _CHRONIC else _ACUTE_DAYS
    drawn = random.random() * 1000
    if drawn < disease.deaths:
        usual //= 2
    ended = day + 2 + int(random.random() * usual)
    if ended > last:
        return "UNDER_TREATMENT", None
    if drawn < disease.deaths:
        return "DIED", ended
    if drawn > 980:
        return "LOST_TO_FOLLOW_UP", ended
    return "RECOVERED", ended


def _found_by(
    random: Random, case: PlannedCase, infected: bool, imported: bool, classification: str
) -> str | None:
    """How the case was found: known of those that were looked for (N113 1)."""
    if case.outbreak >= 0:
        return "CLUSTER_INVESTIGATION"
    if infected:
        return "CLOSE_CONTACT_SCREENING"
    if imported:
        return "KEY_AREA_TRAVEL"
    if classification == "ASYMPTOMATIC" or random.random() < 0.2:
        return _FOUND[int(random.random() * len(_FOUND))]
    return None


def exposure_rows(scene: Scene) -> Iterator[Row]:
    """How cases were exposed: all that have a known source, and a third of the others."""
    random, calendar = scene.random("exposures"), scene.calendar
    for number, case in enumerate(scene.region.cases):
        source, disease = scene.traced.sources[number], all_diseases()[case.disease]
        if source < 0 and random.random() > 0.35:
            continue
        kind = disease.exposure
        if source >= 0:
            kind = "HOUSEHOLD" if scene.traced.infected_at[number] == "FAMILY" else "OTHER"
        person, record = scene.traced.patients[number], next(scene.ids)
        ended = case.day - 2 - int(random.random() * 8)
        county = scene.counties[case.county]
        place = county.name + coined_word(random) + ("小区" if kind == "HOUSEHOLD" else "市场")
        person_id = scene.region.person_id(person)
        yield (
            record,
            person_id,
            scene.region.case_id(number),
            scene.region.case_id(source) if source >= 0 else None,
            kind,
            county.code,
            calendar.day(ended - int(random.random() * 5)),
            calendar.day(ended),
            scene.seal(person_id, "exposures", record, (json_bytes(place),)),
            calendar.moment(random, case.day),
        )
