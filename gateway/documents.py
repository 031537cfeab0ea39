"""Documents: parsed and validated once, kept by their text, within limits (hostile ones
included).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
    specified_rules,
    validate,
)
from graphql.validation import NoSchemaIntrospectionCustomRule

from gateway._kept import Kept
from regions.errors import TooLarge

__all__ = ["Document", "Documents", "Operation"]

_KEPT = 500_000  # characters of all documents; parsed, they take some 200 bytes for each
_DOCUMENT = 200  # characters that a document counts for at least
_LONGEST = 100_000  # characters
_MOST_ERRORS = 20
_MOST_ROOTS = 50  # fields of Query or Mutation in one operation


@dataclass(slots=True, eq=False)
class Operation:
    """One operation of a document, and what is known of its paging once a plan was wanted.

    `pages` are `first` and `after` of each root field; empty where there can be no plan. `deciding`
    are the variables a plan depends on: all but those used only for pages.
    """

    node: OperationDefinitionNode
    title: str  # `query cases contacts`, for the access log: no word in it is the client's
    introspects: bool
    pages: list[tuple[Any, Any]] | None = None
    deciding: tuple[str, ...] = ()

    @property
    def fields(self) -> list[str]:
        """The names of the fields at its root."""
        return self.title.split()[1:]


@dataclass(slots=True)
class Document:
    """A valid document, or the errors that keep it from being one."""

    node: DocumentNode | None
    errors: list[GraphQLError]
    operations: dict[str | None, Operation]
    fragments: dict[str, FragmentDefinitionNode]
    size: int = 0  # characters

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
        self._kept: Kept[str, Document] = Kept(_KEPT)

    def get(self, text: str) -> Document:
        """The document of a text; invalid ones are kept too. Raises TooLarge."""
        found = self._kept.get(text, None)
        if found is not None:
            return found
        if len(text) > _LONGEST:
            raise TooLarge(
                f"the document has more than {_LONGEST} characters",
                hint="send values as variables",
            )
        found = self._make(text)
        self._kept.keep(text, found, len(text) + _DOCUMENT)
        return found

    def _make(self, text: str) -> Document:
        try:
            node = parse(text, max_lexical_tokens=self._tokens_max)
        except GraphQLError as error:
            return Document(None, [self._sized(error)], {}, {})
        except RecursionError:
            return Document(None, [_over("the document is nested too deeply")], {}, {})
        fragments = {
            one.name.value: one
            for one in node.definitions
            if isinstance(one, FragmentDefinitionNode)
        }
        try:
            errors = validate(
                self._schema,
                node,
                specified_rules,
                max_errors=_MOST_ERRORS,
                hide_suggestions=True,
                allow_empty_selection_sets=False,
            )
            if not errors:
                errors = self._too_deep(node, fragments)
            elif [one.message for one in errors] == ["Validation aborted."]:
                errors = [_over("the document is too complex to be checked")]
        except RecursionError:
            errors = [_over("the document is nested too deeply")]
        if errors:
            return Document(None, errors, {}, {})
        introspects = self._introspects(node)
        operations = {}
        for one in node.definitions:
            if isinstance(one, OperationDefinitionNode):
                roots = _roots(one, fragments)
                if len(roots) > _MOST_ROOTS:
                    message = f"an operation has at most {_MOST_ROOTS} fields at its root"
                    return Document(None, [_over(message, one)], {}, {})
                title = " ".join([one.operation.value, *sorted(set(roots.values()))])
                name = one.name.value if one.name else None
                operations[name] = Operation(one, title, introspects)
        if not operations:
            errors = [GraphQLError("The document has no operation.")]
        return Document(node, errors, operations, fragments, len(text))

    def _sized(self, error: GraphQLError) -> GraphQLError:
        """The parser's error; where a limit was passed, as one with that name."""
        if "more than" in error.message:
            return _over(f"the document has more than {self._tokens_max} tokens")
        return _over("the document is nested too deeply") if "deeply" in error.message else error

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
                    text = f"the document is {found} fields deep; the limit is {self._depth_max}"
                    return [_over(text, one)]
        return []


def _over(message: str, node: Node | None = None) -> GraphQLError:
    """A limit that was passed, as an error of the document."""
    return GraphQLError(message, node, original_error=TooLarge(message))


def _roots(
    operation: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode]
) -> dict[str, str]:
    """The fields at the root of an operation: names by response key."""
    names: dict[str, str] = {}
    seen: set[str] = set()
    waiting = [operation.selection_set]
    while waiting:
        for one in waiting.pop().selections:
            if isinstance(one, FieldNode):
                names[(one.alias or one.name).value] = one.name.value
            elif isinstance(one, InlineFragmentNode):
                waiting.append(one.selection_set)
            elif isinstance(one, FragmentSpreadNode) and one.name.value not in seen:
                seen.add(one.name.value)
                waiting.append(fragments[one.name.value].selection_set)
    return names
