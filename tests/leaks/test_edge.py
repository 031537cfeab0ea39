"""What the HTTP edge tells: errors, headers, statuses, names, URLs, claims (19, 25, 33, 35, 37, 38,
43).
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.access_log import read_entries
from resolvers.catalog import RECORDS
from resolvers.rights import RIGHTS
from resolvers.users import BUSINESS_ROLES
from tests.leaks.documents import SCHEMA
from tests.leaks.worlds import MASKED, OTHERS, World
from tests.records import Population
from tests.resolvers.writing.making import correction, new_key, sample_input, visit_input
from tests.root_fields import root_fields

SECRET = "诸葛密一110101199001010014"
EVERYBODY = [*MASKED, *OTHERS, None, "nonsense"]
PROFILE = "contacts(first:9){edges{node{id name phone}}}"


# Errors --------------------------------------------------------------------------------------

PLACES = [
    '{contacts(filter:{level:"%s"}){totalCount}}',
    '{node(id:"%s"){nonsense}}',
    "{%s{id}}",
    "query %s($a:Int){contacts{totalCount}} query B{me{code}}",
    "{contacts{...%s}}",
    "{contacts @%s {totalCount}}",
    "{contacts(%s:1){totalCount}}",
    "{me{code} ... on %s{id}}",
]


@pytest.mark.parametrize("who", ["national", None])
@pytest.mark.parametrize("text", PLACES)
def test_leak_19_no_error_echoes_what_was_sent(world: World, text: str, who: str | None) -> None:
    """Values never; a name of the document is the client's own word and may stand in a message."""
    answer = world.ask(text % SECRET, who=who, operationName=SECRET)
    assert answer.codes
    assert SECRET not in answer.body.decode()
    assert "110101199001010014" not in answer.body.decode()
    for error in orjson.loads(answer.body)["errors"]:
        assert set(error) <= {"message", "locations", "path", "extensions"}
        assert set(error["extensions"]) <= {"code", "hint", "argument", "region", "state", "store"}
        assert "Traceback" not in str(error)


@pytest.mark.parametrize("field", root_fields(), ids=str)
def test_leak_19_no_root_field_echoes_its_arguments(world: World, field: Any) -> None:
    root = SCHEMA.query_type if field.operation == "query" else SCHEMA.mutation_type
    assert root is not None
    for name, argument in root.fields[field.name].args.items():
        text = f"{field.operation}($v:{argument.type}){{{field.name}({name}:$v){{__typename}}}}"
        for value in (SECRET, [SECRET], {SECRET: SECRET}, {"name": SECRET, "idNumber": [SECRET]}):
            for who in ("national", "auditor", None):
                answer = world.ask(text, {"v": value}, who=who)
                assert SECRET not in answer.body.decode(), (field, name)


# Headers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", MASKED)
def test_leak_25_no_header_varies_with_hidden_values(pair: tuple[World, World], who: str) -> None:
    """No validators, nothing to keep; the length is that of the masks."""
    for text in (f"{{{PROFILE}}}", "{cases{edges{node{remarks name history{old new reason}}}}}"):
        one, other = (world.ask(text, who=who) for world in pair)
        assert one == other
        headers = dict(one.headers)
        assert headers[b"cache-control"] == b"no-store"
        assert headers[b"content-length"] == b"%d" % len(one.body)
        assert not {b"etag", b"last-modified", b"expires", b"age", b"vary"} & set(headers)


def test_leak_25_a_condition_of_the_client_is_not_answered(world: World) -> None:
    body = orjson.dumps({"query": f"{{{PROFILE}}}"})
    plain = world.send(body, "national")
    for header in (b"if-none-match", b"if-modified-since", b"if-match", b"range"):
        assert world.send(body, "national", (header, b'"x"')) == plain


# Names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [None, "nonsense"])
def test_leak_33_strangers_do_not_read_the_schema(world: World, who: str | None) -> None:
    for text in (
        "{__schema{queryType{name}}}",
        '{__type(name:"Person"){fields{name}}}',
        '{me{code} s:__type(name:"Case"){name}}',
        "{...F} fragment F on Query{__schema{types{name}}}",
        "query A{__typename} query B{__schema{types{name}}}",
        '{__typename ...{... on Query{__type(name:"Contact"){description}}}}',
    ):
        answer = world.ask(text, who=who, operationName="A" if "query A" in text else None)
        assert answer.codes == ["UNAUTHENTICATED"], text
        assert answer.status == 401


def test_leak_33_descriptions_hold_no_sample_of_anybody(world: World) -> None:
    """Descriptions and defaults are read by everybody with a session."""
    sdl = world.ask(
        "{__schema{types{description fields{description args{description "
        "defaultValue}} inputFields{description defaultValue}}}}"
    ).body.decode()
    assert not [word for word in ("张三", "李四", "王五", "13800138000") if word in sdl]
    import re

    assert not re.search(r"\b[1-9]\d{16}[\dXx]\b", sdl)
    assert not re.search(r"\b1[3-9]\d{9}\b", sdl)


def test_leak_33_nothing_is_suggested(world: World) -> None:
    for text in ("{contact{id}}", "{contacts{edges{node{idNumbr}}}}", "{contacts(frist:1){a}}"):
        for who in ("national", None):
            assert b"mean" not in world.ask(text, who=who).body


# Hidden and missing --------------------------------------------------------------------------


CHANGES = {
    "Person": ("phone", "15400000001"),
    "Case": ("origin", "LOCAL"),
    "Contact": ("traced", "NO"),
    "Visit": ("kind", "REVISIT"),
    "Sample": ("result", "NEGATIVE"),
}


@pytest.mark.parametrize("who", ["county", "reporter", "city"])
@pytest.mark.parametrize("name", ["Person", "Case", "Contact", "Visit", "Sample"])
def test_leak_35_hidden_and_missing_are_one(
    peopled: tuple[World, Population], name: str, who: str
) -> None:
    """By node, nodes, chain, as a link of a correction: the same bytes but for what was sent."""
    world, population = peopled
    record = RECORDS[name]
    prefix = MASKED[who][1].rstrip("0")
    outside = [
        row["id"] for row in population.of(record.table) if not row["code"].startswith(prefix)
    ]
    assert outside
    answers = set()
    for number in (outside[0], outside[-1], outside[0] | (1 << 42), 1 << 43, 7):
        given_id = f"{record.kind}:{number}"
        for text in (
            "query($i:ID!){node(id:$i){__typename id}}",
            "query($i:ID!){nodes(ids:[$i]){__typename id}}",
        ):
            answer = world.ask(text, {"i": given_id}, who=who)
            answers.add((text, answer))
        if name in ("Case", "Contact"):
            text = "query($i:ID!){chain(root:$i){truncated}}"
            answers.add((text, world.ask(text, {"i": given_id}, who=who)))
            for mutation, given_input in (
                ("recordVisit", visit_input(given_id)),
                ("recordSample", sample_input(given_id)),
            ):
                answers.add((mutation, _do(world, mutation, given_input, who)))
        answers.add(("correct", _do(world, "correct", correction(given_id, CHANGES[name]), who)))
    assert len(answers) == len({text for text, _ in answers}), answers


def _do(world: World, name: str, given_input: Any, who: str) -> Any:
    kind = f"{name[0].upper()}{name[1:]}Input"
    text = f"mutation($v:{kind}!){{{name}(input:$v){{__typename ...on Problem{{code message}}}}}}"
    return world.ask(text, {"v": given_input | {"idempotencyKey": new_key()}}, who=who)


# URLs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_leak_37_nothing_is_read_from_a_url(world: World, method: str) -> None:
    """A question in a URL is not answered, and its words are nowhere: no answer, no log."""
    before = len(list(read_entries(world.config.log_store, limit=10_000)))
    query = f'query={{checkDuplicate(candidate:{{idNumber:"{SECRET}"}}){{exists}}}}'.encode()
    body = orjson.dumps({"query": "{me{code}}"})
    answer = world.send(body, "national", method=method, query_string=query)
    assert answer.status == 405
    assert SECRET.encode() not in answer.body
    assert len(list(read_entries(world.config.log_store, limit=10_000))) == before


def test_leak_37_a_url_of_a_question_changes_nothing(world: World) -> None:
    body = orjson.dumps({"query": "{me{account}}"})
    plain = world.send(body, "national")
    assert world.send(body, "national", query_string=b"query={me{code}}&account=clear") == plain
    answer = world.send(body, "national", path=f"/graphql/{SECRET}")
    assert answer.status == 404
    assert SECRET.encode() not in answer.body


# Several operations --------------------------------------------------------------------------


def test_leak_38_rights_are_decided_for_the_operation_asked(world: World) -> None:
    """A harmless operation beside it opens nothing, and several at once are none."""
    document = f"query Harmless{{__typename}} query Records{{{PROFILE}}} mutation M{{__typename}}"
    for who in ("auditor", "secadmin", None):
        harmless = world.ask(document, who=who, operationName="Harmless")
        assert harmless.data == {"__typename": "Query"}
        answer = world.ask(document, who=who, operationName="Records")
        assert answer.codes == ["UNAUTHENTICATED" if who is None else "FORBIDDEN"]
        assert world.ask(document, who=who).codes == ["GRAPHQL_INVALID"]
    batch = orjson.dumps([{"query": "{me{code}}"}, {"query": f"{{{PROFILE}}}"}])
    assert world.send(batch, "national").codes == ["BAD_REQUEST"]


@pytest.mark.parametrize("who", [*OTHERS, None])
def test_leak_38_every_root_field_of_a_document_asks_for_its_own_right(
    world: World, who: str | None
) -> None:
    role = OTHERS[who][0] if who else None
    for field in root_fields():
        right = RIGHTS[field.name]
        if field.operation != "query" or right.roles != BUSINESS_ROLES:
            continue
        text = field.question.replace("query {", "query { first: __typename ", 1)
        answer = world.ask(text.rstrip("}") + "}" * _closing(text) + " ", who=who)
        assert answer.codes, (field.name, role)
        assert set(answer.codes) <= {"FORBIDDEN", "UNAUTHENTICATED"}, (field.name, answer.body)


def _closing(text: str) -> int:
    return len(text) - len(text.rstrip("}"))


# Claims --------------------------------------------------------------------------------------

CLAIMS = [
    (b"x-role", b"auditor"),
    (b"x-account", b"clear"),
    (b"x-user", b"clear"),
    (b"x-forwarded-user", b"clear"),
    (b"x-remote-user", b"clear"),
    (b"remote-user", b"clear"),
    (b"x-view-as", b"clear"),
    (b"x-impersonate-user", b"clear"),
    (b"x-original-url", b"/graphql?account=clear"),
    (b"x-http-method-override", b"GET"),
    (b"x-forwarded-for", b"10.0.0.1"),
    (b"forwarded", b"for=10.0.0.1"),
    (b"x-hasura-role", b"admin"),
    (b"x-grants", b"ALL"),
    (b"cookie", b"session=clear; token=clear"),
    (b"x-api-key", b"clear"),
    (b"x-unmask", b"true"),
    (b"prefer", b"unmasked"),
    (b"x-request-id", b"mine"),
    (b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
]


@given(st.lists(st.sampled_from(CLAIMS), min_size=1, max_size=4), st.sampled_from(EVERYBODY))
@settings(max_examples=60)
def test_leak_43_no_header_claims_a_right(
    world: World, claims: list[tuple[bytes, bytes]], who: str | None
) -> None:
    body = orjson.dumps({"query": f"{{me{{account role code grants{{id}}}} {PROFILE}}}"})
    assert world.send(body, who, *claims) == world.send(body, who)
    (entry,) = list(read_entries(world.config.log_store, limit=1))
    assert entry["address"] == "127.0.0.1"
    assert "mine" not in entry["request"]


def test_leak_43_two_identities_are_none(world: World) -> None:
    body = orjson.dumps({"query": "{me{account}}"})
    other = b"Bearer " + world.tokens["clear"].encode()
    assert world.send(body, "national", (b"authorization", other)).codes == ["BAD_REQUEST"]


def test_leak_43_nothing_of_the_request_claims_a_right(world: World) -> None:
    """Neither keys of the body nor variables nobody declared."""
    query = f"{{me{{account grants{{id}}}} {PROFILE}}}"
    plain = world.ask(query)
    for more in (
        {"extensions": {"role": "auditor", "grants": ["ALL"]}},
        {"account": "clear", "viewer": {"account": "clear"}, "viewAs": "clear"},
        {"variables": {"viewer": "clear", "grants": ["ALL"], "unmask": True}},
    ):
        answer = world.send(orjson.dumps({"query": query, **more}), "national")
        assert answer == plain
    roots = {
        name for kind in (SCHEMA.query_type, SCHEMA.mutation_type) if kind for name in kind.fields
    }
    assert not {name for name in roots if "viewas" in name.lower() or "impersonate" in name.lower()}
