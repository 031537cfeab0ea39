"""Several mutations of a kind in one transaction: their keys, their results and what the access log
is told of them, each in a statement for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, delete, text, update

from regions.access_log import log_outbox
from regions.idempotency import idempotency
from regions.statements import Prepared
from resolvers.writing.outbox import Telling, put_in_outbox, row_of
from resolvers.writing.stores import Store

__all__ = ["Mutation", "Several", "Step"]


@dataclass(frozen=True, slots=True, eq=False)
class Mutation:
    """A mutation on its way, as `Writing.once` has it, and what its step needs to know.

    `wrote` are ids of what was written, by kind; the step puts them there.
    """

    account: str
    key: str
    payload: str
    operation: str
    at: str
    telling: Telling | None
    wrote: dict[str, list[Any]]
    wants: Any


Step = Callable[
    [Connection, Store, Sequence[tuple[Mutation, int]]], Sequence[dict[str, Any] | None]
]
"""Takes a step for each of some mutations, from the first of its ids: what is kept with its key;
None where it has written nothing, and the mutation is to be done alone.
"""


class Several:
    """What `Store.carry_together` does for mutations of a kind: all that are new and that the step
    takes. The others are left as if they had not been asked.
    """

    def __init__(self, step: Step) -> None:
        self._step = step

    def __call__(
        self, connection: Connection, store: Store, given: Sequence[tuple[Mutation, int]]
    ) -> list[tuple[dict[str, Any], bool] | None]:
        """The outcomes as `Writing.once` has them: results, and that none was kept before."""
        new = _claim(connection, [one for one, _ in given])
        mine = [one for one in given if one[0] in new]
        results = self._step(connection, store, mine) if mine else ()
        done = {
            one: result
            for (one, _), result in zip(mine, results, strict=True)
            if result is not None
        }
        _give_back(connection, new - {*done})
        _settle(connection, done)
        put_in_outbox(
            connection,
            log_outbox,
            [
                row_of(
                    one.telling,
                    key=one.key,
                    account=one.account,
                    operation=f"mutation {one.operation}",
                    at=one.at,
                    wrote={kind: ids for kind, ids in one.wrote.items() if ids},
                )
                for one in done
                if one.telling is not None
            ],
        )
        return [(done[one], False) if one in done else None for one, _ in given]


def _claim(connection: Connection, given: Iterable[Mutation]) -> set[Mutation]:
    """Claims the keys of mutations; those whose keys nobody had claimed before.

    In the order of the keys, so that two who claim the same do not wait for each other.
    """
    wanted: dict[tuple[str, str], Mutation] = {}
    for one in given:
        wanted.setdefault((one.account, one.key), one)
    rows = [[*claim, one.operation, one.payload, one.at] for claim, one in sorted(wanted.items())]
    claimed = _CLAIM.run(connection, rows=orjson.dumps(rows).decode()).all()
    return {wanted[account, key] for account, key in claimed}


def _claiming(dialect: str) -> Any:
    if dialect == "sqlite":
        parts = ", ".join(f"json_extract(value, '$[{number}]')" for number in range(4))
        at = "json_extract(value, '$[4]')"
        rows = "json_each(:rows) WHERE true ORDER BY key"
    else:
        parts = ", ".join(f"value ->> {number}" for number in range(4))
        at = "value ->> 4"
        given = "jsonb_array_elements(CAST(:rows AS jsonb)) WITH ORDINALITY AS given(value, place)"
        rows = f"{given} ORDER BY place"
    return text(
        "INSERT INTO idempotency (account, key, operation, payload_hash, result, created_at) "
        f"SELECT {parts}, '', {at} FROM {rows} ON CONFLICT DO NOTHING RETURNING account, key"
    )


_CLAIM = Prepared(_claiming)


def _give_back(connection: Connection, given: Iterable[Mutation]) -> None:
    """Claims of mutations that are done alone, after all."""
    _GIVE_BACK.run_all(connection, [{"who": one.account, "what": one.key} for one in given])


_GIVE_BACK = Prepared(
    delete(idempotency).where(
        idempotency.c.account == bindparam("who"), idempotency.c.key == bindparam("what")
    )
)


def _settle(connection: Connection, done: Mapping[Mutation, dict[str, Any]]) -> None:
    """Keeps results with the claimed keys."""
    _SETTLE.run_all(
        connection,
        [
            {"who": one.account, "what": one.key, "said": orjson.dumps(result).decode()}
            for one, result in done.items()
        ],
    )


_SETTLE = Prepared(
    update(idempotency)
    .where(idempotency.c.account == bindparam("who"), idempotency.c.key == bindparam("what"))
    .values(result=bindparam("said"))
)
