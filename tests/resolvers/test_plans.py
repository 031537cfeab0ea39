"""Plans give the answers of the ordinary executor, to whomever, and to whatever is asked."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings

from regions.settings import RegionSettings
from resolvers.users import Role, Viewer
from tests.answering import NATIONAL, Gateway, grant, viewer
from tests.resolvers.operations import Operation, operations

pytestmark = pytest.mark.no_cover  # hundreds of questions through the lines of other tests

VIEWERS = {
    "national": NATIONAL,
    "city": viewer("320100"),
    "county": viewer("320104"),
    "reporter": viewer(
        "320100", Role.DIRECT_REPORTER, account="doctor-1", unit="hospital-320104-1"
    ),
    "narrow grant": viewer(
        grants=[grant("320104", items=frozenset({"NAME", "AGE"}), types=frozenset({"CONTACT"}))]
    ),
    "overlapping grants": viewer(
        "320000",
        grants=[
            grant("320100", items=frozenset({"NAME", "PHONE"})),
            grant("320104", items=frozenset({"AGE", "WHEREABOUTS", "REMARKS"})),
            grant("320200"),
        ],
    ),
}


def _place(gateway: Gateway, who: Viewer, given: dict[str, Any]) -> str | None:
    """The cursor behind the second record of a list, by a question of its own."""
    record = {"contacts": "Contact", "cases": "Case"}[given["field"]]
    text = f"""query ($f: {record}Filter, $o: [{record}Order!]) {{
        {given["field"]}(filter: $f, orderBy: $o, first: 2) {{ pageInfo {{ endCursor }} }} }}"""
    asked = gateway.ask(text, who, {"f": given.get("filter"), "o": given.get("orderBy")})
    cursor: str | None = asked.data and asked.data[given["field"]]["pageInfo"]["endCursor"]
    return cursor


@pytest.mark.parametrize("below", ["__typename", "id @skip(if: true)", "id"])
def test_a_person_of_whom_nothing_is_read_is_logged_as_shown(gateway: Gateway, below: str) -> None:
    person = "person { " + below + " }"
    found = gateway.both("{ contacts(first: 3) { edges { node { " + person + " } } } }")
    assert len(found.told["records"]["person"]) == 3


@pytest.mark.parametrize("who", VIEWERS.values(), ids=VIEWERS)
@settings(max_examples=60)
@given(operation=operations())
def test_a_plan_answers_like_the_ordinary_way(
    gateway: Gateway, who: Viewer, operation: Operation
) -> None:
    gateway.both(operation.text, who, operation.variables)
    later = dict(operation.variables)
    for given_ in operation.lists.values():
        later[given_["after"][1:]] = _place(gateway, who, given_)
    gateway.both(operation.text, who, later)


_ASKED = (
    "{ contacts(first: 9) { edges { cursor node { id name phone person { name age } } } } }",
    "{ cases(first: 7) { totalCount edges { node { id remarks person { idNumber } } } } }",
    "{ contacts { edges { node { id sourceCase { id name } visits { remarks } } } } }",
    "{ me { account role } cases(first: 3) { edges { node { id name } } } }",
    '{ checkDuplicate(candidate: { phone: "13900000001" }) { exists } }',
)


@pytest.mark.parametrize("remember", [0, 1 << 20])
def test_leak_27_many_questions_at_once_get_their_own_answers(
    filled: Sequence[RegionSettings], make: Callable[..., Gateway], remember: int
) -> None:
    gateway = make(filled, remember=remember)
    expected = {
        (name, text): gateway.ask(text, who).body
        for name, who in VIEWERS.items()
        for text in _ASKED
    }

    async def work() -> None:
        asked = [(name, text, planning) for name, text in expected for planning in (True, False)]
        random.Random(1).shuffle(asked)
        answers = await asyncio.gather(
            *(gateway.asking(t, VIEWERS[n], planning=p) for n, t, p in asked for _ in range(3))
        )
        for number, answer in enumerate(answers):
            name, text, _ = asked[number // 3]
            assert answer.body == expected[(name, text)]

    gateway.run(work())
