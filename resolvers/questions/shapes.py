"""Shapes: what the records of one selection look like as text, and what must be read to fill it in.

A shape is a pattern of JSON text with `%s` for what the store puts in and a gap (U+001E) for what
is put in afterwards: an unsealed item, related records, reference data, a cursor. A private item
that the viewer may nowhere see is the text `"*"` in the pattern: the statement does not mention it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, NamedTuple, Protocol

from sqlalchemy import ColumnElement

from regions.statements import Statement
from regions.text import Text, filled
from resolvers.catalog import Field, Record
from resolvers.privacy import Rule
from resolvers.questions.selection import Selected

__all__ = [
    "ConstantGap",
    "CursorGap",
    "Gap",
    "ItemGap",
    "Link",
    "LinkGap",
    "NotPlannable",
    "Shape",
    "ShapeMaker",
    "ShapeSet",
    "View",
    "ViewRule",
]


class NotPlannable(Exception):
    """The selection is none the plan can answer; the ordinary executor does."""


@dataclass(frozen=True, slots=True)
class ViewRule:
    """A rule as it applies in one region; `always`: every record of the region is covered."""

    rule: Rule
    always: bool


class View(NamedTuple):
    """Where the county, the reporter, the person and the shares of a record stand among its keys,
    as far as rules ask for them (-1: none does). They say which of the rules cover it.
    """

    code: int = -1
    reporter: int = -1
    person: int = -1
    shares: int = -1  # of the person, with the viewer's unit


@dataclass(frozen=True, slots=True)
class ItemGap:
    """An unsealed item: position `index` of the envelope (the person's or the record's own)."""

    item: str
    of_person: bool
    index: int


@dataclass(frozen=True, slots=True)
class LinkGap:
    """Related records: the link's number."""

    link: int


@dataclass(frozen=True, slots=True)
class ConstantGap:
    """Reference data, rendered by the key found at `position` of the record's keys."""

    position: int
    text: Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class CursorGap:
    """The record's place in the list."""


Gap = ItemGap | LinkGap | ConstantGap | CursorGap


@dataclass(slots=True)
class Link:
    """A relation selected: the field, the type of its records and their shapes."""

    field: Field
    target: Record
    shapes: ShapeSet


@dataclass(slots=True)
class Shape:
    """A record's text and keys. `keys` are expressions that write one JSON value each."""

    record: Record
    rules: tuple[ViewRule, ...]
    shapes: ShapeSet
    pattern: list[str] = field(default_factory=list)
    arguments: list[ColumnElement[Any]] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    keys: list[Text] = field(default_factory=list)
    links: list[tuple[int, ...]] = field(default_factory=list)  # per link: where its keys stand
    named: dict[str, int] = field(default_factory=dict)  # kind shown by its id alone → its key
    clear: set[str] = field(default_factory=set)  # names of fields shown in clear somewhere
    masked: set[str] = field(default_factory=set)
    statements: dict[Any, Statement] = field(default_factory=dict)  # of a link, once compiled
    back: tuple[int, ...] = ()  # of a link to many: where the keys of its parents stand
    order_at: int = -1  # of a link to many: where the moment it is ordered by stands
    joins_person: bool = False
    sealed: list[tuple[int, ColumnElement[Any]]] = field(default_factory=list)
    """Bytes that come beside the keys: the position in keys, where their length stands, and they
    themselves. The first are the person's salt.
    """
    id_at: int = 0
    salt_at: int = -1
    view: View | None = None  # None where no item is shown
    person_at: int = -1  # positions in keys, -1 where not selected
    person_sealed_at: int = -1
    own_sealed_at: int = -1

    def key(self, key: Text) -> int:
        """The position of a key, added unless it is there."""
        for position, known in enumerate(self.keys):
            if known.pattern == key.pattern and known.expression.compare(key.expression):
                return position
        self.keys.append(key)
        return len(self.keys) - 1

    def sealed_key(self, length: Text, content: ColumnElement[Any]) -> int:
        """The position where an envelope (or a salt) stands once a row was read."""
        position = self.key(length)
        if all(position != known for known, _ in self.sealed):
            self.sealed.append((position, content))
        return position

    def sealed_bytes(self) -> ColumnElement[Any]:
        """The expression of all bytes that come beside the keys, one after the other."""
        found = [content for _, content in self.sealed]
        return reduce(lambda one, other: one.op("||")(other), found)

    def text(self) -> ColumnElement[str]:
        """The expression that writes the record."""
        return filled("".join(self.pattern), self.arguments)

    def keys_text(self) -> ColumnElement[str]:
        """The expression that writes the keys as a JSON array."""
        pattern = "[" + ",".join([key.pattern for key in self.keys]) + "]"
        return filled(pattern, [key.expression for key in self.keys])


class ShapeMaker(Protocol):
    """What makes the shapes of a set (`resolvers.questions.shaping.Shaper`)."""

    def rules(self, record: Record, region: int, shared: bool) -> tuple[ViewRule, ...]:
        """The rules that hold for a type of record in a region; with shares, if `shared`."""

    def make(
        self,
        shapes: ShapeSet,
        rules: tuple[ViewRule, ...],
        selected: Sequence[Selected],
        edges: bool,
        order: Sequence[Text],
    ) -> Shape:
        """The shape of records under given rules."""


class ShapeSet:
    """The shapes of one selection: one for each set of rules that holds in some region.

    `order` are expressions of the keys a list is ordered by; they stand first in the keys.
    `shared`: the records are those a share may open, and so are those they lead to.
    """

    def __init__(
        self,
        maker: ShapeMaker,
        record: Record,
        selected: Sequence[Selected],
        *,
        edges: bool = False,
        order: Sequence[Text] = (),
        shared: bool = False,
    ) -> None:
        self.record, self.shared = record, shared
        self.links: list[Link] = []
        self._maker, self._selected = maker, selected
        self._edges, self._order = edges, tuple(order)
        self._made: dict[tuple[ViewRule, ...], Shape] = {}
        self._of_region: dict[int, Shape] = {}
        self._named: tuple[int, frozenset[str], frozenset[str]] | None = None

    def of(self, region: int) -> Shape:
        """The shape of a region's records."""
        shape = self._of_region.get(region)
        if shape is None:
            rules = self._maker.rules(self.record, region, self.shared)
            shape = self._made.get(rules)
            if shape is None:
                shape = self._made[rules] = self._maker.make(
                    self, rules, self._selected, self._edges, self._order
                )
            self._of_region[region] = shape
        return shape

    def gapless(self) -> bool:
        """Whether the records of every region come finished from the store."""
        return not any(shape.gaps for shape in self._made.values())

    def of_one_unit(self) -> bool:
        """Whether what is shown depends on the viewer's unit, beside the rights: on what it holds,
        or what is shared with it.
        """
        return any(view.rule.shared for shape in self._sets_made() for view in shape.rules)

    def named(self) -> tuple[frozenset[str], frozenset[str]]:
        """The private fields shown in clear and those masked, over all shapes made."""
        made = sum(1 for _ in self._sets_made())
        if self._named is None or self._named[0] != made:
            clear: set[str] = set()
            masked: set[str] = set()
            for shape in self._sets_made():
                clear |= shape.clear
                masked |= shape.masked
            self._named = (made, frozenset(clear), frozenset(masked))
        return self._named[1:]

    def _sets_made(self) -> Iterator[Shape]:
        yield from self._made.values()
        for link in self.links:
            yield from link.shapes._sets_made()
