"""Rows of people: names, numbers, homes and employers, all sealed."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from resolvers.demo.identity import IdNumbers, phone_number
from resolvers.demo.names import SURNAMES, given_name
from resolvers.demo.places import address, coined_word, counties_of
from resolvers.demo.plan import Traveller
from resolvers.demo.population import KINDS, NO_GROUP
from resolvers.demo.scene import Reporter, Row, Scene, json_bytes

__all__ = ["PEOPLE_COLUMNS", "people_rows"]

PEOPLE_COLUMNS = (
    "id",
    "code",
    "residence_code",
    "nationality",
    "occupation",
    "medical_worker",
    "sealed",
    "id_number_index",
    "phone_index",
    "name_birth_index",
    "reporter",
    "reporter_unit",
    "created_at",
    "updated_at",
)

_NATIONALITY = "CN"
_ID_TYPE = json_bytes("RESIDENT_ID")
_SEXES = (json_bytes("F"), json_bytes("M"))
_NULL = b"null"
_OF_AGE = 18
_OWN_PHONE = 12
_MEDICAL = "医务人员"
_RETIRED, _HOUSEWORK, _TODDLER, _STUDENT = "离退人员", "家务及待业", "散居儿童", "学生"


def people_rows(scene: Scene) -> Iterator[Row]:
    """A row for every person of the region, in the order of their ids."""
    writer = _Writer(scene)
    for person in range(len(scene.people)):
        if person in scene.people.visitors:
            traveller = scene.region.travellers[person - scene.people.visitors.start]
            yield writer.traveller(person, traveller)
        else:
            yield writer.resident(person)


class _Writer:
    """Writes people in order: a household's head comes before its members."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._random: Random = scene.random("people")
        self._numbers = IdNumbers(scene.region.number, len(scene.plan.regions))
        self._employers: dict[int, tuple[bytes, bytes]] = {}
        self._ages = [json_bytes(age) for age in range(120)]
        self._head = -1
        self._head_name = self._head_phone = ""
        self._home = _NULL
        first, last = scene.plan.parameters.start.toordinal(), scene.calendar.last
        self._first, self._days = first, last - first + 1
        self._registrars = [
            Reporter(f"registrar-{county.code}", f"centre-{county.code}-1")
            for county in scene.counties
        ]

    def resident(self, person: int) -> Row:
        """The row of someone who lives in the region."""
        scene, people, random = self._scene, self._scene.people, self._random
        birth, sex = people.birth[person], people.sex[person]
        day, age = scene.calendar.day(birth), scene.calendar.age(birth)
        name = SURNAMES[people.surname[person]] + given_name(random, sex, int(day[:4]))
        house, guardian = people.house[person], _NULL
        if house != self._head:
            self._head, self._head_name, self._head_phone = house, name, ""
            county = scene.counties[people.county[person]]
            rooms = f"{1 + random.getrandbits(5)}幢{1 + random.getrandbits(4)}02室"
            self._home = json_bytes(address(random, county) + rooms)
        elif age < _OF_AGE:
            guardian = json_bytes(self._head_name)
        if age >= _OWN_PHONE or not self._head_phone:
            phone = phone_number(scene.region.first_person + person)
            self._head_phone = self._head_phone or phone
        else:
            phone = self._head_phone
        group = people.group[person]
        employer, place = (_NULL, _NULL) if group == NO_GROUP else self._employer(group)
        occupation = _idle(age)
        if group != NO_GROUP:
            occupation = KINDS[people.groups[group].kind].occupation
        number = self._numbers.take(birth, day.replace("-", ""), sex)
        parts = (
            json_bytes(name),
            _SEXES[sex],
            self._ages[age],
            json_bytes(day),
            _ID_TYPE,
            json_bytes(number),
            json_bytes(phone),
            employer,
            place,
            self._home,
            self._home,
            guardian,
        )
        code = scene.counties[people.county[person]].code
        return self._row(person, code, code, occupation, parts, (number, phone, name, day))

    def traveller(self, person: int, traveller: Traveller) -> Row:
        """The row of someone on record in two regions: the same numbers in both."""
        scene = self._scene
        day, age = scene.calendar.day(traveller.birth), scene.calendar.age(traveller.birth)
        name = SURNAMES[traveller.surname] + traveller.given
        at_home = traveller.home == scene.region.number
        county = scene.counties[scene.people.county[person]]
        here = traveller.residence if at_home else address(self._random, county) + "宾馆"
        parts = (
            json_bytes(name),
            _SEXES[traveller.sex],
            self._ages[age],
            json_bytes(day),
            _ID_TYPE,
            json_bytes(traveller.id_number),
            json_bytes(traveller.phone),
            _NULL,
            _NULL,
            json_bytes(traveller.residence),
            json_bytes(here),
            _NULL,
        )
        home = counties_of(scene.plan.parameters.regions[traveller.home])[traveller.county].code
        items = (traveller.id_number, traveller.phone, name, day)
        return self._row(person, county.code, home, "商业服务", parts, items)

    def _row(
        self,
        person: int,
        code: str,
        residence: str,
        occupation: str,
        parts: tuple[bytes, ...],
        items: tuple[str, str, str, str],
    ) -> Row:
        scene = self._scene
        record = scene.region.person_id(person)
        number, phone, name, day = items
        county = scene.people.county[person]
        reporter = scene.person_reporters.get(person) or self._registrars[county]
        seen = scene.first_seen.get(person)
        if seen is None:
            seen = self._first + int(self._random.random() * self._days)
        created = scene.calendar.moment(self._random, seen)
        return (
            record,
            code,
            residence,
            _NATIONALITY,
            occupation,
            "YES" if occupation == _MEDICAL else "NO",
            scene.seal(record, "people", record, parts),
            scene.indexer.id_number(number),
            scene.indexer.phone(phone),
            scene.indexer.name_birth(name, day),
            reporter.account,
            reporter.unit,
            created,
            created,
        )

    def _employer(self, group: int) -> tuple[bytes, bytes]:
        """Name and address of a class's school or a workplace."""
        known = self._employers.get(group)
        if known is None:
            found = self._scene.people.groups[group]
            county = self._scene.counties[found.county]
            name = county.name + coined_word(self._random) + KINDS[found.kind].name
            known = json_bytes(name), json_bytes(address(self._random, county))
            self._employers[group] = known
        return known


def _idle(age: int) -> str:
    """The occupation of someone who neither works nor learns."""
    if age < 6:
        return _TODDLER
    if age < 18:
        return _STUDENT
    return _RETIRED if age >= 60 else _HOUSEWORK
