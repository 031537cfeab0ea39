"""One question through HTTP: the two checks from outside, tokens, headers and statuses."""

from __future__ import annotations

from pathlib import Path

import httpx
import orjson
import pytest

from resolvers.rights import is_open
from tests.root_fields import RootField, root_fields
from tests.served import BROAD, Demo, Gateway, serving

MAIN_JOB = """{ contacts(first: 200) { regions { code state records } edges { cursor node {
  id level code name sex age idNumber phone employer residence whereabouts lastContactOn outcome
  person { id } sourceCase { id disease { id } } } } pageInfo { hasNextPage endCursor } } }"""
PAGE = """query($a: String) { contacts(first: 97, after: $a) { totalCount
  edges { cursor node { id } } pageInfo { hasNextPage endCursor } } }"""
NOBODY = "{ contacts(first: 1) { edges { node { id } } } }"
JSON = "application/json; charset=utf-8"
RESPONSE_JSON = "application/graphql-response+json; charset=utf-8"


def codes(response: httpx.Response) -> set[str]:
    """The codes of an answer's errors."""
    return {error["extensions"]["code"] for error in response.json().get("errors", ())}


def signed_in(gateway: Gateway, account: str) -> str:
    """The token that `/sign-in` gives for the password of `demo-accounts.json`."""
    known = gateway.demo.accounts[account]
    body = {"account": account, "password": known["password"]}
    response = gateway.client.post("/sign-in", json=body)
    assert response.status_code == 200, response.text
    token: str = response.json()["token"]
    return token


def test_a_newcomers_question_is_answered_by_eight_regions_masked(edge: Gateway) -> None:
    widest = 0
    for name, account in edge.demo.accounts.items():
        if "admin" in account["role"] or "audit" in account["role"]:
            continue
        page = edge.data(MAIN_JOB, who=signed_in(edge, name))["contacts"]
        answered = [one["code"] for one in page["regions"] if one["state"] == "ANSWERED"]
        nodes = [edge_["node"] for edge_ in page["edges"]]
        widest = max(widest, len(answered))
        if name == BROAD:
            assert len(answered) == 8
            assert len(nodes) == 200
            assert all(node["idNumber"] == "*" for node in nodes)
            assert sum(one["records"] for one in page["regions"]) == 200
            assert page["pageInfo"] == {
                "hasNextPage": True,
                "endCursor": page["edges"][-1]["cursor"],
            }
    assert widest == 8


def test_pages_visit_every_contact_once(edge: Gateway) -> None:
    seen: list[str] = []
    cursors: list[str] = []
    after, pages = None, 0
    while True:
        page = edge.data(PAGE, {"a": after})["contacts"]
        pages += 1
        seen += [one["node"]["id"] for one in page["edges"]]
        cursors += [one["cursor"] for one in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(seen) == len(set(seen)) == page["totalCount"] > 200
    assert pages == -(-len(seen) // 97)
    assert not any(
        one.partition(":")[2] in cursor for one, cursor in zip(seen, cursors, strict=True)
    )


def test_without_a_token_only_typename_is_answered(edge: Gateway) -> None:
    response = edge.ask("{__typename}", who=None)
    assert (response.status_code, response.json()) == (200, {"data": {"__typename": "Query"}})
    response = edge.ask("mutation{__typename}", who=None)
    assert response.json() == {"data": {"__typename": "Mutation"}}


CLOSED = [field for field in root_fields() if not is_open(field.name)]


def test_two_root_fields_are_for_strangers() -> None:
    assert {field.name for field in root_fields()} - {field.name for field in CLOSED} == {
        "register",
        "registration",
    }


@pytest.mark.parametrize("field", CLOSED, ids=str)
def test_without_a_token_every_other_root_field_is_refused(edge: Gateway, field: RootField) -> None:
    response = edge.ask(field.question, who=None)
    assert codes(response) == {"UNAUTHENTICATED"}
    assert response.json().get("data") in (None, {field.name: None})


def test_a_long_document_without_a_token_is_not_even_read(edge: Gateway) -> None:
    response = edge.ask("{" + " " * 3_000 + "__typename}", who=None)
    assert (response.status_code, codes(response)) == (401, {"UNAUTHENTICATED"})


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer nonsense",
        "Basic YTpi",
        "Bearer " + "x" * 20_000,
        "Bearer é",
        "x",
        "",
    ],
)
@pytest.mark.parametrize("question", ["{__typename}", NOBODY])
def test_a_token_without_a_session_is_refused(
    edge: Gateway, authorization: str, question: str
) -> None:
    response = edge.client.post(
        "/graphql",
        json={"query": question},
        headers=[(b"authorization", authorization.encode())],
    )
    assert response.status_code == 401
    assert codes(response) == {"UNAUTHENTICATED"}
    assert "data" not in response.json()
    assert response.headers["www-authenticate"] == "Bearer"
    assert "xxx" not in response.text


def test_tokens_that_ended(edge: Gateway) -> None:
    revoked, expired, unused, good = edge.demo.open_sessions(*[BROAD] * 4)
    assert edge.ask(NOBODY, who=revoked).status_code == 200
    assert edge.client.post("/sign-out", headers=edge.headers(revoked)).status_code == 204
    edge.demo.end_session(expired, expires_at="2026-01-01T00:00:00Z")
    edge.demo.end_session(unused, last_seen_at="2026-01-01T00:00:00Z")
    for token in (revoked, expired, unused):
        response = edge.ask("{__typename}", who=token)
        assert (response.status_code, codes(response)) == (401, {"UNAUTHENTICATED"})
    assert edge.ask(NOBODY, who=good).status_code == 200


def test_two_authorization_headers_are_one_too_many(edge: Gateway) -> None:
    good = edge.headers()["authorization"]
    for second in (good, "Bearer other"):
        response = edge.client.post(
            "/graphql",
            json={"query": NOBODY},
            headers=[("authorization", good), ("authorization", second)],
        )
        assert (response.status_code, codes(response)) == (400, {"BAD_REQUEST"})


def test_introspection_needs_a_session(edge: Gateway) -> None:
    question = "{ __schema { queryType { name } } }"
    response = edge.ask(question, who=None)
    assert (response.status_code, codes(response)) == (401, {"UNAUTHENTICATED"})
    response = edge.ask('{ a: __typename ... { __type(name: "Person") { name } } }', who=None)
    assert (response.status_code, codes(response)) == (401, {"UNAUTHENTICATED"})
    for account in edge.demo.accounts:
        assert edge.data(question, who=account) == {"__schema": {"queryType": {"name": "Query"}}}


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("text/html", JSON),
        ("application/graphql-response+json", RESPONSE_JSON),
        ("application/graphql-response+json, application/json;q=0.9", RESPONSE_JSON),
    ],
)
def test_the_answers_type_is_by_accept(edge: Gateway, accept: str | None, kind: str) -> None:
    more = {} if accept is None else {"accept": accept}
    for body in (b'{"query":"{__typename}"}', b"nonsense"):
        response = edge.send(body, **more)
        assert response.headers["content-type"] == kind
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "server" not in response.headers


def test_requests_have_ids_of_their_own(edge: Gateway) -> None:
    questions = [NOBODY, NOBODY, "{", "{nonsense}", "{__typename}"]
    found = [edge.ask(question).headers["x-request-id"] for question in questions]
    found += [edge.client.get("/graphql").headers["x-request-id"]]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_only_post_is_answered(edge: Gateway, method: str) -> None:
    response = edge.client.request(
        method, "/graphql", params={"query": "{__typename}"}, headers=edge.headers()
    )
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert method == "HEAD" or codes(response) == {"BAD_REQUEST"}


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "",
        "text/plain",
        "application/graphql",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json-patch+json",
    ],
)
def test_only_json_is_read(edge: Gateway, kind: str | None) -> None:
    headers = {name: value for name, value in edge.headers().items() if name != "content-type"}
    if kind is not None:
        headers["content-type"] = kind
    body = b'{"query":"{__typename}"}'
    response = edge.client.post("/graphql", content=body, headers=headers)
    assert (response.status_code, codes(response)) == (415, {"BAD_REQUEST"})


@pytest.mark.parametrize("kind", ["application/json;charset=utf-8", "Application/JSON ; x=y"])
def test_json_is_json_however_written(edge: Gateway, kind: str) -> None:
    response = edge.send(b'{"query":"{__typename}"}', **{"content-type": kind})
    assert response.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    ("question", "status", "code"),
    [
        ("{", 400, "GRAPHQL_INVALID"),
        ("{nonsense}", 400, "GRAPHQL_INVALID"),
        ("query($n:Int!){contacts(first:$n){totalCount}}", 400, "GRAPHQL_INVALID"),
        ("{a" + "{a" * 30 + "}" * 31, 400, "GRAPHQL_INVALID"),
        ("{contacts(first:-1){totalCount}}", 200, "INVALID_INPUT"),
        ("{contacts(first:1001){totalCount}}", 200, "TOO_LARGE"),
        ('{contacts(after:"x"){totalCount}}', 200, "INVALID_CURSOR"),
        ('{chain(root:"case:1"){truncated}}', 200, "NOT_FOUND"),
        ('{people(search:{phone:"13900000000"}){matches{id}}}', 200, "FORBIDDEN"),
    ],
)
def test_statuses_and_codes(edge: Gateway, question: str, status: int, code: str) -> None:
    response = edge.ask(question)
    assert (response.status_code, codes(response)) == (status, {code})
    assert ("data" in response.json()) == (status == 200)


def test_an_account_that_was_disabled_ends_at_its_next_request(demo: Demo, tmp_path: Path) -> None:
    own = demo.copied(tmp_path)
    with serving(own) as gateway:
        assert gateway.data("{__typename}") == {"__typename": "Query"}
        gateway.demo.disable(BROAD)
        assert gateway.ask(NOBODY).status_code == 401


def test_the_body_of_an_answer_is_what_orjson_reads(edge: Gateway) -> None:
    response = edge.ask(MAIN_JOB)
    assert int(response.headers["content-length"]) == len(response.content)
    assert orjson.loads(response.content)["data"]["contacts"]["edges"]
