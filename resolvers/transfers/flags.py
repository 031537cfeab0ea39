"""Codes that the receiving region does not know: carried as they are, and told (SORMAS 10725)."""

from __future__ import annotations

from functools import cache

from regions.areas import Areas, reference_areas
from resolvers.pathway.packs import packs
from resolvers.reference import diseases, rule_packs
from resolvers.transfers.dossier import Dossier

__all__ = ["unknown_references"]


@cache
def _areas() -> Areas:
    return reference_areas()


def unknown_references(dossier: Dossier) -> dict[int, list[str]]:
    """By person, the codes of a dossier that no reference list here has: `disease=X12`.

    They hinder nothing: the records are kept as they came.
    """
    found: dict[int, set[str]] = {}
    known_diseases, known_packs = diseases(), {*packs(), *rule_packs()}
    areas = _areas()
    for row, _ in dossier.rows.get("people", ()):
        code = row["residence_code"]
        if code and not (areas.is_known(code[:6]) or areas.is_prefix(code[:6])):
            found.setdefault(row["id"], set()).add(f"residence_code={code[:6]}")
    for row, _ in dossier.rows.get("cases", ()):
        if row["disease"] not in known_diseases:
            found.setdefault(row["person_id"], set()).add(f"disease={row['disease']}")
    for row, _ in dossier.rows.get("contacts", ()):
        if row["rule_pack"] not in known_packs:
            found.setdefault(row["person_id"], set()).add(f"rule_pack={row['rule_pack']}")
    return {person: sorted(codes) for person, codes in found.items()}
