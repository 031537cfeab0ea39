"""Executing: a request becomes an answer and what the access log says of it.

The plan answers what it can; the ordinary executor does the rest, by the same statements and rules.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import strawberry
from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationType,
    execute,
)

from gateway._answers import Answer, answered, formatted, of_request, refused
from gateway._plans import Plans
from gateway.documents import Document, Documents, Operation
from gateway.messages import without_values
from regions.errors import Forbidden, QuestionError, TooLarge, Unauthenticated
from resolvers.access_log import Commitments
from resolvers.actions import require_action
from resolvers.central import Central
from resolvers.context import Context, LiveContext
from resolvers.feeds import Feeds
from resolvers.post.pump import Pump
from resolvers.privacy import in_force
from resolvers.questions.plans import OperationPlan
from resolvers.questions.question import Answering, Question, Trail
from resolvers.questions.showing import RecordExecutor
from resolvers.users import Viewer
from resolvers.writing.outbox import Telling
from resolvers.writing.stores import Stores

__all__ = ["Answer", "Executor", "Request"]

_QUESTION_BYTES = 262_144  # of a query; only mutations have much to say
_STRANGER_CHARACTERS = 2_000  # of a document of somebody without a session
_MOST_ERRORS = 20  # of the variables
_SIGN_IN = "POST /sign-in, then send authorization: Bearer <token>"


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None
    size: int = 0  # of the body, in bytes
    address: str = ""  # network address of the client
    id: str = ""  # by which the access log names it
    trace: str = ""


class Executor:
    """Answers requests. `planning=False` leaves everything to the ordinary executor (for tests).

    `before_writing` is awaited before a mutation is begun; what it raises keeps it from that.
    `commitments` stand for the records in what the log is told; without them, numbers do. `origin`
    is the log's name.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        answering: Answering,
        stores: Stores | None,
        *,
        tokens_max: int,
        depth_max: int,
        central: Central | None = None,
        planning: bool = True,
        before_writing: Callable[[], Awaitable[int]] | None = None,
        commitments: Commitments | None = None,
        origin: str = "",
        post: Pump | None = None,
    ) -> None:
        self.schema: GraphQLSchema = schema._schema
        self.answering = answering
        self.planning = planning
        self._stores, self._central, self._post = stores, central, post
        self._before_writing = before_writing
        self._commitments, self._origin = commitments, origin
        self._documents = Documents(self.schema, tokens_max=tokens_max, depth_max=depth_max)
        self._plans = Plans(self.schema, answering)

    async def answer(
        self, viewer: Viewer | None, request: Request, *, remember: bool = True
    ) -> Answer:
        """The answer to a request. Raises QuestionError.

        Without `remember` it is neither kept to be given again, nor one that was.
        """
        if viewer is None and len(request.query) > _STRANGER_CHARACTERS:
            raise Unauthenticated("a document of this length needs a session", hint=_SIGN_IN)
        document = self._documents.get(request.query)
        if document.errors:
            return refused(document.errors)
        try:
            operation = document.operation(request.operation_name)
        except GraphQLError as error:
            return refused([error])
        if operation.node.operation is OperationType.SUBSCRIPTION:
            raise QuestionError(
                "a subscription is asked over WebSocket", hint="graphql-transport-ws at /graphql"
            )
        if operation.introspects and viewer is None:
            raise Unauthenticated("introspection needs a session", hint=_SIGN_IN)
        if operation.node.operation is OperationType.QUERY and request.size > _QUESTION_BYTES:
            raise TooLarge(
                f"a query with its variables has at most {_QUESTION_BYTES} bytes",
                hint="ask in parts",
            )
        name = operation.title
        if viewer is not None and viewer.actions is not None:
            try:
                require_action(viewer, operation.fields)
            except Forbidden as error:
                failed = GraphQLError(error.message, original_error=error)
                said = orjson.dumps({"errors": [formatted(failed)]})
                return Answer(said, error.status, None, name, True, error.code)
        if viewer is not None:
            viewer = in_force(viewer)  # one moment decides: key, plan and answer know these grants
        if viewer is not None and self.planning and operation.pages != []:
            planned = self._plans.find(document, operation, request.variables, viewer)
            if planned is not None:
                return await self._planned(*planned, viewer, name, remember)
        return await self._ordinary(document, operation, request, viewer, name)

    def subscription(self, request: Request, viewer: Viewer) -> tuple[Document, Operation]:
        """The document and operation of a subscription. Raises QuestionError, also for one that is
        not valid.
        """
        document = self._documents.get(request.query)
        if not document.errors:
            try:
                operation = document.operation(request.operation_name)
            except GraphQLError as error:
                raise QuestionError(error.message) from None
            if operation.node.operation is not OperationType.SUBSCRIPTION:
                raise QuestionError(
                    "only subscriptions are asked over WebSocket", hint="POST /graphql for others"
                )
            require_action(viewer, operation.fields)
            return document, operation
        first = document.errors[0]
        if isinstance(first.original_error, QuestionError):
            raise first.original_error
        raise QuestionError(without_values(first.message))

    def live_context(self, now: Callable[[], Viewer], feeds: Feeds) -> LiveContext:
        """The context of a subscription's source."""
        assert self._central is not None
        return LiveContext(self.answering, now, self._central, feeds)

    async def answer_event(self, viewer: Viewer, request: Request, event: Any) -> Answer:
        """The answer of one event of a subscription: an object with an id, `alarm:17`, under which
        it is logged unless it says another by `logged_as`, or kind and id by `_logged`.
        """
        document, operation = self.subscription(request, viewer)
        return await self._ordinary(document, operation, request, viewer, operation.title, event)

    @staticmethod
    def formatted(error: GraphQLError) -> dict[str, Any]:
        """A GraphQL error as a client gets it."""
        return formatted(error)

    async def _planned(
        self,
        plan: OperationPlan,
        pages: tuple[tuple[Any, Any], ...],
        viewer: Viewer,
        name: str,
        remember: bool,
    ) -> Answer:
        remembered = self.answering.remembered
        known = remember and remembered.most
        versions = self.answering.federation.versions() if known else None
        if versions is not None:
            kept = remembered.recall(plan, pages, versions)
            if kept is not None:
                return Answer(kept[0], 200, kept[1], name, False)
        question = Question(self.answering, viewer)
        data = await plan.run(question, pages)
        told = self._told(question.trail)
        answer = answered(data, question, told, name)
        if versions is not None and not question.errors and plan.lasting():
            clear = bool(question.trail.clear)
            remembered.keep(plan, pages, versions, answer.body, told, clear=clear)
        return answer

    def _told(self, trail: Trail) -> dict[str, Any]:
        told = trail.told()
        return told if self._commitments is None else self._commitments.told(told)

    async def _ordinary(
        self,
        document: Document,
        operation: Operation,
        request: Request,
        viewer: Viewer | None,
        name: str,
        event: Any = None,
    ) -> Answer:
        position = 0
        if operation.node.operation is OperationType.MUTATION and self._before_writing is not None:
            position = await self._before_writing()
        telling = None
        if self._commitments is not None and request.id:  # else nothing can be written
            telling = Telling(self._origin, request.id, request.trace, self._commitments, position)
        context = Context(
            self.answering,
            viewer,
            self._stores,
            self._central,
            request.address,
            telling=telling,
            post=self._post,
        )
        if event is not None and not hasattr(event, "_record"):  # a record notes what it shows
            kind, key = _named(event)
            context.question.trail.saw(kind, [key])
        assert document.node is not None
        outcome = execute(
            self.schema,
            document.node,
            root_value=event,
            context_value=context,
            variable_values=dict(request.variables),
            operation_name=request.operation_name,
            max_coercion_errors=_MOST_ERRORS,
            hide_suggestions=True,
            executor_class=RecordExecutor,
        )
        if inspect.isawaitable(outcome):
            outcome = await _finished(outcome, operation, context)
        assert isinstance(outcome, ExecutionResult)
        result = outcome
        if result.data is None and not context.touched and of_request(result):
            return refused(result.errors or [])
        body: dict[str, Any] = {"data": result.data}
        errors = [formatted(error) for error in result.errors or ()]
        question = context.asked
        if question is not None:
            errors += question.errors
        if errors:
            body["errors"] = errors
        if question is None and viewer is not None and (context.touched or event is not None):
            question = context.question
        code = str(errors[0]["extensions"]["code"]) if errors and not result.data else ""
        what, problem = None, ""
        if question is not None:
            what = self._told(question.trail)
            problem = next(iter(question.trail.problems), "")
        elif context.trailed is not None:
            what = self._told(context.trailed)
            problem = next(iter(context.trailed.problems), "")
        if viewer is None and not context.touched:
            name = ""
        return Answer(orjson.dumps(body), 200, what, name, bool(errors), code, problem)


def _named(event: Any) -> tuple[str, Any]:
    """Kind and id of an event, as the access log names it."""
    if hasattr(event, "_logged"):
        kind, key = event._logged
        return kind, key
    kind, _, number = str(getattr(event, "logged_as", event.id)).partition(":")
    return kind, int(number)


async def _finished(
    outcome: Awaitable[ExecutionResult], operation: Operation, context: Context
) -> ExecutionResult:
    """The result; a query is left off as soon as it is too large.

    The executor would go on, and find the same error for each of a hundred thousand records.
    """
    task = asyncio.ensure_future(outcome)
    if operation.node.operation is OperationType.QUERY:
        context.stop = task.cancel
    try:
        return await task
    except asyncio.CancelledError:
        error = context.asked.too_large if context.asked is not None else None
        if error is None:
            raise
        return ExecutionResult(None, [GraphQLError(error.message, original_error=error)])
