"""One question on its way: who asks, what may be seen, what was seen, what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from regions.blind_index import BlindIndexer
from regions.errors import EpigateError, TooLarge
from regions.reading import Answer, Failure, Read
from resolvers.access_log.commitments import Commitments
from resolvers.access_log.wanted import LogReader
from resolvers.alerts.clocks import SignalLimits
from resolvers.alerts.night_settings import NightSettings
from resolvers.assist.clocks import AssistLimits
from resolvers.budget import Budget
from resolvers.catalog import Record
from resolvers.cursors import Cursors
from resolvers.duplicates import DuplicateLimit
from resolvers.exports.limits import ExportLimits
from resolvers.federation import Federation, Report
from resolvers.privacy import Scope, granted_rules, in_force, scope, with_shares
from resolvers.privacy.policy import policy_version
from resolvers.questions.remembered import Remembered
from resolvers.questions.shapes import ViewRule
from resolvers.reference import Reference
from resolvers.users import Viewer

if TYPE_CHECKING:
    from resolvers.aggregates.tables import PublishedTables

__all__ = ["Answering", "Question", "Trail", "rules_in", "viewer_key"]


@dataclass(slots=True)
class Answering:
    """What every question of a gateway shares."""

    federation: Federation
    reference: Reference
    cursors: Cursors
    indexer: BlindIndexer
    page_default: int = 50
    page_max: int = 1000
    records_max: int = 100_000
    remembered: Remembered = field(default_factory=lambda: Remembered(0))
    commitments: Commitments | None = None  # of records in the access log
    log_reader: LogReader | None = None  # of the access log, for auditors
    duplicates: DuplicateLimit | None = None  # of the duplicate check; None for no limit
    exports: ExportLimits = field(default_factory=ExportLimits)
    published: PublishedTables | None = None  # of aggregates
    late_minutes: int = 30  # from when on what is on its way is late
    assist: AssistLimits = field(default_factory=AssistLimits)
    signals: SignalLimits = field(default_factory=SignalLimits)
    nights: NightSettings = field(default_factory=NightSettings)  # for replays of nights


@dataclass(slots=True)
class Trail:
    """What the access log must say of a question (G1, G2)."""

    records: dict[str, list[Any]] = field(default_factory=dict)  # kind → ids that were shown
    clear: frozenset[str] = frozenset()  # private fields shown in clear somewhere
    masked: frozenset[str] = frozenset()
    reasons: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    """Reason → kind → ids of records of which private items were shown in clear."""
    regions: dict[str, str] = field(default_factory=dict)  # region → state
    count: int = 0
    wrote: dict[str, list[Any]] = field(default_factory=dict)  # kind → ids that were written
    problems: list[str] = field(default_factory=list)  # codes of what mutations refused
    probes: dict[str, int] = field(default_factory=dict)  # see resolvers/duplicates.py

    def named(self, clear: frozenset[str], masked: frozenset[str]) -> None:
        """Notes private fields that were shown in clear somewhere, and those masked."""
        self.clear = self.clear | clear if self.clear else clear
        self.masked = self.masked | masked if self.masked else masked

    def saw(self, kind: str, ids: list[Any]) -> None:
        """Notes records of a kind."""
        self.count += len(ids)
        known = self.records.get(kind)
        if known is None:
            self.records[kind] = ids
        else:
            known.extend(ids)

    def note_written(self, wrote: Mapping[str, Iterable[Any]]) -> None:
        """Notes records that were written."""
        for kind, ids in wrote.items():
            self.wrote.setdefault(kind, []).extend(ids)

    def note_probe(self, found: Mapping[str, int]) -> None:
        """Notes what a duplicate check counted."""
        for name, number in found.items():
            self.probes[name] = max(number, self.probes.get(name, 0))

    def told(self) -> dict[str, Any]:
        """The part of the entry that says what was asked and seen."""
        reasons = {
            reason: kinds
            for reason, by_kind in self.reasons.items()
            if (kinds := {kind: ids for kind, ids in by_kind.items() if ids})
        }
        told = {
            "clear": sorted(self.clear) if reasons else [],
            "count": self.count,
            "masked": sorted(self.masked),
            "reasons": reasons,
            "records": self.records,
            "regions": self.regions,
        }
        if self.wrote or self.problems:
            told |= {"problems": self.problems, "wrote": self.wrote}
        if self.probes:
            told["probes"] = self.probes
        return told

    def reveal(self, reason: str, _items: frozenset[str], kind: str, ids: list[Any]) -> None:
        """Notes records of which items of a rule were shown in clear."""
        self.revealed(reason, kind).extend(ids)

    def revealed(self, reason: str, kind: str) -> list[Any]:
        """The list of ids of records shown in clear for a reason, to be added to."""
        return self.reasons.setdefault(reason, {}).setdefault(kind, [])


class Question:
    """The state of one operation of one viewer."""

    __slots__ = (
        "_answered",
        "_budget",
        "_down",
        "_failed",
        "_took",
        "answering",
        "errors",
        "federation",
        "held",
        "scope",
        "spent",
        "stop",
        "trail",
        "viewer",
    )

    def __init__(self, answering: Answering, viewer: Viewer) -> None:
        self.answering = answering
        self.federation = answering.federation
        self.viewer = in_force(viewer)
        self.scope: Scope = scope(viewer)
        self.trail = Trail()
        self.errors: list[dict[str, Any]] = []
        self.spent = 0  # records read
        self.held = 0  # records in the answer, each as often as it stands there
        self.stop: Callable[[], object] | None = None  # ends what answers, once that is too much
        self._failed: dict[tuple[str, int], tuple[str, str]] = {}
        self._answered: dict[str, set[int]] = {}
        self._down: dict[int, Failure] = {}
        self._budget = Budget()
        self._took: dict[str, dict[int, float]] = {}

    async def ask(self, reads: Sequence[Read]) -> list[Answer]:
        """Answers in the order of the reads.

        A region has its deadline once for all that the question asks it for. One that failed is
        not asked again in the same question: it had its time.
        """
        down = self._down
        if not down:
            answers = await self.federation.ask(reads, self._budget)
        else:
            open_reads = [read for read in reads if read.region not in down]
            found = iter(await self.federation.ask(open_reads, self._budget) if open_reads else ())
            answers = [
                Answer((), down[read.region], 0.0) if read.region in down else next(found)
                for read in reads
            ]
        for read, answer in zip(reads, answers, strict=True):
            if answer.failure is not None:
                down.setdefault(read.region, answer.failure)
        return answers

    def begin_anew(self) -> None:
        """Gives every region its deadline again: each mutation of an operation has its own."""
        self._budget = Budget()

    def spend(self, rows: int) -> None:
        """Counts records read. Raises TooLarge over the limit of one question."""
        self.spent += rows
        self._limit(self.spent)

    def make_room(self, records: int) -> None:
        """Raises TooLarge where the answer cannot hold so many more records.

        Relations that lead back and forth put the same few records into an answer again and again.
        """
        self._limit(self.held + records)

    def hold(self, records: int) -> None:
        """Counts records put into the answer. Raises TooLarge."""
        self.held += records
        self._limit(self.held)

    @property
    def too_large(self) -> TooLarge | None:
        """That the answer holds more than it may, if it does."""
        return self._over(max(self.spent, self.held))

    def _over(self, records: int) -> TooLarge | None:
        if records <= self.answering.records_max:
            return None
        return TooLarge(
            f"the answer has more than {self.answering.records_max} records",
            hint="ask for a smaller page, or for fewer relations at once",
        )

    def _limit(self, records: int) -> None:
        error = self._over(records)
        if error is not None:
            if self.stop is not None:
                self.stop()
            raise error

    def note_regions(self, report: Report, path: str) -> None:
        """Notes what became of the regions; those that failed become errors at the path."""
        for i, outcome in enumerate(report.outcomes):
            if outcome.state == "NOT_ASKED":
                continue
            code = self.federation.regions[i].code
            if outcome.state != "ANSWERED":
                self.region_failed(i, outcome.state, outcome.reason, path)
            elif code not in self.trail.regions:
                self.trail.regions[code] = outcome.state

    def region_answered(self, region: int, path: str) -> None:
        """Notes that a region answered, unless it failed elsewhere in this question."""
        self._answered.setdefault(path, set()).add(region)
        self.trail.regions.setdefault(self.federation.regions[region].code, "ANSWERED")

    def note_time(self, region: int, seconds: float, path: str) -> None:
        """Notes how long a region took for what belongs to the records of a root field."""
        took = self._took.setdefault(path, {})
        took[region] = took.get(region, 0.0) + seconds

    def times(self, path: str) -> Mapping[int, float]:
        """The seconds noted under a root field, by region."""
        return self._took.get(path, {})

    def states(self, path: str) -> dict[int, str]:
        """The regions that were asked under a root field, with what became of each."""
        found = dict.fromkeys(self._answered.get(path, ()), "ANSWERED")
        return found | {region: why[0] for region, why in self.failures(path).items()}

    def failures(self, path: str) -> dict[int, tuple[str, str]]:
        """Regions that failed under a root field, with their state and why."""
        return {region: why for (at, region), why in self._failed.items() if at == path}

    def region_failed(self, region: int, state: str, reason: str, path: str) -> None:
        """Adds the error REGION_UNAVAILABLE, once a region and path."""
        settings = self.federation.regions[region]
        self.trail.regions[settings.code] = state
        if (path, region) in self._failed:
            return
        self._failed[(path, region)] = (state, reason)
        self.errors.append(
            {
                "message": f"Region {settings.code} {settings.name_zh} gave no answer: {reason}.",
                "path": [path],
                "extensions": {
                    "code": "REGION_UNAVAILABLE",
                    "region": settings.code,
                    "state": state,
                },
            }
        )


def error_of(error: EpigateError, path: str) -> dict[str, Any]:
    """A failure as a GraphQL error."""
    return {"message": error.message, "path": [path], "extensions": error.extensions()}


def rules_in(
    viewer: Viewer, federation: Federation, record: Record, region: int, shared: bool = False
) -> tuple[ViewRule, ...]:
    """The viewer's rules as they apply in one region; those that cannot are left out. With
    `shared` the shares of a record count, too.

    The viewer's grants are taken as in force (`in_force`).
    """
    prefixes = federation.regions[region].prefixes
    found = []
    granted = granted_rules(viewer, record)
    for rule in with_shares(granted, record, shared):
        if rule.reporter is not None or rule.shared:
            found.append(ViewRule(rule, False))
        elif rule.person is None and all(p.startswith(rule.prefix) for p in prefixes):
            found.append(ViewRule(rule, True))
        # One person's too: whatever region made the id, the person may live in any by now.
        elif any(rule.prefix.startswith(p) or p.startswith(rule.prefix) for p in prefixes):
            found.append(ViewRule(rule, False))
    return tuple(found)


def viewer_key(viewer: Viewer) -> tuple[Any, ...]:
    """The policy fingerprint: what of a viewer plans, loaders and remembered answers depend on.

    Two viewers with the same key get the same statements. It holds the version of the policy and
    the grants as they are (taken as in force, see `in_force`): whatever was made for a right that
    has ended since is not found again.
    """
    where = scope(viewer)
    return (
        policy_version(),
        viewer.opens_records,
        where,
        viewer.account if where.unit is not None else "",
        viewer.grants,
    )
