"""The rules of IHE Basic Audit Log Patterns (BALP 1.1.4), written down from the published profiles.

What each profile demands of an AuditEvent, as data, and a function that checks an event by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["PROFILES", "Profile", "violations"]

_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_TERMS = "http://terminology.hl7.org/CodeSystem/"
_REST = (f"{_TERMS}audit-event-type", "rest")
_PARTICIPATION = f"{_TERMS}v3-ParticipationType"
_ENTITY_TYPE = f"{_TERMS}audit-entity-type"
_OBJECT_ROLE = f"{_TERMS}object-role"
_X_REQUEST_ID = (
    "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType",
    "XrequestId",
)
_SOURCE, _DESTINATION = (_DCM, "110153"), (_DCM, "110152")
_READERS = frozenset({"IRCP"})
_WRITERS = frozenset({"AUT", "INF", "CST"})


@dataclass(frozen=True)
class Profile:
    """What differs from profile to profile."""

    action: str
    interactions: frozenset[str]  # one of these is a subtype
    client: tuple[str, str]
    server: tuple[str, str]
    users: frozenset[str]  # codes of ParticipationType
    query: bool = False  # entity slice query 1..1, else data 1..1
    patient: bool = False  # entity slice patient 1..1


_SEARCHES = frozenset({"search", "search-type", "search-system"})
_READS = frozenset({"read", "vread"})
_UPDATES = frozenset({"update", "patch"})

PROFILES: Mapping[str, Profile] = {
    "Query": Profile("E", _SEARCHES, _SOURCE, _DESTINATION, _READERS, query=True),
    "PatientQuery": Profile(
        "E", _SEARCHES, _SOURCE, _DESTINATION, _READERS, query=True, patient=True
    ),
    "Read": Profile("R", _READS, _DESTINATION, _SOURCE, _READERS),
    "PatientRead": Profile("R", _READS, _DESTINATION, _SOURCE, _READERS, patient=True),
    "Create": Profile("C", frozenset({"create"}), _SOURCE, _DESTINATION, _WRITERS),
    "PatientCreate": Profile(
        "C", frozenset({"create"}), _SOURCE, _DESTINATION, _WRITERS, patient=True
    ),
    "Update": Profile("U", _UPDATES, _SOURCE, _DESTINATION, _WRITERS),
    "PatientUpdate": Profile("U", _UPDATES, _SOURCE, _DESTINATION, _WRITERS, patient=True),
}


def violations(event: Mapping[str, Any], name: str) -> list[str]:
    """What of a profile an event does not keep."""
    profile, found = PROFILES[name], []

    def demand(holds: bool, what: str) -> None:
        if not holds:
            found.append(what)

    demand(_code(event.get("type")) == _REST, "type = rest")
    subtypes = {_code(one) for one in event.get("subtype", [])}
    wanted = {("http://hl7.org/fhir/restful-interaction", one) for one in profile.interactions}
    demand(len(subtypes & wanted) == 1, "subtype 1..1 of the interactions")
    demand(event.get("action") == profile.action, "action")
    demand(bool(event.get("recorded")), "recorded 1..1")
    demand(event.get("outcome") == "0", "outcome = success")
    agents = event.get("agent", [])
    demand(len(agents) >= 2, "agent 2..")
    for slice_name, code in (("client", profile.client), ("server", profile.server)):
        those = [one for one in agents if code in _codes(one.get("type"))]
        demand(len(those) == 1, f"agent[{slice_name}] 1..1")
        for one in those:
            demand(bool(one.get("who")), f"agent[{slice_name}].who 1..1")
            demand(bool(one.get("network")), f"agent[{slice_name}].network 1..1")
            demand("media" not in one, f"agent[{slice_name}].media 0..0")
    codes = {(_PARTICIPATION, code) for code in profile.users}
    users = [one for one in agents if codes & _codes(one.get("type"))]
    demand(len(users) <= 1, "agent[user] 0..1")
    for one in users:
        demand(bool(one.get("who")), "agent[user].who 1..1")
        demand(one.get("requestor") is True, "agent[user].requestor = true")
        demand("media" not in one and "network" not in one, "agent[user].media, .network 0..0")
    demand(bool(event.get("source", {}).get("observer")), "source.observer 1..1")
    entities = event.get("entity", [])
    demand(bool(entities), "entity 1..")
    transactions = [one for one in entities if _code(one.get("type")) == _X_REQUEST_ID]
    demand(len(transactions) <= 1, "entity[transaction] 0..1")
    for one in transactions:
        value = one.get("what", {}).get("identifier", {}).get("value")
        demand(bool(value), "entity[transaction].what.identifier.value 1..1")
    objects = [one for one in entities if _code(one.get("type")) == (_ENTITY_TYPE, "2")]
    demand(len(objects) == 1, "entity[query] or entity[data] 1..1")
    for one in objects:
        role = _code(one.get("role"))
        if profile.query:
            demand(role == (_OBJECT_ROLE, "24"), "entity[query].role = Query")
            demand(bool(one.get("query")), "entity[query].query 1..1")
            forbidden = {"what", "lifecycle", "detail"} & set(one)
            demand(not forbidden, "entity[query].what, .lifecycle, .detail 0..0")
        else:
            allowed = {(_OBJECT_ROLE, code) for code in ("3", "4", "20")}
            demand(role in allowed, "entity[data].role")
            demand(bool(one.get("what")), "entity[data].what 1..1")
    patients = [one for one in entities if _code(one.get("type")) == (_ENTITY_TYPE, "1")]
    if profile.patient:
        demand(len(patients) == 1, "entity[patient] 1..1")
        for one in patients:
            demand(_code(one.get("role")) == (_OBJECT_ROLE, "1"), "entity[patient].role = Patient")
            demand(one.get("what", {}).get("type") == "Patient", "entity[patient].what a Patient")
    return found


def _code(coding: Any) -> tuple[Any, Any]:
    found = coding or {}
    return found.get("system"), found.get("code")


def _codes(concept: Any) -> set[tuple[Any, Any]]:
    return {_code(one) for one in (concept or {}).get("coding", [])}
