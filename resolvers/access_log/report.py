"""The list of who saw one person's data, as a page to print and hand over (G7, GB/T 35273).

In Chinese and English, in plain words, without any of the data themselves. Pure: values in, HTML
out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import escape
from typing import Any

from resolvers.access_log.purposes import PURPOSES
from resolvers.access_log.showing import items_of
from resolvers.users import Role
from schema.privacy import PrivateItem

__all__ = ["ROLES", "Access", "accesses", "person_report"]

_CHINA = timedelta(hours=8)
ROLES = {
    Role.DIRECT_REPORTER: "直报用户",
    Role.UNIT_USER: "机构用户",
    Role.DUTY_PERSON: "值班人员",
    Role.REVIEWER: "审核人员",
    Role.REGIONAL_SYSTEM: "地区系统",
    Role.BUSINESS_ADMINISTRATOR: "业务管理员",
    Role.SYSTEM_ADMINISTRATOR: "系统管理员",
    Role.SECURITY_ADMINISTRATOR: "安全管理员",
    Role.AUDITOR: "审计员",
    Role.ANALYST: "数据分析人员",
}
"""What each role is called in Chinese."""
_STYLE = """
body{font:14px/1.5 "Noto Sans CJK SC","Microsoft YaHei",sans-serif;margin:2em;color:#111}
h1{font-size:20px;margin:0}h2{font-size:15px;margin:1.5em 0 .3em}
table{border-collapse:collapse;width:100%}th,td{border:1px solid #999;padding:4px 6px;
text-align:left;vertical-align:top}th{background:#eee}td small{color:#555}
tr{break-inside:avoid}@media print{body{margin:0}}
"""


@dataclass(frozen=True, slots=True)
class Access:
    """One operation on a person's records."""

    entry: str  # its number, of another log than the gateway's own with its name
    at: str
    account: str
    unit: str
    role: str
    wrote: bool
    items: tuple[PrivateItem, ...]
    masked: bool
    purpose: str
    right: str


@dataclass(slots=True)
class _Names:
    units: Mapping[str, str] = field(default_factory=dict)
    grants: Mapping[str, str] = field(default_factory=dict)


def accesses(
    entries: Iterable[tuple[str, Mapping[str, Any]]],
    commitments: Sequence[str],
    *,
    units: Mapping[str, str],
    grants: Mapping[str, str],
) -> list[Access]:
    """What entries (name and content) say of the person whose records have these commitments.

    Private items count only where one of the person's own records was shown in clear. `units` are
    names of units, `grants` purposes of grants, by their ids.
    """
    names = _Names(units, grants)
    return [_access(entry, said, commitments, names) for entry, said in entries]


def person_report(
    person: str,
    found: Sequence[Access],
    *,
    made_at: str,
    logs: Mapping[str, int],
    missing: Sequence[str] = (),
    unread: Sequence[str] = (),
) -> str:
    """The page. `logs` are those that were read with the number of the last entry, `missing`
    regions without an answer, `unread` logs that were not read, or not to their end.
    """
    read = "；".join(f"{escape(log)}，{size:,} 条 entries" for log, size in logs.items())
    clear = sum(1 for one in found if one.items)
    head = (
        f"<p>个人编号 Person: <b>{escape(person)}</b><br>"
        f"制表时间 Made: {_local(made_at)}（北京时间 Beijing time）<br>"
        f"依据 From: 访问日志 access log {read}</p>"
    )
    intro = (
        "<p>下表列出信息系统中所有查看或更改过您的个人记录的操作，按时间先后排列。"
        f"共 {len(found):,} 次，其中 {clear:,} 次看到了所列明文信息，"
        "其余各次信息均以 * 遮蔽显示。</p>"
        "<p>This list names every operation in the system that read or changed your records, in "
        f"the order of time: {len(found):,} in all. In {clear:,} of them the information named was "
        "seen in clear; in all others it was hidden (*).</p>"
    )
    if missing:
        regions = escape(", ".join(missing))
        intro += (
            f"<p><b>未应答地区 Regions without an answer: {regions}。</b>"
            "与其记录有关的操作可能未列入。 What concerns their records may be missing here.</p>"
        )
    if unread:
        logs_unread = escape(", ".join(unread))
        intro += (
            f"<p><b>未能完整读取的访问日志 Logs that were not read whole: {logs_unread}。</b>"
            "其中的操作可能未列入。 Operations that are in them may be missing here.</p>"
        )
    columns = (
        ("时间", "when"),
        ("机构及人员", "who"),
        ("操作", "what"),
        ("看到的明文信息", "seen in clear"),
        ("目的", "purpose"),
        ("依据", "by what right"),
        ("日志编号", "entry"),
    )
    titles = "".join(f"<th>{zh}<br><small>{en}</small></th>" for zh, en in columns)
    rows = "".join(_row(one) for one in found)
    if not found:
        rows = f'<tr><td colspan="{len(columns)}">没有记录 None</td></tr>'
    foot = (
        "<p>“日志编号”是访问日志中的条目号，可据此请审计员出具证明。如有疑问，请向出具本表的机构提出。"
        "<br>The number is that of the entry in the access log: an auditor can prove it. Ask the "
        "office that gave you this list about anything in it.</p>"
    )
    return (
        '<!doctype html><html lang="zh"><meta charset="utf-8">'
        f"<title>个人信息查阅记录 Who saw your data</title><style>{_STYLE}</style>"
        f"<h1>个人信息查阅记录</h1><h2>Who saw your data</h2>{head}{intro}"
        f"<table><thead><tr>{titles}</tr></thead><tbody>{rows}</tbody></table>{foot}</html>\n"
    )


def _access(
    entry: str, said: Mapping[str, Any], commitments: Sequence[str], names: _Names
) -> Access:
    what = said.get("what")
    told: Mapping[str, Any] = what if isinstance(what, Mapping) else {}
    reasons = {
        why: kinds
        for why, kinds in _mapping(told.get("reasons")).items()
        if _holds(kinds, commitments)
    }
    clear = [str(one) for one in told.get("clear") or ()] if reasons else []
    unit = str(said.get("unit") or "")
    return Access(
        entry=entry,
        at=str(said.get("at") or ""),
        account=str(said.get("account") or ""),
        unit=names.units.get(unit, unit),
        role=str(said.get("role") or ""),
        wrote=_holds(told.get("wrote"), commitments),
        items=tuple(items_of(clear)),
        masked=bool(told.get("masked")),
        purpose=str(said.get("purpose") or ""),
        right="; ".join(_right(why, names) for why in reasons),
    )


def _holds(kinds: Any, commitments: Sequence[str]) -> bool:
    texts = [str(each) for each in _mapping(kinds).values()]
    return any(one in text for text in texts for one in commitments)


def _right(why: str, names: _Names) -> str:
    if why == "own":
        return "本人报告的记录 own report"
    if why == "filed":
        return "本单位填报 filed by the own unit"
    kind, _, number = why.partition(":")
    about = names.grants.get(number, "")
    label = "紧急访问 emergency access" if kind == "emergency" else "授权 grant"
    return f"{label} {number}" + (f"：{about}" if about else "")


def _row(one: Access) -> str:
    items = "、".join(f"{_label(item)}" for item in one.items) or (
        "已遮蔽 hidden (*)" if one.masked else "无 none"
    )
    purpose = PURPOSES.get(one.purpose, "未注明 not stated")
    role = Role[one.role] if one.role in Role.__members__ else None
    who = f"{escape(one.unit)}<br><small>{escape(one.account)}"
    if role is not None:
        who += f" · {ROLES.get(role, '')} {role.value}"
    cells = (
        _local(one.at),
        f"{who}</small>",
        "更改 changed" if one.wrote else "查看 read",
        escape(items),
        escape(purpose),
        escape(one.right) or "—",
        escape(one.entry),
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _label(item: PrivateItem) -> str:
    definition: Any = PrivateItem.__dict__["__strawberry_definition__"]
    told = next(value.description for value in definition.values if value.name == item.name)
    return str(told).rstrip(".")


def _local(at: str) -> str:
    try:
        return (datetime.fromisoformat(at) + _CHINA).strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return escape(at)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
