"""The disease a contact is observed for goes after its case (B8, B14).

A contact says itself what it is observed for, since its case may lie in another region. Where the
disease of a card is corrected, the contacts of the case that were observed for what the card said
before are observed for what it says now, and so are their contacts: those of the same store in the
transaction of the correction, those of the other regions by a message to each. Whoever was handed
over meanwhile is reached by a message behind the handover.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, insert, literal, select, update

from regions.contacts import contacts
from regions.corrections import corrections
from regions.ids import hold_ids, take_ids
from regions.person_keys import ERASED, salts_of
from regions.person_sealing import PeopleSealers
from regions.text import among
from regions.transfers import custody
from resolvers.post.messages import Letter, Message, put_all
from resolvers.transfers.custodians import Elsewhere, not_custodians
from resolvers.writing.stores import Store

__all__ = ["DISEASE", "DiseaseHandler", "Follows", "follow_disease"]

DISEASE = "contact.disease"

_MOST_HOPS = 16  # from region to region, where a person was handed on and on
_REASON = "随来源病例更正（follows its source case）"
_C = contacts.c


@dataclass(frozen=True, slots=True)
class Follows:
    """Whose contacts follow, and what: contacts of a case, or of other contacts (`of`: `case` or
    `contact`, `ids`), from one disease to another. `by` is who corrected the card, the unit, and
    the instant; `regions` all that there are (six digits each).
    """

    of: str
    ids: tuple[int, ...]
    was: str
    now: str
    by: tuple[str, str | None, str]
    regions: tuple[str, ...]
    hops: int = 0

    def body(self) -> dict[str, Any]:
        """As the body of a message."""
        names = ("of", "was", "now", "hops")
        lists = {name: list(getattr(self, name)) for name in ("ids", "by", "regions")}
        return {name: getattr(self, name) for name in names} | lists

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Follows:
        """From the body of a message."""
        lists = {name: tuple(body[name]) for name in ("ids", "by", "regions")}
        return cls(**{**body, **lists})


def follow_disease(connection: Connection, store: Store, follows: Follows, trace: str) -> list[int]:
    """Lets contacts follow a corrected card, in the transaction that corrects it; posts to the
    other regions. Returns the contacts changed here.
    """
    _tell(connection, store, follows, trace)
    return _follow(connection, store, follows, trace)


def _tell(connection: Connection, store: Store, follows: Follows, trace: str) -> None:
    """Posts to every other region: any of them may have contacts of these."""
    here = store.settings.code
    subject = f"{follows.of}:{follows.ids[0]}"
    letters = [
        _letter(subject, region, follows, trace) for region in follows.regions if region != here
    ]
    put_all(connection, store, letters, follows.by[2])


def _letter(subject: str, region: str, follows: Follows, trace: str) -> Letter:
    body = follows.body()
    step = sha256(orjson.dumps([body, region, trace], option=orjson.OPT_SORT_KEYS)).hexdigest()
    return Letter(DISEASE, subject, region, body, trace, step[:16])


def _follow(connection: Connection, store: Store, follows: Follows, trace: str) -> list[int]:
    """Changes the contacts here, and those of the contacts changed, level by level."""
    changed: list[int] = []
    level, of = follows.ids, follows.of
    while level:
        rows = _observed(connection, of, level, follows.was)
        away = not_custodians(
            connection, store.settings.code, {row["person_id"] for row in rows}, adding=True
        )
        _pass_on(connection, store, follows, rows, away, trace)
        here = [row for row in rows if row["person_id"] not in away]
        _change(connection, store, follows, here)
        level, of = tuple(sorted(row["id"] for row in here)), "contact"
        changed += level
        if level:
            _tell(connection, store, replace(follows, of=of, ids=level, hops=0), trace)
    return changed


def _observed(
    connection: Connection, of: str, ids: Collection[int], disease: str
) -> list[dict[str, Any]]:
    named = _C.source_case_id if of == "case" else _C.parent_contact_id
    asked = select(_C.id, _C.person_id, _C.version, _C.reporter).where(
        among(named, literal(orjson.dumps(list(ids)).decode())), _C.disease == disease
    )
    return [dict(row) for row in connection.execute(asked.order_by(_C.id)).mappings()]


def _pass_on(
    connection: Connection,
    store: Store,
    follows: Follows,
    rows: Sequence[Mapping[str, Any]],
    away: Mapping[int, Elsewhere],
    trace: str,
) -> None:
    """Posts behind the handover of people who have left: their dossier may be on its way."""
    gone = [one.person for one in away.values() if one.state == "HANDED"]
    if not gone or follows.hops >= _MOST_HOPS:
        return
    c = custody.c
    known = connection.execute(
        select(c.person_id, c.peer, c.transfer_id).where(
            among(c.person_id, literal(orjson.dumps(gone).decode())), c.peer.is_not(None)
        )
    )
    said = replace(follows, hops=follows.hops + 1)
    letters = {
        (row.transfer_id or f"person:{row.person_id}", row.peer): row.person_id for row in known
    }
    put_all(
        connection,
        store,
        [_letter(subject, region, said, trace) for subject, region in letters],
        follows.by[2],
    )


_CHANGE = (
    update(contacts)
    .where(_C.id == bindparam("of"))
    .values(disease=bindparam("to"), version=_C.version + 1, updated_at=bindparam("at"))
)


def _change(
    connection: Connection, store: Store, follows: Follows, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Changes contacts, each with its line in the history; of somebody erased there is none."""
    if not rows:
        return
    account, unit, at = follows.by
    connection.execute(_CHANGE, [{"of": row["id"], "to": follows.now, "at": at} for row in rows])
    persons = sorted({row["person_id"] for row in rows})
    salts = salts_of(connection, persons)
    kept = [row for row in rows if salts.get(row["person_id"]) != ERASED]
    if not kept:
        return
    sealers = PeopleSealers(connection, store.sealer, [row["person_id"] for row in kept])
    first = take_ids(connection, store.settings.code, len(kept))
    lines = [
        {
            "id": number,
            "record_type": "CONTACT",
            "record_id": row["id"],
            "field": "disease",
            "item": None,
            "old_value": orjson.dumps(follows.was).decode(),
            "new_value": orjson.dumps(follows.now).decode(),
            "sealed": sealers.seal(row["person_id"], "corrections", number, {"reason": _REASON}),
            "corrected_by": account,
            "unit_id": unit,
            "reporter": row["reporter"],
            "corrected_at": at,
            "person_id": row["person_id"],
        }
        for number, row in enumerate(kept, first)
    ]
    connection.execute(insert(corrections), lines)


class DiseaseHandler:
    """A card was corrected elsewhere: its contacts here follow."""

    topic = DISEASE

    def concerns(self, message: Message) -> Mapping[str, Sequence[int]]:
        """The case, or the contacts, whose contacts follow."""
        return {message.body["of"]: message.body["ids"]}

    def gather(self, connection: Connection, store: Store, message: Message) -> None:
        """Nothing goes along."""
        return

    def ids(self, message: Message, parcel: None) -> int:
        """None: how many lines of history there will be is known only then."""
        return 0

    def deliver(
        self,
        connection: Connection,
        store: Store,
        message: Message,
        parcel: None,
        first_id: int,
        at: str,
    ) -> dict[str, Any]:
        """Changes the contacts here; the reply names them."""
        hold_ids(connection, store.settings.code)  # before the people, as who writes about them
        changed = _follow(connection, store, Follows.read(message.body), message.trace)
        return {"contacts": changed}

    def settle(
        self, connection: Connection, store: Store, message: Message, reply: dict[str, Any], at: str
    ) -> None:
        """Nothing is left to do."""
