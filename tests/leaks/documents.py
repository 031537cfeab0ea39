"""Generated questions over the whole schema, whatever areas have added to it.

Every root field is asked with arguments of its types; selections go through every type, interface
and union. What is known to differ from one answer to the next is left out by name (`VARYING`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
    print_ast,
)
from graphql.utilities import value_to_literal
from hypothesis import strategies as st

from resolvers.root import make_schema
from tests.resolvers.operations import filters, operations, orders

__all__ = ["SCHEMA", "VARYING", "Asked", "asked", "broken", "inputs", "selections"]

SCHEMA: GraphQLSchema = make_schema()._schema

VARYING = {
    ("RegionAnswer", "milliseconds"): "how long a store took",
    ("RegionAnswer", "asOf"): "the moment of the answer",
    **dict.fromkeys(
        [
            ("Query", name)
            for name in (
                "accessLog",
                "accessLogCheckpoint",
                "accessLogProof",
                "accessLogConsistency",
            )
        ],
        "entries have ids and moments of their own: test_log_of_worlds.py asks without them",
    ),
    ("Query", "alarms"): "raised in its own time: test_log_of_worlds.py waits for it",
}
"""Fields that are of the moment, and why."""


class Known(dict[str, list[str]]):
    """Values worth sending, by the name of a scalar; `cursor` for those of pages."""

    def __repr__(self) -> str:
        return "KNOWN"  # a failure prints it


_DEEPEST = 4
_RECORDS = ("node", "nodes", "chain", "people", "checkDuplicate", "contacts", "cases")
_NOBODY = (  # of neither world: whether somebody is on record is what a check tells
    {"idNumber": "110101190001010014"},
    {"idNumber": "x-1", "phone": "15500000000"},
    {"phone": "15500000000"},
    {"name": "某人", "birthDate": "1990-01-01"},
)


@dataclass(slots=True)
class Asked:
    """A document with its variables."""

    text: str
    variables: dict[str, Any] = field(default_factory=dict)
    name: str | None = None


def _scalars(known: Known) -> dict[str, st.SearchStrategy[Any]]:
    texts = st.sampled_from(["", "x", "*", "某人", "15500000000", "CASE", "N113", "a'b\"%_\\"])
    days = st.sampled_from(["2025-12-31", "2026-01-01", "2026-05-01", "1990-01-01", "*"])
    return {
        "ID": st.sampled_from([*known["ID"], "case:1", "x", "person:-1", "measles"]),
        "String": texts | st.sampled_from(list(known["String"])),
        "PrivateString": texts | st.sampled_from(list(known["String"])),
        "Int": st.sampled_from([1, 2, 3, 8, 30, 30, 0, -1]),
        "Float": st.sampled_from([0.0, 1.5, -3.0]),
        "Boolean": st.booleans(),
        "PrivateInt": st.sampled_from([0, 36, 44, "*"]),
        "Date": days.filter(lambda day: day != "*"),
        "PrivateDate": days,
        "DateTime": st.sampled_from(["2026-01-01T00:00:00Z", "2026-05-12T16:00:02+08:00"]),
        "RegionCode": st.sampled_from(["320102", "320104", "320100", "320000", "000000", "500103"]),
    }


def inputs(kind: GraphQLInputType, known: Known, depth: int = 2) -> st.SearchStrategy[Any]:
    """Values of an input type as JSON; null where it may be."""
    if isinstance(kind, GraphQLNonNull):
        return _inputs(kind.of_type, known, depth)
    return st.none() | _inputs(kind, known, depth)


def _inputs(kind: GraphQLInputType, known: Known, depth: int) -> st.SearchStrategy[Any]:
    if isinstance(kind, GraphQLList):
        return st.lists(inputs(kind.of_type, known, depth), max_size=2)
    if isinstance(kind, GraphQLEnumType):
        return st.sampled_from(list(kind.values))
    if isinstance(kind, GraphQLInputObjectType):
        if kind.name in ("CaseFilter", "ContactFilter"):
            return filters(kind.name.removesuffix("Filter"))
        if kind.name == "PersonSearch" and depth > 0:
            return st.sampled_from([*_NOBODY, {}])
        must, may = {}, {}
        for name, one in kind.fields.items():
            if is_required_input_field(one):
                must[name] = inputs(one.type, known, depth - 1)
            elif depth > 0:
                may[name] = inputs(one.type, known, depth - 1)
        return st.fixed_dictionaries(must, optional=may)
    return _scalars(known).get(kind.name, st.just("x"))  # type: ignore[union-attr]  # known to have it here


class _Writer:
    def __init__(self, draw: Any, known: Known) -> None:
        self.draw, self.known = draw, known
        self.declared: list[str] = []
        self.variables: dict[str, Any] = {}
        self.fragments: dict[str, str] = {}

    def chance(self, one_in: int) -> bool:
        return bool(self.draw(st.integers(1, one_in)) == one_in)

    def arguments(self, declared: GraphQLField) -> str:
        parts = []
        for name, one in declared.args.items():
            if not is_required_argument(one) and not self.chance(2):
                continue
            if name == "orderBy":
                listed = get_named_type(one.type).name.removesuffix("Order")
                value = self.draw(orders(listed))
            elif name == "after":
                value = self.draw(st.sampled_from([None, None, *self.known["cursor"]]))
            elif name in ("id", "ids", "root"):
                ids = [i for i in self.known["ID"] if name != "root" or i[:3] in ("cas", "con")]
                one_id = st.sampled_from(ids)
                value = self.draw(st.lists(one_id, max_size=9) if name == "ids" else one_id)
            else:
                value = self.draw(inputs(one.type, self.known))
            literal = value_to_literal(value, one.type) if self.chance(3) else None
            if literal is not None:
                parts.append(f"{name}: {print_ast(literal)}")
                continue
            variable = f"v{len(self.declared)}"
            self.declared.append(f"${variable}: {one.type}")
            self.variables[variable] = value
            parts.append(f"{name}: ${variable}")
        return f"({', '.join(parts)})" if parts else ""

    def directive(self) -> str:
        if not self.chance(8):
            return ""
        name, value = self.draw(st.sampled_from([("skip", False), ("include", True)]))
        if self.chance(2):
            variable = f"v{len(self.declared)}"
            self.declared.append(f"${variable}: Boolean!")
            self.variables[variable] = self.draw(st.booleans())
            return f" @{name}(if: ${variable})"
        return f" @{name}(if: {str(value).lower()})"

    def selection(self, kind: Any, depth: int) -> str:
        """A selection set on a composite type."""
        parts = ["__typename"] if self.chance(4) else []
        if isinstance(kind, GraphQLUnionType | GraphQLInterfaceType):
            parts.append("__typename")
            chosen = [one for one in SCHEMA.get_possible_types(kind) if self.chance(2)]
            parts += [f"... on {one.name} {self.selection(one, depth)}" for one in chosen]
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            names = [
                name
                for name, one in kind.fields.items()
                if (kind.name, name) not in VARYING
                and (depth > 0 or is_leaf_type(get_named_type(one.type)))
            ]
            if names:
                several = st.lists(st.sampled_from(names), min_size=1, max_size=5)
                parts += [self.field(kind, name, depth) for name in self.draw(several)]
        if not parts:
            parts.append("__typename")
        if isinstance(kind, GraphQLObjectType) and self.chance(5):
            name = f"F{len(self.fragments)}"
            self.fragments[name] = ""
            body = self.selection(kind, depth - 1)
            self.fragments[name] = f"fragment {name} on {kind.name} {body}"
            parts.append(f"...{name}{self.directive()}")
        return "{ " + " ".join(parts) + " }"

    def field(self, kind: Any, name: str, depth: int) -> str:
        declared = kind.fields[name]
        arguments = self.arguments(declared)
        # Every alias is another: fields with arguments of their own cannot be merged.
        alias = f"a{len(self.declared)}_{self.draw(st.integers(0, 10**6))}: " if arguments else ""
        if not arguments and self.chance(5):
            alias = f"a_{name}: "
        target = get_named_type(declared.type)
        below = "" if is_leaf_type(target) else " " + self.selection(target, depth - 1)
        return f"{alias}{name}{arguments}{self.directive()}{below}"

    def document(self, operation: str, roots: str) -> Asked:
        declared = f"({', '.join(self.declared)})" if self.declared else ""
        text = f"{operation} {declared} {{ {roots} }} " + " ".join(self.fragments.values())
        return Asked(text, self.variables)


@st.composite
def selections(draw: Any, kind: Any, known: Known, depth: int = 2) -> str:
    """A selection set without variables or fragments of its own."""
    writer = _Writer(draw, known)
    while True:
        text = writer.selection(kind, depth)
        if not writer.declared and not writer.fragments:
            return text
        writer = _Writer(draw, known)


@st.composite
def asked(draw: Any, known: Known) -> Asked:
    """A question: of lists as plans take them, or of any root fields."""
    if draw(st.integers(0, 3)) == 0:
        made = draw(operations())
        return Asked(made.text, made.variables)
    writer = _Writer(draw, known)
    assert SCHEMA.query_type is not None
    fields = [name for name in SCHEMA.query_type.fields if ("Query", name) not in VARYING]
    names = [*sorted(fields), *_RECORDS]
    roots = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3))
    found = " ".join(writer.field(SCHEMA.query_type, name, _DEEPEST) for name in roots)
    made = writer.document("query", found)
    if writer.chance(8):  # and another operation beside it, not asked for
        made.text = made.text.replace("query", "query Asked", 1) + " query Other { __typename }"
        made.name = "Asked"
    return made


@st.composite
def broken(draw: Any, known: Known) -> Asked:
    """A question with something wrong in its text or its variables."""
    made: Asked = draw(asked(known))
    if draw(st.booleans()):
        place = draw(st.integers(0, len(made.text)))
        cut = draw(st.integers(0, 3))
        new = draw(st.sampled_from(["", "}", "{", '"', "$", "nonsense", "idNumber", "(", "1"]))
        made.text = made.text[:place] + new + made.text[place + cut :]
    elif made.variables:
        name = draw(st.sampled_from(sorted(made.variables)))
        made.variables[name] = draw(
            st.sampled_from([None, 1, "某人", {"a": ["x"]}, [None], True, {"idNumber": "1"}])
        )
    return made
