"""What an operation selects: fields collected and merged as the GraphQL specification says
(6.3.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    SelectionSetNode,
    VariableNode,
)

__all__ = ["Selected", "Selector"]


@dataclass(frozen=True, slots=True)
class Selected:
    """One field of the response: its key, its name, and the nodes merged under the key."""

    key: str
    name: str
    nodes: tuple[FieldNode, ...]


class Selector:
    """Collects fields of one operation for given values of the variables."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Mapping[str, Any],
    ) -> None:
        self._schema, self._fragments, self._variables = schema, fragments, variables

    def below(self, selected: Selected, type_name: str) -> list[Selected]:
        """The fields selected below a field whose type is the named object type."""
        return self.collect(
            type_name, [node.selection_set for node in selected.nodes if node.selection_set]
        )

    def collect(self, type_name: str, sets: Iterable[SelectionSetNode]) -> list[Selected]:
        """The fields of selection sets on an object type, merged by response key, in order."""
        found: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for selections in sets:
            self._gather(type_name, selections, found, seen)
        return [Selected(key, nodes[0].name.value, tuple(nodes)) for key, nodes in found.items()]

    def _gather(
        self,
        type_name: str,
        selections: SelectionSetNode,
        found: dict[str, list[FieldNode]],
        seen: set[str],
    ) -> None:
        for node in selections.selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                key = (node.alias or node.name).value
                found.setdefault(key, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                if condition is None or self._applies(condition.name.value, type_name):
                    self._gather(type_name, node.selection_set, found, seen)
            elif isinstance(node, FragmentSpreadNode):
                name = node.name.value
                fragment = self._fragments[name]
                if name not in seen and self._applies(
                    fragment.type_condition.name.value, type_name
                ):
                    seen.add(name)
                    self._gather(type_name, fragment.selection_set, found, seen)

    def _included(self, node: Any) -> bool:
        for directive in node.directives or ():
            name = directive.name.value
            if name in ("skip", "include"):
                value = directive.arguments[0].value
                if isinstance(value, VariableNode):
                    holds = bool(self._variables[value.name.value])
                else:
                    holds = bool(value.value)
                if holds == (name == "skip"):
                    return False
        return True

    def _applies(self, condition: str, type_name: str) -> bool:
        if condition == type_name:
            return True
        wanted = self._schema.type_map.get(condition)
        actual = self._schema.type_map.get(type_name)
        return (
            isinstance(wanted, (GraphQLInterfaceType, GraphQLUnionType))
            and isinstance(actual, GraphQLObjectType)
            and self._schema.is_sub_type(wanted, actual)
        )
