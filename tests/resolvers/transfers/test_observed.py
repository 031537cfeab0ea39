"""The disease contacts are observed for goes after the card of their case, wherever they are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, update

from regions.contacts import contacts
from regions.corrections import corrections
from regions.erasing import erase_person
from regions.post import post_outbox
from resolvers.observed import DISEASE, Follows, follow_disease
from tests.resolvers.transfers.regional import AT, A, B, C, Regions

LATER, LAST = "2026-11-28T09:00:00Z", "2026-11-28T10:00:00Z"


def _contact(
    regions: Regions,
    region: str,
    *,
    case: int | None = None,
    parent: int | None = None,
    disease: str | None = "measles",
) -> int:
    """A person with a contact of a case or of another contact; returns the contact."""
    contact = regions.register(region) + 1

    def link(connection: Connection) -> None:
        made = {"source_case_id": case, "parent_contact_id": parent, "disease": disease}
        connection.execute(update(contacts).where(contacts.c.id == contact).values(made))

    regions.do(region, link)
    return contact


def _correct(regions: Regions, case: int, was: str, now: str, at: str = LATER) -> list[int]:
    by = (f"officer-{A}", f"unit-{A}", at)
    follows = Follows("case", (case,), was, now, by, (A, B, C))
    return regions.do(A, lambda to: follow_disease(to, regions.stores[A], follows, "trace"))


def _disease(regions: Regions, region: str, contact: int) -> str | None:
    (row,) = regions.rows(region, contacts, contacts.c.id == contact)
    found: str | None = row["disease"]
    return found


def test_contacts_in_every_region_follow_and_so_do_theirs(regions: Regions) -> None:
    case = regions.register(A) + 2
    near, far = _contact(regions, A, case=case), _contact(regions, B, case=case)
    second, third = _contact(regions, A, parent=near), _contact(regions, C, parent=far)
    back = _contact(regions, A, parent=third)
    others = {
        "stated": _contact(regions, B, case=case, disease="rubella"),
        "unsaid": _contact(regions, B, case=case, disease=None),
        "of nobody": _contact(regions, B),
    }
    assert sorted(_correct(regions, case, "measles", "rubella")) == sorted([near, second])
    regions.drain()
    followed = [(A, near), (B, far), (A, second), (C, third), (A, back)]
    assert {_disease(regions, *one) for one in followed} == {"rubella"}
    found = {name: _disease(regions, B, one) for name, one in others.items()}
    assert found == {"stated": "rubella", "unsaid": None, "of nobody": "measles"}
    (line,) = regions.rows(C, corrections, corrections.c.record_id == third)
    assert (line["field"], line["old_value"], line["new_value"]) == (
        "disease",
        '"measles"',
        '"rubella"',
    )
    assert (line["corrected_by"], line["corrected_at"]) == (f"officer-{A}", LATER)
    (row,) = regions.rows(C, contacts, contacts.c.id == third)
    assert (row["version"], row["updated_at"]) == (2, LATER)
    stated = regions.rows(B, corrections, corrections.c.record_id == others["stated"])
    assert stated == []


def test_a_message_that_comes_twice_changes_nothing_more(files: Regions) -> None:
    case = files.register(A) + 2
    contact = _contact(files, B, case=case)
    _correct(files, case, "measles", "rubella")
    files.dies_at = f"{DISEASE}/deliver/after"
    files.drain()
    assert _disease(files, B, contact) == "rubella"
    assert len(files.rows(B, corrections, corrections.c.record_id == contact)) == 1


def test_corrections_come_in_their_order(files: Regions) -> None:
    case = files.register(A) + 2
    contact = _contact(files, B, case=case)
    _correct(files, case, "measles", "rubella")
    _correct(files, case, "rubella", "mumps", LAST)
    files.drain()
    assert _disease(files, B, contact) == "mumps"


def test_whoever_is_handed_over_meanwhile_is_reached_behind_the_dossier(regions: Regions) -> None:
    """The region that receives may hear of the card before it has the person."""
    case = regions.register(A) + 2
    contact = _contact(regions, B, case=case)
    person = contact - 1
    assert regions.offer("t", [person], B, C).refusal is None
    regions.drain()
    assert regions.decide("t", C).refusal is None
    while not _waits(regions, B, "transfer.commit"):
        regions.round()
    _correct(regions, case, "measles", "rubella")
    (early,) = [one for one in _waits(regions, A, DISEASE) if one["to_region"] == C]
    regions.carry_lane(A, C)
    assert not [one for one in _waits(regions, A, DISEASE) if one["id"] == early["id"]]
    regions.drain()
    assert regions.custodians(person) == [C]
    assert _disease(regions, C, contact) == "rubella"
    assert _disease(regions, B, contact) == "measles"  # what was left behind stays as it was


def _waits(regions: Regions, region: str, topic: str) -> list[dict[str, Any]]:
    c = post_outbox.c
    return regions.rows(region, post_outbox, c.topic == topic, c.answered_at.is_(None))


def test_of_an_erased_person_nothing_private_is_written(files: Regions) -> None:
    case = files.register(A) + 2
    contact = _contact(files, B, case=case)
    files.do(B, lambda connection: erase_person(connection, contact - 1, AT))
    before = files.rows(B, corrections)
    _correct(files, case, "measles", "rubella")
    files.drain()
    assert _disease(files, B, contact) == "rubella"
    assert files.rows(B, corrections) == before
