"""What the access log says of one operation: who, what, where, what for, which records, what in
clear (G1, G2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from resolvers.users import Viewer

__all__ = ["entry"]


def entry(
    *,
    at: str,
    request: str,
    viewer: Viewer | None,
    what: Mapping[str, Any] | orjson.Fragment | None,
    operation: str,
    result: str,
    address: str,
    module: str = "graphql",
    trace: str | None = None,
    purpose: str | None = None,
    region: tuple[str, str] | None = None,
) -> bytes:
    """The entry as canonical JSON: sorted keys, no white space, UTF-8.

    `at` is the instant, `request` the request's id, `trace` that of its trace, `result` OK,
    PARTIAL, or the code of the failure. `what` is told by `Trail.told`, its records as commitments:
    regions and their states, records by kind, private fields masked and shown in clear, and for
    what reason. `region` is where the viewer's unit is, code and name.
    """
    return orjson.dumps(
        {
            "account": viewer.account if viewer else None,
            "address": address,
            "at": at,
            "code": viewer.code if viewer else None,
            "module": module,
            "operation": operation,
            "purpose": purpose,
            "region": region[0] if region else None,
            "regionName": region[1] if region else None,
            "request": request,
            "result": result,
            "role": viewer.role.name if viewer else None,
            "session": viewer.session if viewer else None,
            "trace": trace,
            "unit": viewer.unit_id if viewer else None,
            "what": what,
        },
        option=orjson.OPT_SORT_KEYS,
    )
