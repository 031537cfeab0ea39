"""Refusals say what was expected, and neither values that were sent nor names that were not."""

from __future__ import annotations

from typing import Any

import pytest

from regions.ids import first_id
from tests.answering import NATIONAL, Gateway
from tests.resolvers.test_arguments import same

_SECRET = "张三320102199001011234"


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("query ($s: PersonSearch!) { people(search: $s) { matches { id } } }", {"s": value})
        for value in (
            _SECRET,
            [_SECRET],
            {"idNumber": [_SECRET]},
            {"idNumber": {_SECRET: 1}},
            {"phone": {"a": {"b": [_SECRET]}}},
            {"birthDate": _SECRET},
            {"name": {"name": _SECRET}, "birthDate": _SECRET},
            {"idNumber": 320102199001011234},
            {"phone": 1.3912345678e10, "name": _SECRET},
            {_SECRET: _SECRET},
        )
    ]
    + [
        (f"{{ people(search: {text}) {{ matches {{ id }} }} }}", None)
        for text in (
            f'"{_SECRET}"',
            f'{{ birthDate: "{_SECRET}" }}',
            "{ idNumber: 320102199001011234 }",
            "{ idNumber: 320102199001011234X }",
            "{ idNumber: zhangsan }",
            "{ name: zhangsan, birthDate: zhangsan }",
            f"{{ name: {_SECRET} }}",
            f'{{ name "{_SECRET}" }}',
            f'{{ name: "{_SECRET}',
            f'{{ name: """{_SECRET}""" "{_SECRET}" }}',
            f'{{ name: "\\u{_SECRET}" }}',
            "{ phone: 13912345678.x }",
            "{ phone: .13912345678 }",
            "{ phone: 0013912345678 }",
            '{ phone: "1" zhangsan }',
            f"{{ phone: '{_SECRET}' }}",
            f'{{ phone: ["{_SECRET}"] }}',
            f'[{{ phone: "{_SECRET}" }}, {{ phone: "{_SECRET}" }}]',
        )
    ]
    + [
        (f"{{ contacts(filter: {{ level: {v} }}) {{ totalCount }} }}", None)
        for v in ("zhangsan", f'"{_SECRET}"', "13912345678")
    ]
    + [
        ("query ($l: [ContactLevel!]) { contacts(filter: { level: $l }) { totalCount } }", {"l": v})
        for v in (_SECRET, [_SECRET], {"zhangsan": 1}, 13912345678)
    ]
    + [(f"{{ node(id: {v}) {{ id }} }}", None) for v in (13.5, "true", f'["{_SECRET}", 1]')]
    + [("query ($i: ID!) { node(id: $i) { id } }", {"i": v}) for v in ([_SECRET], {"a": _SECRET})],
)
def test_leak_19_no_message_tells_a_value_the_client_sent(
    gateway: Gateway, query: str, variables: Any
) -> None:
    asked = same(gateway, query, variables)
    assert asked.errors
    told = asked.answer.body.decode()
    for secret in ("张三", "19900101", "zhangsan", "13912345678", "1.39", "true", "13.5"):
        assert secret not in told, told


def test_leak_33_no_message_suggests_a_name(gateway: Gateway) -> None:
    for query, variables in (
        ("{ contact { id } }", None),
        ("{ contacts { edges { node { nam } } } }", None),
        ("{ contacts(fist: 1) { totalCount } }", None),
        ("{ contacts(filter: { leve: [CLOSE] }) { totalCount } }", None),
        ("{ contacts(filter: { level: [CLOS] }) { totalCount } }", None),
        ("query ($f: ContactFilter) { contacts(filter: $f) { totalCount } }", {"f": {"leve": []}}),
        (
            "query ($f: ContactFilter) { contacts(filter: $f) { totalCount } }",
            {"f": {"level": ["CLOS"]}},
        ),
        ("query ($f: ContactFiltr) { contacts(filter: $f) { totalCount } }", {}),
        ("{ contacts { ... on Contac { id } } }", None),
    ):
        asked = same(gateway, query, variables)
        assert asked.answer.status == 400
        assert "mean" not in asked.answer.body.decode()


def test_a_failure_without_a_name_tells_nothing(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("resolvers.questions.root.regions_now", lambda context: 1 / 0)
    asked = gateway.ask("{ regions { code } }")
    assert asked.codes == ["INTERNAL"]
    assert "division" not in asked.answer.body.decode()
    assert "ZeroDivisionError" in caplog.text


def test_ids_of_nobody_are_no_failure(gateway: Gateway) -> None:
    ids = ["", "x", "case:", "case:x", "case:-1", "case:" + "9" * 30, "unit:1", "correction:1"]
    ids += [f"case:{first_id('110000') + 1}", f"Case:{first_id('3201') + 1}", "case:１"]
    asked = gateway.ask("query ($i: [ID!]!) { nodes(ids: $i) { id } }", NATIONAL, {"i": ids})
    assert asked.data == {"nodes": [None] * len(ids)}
    assert asked.errors == []
