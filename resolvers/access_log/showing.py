"""An entry as an auditor is shown it: commitments opened, records of other regions left out."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import orjson

from regions.ids import region_of
from resolvers.access_log.commitments import Commitments, commitments_in
from resolvers.access_log.merkle import leaf_hash
from resolvers.catalog import private_fields
from schema.access_log import AccessedRegion, AccessEntry, AccessReason, AccessRecords
from schema.privacy import PrivateItem

__all__ = ["items_of", "shown_entry"]


def shown_entry(
    number: int, text: str, commitments: Commitments | None, prefix: str, *, origin: str
) -> AccessEntry:
    """An entry of the log `origin` for an auditor whose code has a prefix.

    Of an account of the own level or below everything is shown; of another's, those of the records
    that were made in a region of the own level or below.
    """
    said = _parsed(text)
    what = said.get("what")
    what = what if isinstance(what, Mapping) else {}
    code = said.get("code")
    own = not prefix or str(code or "").startswith(prefix)
    opening = _Opening(commitments, "" if own else prefix)
    clear = _texts(what.get("clear"))
    return AccessEntry(
        origin=origin,
        index=number - 1,
        number=number,
        at=str(said.get("at") or "1970-01-01T00:00:00Z"),  # type: ignore[arg-type]  # scalars are text
        account=said.get("account"),
        role=said.get("role"),
        unit_id=said.get("unit"),
        code=code,
        region=said.get("region"),
        address=str(said.get("address") or ""),
        session=said.get("session"),
        request=said.get("request"),
        trace=said.get("trace"),
        module=str(said.get("module") or ""),
        operation=str(said.get("operation") or ""),
        purpose=said.get("purpose"),
        result=str(said.get("result") or ""),
        count=int(what.get("count") or 0),
        records=opening.records(what.get("records")),
        wrote=opening.records(what.get("wrote")),
        clear=clear,
        clear_items=items_of(clear),
        masked=_texts(what.get("masked")),
        reasons=[
            AccessReason(
                right=right,
                grant=right.partition(":")[2] or None,  # type: ignore[arg-type]  # scalars are text
                records=opening.records(kinds),
            )
            for right, kinds in _mapping(what.get("reasons")).items()
        ],
        regions=[
            AccessedRegion(code=code, state=str(state))  # type: ignore[arg-type]  # scalars are text
            for code, state in _mapping(what.get("regions")).items()
        ],
        problems=_texts(what.get("problems")),
        leaf=base64.b64encode(leaf_hash(text.encode())).decode(),
    )


def items_of(fields: list[str]) -> list[PrivateItem]:
    """The private items of fields, `Contact.name`, each once."""
    known = private_fields()
    found = (known.get((owner, name)) for owner, _, name in (one.partition(".") for one in fields))
    return [PrivateItem[item] for item in dict.fromkeys(found) if item is not None]


class _Opening:
    """Opens the commitments of one entry."""

    def __init__(self, commitments: Commitments | None, prefix: str) -> None:
        self._commitments, self._prefix = commitments, prefix

    def records(self, kinds: Any) -> list[AccessRecords]:
        found = []
        for kind, written in _mapping(kinds).items():
            each = commitments_in(written)
            numbers = [self._number(kind, one) for one in each]
            ids = [f"{kind}:{number}" for number in numbers if number is not None]
            found.append(AccessRecords(kind=kind, count=len(each), ids=ids))  # type: ignore[arg-type]  # scalars are text
        return found

    def _number(self, kind: str, one: Any) -> int | None:
        number = one if isinstance(one, int) else None
        if number is None and self._commitments is not None:
            number = self._commitments.opened(kind, str(one))
        if number is None or (self._prefix and not region_of(number).startswith(self._prefix)):
            return None
        return number


def _parsed(text: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _texts(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
