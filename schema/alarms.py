"""Alarms over the access log (告警, G6)."""

from enum import Enum

import strawberry

from schema.nodes import PageInfo
from schema.scalars import DateTime, RegionCode

__all__ = [
    "Alarm",
    "AlarmConnection",
    "AlarmEdge",
    "AlarmFilter",
    "AlarmFinding",
    "AlarmRule",
]


@strawberry.enum(description="What raises an alarm.")
class AlarmRule(Enum):
    """What raises an alarm."""

    BULK_REVEAL = strawberry.enum_value(
        "BULK_REVEAL", description="Private items of many people were seen in clear (批量查看明文)."
    )
    OFF_HOURS_REVEAL = strawberry.enum_value(
        "OFF_HOURS_REVEAL",
        description="Private items were seen in clear at night (非工作时间查看).",
    )
    MANY_REFUSALS = strawberry.enum_value(
        "MANY_REFUSALS", description="Much was refused within a short time (频繁被拒)."
    )
    EMERGENCY_ACCESS = strawberry.enum_value(
        "EMERGENCY_ACCESS", description="Emergency access was taken (紧急访问)."
    )
    DUPLICATE_PROBES = strawberry.enum_value(
        "DUPLICATE_PROBES",
        description="Numbers were tried out in the duplicate check (查重试探).",
    )
    LOG_CONTRADICTED = strawberry.enum_value(
        "LOG_CONTRADICTED",
        description=(
            "A region has seen another access log than there is, or its file is not what was "
            "signed (访问日志与见证或签名不符)."
        ),
    )
    WITNESS_UNREADABLE = strawberry.enum_value(
        "WITNESS_UNREADABLE",
        description=(
            "What a region has seen of the access log cannot be read, or is gone (见证无法读取)."
        ),
    )
    POST_CONFLICT = strawberry.enum_value(
        "POST_CONFLICT",
        description="A message between regions came again with another content (区域间消息冲突).",
    )
    STORE_RESTORED = strawberry.enum_value(
        "STORE_RESTORED",
        description="A region's store was put back from an older backup (数据库由较早的备份恢复).",
    )
    TWO_CUSTODIANS = strawberry.enum_value(
        "TWO_CUSTODIANS",
        description="Two regions answered for a person, and one has yielded (管理地区重复).",
    )


@strawberry.enum(description="What came of looking into an alarm.")
class AlarmFinding(Enum):
    """What came of looking into an alarm."""

    JUSTIFIED = strawberry.enum_value("JUSTIFIED", description="The work required it (工作需要).")
    MISUSE = strawberry.enum_value("MISUSE", description="A right was misused (违规使用).")
    ATTACK = strawberry.enum_value("ATTACK", description="Somebody from outside tried (外部攻击).")
    UNCLEAR = strawberry.enum_value("UNCLEAR", description="It could not be found out (无法查明).")


@strawberry.type(description="An alarm: at most one for a rule, whom it is about, and a window.")
class Alarm:
    """An alarm."""

    id: strawberry.ID = strawberry.field(description="Its id, `alarm:17`.")
    rule: AlarmRule = strawberry.field(description="What raised it.")
    account: str | None = strawberry.field(
        description="The account it is about; null where nobody had signed in."
    )
    address: str | None = strawberry.field(
        description="The network address it is about, where there is no account."
    )
    region: RegionCode | None = strawberry.field(
        description="The region it is about: whose witness stands against the access log, which "
        "received a message that conflicts, whose store was put back, or which yielded a person."
    )
    unit_id: strawberry.ID | None = strawberry.field(description="The account's unit.")
    code: RegionCode | None = strawberry.field(description="The code of that unit.")
    window: str = strawberry.field(
        description="The first instant of the window, the night's evening, or the right used."
    )
    raised_at: DateTime = strawberry.field(description="When the entry that raised it was made.")
    first_entry: int = strawberry.field(
        description="Number in the access log of the first entry that was counted."
    )
    last_entry: int = strawberry.field(description="Number of the entry that raised it.")
    found: int = strawberry.field(description="How many were counted.")
    threshold: int = strawberry.field(description="From how many on the rule raises an alarm.")
    acknowledged_at: DateTime | None = strawberry.field(
        description="When somebody said what came of it."
    )
    acknowledged_by: str | None = strawberry.field(description="Who said so: an account.")
    finding: AlarmFinding | None = strawberry.field(description="What came of it.")
    note: str | None = strawberry.field(description="In that person's words.")


@strawberry.input(description="Which alarms.")
class AlarmFilter:
    """Which alarms."""

    rule: list[AlarmRule] | None = strawberry.field(default=None, description="Of these rules.")
    account: str | None = strawberry.field(default=None, description="About this account.")
    code: list[RegionCode] | None = strawberry.field(
        default=None, description="About accounts of these codes and all below."
    )
    acknowledged: bool | None = strawberry.field(
        default=None, description="Those somebody has looked into, or those nobody has."
    )


@strawberry.type(description="An alarm in a list.")
class AlarmEdge:
    """An alarm in a list."""

    cursor: str = strawberry.field(description="Opaque place in the list.")
    node: Alarm = strawberry.field(description="The alarm.")


@strawberry.type(description="Alarms, the newest first.")
class AlarmConnection:
    """Alarms."""

    edges: list[AlarmEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page ends.")
    total_count: int = strawberry.field(description="How many there are.")
