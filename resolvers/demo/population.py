"""Who lives in a region: families, classes and workplaces, as arrays rather than objects.

A household is drawn by the age of the person at its head; children, grandparents and the sizes of
generations follow from that, and with them a pyramid of ages as China has it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from resolvers.demo.calendar import Calendar
from resolvers.demo.chance import Weighted
from resolvers.demo.names import draw_surname
from resolvers.demo.plan import RegionPlan

__all__ = ["KINDS", "NO_GROUP", "Group", "Kind", "Population", "populate"]

NO_GROUP = -1


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of place where people spend the day. `occupation` is the word of the report card."""

    name: str  # how such a place is called: a coined word goes before it
    occupation: str
    ages: tuple[int, int]  # from, below
    size: int
    weight: float = 1.0
    is_school: bool = False


KINDS = (
    Kind("幼儿园", "幼托儿童", (3, 6), 24, is_school=True),
    Kind("小学", "学生", (6, 12), 38, is_school=True),
    Kind("中学", "学生", (12, 18), 42, is_school=True),
    Kind("职业技术学院", "学生", (18, 22), 40, 0.5, is_school=True),
    Kind("电子厂", "工人", (18, 60), 45, 24),
    Kind("建筑工程队", "民工", (18, 60), 25, 10),
    Kind("商行", "商业服务", (18, 60), 9, 18),
    Kind("餐馆", "餐饮食品业", (18, 60), 10, 8),
    Kind("农业合作社", "农民", (18, 68), 20, 20),
    Kind("科技有限公司", "干部职员", (22, 60), 22, 16),
    Kind("学校", "教师", (22, 60), 24, 5),
    Kind("医院", "医务人员", (22, 60), 24, 4),
)
"""The classes first, in the order of age; the rest are workplaces."""

_SCHOOLS = tuple(number for number, kind in enumerate(KINDS) if kind.is_school)
_WORKPLACES = tuple(number for number, kind in enumerate(KINDS) if not kind.is_school)
_EMPLOYED = 0.78
_OLDEST = 98

_HEADS = (4, 8, 11, 12, 10, 10, 12, 10, 8, 7, 4.5, 2.5, 1)  # heads by five years from 22
_YOUNGEST_HEAD = 22


@dataclass(frozen=True, slots=True)
class Group:
    """One class or workplace."""

    kind: int  # of KINDS
    county: int


@dataclass(slots=True)
class Population:
    """The people of one region, by number; the members of a household follow each other."""

    birth: array[int] = field(default_factory=lambda: array("i"))  # ordinal of the day
    sex: bytearray = field(default_factory=bytearray)  # 1 is male
    surname: array[int] = field(default_factory=lambda: array("H"))
    house: array[int] = field(default_factory=lambda: array("i"))  # first member of the household
    group: array[int] = field(default_factory=lambda: array("i"))
    county: array[int] = field(default_factory=lambda: array("H"))
    groups: list[Group] = field(default_factory=list)
    members: list[list[int]] = field(default_factory=list)  # per group
    residents: list[range] = field(default_factory=list)  # per county
    visitors: range = range(0)  # travellers, at home and away

    def __len__(self) -> int:
        return len(self.birth)

    def household(self, person: int) -> list[int]:
        """All who live with a person, the person among them."""
        first, house, end = self.house[person], self.house, len(self.house)
        found, member = [], first
        while member < end and house[member] == first:
            found.append(member)
            member += 1
        return found


def populate(random: Random, plan: RegionPlan, calendar: Calendar) -> Population:
    """The residents of a region's counties, then its travellers."""
    people = Population()
    heads = Weighted(_HEADS)
    for county, count in enumerate(plan.residents):
        first = len(people)
        while (missing := first + count - len(people)) > 0:
            _move_in(random, people, calendar, county, heads, missing)
        people.residents.append(range(first, first + count))
        _send_out(random, people, calendar, county)
    first = len(people)
    for traveller in plan.travellers:
        people.house.append(len(people))
        people.birth.append(traveller.birth)
        people.sex.append(traveller.sex)
        people.surname.append(traveller.surname)
        at_home = traveller.home == plan.number
        visited = int(random.random() * len(plan.residents))
        people.county.append(traveller.county if at_home else visited)
        people.group.append(NO_GROUP)
    people.visitors = range(first, len(people))
    return people


def _move_in(
    random: Random,
    people: Population,
    calendar: Calendar,
    county: int,
    heads: Weighted,
    most: int,
) -> None:
    """One household, of at most `most` people."""
    house = len(people)
    for _, (years, sex, surname) in zip(range(most), _household(random, heads), strict=False):
        age = min(max(years, 0.0), _OLDEST)
        people.birth.append(calendar.last - int((age + random.random()) * 365.2425))
        people.sex.append(sex)
        people.surname.append(surname)
        people.house.append(house)
        people.county.append(county)
        people.group.append(NO_GROUP)


def _household(random: Random, heads: Weighted) -> Iterator[tuple[float, int, int]]:
    """Age, sex and surname of each member, the head first."""
    chance = random.random
    head = _YOUNGEST_HEAD + 5 * heads.draw(random) + int(chance() * 5)
    surname = draw_surname(random)
    alone, children, elders = _composition(head)
    if chance() < alone:
        yield head, int(chance() < 0.5), surname
        return
    yield head, 1, surname
    yield head - 2 + 4 * (chance() - 0.5), 0, draw_surname(random)
    born = head - 26 - 4 * chance()  # the age of the eldest child
    for likely in children:
        if chance() < likely and born >= 0:
            yield born, int(chance() < 0.53), surname
        born -= 3 + 3 * chance()
    if chance() < elders:
        old = head + 25 + 5 * chance()
        yield old, 0, draw_surname(random)
        if chance() < 0.6:
            yield old + 2, 1, surname


def _composition(head: int) -> tuple[float, tuple[float, ...], float]:
    """By the head's age: the chance to live alone, of each child at home, of parents at home."""
    if head < 30:
        return 0.45, (0.75, 0.3), 0.08
    if head < 45:
        return 0.12, (0.92, 0.6, 0.1), 0.22
    if head < 55:
        return 0.1, (0.75, 0.5, 0.12), 0.2
    if head < 65:
        return 0.14, (0.25, 0.15), 0.1
    return 0.26, (0.05,), 0.0


def _send_out(random: Random, people: Population, calendar: Calendar, county: int) -> None:
    """Sends a county's children to classes of their age and adults to workplaces."""
    by_kind: dict[int, list[int]] = {}
    workplaces = Weighted([KINDS[kind].weight for kind in _WORKPLACES])
    for person in people.residents[county]:
        age = calendar.age(people.birth[person])
        kind = _daytime(random, age, workplaces)
        if kind is not None:
            by_kind.setdefault(kind, []).append(person)
    for kind, persons in sorted(by_kind.items()):
        if KINDS[kind].is_school:  # a class is of one age
            persons.sort(key=people.birth.__getitem__)
        else:
            random.shuffle(persons)
        size = KINDS[kind].size
        for start in range(0, len(persons), size):
            group = len(people.groups)
            people.groups.append(Group(kind, county))
            people.members.append(persons[start : start + size])
            for person in people.members[group]:
                people.group[person] = group


def _daytime(random: Random, age: int, workplaces: Weighted) -> int | None:
    """The kind of place where someone of that age spends the day, or None."""
    for kind in _SCHOOLS:
        low, high = KINDS[kind].ages
        if low <= age < high and random.random() < KINDS[kind].weight:
            return kind
    if age < 18 or random.random() > _EMPLOYED:
        return None
    kind = _WORKPLACES[workplaces.draw(random)]
    low, high = KINDS[kind].ages
    return kind if low <= age < high else None
