"""Reference tables every store carries: GB/T 2260 codes with their changes, diseases, units
(A2).
"""

from __future__ import annotations

from sqlalchemy import Integer, Table

from regions.metadata import public, regional

__all__ = ["area_changes", "areas", "diseases", "units"]

areas = Table(
    "areas",
    regional,
    public("code", primary_key=True),
    public("name"),
    public("level"),  # PROVINCE PREFECTURE COUNTY
    public("parent", nullable=True, index=True),
    public("kind", nullable=True),
)

area_changes = Table(
    "area_changes",
    regional,
    public("number", Integer(), primary_key=True, autoincrement=False),
    public("year", Integer()),
    public("kind"),
    public("old_code", index=True),
    public("old_name"),
    public("new_code"),
    public("new_name"),
)

diseases = Table(
    "diseases",
    regional,
    public("key", primary_key=True),
    public("name_zh"),
    public("name_en"),
    public("law_class"),  # A B C OTHER
    public("alert_method"),  # SINGLE_CASE PERCENTILE NONE
    public("icd10"),
)

units = Table(
    "units",
    regional,
    public("id", primary_key=True),
    public("code", index=True),  # GB/T 2260: the unit's place, and for a CDC its jurisdiction
    public("level"),  # NATIONAL PROVINCE CITY COUNTY HOSPITAL ISOLATION_SITE HEALTH_CENTRE
    public("name_zh"),
    public("name_en"),
    public("parent", nullable=True),
)
