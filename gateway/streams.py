"""Streams: a subscription becomes answers, one for each event, with the rights of that moment."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Any

from graphql import ExecutionResult, GraphQLError
from graphql import Executor as GraphQLExecutor
from graphql.execution import create_source_event_stream

from gateway.executing import Answer, Executor, Request
from regions.errors import QuestionError
from resolvers.feeds import Feeds
from resolvers.rights import require
from resolvers.users import Viewer

__all__ = ["Stream", "Streams", "SubscriptionInvalid"]


class SubscriptionInvalid(Exception):
    """The document is not valid, or the source could not be opened; `errors` as a client gets them.

    `operation` and `code` are what the access log tells: empty where nothing was asked yet.
    """

    def __init__(self, errors: list[dict[str, Any]], operation: str = "", code: str = "") -> None:
        super().__init__("a subscription that cannot be answered")
        self.errors, self.operation, self.code = errors, operation, code


class Stream:
    """One subscription under way. `name` is its title, `subscription alarmRaised`."""

    def __init__(self, name: str, answers: AsyncIterator[tuple[Viewer, Answer]]) -> None:
        self.name, self.answers = name, answers


class Streams:
    """Opens subscriptions by the documents and resolvers of an executor."""

    def __init__(self, executor: Executor, feeds: Feeds) -> None:
        self._executor, self._feeds = executor, feeds

    async def open(self, request: Request, viewer_now: Callable[[], Viewer]) -> Stream:
        """Opens a subscription; `viewer_now` raises Unauthenticated once the session has ended.

        Raises QuestionError, SubscriptionInvalid.
        """
        executor = self._executor
        viewer = viewer_now()
        document, operation = executor.subscription(request, viewer)
        field = operation.title.split()[1]  # it has one: the rules of GraphQL see to it
        try:
            require(viewer, field)
        except QuestionError as error:
            raise SubscriptionInvalid(
                [{"message": error.message, "extensions": error.extensions()}],
                operation.title,
                error.code,
            ) from None
        assert document.node is not None
        built = GraphQLExecutor.build(
            executor.schema,
            document.node,
            context_value=executor.live_context(viewer_now, self._feeds),
            raw_variable_values=dict(request.variables),
            operation_name=request.operation_name,
            max_coercion_errors=20,
            hide_suggestions=True,
        )
        if isinstance(built, list):
            raise SubscriptionInvalid([executor.formatted(error) for error in built])
        source = create_source_event_stream(built)
        if inspect.isawaitable(source):
            source = await source
        if isinstance(source, ExecutionResult):
            errors = [executor.formatted(error) for error in source.errors or ()]
            code = str(errors[0]["extensions"]["code"]) if errors else "INTERNAL"
            raise SubscriptionInvalid(errors, operation.title, code)
        return Stream(operation.title, self._answers(request, field, source, viewer_now))

    async def _answers(
        self,
        request: Request,
        field: str,
        source: AsyncIterable[Any],
        viewer_now: Callable[[], Viewer],
    ) -> AsyncIterator[tuple[Viewer, Answer]]:
        """The answer of each event, and whose it is. Raises QuestionError."""
        events = aiter(source)
        try:
            async for event in events:
                viewer = viewer_now()
                require(viewer, field)
                yield viewer, await self._executor.answer_event(viewer, request, event)
        except GraphQLError as error:  # wraps what the source raised
            raise error.original_error or error from None
        finally:
            if inspect.isasyncgen(events):
                await events.aclose()
