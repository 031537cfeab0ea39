"""`GET /follow-up-sheets/<date>.csv`: whom one's unit has to see that day, as a file (D).

Of another unit it is `/follow-up-sheets/<unit>/<date>.csv`.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from gateway._download import Asked, Send
from gateway._fetching import Fetching, send_body
from regions.errors import NotFound
from regions.instants import now
from resolvers.pathway.sheet_file import SHEET, sheet_csv
from resolvers.rights import require
from resolvers.users import Viewer

__all__ = ["PREFIX", "FollowUpEndpoint"]

PREFIX = "/follow-up-sheets/"

_NAME = re.compile(r"(?:([A-Za-z0-9_-]{1,64})/)?([0-9]{4}-[0-9]{2}-[0-9]{2})\.csv")
_PRINT = "print followUpSheet"


class FollowUpEndpoint(Fetching):
    """Gives sheets."""

    prefix = PREFIX

    def operation(self, name: str) -> str:
        """Printing."""
        return _PRINT

    async def fetch(
        self, viewer: Viewer, name: str, told: dict[str, Any], asked: Asked, send: Send
    ) -> None:
        """A sheet. Raises NotFound, Forbidden, TooLarge."""
        require(viewer, "followUpSheet")
        found = _NAME.fullmatch(name)
        if found is None or not _is_day(found[2]):
            raise NotFound(
                "there is no such sheet", hint="/follow-up-sheets/2026-11-28.csv, of your unit"
            )
        data, answer = await self.ask(viewer, SHEET, {"unit": found[1], "date": found[2]}, asked)
        sheet = data["followUpSheet"]
        assert isinstance(answer.what, dict)  # not remembered, so not text yet
        told |= answer.what
        body = sheet_csv(sheet, viewer, asked.id, now())
        result = "OK" if sheet["complete"] and not answer.failed else "PARTIAL"
        await self.enter(viewer, told, _PRINT, result, asked)
        name = f"follow-up-{sheet['unitId']}-{sheet['date']}.csv"
        await send_body(send, b"text/csv; charset=utf-8", name, body, asked)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
