"""Executing the ordinary way: what becomes of each record as its fields are asked for.

graphql-core's executor, which tells when a record is shown, by which fields; which leaves a record
out whose region died before what belongs to it was read, as a plan does; and which answers the same
question with the same bytes, whichever of its roots fails first.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Iterable, Sequence
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    OperationType,
)
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.executor import Executor
from graphql.pyutils import Path

from resolvers.context import told_of, update_answers
from resolvers.questions.ordinary import Records
from schema.chain import ChainLink
from schema.fields import One

__all__ = ["RecordExecutor"]

_Details = list[FieldDetails]


class RecordExecutor(Executor[Any]):
    """An executor whose context has `records` (`resolvers.context.Context`)."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._roots: list[str | int] = []
        self._failed: dict[str | int, Exception] = {}

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: dict[str, _Details],
        position_context: Any,
    ) -> Any:
        """Notes what is shown of a record or of a group of its columns, then does it."""
        record = getattr(source_value, "_record", None)
        if record is not None:
            self._records.show(record, parent_type.name, _names(grouped_field_set))
        elif isinstance(source_value, ChainLink):
            names = _names(grouped_field_set)
            ends = (("from", source_value.start), ("to", source_value.end))
            self._records.show_ids(str(end) for name, end in ends if name in names)
        if path is not None and path.prev is None and told_of(source_value):
            return self._regions_last(
                parent_type, source_value, path, grouped_field_set, position_context
            )
        found = super().execute_fields(
            parent_type, source_value, path, grouped_field_set, position_context
        )
        return self._in_order(found) if path is None and self.is_awaitable(found) else found

    def _regions_last(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        path: Path,
        fields: dict[str, _Details],
        position_context: Any,
    ) -> Any:
        """The fields of what a root field gives, its `regions` after all else: what relations took,
        and where they failed, is told there, as a plan does.
        """
        late = {k: v for k, v in fields.items() if v[0].node.name.value == "regions"}
        early = {key: value for key, value in fields.items() if key not in late}
        go_on = super().execute_fields
        first: Any = go_on(parent_type, source, path, early, position_context)
        if not late:
            return first

        def tell(found: dict[str, Any]) -> dict[str, Any]:
            update_answers(self.context_value.question, source.regions, str(path.key))
            told: Any = go_on(parent_type, source, path, late, position_context)
            return {key: told[key] if key in late else found[key] for key in fields}

        async def wait() -> dict[str, Any]:
            return tell(await first)

        return wait() if self.is_awaitable(first) else tell(first)

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: _Details,
        path: Path,
        position_context: Any,
    ) -> Any:
        """A field; a root of a query that fails waits for those before it, which may fail, too."""
        found = super().execute_field(
            parent_type, source, field_details_list, path, position_context
        )
        if path.prev is not None or self.operation.operation is not OperationType.QUERY:
            return found
        self._roots.append(path.key)
        return self._kept(path.key, found) if self.is_awaitable(found) else found

    async def _kept(self, name: str | int, found: Awaitable[Any]) -> Any:
        try:
            return await found
        except Exception as error:  # the answer's end: `_in_order` raises it
            self._failed[name] = error

    async def _in_order(self, found: Awaitable[Any]) -> Any:
        """The roots' values. What the first of them in the document failed of is raised, which is
        the only failure told: were it the one that failed first, time would be told with it.
        """
        values = await found
        for name in self._roots:
            if name in self._failed:
                raise self._failed[name]
        return values

    def build_response(self, data: dict[str, Any] | None) -> Any:
        """The answer, its failures in the order of the document and of the lists."""
        response = super().build_response(data)
        if self._roots and isinstance(response, ExecutionResult) and response.errors:
            response.errors.sort(key=_place)
        return response

    def complete_list_value(
        self,
        return_type: GraphQLList[GraphQLOutputType],
        field_details_list: _Details,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: AsyncIterable[Any] | Iterable[Any],
        position_context: Any,
    ) -> Any:
        """A list without the records of which the region was lost."""
        go_on = super().complete_list_value
        if not isinstance(result, list) or not any(
            self._must(one, field_details_list) for one in result
        ):
            return go_on(return_type, field_details_list, info, path, result, position_context)

        async def complete() -> Any:
            whole = await self._whole(result, field_details_list)
            found = go_on(return_type, field_details_list, info, path, whole, position_context)
            return await found if self.is_awaitable(found) else found

        return complete()

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: _Details,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """An object; null for a record of which the region was lost."""
        go_on = super().complete_object_value
        if not self._must(result, field_details_list):
            return go_on(return_type, field_details_list, info, path, result, position_context)

        async def complete() -> Any:
            if not await self._whole([result], field_details_list):
                return None
            found = go_on(return_type, field_details_list, info, path, result, position_context)
            return await found if self.is_awaitable(found) else found

        return complete()

    @property
    def _records(self) -> Records:
        records: Records = self.context_value.records
        return records

    def _must(self, record: Any, details: _Details) -> Sequence[str]:
        """What is asked for of a record that must be there with it (python names), but for what is
        known to be. A person who was offered and refused is not kept: that one may be null.
        """
        shapes = getattr(record, "_shapes", None)
        if shapes is None:
            return ()
        kind: Any = self.schema.type_map[shapes.record.name]
        asked = _names(self.collect_subfields(kind, details).grouped_field_set)
        return [
            field.python_name
            for name in asked
            if (field := shapes.record.fields.get(name)) is not None
            and isinstance(field.source, One)
            and field.source.local
            and not field.nullable  # else the record stands without it
            and field.python_name not in record._there
        ]

    async def _whole(self, records: list[Any], details: _Details) -> list[Any]:
        """The records, in order, without those that miss what must be there."""
        asked = [(one, name) for one in records for name in self._must(one, details)]
        lost = await self._records.lost(asked)
        for one, name in asked:
            one._there.add(name)
        return [one for one in records if one is None or one._row[2] not in lost]


def _place(error: GraphQLError) -> tuple[list[int], list[int]]:
    return list(error.positions or ())[:1], [
        key for key in error.path or () if isinstance(key, int)
    ]


def _names(fields: dict[str, _Details]) -> set[str]:
    return {details[0].node.name.value for details in fields.values()}
