"""`GET /signal-reports/<code>/<period>/<date>.pdf`: how the signals of an area fared (E12).

`.html` gives a page of HTML; `.en.pdf` and `.en.html` are in English, else it is Chinese. The
period is day, week, month or year, the date a day within it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from gateway._download import Asked, Send
from gateway._fetching import Fetching, send_body
from regions.errors import NotFound
from regions.instants import now
from resolvers.alerts.report import REPORT, Document, document
from resolvers.alerts.report_html import report_html
from resolvers.alerts.report_pdf import report_pdf
from resolvers.alerts.report_words import Language
from resolvers.pages import Printer
from resolvers.rights import require
from resolvers.users import Viewer

__all__ = ["PREFIX", "SignalReportEndpoint"]

PREFIX = "/signal-reports/"

_NAME = re.compile(
    r"([0-9]{6})/(day|week|month|year)/([0-9]{4}-[0-9]{2}-[0-9]{2})(\.en)?\.(pdf|html)"
)
_PRINT = "print signalReport"
_FIRST, _LAST = date(1900, 1, 1), date(2199, 12, 31)
_KINDS: Mapping[str, tuple[bytes, Callable[[Document, Printer], bytes]]] = {
    "pdf": (b"application/pdf", report_pdf),
    "html": (b"text/html; charset=utf-8", report_html),
}


class SignalReportEndpoint(Fetching):
    """Gives reports on signals."""

    prefix = PREFIX

    def operation(self, name: str) -> str:
        """Printing."""
        return _PRINT

    async def fetch(
        self, viewer: Viewer, name: str, told: dict[str, Any], asked: Asked, send: Send
    ) -> None:
        """A report. Raises NotFound, Forbidden, InvalidInput, TooLarge."""
        require(viewer, "signalReport")
        found = _NAME.fullmatch(name)
        if found is None or not _is_day(found[3]):
            raise NotFound(
                "there is no such report",
                hint="/signal-reports/320000/week/2026-11-23.pdf, or .html, .en.pdf, .en.html",
            )
        code, period, day, english, ending = found.groups()
        given = {"code": code, "period": period.upper(), "date": day}
        data, answer = await self.ask(viewer, REPORT, given, asked)
        assert isinstance(answer.what, dict)  # not remembered, so not text yet
        told |= answer.what
        language: Language = "en" if english else "zh"
        kind, make = _KINDS[ending]
        printer = Printer(viewer.account, viewer.name, viewer.unit_name, now())

        def printed() -> bytes:
            return make(document(data["signalReport"], language), printer)

        body = await asyncio.to_thread(printed)
        result = "OK" if data["signalReport"]["complete"] and not answer.failed else "PARTIAL"
        await self.enter(viewer, told, _PRINT, result, asked)
        await send_body(send, kind, f"signals-{code}-{period}-{day}.{ending}", body, asked)


def _is_day(text: str) -> bool:
    """Whether it is a day with a year before and after it."""
    try:
        return _FIRST <= date.fromisoformat(text) <= _LAST
    except ValueError:
        return False
