"""Cards corrected while their people go from region to region, in simulated runs: whoever answers
for a person has the card as it is where it was reported, whatever dies or comes back on the way.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from bench.breaking.simulation import Simulation
from bench.breaking.world import AT, REGIONS, Template, World, _settings
from gateway.custody import check_custody
from regions.cases import cases
from regions.corrections import corrections
from regions.ids import take_ids
from regions.person_keys import person_keys
from resolvers.pathway.storing import Who
from resolvers.transfers import cards as told
from resolvers.transfers.cards import Corrected, tell_card
from resolvers.transfers.conservation import Kind

pytestmark = pytest.mark.no_cover  # nothing of bench is counted, and the gateway elsewhere

_SEEDS = 25
_OWN = "SELECT id FROM people WHERE id = ? AND kept_in IS NULL"
_CARD = "SELECT onset_on, version, kept_in FROM cases WHERE id = ?"
_LINES = "SELECT id, new_value FROM corrections WHERE record_id = ? ORDER BY id"


class _Cards(Simulation):
    """A run in which everybody has a card, and first reporters correct it now and then."""

    def __init__(self, world: World, seed: int) -> None:
        super().__init__(world, seed, 60)
        self.made = 0
        self.cards = {person: self._report(person) for person in sorted(world.homes)}

    def actions(self) -> Any:
        """The card, too."""
        return {**super().actions(), self.card: 4}

    def _seal(self, connection: Connection, person: int, table: str, number: int) -> bytes:
        whose = select(person_keys.c.salt).where(person_keys.c.person_id == person)
        salt = bytes(connection.execute(whose).scalar_one())
        sealer = self.world.stores[self.world.homes[person]].sealer.person(salt)
        item = "remarks" if table == "cases" else "reason"
        return sealer.seal(table, number, {item: f"{self.made}"})

    def _report(self, person: int) -> int:
        home = self.world.homes[person]

        def work(connection: Connection) -> int:
            number = take_ids(connection, home, 1)
            connection.execute(
                insert(cases).values(
                    id=number,
                    person_id=person,
                    disease="measles",
                    classification="CONFIRMED",
                    origin="LOCAL",
                    code=f"{home[:4]}02",
                    reported_at=AT,
                    unit_id=f"unit-{home}",
                    sealed=self._seal(connection, person, "cases", number),
                    reporter=f"officer-{home}",
                    reporter_unit=f"unit-{home}",
                    created_at=AT,
                    updated_at=AT,
                )
            )
            return number

        number: int = self.world.do(home, work)
        return number

    def card(self) -> None:
        """Somebody's card is corrected."""
        person = self.chance.choice(sorted(self.cards))
        home, case = self.world.homes[person], self.cards[person]
        self.made += 1
        new = {"onset_on": f"20{self.made:02d}-01-01"}

        def work(connection: Connection) -> None:
            row = connection.execute(select(cases).where(cases.c.id == case)).one()._asdict()
            version = row["version"] + 1
            connection.execute(
                update(cases).where(cases.c.id == case).values(**new, version=version)
            )
            line = take_ids(connection, home, 1)
            connection.execute(
                insert(corrections).values(
                    id=line,
                    record_type="CASE",
                    record_id=case,
                    field="onsetOn",
                    new_value=f'"{new["onset_on"]}"',
                    sealed=self._seal(connection, person, "corrections", line),
                    corrected_by=f"officer-{home}",
                    corrected_at=AT,
                    person_id=person,
                )
            )
            who = Who(f"officer-{home}", f"unit-{home}", AT)
            made = Corrected(row, {**row, **new}, [line], who)
            tell_card(connection, self.world.stores[home], made, f"trace-{self.made}")

        self.do(home, work)

    def differing(self) -> tuple[int, list[str]]:
        """How many copies were compared, and those that are not what their card is. A region that
        was put back from a backup has lost what it had corrected since: of its cards nobody says.
        """
        count, found = 0, []
        for person, case in self.cards.items():
            home = self.world.homes[person]
            holders = [one for one in REGIONS if self.world.eyes.ask(one, _OWN, person)]
            if home in self.history.restored or holders == [home]:
                continue
            (holder,) = holders
            count += 1
            (card,), copies = (self.world.eyes.ask(one, _CARD, case) for one in (home, holder))
            lines, theirs = (
                [tuple(row) for row in self.world.eyes.ask(one, _LINES, case)]
                for one in (home, holder)
            )
            told = [tuple(row) for row in copies]
            if told != [(card["onset_on"], card["version"], home)] or lines != theirs:
                found.append(f"{person}: {tuple(card)} of {home} is {told} in {holder}")
        return count, found


def test_every_copy_is_what_the_card_is(tmp_path: Path) -> None:
    template = Template(tmp_path / "template")
    compared = corrected = 0
    for seed in range(_SEEDS):
        (tmp_path / str(seed)).mkdir()
        world = World(template, tmp_path / str(seed))
        try:
            run = _Cards(world, seed)
            assert run.go().findings == [], seed
            count, wrong = run.differing()
            restored = set(run.history.restored)
        finally:
            world.close()
        assert wrong == [], seed
        assert _found(world) <= restored, seed
        compared, corrected = compared + count, corrected + run.made
    assert compared > _SEEDS // 3
    assert corrected > _SEEDS


def _found(world: World) -> set[str]:
    """The regions whose cards have other copies, as the check over all stores says."""
    report = asyncio.run(check_custody([_settings(world.folder, one) for one in REGIONS]))
    assert not report.missing
    cards = [one for one in report.findings if one.kind == Kind.CARD_DIFFERS.name]
    return {one.said[0].partition(" ")[0] for one in cards}


@pytest.mark.parametrize("bug", ["not told", "not taken"])
def test_a_correction_that_is_not_passed_on_is_found_by_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bug: str
) -> None:
    """Bugs put into our own code: who corrects tells nobody, or who is told does nothing."""
    if bug == "not told":
        monkeypatch.setattr(told, "_pass_on", lambda *_: None)
    else:
        monkeypatch.setattr(told, "store_card", lambda *_: True)
    template = Template(tmp_path / "template")
    for seed in range(_SEEDS):
        (tmp_path / str(seed)).mkdir()
        world = World(template, tmp_path / str(seed))
        try:
            run = _Cards(world, seed)
            run.go()
            _, wrong = run.differing()
        finally:
            world.close()
        if wrong:
            assert _found(world), seed
            return
    raise AssertionError("no seed corrects the card of somebody who was handed over")
