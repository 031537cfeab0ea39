"""Where anything is shared with the viewer's unit: asked before any record is read by a share, so
that whoever holds none is asked for by statements that name nothing private.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Select, exists, literal_column, select

from regions.reading import Read
from regions.shares import shares
from regions.statements import Statement, text_value
from resolvers.federation import state_of
from resolvers.questions.question import Question
from resolvers.questions.views import SHARE_UNIT

__all__ = ["sharing_regions"]


async def sharing_regions(question: Question, regions: Sequence[int], path: str) -> set[int]:
    """Those of some regions where a person is shared with the viewer's unit now.

    One of the viewer's jurisdiction that does not answer is named as such. Any other is not:
    whoever has nothing shared there may not be told of it at all (leak channel 40).
    """
    within = question.federation.concerned([question.scope.prefix])
    values = {SHARE_UNIT: question.viewer.unit_id}
    reads = []
    for region in regions:
        statement = _any_share(question.federation.dialects[region])
        reads.append(Read(region, statement.sql, statement.bind(values)))
    found = set()
    for read, answer in zip(reads, await question.ask(reads) if reads else [], strict=True):
        if answer.failure is not None:
            if read.region not in within:
                continue
            failure = answer.failure
            question.region_failed(read.region, state_of(failure), str(failure), path)
        elif answer.rows[0][0]:
            found.add(read.region)
    return found


@cache
def _any_share(dialect: str) -> Statement:
    one: Select[Any] = select(literal_column("1")).where(
        shares.c.unit_id == text_value(SHARE_UNIT), shares.c.ended_at.is_(None)
    )
    return Statement(select(exists(one)), dialect)
