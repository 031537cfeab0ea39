"""`resendTransfer`: has what waits of a transfer delivered now. It can do no harm (D)."""

from __future__ import annotations

from sqlalchemy import select

from regions.reading import Read
from regions.statements import Statement, text_value
from regions.transfers import transfers
from resolvers.context import Context
from resolvers.transfers.reading import VIEWER_UNIT, visible
from resolvers.writing.central import CentralWriting
from resolvers.writing.refusing import not_found
from schema.post import ResendTransferInput, ResendTransferPayload

__all__ = ["resend_transfer"]


async def resend_transfer(
    context: Context, given: ResendTransferInput, path: str
) -> ResendTransferPayload:
    """Delivers what waits of a transfer that the viewer may see, from every side in sight, whatever
    failed before. Raises Refusal.
    """
    question = context.opens_records()
    writing = CentralWriting(context, "resendTransfer", given, account=question.viewer.account)
    transfer = str(given.transfer_id)
    federation = question.federation
    values = {VIEWER_UNIT: question.viewer.unit_id, "transfer": transfer}
    reads = []
    for region in federation.concerned([question.scope.prefix]):
        statement = Statement(
            select(transfers.c.side).where(
                transfers.c.id == text_value("transfer"), *visible(question, region)
            ),
            federation.dialects[region],
        )
        reads.append(Read(region, statement.sql, statement.bind(values)))
    sides = [
        federation.regions[read.region].code
        for read, answer in zip(reads, await question.ask(reads), strict=True)
        if answer.failure is None and answer.rows
    ]
    if not sides:
        raise not_found("transfer")
    question.trail.saw("transfer", [transfer])
    kept, repeated = await writing.once(lambda _: {"transfer": transfer})
    delivered = [await context.post.nudge(code, transfer, again=True) for code in sides]
    return ResendTransferPayload(
        transfer_id=kept["transfer"], delivered=all(delivered), repeated=repeated
    )
