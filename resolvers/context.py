"""What resolvers of the ordinary way share during one operation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import strawberry
from strawberry.dataloader import DataLoader

from regions.errors import Unauthenticated
from resolvers.central import Central
from resolvers.federation import Outcome, Report
from resolvers.feeds import Feeds
from resolvers.privacy import require_records
from resolvers.questions.ordinary import Records
from resolvers.questions.question import Answering, Question, Trail
from resolvers.users import Viewer
from schema.enums import RegionState
from schema.nodes import RegionAnswer

if TYPE_CHECKING:
    from resolvers.post.pump import Pump
    from resolvers.writing.outbox import Telling
    from resolvers.writing.stores import Stores

__all__ = [
    "Context",
    "LiveContext",
    "context_of",
    "no_region_asked",
    "region_answers",
    "told_of",
    "update_answers",
]


class Context:
    """The context of one operation. `viewer` is None for a request without a token."""

    def __init__(
        self,
        answering: Answering,
        viewer: Viewer | None,
        stores: Stores | None = None,
        central: Central | None = None,
        address: str = "",
        feeds: Feeds | None = None,
        telling: Telling | None = None,
        post: Pump | None = None,
    ) -> None:
        self.answering = answering
        self.viewer = viewer
        self.address = address  # network address of the client, "" where unknown
        self.telling = telling  # how the log names this request; None where nothing is written
        self._stores = stores
        self._central = central
        self._feeds = feeds
        self._post = post
        self._question: Question | None = None
        self._records: Records | None = None
        self._gatherers: dict[tuple[str, str, str], DataLoader[Any, Any]] = {}
        self._trail: Trail | None = None
        self.touched = False  # whether any field asked who the viewer is
        self.stop: Callable[[], object] | None = None  # see Question

    def signed_in(self) -> Viewer:
        """The viewer. Raises Unauthenticated."""
        self.touched = True
        if self.viewer is None:
            raise Unauthenticated(
                "this needs a session",
                hint="POST /sign-in, then send authorization: Bearer <token>",
            )
        return self.viewer

    def opens_records(self) -> Question:
        """The question of a viewer who may open records. Raises Unauthenticated, Forbidden."""
        require_records(self.signed_in())
        return self.question

    @property
    def question(self) -> Question:
        """The state of this operation."""
        if self._question is None:
            self._question = Question(self.answering, self.signed_in())
            self._question.stop = self.stop
        return self._question

    @property
    def asked(self) -> Question | None:
        """The state of this operation, if any field needed one."""
        return self._question

    @property
    def trail(self) -> Trail:
        """What the access log must say of this operation, a stranger's too."""
        if self.viewer is not None:
            return self.question.trail
        self.touched = True
        if self._trail is None:
            self._trail = Trail()
        return self._trail

    @property
    def trailed(self) -> Trail | None:
        """What the access log must say, if anything was noted."""
        return self._trail if self._question is None else self._question.trail

    @property
    def records(self) -> Records:
        """Whole records for this operation."""
        if self._records is None:
            self._records = Records(self.question)
        return self._records

    def forget(self) -> None:
        """Forgets the records that were read: whoever writes next may change them. Regions have
        their time anew.
        """
        if self._question is not None:
            self._question.begin_anew()
        self._records = None
        self._gatherers.clear()

    @property
    def stores(self) -> Stores:
        """Where mutations write."""
        assert self._stores is not None
        return self._stores

    @property
    def central(self) -> Central:
        """The gateway's own store."""
        assert self._central is not None
        return self._central

    @property
    def post(self) -> Pump:
        """What delivers messages between regions: whoever put one calls `nudge`."""
        assert self._post is not None
        return self._post

    @property
    def feeds(self) -> Feeds:
        """What subscriptions listen to."""
        assert self._feeds is not None
        return self._feeds

    async def gathered(self, record: Any, name: str) -> Any:
        """What an area finds for a field of a record (`schema.fields.Asking`)."""
        from resolvers.gathered import gather  # which is made of the areas, and they of this

        kind = type(record).__name__
        key = kind, name, getattr(record, "_path", "")  # two roots share nothing (`Records`)
        loader = self._gatherers.get(key)
        if loader is None:

            async def load(records: list[Any]) -> Sequence[Any]:
                return await gather(self, kind, name, records)

            loader = DataLoader(load_fn=load, cache_key_fn=_place)
            self._gatherers[key] = loader
        found = await loader.load(record)
        if isinstance(found, list):
            self.question.hold(len(found))
        return found

    async def related(self, record: Any, name: str) -> Any:
        """What is behind a relation (`schema.fields.Asking`)."""
        return await self.records.related(record, name)


class LiveContext(Context):
    """The context of a subscription's source: `signed_in` is the viewer as of the moment asked.

    `now` raises Unauthenticated once the session has ended.
    """

    def __init__(
        self, answering: Answering, now: Callable[[], Viewer], central: Central, feeds: Feeds
    ) -> None:
        super().__init__(answering, None, None, central, feeds=feeds)
        self._now = now

    def signed_in(self) -> Viewer:
        """The viewer with the rights of this moment. Raises Unauthenticated."""
        self.viewer = self._now()
        return super().signed_in()


def _place(one: Any) -> Any:
    """What tells an object from every other in this question."""
    return one._place if hasattr(one, "_place") else (one._row[2], one.id)


def context_of(info: strawberry.Info) -> Context:
    """The context of a resolver's operation."""
    return cast(Context, info.context)


def region_answers(question: Question, report: Report) -> list[RegionAnswer]:
    """A report as its type."""
    return [
        _answer(settings.code, outcome)
        for settings, outcome in zip(question.federation.regions, report.outcomes, strict=True)
    ]


def told_of(source: Any) -> bool:
    """Whether an object tells in `regions` what became of each."""
    regions = getattr(source, "regions", None)
    return isinstance(regions, list) and bool(regions) and isinstance(regions[0], RegionAnswer)


def update_answers(question: Question, answers: Sequence[RegionAnswer], path: str) -> None:
    """Brings what is told of the regions up to date with what relations below a root field took,
    and with what failed there.
    """
    failures, times = question.failures(path), question.times(path)
    for region, one in enumerate(answers):
        if region in failures:
            one.state = RegionState[failures[region][0]]
        if region in times and one.state is not RegionState.NOT_ASKED:
            one.milliseconds = round((one.milliseconds or 0.0) + times[region] * 1000, 3)


def no_region_asked(question: Question) -> list[RegionAnswer]:
    """What a list of the gateway's own store says of the regions."""
    return region_answers(question, Report(len(question.federation.regions)))


def _answer(code: str, outcome: Outcome) -> RegionAnswer:
    return RegionAnswer(
        code=code,  # type: ignore[arg-type]  # scalars are text
        state=RegionState[outcome.state],
        milliseconds=outcome.milliseconds,
        records=outcome.records,
        as_of=outcome.as_of,  # type: ignore[arg-type]  # scalars are text
    )
