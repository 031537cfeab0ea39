"""The data folder of a demo: made by nobody else, complete or begun anew, never another's data.

A file `demo.json` marks it. It is written before anything else and says `building` until the demo
is complete; then it holds the parameters and the outbreaks that were put in.
"""

from __future__ import annotations

import fcntl
import os
import re
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

from regions.errors import StoreError
from resolvers.demo.parameters import Parameters

__all__ = ["ACCOUNTS_FILE", "MARKER", "DemoFolder"]

MARKER = "demo.json"
ACCOUNTS_FILE = "demo-accounts.json"

_OURS = re.compile(
    r"demo\.json|demo-accounts\.json|(gateway|access-log|regions/\d{6})\.db(-[a-z]+)?"
    # Of the gateway that was asked while letters and transfers were made.
    r"|access-log\.vkey|messages/[a-z]+-\d{4}-\d\d-\d\d\.jsonl"
)
_BUILDING, _COMPLETE = "building", "complete"


class DemoFolder:
    """A data folder while a demo is made in it: nobody else makes one there at the same time.

    Use as a context manager. `is_complete` then says whether there is anything to do; where there
    is, `begin` clears what an interrupted demo left, and `complete` ends the work.
    """

    def __init__(self, data: Path, parameters: Parameters, *, any_until: bool = True) -> None:
        """`any_until`: a complete demo made up to another day will do."""
        self._data = data
        self._wanted = _fingerprint(parameters)
        if any_until:
            del self._wanted["until"]
        self._lock: int | None = None
        self.is_complete = False
        self.had_leftovers = False

    def __enter__(self) -> DemoFolder:
        marker = self._data / MARKER
        if not marker.exists() and self._files():
            self._refuse("holds data that no demo has made")
        self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(marker, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._look(marker)
        except BlockingIOError:
            self._close()
            raise StoreError(
                f"another `epigate demo` is at work in {self._data}",
                hint="wait for it, or use a configuration with a data folder of its own",
            ) from None
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def begin(self) -> None:
        """Marks the folder and clears it of an interrupted demo's leftovers."""
        self._write({"state": _BUILDING})
        for name in self._files():
            if name != MARKER:
                (self._data / name).unlink()

    def complete(self, parameters: Parameters, **more: Any) -> None:
        """Everything is there: from now on the folder is served as it is."""
        self._write({"state": _COMPLETE, **_fingerprint(parameters), **more})

    def read(self) -> dict[str, Any]:
        """What `complete` wrote."""
        found: dict[str, Any] = orjson.loads((self._data / MARKER).read_bytes())
        return found

    def _look(self, marker: Path) -> None:
        text = marker.read_bytes()
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError:
            found = {}  # killed while it was written, or just made
        if found.get("state") != _COMPLETE:
            # A complete demo is served, and the gateway adds files of its own; this one never was.
            strangers = [name for name in self._files() if not _OURS.fullmatch(name)]
            if strangers:
                self._refuse(f"holds {strangers[0]}, which no demo has made")
            self.had_leftovers = bool(text)
            return
        different = [name for name, value in self._wanted.items() if found.get(name) != value]
        if different:
            self._refuse(
                "holds a demo with another "
                + ", ".join(f"{name} ({found.get(name)})" for name in different)
            )
        self.is_complete = True

    def _write(self, content: dict[str, Any]) -> None:
        if self._lock is None:
            raise AssertionError("the folder is not open")
        text = orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n"
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, text, 0)
        os.fsync(self._lock)

    def _files(self) -> list[str]:
        if not self._data.is_dir():
            return []
        return sorted(
            path.relative_to(self._data).as_posix()
            for path in self._data.rglob("*")
            if not path.is_dir()
        )

    def _refuse(self, why: str) -> None:
        raise StoreError(
            f"{self._data} {why}",
            hint="a demo never overwrites data: remove the folder, ask for what it holds, "
            "or use a configuration with another data folder",
        )

    def _close(self) -> None:
        if self._lock is not None:
            with suppress(OSError):
                os.close(self._lock)
            self._lock = None


def _fingerprint(parameters: Parameters) -> dict[str, Any]:
    return {
        "people": parameters.people,
        "seed": parameters.seed,
        "years": parameters.years,
        "until": parameters.until.isoformat(),
        "regions": [region.code for region in parameters.regions],
    }
