"""Why an event of a signal is refused, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["REASONS"]

REASONS: Mapping[str, tuple[str, str]] = {
    "NOT_SENT": ("the signal was not sent yet", "预警信号尚未发出"),
    "SENT": ("the signal was sent already", "预警信号已发出"),
    "UNSENT": ("the signal was sent already", "预警信号已发出"),
    "NOT_VIEWED": ("look at the signal first (viewSignal)", "请先查看预警信号"),
    "NOT_VERIFIED": (
        "verify the signal first (startVerification, or the abnormal information card)",
        "请先核实预警信号",
    ),
    "VERIFYING": ("the signal is being verified already", "预警信号正在核实中"),
    "NOT_ANSWERED": (
        "file the abnormal information card first",
        "请先填报异常信息卡",
    ),
    "ANSWERED": (
        "the abnormal information card was filed already; it can be revised",
        "异常信息卡已填报，可修改后再次填报",
    ),
    "EXCLUDED": (
        "the signal was excluded; file a further version of the card if that is no longer so",
        "该信号已排除；如情况有变，请修改异常信息卡",
    ),
    "EVENT_ISSUED": (
        "it is a suspected event with a number: its investigation form excludes it, not the card",
        "已作为疑似事件编号，请在现场调查表中排除，不能再以异常信息卡排除",
    ),
    "NOT_INVESTIGATED": ("start the investigation first", "请先开始现场调查"),
    "INVESTIGATING": ("the event is being investigated already", "该事件正在现场调查中"),
    "CONCLUDED": (
        "the event is concluded; only further versions of the investigation form are taken",
        "事件已有结论，仅可再次填报现场调查表",
    ),
    "NOT_YOUR_SIDE": (
        "this is for the CDC of the signal's county to do",
        "该操作应由信号所在县（区）疾控机构进行",
    ),
    "ON_ITS_OWN": (
        "an open signal of the same county and disease absorbed it: act on that one "
        "(see absorbedInto)",
        "该信号已并入同县同病种的未结信号，请在该信号上办理（见 absorbedInto）",
    ),
    "DUTY": (
        "only a duty person of the county's CDC does this",
        "只能由县（区）疾控机构的预警值班人员办理",
    ),
    "VERSION": (
        "the signal changed since you saw it: read it again, then decide",
        "该信号在您查看后已有变化，请重新查看后再办理",
    ),
    "REPORT": (
        "attach the investigation report first (attachToSignal)",
        "请先上传现场调查报告",
    ),
    "RUNNING": (
        "the end of the investigation was told already",
        "现场调查结束时间已登记",
    ),
    "NO_EVENT": (
        "there is no open event of this number in the county",
        "本县（区）没有该编号的未结疑似事件",
    ),
    "OTHER_EVENT": (
        "a signal belongs to another event, which has an investigation of its own",
        "所选信号属于另一已开展调查的事件",
    ),
    "FILES": ("an event takes at most 20 files", "每个事件最多 20 个附件"),
}
"""Why an event is refused: a stable name, in English and Chinese. Guards refuse by their names."""
