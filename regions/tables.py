"""All tables, imported: `regional`, `central` and `log_tables` are complete once this module is."""

from __future__ import annotations

from regions import (
    alarms,
    alerts,
    alerts_changes,
    alerts_forms,
    assist,
    assist_notices,
    cases,
    contacts,
    corrections,
    erasures,
    exports,
    idempotency,
    index_keys,
    offices,
    pathways,
    people,
    person_keys,
    post,
    privacy,
    reference,
    shares,
    sign_in,
    signal_messages,
    statistics,
    transfers,
    users,
)
from regions.access_log import log_tables
from regions.metadata import central, regional

__all__ = ["central", "log_tables", "regional"]

_DECLARED = (
    alarms,
    alerts,
    alerts_changes,
    alerts_forms,
    assist,
    assist_notices,
    cases,
    contacts,
    corrections,
    erasures,
    exports,
    idempotency,
    offices,
    index_keys,
    pathways,
    people,
    person_keys,
    post,
    privacy,
    reference,
    shares,
    sign_in,
    signal_messages,
    statistics,
    transfers,
    users,
)
