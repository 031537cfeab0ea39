"""What a long benchmark has done so far, so that a stopped one goes on where it was."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

__all__ = ["State"]


class State:
    """Results by name in a JSON file; without a file they are kept for this run alone."""

    def __init__(self, path: Path | None = None) -> None:
        """Raises ValueError where the file is none of ours."""
        self._path = path
        self._results: dict[str, Any] = {}
        if path is not None and path.exists():
            found = json.loads(path.read_text("utf-8"))
            if not isinstance(found, dict):
                raise ValueError(f"{path}: expected an object of results by name")
            self._results = found

    def get(self, name: str) -> Any:
        """The result of that name, None where there is none yet."""
        return self._results.get(name)

    def put(self, name: str, result: Any) -> None:
        """Keeps a result that JSON can hold."""
        self._results[name] = result
        if self._path is not None:
            beside = self._path.with_suffix(".new")
            beside.write_text(json.dumps(self._results), "utf-8")
            os.replace(beside, self._path)
