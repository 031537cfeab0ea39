"""What a mapping may fill: every section and field, as data. The manual's table is made from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from regions.cases import CASE_ITEMS, EXPOSURE_ITEMS
from regions.contacts import CONTACT_ITEMS
from regions.people import PERSON_ITEMS

__all__ = ["KINDS", "SECTIONS", "Field", "FieldKind", "Kind", "Section", "fields_table"]


class FieldKind(Enum):
    """How a field's text is read."""

    TEXT = "text"
    WORD = "a word of letters, digits and . _ : -"
    CODE = "a code of 6 to 12 digits"
    COUNTY = "a code of 6 to 12 digits, of which the county is kept"
    DISEASE = "a disease key"
    ENUM = "one of the values listed"
    MANNERS = "one or more of the values listed, separated by `;`"
    DAY = "a day"
    INSTANT = "a day or an instant"
    AGE = "an age: `68`, `68岁`, `5 months`"
    COUNT = "a whole number from 0"
    REFERENCE = "the id of a row in another list"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a section. A required field rejects the rows where it is empty."""

    name: str
    kind: FieldKind
    help: str
    choices: tuple[str, ...] = ()
    required: bool = False
    default: str | None = None
    private: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a mapping: the fields of one table's rows."""

    name: str
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field | None:
        """The field of that name."""
        return next((field for field in self.fields if field.name == name), None)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of list: the sections it fills, and those of them a mapping must have."""

    name: str
    help: str
    sections: tuple[str, ...]
    required: tuple[str, ...]


def _private(names: tuple[str, ...], kinds: dict[str, tuple[FieldKind, str]]) -> tuple[Field, ...]:
    return tuple(
        Field(
            name,
            *kinds.get(name, (FieldKind.TEXT, "")),
            choices=("M", "F") if name == "sex" else (),
            private=True,
        )
        for name in names
    )


_PERSON = Section(
    "person",
    (
        *_private(
            PERSON_ITEMS,
            {
                "sex": (FieldKind.ENUM, "Also read: male, female, 男, 女."),
                "age": (FieldKind.AGE, "Years; months, weeks and days are less than one."),
                "birth_date": (FieldKind.DAY, ""),
                "id_number": (FieldKind.TEXT, "Found again by its blind index."),
                "phone": (FieldKind.TEXT, "Found again by its blind index."),
                "name": (FieldKind.TEXT, "Found again with the birth date, by blind index."),
                "residence_area": (
                    FieldKind.CODE,
                    "Town or village of residence; its county is kept as `residence_code`.",
                ),
            },
        ),
        Field(
            "residence_code",
            FieldKind.CODE,
            "County of residence. What is finer is kept sealed, as `residence_area`.",
        ),
        Field("nationality", FieldKind.TEXT, ""),
        Field("occupation", FieldKind.TEXT, ""),
        Field("medical_worker", FieldKind.ENUM, "", ("YES", "NO")),
    ),
)
_CASE = Section(
    "case",
    (
        Field("disease", FieldKind.DISEASE, "A key of the diseases table.", required=True),
        Field(
            "classification",
            FieldKind.ENUM,
            "",
            ("SUSPECTED", "PROBABLE", "CONFIRMED", "ASYMPTOMATIC", "EXCLUDED"),
            required=True,
        ),
        Field("origin", FieldKind.ENUM, "", ("LOCAL", "IMPORTED"), required=True, default="LOCAL"),
        Field(
            "found_by",
            FieldKind.ENUM,
            "How a carrier was found.",
            (
                "CLOSE_CONTACT_SCREENING",
                "CLUSTER_INVESTIGATION",
                "SOURCE_TRACING",
                "KEY_AREA_TRAVEL",
                "EPIDEMIOLOGICAL_INVESTIGATION",
                "OPPORTUNISTIC_SCREENING",
            ),
        ),
        Field("onset_on", FieldKind.DAY, ""),
        Field("diagnosed_at", FieldKind.INSTANT, ""),
        Field("reported_at", FieldKind.INSTANT, "The day the case counts on.", required=True),
        Field("unit_id", FieldKind.WORD, "First reporter; by default the CDC of the place."),
        Field("hospital", FieldKind.WORD, "Unit that treats the case."),
        Field(
            "outcome",
            FieldKind.ENUM,
            "",
            ("UNDER_TREATMENT", "RECOVERED", "DIED", "LOST_TO_FOLLOW_UP"),
        ),
        Field("outcome_on", FieldKind.DAY, ""),
        Field("died_on", FieldKind.DAY, ""),
        *_private(CASE_ITEMS, {}),
    ),
)
_EXPOSURE = Section(
    "exposure",
    (
        Field(
            "kind",
            FieldKind.ENUM,
            "The setting.",
            ("HEALTH_CARE", "HOUSEHOLD", "TRAVEL", "ANIMAL", "OTHER"),
        ),
        Field("code", FieldKind.COUNTY, "Where it happened."),
        Field("started_on", FieldKind.DAY, ""),
        Field("ended_on", FieldKind.DAY, ""),
        *_private(EXPOSURE_ITEMS, {}),
    ),
)
_CONTACT = Section(
    "contact",
    (
        Field(
            "level",
            FieldKind.ENUM,
            "",
            ("CLOSE", "SECONDARY", "GENERAL"),
            required=True,
            default="CLOSE",
        ),
        Field(
            "route",
            FieldKind.ENUM,
            "In a list of links, by default by where case and contact are.",
            ("OWN_SCREENING", "OTHER_PROVINCE", "OTHER_CITY", "OTHER_COUNTY"),
        ),
        Field("source_case", FieldKind.REFERENCE, "A case, of any region."),
        Field("parent_contact", FieldKind.REFERENCE, "A contact, of any region."),
        Field(
            "relation_to_case",
            FieldKind.ENUM,
            "",
            (
                "FAMILY",
                "COLLEAGUE",
                "CLASSMATE",
                "FRIEND",
                "NEIGHBOUR",
                "FELLOW_PATIENT",
                "CARER",
                "FELLOW_PASSENGER",
                "OTHER",
            ),
        ),
        Field(
            "manner",
            FieldKind.MANNERS,
            "",
            (
                "SHARED_MEAL",
                "SHARED_RESIDENCE",
                "SHARED_ROOM",
                "SHARED_BED",
                "SHARED_OFFICE_OR_CLASS",
                "SHARED_VEHICLE_OR_FLIGHT",
                "MEDICAL_CARE",
                "NURSING",
                "SHARED_WARD",
                "ENTERTAINMENT",
                "OTHER",
            ),
        ),
        Field("frequency", FieldKind.ENUM, "", ("ONCE", "OCCASIONAL", "REGULAR", "FREQUENT")),
        Field("first_contact_on", FieldKind.DAY, "In a list of links, by default the exposure's."),
        Field("last_contact_on", FieldKind.DAY, "In a list of links, by default the exposure's."),
        Field(
            "observation_mode",
            FieldKind.ENUM,
            "",
            ("HOME", "CENTRAL", "HOSPITAL", "AWAITING_TRANSFER"),
        ),
        Field("observation_started_on", FieldKind.DAY, ""),
        Field("observation_due_on", FieldKind.DAY, ""),
        Field("observation_released_on", FieldKind.DAY, ""),
        Field("symptom_onset_on", FieldKind.DAY, ""),
        Field(
            "outcome",
            FieldKind.ENUM,
            "",
            ("CONTINUING", "RELEASED", "TURNED_POSITIVE", "TURNED_CONFIRMED"),
            required=True,
            default="CONTINUING",
        ),
        Field(
            "traced",
            FieldKind.ENUM,
            "",
            ("YES", "NO", "MOVED_TO_OTHER_PROVINCE"),
            required=True,
            default="YES",
        ),
        Field("exclusion_reason", FieldKind.WORD, "Why the person is no contact after all."),
        Field(
            "rule_pack",
            FieldKind.ENUM,
            "The rules by which the level was judged.",
            ("N113", "8TH_EDITION", "9TH_EDITION"),
            required=True,
            default="N113",
        ),
        Field(
            "registered_at",
            FieldKind.INSTANT,
            "By default the last day of contact; in a list of links, the report of the case.",
        ),
        Field(
            "disease",
            FieldKind.DISEASE,
            "Observed for; by default that of the case, or else of the parent contact.",
        ),
        *_private(CONTACT_ITEMS, {}),
    ),
)
_LINK = Section(
    "link",
    (
        Field("case", FieldKind.REFERENCE, "The case that exposed somebody.", required=True),
        Field("person", FieldKind.REFERENCE, "The case of whom it exposed.", required=True),
    ),
)
_COUNT = Section(
    "count",
    (
        Field("disease", FieldKind.DISEASE, "A key of the diseases table.", required=True),
        Field("day", FieldKind.DAY, "", required=True),
        Field("cases", FieldKind.COUNT, "New that day, or so far.", required=True),
        Field("deaths", FieldKind.COUNT, "New that day, or so far.", default="0"),
    ),
)

SECTIONS = {
    section.name: section for section in (_PERSON, _CASE, _EXPOSURE, _CONTACT, _LINK, _COUNT)
}

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "case",
            "One case a row, with its person and how it was exposed.",
            ("person", "case", "exposure"),
            ("case",),
        ),
        Kind("contact", "One contact a row, with its person.", ("person", "contact"), ("contact",)),
        Kind(
            "contact_link",
            "Who exposed whom, between cases loaded before.",
            ("link", "contact", "exposure"),
            ("link",),
        ),
        Kind("daily_count", "Counts by place and day.", ("count",), ("count",)),
    )
}


def fields_table(section: str) -> str:
    """The Markdown table of a section's fields, as the manual has it."""
    lines = ["| field | read as | |", "|---|---|---|"]
    for field in SECTIONS[section].fields:
        values = f": {' '.join(f'`{choice}`' for choice in field.choices)}" if field.choices else ""
        notes = [
            *(["Private."] if field.private else []),
            *(["Required."] if field.required and field.default is None else []),
            *([field.help] if field.help else []),
            *([f"Default `{field.default}`."] if field.default is not None else []),
        ]
        lines.append(f"| `{field.name}` | {field.kind.value}{values} | {' '.join(notes)} |")
    return "\n".join(lines) + "\n"
