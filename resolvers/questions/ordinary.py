"""The ordinary way: whole records as objects, for what no plan answers.

The same shapes, statements and rules as in a plan serve here; a record is read with every field the
viewer may have, and relations are loaded when a resolver asks, batched by Strawberry's DataLoader.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from graphql import GraphQLSchema
from strawberry.dataloader import DataLoader

from regions.ids import region_of
from resolvers.catalog import RECORDS, Field, Record, private_fields
from resolvers.pathway.caveats import rule_pack_type
from resolvers.questions.filling import Row, fill_rows
from resolvers.questions.links import fetch
from resolvers.questions.moved import by_ids, in_regions
from resolvers.questions.question import Answering, Question, Trail, rules_in, viewer_key
from resolvers.questions.relating import relate
from resolvers.questions.selection import Selected, Selector
from resolvers.questions.shapes import ShapeSet
from resolvers.questions.shaping import Shaper
from resolvers.questions.sharing import sharing_regions
from resolvers.questions.turns import RECORDS_A_TURN, Turns
from resolvers.reference import Reference
from resolvers.users import Viewer
from schema.enums import AlertMethod, LawClass, RegionState
from schema.fields import Column, Constant, Gathered, Group, Many, PrivateSource
from schema.nodes import Region
from schema.statistics import Disease

__all__ = ["Records", "disease_of", "every_shape", "every_shaper", "region_type"]


class _Everything(Selector):
    """Selects every field of a record, under its own name."""

    def __init__(self) -> None:
        super().__init__(GraphQLSchema(), {}, {})

    def below(self, selected: Selected, type_name: str) -> list[Selected]:
        """Every field below one."""
        record = RECORDS.get(type_name)
        if record is not None:
            return [
                Selected(name, name, ())
                for name, field in record.fields.items()
                if not isinstance(field.source, Gathered)
            ]
        for record in RECORDS.values():
            for field in record.fields.values():
                if isinstance(field.source, Group) and field.type_name == type_name:
                    return [Selected(one.name, one.name, ()) for one in field.fields]
        return [Selected("id", "id", ())] if type_name != "Region" else []


_EVERYTHING = _Everything()


def every_shape(
    answering: Answering, viewer: Viewer, record: Record, *, shared: bool = False
) -> ShapeSet:
    """The shapes of whole records of a type, as this viewer may see them; by shares too, if
    `shared`.
    """
    return _every_shape(_Same(answering, viewer, record), shared)


class _Same:
    """Equal for viewers with the same rights, so that they share shapes and statements."""

    def __init__(self, answering: Answering, viewer: Viewer, record: Record) -> None:
        self.answering, self.viewer, self.record = answering, viewer, record
        self._key = (id(answering), record.name, viewer_key(viewer))

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._key == other._key


@lru_cache(maxsize=512)
def _every_shape(same: _Same, shared: bool) -> ShapeSet:
    shaper, selected = every_shaper(same.answering, same.viewer, same.record)
    return ShapeSet(shaper, same.record, selected, shared=shared)


def every_shaper(
    answering: Answering, viewer: Viewer, record: Record
) -> tuple[Shaper, list[Selected]]:
    """What makes shapes of whole records, and the selection of every field."""
    shaper = Shaper(
        _EVERYTHING,
        RECORDS,
        lambda one, region, shared: rules_in(viewer, answering.federation, one, region, shared),
        answering.reference,
    )
    return shaper, _EVERYTHING.below(Selected("", "", ()), record.name)


class _Reading(Trail):
    """What is noted while records are read: by what rules items of each were opened.

    It is no part of the log: a whole record is read, and only some of it is shown.
    """

    def __init__(self) -> None:
        super().__init__()
        self.opened: dict[Any, list[tuple[str, frozenset[str]]]] = {}

    def reveal(self, reason: str, items: frozenset[str], kind: str, ids: list[Any]) -> None:
        """Notes a rule by its reason and items, by record."""
        for one in ids:
            self.opened.setdefault(one, []).append((reason, items))


class Records:
    """Whole records for one question, and what of them is shown."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self._loaders: dict[tuple[int, int, str], DataLoader[Any, Any]] = {}
        self._sharing: dict[int, bool] = {}  # region → whether anything there is shared
        self._turns = Turns(RECORDS_A_TURN)
        self._shown: set[tuple[str, Any]] = set()
        self._revealed: set[tuple[str, str, Any]] = set()

    def shapes(self, name: str, *, shared: bool = False) -> ShapeSet:
        """The shapes of whole records of a type; with what shares open, if `shared`."""
        answering, viewer = self.question.answering, self.question.viewer
        return every_shape(answering, viewer, RECORDS[name], shared=shared)

    async def of_ids(self, name: str, ids: Iterable[int], path: str) -> dict[int, Any]:
        """Records by id: those there are and that the viewer may open."""
        shapes = self.shapes(name)
        rows = await by_ids(self.question, shapes, ids, path)
        return {
            row[0][shapes.of(row[2]).id_at]: record
            for row, record in zip(rows, await self.objects(shapes, rows, path), strict=True)
        }

    async def shared(
        self, name: str, keys: Mapping[int, Iterable[int]], path: str
    ) -> dict[tuple[int, int], Any]:
        """Records by region and id, in the regions named: those that the viewer may open by
        jurisdiction or by a share of their person with the viewer's unit (`regions.shares`).

        A region beyond the jurisdiction is asked whether anything is shared there, and no more if
        not. What leads here names the region: that one does not answer tells nothing new.
        """
        question, plain = self.question, self.shapes(name)
        within = question.federation.concerned([question.scope.prefix])
        inside = {region: ids for region, ids in keys.items() if region in within}
        unknown = [region for region in keys if region not in self._sharing]
        sharing, rows = await asyncio.gather(
            sharing_regions(question, unknown, path), in_regions(question, plain, inside, path)
        )
        self._sharing |= {region: region in sharing for region in unknown}
        sharing = {region for region in keys if self._sharing[region]}
        found = {}
        again = {region: ids for region, ids in keys.items() if region in sharing}
        of_share = self.shapes(name, shared=True)
        more = await in_regions(question, of_share, again, path)
        rows = [row for row in rows if row[2] not in sharing]
        for shapes, some in ((plain, rows), (of_share, more)):
            for row, record in zip(some, await self.objects(shapes, some, path), strict=True):
                found[(row[2], row[0][shapes.of(row[2]).id_at])] = record
        return found

    async def objects(self, shapes: ShapeSet, rows: list[Row], path: str) -> list[Any]:
        """Rows as instances of their type, some in each turn of the loop. `path` is of errors."""
        self.question.spend(len(rows))
        if len(rows) <= RECORDS_A_TURN:
            return self._objects(shapes, rows, path)
        found = []
        for start in range(0, len(rows), RECORDS_A_TURN):
            found += self._objects(shapes, rows[start : start + RECORDS_A_TURN], path)
            await asyncio.sleep(0)
        return found

    def _objects(self, shapes: ShapeSet, rows: list[Row], path: str) -> list[Any]:
        question, reading = self.question, _Reading()
        told, question.trail = question.trail, reading
        try:
            texts = fill_rows(question, shapes, rows, [{}] * len(shapes.links))
        finally:
            question.trail = told
        reference = question.answering.reference
        made = []
        for row, text in zip(rows, texts, strict=True):
            rules = reading.opened.get(row[0][shapes.of(row[2]).id_at], ())
            made.append(_instance(shapes, row, orjson.loads(text), reference, path, rules))
        return made

    def show(self, record: Any, owner: str, names: Collection[str]) -> None:
        """Notes for the access log that fields of a record are shown. `owner` is the type that has
        them: the record's own, or that of a group of its columns.
        """
        shapes: ShapeSet = record._shapes
        kind, trail = shapes.record.kind, self.question.trail
        key = record._row[0][shapes.of(record._row[2]).id_at]
        if kind != "unit" and (kind, key) not in self._shown:
            self._shown.add((kind, key))
            trail.saw(kind, [key])
        private = private_fields()
        for name in names:
            item = private.get((owner, name))
            if item is None:
                continue
            if any(item in items for _, items in record._rules):
                trail.named(frozenset({f"{owner}.{name}"}), frozenset())
                for reason, _ in record._rules:
                    if (reason, kind, key) not in self._revealed:
                        self._revealed.add((reason, kind, key))
                        trail.revealed(reason, kind).append(key)
            else:
                trail.named(frozenset(), frozenset({f"{owner}.{name}"}))

    def show_ids(self, ids: Iterable[str]) -> None:
        """Notes records of which the id alone is shown."""
        for one in ids:
            kind, _, number = one.partition(":")
            if (kind, int(number)) not in self._shown:
                self._shown.add((kind, int(number)))
                self.question.trail.saw(kind, [int(number)])

    async def related(self, record: Any, name: str) -> Any:
        """What is behind the relation `name` (python name) of a record, as part of the answer."""
        found = await self._related(record, name)
        count = len(found) if isinstance(found, list) else int(found is not None)
        self.question.hold(count)
        await self._turns.take(1 + count)
        return found

    async def _related(self, record: Any, name: str) -> Any:
        shapes: ShapeSet = record._shapes
        shapes.of(record._row[2])
        number = next(i for i, link in enumerate(shapes.links) if link.field.python_name == name)
        # Two roots share nothing: what became of a region would be told to whichever asked first.
        key = id(shapes), number, record._path
        loader = self._loaders.get(key)
        if loader is None:

            async def load(records: list[Any]) -> list[Any]:
                return await self._load(shapes, number, records)

            loader = DataLoader(load_fn=load, cache_key_fn=_place)
            self._loaders[key] = loader
        return await loader.load(record)

    async def lost(self, asked: Sequence[tuple[Any, str]]) -> set[int]:
        """The regions of records without what must belong to them: (record, python name) each.

        What is read for it is kept for the resolvers that ask next.
        """
        found = await asyncio.gather(*(self._related(*one) for one in asked))
        return {
            record._row[2] for (record, _), one in zip(asked, found, strict=True) if one is None
        }

    async def _load(self, shapes: ShapeSet, number: int, records: Sequence[Any]) -> list[Any]:
        parents = [record._row for record in records]
        link = shapes.links[number]
        path = records[0]._path
        (rows,), lost = await fetch(self.question, shapes, parents, [number], path)
        objects = await self.objects(link.shapes, rows, path)
        found = relate(shapes, number, parents, rows, objects, lost)
        empty = list if isinstance(link.field.source, Many) else lambda: None
        values = []
        for keys, _, region in parents:
            positions = shapes.of(region).links[number]
            key = (region, *(keys[position] for position in positions))
            values.append(found[key] if key in found else empty())
        return values


def _place(record: Any) -> tuple[int, str]:
    """What tells a record from every other: not its address, which another may be given later."""
    return record._row[2], record.id


def _instance(
    shapes: ShapeSet,
    row: Row,
    values: Mapping[str, Any],
    reference: Reference,
    path: str,
    rules: Sequence[tuple[str, frozenset[str]]],
) -> Any:
    record = shapes.record
    made: Any = object.__new__(record.type)
    made._row, made._shapes, made._path, made._rules = row, shapes, path, rules
    made._record = made  # whom it shows: a group of its columns shows it, too
    made._there = set()  # relations to what must belong to it that are known to be there
    _fill(made, made, record.fields.values(), values, reference)
    return made


def _fill(
    made: Any,
    record: Any,
    fields: Iterable[Field],
    values: Mapping[str, Any],
    reference: Reference,
) -> None:
    for field in fields:
        source = field.source
        if isinstance(source, Constant):
            value = values[field.name] if source.by else values["id"]
            found = None
            if value is not None:
                key = value["id"] if source.by else region_of(int(value.split(":")[1]))
                found = _constant(reference, field.type_name, key)
            setattr(made, field.python_name, found)
        elif isinstance(source, Group):
            inner = _GROUPS[field.type_name]
            group: Any = object.__new__(inner)
            group._record = record
            _fill(group, record, field.fields, values[field.name], reference)
            setattr(made, field.python_name, group)
        elif isinstance(source, Column) and field.enum is not None:
            setattr(made, field.python_name, _enum(field.enum, values[field.name]))
        elif isinstance(source, (Column, PrivateSource)) or field.name == "id":
            setattr(made, field.python_name, values[field.name])


def _enum(enum: Any, value: Any) -> Any:
    if isinstance(value, list):
        return [enum[one] for one in value]
    return None if value is None else enum[value]


def _groups() -> dict[str, type[Any]]:
    from schema.alerts_forms import AgeGroupCases
    from schema.contacts import Observation

    return {one.__name__: one for one in (AgeGroupCases, Observation)}


_GROUPS = _groups()


def _constant(reference: Reference, type_name: str, key: str) -> Any:
    if type_name == "Disease":
        return disease_of(reference, key)
    if type_name == "RulePack":
        return rule_pack_type(reference.rule_pack(key))
    return region_type(reference, key, "ANSWERED")  # a record of its own leads here


def disease_of(reference: Reference, key: str) -> Disease:
    """A disease as its type."""
    row = reference.disease(key)
    return Disease(
        id=row.id,  # type: ignore[arg-type]  # scalars are text
        name_zh=row.name_zh,
        name_en=row.name_en,
        law_class=LawClass[row.law_class],
        alert_method=AlertMethod[row.alert_method],
        icd10=row.icd10,
    )


def region_type(reference: Reference, code: str, state: str) -> Region:
    """A region as its type."""
    row = reference.region(code)
    return Region(
        code=row.code,  # type: ignore[arg-type]  # scalars are text
        name_zh=row.name_zh,
        name_en=row.name_en,
        prefixes=list(row.prefixes),
        state=RegionState[state],
    )
