"""Reference data that answers carry: diseases, rule packs, regions. Loaded once, never asked
for.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from regions.settings import RegionSettings
from resolvers.pathway.packs import packs

__all__ = ["DiseaseRow", "Reference", "RulePackRow", "diseases", "rule_packs"]


@dataclass(frozen=True, slots=True)
class DiseaseRow:
    """A notifiable disease."""

    id: str
    name_zh: str
    name_en: str
    law_class: str
    alert_method: str
    icd10: str


@dataclass(frozen=True, slots=True)
class RulePackRow:
    """A plan of control measures by which contacts are judged (B10)."""

    id: str
    name_zh: str
    name_en: str
    unverified: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RegionRow:
    """A configured region."""

    code: str
    name_zh: str
    name_en: str
    prefixes: tuple[str, ...]


@cache
def diseases() -> dict[str, DiseaseRow]:
    """The notifiable diseases by key."""
    text = files("regions.reference_data").joinpath("diseases.csv").read_text("utf-8")
    found = {}
    for row in csv.DictReader(text.splitlines()):
        found[row["key"]] = DiseaseRow(
            row["key"],
            row["name_zh"],
            row["name_en"],
            row["law_class"],
            row["alert_method"],
            row["icd10"],
        )
    return found


@cache
def rule_packs() -> dict[str, RulePackRow]:
    """The rule packs by id, as their files name them."""
    return {
        one.id: RulePackRow(one.id, one.name_zh, one.name_en, one.unverified)
        for one in packs().values()
    }


class Reference:
    """The constants a record's fields point to, by type and key."""

    def __init__(self, regions: Sequence[RegionSettings]) -> None:
        self.regions = {
            r.code: RegionRow(r.code, r.name_zh, r.name_en, r.prefixes) for r in regions
        }

        self._diseases = dict(diseases())
        self._packs = rule_packs()  # now: a broken pack stops the start

    def learn(self, rows: Iterable[DiseaseRow]) -> None:
        """Adds diseases that a store has beside those of the law."""
        for row in rows:
            self._diseases.setdefault(row.id, row)

    def disease_keys(self) -> list[str]:
        """The keys of the diseases known, those of the law first."""
        return list(self._diseases)

    def knows(self, key: str) -> bool:
        """Whether the key is of a disease known."""
        return key in self._diseases

    def disease(self, key: str) -> DiseaseRow:
        """The disease; a key nobody knows is shown as it is."""
        return self._diseases.get(key) or DiseaseRow(key, key, key, "OTHER", "NONE", "")

    def rule_pack(self, key: str) -> RulePackRow:
        """The rule pack; a key nobody knows is shown as it is."""
        return self._packs.get(key) or RulePackRow(key, key, key)

    def region(self, code: str) -> RegionRow:
        """The region by its code of six digits."""
        return self.regions.get(code) or RegionRow(code, code, code, ())

    def constant(self, type_name: str, key: str) -> DiseaseRow | RulePackRow | RegionRow:
        """The object of a constant field, by the name of its type."""
        if type_name == "Disease":
            return self.disease(key)
        return self.rule_pack(key) if type_name == "RulePack" else self.region(key)
