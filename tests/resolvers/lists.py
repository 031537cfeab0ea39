"""What the tests of loading share: lists and mappings made in a folder, loads, dumps of stores."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from regions.keys import Keys
from regions.person_keys import MISSING
from regions.sealing import ITEMS, Sealer
from regions.settings import RegionSettings
from regions.tables import regional
from resolvers.loading.load import load
from resolvers.loading.mapping_file import read_mapping
from resolvers.loading.summary import Summary
from tests.sealed import all_salts
from tests.stores import in_store

LISTS = Path(__file__).parent.parent.parent / "examples" / "lists"
TODAY = date(2026, 11, 22)

CARDS = """\
title = "Report cards"
kind = "case"
source = "cards"
id = "no"

[file]
missing = ["NA", "?"]

[[place]]
column = "county"
lookup = "code"

[person]
name = "name"
sex = "sex"
age = "age"
birth_date = "born"
id_number = "id_number"
phone = "phone"

[case]
disease = "disease"
classification = { constant = "CONFIRMED" }
reported_at = "reported"
onset_on = "onset"
died_on = "died"
remarks = "remarks"

[exposure]
started_on = "exposed"
place = "where"
"""
"""A mapping of report cards, whose columns `card` fills."""

_CARD = {
    "no": "1",
    "county": "320102",
    "name": "测试张三",
    "sex": "M",
    "age": "34",
    "born": "1992-01-02",
    "id_number": "990101199201020011",
    "phone": "15412345678",
    "disease": "measles",
    "reported": "2026-03-01",
    "onset": "2026-02-27",
    "died": "",
    "remarks": "",
    "exposed": "",
    "where": "",
}


def card(number: int, **values: str) -> dict[str, str]:
    """A report card of a person of the card's own."""
    own = {"no": str(number), "name": f"测试{chr(0x5000 + number)}", "phone": f"154{number:08d}"}
    return {**_CARD, **own, "id_number": f"99{number:016d}", **values}


def write_csv(path: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    """A list of these rows."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def run(
    folder: Path,
    regions: Sequence[RegionSettings],
    keys: Keys,
    rows: Sequence[Mapping[str, str]] | Path,
    mapping: str = CARDS,
    **more: Any,
) -> Summary:
    """Loads rows, or a file, by a mapping's text or name; rejects go to `rejects.csv`."""
    file = rows if isinstance(rows, Path) else write_csv(folder / "list.csv", rows)
    name = mapping
    if "\n" in mapping:
        own = folder / "own.toml"
        own.write_text(mapping, "utf-8")
        name = str(own)
    more = {"today": TODAY, "rejects": folder / "rejects.csv", **more}
    summary = asyncio.run(load(file, read_mapping(name), regions, keys, folder / "data", **more))
    assert summary.adds_up, summary
    return summary


def rejected(folder: Path, outcome: str = "rejected") -> list[dict[str, str]]:
    """The lines of the rejects file."""
    with (folder / "rejects.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["outcome"] == outcome]


def table(
    settings: RegionSettings, keys: Keys, name: str, order: str | None = None
) -> list[dict[str, Any]]:
    """The rows of a table, sealed items opened and put beside the columns."""
    source = regional.tables[name]
    columns = [source.c[order]] if order else list(source.primary_key.columns)
    sealer = Sealer(keys.sealing, settings.code)

    def read(connection: Connection) -> list[dict[str, Any]]:
        return [
            dict(row) for row in connection.execute(select(source).order_by(*columns)).mappings()
        ]

    rows = in_store(settings, read)
    salts = all_salts(settings)
    for row in rows:
        row.pop("salt", None)  # another each time
        if "sealed" in row and name in ITEMS:
            sealed = row.pop("sealed")
            salt = salts.get(row["id"] if name == "people" else row["person_id"], MISSING)
            items = sealer.open(name, row["id"], sealed, salt) if sealed is not None else {}
            row |= {f"sealed_{item}": value for item, value in items.items()}
    return rows


def dump(regions: Sequence[RegionSettings], keys: Keys) -> dict[tuple[str, str], Any]:
    """Everything the stores hold."""
    return {
        (settings.code, name): table(settings, keys, name)
        for settings in regions
        for name in regional.tables
    }
