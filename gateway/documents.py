"""Documents: parsed and validated once, kept by their text, within limits (hostile ones
included).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
    specified_rules,
    validate,
)
from graphql.validation import NoSchemaIntrospectionCustomRule

__all__ = ["Document", "Documents", "Operation"]

_KEPT = 2_000
_MOST_ERRORS = 20


@dataclass(slots=True)
class Operation:
    """One operation of a document, and what was compiled for it.

    `paging` are variables used only as `first` or `after` of a root field: a plan does not depend
    on them. `plans` maps (rights, other variables) to a plan, or to None where there can be none.
    """

    node: OperationDefinitionNode
    introspects: bool
    pages: list[tuple[Any, Any]] | None = None
    paging: frozenset[str] = frozenset()
    plans: OrderedDict[Any, Any] = field(default_factory=OrderedDict)


@dataclass(slots=True)
class Document:
    """A valid document, or the errors that keep it from being one."""

    node: DocumentNode | None
    errors: list[GraphQLError]
    operations: dict[str | None, Operation]
    fragments: dict[str, FragmentDefinitionNode]

    def operation(self, name: str | None) -> Operation:
        """The operation of that name, or the only one. Raises GraphQLError."""
        if name is None:
            if len(self.operations) != 1:
                raise GraphQLError(
                    "The document has several operations: say which by operationName."
                )
            return next(iter(self.operations.values()))
        found = self.operations.get(name)
        if found is None:
            raise GraphQLError("The document has no operation of that operationName.")
        return found


class Documents:
    """Documents kept by their text; the least recently used go first."""

    def __init__(self, schema: GraphQLSchema, *, tokens_max: int, depth_max: int) -> None:
        self._schema = schema
        self._tokens_max, self._depth_max = tokens_max, depth_max
        self._kept: OrderedDict[str, Document] = OrderedDict()

    def get(self, text: str) -> Document:
        """The document of a text; invalid ones are kept too."""
        found = self._kept.get(text)
        if found is not None:
            self._kept.move_to_end(text)
            return found
        found = self._kept[text] = self._make(text)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found

    def _make(self, text: str) -> Document:
        try:
            node = parse(text, max_lexical_tokens=self._tokens_max)
        except GraphQLError as error:
            return Document(None, [error], {}, {})
        except RecursionError:
            return Document(None, [GraphQLError("The document is nested too deeply.")], {}, {})
        fragments = {
            one.name.value: one
            for one in node.definitions
            if isinstance(one, FragmentDefinitionNode)
        }
        try:
            errors = validate(self._schema, node, specified_rules, max_errors=_MOST_ERRORS)
            if not errors:
                errors = self._too_deep(node, fragments)
        except RecursionError:
            errors = [GraphQLError("The document is nested too deeply.")]
        operations = {}
        for one in node.definitions:
            if isinstance(one, OperationDefinitionNode):
                operations[one.name.value if one.name else None] = Operation(
                    one, self._introspects(node)
                )
        if not operations and not errors:
            errors = [GraphQLError("The document has no operation.")]
        return Document(node, errors, operations, fragments)

    def _introspects(self, node: DocumentNode) -> bool:
        return bool(validate(self._schema, node, [NoSchemaIntrospectionCustomRule], max_errors=1))

    def _too_deep(
        self, node: DocumentNode, fragments: dict[str, FragmentDefinitionNode]
    ) -> list[GraphQLError]:
        depths: dict[str, int] = {}

        def depth(selections: SelectionSetNode | None) -> int:
            if selections is None:
                return 0
            deepest = 0
            for one in selections.selections:
                if isinstance(one, FieldNode):
                    # Introspection is bounded by the schema; its standard query is deep.
                    own = 0 if one.name.value.startswith("__") else 1 + depth(one.selection_set)
                elif isinstance(one, InlineFragmentNode):
                    own = depth(one.selection_set)
                else:
                    assert isinstance(one, FragmentSpreadNode)
                    name = one.name.value
                    if name not in depths:
                        depths[name] = depth(fragments[name].selection_set)
                    own = depths[name]
                deepest = max(deepest, own)
            return deepest

        for one in node.definitions:
            if isinstance(one, OperationDefinitionNode):
                found = depth(one.selection_set)
                if found > self._depth_max:
                    text = f"The document is {found} fields deep; the limit is {self._depth_max}."
                    return [GraphQLError(text, one)]
        return []
