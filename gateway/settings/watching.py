"""The access log and its alarms."""

from __future__ import annotations

from gateway.settings.checks import ORIGIN, WORDS, whole
from gateway.settings.setting import Setting

__all__ = ["WATCHING"]

WATCHING: tuple[Setting, ...] = (
    Setting(
        "access_log",
        "origin",
        "log_origin",
        "",
        "",
        "Name of this gateway's log in its checkpoints; without one it is made of the first region "
        "and a random number, once.",
        ORIGIN,
    ),
    Setting(
        "access_log",
        "heartbeat_seconds",
        "log_heartbeat_seconds",
        60,
        "s",
        "An entry is written at least so often, so that silence shows.",
        whole(1, 86_400),
    ),
    Setting(
        "access_log",
        "sides_seconds",
        "log_sides_seconds",
        30,
        "s",
        "How often the regions get the entries that concern them, and witness the log.",
        whole(1, 86_400),
    ),
    Setting(
        "access_log",
        "check_seconds",
        "log_check_seconds",
        10,
        "s",
        "How often some thousands of its entries are held against what was signed, in turn.",
        whole(1, 86_400),
    ),
    Setting(
        "access_log",
        "keep_days",
        "log_keep_days",
        1_095,
        "days",
        "Entries younger than this are not removed by `epigate access-log prune`.",
        whole(180, 36_500),
    ),
    Setting(
        "access_log",
        "others",
        "log_others",
        (),
        "",
        "Logs of other gateways over the same regions, and those this gateway had before: files "
        "`access-log.db`, or bundles of `epigate audit export` (folders or `.tar`), relative to "
        "this file. `accessLog` and `epigate audit person` read them, too.",
        WORDS,
    ),
    Setting(
        "alarms",
        "reveal_records",
        "alarm_reveal_records",
        500,
        "records",
        "Records of which one account sees private items in clear within `reveal_minutes`, from "
        "which on there is an alarm.",
        whole(1, 10_000_000),
    ),
    Setting(
        "alarms",
        "reveal_minutes",
        "alarm_reveal_minutes",
        60,
        "min",
        "Within what time they count.",
        whole(1, 1_440),
    ),
    Setting(
        "alarms",
        "off_hours_records",
        "alarm_off_hours_records",
        50,
        "records",
        "The same for one night.",
        whole(1, 10_000_000),
    ),
    Setting(
        "alarms",
        "off_hours_from",
        "alarm_off_hours_from",
        20,
        "o'clock",
        "When the night begins, Beijing time.",
        whole(0, 24),
    ),
    Setting(
        "alarms",
        "off_hours_to",
        "alarm_off_hours_to",
        7,
        "o'clock",
        "When it ends.",
        whole(0, 24),
    ),
    Setting(
        "alarms",
        "refusals",
        "alarm_refusals",
        30,
        "refusals",
        "Refused questions of an account or address within `refusal_minutes`, from which on there "
        "is an alarm.",
        whole(1, 1_000_000),
    ),
    Setting(
        "alarms",
        "refusal_minutes",
        "alarm_refusal_minutes",
        10,
        "min",
        "Within what time they count.",
        whole(1, 1_440),
    ),
    Setting(
        "alarms",
        "near_candidates",
        "alarm_near_candidates",
        10,
        "candidates",
        "Candidates of an account's duplicate checks within an hour that differ in their last "
        "digits only, from which on there is an alarm.",
        whole(2, 1_000_000),
    ),
)
