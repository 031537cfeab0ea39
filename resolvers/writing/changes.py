"""What a correction asks for: a record, fields with their new values, a reason (B14, F12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from resolvers.catalog import Record
from resolvers.nodes import parse_id
from resolvers.writing.correctable import CORRECTABLE, Correctable
from resolvers.writing.linking import Linked
from resolvers.writing.people import agree
from resolvers.writing.places import county_store, require_jurisdiction
from resolvers.writing.refusing import Mistakes
from resolvers.writing.stores import Store
from resolvers.writing.values import is_mask, item
from resolvers.writing.writing import Writing
from schema.writing.correcting import ChangeInput, CorrectInput

__all__ = ["MOST_CHANGES", "Wanted", "check_code", "read_wanted"]

MOST_CHANGES = 50
_REASON = 1000


@dataclass(slots=True)
class Wanted:
    """A correction as it was asked for: new values and where each stands in the input."""

    record: Record
    number: int
    reason: str
    values: list[tuple[Correctable, Any]] = field(default_factory=list)
    paths: dict[str, list[str]] = field(default_factory=dict)  # by column or sealed item
    masked: list[str] = field(default_factory=list)  # fields whose value was `*`


def read_wanted(given: CorrectInput, writing: Writing, mistakes: Mistakes, links: Linked) -> Wanted:
    """The input checked by itself. Raises Refusal where it is not one correction of one record."""
    reason = item(given.reason, mistakes, ["reason"], _REASON)
    if reason is None and not mistakes.found:
        mistakes.add(["reason"], "a correction needs a reason", "更正须填写理由")
    record, number = parse_id(given.id)
    if record is None or record.name not in CORRECTABLE:
        mistakes.add(
            ["id"],
            "this is not the id of a person, case, contact, visit or sample",
            "这不是人员、病例、密接、随访或检测的编号",
        )
    if not 1 <= len(given.changes) <= MOST_CHANGES:
        text, text_zh = f"give 1 to {MOST_CHANGES} changes", f"每次更正 1 至 {MOST_CHANGES} 个字段"
        mistakes.add(["changes"], text, text_zh)
    mistakes.stop()
    assert record is not None
    assert reason is not None
    wanted = Wanted(record, number, reason)
    named: set[str] = set()
    for index, change in enumerate(given.changes):
        place = ["changes", str(index)]
        one = _field_of(record, change, mistakes, [*place, "field"])
        if one is None:
            continue
        if change.field in named:
            mistakes.add([*place, "field"], "each field once", "每个字段只能出现一次")
        named.add(change.field)
        _read_value(wanted, one, change.value, writing, mistakes, links, [*place, "value"])
    if record.name == "Person":
        _check_person(wanted, writing, mistakes)
    mistakes.stop()
    return wanted


def _field_of(
    record: Record, change: ChangeInput, mistakes: Mistakes, path: Sequence[str]
) -> Correctable | None:
    fields = CORRECTABLE[record.name]
    one = fields.get(change.field)
    if one is None:
        known = ", ".join(fields)
        mistakes.add(
            path,
            f"no field of a {record.kind} that can be corrected: {known}; what belongs to the "
            "person is corrected by the person's id",
            f"不可更正的字段，可更正：{known}；人员信息请按人员编号更正",
        )
    return one


def _read_value(
    wanted: Wanted,
    one: Correctable,
    text: str | None,
    writing: Writing,
    mistakes: Mistakes,
    links: Linked,
    path: list[str],
) -> None:
    bare = (text or "").strip()
    if is_mask(bare):
        wanted.masked.append(one.name)
        return
    wanted.paths[one.target] = path
    before = len(mistakes.found)
    value = None
    if bare:
        value = (
            links.add(bare, one.link, path)
            if one.link
            else one.read(bare, mistakes, path, writing.moment)
        )
    if value is None and len(mistakes.found) == before and one.required:
        mistakes.add(path, "this field cannot be emptied", "该字段不能为空")
    wanted.values.append((one, value))


def _check_person(wanted: Wanted, writing: Writing, mistakes: Mistakes) -> None:
    """Items of one correction must agree; they are never compared with hidden ones."""
    items = {one.target: value for one, value in wanted.values if one.item is not None}
    if not mistakes.found:
        own = Mistakes()
        agree(items, own, [], writing.moment)
        for mistake in own.found:
            target = {"birthDate": "birth_date", "idNumber": "id_number"}.get(
                mistake.path[0], mistake.path[0]
            )
            mistakes.add(wanted.paths[target], mistake.message, mistake.message_zh)


def check_code(wanted: Wanted, writing: Writing, store: Store, mistakes: Mistakes) -> None:
    """A new county must be one of the same region and of the jurisdiction."""
    code = next((value for one, value in wanted.values if one.target == "code"), None)
    if code is None:
        return
    path = wanted.paths["code"]
    other = county_store(writing.stores, code, mistakes, path)
    if other is None:
        return
    require_jurisdiction(writing.viewer, code)
    if other is not store:
        mistakes.add(
            path,
            "this county belongs to another region: handing a record over is a transfer",
            "该县（区）属于其他地区：跨地区移交请走转运流程",
        )
