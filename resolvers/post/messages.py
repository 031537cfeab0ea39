"""Messages between regions: what one is, putting one into the outbox, and who handles it.

A message is put in the transaction of what it tells of: either both are there or neither. The pump
takes it from there (`resolvers.post.pump`): `gather` reads beside it what goes along, `deliver`
does what it says in the receiver's store, `settle` takes the reply home. Each of the three is done
in a transaction, is undone by whatever it raises, and may be begun again any number of times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol, runtime_checkable

import orjson
from sqlalchemy import Connection, bindparam, func, select, text
from sqlalchemy.dialects import postgresql, sqlite

from regions.errors import PostConflict
from regions.post import post_order, post_outbox
from regions.sealing import ITEMS
from regions.statements import Prepared
from regions.text import among_texts
from resolvers.writing.stores import Store

__all__ = [
    "BulkHandler",
    "CustodyHandler",
    "Handler",
    "HeavyHandler",
    "Letter",
    "Message",
    "check_body",
    "hash_of",
    "put",
    "put_all",
]

_OF_PEOPLE = (
    *("people", "cases", "exposures", "contacts", "visits", "samples"),
    *("transfer_people", "assist_requests", "assist_people", "assist_attachments"),
    "assist_contents",
)
_PRIVATE = frozenset(item for table in _OF_PEOPLE for item in ITEMS[table])
_PLAIN = (str, int, float, type(None))


@dataclass(frozen=True, slots=True)
class Message:
    """A message. Its body holds ids, codes and states, never a private value: what is private goes
    along in memory, as the parcel that `gather` makes.
    """

    id: str
    seq: int  # order within the sender's store
    topic: str
    subject: str  # what it is about: of one subject the messages are delivered one after the other
    from_region: str  # six digits
    to_region: str  # six digits; a store may write to itself
    body: dict[str, Any]
    trace: str  # of the request that made it
    created_at: str


class Handler(Protocol):
    """Who handles the messages of a topic. All of it is done on the store's own connection, within
    one transaction, and holds for SQLite and PostgreSQL.
    """

    @property
    def topic(self) -> str:
        """The topic: `transfer.offer`."""

    def concerns(self, message: Message) -> Mapping[str, Sequence[int]]:
        """Ids of the records it is about, by kind (`{"person": [...]}`): for the access log."""

    def gather(self, connection: Connection, store: Store, message: Message) -> Any:
        """What goes along, read in the sender's store; None where nothing does.

        Private values are in clear in memory only. A parcel is gathered anew for each try.
        """

    def ids(self, message: Message, parcel: Any) -> int:
        """How many ids of records `deliver` wants of the receiver's store."""

    def deliver(
        self,
        connection: Connection,
        store: Store,
        message: Message,
        parcel: Any,
        first_id: int,
        at: str,
    ) -> dict[str, Any]:
        """Does in the receiver's store what the message says; returns the reply (JSON, nothing
        private). `first_id` is the first of `ids`, `at` this instant.

        Called once for a message that takes effect. A named refusal is a reply; what is raised
        undoes this message alone, which is tried again later, before any other of its subject. May
        `put` messages of its own, as what is decided later travels.
        """

    def settle(
        self, connection: Connection, store: Store, message: Message, reply: dict[str, Any], at: str
    ) -> None:
        """Takes the reply home, in the transaction that marks the message answered."""


@runtime_checkable
class BulkHandler(Handler, Protocol):
    """A handler that takes many messages of its topic at once, each of another subject: some
    statements for all of them, in place of some for each. The pump asks it for nothing else, and
    with fewer messages where one of them makes the transaction fail.
    """

    def gather_all(
        self, connection: Connection, store: Store, messages: Sequence[Message]
    ) -> Mapping[str, Any]:
        """The parcels by the messages' ids, as `gather`."""

    def deliver_all(
        self,
        connection: Connection,
        store: Store,
        given: Sequence[tuple[Message, Any, int]],
        at: str,
    ) -> Mapping[str, dict[str, Any]]:
        """The replies by the messages' ids, as `deliver`: of messages, their parcels and the first
        of each one's ids.
        """

    def settle_all(
        self,
        connection: Connection,
        store: Store,
        given: Sequence[tuple[Message, dict[str, Any]]],
        at: str,
    ) -> None:
        """Takes the replies home, as `settle`."""


@runtime_checkable
class HeavyHandler(Handler, Protocol):
    """A handler whose parcels are large: of its topic a batch has `most` messages at most."""

    @property
    def most(self) -> int:
        """How many parcels are in memory at once."""


@runtime_checkable
class CustodyHandler(Handler, Protocol):
    """A handler whose messages are of custody: a store that was put back from an older backup does
    not know what it would say to them. They wait until it is mended.
    """

    @property
    def of_custody(self) -> bool:
        """True."""


def put(
    connection: Connection,
    store: Store,
    *,
    topic: str,
    subject: str,
    to_region: str,
    body: Mapping[str, Any],
    trace: str,
    at: str,
    step: str = "",
) -> str:
    """Puts a message into the outbox of a store, in its transaction; returns the message's id.

    The id is `<topic>:<subject>`, with `:<step>` where a subject has several of a topic. The same
    message again is the same: nothing is done. Messages of a subject to one region are delivered in
    the order in which they were put. Raises PostConflict where the id has another content already,
    ValueError where the body has a private item.
    """
    letter = Letter(topic, subject, to_region, body, trace, step)
    return put_all(connection, store, [letter], at)[0]


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to be put, as the parameters of `put`."""

    topic: str
    subject: str
    to_region: str
    body: Mapping[str, Any]
    trace: str
    step: str = ""

    @property
    def id(self) -> str:
        """The id of the message."""
        return f"{self.topic}:{self.subject}" + (f":{self.step}" if self.step else "")


def put_all(connection: Connection, store: Store, letters: Sequence[Letter], at: str) -> list[str]:
    """Puts messages, in this order, as `put` does, in some statements for all; returns their ids.

    No two have the same id.
    """
    rows = []
    for one in letters:
        check_body(one.body)
        said = orjson.dumps(dict(one.body), option=orjson.OPT_SORT_KEYS)
        rows.append(
            {
                "id": one.id,
                "topic": one.topic,
                "subject": one.subject,
                "to_region": one.to_region,
                "body": said.decode(),
                "hash": hash_of(said),
                "trace": one.trace,
                "created_at": at,
            }
        )
    if connection.dialect.name != "sqlite":
        # A counter in a row would be locked to the end of every transaction that puts something:
        # the sequence locks nothing, and only messages of one subject wait for each other.
        subjects = {f"{one.to_region}/{one.subject}" for one in letters}
        _SUBJECT_LOCKS.run(connection, subjects=_array(subjects))
    if _PUT.run_all(connection, rows) < len(rows):
        ids = _array(row["id"] for row in rows)
        kept = {row.id: row for row in _KEPT.run(connection, ids=ids)}
        for row in rows:
            before = kept[row["id"]]
            if (before.hash, before.to_region) != (row["hash"], row["to_region"]):
                raise PostConflict(
                    f"the message {row['id']} was written before, with another content",
                    hint="use another id, or the same content",
                    store=store.settings.code,
                )
    return [row["id"] for row in rows]


def _array(texts: Iterable[str]) -> str:
    return orjson.dumps(sorted(texts)).decode()


_KEPT = Prepared(
    select(post_outbox.c.id, post_outbox.c.hash, post_outbox.c.to_region).where(
        among_texts(post_outbox.c.id, bindparam("ids"))
    )
)


def _putting(dialect: str) -> Any:
    """The statement that puts a message, unless there is one of its id."""
    seq: Any = post_order.next_value()
    if dialect == "sqlite":
        seq = select(func.coalesce(func.max(post_outbox.c.seq), 0) + 1).scalar_subquery()
    names = ("id", "topic", "subject", "to_region", "body", "hash", "trace", "created_at")
    given: dict[str, Any] = {name: bindparam(name) for name in names}
    builder: Any = sqlite if dialect == "sqlite" else postgresql
    return builder.insert(post_outbox).values(seq=seq, attempts=0, **given).on_conflict_do_nothing()


_PUT = Prepared(_putting)

# In one order, so that two who put about the same subjects do not wait for each other.
_SUBJECT_LOCKS = Prepared(
    text(
        "SELECT pg_advisory_xact_lock(hashtextextended(one, 20260728)) FROM (SELECT value AS one "
        "FROM json_array_elements_text(CAST(:subjects AS json)) ORDER BY 1) AS wanted"
    )
)


def hash_of(body: bytes) -> str:
    """The hash by which a message is known again: SHA-256 of its body as canonical JSON."""
    return sha256(body).hexdigest()


def check_body(value: Any) -> None:
    """Raises ValueError where anything is named like a private item of a person's records."""
    if isinstance(value, Mapping):
        if not _PRIVATE.isdisjoint(value):
            named = ", ".join(sorted(_PRIVATE.intersection(value)))
            raise ValueError(f"a message holds no private item: {named}")
        value = value.values()
    elif not isinstance(value, list | tuple):
        return
    for one in value:
        if not isinstance(one, _PLAIN):
            check_body(one)
