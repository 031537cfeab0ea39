"""The post between regions."""

from __future__ import annotations

from gateway.settings.checks import whole
from gateway.settings.setting import Setting

__all__ = ["POSTING"]

POSTING: tuple[Setting, ...] = (
    Setting(
        "post",
        "poll_seconds",
        "post_poll_seconds",
        1,
        "s",
        "How often the regions' outboxes are looked into for messages that nobody has delivered.",
        whole(1, 3_600),
    ),
    Setting(
        "post",
        "in_flight",
        "post_in_flight",
        8,
        "deliveries",
        "Deliveries between two regions under way at once, each of up to 256 messages.",
        whole(1, 1_000),
    ),
    Setting(
        "post",
        "late_minutes",
        "post_late_minutes",
        30,
        "min",
        "From when on a transfer that waits for a delivery is listed as one to look into.",
        whole(1, 10_080),
    ),
    Setting(
        "post",
        "keep_days",
        "post_keep_days",
        180,
        "days",
        "How long what messages said is kept once they were answered. Longer than any backup of a "
        "region's store that might be put back: what a store has lost since comes again from them.",
        whole(1, 3_650),
    ),
)
