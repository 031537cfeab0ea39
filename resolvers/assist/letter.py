"""A letter as it is printed: plain values, masked already for whoever prints it (C7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "CLASSIFICATIONS",
    "LEVELS",
    "MANNERS",
    "STATES",
    "TASKS",
    "Letter",
    "Printed",
]


@dataclass(frozen=True, slots=True)
class Printed:
    """A person of the letter. Texts are as the reader may see them: a value, `*`, or empty."""

    position: int
    name: str = ""
    sex: str = ""
    age: str = ""
    id_number: str = ""
    phone: str = ""
    level: str = ""
    manner: tuple[str, ...] = ()
    last_contact_on: str = ""
    employer: str = ""
    residence: str = ""
    whereabouts: str = ""
    whereabouts_code: str = ""
    seat: str = ""
    remarks: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter. Names of units are as printed, instants text (UTC), codes names of enums."""

    number: str
    version: int
    state: str
    from_name: str
    to_name: str
    sent_at: str
    disease: str
    classification: str
    onset_on: str
    case_name: str
    case_sex: str
    case_age: str
    case_phone: str
    asked: tuple[str, ...]
    acknowledge_due: str
    control_due: str
    feedback_due: str
    remarks: str
    copies: tuple[str, ...]
    people: tuple[Printed, ...]
    parent_number: str = ""
    missing: str = ""  # said where a part of the letter could not be read


TASKS: Mapping[str, str] = {
    "FIND": "追踪查找",
    "ISOLATE": "隔离管控",
    "TEST": "采样检测",
    "INVESTIGATE": "流行病学调查",
}

LEVELS: Mapping[str, str] = {"CLOSE": "密接", "SECONDARY": "次密接", "GENERAL": "一般接触者"}

MANNERS: Mapping[str, str] = {
    "SHARED_MEAL": "同餐",
    "SHARED_RESIDENCE": "同住",
    "SHARED_ROOM": "同屋",
    "SHARED_BED": "同床",
    "SHARED_OFFICE_OR_CLASS": "同办公室或班级",
    "SHARED_VEHICLE_OR_FLIGHT": "同交通工具",
    "MEDICAL_CARE": "诊疗",
    "NURSING": "护理",
    "SHARED_WARD": "同病房",
    "ENTERTAINMENT": "娱乐",
    "OTHER": "其他",
}

CLASSIFICATIONS: Mapping[str, str] = {
    "SUSPECTED": "疑似病例",
    "PROBABLE": "临床诊断病例",
    "CONFIRMED": "确诊病例",
    "ASYMPTOMATIC": "无症状感染者",
    "EXCLUDED": "已排除",
}

STATES: Mapping[str, str] = {
    "DRAFT": "草稿",
    "SENT": "已发出",
    "RECEIVED": "已签收",
    "IN_PROGRESS": "办理中",
    "CONTROLLED": "已管控",
    "FEEDBACK_GIVEN": "已反馈",
    "CLOSED": "已办结",
    "REFUSED": "已退回",
    "WITHDRAWN": "已撤回",
    "FORWARDED": "已转办",
    "UNTRACED": "未追踪到",
    "EXCLUDED": "已排除",
    "CASE_RAISED": "转为病例",
}
