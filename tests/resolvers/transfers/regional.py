"""Regions with real stores, people in them, and a post that dies where a test wants it to."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, insert, select, update

from regions.cases import cases, exposures
from regions.contacts import contacts, samples, visits
from regions.corrections import corrections
from regions.engines import make_engine
from regions.errors import CustodyUnknown
from regions.ids import take_ids
from regions.index_keys import read_state
from regions.keys import Keys
from regions.metadata import Reveals
from regions.people import INDEX_SETS, people
from regions.person_keys import new_salt, person_keys
from regions.post import post_outbox
from regions.settings import RegionSettings
from regions.statistics import apply_counts
from resolvers.pathway.correcting import follow_correction
from resolvers.pathway.engine import begin
from resolvers.pathway.packs import packs
from resolvers.pathway.storing import Who as PathwayWho
from resolvers.pathway.storing import start
from resolvers.post.boxes import answer, claim, due, reply, unanswered
from resolvers.post.handlers import HANDLERS
from resolvers.post.messages import BulkHandler, Message
from resolvers.transfers.applying import ids_for
from resolvers.transfers.cards import Corrected, tell_card
from resolvers.transfers.doubled import Settled, settle_doubled
from resolvers.transfers.ledger import custodies
from resolvers.transfers.mending import Mender
from resolvers.transfers.offers import offer_transfer
from resolvers.transfers.restored import Reconciled
from resolvers.transfers.states import Custody
from resolvers.transfers.steps import cancel_transfer, decide_transfer
from resolvers.transfers.terms import Offer, OfferedPerson, Outcome, Who
from resolvers.writing.stores import Store, Stores
from tests.keys import same_keys

__all__ = ["AT", "A", "B", "C", "Killed", "Regions", "who"]

T = TypeVar("T")

AT = "2026-11-28T08:00:00Z"
A, B, C = "320100", "330200", "440100"
_HANDLERS = {one.topic: one for one in HANDLERS}


class Killed(Exception):
    """The process died here."""


def who(region: str) -> Who:
    """Somebody of the county CDC of a region."""
    return Who(f"officer-{region}", f"unit-{region}", f"{region[:4]}02")


async def _behind(mender: Mender) -> set[str]:
    return (await mender.look(AT)).behind


async def _mended(stores: Stores, region: str) -> Reconciled:
    done = await Mender(stores).mend(region, AT, anyway=True)
    assert done is not None
    return done


class Regions:
    """Some regions, and the post between them, one transaction after the other.

    `dies_at` names a step as `<topic>/<gather|deliver|settle>/<before|after>` its commit: there the
    post dies once.
    """

    def __init__(self, settings: Sequence[RegionSettings], keys: Keys | None = None) -> None:
        self.keys = keys or same_keys()
        self.stores = {one.code: Store(one, self.keys) for one in settings}
        self.settings = {one.code: one for one in settings}
        self.loop = asyncio.new_event_loop()
        self.engines = {one.code: make_engine(one, pool_size=1) for one in settings}
        self.dies_at: str | None = None
        self.answered_at = AT
        self.borders: list[str] = []
        self.watch: Callable[[], None] = lambda: None
        self._number = 0

    def close(self) -> None:
        for engine in self.engines.values():
            self.loop.run_until_complete(engine.dispose())
        self.loop.close()

    def do(self, region: str, work: Callable[[Connection], T]) -> T:
        """One transaction."""

        async def run() -> T:
            async with self.engines[region].begin() as connection:
                return await connection.run_sync(work)

        return self.loop.run_until_complete(run())

    def rows(self, region: str, table: Table, *where: Any) -> list[dict[str, Any]]:
        return self.do(
            region,
            lambda connection: [
                row._asdict() for row in connection.execute(select(table).where(*where))
            ],
        )

    def take(self, region: str, count: int) -> int:
        return self.do(region, lambda connection: take_ids(connection, region, count))

    def custody(self, region: str, person: int) -> Custody:
        return self.do(region, lambda connection: custodies(connection, [person])[person])

    def custodians(self, person: int) -> list[str]:
        return [one for one in self.stores if self.custody(one, person).state.answers]

    # People and their records.

    def register(self, region: str, *, pathway: bool = False) -> int:
        """A person with one record of every kind; returns the person's id."""
        first = self.take(region, 8)
        person, contact, case, exposure, visit, sample, correction = range(first, first + 7)
        store, code = self.stores[region], f"{region[:4]}02"
        own = {"reporter": f"officer-{region}", "reporter_unit": f"unit-{region}"}
        stamps = {"created_at": AT, "updated_at": AT}
        self._number += 1
        items = {
            "name": f"钱{self._number}",
            "birth_date": "1980-01-02",
            "id_number": f"11010119800102{self._number:04d}",
            "phone": f"1380000{self._number:04d}",
            "residence": "中山路 1 号",
        }
        salt = new_salt()
        seal = store.sealer.person(salt).seal

        def work(connection: Connection) -> None:
            connection.execute(insert(person_keys).values(person_id=person, salt=salt))
            indexes = store.indexer.columns(items, read_state(connection))
            names = [name for names in INDEX_SETS for name in names]
            connection.execute(
                insert(people).values(
                    id=person,
                    code=code,
                    residence_code=code,
                    sealed=seal("people", person, items),
                    source_key=f"file:{person}",
                    **dict(zip(names, indexes, strict=True)),
                    **own,
                    **stamps,
                )
            )
            connection.execute(
                insert(contacts).values(
                    id=contact,
                    person_id=person,
                    level="CLOSE",
                    route="OWN_SCREENING",
                    source_case_id=case,
                    manner="[]",
                    outcome="CONTINUING",
                    traced="YES",
                    code=code,
                    rule_pack="N113",
                    sealed=seal("contacts", contact, {"place": "车站"}),
                    **own,
                    **stamps,
                )
            )
            connection.execute(
                insert(cases).values(
                    id=case,
                    person_id=person,
                    disease="measles",
                    classification="CONFIRMED",
                    origin="LOCAL",
                    code=code,
                    reported_at=AT,
                    unit_id=f"unit-{region}",
                    sealed=seal("cases", case, {"remarks": "重症"}),
                    **own,
                    **stamps,
                )
            )
            apply_counts(connection, {("measles", code, AT[:10]): (1, 0)})
            connection.execute(
                insert(exposures).values(
                    id=exposure,
                    person_id=person,
                    case_id=case,
                    code="110101",
                    sealed=seal("exposures", exposure, {"place": "市场"}),
                    created_at=AT,
                )
            )
            connection.execute(
                insert(visits).values(
                    id=visit,
                    person_id=person,
                    contact_id=contact,
                    visited_at=AT,
                    kind="HEALTH_MONITORING",
                    temperature_tenths=372,
                    symptoms="[]",
                    code=code,
                    created_at=AT,
                    **own,
                )
            )
            self._sample(connection, store, person, contact, sample, salt)
            connection.execute(
                insert(corrections).values(
                    id=correction,
                    record_type="PERSON",
                    record_id=person,
                    field="phone",
                    item="PHONE",
                    sealed=seal("corrections", correction, {"old": '"1"', "reason": "误录"}),
                    corrected_by=f"officer-{region}",
                    corrected_at=AT,
                    person_id=person,
                )
            )

        self.do(region, work)
        if pathway:
            about = {"id": case, "record": "case", "person_id": person, "code": code}
            pack = packs()["N113"]
            about["reporter_unit"] = f"unit-{region}"
            acts = PathwayWho(f"officer-{region}", f"unit-{region}", AT)
            self.do(
                region,
                lambda connection: start(connection, about, begin(AT), pack, acts, how="CASE"),
            )
        return person

    def _sample(
        self,
        connection: Connection,
        store: Store,
        person: int,
        contact: int,
        number: int,
        salt: bytes,
    ) -> None:
        region = store.settings.code
        connection.execute(
            insert(samples).values(
                id=number,
                person_id=person,
                contact_id=contact,
                taken_at=AT,
                specimen="THROAT_SWAB",
                test="NUCLEIC_ACID",
                result="POSITIVE",
                code=f"{region[:4]}02",
                sealed=store.sealer.person(salt).seal("samples", number, {"remarks": "复核"}),
                reporter=f"officer-{region}",
                reporter_unit=f"unit-{region}",
                created_at=AT,
            )
        )

    def add_sample(self, region: str, person: int) -> int:
        """What a laboratory reports later."""
        number = self.take(region, 1)
        salt = self.rows(region, person_keys, person_keys.c.person_id == person)[0]["salt"]
        store = self.stores[region]
        self.do(
            region,
            lambda connection: self._sample(connection, store, person, person + 1, number, salt),
        )
        return number

    def correct_card(self, region: str, person: int, at: str = AT, **columns: Any) -> int:
        """What `correct` writes where a card is: row, history, and word to whoever has a copy."""
        store, case, line = self.stores[region], person + 2, self.take(region, 1)
        salt = self.rows(region, person_keys, person_keys.c.person_id == person)[0]["salt"]
        ((field, value),) = columns.items()

        def work(connection: Connection) -> None:
            row = connection.execute(select(cases).where(cases.c.id == case)).one()._asdict()
            made = {**columns, "version": row["version"] + 1, "updated_at": at}
            connection.execute(update(cases).where(cases.c.id == case).values(made))
            seal = store.sealer.person(salt).seal
            connection.execute(
                insert(corrections).values(
                    id=line,
                    record_type="CASE",
                    record_id=case,
                    field=field,
                    old_value=f'"{row[field]}"',
                    new_value=f'"{value}"',
                    sealed=seal("corrections", line, {"reason": f"改 {field}"}),
                    corrected_by=f"officer-{region}",
                    unit_id=f"unit-{region}",
                    reporter=f"officer-{region}",
                    corrected_at=at,
                    person_id=person,
                )
            )
            acts = PathwayWho(f"officer-{region}", f"unit-{region}", at)
            follow_correction(connection, "cases", row, {**row, **columns}, acts)
            tell_card(connection, store, Corrected(row, {**row, **columns}, [line], acts), "t")

        self.do(region, work)
        return line

    # A backup, and back from it (SQLite).

    def back_up(self, region: str, to: Path) -> None:
        """Copies a store's file."""
        path = self._path(region)
        shutil.copyfile(path, to)

    def put_back(self, region: str, kept: Path) -> None:
        """Puts an older file in the place of a store's."""
        path = self._path(region)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        shutil.copyfile(kept, path)

    def leave(self, region: str) -> None:
        """Closes a store; it is opened again when needed."""
        self.loop.run_until_complete(self.engines[region].dispose())
        self.engines[region] = make_engine(self.settings[region], pool_size=1)

    def _path(self, region: str) -> Path:
        """The file of a store that nobody has open."""
        self.leave(region)
        path = self.settings[region].path
        assert path is not None
        return path

    # The steps.

    def offer(
        self,
        transfer: str,
        persons: Sequence[int],
        sender: str,
        receiver: str,
        *,
        items: Sequence[str] = ("NAME",),
        to_unit: str | None = None,
        remarks: str | None = "家属随行",
    ) -> Outcome:
        offer = Offer(
            transfer,
            receiver,
            to_unit or f"unit-{receiver}",
            f"{receiver[:4]}02",
            tuple(OfferedPerson(one, remarks=remarks) for one in persons),
            "CENTRAL_ISOLATION",
            items=tuple(items),
        )
        first = self.take(sender, ids_for(len(persons)))
        return self.do(
            sender,
            lambda connection: offer_transfer(
                connection, self.stores[sender], first, offer, who(sender), trace="t", at=AT
            ),
        )

    def decide(
        self,
        transfer: str,
        receiver: str,
        *,
        accept: Sequence[int] | None = None,
        refuse: Mapping[int, str] | None = None,
        by: Who | None = None,
    ) -> Outcome:
        first = self.take(receiver, ids_for(1_000))
        return self.do(
            receiver,
            lambda connection: decide_transfer(
                connection,
                self.stores[receiver],
                first,
                transfer,
                accept=accept,
                refuse=refuse or {},
                who=by or who(receiver),
                trace="t",
                at=AT,
            ),
        )

    def cancel(self, transfer: str, sender: str, people: Sequence[int] | None = None) -> Outcome:
        first = self.take(sender, ids_for(1_000))
        return self.do(
            sender,
            lambda connection: cancel_transfer(
                connection,
                self.stores[sender],
                first,
                transfer,
                people=people,
                reason_code="RECOVERED",
                who=who(sender),
                trace="t",
                at=AT,
            ),
        )

    # The post.

    def border(self, name: str) -> None:
        self.borders.append(name)
        if self.dies_at == name:
            self.dies_at = None
            raise Killed(name)

    def round(self) -> int:
        """Everything that waits, once; how many messages were answered."""
        count = 0
        for sender in self.stores:
            for receiver in self.stores:
                lane = (sender, receiver)
                messages, _ = self.do(
                    sender, partial(due, lane=lane, limit=100, first=(), skipped=())
                )
                for message in messages:
                    with suppress(Killed, CustodyUnknown):  # what waits is tried again
                        self.carry(message)
                        count += 1
                    self.watch()
        return count

    def carry_lane(self, sender: str, receiver: str) -> None:
        """What waits between two regions, in one direction."""
        messages, _ = self.do(
            sender, partial(due, lane=(sender, receiver), limit=100, first=(), skipped=())
        )
        for message in messages:
            self.carry(message)

    def carry_together(self, messages: Sequence[Message]) -> None:
        """Messages of one lane: three transactions for all of them, topic after topic."""
        for topic in dict.fromkeys(one.topic for one in messages):
            some = [one for one in messages if one.topic == topic]
            handler: Any = _HANDLERS[topic]
            if isinstance(handler, BulkHandler):
                self._together(handler, some)
            else:
                for one in some:
                    self.carry(one)

    def _together(self, handler: BulkHandler, some: Sequence[Message]) -> None:
        sender, receiver = some[0].from_region, some[0].to_region
        source, target = self.stores[sender], self.stores[receiver]
        parcels = self.do(sender, lambda connection: handler.gather_all(connection, source, some))
        given = [
            (one, parcels[one.id], self.take(receiver, handler.ids(one, parcels[one.id])))
            for one in some
        ]

        def deliver(connection: Connection) -> Mapping[str, dict[str, Any]]:
            assert claim(connection, some, AT).new == {one.id for one in some}
            said = handler.deliver_all(connection, target, given, AT)
            reply(connection, sender, said)
            return said

        said = self.do(receiver, deliver)

        def settle(connection: Connection) -> None:
            handler.settle_all(connection, source, [(one, said[one.id]) for one in some], AT)
            answer(connection, said, AT)

        self.do(sender, settle)

    def carry(self, message: Message) -> None:
        """One message: three transactions, each of which may end before or after its commit."""
        handler: Any = _HANDLERS[message.topic]
        source, target = self.stores[message.from_region], self.stores[message.to_region]
        parcel = self.do(
            message.from_region,
            lambda connection: handler.gather(connection, source, message),
        )
        self.border(f"{message.topic}/gather/after")
        first = self.take(message.to_region, handler.ids(message, parcel) or 1)

        def deliver(connection: Connection) -> dict[str, Any]:
            claimed = claim(connection, [message], AT)
            if message.id not in claimed.new:
                return claimed.kept[message.id]
            said: dict[str, Any] = handler.deliver(connection, target, message, parcel, first, AT)
            reply(connection, message.from_region, {message.id: said})
            self.border(f"{message.topic}/deliver/before")
            return said

        said = self.do(message.to_region, deliver)
        self.watch()
        self.border(f"{message.topic}/deliver/after")

        def settle(connection: Connection) -> None:
            if message.id in unanswered(connection, [message.id]):
                handler.settle(connection, source, message, said, AT)
                answer(connection, {message.id: said}, self.answered_at)
            self.border(f"{message.topic}/settle/before")

        self.do(message.from_region, settle)
        self.border(f"{message.topic}/settle/after")

    def is_behind(self) -> set[str]:
        """Stores that are found to have been restored."""
        return self._beside(lambda stores: _behind(Mender(stores)))

    def reconcile(self, region: str) -> Reconciled:
        """Mends a store that was restored."""
        return self._beside(lambda stores: _mended(stores, region))

    def settle(self) -> Settled:
        """Makes one custodian of those whom two regions answer for."""
        return self._beside(lambda stores: settle_doubled(stores, AT))

    def _beside(self, work: Callable[[Stores], Awaitable[T]]) -> T:
        stores = Stores(list(self.settings.values()), self.keys)

        async def run() -> T:
            try:
                return await work(stores)
            finally:
                await stores.close()

        return self.loop.run_until_complete(run())

    def drain(self) -> None:
        """Until nothing waits."""
        for _ in range(20):
            if not self.round() and not any(
                self.rows(one, post_outbox, post_outbox.c.answered_at.is_(None))
                for one in self.stores
            ):
                return
        raise AssertionError("the post never comes to rest")

    # What a store has of a person, in clear.

    def told(self, region: str, person: int) -> dict[str, list[dict[str, Any]]]:
        """Every record of a person, opened; without what belongs to the place and store."""
        found = {}
        for table in (people, contacts, cases, exposures, visits, samples, corrections):
            whose = table.c.id if table is people else table.c.person_id
            rows = sorted(self.rows(region, table, whose == person), key=lambda one: one["id"])
            found[table.name] = [self._clear(region, table, person, row) for row in rows]
        return found

    def _clear(self, region: str, table: Table, person: int, row: dict[str, Any]) -> dict[str, Any]:
        salt = self.rows(region, person_keys, person_keys.c.person_id == person)[0]["salt"]
        left_out = {"code", "reporter", "reporter_unit", "kept_in", "source_key", "source_hash"}
        shown = {
            column.name: row[column.name]
            for column in table.columns
            if column.info["reveals"] is not Reveals.SEALED
            and (column.name not in left_out or table is exposures)
        }
        if row["sealed"] is not None:
            shown["items"] = self.stores[region].sealer.open(
                table.name, row["id"], bytes(row["sealed"]), bytes(salt)
            )
        return shown
