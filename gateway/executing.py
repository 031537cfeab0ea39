"""Executing: a request becomes an answer and what the access log says of it.

The plan answers what it can; the ordinary executor does the rest, by the same statements and rules.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import strawberry
from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    NonNullTypeNode,
    OperationType,
    VariableNode,
    Visitor,
    execute,
    value_from_ast_untyped,
    visit,
)
from graphql.execution.values import VariableValues, get_variable_values

from gateway._kept import Kept
from gateway.documents import Document, Documents, Operation
from gateway.messages import without_values
from regions.errors import EpigateError, Forbidden, QuestionError, TooLarge, Unauthenticated
from resolvers.access_log import Commitments
from resolvers.actions import require_action
from resolvers.central import Central
from resolvers.context import Context, LiveContext
from resolvers.feeds import Feeds
from resolvers.privacy import in_force
from resolvers.questions.plans import OperationPlan, plan_operation
from resolvers.questions.question import Answering, Question, Trail, viewer_key
from resolvers.questions.shapes import NotPlannable
from resolvers.questions.showing import RecordExecutor
from resolvers.users import Viewer
from resolvers.writing.outbox import Telling
from resolvers.writing.stores import Stores

__all__ = ["Answer", "Executor", "Request"]

_log = logging.getLogger(__name__)
_PLANS_KEPT = 2_000_000  # characters of documents and variables, each plan for itself
_PLAN = 2_000  # a plan counts for so many more: its statements take some 50 KB
_UNKNOWN = object()
_QUESTION_BYTES = 262_144  # of a query; only mutations have much to say
_STRANGER_CHARACTERS = 2_000  # of a document of somebody without a session
_VIEWERS_KEPT = 20_000
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


@dataclass(slots=True)
class Answer:
    """The response's body, its status, and what the access log must tell."""

    body: bytes
    status: int
    what: Mapping[str, Any] | orjson.Fragment | None  # seen or written
    operation: str  # `query contacts`; empty where there is nothing for the access log to tell
    failed: bool
    code: str = ""  # of the failure, where there are no data at all
    problem: str = ""  # code of the first thing a mutation refused


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
    ) -> None:
        self.schema: GraphQLSchema = schema._schema
        self.answering = answering
        self.planning = planning
        self._stores, self._central = stores, central
        self._before_writing = before_writing
        self._commitments, self._origin = commitments, origin
        self._documents = Documents(self.schema, tokens_max=tokens_max, depth_max=depth_max)
        self._keys: dict[int, tuple[Viewer, Any]] = {}
        self._plans: Kept[tuple[Operation, Any, bytes], OperationPlan | None] = Kept(_PLANS_KEPT)

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
            return _refused(document.errors)
        try:
            operation = document.operation(request.operation_name)
        except GraphQLError as error:
            return _refused([error])
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
                said = orjson.dumps({"errors": [_formatted(failed)]})
                return Answer(said, error.status, None, name, True, error.code)
        if viewer is not None:
            viewer = in_force(viewer)  # one moment decides: key, plan and answer know these grants
        if viewer is not None and self.planning and operation.pages != []:
            planned = self._plan(document, operation, request.variables, viewer)
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
        """The answer of one event of a subscription: an object with an id, `alarm:17`."""
        document, operation = self.subscription(request, viewer)
        return await self._ordinary(document, operation, request, viewer, operation.title, event)

    @staticmethod
    def formatted(error: GraphQLError) -> dict[str, Any]:
        """A GraphQL error as a client gets it."""
        return _formatted(error)

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
        answer = _answered(data, question, told, name)
        if versions is not None and not question.errors and plan.lasting():
            clear = bool(question.trail.clear)
            remembered.keep(plan, pages, versions, answer.body, told, clear=clear)
        return answer

    def _told(self, trail: Trail) -> dict[str, Any]:
        told = trail.told()
        return told if self._commitments is None else self._commitments.told(told)

    def _plan(
        self, document: Document, operation: Operation, given: Mapping[str, Any], viewer: Viewer
    ) -> tuple[OperationPlan, tuple[tuple[Any, Any], ...]] | None:
        """The plan and the pages asked for, or None where the ordinary executor must answer."""
        if operation.pages is None:
            _find_paging(document, operation)
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
            plan = self._make_plan(document, operation, given, viewer)
            self._plans.keep(key, plan, document.size + len(key[2]) + _PLAN)
        return None if plan is None else (plan, tuple(pages))

    def _make_plan(
        self, document: Document, operation: Operation, given: Mapping[str, Any], viewer: Viewer
    ) -> OperationPlan | None:
        values = get_variable_values(
            self.schema,
            operation.node.variable_definitions or (),
            dict(given),
            max_errors=1,
        )
        if not isinstance(values, VariableValues):
            return None
        try:
            return plan_operation(
                self.answering, self.schema, document.fragments, operation.node, values, viewer
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
            self.answering, viewer, self._stores, self._central, request.address, telling=telling
        )
        if event is not None:
            kind, _, number = str(event.id).partition(":")
            context.question.trail.saw(kind, [int(number)])
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
        if result.data is None and not context.touched and _of_request(result):
            return _refused(result.errors or [])
        body: dict[str, Any] = {"data": result.data}
        errors = [_formatted(error) for error in result.errors or ()]
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


def _answered(data: str | None, question: Question, told: Mapping[str, Any], name: str) -> Answer:
    if not question.errors:
        return Answer(f'{{"data":{data}}}'.encode(), 200, told, name, False)
    errors = orjson.dumps(question.errors).decode()
    body = f'{{"data":{data or "null"},"errors":{errors}}}'
    code = "" if data else str(question.errors[0]["extensions"]["code"])
    return Answer(body.encode(), 200, told, name, True, code)


def _refused(errors: list[GraphQLError]) -> Answer:
    found = [_formatted(error) for error in errors]
    named = [one.original_error for one in errors]
    status = next((one.status for one in named if isinstance(one, QuestionError)), 400)
    return Answer(orjson.dumps({"errors": found}), status, None, "", True)


def _of_request(result: ExecutionResult) -> bool:
    """Whether the request could not be executed at all (variables that do not fit, say)."""
    return all(error.path is None for error in result.errors or ())


def _formatted(error: GraphQLError) -> dict[str, Any]:
    """A GraphQL error as a client gets it: never a traceback, always a code."""
    original = error.original_error
    found: dict[str, Any] = {"message": without_values(error.message)}
    if error.locations:
        found["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path is not None:
        found["path"] = list(error.path)
    if isinstance(original, EpigateError):
        found["message"] = original.message
        found["extensions"] = original.extensions()
    elif original is not None and not isinstance(original, GraphQLError):
        _log.error("a resolver failed", exc_info=original)
        found["message"] = "The gateway failed; the failure is in its log."
        found["extensions"] = {"code": "INTERNAL"}
    else:
        found["extensions"] = {"code": "GRAPHQL_INVALID"}
    return found


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


def _find_paging(document: Document, operation: Operation) -> None:
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
