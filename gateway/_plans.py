"""The plans of a gateway: kept by operation, rights and the variables a plan depends on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from graphql import GraphQLError, GraphQLSchema
from graphql.execution.values import VariableValues, get_variable_values

from gateway._kept import Kept
from gateway._paging import find_paging
from gateway.documents import Document, Operation
from regions.errors import EpigateError
from resolvers.questions.plans import OperationPlan, plan_operation
from resolvers.questions.question import Answering, viewer_key
from resolvers.questions.shapes import NotPlannable
from resolvers.users import Viewer

__all__ = ["Plans"]

_KEPT = 2_000_000  # characters of documents and variables, each plan for itself
_PLAN = 2_000  # a plan counts for so many more: its statements take some 50 KB
_UNKNOWN = object()
_VIEWERS_KEPT = 20_000


class Plans:
    """Finds the plan of an operation, and makes it the first time."""

    def __init__(self, schema: GraphQLSchema, answering: Answering) -> None:
        self._schema, self._answering = schema, answering
        self._keys: dict[int, tuple[Viewer, Any]] = {}
        self._plans: Kept[tuple[Operation, Any, bytes], OperationPlan | None] = Kept(_KEPT)

    def find(
        self, document: Document, operation: Operation, given: Mapping[str, Any], viewer: Viewer
    ) -> tuple[OperationPlan, tuple[tuple[Any, Any], ...]] | None:
        """The plan and the pages asked for, or None where the ordinary executor must answer."""
        if operation.pages is None:
            find_paging(document, operation)
            if not operation.pages:
                return None
        pages = []
        for first, after in operation.pages:
            try:
                size, place = first.of(given), after.of(given)
            except LookupError:
                return None
            if size is not None and (type(size) is not int or abs(size) > 0x7FFFFFFF):
                return None  # the ordinary way says what is wrong with it
            if place is not None and type(place) is not str:
                return None
            pages.append((size, place))
        # Only what the operation declares counts: a client may send anything beside it.
        others = {name: given[name] for name in operation.deciding if name in given}
        try:
            key = (operation, self._rights(viewer), orjson.dumps(others) if others else b"")
        except TypeError:  # nested deeper than can be written
            return None
        found = self._plans.get(key, _UNKNOWN)
        if isinstance(found, OperationPlan) or found is None:
            plan = found
        else:
            plan = self._make(document, operation, given, viewer)
            self._plans.keep(key, plan, document.size + len(key[2]) + _PLAN)
        return None if plan is None else (plan, tuple(pages))

    def _make(
        self, document: Document, operation: Operation, given: Mapping[str, Any], viewer: Viewer
    ) -> OperationPlan | None:
        values = get_variable_values(
            self._schema,
            operation.node.variable_definitions or (),
            dict(given),
            max_errors=1,
        )
        if not isinstance(values, VariableValues):
            return None
        try:
            return plan_operation(
                self._answering, self._schema, document.fragments, operation.node, values, viewer
            )
        except (NotPlannable, EpigateError, GraphQLError):
            return None

    def _rights(self, viewer: Viewer) -> Any:
        known = self._keys.get(id(viewer))
        if known is not None and known[0] is viewer and not viewer.grants:
            return known[1]
        if len(self._keys) >= _VIEWERS_KEPT:
            self._keys.clear()
        key = viewer_key(viewer)
        self._keys[id(viewer)] = (viewer, key)
        return key
