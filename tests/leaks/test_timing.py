"""Time: what is asked of the stores does not depend on what an answer hides (34).

Statement for statement, and value for value where a value can be hidden: that is what the time of
an answer comes from. `python -m bench timing` measures the rest.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, event

from regions.cases import cases
from regions.contacts import contacts
from regions.file_writing import FileWriter
from regions.people import people
from regions.reading import Readers
from regions.reads import Answer, Read
from resolvers.central import Central
from tests.leaks.worlds import MASKED, Response, World
from tests.records import Population

Step = tuple[Any, ...]

_STEPS: ContextVar[list[Step] | None] = ContextVar("steps", default=None)
"""What is asked of the stores for a question. A duty of the background has none."""


@pytest.fixture(autouse=True)
def _noting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notes reads of regions with their values, and statements on the gateway's own store."""
    ask, write, do = Readers.ask, FileWriter.do, Central.do

    async def asking(self: Readers, reads: Sequence[Read], *how: Any) -> list[Answer]:
        steps = _STEPS.get()
        if steps is not None:
            steps += [("region", one.region, one.sql, repr(one.parameters)) for one in reads]
        return await ask(self, reads, *how)

    def traced(work: Callable[[sqlite3.Connection], Any], steps: list[Step]) -> Any:
        def run(store: sqlite3.Connection) -> Any:
            store.set_trace_callback(lambda text: steps.append(("own", _bare(text))))
            try:
                return work(store)
            finally:
                store.set_trace_callback(None)

        return run

    async def writing(self: FileWriter, work: Any, look: Any) -> Any:
        steps = _STEPS.get()
        if steps is not None:
            work, look = traced(work, steps), traced(look, steps)
        return await write(self, work, look)

    async def doing(self: Central, work: Callable[[Connection], Any]) -> Any:
        steps = _STEPS.get()

        def noted(connection: Connection) -> Any:
            assert steps is not None

            @event.listens_for(connection, "before_cursor_execute")
            def _note(_: Any, __: Any, statement: str, *___: Any) -> None:
                steps.append(("own", statement))

            return work(connection)

        return await do(self, work if steps is None else noted)

    monkeypatch.setattr(Readers, "ask", asking)
    monkeypatch.setattr(FileWriter, "do", writing)
    monkeypatch.setattr(Central, "do", doing)


def _bare(text: str) -> str:
    """A statement without the values that were bound to it."""
    return re.sub(r"'(?:[^']|'')*'|\b\d+\b", "?", text)


def asked(
    world: World, who: str, text: str, variables: Any = None, *, values: bool = True
) -> tuple[Response, list[Step]]:
    """An answer and the steps to it; of reads the values too, unless told otherwise."""
    steps: list[Step] = []

    async def asking() -> Response:
        _STEPS.set(steps)
        return await world.asking(orjson.dumps({"query": text, "variables": variables}), who)

    answer: Response = world.run(asking())
    return answer, steps if values else [one[:3] for one in steps]


CHECK = "query($s:PersonSearch!){checkDuplicate(candidate:$s){exists complete}}"


def candidates(population: Population) -> Iterator[tuple[str, dict[str, str], dict[str, str]]]:
    """What can be searched by: for somebody on record, of each region, and for nobody."""
    for place, code in enumerate(population.rows):
        known = [population.items[("people", row["id"])] for row in population.rows[code][people]]
        one = next(p for p in known if p.get("phone") and p.get("name") and p.get("birth_date"))
        number = next((str(p["id_number"]) for p in known if p.get("id_number")), "")
        if number:
            yield code, {"idNumber": number}, {"idNumber": f"11010119111010{place:03}X"}
        yield code, {"phone": str(one["phone"])}, {"phone": f"1911010{place:04}"}
        named = {"name": str(one["name"]), "birthDate": str(one["birth_date"])}
        yield code, named, named | {"birthDate": f"1911-10-1{place}"}


@pytest.mark.parametrize("who", MASKED)
def test_leak_34_a_duplicate_check_asks_the_same_whatever_is_found(
    peopled: tuple[World, Population], who: str
) -> None:
    """Of every store, however many know the person; and counts what was tried the same."""
    world, population = peopled
    tried = []
    for region, known, nobody in candidates(population):
        if known in tried:  # somebody of several regions: counted once
            continue
        tried.append(known)
        there, hit = asked(world, who, CHECK, {"s": known}, values=False)
        absent, miss = asked(world, who, CHECK, {"s": nobody}, values=False)
        assert there.data["checkDuplicate"] == {"exists": True, "complete": True}, region
        assert absent.data["checkDuplicate"] == {"exists": False, "complete": True}, region
        assert hit == miss, region
        assert [one[1] for one in hit if one[0] == "region"] == [0, 1, 2, 3]
        assert any(one[0] == "own" for one in hit)
        assert len(there.body) == len(absent.body) - 1  # `true` and `false`
    assert len(tried) > 5


def hidden_and_missing(population: Population, table: Any, kind: str) -> Iterator[tuple[str, str]]:
    """Ids of records that a viewer of 320104 may not open, beside one that nobody has."""
    rows = [row for row in population.of(table) if row["code"] != "320104"]
    taken = {row["id"] for row in population.of(table)}
    places = {row["code"][:4]: row for row in rows}
    assert len(places) > 1
    for row in [*rows[:5], *places.values()]:
        missing = next(n for n in range(row["id"] + 1, row["id"] + 10_000) if n not in taken)
        yield f"{kind}:{row['id']}", f"{kind}:{missing}"


NODE = "query($i:ID!){node(id:$i){id ... on Contact{level name} ... on Case{name}}}"
NODES = "query($i:ID!){nodes(ids:[$i]){id ... on Contact{level name} ... on Person{name}}}"
CHAIN = "query($i:ID!){chain(root:$i){truncated nodes{__typename} links{kind}}}"
TABLES = [("contact", contacts), ("case", cases), ("person", people)]


@pytest.mark.parametrize("text", [NODE, NODES, CHAIN], ids=["node", "nodes", "chain"])
@pytest.mark.parametrize(("kind", "table"), TABLES, ids=[kind for kind, _ in TABLES])
def test_leak_34_a_hidden_record_is_looked_for_as_a_missing_one(
    peopled: tuple[World, Population], kind: str, table: Any, text: str
) -> None:
    world, population = peopled
    for hidden, missing in hidden_and_missing(population, table, kind):
        there, one = asked(world, "county", text, {"i": hidden}, values=False)
        absent, other = asked(world, "county", text, {"i": missing}, values=False)
        assert (there.status, there.body) == (absent.status, absent.body)
        assert one == other, (hidden, missing)
        assert one or (kind, text) == ("person", CHAIN)  # no chain starts at a person


def test_leak_34_the_first_statements_are_those_of_a_record_that_is_shown(
    peopled: tuple[World, Population],
) -> None:
    """What is found is read by the statement that looks for it; who sees it knows it is there."""
    world, population = peopled
    shown = next(row["id"] for row in population.of(contacts) if row["code"] == "320104")
    ((_, missing), *_) = hidden_and_missing(population, contacts, "contact")
    for text in (NODE, NODES, CHAIN):
        found, one = asked(world, "county", text, {"i": f"contact:{shown}"}, values=False)
        _, other = asked(world, "county", text, {"i": missing}, values=False)
        assert found.data
        same = [a == b for a, b in zip(one, other, strict=False)]
        assert same[0]
        if text != CHAIN:  # nothing more is asked for what is there
            assert all(same)
            assert len(one) <= len(other)


LISTS = [
    "{contacts(first:30){totalCount edges{node{id name phone person{name} sourceCase{name}}}}}",
    "{cases(first:30){totalCount edges{node{id name idNumber person{name birthDate}}}}}",
]


@pytest.mark.parametrize("who", MASKED)
def test_leak_34_what_is_masked_is_read_the_same_whatever_it_is(
    pair: tuple[World, World], who: str
) -> None:
    """Two gateways that differ in hidden values alone: null, short, long, known to several."""
    world, other = pair
    texts: list[tuple[str, Any]] = [(text, None) for text in LISTS]
    for kind, table in TABLES:
        for (number,) in world.rows("320100", f"SELECT id FROM {table.name} LIMIT 6"):
            texts += [(NODE, {"i": f"{kind}:{number}"}), (CHAIN, {"i": f"{kind}:{number}"})]
    asked_for = 0
    for text, variables in texts:
        # The links of a chain are read at once: what comes first is chance, in one gateway alone.
        at_once = text == CHAIN
        one, steps = asked(world, who, text, variables, values=not at_once)
        same, others = asked(other, who, text, variables, values=not at_once)
        assert (one.status, one.body) == (same.status, same.body)
        if at_once:
            steps, others = sorted(steps), sorted(others)
        assert steps == others, (text, variables)
        asked_for += len(steps)
    assert asked_for > 20


def test_leak_34_the_same_candidate_known_or_not(pair: tuple[World, World]) -> None:
    """Known to one of the gateways alone, the check asks both the same, value for value."""
    world, other = pair
    differ = 0
    for (number,) in world.rows("320100", "SELECT id FROM people LIMIT 12"):
        given = {"s": {"phone": f"1770000{number % 10_000:04}"}}  # as the other has them
        one, steps = asked(world, "national", CHECK, given)
        same, others = asked(other, "national", CHECK, given)
        assert steps == others
        differ += one.data["checkDuplicate"]["exists"] != same.data["checkDuplicate"]["exists"]
    assert differ > 1
