"""A region: one table `[[region]]` of the file for each."""

from __future__ import annotations

from gateway.settings.checks import CODE, PREFIXES, TEXT, URL, whole
from gateway.settings.setting import Setting

__all__ = ["REGION"]

REGION: tuple[Setting, ...] = (
    Setting(
        "region",
        "code",
        "code",
        None,
        "",
        "GB/T 2260 code that names the region; never change it, ids are made of it.",
        CODE,
    ),
    Setting("region", "name", "name_zh", None, "", "Chinese name.", TEXT),
    Setting("region", "name_en", "name_en", None, "", "English name.", TEXT),
    Setting(
        "region",
        "prefixes",
        "prefixes",
        "the code",
        "",
        "The codes it is responsible for, where they are others than its own.",
        PREFIXES,
    ),
    Setting(
        "region",
        "url",
        "url",
        "an SQLite file in the data folder",
        "",
        "Its store, where that is PostgreSQL.",
        URL,
    ),
    Setting(
        "region",
        "deadline_ms",
        "deadline",
        "`deadline_ms` of `[questions]`",
        "ms",
        "How long a question waits for this region, relations included.",
        whole(1, 600_000),
    ),
)
