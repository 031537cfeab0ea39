"""What the access log says of one operation: who, what, where, which records, what in clear (G1, G2)."""

from __future__ import annotations

from typing import Any

import orjson

from resolvers.questions.question import Question
from resolvers.users import Viewer

__all__ = ["entry"]


def entry(
    *,
    at: str,
    request: str,
    viewer: Viewer | None,
    question: Question | None,
    operation: str,
    result: str,
    address: str,
) -> bytes:
    """The entry as canonical JSON: sorted keys, no white space, UTF-8.

    `at` is the instant, `request` the request's id, `result` OK, PARTIAL, or the code of the failure.
    Records are numbers by kind; an id is the number behind the colon of the public id.
    """
    told: dict[str, Any] = {
        "at": at,
        "request": request,
        "address": address,
        "module": "graphql",
        "operation": operation,
        "result": result,
        "account": viewer.account if viewer else None,
        "role": viewer.role.value if viewer else None,
        "unit": viewer.unit_id if viewer else None,
        "code": viewer.code if viewer else None,
        "session": viewer.session if viewer else None,
    }
    if question is not None:
        trail = question.trail
        told["count"] = trail.count
        told["regions"] = trail.regions
        told["records"] = trail.records
        told["masked"] = sorted(trail.masked)
        told["clear"] = sorted(trail.clear) if trail.reasons else []
        told["reasons"] = trail.reasons
    return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
