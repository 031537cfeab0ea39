"""What the messages of transfers and their replies say, read and written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy.dialects import postgresql, sqlite

from regions.statements import Prepared
from regions.transfers import transfers
from resolvers.post.messages import Message
from resolvers.transfers.states import Step, Word

__all__ = [
    "KEEP_TRANSFER",
    "epochs_of",
    "people_of",
    "reply_of",
    "transfer_of",
    "words_of",
]

_META = ("offerHash", "fromUnit", "toUnit", "why", "plannedAt", "departedAt", "account")


def epochs_of(given: Mapping[str, int]) -> dict[int, int]:
    """The epoch of each person."""
    return {int(person): epoch for person, epoch in given.items()}


def people_of(message: Message) -> list[int]:
    """The people a message is about."""
    body = message.body
    named = (body[name] for name in ("people", "accepted", "refused") if name in body)
    return sorted({int(person) for people in named for person in people})


def reply_of(steps: Mapping[int, Step]) -> dict[str, Any]:
    """The reply: a word and an epoch for each person."""
    return {
        "people": {
            str(person): [step.word.name, step.epoch]
            for person, step in steps.items()
            if step.word is not None
        }
    }


def words_of(reply: Mapping[str, Any]) -> dict[int, tuple[Word, int]]:
    """What a reply says of each person."""
    return {int(person): (Word[word], epoch) for person, (word, epoch) in reply["people"].items()}


def transfer_of(message: Message, code: str, at: str) -> dict[str, Any]:
    """The receiver's row of the transfer that an offer or a commit tells of. `code` is the county
    there.
    """
    hashed, from_unit, to_unit, why, planned, departed, account = (
        message.body[name] for name in _META
    )
    return {
        "id": message.body["transfer"],
        "side": "RECEIVED",
        "from_region": message.from_region,
        "to_region": message.to_region,
        "from_unit": from_unit,
        "to_unit": to_unit,
        "reason": why,
        "planned_at": planned,
        "departed_at": departed,
        "state": "OFFERED",
        "offer_hash": hashed,
        "created_at": at,
        "updated_at": at,
        "reporter": account,
        "reporter_unit": from_unit,
        "code": code,
    }


def _keeping(dialect: str) -> Any:
    builder: Any = sqlite if dialect == "sqlite" else postgresql
    names = [column.name for column in transfers.columns if column.name != "arrived_at"]
    made = builder.insert(transfers).values({one: bindparam(one) for one in names})
    return made.on_conflict_do_nothing()


KEEP_TRANSFER = Prepared(_keeping)
"""Writes what `transfer_of` gives, unless the record is there."""
