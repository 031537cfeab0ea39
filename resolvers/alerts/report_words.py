"""What a printed report says, in Chinese and English (E12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from resolvers.pages import CHINESE, PageWords

__all__ = ["LANGUAGES", "WORDS", "Language", "Texts"]

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")

_ENGLISH = PageWords(
    "en", "Printed by {unit} {name} ({account}) {at}", "Page {number} of {count}", "UTC+8"
)


@dataclass(frozen=True, slots=True)
class Texts:
    """The words of one language; `{…}` are places for what is put in."""

    page: PageWords
    title: str
    country: str
    periods: Mapping[str, str]
    made: str
    missing: str
    none: str
    totals: str
    this: str
    before: str
    figures: Mapping[str, str]
    legend: tuple[str, str, str]
    curve: str
    map: str
    map_note: str
    diseases: str
    disease: str
    areas: str
    counties: str
    area: str
    methods: str
    method: str
    kinds: Mapping[str, str]
    columns: tuple[str, ...]
    more: str
    false: str
    false_figures: Mapping[str, str]
    grounds: str
    ground: str
    ground_names: Mapping[str, str]
    ground_columns: tuple[str, str, str]
    waiting: str
    waiting_figures: Mapping[str, str]
    unmanned: str
    notes: str
    note: tuple[str, ...]


_METHODS_ZH = {
    "SINGLE_CASE": "单病例",
    "MOVING_PERCENTILE": "移动百分位数",
    "HISTORICAL_LIMITS": "历史限值",
    "BAYES": "贝叶斯",
    "CUSUM": "累积和",
    "EWMA": "指数加权移动平均",
    "GLR": "广义似然比",
    "SPACE_TIME_PERMUTATION": "时空重排扫描",
    "SPACE_TIME_POISSON": "时空泊松扫描",
}
_METHODS_EN = {
    "SINGLE_CASE": "Single case",
    "MOVING_PERCENTILE": "Moving percentile",
    "EARS_C1": "EARS C1",
    "EARS_C2": "EARS C2",
    "EARS_C3": "EARS C3",
    "HISTORICAL_LIMITS": "Historical limits",
    "RKI": "RKI",
    "BAYES": "Bayes",
    "CUSUM": "CUSUM",
    "EWMA": "EWMA",
    "FARRINGTON": "Farrington",
    "FARRINGTON_FLEXIBLE": "Farrington Flexible",
    "OUTBREAK_P": "OutbreakP",
    "GLR": "GLR",
    "SPACE_TIME_PERMUTATION": "Permutation scan",
    "SPACE_TIME_POISSON": "Poisson scan",
}

_ZH = Texts(
    page=CHINESE,
    title="传染病自动预警信号{period}",
    country="全国",
    periods={"DAY": "日报", "WEEK": "周报", "MONTH": "月报", "YEAR": "年报"},
    made="{area}　{first} 至 {last}　数据截至 {at}",
    missing="注意：以下地区未能读取，本报告不含其信号：{regions}。",
    none="本期无预警信号。",
    totals="一、总体情况",
    this="本期",
    before="上期",
    figures={
        "signals": "预警信号数",
        "absorbed": "并入信号数（同一过程）",
        "perCountyWeek": "平均每县每周信号数",
        "answered": "已响应",
        "hoursToAnswer": "响应时间中位数（小时）",
        "withinTwoHours": "2 小时内响应",
        "withinDay": "24 小时内响应",
        "suspected": "疑似事件信号",
        "suspectedEvents": "疑似事件数",
        "confirmed": "确认暴发信号",
        "confirmedEvents": "确认暴发事件数",
        "excluded": "误报（已排除）",
        "overseen": "上级已查看",
    },
    legend=("其他信号", "疑似事件", "确认暴发"),
    curve="二、时间分布（按预警日期）",
    map="三、地区分布",
    map_note="示意图：每点为一个县级行政区的代表点，不表示行政区域界线；圆面积与信号数成正比。",
    diseases="四、病种分布",
    disease="病种",
    areas="五、各地情况",
    counties="信号数最多的县（市、区）",
    area="地区",
    methods="六、预警方法",
    method="方法",
    kinds=_METHODS_ZH,
    columns=("信号", "每县每周", "响应", "中位（时）", "2 时内", "24 时内", "疑似", "确认", "误报"),
    more="另有 {count} 项未列出。",
    false="七、误报分析",
    false_figures={
        "signals": "误报信号数",
        "rate": "占已有结论信号",
        "byCard": "经异常信息卡排除",
        "byInvestigation": "经现场调查排除",
        "dataAnalysis": "核实方式：监测数据分析",
        "phone": "核实方式：电话核实",
        "other": "核实方式：其他",
    },
    grounds="疑似事件判断依据及其调查结论（信号数）",
    ground="判断依据",
    ground_names={
        "PLACE": "地区聚集",
        "TIME": "时间聚集",
        "PEOPLE": "人群聚集",
        "RARE": "罕见/少见病种",
        "SINGLE_CASE": "单病例预警",
        "SPREADING": "疫情有扩散趋势",
    },
    ground_columns=("疑似", "确认暴发", "调查排除"),
    waiting="八、待办（截至目前，不限本期）",
    waiting_figures={
        "unanswered": "未响应信号",
        "singleCaseLate": "其中单病例信号发出逾 2 小时",
        "late": "其中发出逾 24 小时",
        "suspectedEvents": "疑似事件尚未开展现场调查",
        "investigatedEvents": "正在现场调查",
        "formsLate": "其中现场调查表逾期",
        "watchedEvents": "继续关注",
    },
    unmanned="目前无人值班的县级疾控机构",
    notes="说明",
    note=(
        "信号按预警日期统计；并入未结信号的同一过程信号另计。本报告统计信号数，不是病例数。",
        "响应时间为信号发出至首次填报异常信息卡的时间；发出前已填报的计为 0。",
        "及时率的分母为已响应及发出已超过该时限的信号。",
        "每县每周信号数的分母为有数据地区的县级行政区数与周数（已开始的天数）之积。",
    ),
)

_EN = Texts(
    page=_ENGLISH,
    title="Outbreak signals: {period} report",
    country="The country",
    periods={"DAY": "daily", "WEEK": "weekly", "MONTH": "monthly", "YEAR": "annual"},
    made="{area}, {first} to {last}, as of {at}",
    missing="Note: these regions gave no answer; their signals are missing: {regions}.",
    none="There were no signals.",
    totals="1. All together",
    this="this time",
    before="the time before",
    figures={
        "signals": "Signals",
        "absorbed": "Absorbed by an open signal of the same spell",
        "perCountyWeek": "Signals by county and week",
        "answered": "Answered",
        "hoursToAnswer": "Median hours to the answer",
        "withinTwoHours": "Answered within 2 h",
        "withinDay": "Answered within 24 h",
        "suspected": "Signals of suspected events",
        "suspectedEvents": "Suspected events",
        "confirmed": "Signals of outbreaks",
        "confirmedEvents": "Outbreaks",
        "excluded": "False signals",
        "overseen": "Looked at by a level above",
    },
    legend=("other signals", "suspected", "outbreak"),
    curve="2. In time (day of the signal)",
    map="3. In place",
    map_note="A sketch: each point stands for one county and shows no boundaries; the area of a "
    "disc is its number of signals.",
    diseases="4. By disease",
    disease="disease",
    areas="5. By area",
    counties="Counties with most signals",
    area="area",
    methods="6. By method",
    method="method",
    kinds=_METHODS_EN,
    columns=(
        *("signals", "per county-week", "answered", "median h", "in 2 h", "in 24 h"),
        *("suspected", "outbreak", "false"),
    ),
    more="{count} more are not listed.",
    false="7. False signals",
    false_figures={
        "signals": "False signals",
        "rate": "Of the signals that are decided",
        "byCard": "Excluded by the abnormal information card",
        "byInvestigation": "Excluded by the investigation",
        "dataAnalysis": "Verified by the data on record",
        "phone": "Verified by telephone",
        "other": "Verified otherwise",
    },
    grounds="Grounds of suspicion, and what the investigation found (signals)",
    ground="ground",
    ground_names={
        "PLACE": "Clustering in place",
        "TIME": "Clustering in time",
        "PEOPLE": "Clustering among people",
        "RARE": "Rare disease",
        "SINGLE_CASE": "Single-case disease",
        "SPREADING": "Spreading",
    },
    ground_columns=("suspected", "outbreak", "excluded"),
    waiting="8. What waits now, of whatever day",
    waiting_figures={
        "unanswered": "Signals not answered",
        "singleCaseLate": "of single cases, sent more than 2 h ago",
        "late": "sent more than 24 h ago",
        "suspectedEvents": "Suspected events not yet investigated",
        "investigatedEvents": "Events under investigation",
        "formsLate": "with an investigation form past its time",
        "watchedEvents": "Events watched on",
    },
    unmanned="Counties in whose CDC nobody is on duty now",
    notes="Notes",
    note=(
        "Signals count on the day they were raised for; those an open signal of the same spell "
        "absorbed are told apart. These are numbers of signals, not of cases.",
        "The time to the answer is from sending to the first abnormal information card; 0 where "
        "that was filed before.",
        "Rates in time are of signals answered, or sent longer ago than that.",
        "Signals by county and week are of the counties of regions that answered, and days begun.",
    ),
)

WORDS: Mapping[Language, Texts] = {"zh": _ZH, "en": _EN}
"""The words of each language."""
