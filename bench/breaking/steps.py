"""The three transactions of a message, as the pump does them.

They are functions of this module so that a run can be given a broken one (`mutants`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import Connection, delete, select

from bench.breaking.history import History
from bench.breaking.world import AT, Killed, World
from regions.access_log import log_outbox
from regions.fencing import require_whole
from regions.ids import take_ids
from resolvers.access_log import Commitments
from resolvers.post import boxes
from resolvers.post.messages import BulkHandler, Message
from resolvers.transfers.delivering import TRANSFER_HANDLERS
from resolvers.writing.outbox import Telling, put_in_outbox, row_of

__all__ = ["deliver", "gather", "settle"]

Do = Callable[[str, Callable[[Connection], Any]], Any]

_HANDLERS: dict[str, Any] = {one.topic: one for one in TRANSFER_HANDLERS}
_numbers = itertools.count()
_COMMITMENTS = Commitments(bytes(32))


def gather(world: World, do: Do, message: Message) -> Any:
    """What goes along, from the sender's store."""
    handler, store = _HANDLERS[message.topic], world.stores[message.from_region]

    def work(connection: Connection) -> Any:
        if isinstance(handler, BulkHandler):
            return handler.gather_all(connection, store, [message])[message.id]
        return handler.gather(connection, store, message)

    return do(message.from_region, work)


def deliver(
    world: World, do: Do, history: History, message: Message, parcel: Any
) -> dict[str, Any]:
    """What the receiver says: now, or when it came before. The row for the access log is written in
    the same transaction, and taken away when the entry is made. Raises StoreRestored where the
    receiver is behind a fence.
    """
    handler, store = _HANDLERS[message.topic], world.stores[message.to_region]
    request = f"post-{next(_numbers)}"

    def work(connection: Connection) -> tuple[bool, dict[str, Any]]:
        require_whole(connection, message.to_region)
        claimed = boxes.claim(connection, [message], AT)
        if message.id in claimed.other:
            raise Killed  # it stays where it is, and is an alarm
        if message.id not in claimed.new:
            return False, claimed.kept[message.id]
        first = take_ids(connection, message.to_region, handler.ids(message, parcel) or 1)
        if isinstance(handler, BulkHandler):
            given = [(message, parcel, first)]
            said = handler.deliver_all(connection, store, given, AT)[message.id]
        else:
            said = handler.deliver(connection, store, message, parcel, first, AT)
        boxes.reply(connection, message.from_region, {message.id: said})
        row = row_of(
            Telling("simulation", request, message.trace, _COMMITMENTS, 0),
            key=f"{message.id}/{message.from_region}",
            account="",
            operation=f"post {message.topic}",
            at=AT,
            wrote=handler.concerns(message),
        )
        put_in_outbox(connection, log_outbox, [row])
        return True, said

    new, said = do(message.to_region, work)
    if new:
        enter(history, message)
        row = log_outbox.c.request == request
        do(message.to_region, lambda connection: connection.execute(delete(log_outbox).where(row)))
    return dict(said)


def enter(history: History, message: Message) -> None:
    """The entry of a delivery."""
    name = sha256(f"{message.from_region}/{message.id}".encode()).hexdigest()[:32]
    regions = dict.fromkeys((message.from_region, message.to_region), "ANSWERED")
    history.log.append({"what": {"messages": [{"message": name}], "regions": regions}})


def recovered(world: World) -> list[dict[str, Any]]:
    """The entries made of rows that a process left behind."""
    found = []
    for region in world.files:
        rows = world.do(
            region, lambda connection: connection.execute(select(log_outbox)).mappings().all()
        )
        for row in rows:
            sender = row["id"].rpartition("/")[2]
            wrote = orjson.loads(row["wrote"])
            regions = dict.fromkeys((sender, region), "ANSWERED")
            found.append({"recovered": row["at"], "what": {"regions": regions, "wrote": wrote}})
    return found


def settle(world: World, do: Do, message: Message, reply: dict[str, Any]) -> None:
    """Takes the reply home, once."""
    handler, store = _HANDLERS[message.topic], world.stores[message.from_region]

    def work(connection: Connection) -> None:
        if message.id in boxes.unanswered(connection, [message.id]):
            if isinstance(handler, BulkHandler):
                handler.settle_all(connection, store, [(message, reply)], AT)
            else:
                handler.settle(connection, store, message, reply, AT)
            boxes.answer(connection, {message.id: reply}, AT)

    do(message.from_region, work)
