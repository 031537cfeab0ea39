"""Counting a list beside reading a page of it, over regions."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, FromClause, func, select

from regions.reading import Answer, Read
from regions.statements import Statement
from resolvers.federation import Report
from resolvers.questions.question import Question

__all__ = ["ask_and_count", "count_of"]


def count_of(rows: FromClause, where: Sequence[ColumnElement[bool]], dialect: str) -> Statement:
    """The statement that counts rows of a table, or of several joined."""
    return Statement(select(func.count()).select_from(rows).where(*where), dialect)


async def ask_and_count(
    question: Question, report: Report, reads: Sequence[Read], counts: Sequence[Read], as_of: str
) -> tuple[list[tuple[Read, Answer]], int]:
    """The reads of a page with their answers, and the sum of the counts (`count_of`).

    A region of which one statement failed has neither rows nor a count: it is not half there.
    """
    every = [*reads, *counts]
    answers = await question.ask(every) if every else []
    for read, answer in zip(every, answers, strict=True):
        report.add(read.region, answer, as_of)
    whole = []
    for read, answer in zip(every, answers, strict=True):
        outcome = report.at(read.region)
        if outcome.state == "ANSWERED":
            outcome.records = 0  # whoever makes the page counts those that stand on it
            whole.append((read, answer))
    asked = {id(read) for read in counts}
    return (
        [(read, answer) for read, answer in whole if id(read) not in asked],
        sum(answer.rows[0][0] for read, answer in whole if id(read) in asked),
    )
