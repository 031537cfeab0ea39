"""People: one row a person and region, private items sealed, three blind indexes (B11, B13,
F10).
"""

from __future__ import annotations

from sqlalchemy import Index, Integer, Table

from regions.metadata import (
    Reveals,
    blind_index,
    internal,
    primary_key,
    public,
    regional,
    sealed,
)

__all__ = ["INDEX_SETS", "PERSON_ITEMS", "Reveals", "people"]

PERSON_ITEMS = (
    "name",
    "sex",
    "age",
    "birth_date",
    "id_type",
    "id_number",
    "phone",
    "employer",
    "employer_location",
    "residence",
    "whereabouts",
    "guardian",
    "residence_area",  # code of the town or village, up to 12 digits (B11); the county is public
)
"""The sealed items of a person, in the order of the envelope. Append only: envelopes are kept."""

people = Table(
    "people",
    regional,
    primary_key(),
    public("code"),  # the county responsible for the person now
    public("residence_code", nullable=True),  # county of residence, six digits and no more
    public("nationality", nullable=True),
    public("occupation", nullable=True),
    public("medical_worker", nullable=True),  # YES, NO or unknown
    sealed(),
    blind_index("id_number_index"),
    blind_index("phone_index"),
    blind_index("name_birth_index"),
    internal("reporter", nullable=True),  # account that wrote the record (F1)
    internal("reporter_unit", nullable=True),
    internal("source_key", nullable=True, unique=True),  # where a loaded row came from
    internal("source_hash", nullable=True),
    public("created_at"),
    public("updated_at"),
    internal("version", Integer(), default=1, server_default="1"),
    blind_index("id_number_index_2", index=False),  # under the next key, while keys change
    blind_index("phone_index_2", index=False),
    blind_index("name_birth_index_2", index=False),
    public("kept_in", nullable=True),  # region (six digits) of the living row; null: this one
)

INDEX_SETS: tuple[tuple[str, str, str], ...] = (
    ("id_number_index", "phone_index", "name_birth_index"),
    ("id_number_index_2", "phone_index_2", "name_birth_index_2"),
)
"""The two sets of blind indexes; which is in use `regions.index_keys` says."""

for _name in INDEX_SETS[1]:  # empty but while keys change, and after every second change
    _filled = people.c[_name].is_not(None)
    Index(f"ix_people_{_name}", people.c[_name], sqlite_where=_filled, postgresql_where=_filled)
