"""What the first reporter corrects in a card goes after its person, wherever the person is (B8)."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, update

from gateway.custody import check_custody
from regions.cases import cases
from regions.corrections import corrections
from regions.erasing import erase_person
from regions.pathways import pathway_events, pathways
from regions.post import post_outbox
from regions.sealing import ERASED_ENVELOPE
from regions.statistics import daily_counts
from resolvers.pathway.states import Event, PathwayEvent, Refused
from resolvers.pathway.storing import Who, load, step
from resolvers.post.boxes import due
from resolvers.post.messages import Message
from tests.resolvers.transfers.regional import AT, A, B, C, Regions
from tests.stores import Stores

LATER, LAST = "2026-11-28T09:00:00Z", "2026-11-28T10:00:00Z"


def _hand_over(regions: Regions, person: int, transfer: str, sender: str, receiver: str) -> None:
    assert regions.offer(transfer, [person], sender, receiver).refusal is None
    regions.drain()
    assert regions.decide(transfer, receiver).refusal is None
    regions.drain()


def _wrong(regions: Regions) -> list[Any]:
    report = asyncio.run(check_custody(list(regions.settings.values())))
    assert not report.missing
    return report.findings


def _card(regions: Regions, region: str, person: int) -> dict[str, Any]:
    return regions.rows(region, cases, cases.c.id == person + 2)[0]


def _same(regions: Regions, person: int, *others: str) -> None:
    """The card and its history are the same everywhere, but for what belongs to the place."""
    home = regions.told(A, person)
    lines = [one for one in home["corrections"] if one["record_type"] == "CASE"]
    for region in others:
        there = regions.told(region, person)
        assert there["cases"] == home["cases"], region
        assert [one for one in there["corrections"] if one["record_type"] == "CASE"] == lines
        copy = _card(regions, region, person)
        assert (copy["kept_in"], copy["code"]) == (A, f"{region[:4]}02")
        assert copy["reporter"] == f"officer-{region}"


def test_a_correction_after_the_handover_reaches_the_copy(regions: Regions) -> None:
    person = regions.register(A)
    _hand_over(regions, person, "t", A, B)
    line = regions.correct_card(A, person, LATER, onset_on="2026-11-20")
    assert _card(regions, B, person)["onset_on"] is None
    regions.drain()
    _same(regions, person, B)
    row = regions.rows(B, corrections, corrections.c.id == line)[0]
    assert (row["corrected_by"], row["reporter"]) == (f"officer-{A}", f"officer-{B}")
    assert _card(regions, B, person)["version"] == 2
    assert _wrong(regions) == []


def test_a_correction_while_the_commit_is_on_its_way(regions: Regions) -> None:
    """The dossier may have it or not: it arrives, and both ends agree on what went over."""
    person = regions.register(A)
    assert regions.offer("t", [person], A, B).refusal is None
    regions.drain()
    assert regions.decide("t", B).refusal is None
    for dies_at in ("transfer.commit/gather/after", None):
        while not any(
            row["topic"] == "transfer.commit" and row["answered_at"] is None
            for row in regions.rows(A, post_outbox)
        ):
            regions.round()
        regions.dies_at = dies_at
        regions.correct_card(A, person, LATER, onset_on=f"2026-11-2{0 if dies_at else 1}")
        if dies_at:
            regions.round()
    regions.drain()
    _same(regions, person, B)
    assert _card(regions, B, person)["onset_on"] == "2026-11-21"
    assert _wrong(regions) == []


def test_a_corrected_card_moves_the_pathway_where_the_person_is(regions: Regions) -> None:
    """Conversion to a confirmed case: told to the first reporter, who corrects the card (D)."""
    person = _under_review(regions)
    _hand_over(regions, person, "t", A, B)
    assert regions.rows(A, pathways) == []
    regions.correct_card(A, person, LATER, classification="CONFIRMED")
    regions.drain()
    _same(regions, person, B)
    (pathway,) = regions.rows(B, pathways)
    assert pathway["state"] == "CONFIRMED_CASE"
    told = sorted(regions.rows(B, pathway_events), key=lambda row: int(row["number"]))
    told = told[len(_TO_REVIEW) :]
    kinds = ["DISEASE_CONFIRMED", "FIRST_REPORTER_TOLD", "CARD_CORRECTED"]
    assert [one["kind"] for one in told] == kinds
    assert {(one["account"], one["unit_id"], one["at"]) for one in told} == {
        (f"officer-{A}", f"unit-{A}", LATER)
    }
    assert regions.rows(A, pathways) == []


_TO_REVIEW = (
    PathwayEvent.SAMPLE_POSITIVE,
    PathwayEvent.ASYMPTOMATIC_CONFIRMED,
    PathwayEvent.REPORT_FILED,
    PathwayEvent.COUNTY_NOTIFIED,
    PathwayEvent.ADMITTED,
    PathwayEvent.SYMPTOM_APPEARED,
)


def _under_review(regions: Regions) -> int:
    """A carrier at A with symptoms, whom the expert group has still to look at."""
    person = regions.register(A, pathway=True)

    def work(connection: Connection) -> None:
        connection.execute(update(cases).values(classification="ASYMPTOMATIC"))
        known = load(connection, person + 2)
        assert known is not None
        for kind in _TO_REVIEW:
            moved = step(connection, known, Event(kind, AT), Who(f"officer-{A}", f"unit-{A}", AT))
            assert not isinstance(moved, Refused), moved
            known = moved

    regions.do(A, work)
    return person


def test_it_is_passed_on_to_where_the_person_has_gone_since(regions: Regions) -> None:
    person = _under_review(regions)
    _hand_over(regions, person, "t1", A, B)
    _hand_over(regions, person, "t2", B, C)
    regions.correct_card(A, person, LATER, classification="CONFIRMED")
    regions.drain()
    _same(regions, person, B, C)
    (pathway,) = regions.rows(C, pathways)
    assert pathway["state"] == "CONFIRMED_CASE"
    assert _wrong(regions) == []


def test_what_is_passed_on_late_takes_nothing_back(files: Regions) -> None:
    """B has the first correction still to pass on when the person comes to C from A itself."""
    person = files.register(A)
    _hand_over(files, person, "t1", A, B)
    _hand_over(files, person, "t2", B, C)
    files.correct_card(A, person, LATER, onset_on="2026-11-20")
    files.carry(_waiting(files, A))
    late = _waiting(files, B)
    assert late.topic == "transfer.card"
    handler_saw = _card(files, B, person)["onset_on"]
    files.do(B, lambda connection: connection.execute(_NOT_YET))
    _hand_over(files, person, "t3", C, A)
    files.correct_card(A, person, LAST, onset_on="2026-11-25")
    _hand_over(files, person, "t4", A, C)
    files.do(B, lambda connection: connection.execute(_AGAIN))
    files.drain()
    assert handler_saw == "2026-11-20"
    assert _card(files, C, person)["onset_on"] == "2026-11-25"
    assert len(files.rows(C, corrections, corrections.c.record_type == "CASE")) == 2
    assert _wrong(files) == []


_NOT_YET = (
    update(post_outbox).where(post_outbox.c.answered_at.is_(None)).values(answered_at="held back")
)
_AGAIN = (
    update(post_outbox).where(post_outbox.c.answered_at == "held back").values(answered_at=None)
)


def _waiting(regions: Regions, region: str) -> Message:
    for to in (A, B, C):
        lane = (region, to)
        messages, _ = regions.do(region, partial(due, lane=lane, limit=9, first=(), skipped=()))
        if messages:
            return messages[0]
    raise AssertionError("nothing waits")


def test_back_with_its_first_reporter_nothing_is_posted(files: Regions) -> None:
    person = files.register(A)
    _hand_over(files, person, "t1", A, B)
    _hand_over(files, person, "t2", B, A)
    before = len(files.rows(A, post_outbox))
    files.correct_card(A, person, LATER, onset_on="2026-11-20")
    assert len(files.rows(A, post_outbox)) == before
    assert _card(files, A, person)["kept_in"] is None


def test_who_has_no_copy_yet_waits_for_it(files: Regions, tmp_path: Path) -> None:
    """A receiver that was restored from before the handover: the correction waits for the rest."""
    person = files.register(A)
    files.back_up(B, tmp_path / "b")
    _hand_over(files, person, "t", A, B)
    files.put_back(B, tmp_path / "b")
    files.correct_card(A, person, LATER, onset_on="2026-11-20")
    with pytest.raises(Exception, match="does not know who answers"):
        files.carry(_waiting(files, A))
    assert files.is_behind() == {B}
    assert files.reconcile(B).again
    files.drain()
    _same(files, person, B)
    assert _wrong(files) == []


def test_nothing_of_an_erased_person_comes_back(files: Regions) -> None:
    person = files.register(A)
    _hand_over(files, person, "t", A, B)
    files.correct_card(A, person, LATER, onset_on="2026-11-20")
    files.do(B, lambda connection: erase_person(connection, person, AT))
    files.drain()
    assert _card(files, B, person)["onset_on"] == "2026-11-20"
    for table in (cases, corrections):
        rows = files.rows(B, table, table.c.person_id == person)
        assert {bytes(row["sealed"]) for row in rows} == {ERASED_ENVELOPE}


def test_a_correction_that_a_restored_store_has_lost_comes_back_from_the_copy(
    regions: Regions, stores: Stores
) -> None:
    """It is counted as corrected, too."""
    person = regions.register(A)
    _hand_over(regions, person, "t1", A, B)
    _hand_over(regions, person, "t2", B, C)
    regions.correct_card(A, person, LATER, onset_on="2026-11-20")
    regions.drain()
    regions.leave(A)
    kept = stores.backup(regions.settings[A])
    regions.correct_card(A, person, LAST, classification="EXCLUDED")
    regions.drain()
    regions.leave(A)
    stores.put_back(regions.settings[A], kept)
    (wrong,) = (one.kind for one in _wrong(regions) if one.subject.startswith("person:"))
    assert wrong == "CARD_DIFFERS"
    assert regions.reconcile(A).cards == 1
    regions.drain()
    _same(regions, person, B, C)
    card = _card(regions, A, person)
    assert (card["version"], card["classification"], card["kept_in"]) == (3, "EXCLUDED", None)
    assert (card["reporter"], card["code"]) == (f"officer-{A}", f"{A[:4]}02")
    assert [row["cases"] for row in regions.rows(A, daily_counts)] in ([], [0])
    assert _wrong(regions) == []
    assert regions.reconcile(A).cards == 0
