"""Entries as FHIR R4 AuditEvents, by the patterns of IHE Basic Audit Log Patterns (BALP 1.1).

A question becomes `PatientQuery`, one event for each person it read, or `Query` where it read none;
a record asked for by id `Read` or `PatientRead`; a record written `Create` or `Update`, of a person
`PatientCreate` or `PatientUpdate`; what the post delivered between regions is an update. What was
refused follows the same patterns without claiming a profile: they are of successes. Sign-ins and
the gateway's own entries are DICOM's events. People and records are named by the log's commitments,
never by ids.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from resolvers.access_log.commitments import commitments_in

__all__ = ["PROFILES", "audit_events"]

Event = dict[str, Any]

PROFILES = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_TERMS = "http://terminology.hl7.org/CodeSystem/"
_INTERACTION = "http://hl7.org/fhir/restful-interaction"
_ENTITY = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
_OURS = "urn:epigate:"
_SUCCESS, _FAILURE = "0", "8"
_ACTIVITIES = {
    "start": ("110120", "Application Start"),
    "heartbeat": ("110120", "Application Start"),
    "stop": ("110121", "Application Stop"),
}
_LOG_USED = frozenset({"audit", "backup", "begin", "prune"})
_UPDATES = frozenset(
    {
        "acknowledgeAlarm",
        "changeUser",
        "correct",
        "deregisterAdministrator",
        "disableUser",
        "enableUser",
        "renewUser",
        "revokeGrant",
    }
)


def audit_events(number: int, entry: Mapping[str, Any], origin: str) -> Iterator[Event]:
    """The events of an entry (number from 1) of the log of that origin."""
    what = entry.get("what")
    found = _Entry(number, entry, what if isinstance(what, Mapping) else {}, origin)
    for part, event in enumerate(found.events()):
        yield {"resourceType": "AuditEvent", "id": f"entry-{number}.{part}", **event}


class _Entry:
    def __init__(
        self, number: int, said: Mapping[str, Any], what: Mapping[str, Any], origin: str
    ) -> None:
        self._number, self._said, self._what, self._origin = number, said, what, origin
        operation = str(said.get("operation") or "")
        kind, *fields = operation.split()
        self._operation, self._kind, self._fields = operation, kind, fields
        self._success = said.get("result") in ("OK", "PARTIAL")

    def events(self) -> Iterator[Event]:
        """The events."""
        module = self._said.get("module")
        if module == "sign-in":
            yield self._dicom("110114", "User Authentication", *self._sign_in())
        elif module == "gateway":
            known = _ACTIVITIES.get(self._kind)
            if known is not None:
                yield self._dicom("110100", "Application Activity", *known)
            elif self._kind in _LOG_USED:
                yield self._dicom("110101", "Audit Log Used")
            else:  # an administrator's command
                yield self._dicom("110100", "Application Activity")
        elif self._kind in ("mutation", "post"):
            yield from self._written()
        elif self._fields and set(self._fields) <= {"node", "nodes"}:
            yield from self._read()
        else:
            yield from self._queried()

    def _queried(self) -> Iterator[Event]:
        patients = self._commitments("records").get("person", [])
        query = {
            "type": _coding(f"{_TERMS}audit-entity-type", "2", "System Object"),
            "role": _coding(f"{_TERMS}object-role", "24", "Query"),
            "description": self._operation,
            "query": base64.b64encode(self._operation.encode()).decode(),
        }
        for patient in patients:
            entities = [query, _patient(patient)]
            yield self._rest("PatientQuery", "search", "E", ("110153", "110152"), "IRCP", entities)
        if not patients:
            yield self._rest("Query", "search", "E", ("110153", "110152"), "IRCP", [query])

    def _read(self) -> Iterator[Event]:
        records = self._commitments("records")
        for kind, each in records.items():
            for one in each:
                entities = [_data(kind, one)]
                if kind == "person":
                    entities.append(_patient(one))
                profile = "PatientRead" if kind == "person" else "Read"
                yield self._rest(profile, "read", "R", ("110152", "110153"), "IRCP", entities)
        if not records:
            yield from self._queried()  # nothing was there: all that is known is what was asked

    def _written(self) -> Iterator[Event]:
        updates = self._kind == "post" or (bool(self._fields) and set(self._fields) <= _UPDATES)
        name, interaction, action = (
            ("Update", "update", "U") if updates else ("Create", "create", "C")
        )
        wrote = self._commitments("wrote")
        for kind, each in wrote.items():
            for one in each:
                entities = [_data(kind, one)]
                if kind == "person":
                    entities.append(_patient(one))
                profile = f"Patient{name}" if kind == "person" else name
                yield self._rest(
                    profile, interaction, action, ("110153", "110152"), "AUT", entities
                )
        if not wrote:  # refused, or nothing to write
            entities = [_data("operation", self._operation)]
            yield self._rest(name, interaction, action, ("110153", "110152"), "AUT", entities)

    def _rest(
        self,
        profile: str,
        interaction: str,
        action: str,
        roles: tuple[str, str],
        user: str,
        entities: list[Event],
    ) -> Event:
        names = {"110152": "Destination Role ID", "110153": "Source Role ID"}
        client, server = roles
        agents = [
            {
                "type": _concept(_DCM, client, names[client]),
                "who": {"display": self._address},
                "requestor": False,
                "network": {"address": self._address, "type": "2"},
            },
            {
                "type": _concept(_DCM, server, names[server]),
                "who": _identified("gateway", self._origin),
                "requestor": False,
                "network": {"address": self._origin, "type": "1"},
            },
        ]
        users = {"IRCP": "information recipient", "AUT": "author (originator)"}
        system = f"{_TERMS}v3-ParticipationType"
        agents += self._user(_concept(system, user, users[user]))
        meta = {"meta": {"profile": [PROFILES + profile]}} if self._success else {}
        return {
            **meta,
            "type": _coding(f"{_TERMS}audit-event-type", "rest", "RESTful Operation"),
            "subtype": [_coding(_INTERACTION, interaction, interaction)],
            "action": action,
            **self._common(),
            "agent": agents,
            "source": self._source(),
            "entity": [*entities, *self._about()],
        }

    def _dicom(self, code: str, display: str, sub: str = "", sub_display: str = "") -> Event:
        user = self._user(None)
        own = _coding(f"{_OURS}operation", self._operation.replace(" ", "-"))
        client = {
            "type": _concept(_DCM, "110153", "Source Role ID"),
            "who": {"display": self._address},
            "requestor": not user,
            "network": {"address": self._address, "type": "2"},
        }
        return {
            "type": _coding(_DCM, code, display),
            "subtype": [_coding(_DCM, sub, sub_display) if sub else own],
            "action": "E",
            **self._common(),
            "agent": [client, *user],
            "source": self._source(),
            "entity": self._about(),
        }

    def _common(self) -> Event:
        found: Event = {
            "recorded": str(self._said.get("at")),
            "outcome": _SUCCESS if self._success else _FAILURE,
        }
        if self._said.get("result") != "OK":
            found["outcomeDesc"] = str(self._said.get("result"))
        return found

    @property
    def _address(self) -> str:
        return str(self._said.get("address") or self._origin)

    def _user(self, kind: Event | None) -> list[Event]:
        account = self._said.get("account")
        if not account:
            return []
        found: Event = {"type": kind} if kind else {}
        found |= {"who": _identified("account", str(account)), "requestor": True}
        if self._said.get("role"):
            found["role"] = [_concept(f"{_OURS}role", str(self._said["role"]))]
        if self._said.get("purpose"):
            found["purposeOfUse"] = [_concept(f"{_OURS}purpose", str(self._said["purpose"]))]
        return [found]

    def _source(self) -> Event:
        found: Event = {
            "observer": _identified("gateway", self._origin),
            "type": [_coding(f"{_TERMS}security-source-type", "4", "Application Server")],
        }
        if self._said.get("region"):
            found["site"] = str(self._said["region"])
        return found

    def _about(self) -> list[Event]:
        """The request, and the entry itself with what the patterns have no place for."""
        details = {
            "trace": self._said.get("trace"),
            "unit": self._said.get("unit"),
            "unitCode": self._said.get("code"),
            "clear": " ".join(map(str, self._what.get("clear") or ())),
            "masked": " ".join(map(str, self._what.get("masked") or ())),
            "right": " ".join(map(str, self._what.get("reasons") or ())),
            "count": self._what.get("count"),
        }
        entry = {
            "what": _identified("entry", f"{self._origin}#{self._number - 1}"),
            "type": _coding(f"{_OURS}entity", "entry"),
            "detail": [
                {"type": name, "valueString": str(value)}
                for name, value in details.items()
                if value not in (None, "")
            ],
        }
        if not entry["detail"]:
            del entry["detail"]
        request = self._said.get("request")
        if not request:
            return [entry]
        transaction = {
            "what": _identified("request", str(request)),
            "type": _coding(_ENTITY, "XrequestId"),
        }
        return [transaction, entry]

    def _commitments(self, name: str) -> dict[str, list[str]]:
        kinds = self._what.get(name)
        if not isinstance(kinds, Mapping):
            return {}
        return {
            kind: [str(one) for one in commitments_in(each)] for kind, each in kinds.items() if each
        }

    def _sign_in(self) -> tuple[str, str]:
        return ("110123", "Logout") if "out" in self._operation else ("110122", "Login")


def _patient(commitment: str) -> Event:
    return {
        "what": {"type": "Patient", **_identified("person", commitment)},
        "type": _coding(f"{_TERMS}audit-entity-type", "1", "Person"),
        "role": _coding(f"{_TERMS}object-role", "1", "Patient"),
    }


def _data(kind: str, commitment: str) -> Event:
    return {
        "what": _identified(kind, commitment),
        "type": _coding(f"{_TERMS}audit-entity-type", "2", "System Object"),
        "role": _coding(f"{_TERMS}object-role", "4", "Domain Resource"),
    }


def _identified(kind: str, value: str) -> Event:
    return {"identifier": {"system": f"{_OURS}{kind}", "value": value}}


def _coding(system: str, code: str, display: str | None = None) -> Event:
    found = {"system": system, "code": code}
    return found | {"display": display} if display else found


def _concept(system: str, code: str, display: str | None = None) -> Event:
    return {"coding": [_coding(system, code, display)]}
