"""Where values come to rest or leave by, each with what it may hold. Tests hold it to the code.

Whoever adds a root field, a table, a route or something that sends writes a line here, and tests of
the channels that it opens (`python -m tests.docs` counts them).
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["CONTENT", "ROOTS", "ROUTES", "SENDERS", "TABLES"]

CONTENT: Mapping[str, str] = {
    "records": "individual records, masked by the viewer's rules in the store's SQL",
    "written": "the record just written, read back by the same rules",
    "word": "one word about a person, never a value or a place",
    "figures": "numbers over public columns",
    "reference": "regions, diseases, units, rules: nothing of people on record",
    "self": "the viewer's own account",
    "staff": "accounts, applications, rights: names and business data of staff, by right",
    "log": "entries and proofs of the access log: ids, names of fields, no private value",
    "file": "a file prepared for the viewer, by the same statements and masks",
}
"""What a root field may show."""

ROOTS: Mapping[str, str] = {
    "me": "self",
    "node": "records",
    "nodes": "records",
    "regions": "reference",
    "cases": "records",
    "contacts": "records",
    "people": "records",
    "checkDuplicate": "word",
    "chain": "records",
    "counts": "figures",
    "diseases": "reference",
    "units": "reference",
    "registerCase": "written",
    "registerContacts": "written",
    "recordVisit": "written",
    "recordSample": "written",
    "correct": "written",
    "alarms": "log",
    "acknowledgeAlarm": "log",
    "exports": "file",
    "requestExport": "file",
    "decideExport": "file",
    "alarmRaised": "log",
    "privacyRoles": "staff",
    "privacyApplications": "staff",
    "grants": "staff",
    "users": "staff",
    "registrations": "staff",
    "registration": "staff",
    "administratorFilings": "staff",
    "unitOffices": "staff",
    "applyForPrivacyRole": "staff",
    "signPrivacyApplication": "staff",
    "recordPrivacyBriefing": "staff",
    "revokeGrant": "staff",
    "register": "staff",
    "approveRegistration": "staff",
    "fileAdministrator": "staff",
    "decideAdministratorFiling": "staff",
    "withdrawAdministratorFiling": "staff",
    "activateAdministrator": "staff",
    "deregisterAdministrator": "staff",
    "renewUser": "staff",
    "disableUser": "staff",
    "enableUser": "staff",
    "setResponsiblePerson": "staff",
    "setDutyPerson": "staff",
    "setUnitRole": "staff",
}
"""Root field → what it shows (`CONTENT`)."""

TABLES: Mapping[str, str] = {
    "people": "sealed items, public columns, blind indexes",
    "cases": "sealed items, public columns",
    "contacts": "sealed items, public columns",
    "exposures": "sealed items, public columns",
    "visits": "sealed items, public columns",
    "samples": "sealed items, public columns",
    "corrections": "sealed old, new and reason; public values of public fields",
    "daily_counts": "figures by day, disease and county",
    "idempotency": "hashes of keys and inputs, ids and codes of results",
    "sequences": "numbers",
    "units": "reference",
    "diseases": "reference",
    "areas": "reference",
    "area_changes": "reference",
    "accounts": "sealed items of staff",
    "account_events": "staff",
    "registrations": "sealed items of staff",
    "administrator_filings": "sealed items of staff",
    "responsible_persons": "sealed items of staff",
    "duty_persons": "sealed items of staff",
    "unit_roles": "staff",
    "grants": "staff",
    "sessions": "hashes of tokens",
    "second_factors": "sealed secrets of staff",
    "recovery_codes": "hashes of codes",
    "passkeys": "public keys",
    "challenges": "hashes of challenges, and what a passkey or a provider needs to be asked",
    "oidc_identities": "staff",
    "clients": "public keys of machines",
    "used_assertions": "hashes of assertions",
    "alarms": "sealed words of whoever acknowledged it; accounts and numbers of entries",
    "alarm_positions": "numbers",
    "duplicate_checks": "hashes of candidates, for an hour",
    "exports": "what is to be written: names of fields, filters over public columns",
    "index_keys": "numbers of keys, and how far a rotation came",
    "person_keys": "salts: nothing opens without the sealing key",
    "data_requests": "sealed items of staff; what was asked for and decided",
    "emergencies": "sealed items of staff; who, why and until when",
    "emergency_supervisors": "staff",
    "privacy_applications": "sealed items of staff; the form of annex 2",
    "privacy_roles": "staff",
    "privacy_signatures": "sealed items of staff; who signed what",
    "export_downloads": "hashes of files, numbers",
    "sign_in_failures": "hashes of what was tried",
    "entries": "entries of the access log",
    "facts": "entries of the access log, by what they are found by",
    "tiles": "hashes of the access log",
    "checkpoints": "hashes of the access log, signed",
    "cosignatures": "signatures",
}
"""Table → what it may hold. `sealed`: private items, encrypted."""

ROUTES: Mapping[str, str] = {
    "/graphql": "questions; POST alone",
    "/sign-in": "a token for a password; POST alone",
    "/sign-out": "the end of a session; POST alone",
    "/health": "that it serves",
    "/sessions": "one's own sessions",
    "/sign-in/totp": "the secret of one's own second factor",
    "/sign-in/recovery-codes": "one's own recovery codes",
    "/sign-in/passkeys": "one's own passkeys",
    "/token": "a machine client's token; POST alone",
    "/exports": "one's own files, by the statements and masks of lists",
}
"""Path → what is given there."""

SENDERS: Mapping[str, str] = {
    "gateway/_worker.py": "the socket that the gateway listens on",
    "gateway/_listening.py": "the socket that the gateway listens on",
    "gateway/_supervisor.py": "the socket that the gateway listens on",
    "gateway/commands/_client.py": "a question of the operator's to a gateway",
}
"""Source that imports something that could send → what it does with it."""
