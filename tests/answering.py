"""A gateway without HTTP for the tests: viewers of every role, questions, the statements asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson

from gateway.documents import Documents
from gateway.executing import Answer, Executor, Request
from regions.blind_index import BlindIndexer
from regions.keys import Keys
from regions.reading import Answer as StoreAnswer
from regions.reading import Read
from regions.settings import RegionSettings
from resolvers.aggregates.tables import PublishedTables
from resolvers.budget import Budget
from resolvers.cursors import Cursors
from resolvers.federation import Federation
from resolvers.questions.plans import OperationPlan
from resolvers.questions.question import Answering
from resolvers.questions.remembered import Remembered
from resolvers.reference import Reference
from resolvers.root import make_schema
from resolvers.users import Grant, Role, Viewer
from schema.privacy import PrivateItem, RecordType

__all__ = ["EVERY_ITEM", "EVERY_TYPE", "NATIONAL", "Asked", "Gateway", "grant", "viewer"]

EVERY_ITEM = frozenset(item.name for item in PrivateItem)
EVERY_TYPE = frozenset(kind.name for kind in RecordType)

_SCHEMA = make_schema()
_TOKENS = 20_000


@cache
def _documents(depth_max: int) -> Documents:
    """What was parsed and checked already, by whichever test: most ask the same."""
    return Documents(_SCHEMA._schema, tokens_max=_TOKENS, depth_max=depth_max)


def viewer(
    code: str = "000000",
    role: Role = Role.UNIT_USER,
    *,
    account: str = "officer",
    unit: str | None = None,
    grants: Sequence[Grant] = (),
) -> Viewer:
    """Somebody of a unit of that code; its CDC's unless `unit` is given."""
    unit = unit or f"cdc-{code}"
    return Viewer(account, "某人", role, unit, "某单位", "COUNTY", code, tuple(grants), "session")


def grant(
    code: str = "000000",
    *,
    items: frozenset[str] = EVERY_ITEM,
    types: frozenset[str] = EVERY_TYPE,
    ends_at: str = "2099-01-01T00:00:00Z",
    starts_at: str = "2020-01-01T00:00:00Z",
) -> Grant:
    """A right to see private items in clear; in force unless told otherwise."""
    named = f"g-{code}-{'+'.join(sorted(items))}-{'+'.join(sorted(types))}"
    return Grant(named, types, items, code, starts_at, ends_at)


NATIONAL = viewer()
"""A masked viewer of the whole country."""


@dataclass(slots=True)
class Asked:
    """An answer: its body as data, and what the gateway made of it."""

    answer: Answer
    body: dict[str, Any]

    @property
    def data(self) -> Any:
        """`data`, None where there is none."""
        return self.body.get("data")

    @property
    def errors(self) -> list[dict[str, Any]]:
        """`errors`, empty where there are none."""
        found: list[dict[str, Any]] = self.body.get("errors", [])
        return found

    @property
    def codes(self) -> list[str]:
        """The codes of the errors."""
        return [error["extensions"]["code"] for error in self.errors]

    @property
    def told(self) -> dict[str, Any]:
        """What the access log tells of it."""
        found: dict[str, Any] = orjson.loads(orjson.dumps(self.answer.what))
        return found


class Watched(Federation):
    """A federation that remembers what it was asked: `rounds`, a list of reads each.

    `between`, if any, is called before each round but the first of a question.
    """

    rounds: list[Sequence[Read]]
    between: Callable[[], Awaitable[None]] | None = None

    async def ask(self, reads: Sequence[Read], budget: Budget | None = None) -> list[StoreAnswer]:
        if self.rounds and self.between is not None:
            await self.between()
        self.rounds.append(reads)
        return await super().ask(reads, budget)


@dataclass(slots=True)
class _Counting:
    planned: int = 0
    ordinary: int = 0


class _Executor(Executor):
    """An executor that counts which way its answers went."""

    went: _Counting

    async def _planned(self, plan: OperationPlan, *rest: Any) -> Answer:
        self.went.planned += 1
        return await super()._planned(plan, *rest)

    async def _ordinary(self, *rest: Any) -> Answer:
        self.went.ordinary += 1
        return await super()._ordinary(*rest)


class Gateway:
    """Answers questions over regions, by plans and without. Close it at the end.

    Every question of a gateway runs in one event loop of its own. `remember` is in bytes.
    """

    def __init__(
        self,
        regions: Sequence[RegionSettings],
        keys: Keys,
        *,
        page_max: int = 1000,
        records_max: int = 100_000,
        remember: int = 0,
        breaker_failures: int = 5,
        breaker_seconds: float = 10.0,
        depth_max: int = 20,
    ) -> None:
        self.regions, self.keys = regions, keys
        self._runner = asyncio.Runner()
        self.federation = Watched(
            regions, keys, breaker_failures=breaker_failures, breaker_seconds=breaker_seconds
        )
        self.federation.rounds = []
        self.answering = Answering(
            self.federation,
            Reference(regions),
            Cursors(keys.cursor),
            BlindIndexer(keys.index),
            page_max=page_max,
            records_max=records_max,
            remembered=Remembered(remember),
            published=PublishedTables(keys.names),
        )
        self.went = _Counting()
        self._executors = {one: self._executor(one, depth_max) for one in (True, False)}

    def _executor(self, planning: bool, depth_max: int) -> _Executor:
        made = _Executor(
            _SCHEMA,
            self.answering,
            None,
            tokens_max=_TOKENS,
            depth_max=depth_max,
            planning=planning,
        )
        made.went = self.went
        made._documents = _documents(depth_max)
        return made

    async def asking(
        self,
        query: str,
        viewer: Viewer | None = NATIONAL,
        variables: Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        planning: bool = True,
    ) -> Asked:
        """The answer to a question, within the gateway's event loop."""
        request = Request(query, variables or {}, name)
        answer = await self._executors[planning].answer(viewer, request)
        return Asked(answer, orjson.loads(answer.body))

    def ask(self, *args: Any, **more: Any) -> Asked:
        """The answer to a question; arguments as of `asking`. Forgets earlier statements."""
        self.federation.rounds.clear()
        return self._runner.run(self.asking(*args, **more))

    def run(self, work: Any) -> Any:
        """The result of a coroutine, in the gateway's event loop."""
        return self._runner.run(work)

    @property
    def reads(self) -> list[Read]:
        """Every statement of the last question."""
        return [read for reads in self.federation.rounds for read in reads]

    def both(self, *args: Any, **more: Any) -> Asked:
        """The answer to a question that must be planned, after both ways gave the same data."""
        before = self.went.planned
        planned = self.ask(*args, **more)
        assert self.went.planned == before + 1, "the question was not planned"
        ordinary = self.ask(*args, **more, planning=False)
        assert self.went.planned == before + 1
        assert planned.data == ordinary.data, (planned.errors, ordinary.errors)
        assert list(_keys(planned.data)) == list(_keys(ordinary.data))
        assert planned.codes == ordinary.codes
        if planned.data is not None:  # else nothing was shown, whatever was read before
            assert _shown(planned.told) == _shown(ordinary.told)
        # A plan names fields by where they can be seen at all, the ordinary way where they were.
        assert set(ordinary.told["clear"]) <= set(planned.told["clear"])
        return planned

    def close(self) -> None:
        """Ends its threads and connections."""
        self._runner.run(self.federation.close())
        self._runner.close()


def _shown(told: Mapping[str, Any]) -> dict[str, Any]:
    """The records that an entry of the access log names, and those shown in clear by reason."""
    records = {kind: set(ids) for kind, ids in told["records"].items() if ids}
    reasons = {
        (reason, kind): set(ids)
        for reason, kinds in told["reasons"].items()
        for kind, ids in kinds.items()
    }
    return {"records": records, "reasons": reasons, "regions": told["regions"]}


def _keys(value: Any) -> Any:
    """Every response key in order: the order of fields is part of an answer."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield key
            yield from _keys(one)
    elif isinstance(value, list):
        for one in value:
            yield from _keys(one)
