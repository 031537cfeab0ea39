"""Signals, the nights that computed them, and the rules they come from (requirements E).

A signal lies in the store of its county's region. Every (rule, county, disease, day) is one slot,
and so is every card of a single-case disease in its county: a second run finds the slot taken.
The row of a night is written in the transaction of its signals.
"""

from __future__ import annotations

from sqlalchemy import Float, Index, Integer, PrimaryKeyConstraint, Table, UniqueConstraint

from regions.metadata import ID, central, internal, primary_key, public, regional

__all__ = [
    "cluster_regions",
    "detection_nights",
    "detection_rules",
    "signal_counties",
    "signal_events",
    "signals",
]

signals = Table(
    "signals",
    regional,
    primary_key(),
    public("number"),  # code of the county, day, serial of that county and day (E6)
    public("kind"),  # SINGLE_CASE STATISTICAL CLUSTER
    public("code"),  # the county; of a cluster the one with the most cases
    public("disease"),
    public("day"),  # that it was raised for: the last day counted, or the card's day of report
    internal("slot"),  # what more than rule, county, disease and day makes it one: the card's id
    public("rule_id"),
    public("rule_version", Integer()),
    public("method"),
    public("observed", Float()),
    public("expected", Float(), nullable=True),
    public("bound", Float(), nullable=True),
    public("score", Float(), nullable=True),
    public("cases", Integer()),  # of the seven days up to and with `day`
    public("deaths", Integer()),
    public("data_version"),  # the newest record its counts had seen, by its number
    public("case_id", ID, nullable=True),  # the card, of a single case
    public("members", nullable=True),  # counties of a cluster, as JSON
    public("state"),  # of the lifecycle of table E
    public("detected_at"),
    public("sent_at", nullable=True),
    public("viewed_at", nullable=True),
    public("answered_at", nullable=True),  # the first abnormal information card
    public("absorbed_into", ID, nullable=True, index=True),  # an open one, of the same spell
    public("repeats", Integer(), default=0, server_default="0"),  # how many it absorbed
    public("event_id", ID, nullable=True, index=True),
    public("updated_at"),
    public("version", Integer(), default=1, server_default="1"),  # what a form was filled in for
    public("window_days", Integer(), nullable=True),  # of a cluster, as what follows
    public("relative_risk", Float(), nullable=True),
    public("probability", Float(), nullable=True),
    public("recurrence_days", Float(), nullable=True),
    public("missing_regions", nullable=True),  # that were not read, as JSON
    UniqueConstraint("number", name="uq_signals_number"),
    UniqueConstraint("rule_id", "code", "disease", "day", "slot", name="uq_signals_slot"),
    UniqueConstraint("case_id", "disease", "code", name="uq_signals_card"),
)
Index("ix_signals_detected", signals.c.detected_at, signals.c.id)
Index("ix_signals_code_detected", signals.c.code, signals.c.detected_at, signals.c.id)
Index("ix_signals_kind_detected", signals.c.kind, signals.c.detected_at, signals.c.id)
Index("ix_signals_spell", signals.c.code, signals.c.disease, signals.c.state)
Index("ix_signals_state", signals.c.state, signals.c.detected_at)

# Every county of a cluster: whoever oversees one of them may open the signal. Looked for by county.
signal_counties = Table(
    "signal_counties",
    regional,
    public("code"),
    public("signal_id", ID),
    PrimaryKeyConstraint("code", "signal_id"),
)

# Which regions keep clusters that name a county. It stands in every region that learnt of the
# outcome, and says only where to ask.
cluster_regions = Table(
    "cluster_regions",
    regional,
    public("code"),
    public("region"),
    PrimaryKeyConstraint("code", "region"),
)

signal_events = Table(
    "signal_events",
    regional,
    primary_key(),
    public("signal_id", ID),
    public("at"),
    public("actor", nullable=True),  # account; null: the gateway itself
    public("unit_id", nullable=True),
    public("event"),
    public("from_state", nullable=True),
    public("to_state"),
    public("detail", nullable=True),  # JSON of codes and numbers
)
Index("ix_signal_events_signal", signal_events.c.signal_id, signal_events.c.id)

# That a row is there says the night is done: it was written with the night's signals.
detection_nights = Table(
    "detection_nights",
    regional,
    public("day"),
    public("part"),  # SERIES: each county and disease by itself; CLUSTERS and a rule: together
    public("rules_digest"),
    public("began_at"),
    public("finished_at"),
    public("series", Integer()),
    public("signals", Integer()),
    public("absorbed", Integer()),
    public("data_version"),
    public("outcome", nullable=True),  # of a scan over regions, the same in each: codes and counts
    PrimaryKeyConstraint("day", "part"),
)

detection_rules = Table(
    "detection_rules",
    central,
    public("id", primary_key=True),
    public("prefix"),  # of the area: "", "32", "3201", "320102"
    public("disease"),
    public("method"),
    public("parameters"),  # JSON object; what is not named is the method's default
    public("effective_from"),  # days, both included
    public("effective_to", nullable=True),
    public("origin"),  # NATIONAL PROVINCE APPLICATION
    public("version", Integer()),
    public("created_at"),
    public("updated_at"),
)
Index(
    "ix_detection_rules_disease",
    detection_rules.c.disease,
    detection_rules.c.prefix,
    detection_rules.c.effective_from,
)
