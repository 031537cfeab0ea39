"""What the mutations and lists of accounts share: refusals, ids, units, contacts, pages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from regions.areas import reference_areas
from regions.errors import EpigateError, Forbidden, InvalidInput, NotFound, RegionUnavailable
from regions.reading import Read
from regions.reference import units
from regions.sealing import Sealer
from regions.statements import Statement
from resolvers.context import Context
from resolvers.users.levels import NATIONAL
from resolvers.users.names import LOGIN_NAMES, is_login_name
from resolvers.users.staff import read_items
from resolvers.writing.refusing import Mistakes, Refusal, forbidden, not_found
from resolvers.writing.values import text
from schema.nodes import PageInfo
from schema.privacy import MASK
from schema.scalars import PrivateString
from schema.users.staff import StaffContact

__all__ = [
    "UnitRow",
    "check_login",
    "contact",
    "find_unit",
    "needed",
    "number_of",
    "page_info",
    "refusals",
]

_REASON = 500


@contextmanager
def refusals(*path: str) -> Iterator[None]:
    """Failures of the rules become named problems, those of a value at the path."""
    try:
        yield
    except InvalidInput as error:
        mistakes = Mistakes()
        mistakes.add(path, *_said(error))
        raise Refusal(mistakes.problem()) from None
    except Forbidden as error:
        raise forbidden(*_said(error)) from None
    except NotFound:
        raise not_found(*path) from None


def _said(error: EpigateError) -> tuple[str, str]:
    said = f"{error.message}: {error.hint}" if error.hint else error.message
    return said, str(error.details.get("messageZh", "不符合规定，未执行"))


def needed(
    value: str | None, mistakes: Mistakes, path: Sequence[str], longest: int = _REASON
) -> str:
    """A text that must be given; "" and a mistake where it is not."""
    found = text(value, mistakes, path, longest)
    if found is None and not mistakes.has(path):
        mistakes.add(path, f"{path[-1]} is missing", "此项必填")
    return found or ""


def number_of(given: str, kind: str, path: str) -> int:
    """The number of an id `kind:12`. Raises Refusal."""
    before, _, number = given.partition(":")
    if before != kind or not re.fullmatch(r"[1-9][0-9]{0,14}", number):
        mistakes = Mistakes()
        mistakes.add([path], f"this is no id of a {kind}: {kind}:12", "编号格式不正确")
        raise Refusal(mistakes.problem())
    return int(number)


def check_login(context: Context, account: str, password: str, mistakes: Mistakes) -> None:
    """Adds what is wrong with a login name and a password."""
    if not is_login_name(account):
        mistakes.add(["account"], *LOGIN_NAMES)
    try:
        context.central.passwords.check(account, password)
    except InvalidInput as error:
        mistakes.add(["password"], error.message, "密码强度不符合要求")


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit as the stores know it."""

    id: str
    level: str
    code: str
    name: str


async def find_unit(context: Context, unit_id: str, *path: str) -> UnitRow:
    """The unit of that id: a CDC of any code, or an institution of a region's store.

    Raises Refusal where there is none, RegionUnavailable where a store that may know did not
    answer.
    """
    known = _cdc(unit_id)
    if known is not None:
        return known
    federation = context.answering.federation
    reads = []
    if len(unit_id) <= 100:
        query = select(units.c.id, units.c.level, units.c.code, units.c.name_zh).where(
            units.c.id == unit_id
        )
        for region in federation.everyone:
            compiled = Statement(query, federation.dialects[region])
            reads.append(Read(region, compiled.sql, compiled.bind({})))
    answers = await federation.ask(reads) if reads else []
    for answer in answers:
        if answer.failure is None and answer.rows:
            return UnitRow(*answer.rows[0])
    for read, answer in zip(reads, answers, strict=True):
        if answer.failure is not None:
            code = federation.regions[read.region].code
            raise RegionUnavailable(f"region {code} gave no answer", region=code)
    mistakes = Mistakes()
    mistakes.add(path, "there is no such unit; see `units`", "没有该机构，见 units")
    raise Refusal(mistakes.problem())


def _cdc(unit_id: str) -> UnitRow | None:
    code = unit_id.removeprefix("cdc-")
    if unit_id == NATIONAL:
        return UnitRow(unit_id, "NATIONAL", code, "中国疾病预防控制中心")
    areas = reference_areas()
    area = areas.get(code)
    if unit_id == code or area is None:
        return None
    name = area.name
    if area.level == "COUNTY" and area.parent:
        name = areas.name(area.parent) + name
    level = {"PREFECTURE": "CITY"}.get(area.level, area.level)
    return UnitRow(unit_id, level, code, f"{name}疾病预防控制中心")


def contact(
    sealer: Sealer, table: str, number: int | None, envelope: bytes | None, *, shown: bool
) -> StaffContact:
    """Contact details as the viewer may see them; masked is `*`, known or not."""
    if not shown:
        mask = PrivateString(MASK)
        return StaffContact(office_phone=mask, mobile=mask, email=mask, qq=mask, id_number=mask)
    opened: Mapping[str, Any] = {}
    if envelope and number is not None:
        opened = sealer.open(table, number, envelope)
    items = {
        name: None if value is None else PrivateString(value)
        for name, value in read_items(opened).items()
    }
    return StaffContact(**items)


def page_info(edges: Sequence[Any], *, more: bool, before: bool) -> PageInfo:
    """Where a page ends."""
    return PageInfo(
        has_next_page=more,
        has_previous_page=before,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
