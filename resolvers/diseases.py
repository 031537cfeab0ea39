"""The diseases that are known: those of the law, and those that line lists brought along.

A mapping may name a disease of its own; it stands in the store it was loaded into. What the stores
have is read at the start, when somebody asks for the list, and before a key is called unknown.
"""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Iterable, Sequence

from sqlalchemy import select

from regions.errors import InvalidInput
from regions.reading import Answer, Read
from regions.reference import diseases as table
from regions.statements import Statement
from resolvers.federation import Federation
from resolvers.questions.question import Question
from resolvers.reference import DiseaseRow, Reference

__all__ = ["learn_diseases", "require_diseases"]


async def learn_diseases(
    federation: Federation,
    reference: Reference,
    ask: Callable[[Sequence[Read]], Awaitable[list[Answer]]],
) -> bool:
    """Reads the diseases of every region's store; whether all regions answered. `ask` asks them:
    a question's own, or the federation's.
    """
    columns = (
        table.c.key,
        table.c.name_zh,
        table.c.name_en,
        table.c.law_class,
        table.c.alert_method,
        table.c.icd10,
    )
    reads = []
    for region in federation.everyone:
        statement = Statement(select(*columns), federation.dialects[region])
        reads.append(Read(region, statement.sql, statement.bind({})))
    answers = await ask(reads)
    for answer in answers:
        reference.learn(DiseaseRow(*row) for row in answer.rows)
    return all(answer.failure is None for answer in answers)


async def require_diseases(question: Question, keys: Iterable[str], argument: str) -> None:
    """Raises InvalidInput where a key is of no disease that any region knows.

    While a region is away nobody can say so, and the key is let pass.
    """
    reference = question.answering.reference
    unknown = [key for key in keys if not reference.knows(key)]
    if not unknown or not await learn_diseases(question.federation, reference, question.ask):
        return
    for key in unknown:
        if not reference.knows(key):
            close = difflib.get_close_matches(key, reference.disease_keys(), 1)
            raise InvalidInput(
                "no disease has one of the keys given",
                argument=argument,
                hint=f"perhaps {close[0]}?" if close else "the field diseases lists them",
            )
