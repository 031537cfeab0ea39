"""The root field by which signals are overseen (E12)."""

from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers.alerts.overseeing import signal_report
from resolvers.context import context_of
from resolvers.rights import require
from schema.alerts_oversight import SignalReport, SignalReportPeriod
from schema.scalars import Date, RegionCode

__all__ = ["OversightQueries"]


@strawberry.type
class OversightQueries:
    """Questions of whoever oversees signals."""

    @strawberry.field(
        description=(
            "How the signals of an area fared in a day, week, month or year: signals, how many "
            "were answered and how soon, suspected, confirmed, by disease, area and method; why "
            "signals were false; what waits now (E12). By CDCs, of their jurisdiction. "
            "`GET /signal-reports/<code>/<period>/<date>.pdf` or `.html` is the same as a page."
        )
    )
    async def signal_report(
        self,
        info: strawberry.Info,
        period: Annotated[SignalReportPeriod, strawberry.argument(description="Of which length.")],
        date: Annotated[Date, strawberry.argument(description="A day within it.")],
        code: Annotated[
            RegionCode | None,
            strawberry.argument(description="The area; the viewer's own unless given."),
        ] = None,
    ) -> SignalReport:
        """How the signals of an area fared."""
        context = context_of(info)
        require(context.signed_in(), "signalReport")
        return await signal_report(context, period, date, code, str(info.path.key))
