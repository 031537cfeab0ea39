"""What of a rule pack nobody has compared with its document, as whoever reads days is shown."""

from __future__ import annotations

from resolvers.pathway.packs import RulePack
from resolvers.reference import RulePackRow
from schema import contacts
from schema.pathway import PathwayCaveat

__all__ = ["caveats_of", "rule_pack_type"]

_PARTS_ZH = {
    "effective_on": "生效日期",
    "hours": "各项时限",
    "carrier": "无症状感染者的天数与检测",
    "close": "密接的天数与检测",
    "secondary": "密接的密接的天数与检测",
}


def caveats_of(pack: RulePack, level: str) -> list[PathwayCaveat]:
    """The caveats of a case's pathway, or of a contact's of a level."""
    return [
        PathwayCaveat(
            part=part,
            message=f"not compared with the document: {pack.origins[part]}",
            message_zh=f"{pack.name_zh}：{_PARTS_ZH[part]}未与文件原文核对，请先核对再使用",
        )
        for part in pack.doubtful(level)
    ]


def rule_pack_type(pack: RulePack | RulePackRow) -> contacts.RulePack:
    """A rule pack as its type."""
    return contacts.RulePack(
        id=pack.id,  # type: ignore[arg-type]  # scalars are text
        name_zh=pack.name_zh,
        name_en=pack.name_en,
        unverified=list(pack.unverified),
    )
