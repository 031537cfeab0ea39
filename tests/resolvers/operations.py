"""Generated questions: operations on lists of cases and contacts, and filters for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_composite_type,
    print_ast,
)
from graphql.utilities import value_to_literal
from hypothesis import strategies as st

from regions.ids import first_id
from resolvers.catalog import RECORDS
from resolvers.root import make_schema
from schema.fields import Gathered

__all__ = ["Operation", "filters", "operations", "orders"]

_SCHEMA: GraphQLSchema = make_schema()._schema
_CODES = ("320100", "320104", "320000", "000000", "320103", "500000", "110000", "340503")
_DAYS = ("2025-12-31", "2026-01-01", "2026-01-02", "2026-05-01", "2026-07-01")
_INSTANTS = ("2026-01-11T08:00:01Z", "2026-05-12T08:00:02Z", "2026-05-12T16:00:02+08:00")
_NUMBERS = (1, first_id("3201") + 1, first_id("3305") + 2)
_IDS = {
    "sourceCase": ("case:1", f"case:{first_id('3201') + 1}"),
    "parentContact": ("contact:1", f"contact:{(1 << 63) - 1}"),
    "disease": ("covid_19", "measles", "rabies"),
    "rulePack": ("N113", "of tomorrow"),
    "reportedBy": ("hospital-320102-1", "hospital-320104-1", "none"),
}


def _some(values: Any) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(list(values)), max_size=3)


def _range(values: tuple[str, ...]) -> st.SearchStrategy[dict[str, str | None]]:
    ends = st.one_of(st.none(), st.sampled_from(values))

    def between(pair: tuple[str | None, str | None]) -> dict[str, str | None]:
        start, end = pair
        return {"from": start, "to": end}

    # Instants are given in more than one offset: only days can be put in order as text.
    ordered = st.tuples(ends, ends).filter(lambda p: not (p[0] and p[1] and p[0][:10] > p[1][:10]))
    return ordered.map(between)


def filters(record: str, ids: dict[str, list[str]] | None = None) -> st.SearchStrategy[Any]:
    """Filters of a type of record, as variables. `ids` are values for relations."""
    declared = _SCHEMA.type_map[f"{record}Filter"]
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for name, one in declared.fields.items():  # type: ignore[attr-defined]  # known to have it here
        kind = get_named_type(one.type)
        if name in ("and", "or", "not"):
            continue
        if name == "code":
            fields[name] = _some(_CODES)
        elif kind.name == "DateRange":
            fields[name] = _range(_DAYS)
        elif kind.name == "DateTimeRange":
            fields[name] = _range(_INSTANTS)
        elif hasattr(kind, "values"):
            fields[name] = _some(kind.values)
        elif name == "ids":
            given = (ids or {}).get(record)
            fields[name] = _some(given or [f"{RECORDS[record].kind}:{one}" for one in _NUMBERS])
        else:
            fields[name] = _some((ids or {}).get(name) or _IDS[name])
    chosen = st.lists(st.sampled_from(sorted(fields)), max_size=2, unique=True)
    leaf = chosen.flatmap(
        lambda names: st.fixed_dictionaries({n: st.one_of(st.none(), fields[n]) for n in names})
    )

    found = leaf
    for _ in range(3):
        several = st.lists(found, max_size=2)
        trees = st.fixed_dictionaries({}, optional={"and": several, "or": several, "not": found})
        found = st.one_of(leaf, st.builds(lambda one, other: one | other, leaf, trees))
    return found.filter(lambda wanted: str(wanted).count(":") < 100)


def orders(record: str) -> st.SearchStrategy[list[dict[str, str]]]:
    """Orders of a type of record, as variables."""
    names = list(_SCHEMA.type_map[f"{record}OrderField"].values)  # type: ignore[attr-defined]  # known to have it here
    one = st.fixed_dictionaries(
        {"field": st.sampled_from(names)}, optional={"direction": st.sampled_from(("ASC", "DESC"))}
    )
    return st.lists(one, max_size=3)


@dataclass(slots=True)
class Operation:
    """A document and its variables; `lists` are the keys of its lists with what they were given."""

    text: str = ""
    variables: dict[str, Any] = field(default_factory=dict)
    lists: dict[str, dict[str, Any]] = field(default_factory=dict)


class _Writer:
    """Writes one document."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self.draw = draw
        self.fragments: dict[str, tuple[str, str]] = {}  # name → type, text
        self.declared: dict[str, str] = {}
        self.operation = Operation()

    def chance(self, one_in: int) -> bool:
        return bool(self.draw(st.integers(1, one_in)) == one_in)

    def variable(self, kind: str, value: Any) -> str:
        name = f"v{len(self.declared)}"
        default = ""
        if kind == "Boolean!" and self.chance(2):
            kind, default = "Boolean", " = true"
            if self.chance(2):
                value = ...
        if value is not ...:
            self.operation.variables[name] = value
        self.declared[name] = f"${name}: {kind}{default}"
        return f"${name}"

    def directives(self) -> str:
        text = ""
        for name in ("skip", "include"):
            if self.chance(12):
                value = self.draw(st.booleans())
                given = self.variable("Boolean!", value) if self.chance(2) else str(value).lower()
                text += f" @{name}(if: {given})"
        return text

    def selection(self, kind: GraphQLObjectType, depth: int, top: tuple[str, ...] = ()) -> str:
        """A selection set on a type, at most `depth` relations deep. `top` are always in it."""
        parts = [self.one(kind, name, depth) for name in top]
        fields = {n: f for n, f in kind.fields.items() if not _is_gathered(kind.name, n)}
        names = [n for n, f in fields.items() if depth or not _is_deep(kind.name, f.type)]
        if depth:
            names += 2 * [n for n, f in fields.items() if get_named_type(f.type).name in RECORDS]
        least = 0 if top else 1
        chosen = st.lists(st.sampled_from([*names, "__typename"]), min_size=least, max_size=6)
        names = [name for name in self.draw(chosen) if name not in _ONCE or not top]
        parts.extend(self.one(kind, name, depth) for name in names)
        if self.chance(4) and not top:
            parts.append(self.fragment(kind, depth))
        return "{ " + " ".join(parts) + " }"

    def one(self, kind: GraphQLObjectType, name: str, depth: int) -> str:
        # An alias says its field, so that fields with one key can always be merged.
        alias = f"a_{name}: " if name not in _ONCE and self.chance(4) else ""
        if name == "__typename":
            return f"{alias}__typename{self.directives()}"
        target = get_named_type(kind.fields[name].type)
        below = ""
        if is_composite_type(target):
            assert isinstance(target, GraphQLObjectType)
            step = 1 if target.name in RECORDS else 0
            top = {"edges": ("node", "cursor")}.get(name, ())
            if target.name == "RegionAnswer":
                below = " { code state records }"
            else:
                below = " " + self.selection(target, max(0, depth - step), top)
        return f"{alias}{name}{self.directives()}{below}"

    def fragment(self, kind: GraphQLObjectType, depth: int) -> str:
        if self.chance(6) and kind.name in ("Contact", "Case"):
            return f"... on ChainNode{self.directives()} {{ ... on {kind.name} {{ c: code }} }}"
        if self.chance(4) and any(i.name == "Node" for i in kind.interfaces):
            return f"... on Node {{ {self.draw(st.sampled_from(['id', 'n: id']))} }}"
        known = [name for name, (of, _) in self.fragments.items() if of == kind.name]
        if known and self.chance(2):
            return f"...{self.draw(st.sampled_from(known))}{self.directives()}"
        body = self.selection(kind, depth)
        if self.chance(2):
            name = f"F{len(self.fragments)}"
            self.fragments[name] = (kind.name, body)
            return f"...{name}{self.directives()}"
        on = self.draw(st.sampled_from(["", f" on {kind.name}"]))
        return f"...{on}{self.directives()} {body}"

    def root(self, number: int, depth: int) -> str:
        name = self.draw(st.sampled_from(("contacts", "cases")))
        record = {"contacts": "Contact", "cases": "Case"}[name]
        key = f"list{number}"
        given: dict[str, Any] = {}
        if self.chance(2):
            given["filter"] = self.draw(filters(record))
        if self.chance(2):
            given["orderBy"] = self.draw(orders(record))
        kinds = {"filter": f"{record}Filter", "orderBy": f"[{record}Order!]"}
        declared = _SCHEMA.query_type.fields[name].args  # type: ignore[union-attr]  # known to have it here
        arguments = []
        for argument, value in given.items():
            if self.chance(3):
                literal = value_to_literal(value, declared[argument].type)
                assert literal is not None
                arguments.append(f"{argument}: {print_ast(literal)}")
            else:
                arguments.append(f"{argument}: {self.variable(kinds[argument], value)}")
        first = self.draw(st.sampled_from((8, 3, 30, 1, 0)))
        arguments.append(f"first: {first if self.chance(2) else self.variable('Int', first)}")
        arguments.append(f"after: {self.variable('String', None)}")
        self.operation.lists[key] = given | {"field": name, "after": arguments[-1][8:]}
        connection = _SCHEMA.type_map[f"{record}Connection"]
        assert isinstance(connection, GraphQLObjectType)
        body = self.selection(connection, depth, ("edges",))
        return f"{key}: {name}({', '.join(arguments)}) {body}"


_ONCE = ("edges", "pageInfo", "regions", "node", "cursor")


def _is_gathered(owner: str, name: str) -> bool:
    """Whether no plan answers the field."""
    record = RECORDS.get(owner)
    return record is not None and isinstance(record.fields[name].source, Gathered)


def _is_deep(owner: str, kind: Any) -> bool:
    return get_named_type(kind).name in RECORDS and not owner.endswith(("Edge", "Connection"))


@st.composite
def operations(draw: Any) -> Operation:
    """An operation of one or two lists, relations three deep."""
    writer = _Writer(draw)
    roots = [writer.root(i, depth=3) for i in range(draw(st.sampled_from((1, 1, 1, 2))))]
    if writer.chance(4):
        roots.insert(draw(st.integers(0, 1)), "t: __typename")
    declared = ", ".join(writer.declared.values())
    text = f"query ({declared}) {{ {' '.join(roots)} }}"
    for name, (kind, body) in writer.fragments.items():
        text += f" fragment {name} on {kind} {body}"
    writer.operation.text = text
    return writer.operation
