"""Paging: where `first` and `after` of an operation's lists come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    NonNullTypeNode,
    OperationType,
    VariableNode,
    Visitor,
    value_from_ast_untyped,
    visit,
)

from gateway.documents import Document, Operation

__all__ = ["find_paging"]


class _Variables(Visitor):
    """Counts how often each variable is used."""

    def __init__(self) -> None:
        super().__init__()
        self.used: Counter[str] = Counter()

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        """Counts one use."""
        self.used[node.name.value] += 1


@dataclass(frozen=True, slots=True)
class _Paging:
    """Where a value of `first` or `after` comes from: written in the document, or a variable."""

    value: Any
    variable: str | None = None
    required: bool = False

    def of(self, given: Mapping[str, Any]) -> Any:
        """The value; raises LookupError where a variable that must be given is not."""
        if self.variable is None:
            return self.value
        found = given.get(self.variable, self.value)
        if found is None and self.required:
            raise LookupError(self.variable)
        return found


def find_paging(document: Document, operation: Operation) -> None:
    """Finds `first` and `after` of each root field, and the variables that serve for them alone."""
    operation.pages = []
    if operation.node.operation is not OperationType.QUERY:
        return  # a mutation has no plan, and its variables are kept nowhere
    defaults = {one.variable.name.value: one for one in operation.node.variable_definitions or ()}
    paging: Counter[str] = Counter()
    for root in _roots(operation):
        values = {one.name.value: one.value for one in root.arguments or ()}
        pair = []
        for node in (values.get("first"), values.get("after")):
            if not isinstance(node, VariableNode):
                pair.append(_Paging(None if node is None else value_from_ast_untyped(node)))
                continue
            name = node.name.value
            paging[name] += 1
            definition = defaults[name]
            default = definition.default_value
            value = None if default is None else value_from_ast_untyped(default)
            pair.append(_Paging(value, name, isinstance(definition.type, NonNullTypeNode)))
        operation.pages.append((pair[0], pair[1]))
    counter = _Variables()
    visit(operation.node, counter)
    for fragment in document.fragments.values():
        visit(fragment, counter)
    # Each is seen once more where the operation declares it.
    alone = {name for name, times in paging.items() if counter.used[name] == times + 1}
    operation.deciding = tuple(name for name in defaults if name not in alone)


def _roots(operation: Operation) -> list[FieldNode]:
    """The root fields where they are plain (no fragments, no directives, no key twice), or none."""
    found: dict[str, FieldNode] = {}
    for one in operation.node.selection_set.selections:
        if not isinstance(one, FieldNode) or one.directives:
            return []
        key = (one.alias or one.name).value
        if key in found:
            return []
        found[key] = one
    return list(found.values())
