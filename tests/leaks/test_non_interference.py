"""Two sets of stores that differ in hidden values alone: nothing a masked viewer gets differs.

Bytes of the body, headers but the request's id, lines of the program's log, entries of the access
log. 500 questions, or 10,000 in the nightly profile (`HYPOTHESIS_PROFILE=nightly`).
"""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gateway.access_log import read_entries
from regions.instants import now
from regions.keys import Keys
from regions.tables import regional
from resolvers.catalog import RECORDS
from resolvers.root import make_schema
from tests.leaks.documents import SCHEMA, VARYING, Asked, Known, asked, broken, inputs, selections
from tests.leaks.worlds import MASKED, OTHERS, SIZES, Response, World, regions_of
from tests.records import make_population
from tests.resolvers.writing.making import (
    case_input,
    contact_row,
    contacts_input,
    correction,
    new_key,
    sample_input,
    visit_input,
)

pytestmark = pytest.mark.no_cover  # hundreds of questions through the lines of other tests

NIGHTLY = settings.get_current_profile_name() == "nightly"
EXAMPLES = 10_000 if NIGHTLY else 500
PHASES = (Phase.explicit, Phase.generate)  # what was asked before is part of a failure
WHO = [*MASKED, *OTHERS, None, "nonsense"]
# Alarms are of the log, which is compared; its sides and the post wait where a store is busy.
_IN_THEIR_OWN_TIME = ("gateway.alarms", "gateway.access_log.sides", "resolvers.post.pump")
_OF_THE_MOMENT = ("request", "at", "number", "trace")
_KEYS: Any = [bytes([number]) * 32 for number in (1, 2, 3, 4, 5)]
_POPULATION = make_population(SIZES, Keys(*_KEYS))
KNOWN = Known(
    ID=[
        f"{record.kind}:{row['id']}"
        for record in RECORDS.values()
        if record.name != "Unit"
        for row in _POPULATION.of(record.table)[::5]
    ],
    String=["1990-01-01", "person 0"],
    cursor=["x"],
)


class _Listening(logging.Handler):
    """The lines of the program's log, tracebacks and all."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if record.name not in _IN_THEIR_OWN_TIME:
            self.lines.append(self.format(record))


@contextmanager
def listening() -> Iterator[list[str]]:
    handler = _Listening()
    logging.getLogger().addHandler(handler)
    try:
        yield handler.lines
    finally:
        logging.getLogger().removeHandler(handler)


def told(world: World, count: int, text: str) -> list[dict[str, Any]]:
    """The last entries of the access log, without what is of the moment; the last is of `text`."""
    every = read_entries(world.config.log_store, limit=count + 8)
    found = [one for one in every if one["module"] == "graphql"][-count:]
    for one in found:
        if one["result"] not in ("OK", "PARTIAL") and not alone(one["operation"], text):
            # One root field failed and took the others with it, wherever they were at that moment:
            # what these had read by then is of the moment. With one root field nothing is.
            del one["what"]
    return [{k: settled(v) for k, v in one.items() if k not in _OF_THE_MOMENT} for one in found]


def alone(operation: str, text: str) -> bool:
    """Whether a question has one root field, which stands in it once; false of another question."""
    fields = operation.split()[1:]
    return len(fields) == 1 and len(re.findall(rf"\b{fields[0]}\b", text)) == 1


def settled(value: Any) -> Any:
    """The value with its lists in order: records are noted in the order their regions answer.

    Commitments of records stand in one text, 32 digits each.
    """
    if isinstance(value, dict):
        return {name: settled(one) for name, one in value.items()}
    if isinstance(value, str) and re.fullmatch(r"([0-9a-f]{32})+", value):
        return sorted({value[at : at + 32] for at in range(0, len(value), 32)})
    return sorted({str(one) for one in value}) if isinstance(value, list) else value


def timeless(answer: Response, since: str) -> Response:
    """The answer without instants of this moment: of records just written."""
    body = _INSTANT.sub(lambda m: b'"now"' if m[1] >= since.encode() else m[0], answer.body)
    return replace(answer, body=body)


def made_one(pair: tuple[World, World], since: str) -> None:
    """Makes the moment of what both wrote the same: cursors hold it."""
    for world in pair:
        for region in world.config.regions:
            assert region.path is not None
            # The gateway's own duties write there, too: we wait for them as it waits for us.
            with closing(sqlite3.connect(region.path, timeout=60)) as store, store:
                for column in _MOMENTS:
                    store.execute(
                        f"UPDATE {column.table.name} SET {column.name} = ? "
                        f"WHERE {column.name} BETWEEN ? AND ?",
                        (since, since, now()),
                    )


_INSTANT = re.compile(rb'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"')
_MOMENTS = [
    column
    for table in regional.sorted_tables
    for column in table.columns
    if column.name.endswith("_at")
]


def same(pair: tuple[World, World], made: Asked, who: str | None) -> Response:
    """The answer that both give, after everything about it was compared."""
    body = orjson.dumps(
        {"query": made.text, "variables": made.variables, "operationName": made.name}
    )
    answers, lines, since = [], [], now()
    for world in pair:
        with listening() as heard:
            answers.append(world.send(body, who))
        lines.append(heard)
    if made.text.startswith("mutation") and now() != since:
        answers = [timeless(answer, since) for answer in answers]
        made_one(pair, since)
    first, other = answers
    assert first == other, (made, who, since, now(), lines)
    assert lines[0] == lines[1], (made, who)
    assert told(pair[0], 2, made.text) == told(pair[1], 2, made.text), (made, who)
    found: Response = first
    return found


@pytest.fixture(scope="module", autouse=True)
def _cursors(pair: tuple[World, World]) -> None:
    """Places in the lists of both worlds, to be gone on from."""
    for name in ("contacts", "cases"):
        text = f"{{{name}(first:9){{edges{{cursor}}}}}}"
        page, _ = (world.ask(text).data[name] for world in pair)
        KNOWN["cursor"] += [edge["cursor"] for edge in page["edges"]][::3]


def test_the_worlds_do_differ(pair: tuple[World, World]) -> None:
    first, other = regions_of(pair)
    assert len(first) == len(other) > 20
    assert not set(first) & set(other)
    question = "{contacts(first:30){edges{node{id name age sex phone employer}}}}"
    one, another = (world.ask(question, who="clear").data for world in pair)
    nodes = list(zip(one["contacts"]["edges"], another["contacts"]["edges"], strict=True))
    assert all(a["node"]["id"] == b["node"]["id"] for a, b in nodes)
    assert all(a["node"] != b["node"] for a, b in nodes)
    lengths = [
        tuple(len(str(n["node"][f])) for f in ("name", "phone")) for pair in nodes for n in pair
    ]
    assert len(set(lengths)) > 10


def test_what_varies_is_in_the_schema() -> None:
    types: Any = make_schema()._schema.type_map
    for owner, field in VARYING:
        assert field in types[owner].fields


@given(data=st.data(), who=st.sampled_from(WHO))
@settings(max_examples=EXAMPLES, phases=PHASES)
def test_hidden_values_change_no_byte(
    pair: tuple[World, World], data: st.DataObject, who: str | None
) -> None:
    same(pair, data.draw(asked(KNOWN)), who)


_IDS: st.SearchStrategy[str] = st.sampled_from(
    [one for one in KNOWN["ID"] if one.startswith(("case", "contact"))]
)
_PEOPLE = st.sampled_from([one for one in KNOWN["ID"] if one.startswith("person")]) | _IDS
_PERSONS = st.sampled_from(
    [
        {"name": "某人", "birthDate": "1990-01-01"},
        {"name": "某人", "birthDate": "1991-01-01", "phone": "15500000000", "sex": "M"},
        {"idNumber": "110101190001010014", "employer": "x"},
    ]
)
_CHANGES = st.sampled_from(
    [
        ("name", "某人"),
        ("name", "*"),
        ("birthDate", "1990-01-01"),
        ("birthDate", "1966-03-31"),
        ("idNumber", "x-1"),
        ("sex", "F"),
        ("age", "36"),
        ("phone", "15500000000"),
        ("remarks", "某"),
        ("outcome", "RECOVERED"),
        ("level", "CLOSE"),
        ("residence", "*"),
    ]
)
MUTATIONS = ("registerCase", "registerContacts", "recordVisit", "recordSample", "correct")
MAKERS: dict[str, Any] = {
    "registerCase": lambda draw: case_input(person=draw(_PERSONS)),
    "registerContacts": lambda draw: contacts_input(contact_row(person=draw(_PERSONS))),
    "recordVisit": lambda draw: visit_input(draw(_IDS), remarks="某"),
    "recordSample": lambda draw: sample_input(draw(_IDS)),
    "correct": lambda draw: correction(
        draw(_PEOPLE),
        *draw(st.lists(_CHANGES, min_size=1, max_size=3, unique_by=lambda one: one[0])),
    ),
}
_WRITERS = [name for name in WHO if name in MASKED]


@given(data=st.data(), who=st.sampled_from(_WRITERS))
@settings(max_examples=EXAMPLES // 4, phases=PHASES)
def test_hidden_values_change_no_byte_of_a_mutation(
    writing_pair: tuple[World, World], data: st.DataObject, who: str
) -> None:
    """Each is followed by a question of what it left."""
    name = data.draw(st.sampled_from(MUTATIONS))
    assert SCHEMA.mutation_type is not None
    argument = SCHEMA.mutation_type.fields[name].args["input"]
    if data.draw(st.integers(0, 3)):
        given_input = MAKERS[name](data.draw)
    else:
        given_input = data.draw(inputs(argument.type, KNOWN, 3))
        given_input = dict(given_input or {}, idempotencyKey=new_key())
    result = SCHEMA.mutation_type.fields[name].type.of_type
    below = data.draw(selections(result, KNOWN, 3))
    text = f"mutation($input:{argument.type}){{{name}(input:$input){below}}}"
    then = data.draw(asked(KNOWN)), data.draw(st.sampled_from(_WRITERS))
    same(writing_pair, Asked(text, {"input": given_input}), who)
    same(writing_pair, *then)
    for one in AFTERWARDS:
        same(writing_pair, one, "national")


AFTERWARDS = [
    Asked(f"{{checkDuplicate(candidate:{candidate}){{exists complete}}}}")
    for candidate in (
        '{name:"某人",birthDate:"1990-01-01"}',
        '{name:"某人",birthDate:"1966-03-31"}',
        '{name:"某人",birthDate:"1911-04-01"}',
        '{phone:"15500000000"}',
        '{idNumber:"x-1"}',
    )
] + [Asked("{contacts(first:30){edges{node{person{elsewhere{id}}}}}}")]


@given(made=broken(KNOWN), who=st.sampled_from(WHO))
@settings(max_examples=EXAMPLES // 5, phases=PHASES)
def test_hidden_values_change_no_byte_of_a_refusal(
    pair: tuple[World, World], made: Asked, who: str | None
) -> None:
    same(pair, made, who)
