"""`GET /assist-requests/<number>.pdf`: a letter to print, and the template of its people (C6, C7).

`GET /assist-requests/attachments/<number>` gives a file that goes with a letter to whoever sees its
name in clear (`gateway/_fetching.py`).
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

from gateway._download import Asked, Send
from gateway._fetching import Attached, Fetching, no_file, send_body
from regions.assist import assist_contents
from regions.errors import NotFound, RegionUnavailable
from regions.instants import now
from resolvers.assist.letter import Letter
from resolvers.assist.letter_pdf import letter_pdf
from resolvers.assist.printing import (
    ATTACHMENT,
    COPIES,
    LETTER,
    UNITS,
    choose_copy,
    printed_letter,
    unit_ids,
)
from resolvers.assist.template import template_csv, template_xlsx
from resolvers.pages import Printer
from resolvers.privacy import require_records
from resolvers.rights import require
from resolvers.users import Viewer

__all__ = ["PREFIX", "LetterEndpoint"]

PREFIX = "/assist-requests/"

_NUMBER = re.compile(r"([0-9]{6}-[0-9]{4}-[0-9]{6,9})\.pdf")
_PDF = b"application/pdf"
_TEMPLATES = {
    "template.xlsx": (
        b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        template_xlsx,
    ),
    "template.csv": (b"text/csv; charset=utf-8", template_csv),
}
_FILE = re.compile(r"attachments/([0-9]{1,19})")
_PRINT = "print assistRequests"
_FILES = Attached(
    "assistRequests",
    "assistAttachment",
    ATTACHMENT,
    "assistattachment",
    assist_contents,
    ("number", "letter"),
    "ask for the privacy role assist-letter",
)


class LetterEndpoint(Fetching):
    """Prints letters, and gives their files."""

    prefix = PREFIX

    def operation(self, name: str) -> str:
        """Printing, or fetching a file."""
        return _FILES.operation if name.startswith("attachments/") else _PRINT

    async def fetch(
        self, viewer: Viewer, name: str, told: dict[str, Any], asked: Asked, send: Send
    ) -> None:
        """A letter, a file of one, or a template."""
        if self.operation(name) == _FILES.operation:
            found = _FILE.fullmatch(name)
            if found is None:
                require(viewer, "assistRequests")
                no_file()
            await self.send_file(viewer, int(found[1]), _FILES, told, asked, send)
            return
        if name in _TEMPLATES:
            kind, make = _TEMPLATES[name]
            body = await asyncio.to_thread(make)
            await send_body(send, kind, f"epigate-{name}", body, asked)
            return
        letter, result = await self._letter(viewer, name, told, asked)
        printer = Printer(viewer.account, viewer.name, viewer.unit_name, now())
        body = await asyncio.to_thread(letter_pdf, letter, printer)
        await self.enter(viewer, told, _PRINT, result, asked)
        await send_body(send, _PDF, f"{letter.number}.pdf", body, asked)

    async def _letter(
        self, viewer: Viewer, name: str, told: dict[str, Any], asked: Asked
    ) -> tuple[Letter, str]:
        """The letter as the viewer may see it, and the result; `told` is what the log is told.

        Raises NotFound, Forbidden, RegionUnavailable.
        """
        require(viewer, "assistRequests")
        require_records(viewer)
        found = _NUMBER.fullmatch(name)
        if found is None:
            raise _none()
        copies, _ = await self.ask(viewer, COPIES, {"number": found[1]}, asked)
        chosen = choose_copy(copies["assistRequests"]["edges"], viewer.unit_id)
        if chosen is None:
            failed = [
                one["code"]
                for one in copies["assistRequests"]["regions"]
                if one["state"] not in ("ANSWERED", "NOT_ASKED")
            ]
            if failed:
                raise RegionUnavailable(f"region {failed[0]} gave no answer")
            raise _none()
        data, answer = await self.ask(viewer, LETTER, {"id": chosen}, asked)
        node = data["node"]
        if not node:
            raise _none()
        named, _ = await self.ask(viewer, UNITS, {"ids": unit_ids(node)}, asked)
        units = {one["node"]["id"]: one["node"]["nameZh"] for one in named["units"]["edges"]}
        letter = printed_letter(node, units)
        assert isinstance(answer.what, dict)  # not remembered, so not text yet
        told |= {**answer.what, "letter": letter.number}
        return letter, "PARTIAL" if answer.failed or letter.missing else "OK"


def _none() -> NotFound:
    return NotFound("there is no such letter, or none that you may see")
