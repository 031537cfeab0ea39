"""Which private fields an operation asks for, for the access log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from graphql import FieldNode, GraphQLSchema, Node, TypeInfo, TypeInfoVisitor, Visitor, visit

from resolvers.catalog import private_fields

__all__ = ["private_fields_asked"]


class _Asked(Visitor):
    """Gathers (type, field) of private fields."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self._types = types
        self.found: set[tuple[str, str]] = set()

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """Notes one field."""
        parent = self._types.get_parent_type()
        if parent is not None:
            self.found.add((parent.name, node.name.value))


def private_fields_asked(
    schema: GraphQLSchema, nodes: Iterable[Node]
) -> frozenset[tuple[str, str]]:
    """(type, field) of every private field below the nodes: an operation and its fragments."""
    types = TypeInfo(schema)
    asked = _Asked(types)
    for node in nodes:
        visit(node, TypeInfoVisitor(types, asked))
    return frozenset(asked.found & private_fields().keys())
