"""Every setting of the configuration file, as data: name, default, unit, help and check.

`gateway.config` reads the file by these tables, `epigate config table` prints them for the manual,
and a test holds tables, manual and `Config` together.
"""

from __future__ import annotations

from gateway.settings.assisting import ASSISTING
from gateway.settings.checks import Check
from gateway.settings.detecting import DETECTING
from gateway.settings.measuring import MEASURING
from gateway.settings.messaging import MESSAGING, contradictions
from gateway.settings.posting import POSTING
from gateway.settings.region import REGION
from gateway.settings.serving import SERVING
from gateway.settings.setting import Setting
from gateway.settings.signalling import SIGNALLING
from gateway.settings.signing_in import SIGNING_IN
from gateway.settings.watching import WATCHING

__all__ = ["REGION", "SETTINGS", "Check", "Setting", "contradictions", "settings_table"]

SETTINGS: tuple[Setting, ...] = (
    *SERVING,
    *SIGNING_IN,
    *POSTING,
    *ASSISTING,
    *DETECTING,
    *MESSAGING,
    *SIGNALLING,
    *WATCHING,
    *MEASURING,
)


def settings_table() -> str:
    """The manual's table of settings, as Markdown."""
    lines = [
        "| section | key | default | unit | meaning | expected |",
        "|---|---|---|---|---|---|",
    ]
    for setting in (*SETTINGS, *REGION):
        section = f"`[[{setting.section}]]`" if setting in REGION else f"`[{setting.section}]`"
        lines.append(
            f"| {section} | `{setting.key}` | {_default(setting)} | {setting.unit} "
            f"| {setting.help} | {setting.check.expected} |"
        )
    return "\n".join(lines) + "\n"


def _default(setting: Setting) -> str:
    if setting.default is None:
        return "(required)"
    if isinstance(setting.default, tuple):
        return f"`[{', '.join(f'{chr(34)}{one}{chr(34)}' for one in setting.default)}]`"
    if setting.default == "":
        return "(none)"
    if isinstance(setting.default, bool):
        return f"`{str(setting.default).lower()}`"
    return str(setting.default) if setting in REGION else f"`{setting.default}`"
