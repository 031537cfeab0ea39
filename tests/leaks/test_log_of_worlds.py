"""What the log and its alarms tell is the same in worlds that differ in hidden values alone.

An auditor sees who asked what, by which right, of which records: never a value. Commitments are
made of kinds and numbers of records under a key both worlds share: equal, and compared as they are.
What is left out is of the moment alone: an entry's number, instant, request and trace, and with
them every hash, since leaves, roots, proofs and signatures are over those.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.leaks.documents import asked
from tests.leaks.test_non_interference import EXAMPLES, KNOWN, PHASES, WHO
from tests.leaks.worlds import CLEAR, OTHERS, World

pytestmark = pytest.mark.no_cover  # hundreds of questions through the lines of other tests

READERS = [*OTHERS, *CLEAR, "national", None]
"""Two who may read the log, and others who may not."""

ENTRIES = """query($filter: AccessLogFilter) {
accessLog(first: 40, filter: $filter) { edges { node {
  number account role unitId code region address session module operation purpose result count
  records { kind count ids } wrote { kind count ids } clear clearItems masked
  reasons { right grant records { kind count ids } } regions { code state } problems
} } } }"""
CHECKPOINT = "{ accessLogCheckpoint { size } }"
PROOFS = """query($index: Int!, $size: Int!) {
  accessLogProof(index: $index, size: $size) { index size hashes }
  accessLogConsistency(from: $index, to: $size) { from to hashes }
}"""
ALARMS = """{ alarms(first: 100, filter: { rule: [MANY_REFUSALS], account: "county" }) {
  edges { node { rule account address region unitId code threshold } } } }"""
_UNSETTLED = ("count", "records", "clear", "clearItems", "masked", "reasons", "regions")

_FILTERS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {},
        optional={
            "account": st.sampled_from(["national", "reporter", "clear"]),
            "person": st.sampled_from([one for one in KNOWN["ID"] if one.startswith("person")]),
            "region": st.just(["3201"]),
            "item": st.sampled_from([["NAME"], ["PHONE", "ID_NUMBER"]]),
            "decision": st.sampled_from(["CLEAR", "MASKED", "REFUSED"]),
            "result": st.sampled_from([["OK"], ["PARTIAL"], ["FORBIDDEN"]]),
        },
    ),
)


def size(world: World) -> int:
    found: int = world.ask(CHECKPOINT, who="auditor").data["accessLogCheckpoint"]["size"]
    return found


def told(world: World, wanted: Any, who: str | None, behind: int) -> Any:
    """What a viewer is told of the questions behind an entry, without what is of the moment."""
    response = world.ask(ENTRIES, {"filter": wanted}, who=who)
    said = orjson.loads(response.body)
    if said.get("errors"):
        return response.status, said
    nodes = [one["node"] for one in said["data"]["accessLog"]["edges"]]
    found = [one for one in nodes if one["module"] == "graphql" and one.pop("number") > behind]
    for one in found:
        if one["result"] not in ("OK", "PARTIAL") or "chain" in one["operation"]:
            # As in test_non_interference: where the others were when one failed, or a chain shared.
            for name in _UNSETTLED:
                del one[name]
    return [ordered(one) for one in found]


def ordered(value: Any) -> Any:
    """Lists in order: records are noted in the order their regions answer."""
    if isinstance(value, dict):
        return {name: ordered(one) for name, one in value.items()}
    if isinstance(value, list):
        return sorted((ordered(one) for one in value), key=str)
    return value


@given(
    data=st.data(),
    who=st.sampled_from([*WHO, *CLEAR]),
    reader=st.sampled_from(READERS),
    wanted=_FILTERS,
)
@settings(max_examples=EXAMPLES // 5, phases=PHASES)
def test_the_log_tells_of_both_worlds_the_same(
    pair: tuple[World, World], data: st.DataObject, who: str | None, reader: str | None, wanted: Any
) -> None:
    made = data.draw(asked(KNOWN))
    found = []
    for world in pair:
        behind = size(world)
        # Whoever sees in clear gets other values; that they were seen is the same in the log.
        world.ask(made.text, made.variables, who=who, operationName=made.name)
        found.append(told(world, wanted, reader, behind))
    assert found[0] == found[1], (made, who, reader, wanted)


def test_it_does_tell_of_what_was_asked(pair: tuple[World, World]) -> None:
    """Lest two empty lists were compared."""
    for world in pair:
        behind = size(world)
        world.ask("{ contacts(first: 3) { edges { node { id name } } } }", who="clear")
        (entry, *_) = told(world, {"account": "clear"}, "auditor", behind)
        assert (entry["operation"], entry["clear"]) == ("query contacts", ["Contact.name"])
        assert entry["count"] == 3


def test_proofs_have_the_same_shape(pair: tuple[World, World]) -> None:
    least = min(map(size, pair))
    for index in (0, 1, least // 3, least - 1):
        shapes = []
        for world in pair:
            found = world.ask(PROOFS, {"index": index, "size": least}, who="auditor").data
            shapes.append(
                {name: {**one, "hashes": len(one["hashes"])} for name, one in found.items()}
            )
        assert shapes[0] == shapes[1]
    for who in ("national", None):
        first, other = (world.ask(PROOFS, {"index": 0, "size": 1}, who=who) for world in pair)
        assert first == other
        assert first.codes


def test_alarms_are_raised_of_both_alike(pair: tuple[World, World]) -> None:
    for world in pair:
        for _ in range(40):
            assert world.ask("{ alarms { totalCount } }", who="county").codes == ["FORBIDDEN"]
    seen = []
    for world in pair:
        for reader in OTHERS:
            until(lambda world=world, reader=reader: bool(alarms(world, reader)))  # type: ignore[misc]  # a default binds the loop's variable
        seen.append([alarms(world, reader) for reader in OTHERS])
    assert seen[0] == seen[1]


def alarms(world: World, who: str) -> list[Any]:
    found = world.ask(ALARMS, who=who).data["alarms"]["edges"]
    return sorted({str(one["node"]) for one in found})


def until(found: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not found():
        assert time.monotonic() < end
        time.sleep(0.1)
