"""Which roles may ask for which root field: a row each, from which the manual's table is made.

A row says who may ask at all; which records or accounts then come into it (jurisdiction, own unit,
grants) is decided where they are read. A root field without a row is for nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from regions.errors import Forbidden
from resolvers.actions import require_action
from resolvers.users import BUSINESS_ROLES, Role, Viewer

__all__ = ["RIGHTS", "Right", "holds", "is_open", "require"]

_EVERYONE = frozenset(Role)
_AUDITOR = frozenset({Role.AUDITOR})
_WATCHERS = frozenset({Role.AUDITOR, Role.SECURITY_ADMINISTRATOR})
_DECIDERS = frozenset({Role.BUSINESS_ADMINISTRATOR})
_STAFF = _EVERYONE - {Role.REGIONAL_SYSTEM}  # people: a machine signs nothing
_OFFICERS = BUSINESS_ROLES & _STAFF
_DISEASE_CONTROL = BUSINESS_ROLES - {Role.DIRECT_REPORTER}  # signals are not for hospitals
_ABOVE = _DECIDERS | {Role.SYSTEM_ADMINISTRATOR}  # of the country, for the country's
_ADMINISTRATORS = _ABOVE | {Role.SECURITY_ADMINISTRATOR}


@dataclass(frozen=True, slots=True)
class Right:
    """Who may ask for a root field. `strangers`: without a session, too."""

    roles: frozenset[Role]
    strangers: bool = False


RIGHTS: Mapping[str, Right] = {
    "me": Right(_EVERYONE),
    "node": Right(BUSINESS_ROLES),
    "nodes": Right(BUSINESS_ROLES),
    "regions": Right(_EVERYONE),
    "cases": Right(BUSINESS_ROLES),
    "contacts": Right(BUSINESS_ROLES),
    "people": Right(BUSINESS_ROLES),
    "checkDuplicate": Right(BUSINESS_ROLES),
    "chain": Right(BUSINESS_ROLES),
    "counts": Right(BUSINESS_ROLES),
    "diseases": Right(_EVERYONE),
    "units": Right(_EVERYONE),
    "transfers": Right(BUSINESS_ROLES),
    "custody": Right(BUSINESS_ROLES),
    "transfersInFlight": Right(BUSINESS_ROLES),
    "resendTransfer": Right(BUSINESS_ROLES),
    "assistRequests": Right(BUSINESS_ROLES),
    "assistIndicators": Right(BUSINESS_ROLES),
    "assistRequestChanged": Right(BUSINESS_ROLES),
    "createAssistRequest": Right(BUSINESS_ROLES),
    "importAssistPeople": Right(BUSINESS_ROLES),
    "submitAssistRequest": Right(BUSINESS_ROLES),
    "withdrawAssistRequest": Right(BUSINESS_ROLES),
    "amendAssistRequest": Right(BUSINESS_ROLES),
    "attachToAssistRequest": Right(BUSINESS_ROLES),
    "acknowledgeAssistRequest": Right(BUSINESS_ROLES),
    "readAssistRequest": Right(BUSINESS_ROLES),
    "refuseAssistRequest": Right(BUSINESS_ROLES),
    "forwardAssistRequest": Right(BUSINESS_ROLES),
    "assignAssistRequest": Right(BUSINESS_ROLES),
    "reportAssistPerson": Right(BUSINESS_ROLES),
    "feedBackAssistRequest": Right(BUSINESS_ROLES),
    "closeAssistRequest": Right(BUSINESS_ROLES),
    "askMoreOfAssistRequest": Right(BUSINESS_ROLES),
    "decideAssistExclusion": Right(BUSINESS_ROLES),
    "offerTransfer": Right(BUSINESS_ROLES),
    "acceptTransfer": Right(BUSINESS_ROLES),
    "refuseTransfer": Right(BUSINESS_ROLES),
    "cancelTransfer": Right(BUSINESS_ROLES),
    "recordArrival": Right(BUSINESS_ROLES),
    "transferChanged": Right(BUSINESS_ROLES),
    "aggregates": Right(BUSINESS_ROLES | {Role.ANALYST}),
    "exports": Right(BUSINESS_ROLES | _DECIDERS),
    "registerCase": Right(BUSINESS_ROLES),
    "registerContacts": Right(BUSINESS_ROLES),
    "recordVisit": Right(BUSINESS_ROLES),
    "recordSample": Right(BUSINESS_ROLES),
    "signals": Right(_DISEASE_CONTROL),
    "signalMessages": Right(_DISEASE_CONTROL),
    "signalReport": Right(_DISEASE_CONTROL),
    "detectionRules": Right(_EVERYONE),
    "detect": Right(_DISEASE_CONTROL),
    "signalRaised": Right(_DISEASE_CONTROL),
    "tuneDetection": Right(_DISEASE_CONTROL),
    "ruleChanges": Right((_DISEASE_CONTROL & _STAFF) | _DECIDERS | _AUDITOR),
    "applyForRuleChange": Right(_DISEASE_CONTROL & _STAFF),
    "decideRuleChange": Right((_DISEASE_CONTROL & _STAFF) | _DECIDERS),
    "viewSignal": Right(_DISEASE_CONTROL & _STAFF),
    "startVerification": Right(_DISEASE_CONTROL & _STAFF),
    "fileAbnormalInformationCard": Right(_DISEASE_CONTROL & _STAFF),
    "startInvestigation": Right(_DISEASE_CONTROL & _STAFF),
    "endInvestigation": Right(_DISEASE_CONTROL & _STAFF),
    "fileInvestigationForm": Right(_DISEASE_CONTROL & _STAFF),
    "attachToSignal": Right(_DISEASE_CONTROL & _STAFF),
    "pathway": Right(BUSINESS_ROLES),
    "overdue": Right(BUSINESS_ROLES),
    "followUpSheet": Right(BUSINESS_ROLES),
    "publicFigures": Right(_OFFICERS - {Role.DIRECT_REPORTER}),
    "advancePathway": Right(BUSINESS_ROLES),
    "becameOverdue": Right(BUSINESS_ROLES),
    "correct": Right(BUSINESS_ROLES | {Role.SYSTEM_ADMINISTRATOR}),
    "accessLog": Right(_AUDITOR),
    "accessLogCheckpoint": Right(_AUDITOR),
    "accessLogProof": Right(_AUDITOR),
    "accessLogConsistency": Right(_AUDITOR),
    "alarms": Right(_WATCHERS),
    "acknowledgeAlarm": Right(_WATCHERS),
    "alarmRaised": Right(_WATCHERS),
    "requestExport": Right(BUSINESS_ROLES),
    "decideExport": Right(BUSINESS_ROLES | _DECIDERS),
    "privacyRoles": Right(_STAFF),
    "privacyApplications": Right(_STAFF),
    "grants": Right(_EVERYONE),
    "applyForPrivacyRole": Right(_OFFICERS),
    "signPrivacyApplication": Right(_OFFICERS | {Role.BUSINESS_ADMINISTRATOR}),
    "emergencyAccesses": Right(_STAFF),
    "dataRequests": Right(_STAFF),
    "breakGlass": Right(_OFFICERS),
    "reviewEmergencyAccess": Right(_STAFF),
    "requestData": Right(_OFFICERS),
    "decideDataRequest": Right(_OFFICERS | {Role.BUSINESS_ADMINISTRATOR}),
    "recordPrivacyBriefing": Right(frozenset({Role.BUSINESS_ADMINISTRATOR})),
    "revokeGrant": Right(
        BUSINESS_ROLES | {Role.BUSINESS_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR}
    ),
    "withdrawPrivacyRole": Right(
        frozenset({Role.BUSINESS_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR})
    ),
    "erasures": Right(frozenset({Role.SECURITY_ADMINISTRATOR, Role.AUDITOR})),
    "requestErasure": Right(frozenset({Role.SECURITY_ADMINISTRATOR})),
    "confirmErasure": Right(frozenset({Role.SECURITY_ADMINISTRATOR})),
    "users": Right(_ADMINISTRATORS),
    "registrations": Right(_DECIDERS),
    "registration": Right(_EVERYONE, strangers=True),
    "administratorFilings": Right(_EVERYONE),
    "unitOffices": Right(_EVERYONE),
    "register": Right(_EVERYONE, strangers=True),
    "approveRegistration": Right(_DECIDERS),
    "refuseRegistrations": Right(_DECIDERS),
    "fileAdministrator": Right(_OFFICERS | _ABOVE),
    "decideAdministratorFiling": Right(_ABOVE),
    "withdrawAdministratorFiling": Right(_OFFICERS | _ABOVE),
    "activateAdministrator": Right(_ABOVE),
    "deregisterAdministrator": Right(_ABOVE),
    "renewUser": Right(_ADMINISTRATORS),
    "changeUser": Right(_ADMINISTRATORS),
    "disableUser": Right(_ADMINISTRATORS - {Role.SYSTEM_ADMINISTRATOR}),
    "enableUser": Right(_ADMINISTRATORS - {Role.SYSTEM_ADMINISTRATOR}),
    "setResponsiblePerson": Right(_DECIDERS),
    "setDutyPerson": Right(_OFFICERS | _DECIDERS),
    "endDutyPerson": Right(_DECIDERS),
    "setDutyRoster": Right(_DECIDERS),
    "setDiseaseWatches": Right(_DECIDERS),
    "setUnitRole": Right(frozenset({Role.SYSTEM_ADMINISTRATOR})),
}
"""Root field → who may ask for it."""


def is_open(field: str) -> bool:
    """Whether the root field may be asked for without a session."""
    right = RIGHTS.get(field)
    return right is not None and right.strangers


def holds(viewer: Viewer, field: str) -> bool:
    """Whether the viewer's role may ask for the root field."""
    right = RIGHTS.get(field)
    return right is not None and viewer.role in right.roles


def require(viewer: Viewer, field: str) -> None:
    """Raises Forbidden where the viewer's role may not ask for the root field."""
    require_action(viewer, (field,))
    if not holds(viewer, field):
        raise Forbidden(
            f"the role {viewer.role.value} may not ask for {field}",
            hint="the manual's table of roles and rights says who may",
        )
