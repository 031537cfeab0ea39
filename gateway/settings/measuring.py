"""Numbers for Prometheus."""

from __future__ import annotations

from gateway.settings.checks import TEXT, whole
from gateway.settings.setting import Setting

__all__ = ["MEASURING"]

MEASURING: tuple[Setting, ...] = (
    Setting(
        "metrics",
        "host",
        "metrics_host",
        "127.0.0.1",
        "",
        "Address at which `/metrics` is answered: one that only your Prometheus reaches.",
        TEXT,
    ),
    Setting(
        "metrics",
        "port",
        "metrics_port",
        0,
        "",
        "Port of `/metrics`, another than the gateway's; 0: there is none.",
        whole(0, 65_535),
    ),
    Setting(
        "metrics",
        "custody_minutes",
        "metrics_custody_minutes",
        60,
        "min",
        "How often all stores are compared, so that `epigate_custody_findings` is known.",
        whole(1, 10_080),
    ),
)
