"""The nightly detection of signals (预警)."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from gateway.settings.checks import YES_OR_NO, Check, whole
from gateway.settings.setting import Setting
from regions.zones import CHINA, zone_of

__all__ = ["DETECTING"]


def _zone(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not text")
    return zone_of(value).name


def _hour(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(
        r"2[4-9]:[0-5][0-9]|3[0-5]:[0-5][0-9]", value
    ):
        raise ValueError("not such a time")
    return value


def _day(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not text")
    return date.fromisoformat(value).isoformat() if value else value


DETECTING: tuple[Setting, ...] = (
    Setting(
        "detection",
        "zone",
        "detection_zone",
        CHINA,
        "",
        "The zone whose days the counts and the nights are of. After changing it run "
        "`epigate counts rebuild`.",
        Check('a zone of the tz database, such as "Asia/Shanghai"', _zone),
    ),
    Setting(
        "detection",
        "night_at",
        "detection_night_at",
        "24:00",
        "",
        "When a day's counts are taken: 24:00 is the midnight that ends it, 26:30 half past two of "
        "the next morning.",
        Check('a time from "24:00" to "35:59"', _hour),
    ),
    Setting(
        "detection",
        "absorb_days",
        "detection_absorb_days",
        7,
        "d",
        "A signal up to so many days after the last one of the same county and disease is absorbed "
        "by that spell's open signal; 0: each stands for itself.",
        whole(0, 90),
    ),
    Setting(
        "detection",
        "history_from",
        "detection_history_from",
        "",
        "",
        "Since which day the stores have every report: days before are missing, not empty. By "
        "default the first day that a store has any count of.",
        Check('a day, such as "2020-01-01"', _day),
    ),
    Setting(
        "detection",
        "clusters",
        "detection_clusters",
        False,
        "",
        "Whether the shipped rules that scan all regions for clusters of counties are run. A "
        "province's own rules are, whatever is said here.",
        YES_OR_NO,
    ),
    Setting(
        "detection",
        "cluster_hours",
        "detection_cluster_hours",
        6,
        "h",
        "How long after its end a night of clusters waits for regions that do not answer. Then it "
        "is done without them, and its signals name them.",
        whole(0, 72),
    ),
    Setting(
        "detection",
        "night_seconds",
        "detection_night_seconds",
        120,
        "s",
        "How long a region's store may take to give all its counts; one that does not is computed "
        "when it answers.",
        whole(1, 3_600),
    ),
)
