"""What raises an alarm, a row for each rule: the manual's table is made of it (G6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schema.alarms import AlarmRule

__all__ = ["RULES", "Limits", "Rule"]


@dataclass(frozen=True, slots=True)
class Limits:
    """From how many on a rule raises an alarm, and within which time. Hours are of Beijing time."""

    reveal_records: int = 500
    reveal_minutes: int = 60
    off_hours_records: int = 50
    off_hours_from: int = 20
    off_hours_to: int = 7
    refusals: int = 30
    refusal_minutes: int = 10
    near_candidates: int = 10


@dataclass(frozen=True, slots=True)
class Rule:
    """What is counted, within what, and from how many on (a setting of `[alarms]`)."""

    counted: str
    within: str
    threshold: str


RULES: Mapping[AlarmRule, Rule] = {
    AlarmRule.BULK_REVEAL: Rule(
        "records of which an account saw private items in clear, each once",
        "`reveal_minutes`",
        "`reveal_records`",
    ),
    AlarmRule.OFF_HOURS_REVEAL: Rule(
        "records of which an account saw private items in clear at night, each once",
        "a night, from `off_hours_from` to `off_hours_to` o'clock in Beijing",
        "`off_hours_records`",
    ),
    AlarmRule.MANY_REFUSALS: Rule(
        "questions of an account that were refused; sign-ins and questions without a session by "
        "network address",
        "`refusal_minutes`",
        "`refusals`",
    ),
    AlarmRule.EMERGENCY_ACCESS: Rule(
        "emergency access an account took, and what it saw by that right",
        "each right once when it is taken and once when it is used",
        "the first",
    ),
    AlarmRule.DUPLICATE_PROBES: Rule(
        "different candidates of an account's duplicate checks that differ in their last digits "
        "only; and every check over the limit of candidates",
        "an hour",
        "`near_candidates`; over the limit: the first",
    ),
    AlarmRule.LOG_CONTRADICTED: Rule(
        "regions that hold a signed checkpoint out of which the log did not grow, and the log's "
        "own file where it is not what was signed; nothing is answered from then on",
        "each region and log once; the file each time",
        "the first",
    ),
    AlarmRule.WITNESS_UNREADABLE: Rule(
        "regions of which what they have seen of the log was not signed, is damaged or is gone",
        "each region and time once",
        "the first",
    ),
    AlarmRule.POST_CONFLICT: Rule(
        "messages between regions that came a second time with another content; such a message is "
        "kept and waits",
        "each message once",
        "the first",
    ),
    AlarmRule.STORE_RESTORED: Rule(
        "regions whose store knows less of handoffs than their peers do; it is mended as soon as "
        "all regions answer",
        "each time it is found",
        "the first",
    ),
    AlarmRule.TWO_CUSTODIANS: Rule(
        "regions that answered for a person beside another one, since a store was put back, and "
        "have yielded: what they wrote of the person went there; the window names the person",
        "each person and time once",
        "the first",
    ),
}
"""Rule → what it says."""
