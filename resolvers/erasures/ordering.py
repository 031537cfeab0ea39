"""`requestErasure`, `confirmErasure` and `erasures`: two people, each with a fresh proof (F10).

The same function as the command line's does it. Only those whose jurisdiction has every region in
it may ask: a person is erased everywhere or nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import Connection, Row, select

from regions.erasures import erasures
from resolvers.context import Context
from resolvers.erasures.eraser import Eraser, Order
from resolvers.nodes import parse_id
from resolvers.privacy.rows import number_of, step_refused
from resolvers.proofs import PROOF_MISSING, has_fresh_proof
from resolvers.questions.plans import page_size
from resolvers.rights import require
from resolvers.users import Viewer
from resolvers.users.shared import needed, refusals
from resolvers.writing.central import CentralWriting
from resolvers.writing.refusing import Mistakes, forbidden, not_found
from schema.erasures import (
    ConfirmErasureInput,
    ConfirmErasurePayload,
    ErasedRegion,
    Erasure,
    ErasureState,
    LetterPlace,
    RequestErasureInput,
    RequestErasurePayload,
)

__all__ = ["confirm_erasure", "list_erasures", "request_erasure"]

_KIND = "erasure"
_MOST = 100  # records named in one request


async def request_erasure(
    context: Context, given: RequestErasureInput, _: str
) -> RequestErasurePayload:
    """Keeps an order; nothing is erased yet. Raises Refusal, RegionUnavailable.

    A request that is cut off between order and key leaves an order that nobody confirms.
    """
    viewer, eraser = context.signed_in(), _eraser(context)
    writing = CentralWriting(context, "requestErasure", given, account=viewer.account)
    mistakes = Mistakes()
    reason = needed(given.reason, mistakes, ["reason"])
    people, letters = _people(given, mistakes), _letters(given, mistakes)
    mistakes.stop()
    order: Order | None = None
    if not await _settled(context, writing):
        with refusals("people"):
            order = await eraser.ask(people, reason, viewer.account, letters)

    def work(_: Connection) -> dict[str, Any]:
        assert order is not None
        writing.wrote(_KIND, order.number)
        return {"erasure": order.number}

    kept, repeated = await writing.once(work)
    return RequestErasurePayload(
        erasure=await _read(context, viewer, kept["erasure"]),
        alike=_places(order.alike if order is not None else ()),
        repeated=repeated,
    )


async def confirm_erasure(
    context: Context, given: ConfirmErasureInput, _: str
) -> ConfirmErasurePayload:
    """Carries an order out that another asked for, or goes on with it where regions were away.

    Raises Refusal, StoreError, AccessLogError.
    """
    viewer, eraser = context.signed_in(), _eraser(context)
    writing = CentralWriting(context, "confirmErasure", given, account=viewer.account)
    number = number_of(_KIND, given.erasure)
    if number is None:
        raise not_found("erasure")
    order: Order | None = None
    if not await _settled(context, writing):
        with refusals("erasure"):
            order = await eraser.confirm(number, viewer.account)

    def work(_: Connection) -> dict[str, Any]:
        assert order is not None
        writing.wrote(_KIND, order.number)
        return {"envelopes": dict(order.envelopes), "away": list(order.away)}

    kept, repeated = await writing.once(work)
    return ConfirmErasurePayload(
        erasure=await _read(context, viewer, number),
        erased=[ErasedRegion(region=code, envelopes=n) for code, n in kept["envelopes"].items()],
        away=kept["away"],
        repeated=repeated,
    )


async def list_erasures(context: Context, unconfirmed: bool, first: int | None) -> list[Erasure]:
    """The orders there are, the newest first. Raises Forbidden."""
    viewer = context.signed_in()
    require(viewer, "erasures")
    if not _answers_for_all(context, viewer):
        return []
    query = select(erasures).order_by(erasures.c.id.desc())
    if unconfirmed:
        query = query.where(erasures.c.confirmed_at.is_(None))
    query = query.limit(page_size(context.answering, first))
    rows = await context.central.do(lambda connection: connection.execute(query).all())
    context.question.trail.saw(_KIND, [row.id for row in rows])
    return [_type(context, row) for row in rows]


async def _settled(context: Context, writing: CentralWriting) -> bool:
    """Whether the key has its result already; else whether the viewer may go on. Raises Refusal."""
    viewer = context.signed_in()
    if not _answers_for_all(context, viewer):
        raise forbidden(
            "a person is erased in every region: by security administrators whose jurisdiction "
            "has all of them in it",
            "删除个人信息须由管辖全部地区的安全管理员办理",
        )

    def look(connection: Connection) -> bool:
        if writing.is_repeated(connection):
            return True
        if not has_fresh_proof(connection, viewer, writing.moment.now):
            raise step_refused("PROOF_MISSING", PROOF_MISSING)
        return False

    return await context.central.do(look)


def _answers_for_all(context: Context, viewer: Viewer) -> bool:
    regions = context.answering.federation.regions
    return all(region.code.startswith(viewer.prefix) for region in regions)


def _eraser(context: Context) -> Eraser:
    found = context.central.eraser
    assert found is not None
    return found


def _places(found: Iterable[tuple[str, int]]) -> list[LetterPlace]:
    return [LetterPlace(number=number, position=position) for number, position in sorted(found)]


def _letters(given: RequestErasureInput, mistakes: Mistakes) -> list[tuple[str, int]]:
    if len(given.letters) > _MOST:
        text, text_zh = f"at most {_MOST} places in letters", f"协查函人员最多 {_MOST} 处"
        mistakes.add(["letters"], text, text_zh)
    return sorted({(one.number.strip(), one.position) for one in given.letters})


def _people(given: RequestErasureInput, mistakes: Mistakes) -> list[int]:
    least = 0 if given.letters else 1
    if not least <= len(given.people) <= _MOST:
        mistakes.add(
            ["people"], f"1 to {_MOST} records of the person", f"请填写该人员 1 至 {_MOST} 条记录"
        )
    found = []
    for place, one in enumerate(given.people):
        record, number = parse_id(one)
        if record is None or record.kind != "person":
            mistakes.add(["people", str(place)], "this is no id of a person", "不是人员编号")
        found.append(number)
    return found


async def _read(context: Context, viewer: Viewer, number: int) -> Erasure:
    def read(connection: Connection) -> Row[Any] | None:
        return connection.execute(select(erasures).where(erasures.c.id == number)).first()

    row = await context.central.do(read)
    if row is None:
        raise not_found("erasure")
    return _type(context, row)


def _type(context: Context, row: Row[Any]) -> Erasure:
    if row.done_at is not None:
        state = ErasureState.DONE
    else:
        state = ErasureState.ASKED if row.confirmed_at is None else ErasureState.CONFIRMED
    opened = context.central.sealer.open("erasures", row.id, row.sealed)
    letters = orjson.loads(str(opened.get("letters") or '{"people": [], "cases": []}'))
    return Erasure(
        id=f"{_KIND}:{row.id}",  # type: ignore[arg-type]  # scalars are text
        state=state,
        people=[f"person:{number}" for number in orjson.loads(row.people)],  # type: ignore[misc]  # scalars are text
        letters=_places(
            [*((root, 0) for root in letters["cases"]), *map(tuple, letters["people"])]
        ),
        reason=str(opened.get("reason") or ""),
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        confirmed_by=row.confirmed_by,
        confirmed_at=row.confirmed_at,
        done_at=row.done_at,
    )
