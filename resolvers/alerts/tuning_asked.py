"""`tuneDetection`: an area replayed from the stores' daily counts, before a rule is switched."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date
from typing import Any

from regions.errors import Forbidden, InvalidInput, TooLarge
from regions.ids import padded
from resolvers.alerts.counts import counts_of
from resolvers.alerts.judging import history_days
from resolvers.alerts.parameters import checked
from resolvers.alerts.replaying import counts_asked, tried
from resolvers.alerts.showing import parameters_of
from resolvers.alerts.tuning import Outbreak, Tuned, Way, replay
from resolvers.context import Context
from resolvers.diseases import require_diseases
from resolvers.filters import code_prefix
from resolvers.questions.ordinary import disease_of
from schema.alerts import DetectionMethod as Method
from schema.alerts_tuning import KnownOutbreak, TunedWay, TuneInput, Tuning

__all__ = ["tune_detection"]

_PERCENTILES = range(45, 100, 5)
_MOST_DAYS = 5 * 366
_MOST_POINTS = 300_000  # counties x days
_MOST_JUDGED = 600_000  # of methods that are no percentile, together
_ABSORB_DAYS = 7  # as `[detection] absorb_days` by default

_Tried = tuple[Way, Mapping[str, Any]]
"""A way, and the parameters that were given."""


async def tune_detection(context: Context, given: TuneInput, path: str) -> Tuning:
    """Replays an area. Raises InvalidInput, Forbidden, TooLarge."""
    question = context.opens_records()
    prefix = code_prefix(given.code)
    _check(question.scope.prefix, prefix, given)
    reference = context.answering.reference
    await require_diseases(question.federation, reference, [given.disease], "input.disease")
    ways = _ways(given)
    begin = date.fromisoformat(given.start).toordinal()
    history = max(history_days(way.method, way.values) for way, _ in ways)
    first = date.fromordinal(max(1, begin - history)).isoformat()
    asked = await counts_asked(question, [prefix], [str(given.disease)], first, given.end, path)

    def compute() -> Tuning:
        mine = [row for row in asked.rows if row[1].startswith(prefix)]
        counted = counts_of(mine, first, given.end, asked.since)
        at = counted.position(given.start)
        days, counties = counted.days - at, len(counted.codes)
        others = sum(way.method is not Method.MOVING_PERCENTILE for way, _ in ways)
        if counties * days > _MOST_POINTS or counties * days * others > _MOST_JUDGED:
            raise TooLarge(
                f"{counties} counties over {days} days by {len(ways)} ways are too many at once",
                hint="ask for a smaller area, fewer days or fewer methods",
            )
        outbreaks = [
            Outbreak(code_prefix(o.code), counted.position(o.start), counted.position(o.end))
            for o in given.outbreaks or ()
        ]
        found = [
            _told(
                way,
                own,
                replay(way, counted, str(given.disease), at, outbreaks, _ABSORB_DAYS),
                given,
                days,
            )
            for way, own in ways
        ]
        return Tuning(
            disease=disease_of(reference, str(given.disease)),
            code=padded(prefix),  # type: ignore[arg-type]  # scalars are text
            days=days,
            counties=counties,
            ways=found,
            regions=asked.answers,
        )

    return await asyncio.to_thread(compute)


def _check(scope: str, prefix: str, given: TuneInput) -> None:
    if given.start > given.end:
        raise InvalidInput("from is after to", argument="input.from")
    if not prefix.startswith(scope):
        raise Forbidden(
            f"the code {given.code} is outside of your jurisdiction", argument="input.code"
        )
    days = (date.fromisoformat(given.end) - date.fromisoformat(given.start)).days + 1
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
        inside = code_prefix(one.code).startswith(prefix)
        if not inside or not given.start <= one.start <= one.end <= given.end:
            raise InvalidInput(
                "an outbreak lies outside of the area or of the days replayed",
                argument="input.outbreaks",
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


def _told(way: Way, own: Mapping[str, Any], tuned: Tuned, given: TuneInput, days: int) -> TunedWay:
    outbreaks = [
        KnownOutbreak(code=one.code, start=one.start, end=one.end, after_days=after)
        for one, after in zip(given.outbreaks or (), tuned.seen, strict=True)
    ]
    return TunedWay(
        method=way.method,
        parameters=parameters_of(own),
        judged=tuned.judged,
        alarms=tuned.alarms,
        signals=tuned.signals,
        signals_per_day=tuned.signals / days,
        outbreaks=outbreaks,
        missed=sum(after is None for after in tuned.seen),
    )
