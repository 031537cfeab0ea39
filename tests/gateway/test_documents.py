"""Documents: limits that hold before anything costs, and what is kept of them."""

from __future__ import annotations

import time

import pytest

from gateway import documents
from gateway._kept import Kept
from gateway.documents import Documents
from regions.errors import TooLarge
from resolvers.root import make_schema

SCHEMA = make_schema()._schema


@pytest.fixture(scope="module")
def step() -> float:
    """What a million steps of Python cost this machine now, in processor time: what the cost of a
    document is held against (0.1 s where the bounds below were set).
    """

    def once() -> float:
        began = time.thread_time()
        total = 0
        for number in range(1_000_000):
            total += number * number
        return time.thread_time() - began

    return max(once() for _ in range(3))


@pytest.fixture
def some() -> Documents:
    return Documents(SCHEMA, tokens_max=4_000, depth_max=16)


def repeated(text: str, count: int) -> str:
    return "{" + " ".join(text.format(number) for number in range(count)) + "}"


NESTED = "{contacts{edges{node{person{cases{contacts{person{cases{contacts{person{id}}}}}}}}}}}"
TOO_LARGE = {
    "tokens": "{" + " a" * 4_000 + "}",
    "aliases": repeated("a{0}:__typename", 100_000 // 20),
    "roots": repeated("a{0}:contacts{{totalCount}}", 51),
    "roots by fragments": "{...A ...B} fragment A on Query"
    + repeated("a{0}:__typename", 26)
    + "fragment B on Query"
    + repeated("b{0}:__typename", 26),
    "inline fragments": "{" + "...{" * 300 + "__typename" + "}" * 300 + "}",
    "selections": "{" + "a{" * 2_000 + "a" + "}" * 2_000 + "}",
    "lists": "{nodes(ids:" + "[" * 1_500 + "]" * 1_500 + "){id}}",
    "objects": "{contacts(filter:" + "{not:" * 700 + "{}" + "}" * 700 + "){totalCount}}",
    "types": "query($a:" + "[" * 1_500 + "Int" + "]" * 1_500 + "){__typename}",
    "fragments in a row": "{...f0}"
    + "".join(f"fragment f{n} on Query{{...f{n + 1}}}" for n in range(400))
    + "fragment f400 on Query{__typename}",
    "fields that merge": repeated("a:__typename", 1_000),
    "relations": "{contacts{edges{node{" + "person{contacts{" * 8 + "id" + "}}" * 8 + "}}}}",
}
INVALID = {
    "fragments in a circle": "{...A} fragment A on Query{...B} fragment B on Query{...A}",
    "a fragment in itself": "{...A} fragment A on Query{me{code} ...A}",
    "two circles": "{...A ...C} fragment A on Query{...B} fragment B on Query{...A}"
    "fragment C on Query{...C}",
    "variables": "query(" + " ".join(f"$v{n}:Int" for n in range(900)) + "){__typename}",
    "conflicts": "{" + "a:__typename a:me{code} " * 400 + "}",
    "unknown fields": repeated("x{0}", 1_900),
    "directives": "{__typename" + " @include(if:true)" * 500 + "}",
    "types of a document": "type Query{a:Int} {__typename}",
    "introspection that nests": "{__schema{types{fields{type{fields{type{fields{type{name}}}}}}}}}",
    "a subscription": "subscription{contacts{totalCount}}",
    "defer": "{... @defer{me{code}}}",
    "nothing": "",
    "a comment": "# {__typename}",
    "an empty selection below": "{contacts{edges{node{}}}}",
    "half": "{me{code}",
    "NUL": "{\0__typename}",
    "a surrogate": '{node(id:"\\uD800"){id}}',
    "a number": "{contacts(first:" + "9" * 40_000 + "){totalCount}}",
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_too_large(some: Documents, step: float, name: str) -> None:
    began = time.thread_time()
    found = some.get(TOO_LARGE[name])
    assert time.thread_time() - began < 20 * step
    assert [type(error.original_error) for error in found.errors] == [TooLarge]


@pytest.mark.parametrize("name", INVALID)
def test_invalid(some: Documents, step: float, name: str) -> None:
    began = time.thread_time()
    found = some.get(INVALID[name])
    assert time.thread_time() - began < 50 * step  # the dearest takes ten
    assert found.errors
    assert len(found.errors) <= 21
    assert "Did you mean" not in "".join(error.message for error in found.errors)


def test_many_operations_are_looked_at_once(some: Documents, step: float) -> None:
    began = time.thread_time()
    found = some.get(" ".join(f"query q{number}{{me{{code}}}}" for number in range(450)))
    assert time.thread_time() - began < 10 * step
    assert len(found.operations) == 450


def test_a_long_text_is_not_parsed(some: Documents) -> None:
    with pytest.raises(TooLarge, match="100000 characters"):
        some.get("{__typename}" + " " * 100_000)


def test_depth_counts_fields_wherever_they_stand() -> None:
    shallow = Documents(SCHEMA, tokens_max=4_000, depth_max=4)
    assert not shallow.get("{contacts{edges{node{id}}}}").errors
    fragments = "{contacts{...A}} fragment A on ContactConnection{edges{...B}}"
    fragments += "fragment B on ContactEdge{node{%s}}"
    assert not shallow.get(fragments % "id").errors
    (error,) = shallow.get(fragments % "person{id}").errors
    assert error.message == "the document is 5 fields deep; the limit is 4"
    assert not shallow.get("{__schema{types{fields{type{ofType{name}}}}}}").errors


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("{me{code}}", "query me"),
        ("query Secret($n:Int){secret:contacts(first:$n){totalCount}}", "query contacts"),
        (
            "{b:me{code} a:cases{totalCount} ...F} fragment F on Query{me{role} regions{code}}",
            "query cases me regions",
        ),
        (
            "{...{...F}} fragment F on Query{...G} fragment G on Query{__typename}",
            "query __typename",
        ),
    ],
)
@pytest.mark.leak(32)
def test_an_operations_title_has_no_word_of_the_clients(
    some: Documents, text: str, title: str
) -> None:
    (operation,) = some.get(text).operations.values()
    assert operation.title == title


def test_documents_are_kept_by_weight(some: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "_KEPT", 1_000)
    few = Documents(SCHEMA, tokens_max=4_000, depth_max=16)
    first = few.get("{__typename}")
    assert few.get("{__typename}") is first
    for number in range(3):
        few.get(f"{{a{number}:__typename}}")
    assert few.get("{__typename}") is first  # used last, so others go
    few.get("{__typename}" + " " * 700)
    assert few.get("{__typename}") is not first


def test_what_is_kept_never_weighs_more_than_it_may() -> None:
    kept: Kept[int, str] = Kept(10)
    kept.keep(1, "a", 4)
    kept.keep(2, "b", 4)
    kept.keep(1, "c", 5)
    assert (kept.get(1, None), kept.get(2, None)) == ("c", "b")
    kept.get(1, None)
    kept.keep(3, "d", 5)
    assert (kept.get(1, None), kept.get(2, None), kept.get(3, None)) == ("c", None, "d")
    kept.keep(4, "e", 11)
    assert [kept.get(number, None) for number in (1, 2, 3, 4)] == [None] * 4
    kept.keep(5, "f", 10)
    assert kept.get(5, None) == "f"
