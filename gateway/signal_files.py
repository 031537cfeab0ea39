"""`GET /signals/attachments/<number>`: a file of a suspected event, to whoever sees its name
(`gateway/_fetching.py`).
"""

from __future__ import annotations

import re
from typing import Any

from gateway._download import Asked, Send
from gateway._fetching import Attached, Fetching, no_file
from regions.alerts_forms import signal_contents
from resolvers.rights import require
from resolvers.users import Viewer

__all__ = ["PREFIX", "SignalFileEndpoint"]

PREFIX = "/signals/"

_FILE = re.compile(r"attachments/([0-9]{1,19})")
_FILES = Attached(
    "signals",
    "signalAttachment",
    """query file($id: ID!) { node(id: $id) { ... on SignalAttachment {
  eventNumber fileName mediaType } } }""",
    "signalattachment",
    signal_contents,
    ("eventNumber", "event"),
    "ask for a privacy role that opens the remarks of cases",
)


class SignalFileEndpoint(Fetching):
    """Gives the files of suspected events."""

    prefix = PREFIX

    def operation(self, name: str) -> str:
        """Fetching a file."""
        return _FILES.operation

    async def fetch(
        self, viewer: Viewer, name: str, told: dict[str, Any], asked: Asked, send: Send
    ) -> None:
        """A file. Raises NotFound, Forbidden, RegionUnavailable."""
        found = _FILE.fullmatch(name)
        if found is None:
            require(viewer, _FILES.field)
            no_file()
        await self.send_file(viewer, int(found[1]), _FILES, told, asked, send)
