"""Whether servers answer the same: a quicker wrong answer is no answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.question import FIELDS, PRIVATE
from bench.rounds import BadAnswers

__all__ = ["nodes", "opened", "same"]


def nodes(name: str, answer: Any) -> list[dict[str, Any]]:
    """The contacts of an answer. Raises BadAnswers where there are none."""
    if not isinstance(answer, dict) or answer.get("errors") or not answer.get("data"):
        raise BadAnswers(f"{name} answered {str(answer)[:300]}")
    return [edge["node"] for edge in answer["data"]["contacts"]["edges"]]


def same(answers: Mapping[str, Any], first: int) -> None:
    """Raises BadAnswers unless all answers have the same `first` contacts, field by field."""
    lists = {name: nodes(name, answer) for name, answer in answers.items()}
    for name, found in lists.items():
        if len(found) != first:
            raise BadAnswers(f"{name} answered {len(found)} contacts, {first} were asked for")
        for number, node in enumerate(found):
            if tuple(node) != FIELDS:
                raise BadAnswers(f"{name}, contact {number}: fields {', '.join(node)}")
    (reference, expected), *others = lists.items()
    for name, found in others:
        for number, (node, wanted) in enumerate(zip(found, expected, strict=True)):
            for field in FIELDS:
                if node[field] != wanted[field]:
                    raise BadAnswers(
                        f"contact {number}, {field}: {name} answered {node[field]!r}, "
                        f"{reference} {wanted[field]!r}"
                    )


def opened(masked: Any, clear: Any) -> None:
    """Raises BadAnswers unless `clear` is `masked` with every private field opened."""
    for number, (node, wanted) in enumerate(
        zip(nodes("clear", clear), nodes("masked", masked), strict=True)
    ):
        for field in FIELDS:
            if field in PRIVATE:
                if node[field] in ("*", None) or wanted[field] != "*":
                    raise BadAnswers(
                        f"contact {number}, {field}: {node[field]!r} in clear, "
                        f"{wanted[field]!r} masked"
                    )
            elif node[field] != wanted[field]:
                raise BadAnswers(f"contact {number}, {field}: not the same contact")
