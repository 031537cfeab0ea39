"""The clocks of signals (预警信号) that no message keeps."""

from __future__ import annotations

from gateway.settings.checks import whole
from gateway.settings.setting import Setting

__all__ = ["SIGNALLING"]

SIGNALLING: tuple[Setting, ...] = (
    Setting(
        "signals",
        "form_hours",
        "signals_form_hours",
        24,
        "h",
        "By when the investigation form of a suspected event is filed, from when the investigation "
        "in the field ended (E11).",
        whole(1, 720),
    ),
)
