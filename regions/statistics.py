"""Daily counts per county and disease, kept in the transaction of the case they count (E1)."""

from __future__ import annotations

from sqlalchemy import Integer, PrimaryKeyConstraint, Table

from regions.metadata import public, regional

__all__ = ["COUNTED", "daily_counts"]

COUNTED = ("SUSPECTED", "PROBABLE", "CONFIRMED")
"""Classifications that count as a case of the disease on the day of report."""

daily_counts = Table(
    "daily_counts",
    regional,
    public("disease"),
    public("code"),  # county; a city or province where the source knows no county
    public("day"),  # day of report
    public("source"),  # CASES: derived from `cases`; REPORTED: loaded as counts
    public("cases", Integer()),
    public("deaths", Integer()),  # of the cases reported that day, those who died
    PrimaryKeyConstraint("disease", "code", "day", "source"),
    sqlite_with_rowid=False,
)
