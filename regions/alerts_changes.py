"""Applications for other rules of detection, and what became of them (requirements E7).

Kept in the gateway's own store and never deleted. The rule that comes of one is a row of
`detection_rules` named `change-<number>`, written in the transaction that sets it.
"""

from __future__ import annotations

from sqlalchemy import Index, Table, text

from regions.metadata import ID, central, primary_key, public, sealed

__all__ = ["RULE_CHANGE_ITEMS", "rule_change_events", "rule_changes"]

RULE_CHANGE_ITEMS = ("reason", "answer")

_OPEN = text("state IN ('AWAITING_APPROVAL', 'AWAITING_SETTING')")

rule_changes = Table(
    "rule_changes",
    central,
    primary_key(),
    public("kind"),  # RuleChangeKind
    public("state"),  # RuleChangeState
    public("prefix"),  # of the area, as a rule has it
    public("code"),  # the same as six digits
    public("disease"),
    public("method"),
    public("parameters"),  # JSON object, as a rule has it
    public("effective_from"),  # the days asked for
    public("effective_to", nullable=True),
    public("applied_by"),  # account
    public("unit_id", index=True),  # of whoever applied
    public("decided_by_unit"),  # the unit that approves and sets
    public("approved_by", nullable=True),
    public("approved_at", nullable=True),
    public("closed_by", nullable=True),  # who set, refused or withdrew it
    public("closed_at", nullable=True),
    sealed(),  # RULE_CHANGE_ITEMS
    public("created_at"),
)
Index("ix_rule_changes_code", rule_changes.c.code, rule_changes.c.created_at)
Index(
    "uq_rule_changes_open",
    rule_changes.c.prefix,
    rule_changes.c.disease,
    unique=True,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)

rule_change_events = Table(
    "rule_change_events",
    central,
    primary_key(),
    public("change_id", ID, index=True),
    public("at"),
    public("actor"),  # account
    public("unit_id"),
    public("event"),  # RuleChangeStep
    public("from_state", nullable=True),
    public("to_state"),
)
