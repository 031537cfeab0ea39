"""An abnormal information card as it is filled in: read, checked, nothing written (E9, annex 1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from resolvers.alerts.words import Filled, Filling, flag
from resolvers.writing.refusing import Mistakes
from schema.alerts_forms import VerificationManner
from schema.writing.alerts import AbnormalInformationCardInput

__all__ = ["GROUNDS", "read_card"]

GROUNDS = ("place", "time", "people", "rare", "single_case", "spreading")
"""The grounds of the card, in its order."""

_CAMEL = {"single_case": "singleCase"}
_NO_REASON = ("say why this ground holds", "请填写该项判断的理由")


def read_card(
    given: AbnormalInformationCardInput,
    *,
    kind: str,
    before: Mapping[str, Any],
    viewer_name: str,
    mistakes: Mistakes,
) -> Filled:
    """The card of a signal of a kind. What is wrong is added to the mistakes."""
    filling = Filling(before, mistakes)
    columns = filling.filled.columns
    manners = list(dict.fromkeys(given.verified_by))
    if not manners:
        mistakes.add(["verifiedBy"], "say how it was verified", "请选择初步核实方式")
    columns["verified_by"] = orjson.dumps([one.name for one in manners]).decode()
    other = VerificationManner.OTHER in manners
    need = ("say how else it was verified", "请说明其他核实方式")
    filling.words(
        "verification_text",
        given.verification_text if other else None,
        ["verificationText"],
        need=need if other else None,
    )
    filling.count("townships", given.townships, ["townships"], least=1 if given.suspected else 0)
    columns["schools"] = flag(given.schools)
    columns["suspected"] = flag(given.suspected)
    holding = _grounds(given, kind, filling)
    if given.suspected and not holding:
        mistakes.add(
            ["suspected"],
            "a suspected event has at least one ground",
            "判断为疑似事件的，至少须有一项判断依据",
        )
    if holding and not given.suspected:
        mistakes.add(
            ["suspected"],
            "a signal with a ground is a suspected event (E9): say yes, or no to the grounds",
            "存在判断依据的应判断为疑似事件；如予排除，各项依据须选“否”",
        )
    if given.event is not None and not given.suspected:
        mistakes.add(
            ["event"], "what is excluded is part of no event", "已排除的信号不能并入疑似事件"
        )
    filling.words("remarks", given.remarks, ["remarks"])
    filling.filler(given.filled_by, given.phone, viewer_name)
    return filling.filled


def _grounds(given: AbnormalInformationCardInput, kind: str, filling: Filling) -> list[str]:
    """Takes the grounds; those that hold."""
    holding = []
    for name in GROUNDS:
        ground = getattr(given, name)
        path = _CAMEL.get(name, name)
        filling.filled.columns[name] = flag(ground.holds)
        reason, need = (ground.reason, _NO_REASON) if ground.holds else (None, None)
        filling.words(f"{name}_reason", reason, [path, "reason"], need=need)
        if ground.holds:
            holding.append(name)
    if given.single_case.holds and kind != "SINGLE_CASE":
        filling.mistakes.add(
            ["singleCase", "holds"],
            "the signal was raised by counts, not by a single case",
            "该信号不是单病例预警信号",
        )
    return holding
