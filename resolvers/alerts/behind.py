"""The report cards behind a signal: which they are, read as the list `cases` reads them (E8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from regions.statistics import COUNTED
from regions.zones import Zone
from resolvers.catalog import RECORDS
from resolvers.filters import code_prefix, orders
from resolvers.nodes import parse_id
from resolvers.questions.listing import ListPlan
from resolvers.questions.ordinary import every_shaper
from resolvers.writing.refusing import Mistakes
from schema.alerts import Signal, SignalKind

if TYPE_CHECKING:
    from resolvers.context import Context

__all__ = ["WINDOW_DAYS", "Behind", "behind", "cards_of", "filter_of_signal"]

WINDOW_DAYS = 7
"""Days up to and with a signal's day whose cards are behind it, as annex 1 counts them."""

_AT_ONCE, _CODES = 20, 400  # signals, and their counties, of one statement: a filter holds so many


@dataclass(frozen=True, slots=True)
class Behind:
    """Which cards are behind a signal: of its disease, reported in its counties from `start` to
    before `end` (instants), and counted.
    """

    codes: tuple[str, ...]
    disease: str
    start: str
    end: str

    def filter(self, within: str = "") -> dict[str, Any] | None:
        """It as a filter of cases (`resolvers.filters.plain`), of the counties that lie below a
        prefix; None where none does.
        """
        codes = [code for code in self.codes if code_prefix(code).startswith(within)]
        if not codes:
            return None
        return {
            "code": codes,
            "disease": [self.disease],
            "classification": list(COUNTED),
            "reportedAt": {"from": self.start, "to": self.end},
        }

    def holds(self, case: Any) -> bool:
        """Whether a case is one of them."""
        return (
            case.disease.id == self.disease
            and self.start <= case.reported_at < self.end
            and case.classification.name in COUNTED
            and any(case.code.startswith(code_prefix(code)) for code in self.codes)
        )


def behind(signal: Signal, zone: Zone) -> Behind:
    """The cards behind a signal whose store counts by days of a zone."""
    day = date.fromisoformat(signal.day)
    first = day - timedelta(days=WINDOW_DAYS - 1)
    codes = tuple(signal.members or ()) if signal.kind is SignalKind.CLUSTER else ()
    return Behind(
        codes or (str(signal.code),),
        str(signal.disease.id),
        zone.begins(first.isoformat()),
        zone.begins((day + timedelta(days=1)).isoformat()),
    )


async def cards_of(context: Context, signals: Sequence[Any]) -> list[list[Any]]:
    """The cards behind signals, one list for each, the newest first: those the viewer may open.

    A single-case signal has the card that raised it, wherever it is kept by now. Raises TooLarge
    where they are more than an answer may hold.
    """
    found: list[list[Any]] = [[] for _ in signals]
    windows: list[tuple[int, Behind]] = []
    for place, signal in enumerate(signals):
        if signal.kind is SignalKind.SINGLE_CASE:
            card = await context.related(signal, "case")
            found[place] = [card] if card is not None else []
        else:
            windows.append((place, behind(signal, _zone(context, signal))))
    for some in _parts(windows):
        cases = await _read(context, [one for _, one in some], signals[0]._path)
        for place, one in some:
            found[place] = [case for case in cases if one.holds(case)]
    return found


def _parts(windows: Sequence[tuple[int, Behind]]) -> Iterator[list[tuple[int, Behind]]]:
    """The windows in parts that a statement takes."""
    part: list[tuple[int, Behind]] = []
    codes = 0
    for one in windows:
        codes += len(one[1].codes)
        if part and (len(part) == _AT_ONCE or codes > _CODES):
            yield part
            part, codes = [], len(one[1].codes)
        part.append(one)
    if part:
        yield part


async def filter_of_signal(context: Context, given: str, path: str) -> dict[str, Any] | None:
    """The cards behind a signal as a filter of cases, for whoever may see it. Raises Refusal."""
    record, number = parse_id(given)
    signal = None
    if record is not None and record.name == "Signal":
        signal = (await context.records.of_ids("Signal", [number], path)).get(number)
    if signal is None:
        mistakes = Mistakes()
        mistakes.add(["signal"], "there is no such signal, or none of yours", "没有该预警信号")
        mistakes.stop()
        return None
    context.question.trail.saw("signal", [number])
    if signal.kind is SignalKind.SINGLE_CASE:
        card = await context.related(signal, "case")
        return {"ids": [card.id] if card is not None else []}
    found = behind(signal, _zone(context, signal))
    return found.filter(context.question.scope.prefix) or found.filter()


def _zone(context: Context, signal: Any) -> Zone:
    region: int = signal._row[2]
    return context.answering.federation.regions[region].days


async def _read(context: Context, wanted: Sequence[Behind], path: str) -> list[Any]:
    question, answering = context.question, context.answering
    parts = [part for one in wanted if (part := one.filter(question.scope.prefix)) is not None]
    if not parts:
        return []
    codes = {code for part in parts for code in part["code"]}
    both: Mapping[str, Any] = {"code": sorted(codes), "or": parts} if len(parts) > 1 else parts[0]
    record = RECORDS["Case"]
    shaper, selected = every_shaper(answering, question.viewer, record)
    plan = ListPlan(
        question,
        shaper,
        record,
        selected,
        both,
        orders([{"field": "REPORTED_AT"}], record),
        count=False,
        edges=False,
    )
    page = await plan.page(question, answering.records_max, None)
    question.note_regions(page.report, path)
    return await context.records.objects(plan.shapes, page.rows, path)
