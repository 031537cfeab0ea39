"""Turns of the loop: a question that is deep lets others be answered."""

from __future__ import annotations

import asyncio
from itertools import groupby
from typing import Any

import pytest

from resolvers.questions import ordinary
from resolvers.questions.turns import Turns
from tests.answering import NATIONAL, Gateway

_DEEP = """{ me { code } cases { edges { node { id contacts { id sourceCase { id contacts { id
    sourceCase { id contacts { id sourceCase { id } } } } } } } } } }"""


async def _counting(turns: list[str]) -> None:
    while True:
        await asyncio.sleep(0)
        turns.append("turn")


def test_so_much_is_done_in_a_turn_and_the_rest_in_order() -> None:
    async def main() -> None:
        turns = Turns(10)

        async def work(number: int) -> None:
            await turns.take(1)
            done.append(str(number))

        counting = asyncio.create_task(_counting(done))
        await asyncio.gather(*(work(number) for number in range(1_000)))
        await turns.take(10_000)  # more than a turn has room for, and done all the same
        counting.cancel()

    done: list[str] = []
    asyncio.run(main())
    assert [one for one in done if one != "turn"] == [str(number) for number in range(1_000)]
    assert _most_together(done) == 10


def _most_together(done: list[str]) -> int:
    return max(len(list(group)) for kind, group in groupby(done, "turn".__eq__) if not kind)


def test_a_deep_question_takes_turns(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    show = ordinary.Records.show

    def watched(records: ordinary.Records, record: Any, *more: Any) -> None:
        done.append(record.id)
        show(records, record, *more)

    async def main() -> None:
        counting = asyncio.create_task(_counting(done))
        await gateway.asking(_DEEP, NATIONAL)
        counting.cancel()

    monkeypatch.setattr(ordinary.Records, "show", watched)
    found = {}
    for most in (10, 10_000):
        monkeypatch.setattr(ordinary, "RECORDS_A_TURN", most)
        done.clear()
        gateway.run(main())
        found[most] = _most_together(done)
    longest = 24  # of a list: the contacts there are
    assert found[10] <= 10 + longest
    assert found[10_000] > 100  # which is what it would be
