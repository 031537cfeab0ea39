"""The columns of a list of people of a letter, as officers write them, and their words (C1, C6).

A header may be the Chinese or the English title, both (`姓名 Name`), or one of the other names in
use. `field` is where the value goes: an item of a person's input by its name in Python, or a column
of the letter's person.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["COLUMNS", "ID_TYPES", "LEVELS", "MANNERS", "SEXES", "ListColumn", "folded"]


@dataclass(frozen=True, slots=True)
class ListColumn:
    """A column: its titles, other names, what is told in the template, an example of nobody."""

    field: str
    zh: str
    en: str
    others: tuple[str, ...]
    note: str
    example: str

    @property
    def title(self) -> str:
        """As the template has it."""
        return f"{self.zh} {self.en}"


COLUMNS: tuple[ListColumn, ...] = (
    ListColumn(
        "name", "姓名", "Name", ("患者姓名", "密接姓名"), "姓名、证件号码、电话至少一项", "张某某"
    ),
    ListColumn("sex", "性别", "Sex", ("gender",), "男 / 女，或 M / F", "男"),
    ListColumn("age", "年龄", "Age", ("年龄（岁）", "年龄岁"), "周岁；有出生日期时可不填", ""),
    ListColumn(
        "birth_date",
        "出生日期",
        "Birth date",
        ("出生年月日", "birthday"),
        "YYYY-MM-DD；身份证可推出",
        "",
    ),
    ListColumn(
        "id_type", "证件类型", "ID type", ("证件类别",), "不填为居民身份证；护照等请注明", ""
    ),
    ListColumn(
        "id_number",
        "证件号码",
        "ID number",
        ("身份证号", "身份证号码", "身份证", "证件号", "公民身份号码"),
        "请将该列设为文本格式",
        "99010119900307001X",
    ),
    ListColumn(
        "phone",
        "联系电话",
        "Phone",
        ("电话", "手机", "手机号", "手机号码", "联系方式", "telephone", "mobile"),
        "请将该列设为文本格式",
        "15400000000",
    ),
    ListColumn(
        "employer", "工作单位", "Employer", ("单位", "工作单位或学校", "学校"), "单位或学校", ""
    ),
    ListColumn(
        "employer_location", "单位地址", "Employer location", ("单位所在地", "工作地址"), "", ""
    ),
    ListColumn(
        "residence", "现住址", "Residence", ("现住地址", "住址", "居住地址", "家庭住址"), "", ""
    ),
    ListColumn(
        "residence_code",
        "现住址代码",
        "Residence code",
        ("居住地代码", "现住址国标"),
        "6 位县（区）代码",
        "",
    ),
    ListColumn("guardian", "监护人", "Guardian", ("监护人姓名", "家长姓名"), "未成年人填写", ""),
    ListColumn(
        "whereabouts",
        "目前所在地",
        "Whereabouts",
        ("当前所在地", "所在地", "去向", "目前去向"),
        "人现在何处",
        "",
    ),
    ListColumn(
        "whereabouts_code",
        "所在地代码",
        "Whereabouts code",
        ("目前所在地代码", "去向代码", "所在地区划代码"),
        "6 至 12 位区划代码",
        "",
    ),
    ListColumn(
        "level",
        "密接类型",
        "Level",
        ("接触者类型", "类型", "密接级别"),
        "密接 / 次密接 / 一般接触者；不填为密接",
        "密接",
    ),
    ListColumn(
        "manner",
        "接触方式",
        "Manner",
        ("接触类型",),
        "同餐、同住、同屋、同床、同办公室或班级、同交通工具、诊疗、护理、同病房、娱乐、其他；可多项",
        "同餐、同住",
    ),
    ListColumn(
        "last_contact_on",
        "末次接触日期",
        "Last contact",
        ("末次接触时间", "最后接触日期", "最后接触时间"),
        "YYYY-MM-DD",
        "2026-11-20",
    ),
    ListColumn("place", "接触地点", "Place", ("接触场所",), "", ""),
    ListColumn(
        "seat", "车次座位", "Vehicle and seat", ("车次及座位", "航班车次座位", "seat"), "", ""
    ),
    ListColumn("remarks", "备注", "Remarks", ("说明",), "", ""),
)
"""In the order of the template."""

SEXES: Mapping[str, str] = {
    "男": "M",
    "男性": "M",
    "m": "M",
    "male": "M",
    "女": "F",
    "女性": "F",
    "f": "F",
    "female": "F",
}

LEVELS: Mapping[str, str] = {
    "密接": "CLOSE",
    "密切接触者": "CLOSE",
    "close": "CLOSE",
    "次密接": "SECONDARY",
    "次密": "SECONDARY",
    "密接的密接": "SECONDARY",
    "次密切接触者": "SECONDARY",
    "secondary": "SECONDARY",
    "一般接触者": "GENERAL",
    "一般接触": "GENERAL",
    "general": "GENERAL",
}

MANNERS: Mapping[str, str] = {
    "同餐": "SHARED_MEAL",
    "同住": "SHARED_RESIDENCE",
    "同屋": "SHARED_ROOM",
    "同床": "SHARED_BED",
    "同办公室或班级": "SHARED_OFFICE_OR_CLASS",
    "同办公室": "SHARED_OFFICE_OR_CLASS",
    "同班级": "SHARED_OFFICE_OR_CLASS",
    "同班": "SHARED_OFFICE_OR_CLASS",
    "同交通工具": "SHARED_VEHICLE_OR_FLIGHT",
    "同车": "SHARED_VEHICLE_OR_FLIGHT",
    "同航班": "SHARED_VEHICLE_OR_FLIGHT",
    "同机": "SHARED_VEHICLE_OR_FLIGHT",
    "诊疗": "MEDICAL_CARE",
    "护理": "NURSING",
    "同病房": "SHARED_WARD",
    "娱乐": "ENTERTAINMENT",
    "其他": "OTHER",
}

ID_TYPES: Mapping[str, str] = {
    "居民身份证": "RESIDENT_ID",
    "身份证": "RESIDENT_ID",
    "护照": "PASSPORT",
    "passport": "PASSPORT",
    "港澳居民来往内地通行证": "HONG_KONG_MACAO_PERMIT",
    "港澳通行证": "HONG_KONG_MACAO_PERMIT",
    "台湾居民来往大陆通行证": "TAIWAN_PERMIT",
    "台胞证": "TAIWAN_PERMIT",
    "外国人永久居留身份证": "FOREIGNER_PERMANENT_RESIDENT",
    "户口簿": "HOUSEHOLD_REGISTER",
    "军官证": "MILITARY_ID",
    "出生医学证明": "BIRTH_CERTIFICATE",
}


def folded(text: str) -> str:
    """A title or word as it is compared: NFKC, lower case, without spaces and marks."""
    return re.sub(r"[\s*＊:：/、,，()_（）\-]", "", unicodedata.normalize("NFKC", text)).lower()
