"""A letter as GraphQL gives it to a viewer, to the letter that is printed (C7).

The questions are asked as the viewer, by the same executor as everybody's: so the page has what the
viewer's list has, masked the same, and the access log names the same records.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resolvers.assist.letter import Letter, Printed

__all__ = ["ATTACHMENT", "COPIES", "LETTER", "UNITS", "choose_copy", "printed_letter", "unit_ids"]

COPIES = """query copies($number: String!) {
  assistRequests(filter: {number: [$number]}, first: 10) {
    edges { node { id side fromUnit toUnit } } regions { code state } } }"""
"""Which copies of a letter there are for the viewer."""

LETTER = """query print($id: ID!) { node(id: $id) { ... on AssistRequest {
  number version state fromUnit toUnit toCode parentNumber sentAt
  disease { nameZh } caseClassification caseOnsetOn caseName caseSex caseAge casePhone
  asked acknowledgeDue controlDue feedbackDue remarks copiedTo peopleCount
  people { position level manner lastContactOn whereaboutsCode state name sex age idNumber phone
    employer residence whereabouts seat remarks } } } }"""
"""One copy, whole."""

ATTACHMENT = """query file($id: ID!) { node(id: $id) { ... on AssistAttachment {
  number fileName mediaType } } }"""
"""A file that goes with a letter."""

UNITS = "query units($ids: [ID!]!) { units(filter: {ids: $ids}) { edges { node { id nameZh } } } }"
"""The names of its units."""


def choose_copy(edges: list[Mapping[str, Any]], unit_id: str) -> str | None:
    """The id of the copy to print: that of the viewer's own unit, else the receiver's, which says
    what happened. None where there is none.
    """
    nodes = [edge["node"] for edge in edges]
    ranked = sorted(
        nodes,
        key=lambda one: (
            one["fromUnit" if one["side"] == "SENT" else "toUnit"] != unit_id,
            one["side"] == "SENT",
        ),
    )
    return str(ranked[0]["id"]) if ranked else None


def unit_ids(node: Mapping[str, Any]) -> list[str]:
    """The units whose names are printed."""
    found = [node["fromUnit"], node["toUnit"], *node["copiedTo"]]
    return sorted({one for one in found if one})


def printed_letter(node: Mapping[str, Any], units: Mapping[str, str]) -> Letter:
    """The letter of a copy. `units` are names by id; one that is not known is printed as its id."""
    people = tuple(
        _person(one) for one in sorted(node["people"], key=lambda one: int(one["position"]))
    )
    lost = node["peopleCount"] - len(people)

    def name(unit: str | None) -> str:
        return units.get(unit or "", unit or "") or _text(node["toCode"])

    return Letter(
        number=node["number"],
        version=node["version"],
        state=node["state"],
        from_name=name(node["fromUnit"]),
        to_name=name(node["toUnit"]),
        sent_at=_text(node["sentAt"]),
        disease=node["disease"]["nameZh"],
        classification=_text(node["caseClassification"]),
        onset_on=_text(node["caseOnsetOn"]),
        case_name=_text(node["caseName"]),
        case_sex=_text(node["caseSex"]),
        case_age=_text(node["caseAge"]),
        case_phone=_text(node["casePhone"]),
        asked=tuple(node["asked"]),
        acknowledge_due=_text(node["acknowledgeDue"]),
        control_due=_text(node["controlDue"]),
        feedback_due=_text(node["feedbackDue"]),
        remarks=_text(node["remarks"]),
        copies=tuple(name(one) for one in node["copiedTo"]),
        people=people,
        parent_number=_text(node["parentNumber"]),
        missing=f"有 {lost} 名人员的信息未能读取，名单不完整。" if lost > 0 else "",
    )


def _person(one: Mapping[str, Any]) -> Printed:
    return Printed(
        position=int(one["position"]),
        name=_text(one["name"]),
        sex=_text(one["sex"]),
        age=_text(one["age"]),
        id_number=_text(one["idNumber"]),
        phone=_text(one["phone"]),
        level=one["level"],
        manner=tuple(one["manner"]),
        last_contact_on=_text(one["lastContactOn"]),
        employer=_text(one["employer"]),
        residence=_text(one["residence"]),
        whereabouts=_text(one["whereabouts"]),
        whereabouts_code=_text(one["whereaboutsCode"]),
        seat=_text(one["seat"]),
        remarks=_text(one["remarks"]),
        state=one["state"],
    )


def _text(value: str | int | None) -> str:
    return "" if value is None else str(value)
