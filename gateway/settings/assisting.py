"""The clocks of assist requests (协查)."""

from __future__ import annotations

from gateway.settings.checks import whole
from gateway.settings.setting import Setting

__all__ = ["ASSISTING"]

ASSISTING: tuple[Setting, ...] = (
    Setting(
        "assist",
        "acknowledge_hours",
        "assist_acknowledge_hours",
        2,
        "h",
        "By when a letter is acknowledged, from when it was first sent.",
        whole(1, 720),
    ),
    Setting(
        "assist",
        "control_hours",
        "assist_control_hours",
        24,
        "h",
        "By when its people are found and under control, from when it was first sent.",
        whole(1, 720),
    ),
    Setting(
        "assist",
        "feedback_hours",
        "assist_feedback_hours",
        24,
        "h",
        "By when it is answered, from when it was reported what became of its people.",
        whole(1, 720),
    ),
    Setting(
        "assist",
        "escalate_hours",
        "assist_escalate_hours",
        2,
        "h",
        "How long after the city the province is told that nobody acknowledged a letter.",
        whole(1, 720),
    ),
)
