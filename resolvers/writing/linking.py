"""Links to other records in an input: read, looked up together, judged."""

from __future__ import annotations

from collections.abc import Sequence

from resolvers.nodes import parse_id
from resolvers.writing.looking import Seen
from resolvers.writing.refusing import Mistakes

__all__ = ["Linked", "read_link"]

Path = Sequence[str]

_ZH = {"case": "病例", "contact": "密接"}


def read_link(given: str | None, kind: str, mistakes: Mistakes, path: Path) -> int | None:
    """The number of a record by its id, `case:123`; None where nothing was given or it is none."""
    if given is None:
        return None
    record, number = parse_id(given)
    if record is None or record.kind != kind:
        mistakes.add(path, f"this is not the id of a {kind}", f"这不是{_ZH[kind]}的编号")
        return None
    return number


class Linked:
    """The links of an input."""

    def __init__(self, mistakes: Mistakes) -> None:
        self._mistakes = mistakes
        self._paths: list[tuple[str, int, Path]] = []

    @property
    def all(self) -> list[tuple[str, int]]:
        """Kinds and numbers of the records that are linked to."""
        return [(kind, number) for kind, number, _ in self._paths]

    def add(self, given: str | None, kind: str, path: Path) -> int | None:
        """Adds a link; returns the record's number."""
        number = read_link(given, kind, self._mistakes, path)
        if number is not None:
            self._paths.append((kind, number, path))
        return number

    def judge(self, seen: Seen) -> bool:
        """Adds a mistake for each link to a record that does not exist.

        Returns whether all were looked up. Where the region did not answer, the link is taken as
        given: an outage in one region must not keep the others from working, and an id never
        changes.
        """
        for kind, number, path in self._paths:
            if (kind, number) in seen.unknown:
                self._mistakes.add(
                    path, f"there is no {kind} with this id", f"没有该编号的{_ZH[kind]}"
                )
        return all((kind, n) in seen.there | seen.unknown for kind, n, _ in self._paths)
