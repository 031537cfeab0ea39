"""Alarms over the access log, how far it was watched, and who checked for duplicates (G6, F2)."""

from __future__ import annotations

from sqlalchemy import Index, Integer, Table, UniqueConstraint

from regions.metadata import central, internal, public, sealed

__all__ = ["ALARM_ITEMS", "alarm_positions", "alarms", "duplicate_checks"]

ALARM_ITEMS = ("note",)
"""What is sealed of an alarm: what whoever looked into it wrote."""

alarms = Table(
    "alarms",
    central,
    public("id", Integer(), primary_key=True, autoincrement=True),
    public("rule"),
    public("subject"),  # `account:<login name>`, `address:<network address>`, `region:<code>`
    public("window"),  # the first instant of the window, or what else the rule is raised once for
    public("account", nullable=True),
    public("unit_id", nullable=True),
    public("code", nullable=True),  # of the account's unit; null where there is no account
    public("raised_at"),
    public("first_entry", Integer()),  # numbers in the access log
    public("last_entry", Integer()),
    public("found", Integer()),
    public("threshold", Integer()),
    public("acknowledged_at", nullable=True),
    public("acknowledged_by", nullable=True),
    public("finding", nullable=True),
    sealed(nullable=True),
    UniqueConstraint("rule", "subject", "window"),
    sqlite_autoincrement=True,
)
Index("ix_alarms_code", alarms.c.code)

# The last entry of a log that was looked at, written with the alarms it raised: a crash in between
# neither loses one nor raises one twice.
alarm_positions = Table(
    "alarm_positions",
    central,
    internal("log", primary_key=True),
    internal("number", Integer()),
)

# Candidates of the last hour, as keyed hashes: `near` is the same for numbers that differ in their
# last digits only, so that trying them out one after the other shows without keeping any of them.
duplicate_checks = Table(
    "duplicate_checks",
    central,
    internal("id", Integer(), primary_key=True, autoincrement=True),
    internal("account"),
    internal("at"),
    internal("candidate"),
    internal("near", nullable=True),
)
Index("ix_duplicate_checks_account_at", duplicate_checks.c.account, duplicate_checks.c.at)
Index("ix_duplicate_checks_at", duplicate_checks.c.at)
for _name in ("candidate", "near"):
    Index(
        f"ix_duplicate_checks_account_{_name}",
        duplicate_checks.c.account,
        duplicate_checks.c[_name],
        duplicate_checks.c.at,
    )
