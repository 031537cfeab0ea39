"""Who may see what: the decision is pure, and the roots open records to business roles alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from regions.errors import Forbidden
from regions.ids import first_id
from resolvers.catalog import RECORDS, private_fields
from resolvers.privacy import (
    Decision,
    Scope,
    decide,
    granted_rules,
    in_force,
    require_records,
    rules,
    scope,
)
from resolvers.users import BUSINESS_ROLES, Role
from schema.privacy import PrivateItem
from tests.answering import EVERY_TYPE, NATIONAL, Gateway, grant, viewer

_REPORTER = viewer("320104", Role.DIRECT_REPORTER, account="doctor-1", unit="hospital-320104-1")
_RECORDS = [
    RECORDS[name] for name in sorted({owner for owner, _ in private_fields()} & set(RECORDS))
]
"""The types with private items."""
_FILED = {"AbnormalInformationCard", "InvestigationForm", "SignalAttachment"}
"""What is filed on a signal: its words are seen as its cases are."""


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("record", _RECORDS, ids=lambda record: record.name)
def test_every_role_is_masked_or_denied_without_a_reason(role: Role, record: object) -> None:
    somebody = viewer("320104", role)
    expected = Decision.MASK if role in BUSINESS_ROLES else Decision.DENY
    for item in PrivateItem:
        assert decide(somebody, record, item, code="320104", reporter="x") is expected  # type: ignore[arg-type]  # wrong or wider on purpose


@pytest.mark.parametrize("role", [role for role in Role if role not in BUSINESS_ROLES])
def test_an_administrators_grant_opens_nothing(role: Role) -> None:
    somebody = viewer(role=role, grants=[grant()])
    assert decide(
        somebody, RECORDS["Contact"], PrivateItem.NAME, code="320104", reporter="officer"
    ) is (Decision.DENY)
    with pytest.raises(Forbidden, match="never opens individual records"):
        require_records(somebody)


@pytest.mark.parametrize("item", PrivateItem)
def test_a_direct_reporter_sees_every_item_of_its_own_records_alone(item: PrivateItem) -> None:
    def decided(reporter: str | None) -> Decision:
        return decide(_REPORTER, RECORDS["Contact"], item, code="320104", reporter=reporter)

    assert decided("doctor-1") is Decision.SHOW
    assert decided("doctor-2") is decided(None) is decided("") is Decision.MASK


def test_the_account_of_another_role_is_no_reporter() -> None:
    somebody = viewer("320104", account="doctor-1")
    assert rules(somebody, RECORDS["Case"]) == ()


@pytest.mark.parametrize(
    ("code", "shown"),
    [("320104", True), ("320105", True), ("320200", False), ("330104", False), ("321104", False)],
)
def test_a_grant_holds_for_its_code_and_all_below(code: str, shown: bool) -> None:
    somebody = viewer(grants=[grant("320100")])
    decided = decide(somebody, RECORDS["Case"], PrivateItem.NAME, code=code, reporter=None)
    assert (decided is Decision.SHOW) is shown


@pytest.mark.parametrize(
    ("types", "opens"),
    [
        ({"CASE"}, {"Case", "Exposure", *_FILED}),
        ({"CONTACT"}, {"Contact"}),
        ({"VISIT"}, {"Visit"}),
        ({"SAMPLE"}, {"Sample"}),
        ({"TRANSFER"}, {"TransferPerson"}),
        ({"ASSIST_REQUEST"}, {"AssistRequest", "AssistPerson", "AssistAttachment"}),
        ({"CASE", "CONTACT"}, {"Case", "Exposure", "Contact", "Person", *_FILED}),
        (EVERY_TYPE, {record.name for record in _RECORDS}),
    ],
)
def test_a_grant_opens_the_types_it_names(types: set[str], opens: set[str]) -> None:
    somebody = viewer(grants=[grant(types=frozenset(types))])
    assert {record.name for record in _RECORDS if rules(somebody, record)} == opens


@pytest.mark.leak(31, 45)
def test_a_history_holds_any_item_so_it_needs_them_all() -> None:
    every_type = viewer(grants=[grant(items=frozenset({"NAME", "REMARKS"}))])
    assert rules(every_type, RECORDS["Correction"]) == ()
    assert rules(every_type, RECORDS["Contact"]) != ()


@pytest.mark.parametrize(
    ("starts_at", "ends_at"),
    [
        ("2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z"),
        ("2098-01-01T00:00:00Z", "2099-01-01T00:00:00Z"),
    ],
    ids=["expired", "not yet"],
)
def test_a_grant_out_of_force_opens_nothing(starts_at: str, ends_at: str) -> None:
    somebody = viewer(grants=[grant(starts_at=starts_at, ends_at=ends_at)])
    assert rules(somebody, RECORDS["Contact"]) == ()


def test_the_scope_is_the_jurisdiction_and_for_reporters_what_their_unit_reported() -> None:
    assert scope(NATIONAL) == Scope("")
    assert scope(viewer("320000")) == Scope("32")
    assert scope(viewer("321000")) == Scope("3210")
    assert scope(viewer("320104")) == Scope("320104")
    assert scope(_REPORTER) == Scope("320104", "hospital-320104-1")


_CONTACT = f"contact:{first_id('3201') + 1}"
_ROOTS = (
    "cases { totalCount }",
    "contacts { edges { node { id } } }",
    f'node(id: "{_CONTACT}") {{ id }}',
    f'nodes(ids: ["{_CONTACT}"]) {{ id }}',
    'people(search: { phone: "1" }) { matches { id } }',
    'checkDuplicate(candidate: { phone: "1" }) { exists }',
    f'chain(root: "{_CONTACT}") {{ truncated }}',
    'counts(diseases: ["measles"], codes: ["000000"], from: "2026-01-01", to: "2026-01-01")'
    " { code }",
)


@pytest.mark.parametrize("root", _ROOTS)
def test_roles_that_open_no_records_are_refused_everywhere(gateway: Gateway, root: str) -> None:
    for role in Role:
        asked = gateway.ask(f"{{ {root} }}", viewer(role=role))
        if role in BUSINESS_ROLES:
            assert "FORBIDDEN" not in asked.codes or root.startswith("people")
            assert gateway.reads or "people" in root
        else:
            assert asked.codes == ["FORBIDDEN"]
            assert not gateway.reads


@pytest.mark.parametrize(
    "root",
    [*_ROOTS, "me { account }", "diseases { id }", "regions { code }", "units { totalCount }"],
)
def test_nobody_without_a_session_is_answered(gateway: Gateway, root: str) -> None:
    asked = gateway.ask(f"{{ {root} }}", None)
    assert asked.codes == ["UNAUTHENTICATED"]
    assert not gateway.reads
    assert gateway.ask("{ __typename }", None).data == {"__typename": "Query"}


def test_a_grant_for_one_person_opens_nobody_else() -> None:
    somebody = viewer(grants=[replace(grant("320100"), person=17)])

    def decided(person: int | None, code: str = "320104") -> Decision:
        return decide(
            somebody, RECORDS["Contact"], PrivateItem.NAME, code=code, reporter=None, person=person
        )

    assert decided(17) is Decision.SHOW
    assert decided(18) is decided(None) is decided(17, "330104") is Decision.MASK


def test_an_emergency_has_a_label_of_its_own() -> None:
    somebody = viewer(grants=[grant(), replace(grant("320000"), id="e", emergency=True)])
    labels = [rule.label for rule in rules(somebody, RECORDS["Case"])]
    assert labels[0].startswith("grant:g-")
    assert labels[1:] == ["emergency:e"]


def test_one_operation_is_decided_by_one_moment() -> None:
    ended, holds = grant("320100", ends_at="2021-01-01T00:00:00Z"), grant("320000")
    settled = in_force(viewer(grants=[ended, holds]))
    assert settled.grants == (holds,)
    assert in_force(settled) is settled
    assert granted_rules(settled, RECORDS["Case"]) == rules(settled, RECORDS["Case"])
