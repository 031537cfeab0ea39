"""What every export says of itself: whose it is, when, what for, and how it must be read."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ABORTED", "CHECK", "MISSING", "ROWS", "Watermark"]

CHECK = "校验 sha256"
ROWS = "行数 rows"
MISSING = "未应答 missing"
ABORTED = "中断 ABORTED"

_NOTE = (
    "* 为未授权查看的个人隐私项；以 ' 开头的文字原文不含该符号 | * is a private item that is not "
    "shown; a text that begins with ' has none of its own"
)


@dataclass(frozen=True, slots=True)
class Watermark:
    """Who took an export, when, what for; `recipient` is who it is for outside (F9)."""

    export: str
    account: str
    name: str
    unit_id: str
    unit_name: str
    at: str
    purpose: str
    recipient: str | None = None

    def lines(self) -> list[tuple[str, str]]:
        """Label and value of each thing it says."""
        found = [
            ("导出 export", f"epigate {self.export}"),
            ("导出人 viewer", f"{self.account} {self.name}"),
            ("单位 unit", f"{self.unit_id} {self.unit_name}"),
            ("时间 at", self.at),
            ("用途 purpose", self.purpose),
        ]
        if self.recipient is not None:
            found.append(("接收方 recipient", self.recipient))
        return [*found, ("说明 note", _NOTE)]

    def short(self) -> str:
        """In one line, for head and foot of a page."""
        found = f"{self.export} {self.account} {self.name} {self.unit_name} {self.at}"
        return f"{found} → {self.recipient}" if self.recipient is not None else found
