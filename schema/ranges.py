"""Ranges for filters."""

import strawberry

from schema.scalars import Date, DateTime

__all__ = ["DateRange", "DateTimeRange"]


@strawberry.input(description="Days from and to, both included; either may be left out.")
class DateRange:
    """Days from and to, both included."""

    start: Date | None = strawberry.field(name="from", default=None, description="First day.")
    end: Date | None = strawberry.field(name="to", default=None, description="Last day.")


@strawberry.input(
    description="Instants from (included) and to (not included); either may be left out."
)
class DateTimeRange:
    """Instants from (included) and to (not included)."""

    start: DateTime | None = strawberry.field(
        name="from", default=None, description="From this instant on."
    )
    end: DateTime | None = strawberry.field(
        name="to", default=None, description="Before this instant."
    )
