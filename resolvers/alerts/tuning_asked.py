"""`tuneDetection`: an area replayed from the stores' daily counts, before a rule is switched."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from regions.errors import Forbidden, InvalidInput, TooLarge
from regions.ids import padded
from resolvers.alerts.counts import called_now, counts_of
from resolvers.alerts.judging import history_days
from resolvers.alerts.parameters import checked
from resolvers.alerts.region_counts import counts_asked
from resolvers.alerts.replaying import tried
from resolvers.alerts.showing import parameters_of
from resolvers.alerts.tuning import Outbreak, Tuned, Way, added, replay
from resolvers.context import Context
from resolvers.diseases import require_diseases
from resolvers.filters import code_prefix
from resolvers.questions.ordinary import disease_of
from schema.alerts import DetectionMethod as Method
from schema.alerts_tuning import KnownOutbreak, TunedWay, TuneInput, Tuning

__all__ = ["tune_detection"]

_PERCENTILES = range(45, 100, 5)
_MOST_DAYS = 5 * 366
_MOST_SECONDS = 120  # of one processor, by the costs below
_COST = 2  # microseconds for one county and day, measured over 183 counties and five years
_COSTS: Mapping[Method, int] = {
    Method.BAYES: 6,
    Method.FARRINGTON: 4,
    Method.GLR: 4,
    Method.FARRINGTON_FLEXIBLE: 8,
    Method.EWMA: 15,
    Method.CUSUM: 30,
    Method.OUTBREAK_P: 350,
}
"""Of the methods that take longer."""

_Tried = tuple[Way, Mapping[str, Any]]
"""A way, and the parameters that were given."""


async def tune_detection(context: Context, given: TuneInput, path: str) -> Tuning:
    """Replays an area. Raises InvalidInput, Forbidden, TooLarge."""
    question = context.opens_records()
    prefix = code_prefix(called_now(given.code))
    _check(question.scope.prefix, prefix, given)
    reference = context.answering.reference
    await require_diseases(question, [given.disease], "input.disease")
    ways = _ways(given)
    begin = date.fromisoformat(given.start).toordinal()
    history = max(history_days(way.method, way.values) for way, _ in ways)
    first = date.fromordinal(max(1, begin - history)).isoformat()
    asked = await counts_asked(question, [prefix], [str(given.disease)], first, given.end, path)

    absorb_days = context.answering.nights.absorb_days

    def compute() -> Tuning:
        regions = [
            counts_of(
                [row for row in part.rows if called_now(row[1]).startswith(prefix)],
                first,
                given.end,
                part.since,
            )
            for part in asked.parts
        ]  # each by itself, as its nights are
        at = _days_between(first, given.start)
        days = _days_between(given.start, given.end) + 1
        counties = sum(len(counted.codes) for counted in regions)
        _bound(counties, days, [way.method for way, _ in ways])
        outbreaks = [
            Outbreak(
                code_prefix(called_now(o.code)),
                _days_between(first, o.start),
                _days_between(first, o.end),
            )
            for o in given.outbreaks or ()
        ]

        def tuned(way: Way) -> Tuned:
            disease = str(given.disease)
            parts = (replay(way, one, disease, at, outbreaks, absorb_days) for one in regions)
            return added(parts, len(outbreaks))

        found = [_told(way, own, tuned(way), given, counties) for way, own in ways]
        return Tuning(
            disease=disease_of(reference, str(given.disease)),
            code=padded(prefix),  # type: ignore[arg-type]  # scalars are text
            days=days,
            counties=counties,
            ways=found,
            regions=asked.answers,
        )

    return await asyncio.to_thread(compute)


def _days_between(first: str, then: str) -> int:
    return date.fromisoformat(then).toordinal() - date.fromisoformat(first).toordinal()


def _check(scope: str, prefix: str, given: TuneInput) -> None:
    if given.start > given.end:
        raise InvalidInput("from is after to", argument="input.from")
    if not prefix.startswith(scope):
        raise Forbidden(
            f"the code {given.code} is outside of your jurisdiction", argument="input.code"
        )
    days = _days_between(given.start, given.end) + 1
    if days > _MOST_DAYS:
        raise TooLarge(f"{days} days are more than five years at once", hint="ask for fewer days")
    for name, values, most in (
        ("percentiles", given.percentiles, 50),
        ("methods", given.methods, 10),
        ("outbreaks", given.outbreaks, 100),
    ):
        if values is not None and len(values) > most:
            raise TooLarge(f"{len(values)} {name} are more than {most}", argument=f"input.{name}")
    for one in given.outbreaks or ():
        inside = code_prefix(called_now(one.code)).startswith(prefix)
        if not inside or not given.start <= one.start <= one.end <= given.end:
            raise InvalidInput(
                "an outbreak lies outside of the area or of the days replayed",
                argument="input.outbreaks",
            )


def _bound(counties: int, days: int, methods: Sequence[Method]) -> None:
    """Raises TooLarge where a replay would keep a processor for too long."""
    cost = sum(_COSTS.get(method, _COST) for method in methods)
    seconds = counties * days * cost / 1e6
    if seconds > _MOST_SECONDS:
        raise TooLarge(
            f"{counties} counties over {days} days by {len(methods)} ways take {seconds:,.0f} s, "
            f"more than {_MOST_SECONDS} s at once",
            hint="ask for a smaller area, fewer days, or fewer and quicker methods",
        )


def _ways(given: TuneInput) -> list[_Tried]:
    wanted = _PERCENTILES if given.percentiles is None else given.percentiles
    found: list[_Tried] = []
    for one in wanted:
        if not 0 <= one <= 100:
            raise InvalidInput("a percentile is 0 to 100", argument="input.percentiles")
        own = {"percentile": one}
        found.append((Way(Method.MOVING_PERCENTILE, checked(Method.MOVING_PERCENTILE, own)), own))
    for other in given.methods or ():
        values, told = tried(other.method, other.parameters or ())
        found.append((Way(other.method, values), told))
    if not found:
        raise InvalidInput("no way is asked for", argument="input.percentiles")
    return found


def _told(
    way: Way, own: Mapping[str, Any], tuned: Tuned, given: TuneInput, counties: int
) -> TunedWay:
    outbreaks = [
        KnownOutbreak(code=one.code, start=one.start, end=one.end, judged=able, after_days=after)
        for one, after, able in zip(given.outbreaks or (), tuned.seen, tuned.able, strict=True)
    ]
    return TunedWay(
        method=way.method,
        parameters=parameters_of(own),
        judged=tuned.judged,
        alarms=tuned.alarms,
        signals=tuned.signals,
        signals_per_day=tuned.signals * counties / tuned.judged if tuned.judged else None,
        outbreaks=outbreaks,
        missed=sum(after is None for after in tuned.seen),
    )
