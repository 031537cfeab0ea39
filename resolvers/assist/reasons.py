"""Why an event of a letter or of one of its people is refused, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["REASONS"]

REASONS: Mapping[str, tuple[str, str]] = {
    "NOT_SENT": ("the letter is a draft: submit it first", "协查函尚未发出，请先提交"),
    "NOT_DRAFT": ("the letter was sent already", "协查函已发出"),
    "NOT_ACKNOWLEDGED": ("acknowledge the letter first", "请先签收协查函"),
    "ACKNOWLEDGED": (
        "the letter was acknowledged already: ask the receiver to refuse it, or amend it",
        "协查函已被签收：请修改，或请接收方退回",
    ),
    "NOT_ASSIGNED": ("assign an officer first", "请先指派办理人员"),
    "ASSIGNED": ("an officer works on it already", "已有人员办理"),
    "NOT_CONTROLLED": (
        "first report what became of every person",
        "请先填报每名人员的查找和管控情况",
    ),
    "REPORTED": (
        "this was reported already; ask for more, or correct the contact",
        "已填报：如需补充请要求补充反馈，或更正密接记录",
    ),
    "NEW_CASE": (
        "this was reported already: give the case that was registered since, if none is linked yet",
        "已填报：如尚未关联病例，请填写已登记的病例",
    ),
    "USE_TRANSFER": (
        "the person is under control: hand the person over by a transfer",
        "该人员已落实管控：请办理转运交接",
    ),
    "FILES": ("a letter takes at most 20 files", "每份协查函最多 20 个附件"),
    "FILES_NOT_SHARED": (
        "the letter does not let its receiver see files: amend it to share REMARKS first",
        "协查函未共享 REMARKS，接收方不能查看附件：请先修改共享项目",
    ),
    "NO_FEEDBACK": ("there is no feedback yet", "尚未反馈"),
    "FEEDBACK_GIVEN": (
        "feedback was given: the issuer accepts it or asks for more",
        "已反馈，等待发函方确认或要求补充",
    ),
    "REFUSED": (
        "the letter was refused and is back with the issuer, who may amend and submit it",
        "协查函已退回发函方，发函方可修改后重新提交",
    ),
    "ENDED": ("nothing more happens here: it has ended", "已办结，不能再操作"),
    "FORWARDED": (
        "another letter carries it on: see forwardedTo",
        "已转办，由后续协查函继续办理，见 forwardedTo",
    ),
    "OF_THE_LETTER": (
        "this is an event of the letter, not of one person",
        "该操作针对协查函，不针对单个人员",
    ),
    "NO_PERSON": ("the letter names nobody at this position", "协查函中没有该序号的人员"),
    "OF_A_PERSON": (
        "this is an event of one person, not of the letter",
        "该操作针对单个人员，不针对协查函",
    ),
    "NOT_YOUR_SIDE": ("this is for the other side to do", "该操作应由对方进行"),
    "COMPLETE": (
        "the letter lacks something it needs: a person, and a code a configured region covers",
        "协查函不完整：至少一名人员，且接收代码须由已配置的地区负责",
    ),
    "REASON": ("give a reason", "请填写原因"),
    "DUTY": ("only a duty person of the receiving unit acknowledges", "只能由接收单位值班人员签收"),
    "OFFICER": ("assign an officer of the receiving unit", "请指派接收单位的人员"),
    "NEW_HOLDER": (
        "that unit held the letter before: it would go in a circle",
        "该单位曾持有此函，不能循环转办",
    ),
    "HOW": (
        "give when, where and how the person is controlled: controlledAt, place and mode",
        "请填写管控时间（controlledAt）、地点（place）和方式（mode）",
    ),
    "DESTINATION": (
        "give where the person went: destinationCode; of whom that is not known, UNTRACED",
        "请填写去向（destinationCode）；去向不明的填报 UNTRACED",
    ),
    "PROPOSED": ("the receiver has not said that it is no contact", "接收方未提出排除"),
    "FORM": (
        "the feedback is not complete: every person needs an outcome",
        "反馈表不完整：每名人员均须填报结果",
    ),
    "RESULT": ("record the positive result first", "请先登记阳性结果"),
    "VERSION": ("nothing was changed", "没有改动"),
    "READ_NOW": (
        "the issuer amended the letter: read the new version first",
        "发函方已修改协查函，请先阅读新版本",
    ),
}
"""Why an event is refused: a stable name, in English and Chinese. Guards refuse by their names."""
