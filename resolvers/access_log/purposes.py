"""What for: the purposes a request may state (G1). Codes alone: a text could hold private data."""

from __future__ import annotations

from collections.abc import Mapping

from regions.errors import QuestionError

__all__ = ["HEADER", "PURPOSES", "purpose_of"]

HEADER = "x-purpose"

PURPOSES: Mapping[str, str] = {
    "CASE_INVESTIGATION": "investigating a case (流行病学调查)",
    "CONTACT_TRACING": "finding and managing contacts (密接追踪)",
    "ASSIST": "work on an assist request of another region (协查)",
    "TRANSFER": "handing a person over (转运)",
    "FOLLOW_UP": "observation, visits, samples (随访)",
    "OUTBREAK": "looking into a signal or an outbreak (疫情处置)",
    "REPORTING": "statistics and reports (统计上报)",
    "DATA_QUALITY": "checking and mending data (数据质控)",
    "SUPERVISION": "supervision by the level above (督导)",
    "AUDIT": "auditing access (审计)",
    "SUBJECT_REQUEST": "a person asks for their own data (个人申请)",
}
"""Code → meaning."""


def purpose_of(value: bytes | None) -> str | None:
    """The purpose that a request's header states; None without one. Raises QuestionError."""
    if value is None:
        return None
    found = value.decode("latin-1").strip()
    if found not in PURPOSES:
        raise QuestionError(
            f"{HEADER} is none of the purposes", hint=f"one of {', '.join(PURPOSES)}, or no header"
        )
    return found
