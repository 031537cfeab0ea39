"""Rows of contacts: who was met how, and how the observation went."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import orjson

from resolvers.demo.diseases import all_diseases
from resolvers.demo.places import coined_word
from resolvers.demo.scene import Reporter, Row, Scene, json_bytes
from resolvers.demo.tracing import CLOSE, Meeting

__all__ = ["CONTACT_COLUMNS", "contact_rows"]

CONTACT_COLUMNS = (
    "id",
    "person_id",
    "level",
    "route",
    "source_case_id",
    "parent_contact_id",
    "relation_to_case",
    "manner",
    "frequency",
    "first_contact_on",
    "last_contact_on",
    "observation_mode",
    "observation_started_on",
    "observation_due_on",
    "observation_released_on",
    "symptom_onset_on",
    "outcome",
    "traced",
    "exclusion_reason",
    "code",
    "rule_pack",
    "sealed",
    "reporter",
    "reporter_unit",
    "created_at",
    "updated_at",
    "disease",
)

_PACKS = (("2022-06-27", "9TH_EDITION", 10), ("2021-05-14", "8TH_EDITION", 14), ("", "N113", 14))
"""The control plans: in force since, id, days of observation."""

_MANNERS = {
    "FAMILY": (("SHARED_RESIDENCE", "SHARED_MEAL"), ("SHARED_RESIDENCE", "SHARED_ROOM")),
    "COLLEAGUE": (("SHARED_OFFICE_OR_CLASS",), ("SHARED_OFFICE_OR_CLASS", "SHARED_MEAL")),
    "CLASSMATE": (("SHARED_OFFICE_OR_CLASS",), ("SHARED_OFFICE_OR_CLASS", "SHARED_MEAL")),
    "FRIEND": (("SHARED_MEAL",), ("ENTERTAINMENT",)),
    "NEIGHBOUR": (("OTHER",), ("SHARED_MEAL",)),
    "FELLOW_PATIENT": (("SHARED_WARD",), ("MEDICAL_CARE",)),
    "CARER": (("NURSING",), ("NURSING", "MEDICAL_CARE")),
    "FELLOW_PASSENGER": (("SHARED_VEHICLE_OR_FLIGHT",), ("SHARED_VEHICLE_OR_FLIGHT",)),
    "OTHER": (("OTHER",), ("ENTERTAINMENT",)),
}
_MANNER_TEXTS = {
    relation: tuple(orjson.dumps(manners).decode() for manners in options)
    for relation, options in _MANNERS.items()
}
_FREQUENCIES = {
    "FAMILY": "FREQUENT",
    "COLLEAGUE": "REGULAR",
    "CLASSMATE": "REGULAR",
    "CARER": "FREQUENT",
    "FELLOW_PASSENGER": "ONCE",
}
_PLACES = {
    "FAMILY": "住所",
    "COLLEAGUE": "办公区",
    "CLASSMATE": "教室",
    "FELLOW_PASSENGER": "客运站",
}
_EXCLUSIONS = ("NO_EXPOSURE", "WRONG_PERSON", "INDEX_CASE_EXCLUDED")
_STAYS_CLOSE, _STAYS_SECONDARY = 0.55, 0.2  # share observed in a central place
_HOSPITAL_TRACES = 0.65  # contacts entered by the hospital that reported the case


def contact_rows(scene: Scene) -> Iterator[tuple[Row, Meeting]]:
    """A row for every contact with the meeting it tells of, in the order of their ids."""
    random = scene.random("contacts")
    first = scene.region.close_id(0, 0)
    for number, meeting in enumerate(scene.traced.meetings):
        record = first + number if number < scene.region.close else next(scene.ids)
        reporter = _reporter(random, scene, meeting)
        scene.note(meeting.person, reporter, meeting.day)
        yield _contact(random, scene, record, meeting, reporter), meeting


def _reporter(random: Random, scene: Scene, meeting: Meeting) -> Reporter:
    """The hospital of the case or else the CDC of the contact's county."""
    if meeting.case >= 0:
        reporter = scene.case_reporters[meeting.case]
        if reporter == scene.star or random.random() < _HOSPITAL_TRACES:
            return reporter
    code = scene.code(meeting.person)
    return Reporter(f"tracer-{code}", f"cdc-{code}")


def _contact(
    random: Random, scene: Scene, record: int, meeting: Meeting, reporter: Reporter
) -> Row:
    calendar, code = scene.calendar, scene.code(meeting.person)
    last_met = meeting.day - int(random.random() * 3) - (meeting.level != CLOSE)
    first_met = last_met - int(random.random() * 4)
    met_on = calendar.day(last_met)
    pack, days = next((pack, days) for since, pack, days in _PACKS if met_on >= since)
    options = _MANNER_TEXTS[meeting.relation]
    excluded = meeting.infected < 0 and random.random() < 0.012
    found = "YES" if meeting.infected >= 0 else _traced(random)
    mode, started, due, released, outcome = _observation(
        random, scene, meeting, found == "YES" and not excluded, last_met + days
    )
    created = calendar.moment(random, meeting.day)
    updated = max(created, calendar.moment(random, released)) if released is not None else created
    ill = meeting.infected >= 0 and outcome == "TURNED_CONFIRMED"
    return (
        record,
        scene.region.person_id(meeting.person),
        meeting.level,
        _route(scene, meeting, code),
        meeting.source_case,
        meeting.parent,
        meeting.relation,
        options[int(random.random() * len(options))],
        _FREQUENCIES.get(meeting.relation, "OCCASIONAL"),
        calendar.day(first_met),
        met_on,
        mode,
        calendar.day(started) if started is not None else None,
        calendar.day(due) if due is not None else None,
        calendar.day(released) if released is not None else None,
        calendar.day(min(meeting.day + 2, calendar.last)) if ill else None,
        outcome,
        found,
        _EXCLUSIONS[int(random.random() * len(_EXCLUSIONS))] if excluded else None,
        code,
        pack,
        _sealed(random, scene, record, meeting, mode),
        reporter.account,
        reporter.unit,
        created,
        updated,
        all_diseases()[meeting.disease].key,
    )


def _traced(random: Random) -> str:
    drawn = random.random()
    if drawn < 0.95:
        return "YES"
    return "NO" if drawn < 0.985 else "MOVED_TO_OTHER_PROVINCE"


def _observation(
    random: Random, scene: Scene, meeting: Meeting, observed: bool, due: int
) -> tuple[str | None, int | None, int | None, int | None, str]:
    """Mode, start, due, release (ordinals) and outcome of the observation."""
    last = scene.calendar.last
    if meeting.infected >= 0:
        turned = "POSITIVE" if meeting.infected in scene.asymptomatic else "CONFIRMED"
        return "HOSPITAL", meeting.day, due, min(due, last), f"TURNED_{turned}"
    if not observed:
        return None, None, None, None, "RELEASED" if due <= last else "CONTINUING"
    central = _STAYS_CLOSE if meeting.level == CLOSE else _STAYS_SECONDARY
    mode = "CENTRAL" if random.random() < central else "HOME"
    if due <= last:
        return mode, meeting.day, due, due, "RELEASED"
    if meeting.day >= last - 1 and random.random() < 0.3:
        mode = "AWAITING_TRANSFER"
    return mode, meeting.day, due, None, "CONTINUING"


def _route(scene: Scene, meeting: Meeting, code: str) -> str:
    """How the contact came to be known here (DB32 3.3)."""
    if meeting.origin[:2] != scene.region.code[:2]:
        return "OTHER_PROVINCE"
    if meeting.origin != scene.region.code:
        return "OTHER_CITY"
    case_county = scene.region.cases[meeting.case].county
    case_code = scene.counties[case_county].code
    if code == case_code:
        return "OWN_SCREENING"
    return "OTHER_COUNTY" if code[:4] == case_code[:4] else "OTHER_CITY"


def _sealed(
    random: Random, scene: Scene, record: int, meeting: Meeting, mode: str | None
) -> bytes | None:
    """Place, seat, place of observation; null for those of whom nothing more is known."""
    passenger = meeting.relation == "FELLOW_PASSENGER"
    if not (passenger or mode == "CENTRAL" or random.random() < 0.5):
        return None
    county = scene.counties[scene.people.county[meeting.person]]
    place = county.name + coined_word(random) + _PLACES.get(meeting.relation, "商场")
    seat = None
    if passenger:
        train, coach, row = random.getrandbits(9), random.getrandbits(3), random.getrandbits(4)
        seat = f"G{7000 + train}次{1 + coach}车{1 + row}A"
    site = f"{county.name}集中隔离点{301 + random.getrandbits(8)}室" if mode == "CENTRAL" else None
    parts = (json_bytes(place), json_bytes(seat), json_bytes(site), b"null", b"null")
    person_id = scene.region.person_id(meeting.person)
    return scene.seal(person_id, "contacts", record, parts)
