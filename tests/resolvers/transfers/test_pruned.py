"""Messages that were emptied: nothing is done twice, nor out of order, and restored stores mend."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from gateway.custody import check_custody
from regions.instants import instant, seconds_of
from regions.people import people
from regions.post import EMPTIED, post_inbox, post_outbox
from regions.transfers import custody, transfer_people, transfers
from resolvers.post.messages import Message
from resolvers.post.pruning import Pruner, prune
from resolvers.writing.stores import Stores as Written
from tests.resolvers.transfers.regional import AT, A, B, C, Regions
from tests.stores import Stores

_LATER = instant(seconds_of(AT) + 10**8)


class Recorded(Regions):
    """Regions that remember every message that was carried."""

    seen: list[Message]

    def carry(self, message: Message) -> None:
        self.seen.append(message)
        super().carry(message)


@pytest.fixture
def files(stores: Stores) -> Iterator[Recorded]:
    made = Recorded([stores.sqlite(code[:4]) for code in (A, B, C)])
    made.seen = []
    yield made
    made.close()


def _wrong(files: Regions) -> list[Any]:
    report = asyncio.run(check_custody(list(files.settings.values())))
    assert not report.missing
    return [one.kind for one in report.findings]


def _everything(files: Regions) -> Any:
    """What the stores say of custody, transfers and messages."""
    tables = (custody, transfers, transfer_people, post_inbox)
    found = [files.rows(one, table) for one in files.stores for table in tables]
    kept = [files.do(one, lambda c: c.execute(_KEPT).all()) for one in files.stores]
    open_ = [files.rows(one, post_outbox, post_outbox.c.answered_at.is_(None)) for one in (A, B, C)]
    return found, kept, open_


_KEPT = select(people.c.id, people.c.kept_in).order_by(people.c.id)


def _prune(files: Regions, before: str = _LATER) -> int:
    return sum(files.do(one, lambda connection: prune(connection, before)) for one in files.stores)


def _emptied(files: Regions, region: str) -> int:
    return len(files.rows(region, post_outbox, post_outbox.c.body == EMPTIED))


class Life:
    """One person's way between three regions, whose messages are emptied as it goes."""

    def __init__(self, files: Recorded, folder: Path) -> None:
        self.files, self._folder = files, folder
        self.person = files.register(A)
        self._open: str | None = None  # the transfer that waits to be decided
        self._backup: tuple[str, str] | None = None  # which region, and when

    def owner(self) -> str:
        (found,) = self.files.custodians(self.person)
        return found

    def tick(self) -> str:
        self.files.answered_at = instant(seconds_of(self.files.answered_at) + 1)
        return self.files.answered_at

    def do(self, what: str, number: int) -> None:
        self.tick()
        getattr(self, what)(number)

    def offer(self, number: int) -> None:
        self.drain(number)
        sender = self.owner()
        others = [one for one in (A, B, C) if one != sender]
        transfer = f"t{next(_NUMBERS)}"
        if self.files.offer(transfer, [self.person], sender, others[number % 2]).refusal is None:
            self._open = transfer
            self.drain(number)

    def decide(self, number: int) -> None:
        if self._open is None:
            return
        row = self.files.rows(A, transfers) + self.files.rows(B, transfers)
        row += self.files.rows(C, transfers)
        (receiver,) = {one["to_region"] for one in row if one["id"] == self._open}
        refuse = {self.person: "NO_PLACE"} if number % 4 == 0 else {}
        accept = () if refuse else None
        self.files.decide(self._open, receiver, accept=accept, refuse=refuse)
        self._open = None

    def correct(self, number: int) -> None:
        self.files.correct_card(A, self.person, onset_on=f"2026-11-{10 + number % 15}")

    def drain(self, number: int) -> None:
        self.files.drain()

    def prune(self, number: int) -> None:
        _prune(self.files, self._backup[1] if self._backup is not None else self.tick())

    def repeat(self, number: int) -> None:
        """A message comes again, however late."""
        if self.files.seen:
            self.drain(number)
            before = _everything(self.files)
            Regions.carry(self.files, self.files.seen[number % len(self.files.seen)])
            assert _everything(self.files) == before

    def back_up(self, number: int) -> None:
        region = (A, B, C)[number % 3]
        self.files.back_up(region, self._folder / "backup.db")
        self._backup = region, self.tick()
        self.tick()

    def put_back(self, number: int) -> None:
        if self._backup is None:
            return
        region, self._backup = self._backup[0], None
        self.files.put_back(region, self._folder / "backup.db")
        self._open = None
        assert self.files.reconcile(region).gone == 0
        self.drain(number)
        assert self.files.reconcile(region).gone == 0
        self.drain(number)


_NUMBERS = itertools.count(1)
_DEEDS = ("offer", "decide", "correct", "drain", "prune", "repeat", "back_up", "put_back")


@pytest.mark.no_cover  # the lines of the tests below, again and again
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    deeds=st.lists(st.tuples(st.sampled_from(_DEEDS), st.integers(0, 999)), min_size=8, max_size=16)
)
def test_emptied_messages_change_nothing(
    files: Recorded, tmp_path: Path, deeds: list[tuple[str, int]]
) -> None:
    """Whatever is done: a message that comes again changes nothing, a store put back from a backup
    that is younger than what was emptied mends whole, and everybody has one custodian at the end.
    """
    life = Life(files, tmp_path)
    for what, number in [("offer", 1), ("decide", 1), ("prune", 0), *deeds]:
        life.do(what, number)
    life.drain(0)
    life.owner()
    assert _wrong(files) == []
    assert not files.is_behind()


def _hand_over(files: Regions, person: int, transfer: str, sender: str, receiver: str) -> None:
    assert files.offer(transfer, [person], sender, receiver).refusal is None
    files.drain()
    assert files.decide(transfer, receiver).refusal is None
    files.drain()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_is_emptied_and_what_is_not(stores: Stores, kind: str) -> None:
    files = Regions([stores.make(kind, code[:4]) for code in (A, B, C)])
    person = files.register(A)
    _hand_over(files, person, "t", A, B)
    assert files.offer("u", [person], B, C).refusal is None
    assert _prune(files, AT) == 0  # answered at that instant, not before it
    assert _prune(files) == 3  # offer, decision, commit
    assert _prune(files) == 0
    assert _emptied(files, A) == 2
    (waits,) = files.rows(B, post_outbox, post_outbox.c.answered_at.is_(None))
    assert waits["body"] != EMPTIED
    assert _wrong(files) == []
    files.close()


def test_a_message_known_from_its_receiver_alone_is_not_delivered(
    files: Recorded, tmp_path: Path
) -> None:
    """First the sender is put back from before the handover, then the receiver."""
    person = files.register(A)
    for region in (A, B):
        files.back_up(region, tmp_path / region)
    _hand_over(files, person, "t", A, B)
    files.put_back(A, tmp_path / A)
    files.reconcile(A)
    files.drain()
    assert _emptied(files, A) == 2  # what it had sent
    files.put_back(B, tmp_path / B)
    done = files.reconcile(B)
    assert done.gone == 2
    # What A has of the person waits: B has lost everything.
    with pytest.raises(AssertionError, match="never comes to rest"):
        files.drain()
    assert not files.is_behind()


def test_a_backup_older_than_what_is_kept_is_told_what_it_lost(
    files: Recorded, tmp_path: Path
) -> None:
    person = files.register(A)
    files.back_up(B, tmp_path / "old")
    _hand_over(files, person, "t", A, B)
    _prune(files)
    files.put_back(B, tmp_path / "old")
    assert files.is_behind() == {B}
    assert files.reconcile(B).gone == 2  # the offer and the commit
    files.drain()
    assert not files.is_behind()  # it is fenced no longer, and the check says who is lost
    assert "NO_CUSTODIAN" in _wrong(files)


def test_the_duty_empties_what_is_old_enough(files: Recorded) -> None:
    person = files.register(A)
    _hand_over(files, person, "t", A, B)

    async def rounds(days: int) -> None:
        stores = Written(list(files.settings.values()), files.keys)
        try:
            pruner = Pruner(stores, days=days)
            await pruner()
            await pruner()
        finally:
            await stores.close()

    files.loop.run_until_complete(rounds(3_650))
    assert _emptied(files, A) == 0
    for one in (A, B):
        files.do(one, lambda connection: connection.execute(_LONG_AGO))
    files.loop.run_until_complete(rounds(3_650))
    assert (_emptied(files, A), _emptied(files, B)) == (2, 1)


def test_what_a_backup_brings_back_is_emptied_again(files: Recorded, tmp_path: Path) -> None:
    person = files.register(A)
    _hand_over(files, person, "t", A, B)
    files.do(A, lambda connection: connection.execute(_LONG_AGO))
    files.back_up(A, tmp_path / "kept")
    stores = Written(list(files.settings.values()), files.keys)
    pruner = Pruner(stores, days=3_650)
    found = []
    for back in (False, True):
        if back:
            files.put_back(A, tmp_path / "kept")
            found.append(_emptied(files, A))
            files.reconcile(A)
        files.loop.run_until_complete(pruner())
        files.loop.run_until_complete(stores.close())
        found.append(_emptied(files, A))
    assert found == [2, 0, 2]


_LONG_AGO = update(post_outbox).values(answered_at="2001-01-01T00:00:00Z")
