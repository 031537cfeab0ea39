"""Hostile input: a clear error each time, never 500, never a hang, never what was sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolvers.rights import is_open
from tests.root_fields import input_type, input_values, root_fields
from tests.served import Demo, Gateway, serving

pytestmark = pytest.mark.no_cover  # thousands of requests through the lines of other tests

SECRET = "张伟-110101199001010014"

LIST = """query($f: ContactFilter, $o: [ContactOrder!], $n: Int, $a: String) {
  contacts(filter: $f, orderBy: $o, first: $n, after: $a) {
    totalCount edges { cursor node { id code } } pageInfo { hasNextPage } } }"""
NODES = "query($i:[ID!]!){nodes(ids:$i){id}}"


@pytest.fixture(scope="module")
def gateway(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A server of its own, that nothing may have failed in at the end."""
    with serving(demo.copied(tmp_path_factory.mktemp("hostile"))) as found:
        before = found.demo.count("contacts"), found.demo.count("cases")
        yield found
        assert (found.demo.count("contacts"), found.demo.count("cases")) == before
        assert found.data("{contacts(first:1){totalCount}}")["contacts"]["totalCount"] == before[0]
    assert not [line for line in found.said if "Traceback" in line], "".join(found.said)


def refused(response: httpx.Response, *codes: str) -> None:
    """A clear error without an echo."""
    held(response)
    found = response.json()
    assert found["errors"], found
    if codes:
        assert {error["extensions"]["code"] for error in found["errors"]} <= set(codes), found


def held(response: httpx.Response) -> None:
    """Whatever the answer is, it is one that may be."""
    assert response.status_code in (200, 400, 401, 413), response.text
    found = orjson.loads(response.content)
    for error in found.get("errors", ()):
        assert error["extensions"]["code"] not in ("INTERNAL", "REGION_UNAVAILABLE"), found
        assert set(error) <= {"message", "locations", "path", "extensions"}
        assert len(error["message"]) < 300
    assert SECRET not in json.dumps(found.get("errors"), ensure_ascii=False)


# Bodies --------------------------------------------------------------------------------------

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "a blank": b" ",
    "half": b'{"query":"{__typename}"',
    "two": b'{"query":"{__typename}"}{"query":"{__typename}"}',
    "text": SECRET.encode(),
    "a number": b"1",
    "null": b"null",
    "a string": b'"{__typename}"',
    "a batch": b'[{"query":"{__typename}"}]',
    "an empty batch": b"[]",
    "no query": b"{}",
    "a null query": b'{"query":null}',
    "a list of queries": b'{"query":["{__typename}"]}',
    "a query of another type": b'{"query":1}',
    "variables as text": b'{"query":"{__typename}","variables":"{}"}',
    "variables as a list": b'{"query":"{__typename}","variables":[1]}',
    "a name of another type": b'{"query":"{__typename}","operationName":1}',
    "a lone surrogate": b'{"query":"{node(id:\\"\\ud800\\"){id}}"}',
    "half a surrogate pair": b'{"query":"{__typename}","operationName":"\\udc00"}',
    "bytes that are no text": b'{"query":"{node(id:\\"\xff\xfe\\"){id}}"}',
    "UTF-16": '{"query":"{__typename}"}'.encode("utf-16"),
    "a byte-order mark": b'\xef\xbb\xbf{"query":"{__typename}"}',
    "NaN": b'{"query":"{__typename}","variables":{"a":NaN}}',
    "nested": b'{"query":"{__typename}","variables":{"a":'
    + b"[" * 100_000
    + b"]" * 100_000
    + b"}}",
    "a form": b"query=%7B__typename%7D",
    "XML": b"<query>{__typename}</query>",
    "large": b'{"query":"{__typename}' + b" " * 300_000 + b'"}',
    "a hash of a document": b'{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"x"}}}',
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies(gateway: Gateway, name: str) -> None:
    for who in ("national", None):
        response = gateway.send(BODIES[name], who=who)
        refused(response, "BAD_REQUEST", "GRAPHQL_INVALID", "TOO_LARGE", "UNAUTHENTICATED")
        assert response.status_code in (400, 401, 413)


@pytest.mark.parametrize(
    "body",
    [
        b'{"query":"{x}","query":"{__typename}"}',
        b'{"query":"{__typename}","__proto__":{"query":"{x}"},"constructor":1}',
        b'{"query":"{__typename}","variables":{"__proto__":{"a":1},"a":{"$ne":null}}}',
        b'{"query":"{__typename}","variables":null,"operationName":null,"extensions":{"a":[1]}}',
        b'{"query":"{__typename}","operationName":"","more":[[[[1]]]]}',
        b'{"query":"{__typename}","variables":{"a":' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}}",
    ],
)
def test_bodies_that_only_look_hostile(gateway: Gateway, body: bytes) -> None:
    assert gateway.send(body).json() == {"data": {"__typename": "Query"}}


@given(st.binary(max_size=200))
@settings(max_examples=150)
def test_any_bytes(gateway: Gateway, body: bytes) -> None:
    refused(gateway.send(body), "BAD_REQUEST", "GRAPHQL_INVALID")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
    | st.sampled_from(["\0", "\x1e", "\x1f", "*", SECRET, "__proto__", "contact:1", "320102"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["and", "or", "not", "code", "level", "from", "to", "field", SECRET])
            | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={"query": JSON, "variables": JSON, "operationName": JSON, "extensions": JSON},
    )
)
@settings(max_examples=150)
def test_any_json(gateway: Gateway, body: dict[str, Any]) -> None:
    refused(gateway.send(orjson.dumps(body)))


# Mutations -----------------------------------------------------------------------------------

_TEXTS = st.sampled_from(
    [
        "",
        " ",
        "*",
        "\0",
        "\x1e",
        "某人",
        "a'b\"c\\%s",
        "x" * 300,
        "=1+1",
        "2026-01-01",
        "😷",
        SECRET,
    ]
)
_IDENTIFIERS = st.sampled_from(
    ["", "*", "\0", "hfmd", "covid_19", "case:1", "contact:-1", "person:１", "N113", SECRET]
)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "String": _TEXTS,
    "PrivateString": _TEXTS,
    "ID": _IDENTIFIERS,
    "Int": st.sampled_from([0, 1, -1, 36, 2**31 - 1, -(2**31)]),
    "Float": st.sampled_from([0.0, -1.5, 36.6, 1e308, -0.0]),
    "Boolean": st.booleans(),
    "PrivateInt": st.sampled_from([0, -1, 44, 1000, 2**31, 2**62, "*"]),
    "Date": st.sampled_from(["2026-01-01", "0001-01-01", "9999-12-31", "2026-12-31"]),
    "PrivateDate": st.sampled_from(["1990-01-01", "0001-01-01", "9999-12-31", "*"]),
    "DateTime": st.sampled_from(
        ["2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
    ),
    "RegionCode": st.sampled_from(["320102", "320100", "500103", "110101", "000000", "999999"]),
    "AreaCode": st.sampled_from(["320102", "320102001", "320102001001", "3201020010", "999999999"]),
}
INPUTS = {
    field.name: input_type(field.name) for field in root_fields() if field.operation == "mutation"
}
MUTATIONS = {name: input_values(kind, SCALARS) for name, kind in INPUTS.items()}


@pytest.fixture(scope="module")
def written(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A server that may be written to; all of it can be read afterwards."""
    with serving(demo.copied(tmp_path_factory.mktemp("written"))) as found:
        yield found
        page = found.data("{contacts(first:1000){totalCount edges{node{id remarks place}}}}")
        assert len(page["contacts"]["edges"]) == min(1_000, page["contacts"]["totalCount"])
        found.data("{cases(first:1000){totalCount edges{node{id remarks history{old new}}}}}")
    assert not [line for line in found.said if "Traceback" in line], "".join(found.said)


@pytest.mark.parametrize("name", MUTATIONS)
@given(data=st.data())
@settings(max_examples=40)
def test_any_mutation(written: Gateway, name: str, data: st.DataObject) -> None:
    value = data.draw(MUTATIONS[name])
    text = f"mutation($v:{INPUTS[name]}!){{{name}(input:$v){{...on Problem{{code}}}}}}"
    who = data.draw(st.sampled_from(["national", written.demo.account_of("county")]))
    response = written.ask(text, {"v": value}, who=who)
    held(response)
    assert SECRET not in response.text


def test_the_last_hours_of_time(written: Gateway) -> None:
    """In China they lie in the year 10000."""
    text = """mutation { registerCase(input: { idempotencyKey: "late", disease: "hfmd",
      classification: CONFIRMED, code: "320102", onsetOn: "2026-01-01",
      reportedAt: "9999-12-31T23:59:59Z" }) { ... on Problem { code } } }"""
    assert written.data(text) == {"registerCase": {"code": "INVALID_INPUT"}}


# Documents -----------------------------------------------------------------------------------

WORDS = [
    *("{", "}", "(", ")", "[", "]", ":", "!", "$", "@", "...", "=", "|", "&", '"', '"""', "#"),
    *(
        "query",
        "mutation",
        "subscription",
        "fragment",
        "on",
        "true",
        "null",
        "A",
        "$n",
        "-1",
        "1.5",
    ),
    *(
        "contacts",
        "cases",
        "node",
        "id",
        "edges",
        "code",
        "name",
        "person",
        "__typename",
        "__schema",
    ),
    *("first", "filter", "after", "@include(if:true)", "@skip(if:$n)", "{id}", "{__typename}"),
    *('"320102"', "CLOSE", "9" * 30, "é", "\0", "\ufeff", "\u2028", "\\", "Contact", "Int"),
    *(
        "node{id}",
        "...A",
        "on Contact",
        "edges{node{id}}",
        "(first:1)",
        "1e999",
        "contacts{totalCount}",
    ),
]


@given(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join))
@settings(max_examples=200)
def test_any_document(gateway: Gateway, words: str) -> None:
    held(gateway.ask(words))
    held(gateway.ask("{" + words + "}"))


@given(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join))
@settings(max_examples=150)
def test_any_selection_below_a_list(gateway: Gateway, words: str) -> None:
    held(gateway.ask(f"query($n:Boolean=true){{contacts(first:1){{edges{{node{{id {words}}}}}}}}}"))


DEEP = "{contacts(first:5){edges{node{%s}}}}"
DEAR: dict[str, str] = {
    "aliases": "{" + " ".join(f"a{n}:__typename" for n in range(100_000)) + "}",
    "aliases of a list": "{" + " ".join(f"a{n}:contacts{{totalCount}}" for n in range(200)) + "}",
    "aliases of a field": DEEP % " ".join(f"a{n}:id" for n in range(1_200)),
    "aliases of a private field": DEEP % " ".join(f"a{n}:name" for n in range(1_200)),
    "aliases of a relation": DEEP % " ".join(f"a{n}:person{{id}}" for n in range(300)),
    "aliases of relations": DEEP % " ".join(f"a{n}:visits{{id contact{{id}}}}" for n in range(100)),
    "relations in a row": DEEP % ("person{contacts{" * 5 + "id" + "}}" * 5),
    "fragments that double": "{contacts(first:1){edges{node{...A0}}}}"
    + "".join(f"fragment A{n} on Contact{{...A{n + 1} ...A{n + 1}}}" for n in range(60))
    + "fragment A60 on Contact{id}",
    "fragments that spread all later ones": "{contacts(first:1){edges{node{...A0}}}}"
    + "".join(
        f"fragment A{n} on Contact{{{' '.join(f'...A{m}' for m in range(n + 1, 40))} id}}"
        for n in range(40)
    ),
    "an introspection bomb": "{__schema{" + "types{fields{type{" * 5 + "name" + "}}}" * 5 + "}}",
    "introspection by aliases": "{"
    + " ".join(f"a{n}:__schema{{types{{name fields{{name type{{name}}}}}}}}" for n in range(200))
    + "}",
    "every node of a chain": '{chain(root:"case:1",depth:10){nodes{__typename}}}',
    "a depth out of range": '{chain(root:"case:1",depth:1000000){truncated}}',
    "counts of all time": '{counts(diseases:["hfmd"],codes:["000000"],from:"0001-01-01",'
    'to:"9999-12-31"){counts{from}}}',
    "counts of everything": "{counts(diseases:["
    + '"hfmd"' * 1_000
    + '],codes:["000000"],from:"2026-01-01",to:"2026-12-31"){counts{cases}}}',
}


@pytest.mark.parametrize("name", DEAR)
def test_dear_documents(gateway: Gateway, name: str) -> None:
    held(gateway.ask(DEAR[name]))
    assert gateway.data("{me{code}}") == {"me": {"code": "000000"}}


# Values --------------------------------------------------------------------------------------


def nested(name: str, depth: int) -> Any:
    found: Any = {}
    for _ in range(depth):
        found = {name: found if name == "not" else [found]}
    return found


FILTERS: dict[str, Any] = {
    "deep": nested("not", 25),
    "deeper": nested("and", 110),
    "deepest": nested("or", 300),
    "wide": {"or": [{"level": ["CLOSE"]}] * 300},
    "wide and deep": {"and": [{"or": [{"not": {"level": ["CLOSE"]}}] * 15}] * 15},
    "many values": {"sourceCase": [f"case:{number}" for number in range(1_001)]},
    "many values in parts": {"and": [{"rulePack": [str(n) for n in range(300)]}] * 4},
    "an id of another type": {"sourceCase": ["contact:1"]},
    "an id in other digits": {"sourceCase": ["case:１"]},
    "an id out of range": {"sourceCase": ["case:99999999999999999999"]},
    "a negative id": {"sourceCase": ["case:-1"]},
    "an enum of ours elsewhere": {"level": ["CONFIRMED"]},
    "an enum as a number": {"level": [1]},
    "a code too short": {"code": ["3201"]},
    "a code with a wildcard": {"code": ["32%___"]},
    "a code in other digits": {"code": ["３２０１０２"]},
    "a day that is none": {"lastContactOn": {"from": "2026-02-30"}},
    "a day as a number": {"lastContactOn": {"from": 20260101}},
    "days in reverse": {"lastContactOn": {"from": "2026-02-02", "to": "2026-02-01"}},
    "an instant without offset": {"createdAt": {"from": "2026-01-01T00:00:00"}},
    "an instant out of range": {"createdAt": {"from": "9999-12-31T23:59:59-23:59"}},
    "SQL": {"code": ["1' OR '1'='1"]},
    "a field of none": {"password": ["x"]},
    "a private field": {"idNumber": [SECRET]},
    "text": SECRET,
    "a list": [SECRET],
}


@pytest.mark.parametrize("name", FILTERS)
def test_filters(gateway: Gateway, name: str) -> None:
    refused(
        gateway.ask(LIST, {"f": FILTERS[name]}), "INVALID_INPUT", "TOO_LARGE", "GRAPHQL_INVALID"
    )


ALL, NONE, PROVINCE, SOME = "1", "0", "code LIKE '32%'", ""
FOUND: dict[str, tuple[Any, str]] = {
    # What the filter says in SQL.
    "no values": ({"level": []}, NONE),
    "nothing at all": ({}, ALL),
    "null": ({"level": None, "and": None, "not": None}, ALL),
    "or of nothing": ({"or": []}, NONE),
    "and of nothing": ({"and": []}, ALL),
    "not of nothing": ({"not": {}}, NONE),
    "NUL": ({"rulePack": ["\0", "a\0b"]}, NONE),
    "separators": ({"rulePack": ["\x1e", "\x1f", "\x1e\x1f'\"\\%_"]}, NONE),
    "quotes": ({"rulePack": ["'", '"', "';DROP TABLE contacts;--", "{}", "%s", "$1"]}, NONE),
    "a thousand codes": ({"code": [f"{n}" for n in range(320000, 321000)]}, PROVINCE),
    "codes twice": ({"and": [{"code": [f"{n}" for n in range(320100, 320400)]}] * 3}, SOME),
    "codes of every length": ({"code": ["320000", "330500", "340503"] + ["500100"] * 30}, SOME),
    "a thousand ids": ({"sourceCase": [f"case:{number}" for number in range(1_000)]}, NONE),
    "one value a thousand times": ({"level": ["CLOSE", "SECONDARY", "GENERAL"] * 333}, ALL),
    "the largest id": ({"sourceCase": [f"case:{2**63 - 1}"]}, NONE),
    "the first id too large": ({"sourceCase": [f"case:{2**63}"]}, NONE),
    "nineteen conditions deep": (nested("not", 19), NONE),
    "one as a list": ({"level": "CLOSE"}, "level = 'CLOSE'"),
}


@pytest.mark.parametrize("name", FOUND)
def test_filters_that_only_look_hostile(gateway: Gateway, name: str) -> None:
    wanted, where = FOUND[name]
    found = gateway.data(LIST, {"f": wanted})["contacts"]["totalCount"]
    if where:
        assert found == gateway.demo.count("contacts", where)
    else:
        assert 0 < found < gateway.demo.count("contacts")


@pytest.mark.parametrize("first", [-1, 1_001, 1_000_000_000, 2**31 - 1, -(2**31)])
def test_pages_of_no_size(gateway: Gateway, first: int) -> None:
    refused(gateway.ask(LIST, {"n": first}), "INVALID_INPUT", "TOO_LARGE")
    refused(gateway.ask(f"{{cases(first:{first}){{totalCount}}}}"), "INVALID_INPUT", "TOO_LARGE")


def test_cursors(gateway: Gateway) -> None:
    page = gateway.data(LIST, {"n": 2})["contacts"]
    good = page["edges"][0]["cursor"]
    turned = "A" if good[5] != "A" else "B"
    cursors = ["", "x", "=", "====", "é", "\0", SECRET, "A" * 1_000, "A" * 100_000, good[:-1]]
    cursors += [good + "A", good[:5] + turned + good[6:], good * 2, good.swapcase(), f" {good}"]
    for cursor in cursors:
        refused(gateway.ask(LIST, {"a": cursor}), "INVALID_CURSOR")
        refused(gateway.ask("query($a:String){units(after:$a){totalCount}}", {"a": cursor}))
    for text in (LIST.replace("contacts", "cases").replace("Contact", "Case"),):
        refused(gateway.ask(text, {"a": good}), "INVALID_CURSOR")  # of another list
    order = [{"field": "CODE"}]
    refused(gateway.ask(LIST, {"a": good, "o": order}), "INVALID_CURSOR")  # of another order
    assert gateway.data(LIST, {"a": good, "n": 1})["contacts"]["edges"] == page["edges"][1:2]


IDS = [
    *("", ":", "contact", "contact:", ":1", "contact:0", "contact:-1", "contact:+1", "contact: 1"),
    *("contact:１", "contact:1.0", "contact:1e3", "contact:0x1", "contact:99999999999999999999"),
    *(f"contact:{2**63 - 1}", f"contact:{2**63}", "CONTACT:1", "Contact:1", "correction:1"),
    *(
        "exposure:1",
        "unit:1",
        "a:b:c",
        "contact:1:1",
        "contact:\0001",
        "contact:\x1e",
        "contact:\x1f",
    ),
    *("__proto__:1", SECRET, "contact:" + "1" * 5_000, "x" * 5_000, "contact:1' OR 1=1--"),
]


def test_ids(gateway: Gateway) -> None:
    assert gateway.data(NODES, {"i": IDS}) == {"nodes": [None] * len(IDS)}
    for one in IDS:
        assert gateway.data("query($i:ID!){node(id:$i){id}}", {"i": one}) == {"node": None}
        response = gateway.ask("query($i:ID!){chain(root:$i){truncated}}", {"i": one})
        refused(response, "INVALID_INPUT", "NOT_FOUND")
    refused(gateway.ask(NODES, {"i": ["contact:1"] * 1_001}), "INVALID_INPUT", "TOO_LARGE")
    assert gateway.data(NODES, {"i": ["contact:1"] * 1_000}) == {"nodes": [None] * 1_000}
    assert gateway.data(NODES, {"i": [1, 2]}) == {"nodes": [None] * 2}


@given(JSON, JSON, JSON, JSON)
@settings(max_examples=100)
def test_any_variables(gateway: Gateway, f: Any, o: Any, n: Any, a: Any) -> None:
    held(gateway.ask(LIST, {"f": f, "o": o, "n": n, "a": a}))
    held(gateway.ask(LIST, {"f": f}))
    held(gateway.ask("query($s:PersonSearch!){checkDuplicate(candidate:$s){exists}}", {"s": f}))


SECRETS = [
    "query($v:Int){contacts(first:$v){totalCount}}",
    "query($v:[ID!]!){nodes(ids:$v){id}}",
    "query($v:ContactFilter){contacts(filter:$v){totalCount}}",
    "query($v:[ContactOrder!]){contacts(orderBy:$v){totalCount}}",
    "query($v:Boolean!){me{code @skip(if:$v)}}",
    "query($v:PersonSearch!){people(search:$v){matches{id}}}",
    'query($v:RegionCode!){counts(diseases:["x"],codes:[$v],from:"2026-01-01",to:"2026-01-01"){code}}',
    'query($v:[ID!]!){counts(diseases:$v,codes:[],from:"2026-01-01",to:"2026-01-01"){code}}',
    'query($v:Date!){counts(diseases:[],codes:[],from:$v,to:"2026-01-01"){code}}',
    "query($v:RegisterCaseInput!){__typename}",
    "mutation($v:RegisterCaseInput!){registerCase(input:$v){__typename}}",
    "mutation($v:RegisterContactsInput!){registerContacts(input:$v){__typename}}",
    "mutation($v:CorrectInput!){correct(input:$v){__typename}}",
]
AROUND = [
    SECRET,
    [SECRET],
    {SECRET: 1},
    {"idNumber": SECRET, "nonsense": SECRET},
    {"phone": {SECRET: [SECRET]}},
    [{"field": SECRET}],
    {"level": [SECRET], "code": [SECRET], "createdAt": {"from": SECRET}},
    {"person": {"name": SECRET, "idNumber": SECRET, "age": SECRET, "sex": [SECRET]}},
    {"input": SECRET, "idempotencyKey": SECRET, "rows": [SECRET, {"person": SECRET}]},
]


@pytest.mark.parametrize("text", SECRETS)
def test_no_answer_tells_what_was_sent(gateway: Gateway, text: str) -> None:
    for value in AROUND:
        answer = gateway.ask(text, {"v": value})
        if "nodes" in text and value in (SECRET, [SECRET]):
            assert answer.json() == {"data": {"nodes": [None]}}  # an id of nothing
        else:
            refused(answer)


@pytest.mark.parametrize(
    "value",
    [
        json.dumps(SECRET, ensure_ascii=False),
        f'"""{SECRET}"""',
        f'["{SECRET}"]',
        f'{{level:"{SECRET}"}}',
        f'{{code:["{SECRET}"]}}',
        f'{{nonsense:"{SECRET}"}}',
        f'{{createdAt:{{from:"{SECRET}"}}}}',
        f'{{level:[CLOSE,"{SECRET}"]}}',
        f"{{level:{SECRET}}}",
        f'"{SECRET}',
        f'"{SECRET}\\q"',
        f'"{SECRET}\\uD8"',
        f'$x:"{SECRET}"',
        f'1"{SECRET}"',
    ],
)
def test_no_answer_tells_what_a_document_held(gateway: Gateway, value: str) -> None:
    for question in (f"contacts(filter:{value}){{totalCount}}", f"contacts(first:{value}){{id}}"):
        refused(gateway.ask("{" + question + "}"), "GRAPHQL_INVALID")
    refused(gateway.ask(f"query($v:Int={value}){{contacts(first:$v){{id}}}}"), "GRAPHQL_INVALID")


def test_names_of_the_schema_are_not_suggested(gateway: Gateway) -> None:
    for question in (
        "{contact{id}}",
        "{contacts(frist:1){id}}",
        "{contacts(filter:{levle:[]}){id}}",
    ):
        response = gateway.ask(question)
        refused(response, "GRAPHQL_INVALID")
        assert "Did you mean" not in response.text
    assert "Did you mean" not in gateway.ask(LIST, {"f": {"levle": ["CLOSE"]}}).text


@pytest.mark.parametrize("field", root_fields(), ids=str)
def test_strangers_learn_nothing_by_any_body(gateway: Gateway, field: Any) -> None:
    for who in (None, "nonsense"):
        if who is None and is_open(field.name):
            continue
        refused(gateway.ask(field.question, who=who), "UNAUTHENTICATED")
