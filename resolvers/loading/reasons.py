"""Why a row was not taken, and what was done to those that were: codes with a sentence each."""

from __future__ import annotations

__all__ = ["NOTICES", "REASONS"]

REASONS: dict[str, tuple[str, str]] = {
    "WRONG_COLUMN_COUNT": (
        "the row has another number of columns than the header",
        "该行列数与表头不一致",
    ),
    "NO_ID": ("the column that names the row is empty", "记录编号为空"),
    "MISSING": ("a value is required here", "必填项为空"),
    "UNREADABLE_DAY": (
        "this is no day in any of the mapping's formats",
        "日期无法按映射的格式识别",
    ),
    "DAY_TOO_EARLY": ("the day lies before 1900", "日期早于1900年"),
    "DAY_IN_FUTURE": ("the day lies in the future", "日期在将来"),
    "UNREADABLE_AGE": ("this is no age from 0 to 130 years", "不是0至130岁的年龄"),
    "UNREADABLE_NUMBER": ("this is no whole number from 0", "不是非负整数"),
    "UNREADABLE_CODE": ("this is no code of 6 to 12 digits", "不是6至12位区划代码"),
    "UNREADABLE_WORD": (
        "only letters, digits and . _ : - can stand here",
        "只能含字母、数字和 . _ : -",
    ),
    "NOT_IN_TABLE": (
        "the value is neither in the mapping's table nor one of the field's own",
        "取值不在映射的对照表或字段取值范围内",
    ),
    "UNKNOWN_DISEASE": ("there is no such disease", "没有此病种"),
    "UNKNOWN_PLACE": ("no code of GB/T 2260 was found for this place", "找不到该地点的区划代码"),
    "AMBIGUOUS_PLACE": ("several places have this name", "该地名对应多个区划"),
    "TOO_LONG": ("the text is longer than 1,000 characters", "文字超过1000个字符"),
    "CONTROL_CHARACTER": ("the text holds a control character", "文字含控制字符"),
    "CHANGED": (
        "loaded before with other values; a correction needs a reason: use the mutation `correct`",
        "此前已按其他取值载入；更正须说明原因，请用 correct 更正",
    ),
    "ELSEWHERE": (
        "the same row id belongs to another region: handing a person over is a transfer, no load",
        "同一编号已属于另一地区；跨地区移交请走转运流程",
    ),
    "NOT_CUSTODIAN": (
        "the person was handed over, or is being handed over: register the contact where the "
        "person is kept now",
        "该人员已移交或正在移交，请在现负责地区登记",
    ),
    "UNKNOWN_CASE": ("no such case has been loaded", "所引用的病例尚未载入"),
    "UNKNOWN_CONTACT": ("no such contact has been loaded", "所引用的密接尚未载入"),
    "SAME_CASE": ("the link leads from a case to itself", "关联指向病例本身"),
    "DUPLICATE_DAY": (
        "the same place and day stand twice, with other counts",
        "同一地点同一日重复且数字不同",
    ),
    "COUNT_CHANGED": (
        "the store keeps other counts for this place and day",
        "该地点该日已有不同的数字",
    ),
}
"""Reasons of rejections: code → (English, Chinese)."""

NOTICES: dict[str, tuple[str, str]] = {
    "OUTSIDE": ("places that no configured region covers", "地点不属于任何已配置地区"),
    "DROPPED": ("values that could not be read, left empty", "无法识别的取值留空"),
    "STAND_IN": ("the first choice was empty, another stood in", "首选列为空，用备选项"),
    "DATES_OUT_OF_ORDER": ("days in an unlikely order, kept", "日期先后存疑，原样保留"),
    "CODE_CHANGED": ("dead codes replaced by their successors", "已撤销代码换为现行代码"),
    "COARSE_PLACE": ("place known only more coarsely", "地点只能定到上一级"),
    "SAME_ID_NUMBER": (
        "people whose ID number is known in the region already: kept apart, check them",
        "身份证号在本地区已有记录，未合并，请核对",
    ),
    "TAKEN_BACK": (
        "a cumulative count fell: taken back from the latest days before",
        "累计数下降：从此前最近的日子扣回",
    ),
    "DAYS_SKIPPED": (
        "days without a report; what was new counts on the next day reported",
        "中间有未报告日，新增计入下一报告日",
    ),
    "BEGINS_ABOVE_ZERO": (
        "the first day of a series holds everything before it",
        "序列首日含此前全部累计数",
    ),
    "CASE_OUTSIDE": (
        "the case lies outside the configured regions, the contact has no link to it",
        "病例在配置区域之外，密接未与其关联",
    ),
}
"""Notices about rows that were taken: code → (English, Chinese)."""
