"""Plans give the answers of the ordinary executor, to whomever, and to whatever is asked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from resolvers.users import Role, Viewer
from tests.answering import NATIONAL, Gateway, grant, viewer
from tests.resolvers.operations import Operation, operations

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


@pytest.mark.parametrize("who", VIEWERS.values(), ids=VIEWERS)
@settings(max_examples=25)
@given(operation=operations())
def test_a_plan_answers_like_the_ordinary_way(
    gateway: Gateway, who: Viewer, operation: Operation
) -> None:
    gateway.both(operation.text, who, operation.variables)
    later = dict(operation.variables)
    for given_ in operation.lists.values():
        later[given_["after"][1:]] = _place(gateway, who, given_)
    gateway.both(operation.text, who, later)
