"""The letter as a PDF: one upright page or more of text, then the people as a table on broad pages
whose header is repeated (C7).

Pure: plain values in, bytes out; what may not be seen comes in as `*`. Every page has the letter's
number at its foot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.units import mm

from resolvers.assist.letter import (
    CLASSIFICATIONS,
    LEVELS,
    MANNERS,
    STATES,
    TASKS,
    Letter,
    Printed,
)
from resolvers.pages import Flow, Page, Printer, box, line_of, local, pdf_of, time_of
from resolvers.typesetting import break_lines, measure, shown

__all__ = ["letter_pdf"]

_SIDE, _TOP, _FOOT = 22 * mm, 20 * mm, 18 * mm
_BROAD_SIDE = 15 * mm
_TEXT, _LEADING = 11.0, 18.0
_TABLE, _TABLE_LEADING, _PAD = 8.5, 12.0, 3.0
_MASKED = "* 为打印人无权查看的个人隐私项。"
_DRAFT_STATES = {"DRAFT": "草稿　未发出", "WITHDRAWN": "已撤回", "REFUSED": "已退回"}


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the table: its title, its width, what stands in it."""

    title: str
    width: float
    text: Callable[[Printed], str]


def _joined(*parts: str) -> str:
    return "\n".join(one for one in parts if one)


_COLUMNS = (
    _Column("序号", 10 * mm, lambda one: str(one.position)),
    _Column("姓名", 24 * mm, lambda one: one.name),
    _Column("性别", 10 * mm, lambda one: _sex(one.sex)),
    _Column("年龄", 10 * mm, lambda one: one.age),
    _Column("证件号码", 38 * mm, lambda one: one.id_number),
    _Column("联系电话", 27 * mm, lambda one: one.phone),
    _Column("类型", 17 * mm, lambda one: LEVELS.get(one.level, one.level)),
    _Column(
        "接触方式\n末次接触",
        26 * mm,
        lambda one: _joined(
            "、".join(MANNERS.get(name, name) for name in one.manner), one.last_contact_on
        ),
    ),
    _Column("工作单位", 30 * mm, lambda one: one.employer),
    _Column(
        "现住址／目前所在地",
        45 * mm,
        lambda one: _joined(
            one.residence and f"住：{one.residence}",
            one.whereabouts and f"现：{one.whereabouts}",
            one.whereabouts_code and f"（{one.whereabouts_code}）",
            one.seat and f"乘：{one.seat}",
        ),
    ),
    _Column(
        "状态／备注",
        30 * mm,
        lambda one: _joined(STATES.get(one.state, one.state), one.remarks),
    ),
)


def letter_pdf(letter: Letter, printer: Printer) -> bytes:
    """The bytes of the PDF."""
    pages = [*_text_pages(letter), *_table_pages(letter)]
    foot = f"{letter.number}　{_MASKED}"
    return pdf_of(pages, f"协查函 {letter.number}", printer, foot)


class _Flow(Flow):
    """Text that flows over upright pages."""

    def text(
        self,
        text: str,
        *,
        size: float = _TEXT,
        leading: float = _LEADING,
        place: str = "left",
        indent: float = 0.0,
        grey: float = 0.0,
    ) -> None:
        """Lines at the left, in the middle or at the right; the first one indented."""
        width = A4[0] - 2 * _SIDE
        wide = measure(size)
        lines = break_lines("\u3000" * int(indent) + shown(text), width, wide)
        for line in lines:
            self.need(leading)
            self.page.y -= leading
            x = {
                "left": _SIDE,
                "middle": (A4[0] - wide(line)) / 2,
                "right": A4[0] - _SIDE - wide(line),
            }[place]
            self.page.draws.append(line_of(line, x, self.page.y, size, grey))

    def rule(self) -> None:
        """A line over the width of the text."""
        self.gap(6)
        y = self.page.y
        self.page.draws.append(lambda canvas: canvas.line(_SIDE, y, A4[0] - _SIDE, y))
        self.gap(4)


def _text_pages(letter: Letter) -> list[Page]:
    flow = _Flow(_TOP, _FOOT)
    flow.text("协　查　函", size=22, leading=34, place="middle")
    version = f"（第 {letter.version} 版）" if letter.version > 1 else ""
    flow.text(f"编号：{letter.number}{version}", place="middle")
    if letter.parent_number:
        flow.text(f"转自：{letter.parent_number}", size=9.5, place="middle")
    if letter.state in _DRAFT_STATES:
        flow.text(f"【{_DRAFT_STATES[letter.state]}】", size=14, leading=24, place="middle")
    flow.rule()
    flow.gap(6)
    flow.text(f"{letter.to_name}：")
    people = f" {len(letter.people):,} 名" if letter.people else ""
    flow.text(
        f"我单位在{letter.disease}疫情处置中排查到{people}相关人员（名单附后），其现居住于、"
        "或近期到过贵辖区。请协助开展以下工作，并按时限反馈："
        + "、".join(TASKS.get(one, one) for one in letter.asked)
        + "。",
        indent=2,
    )
    flow.gap(6)
    for label, value in _facts(letter):
        if value:
            flow.text(f"{label}：{value}")
    if letter.remarks:
        flow.gap(4)
        flow.text(f"说明：{letter.remarks}")
    if letter.missing:
        flow.gap(4)
        flow.text(f"注意：{letter.missing}")
    flow.need(5 * _LEADING)
    flow.gap(2 * _LEADING)
    flow.text(f"{letter.from_name}（盖章）", place="right")
    flow.text(_day(letter.sent_at) or "（未发出）", place="right")
    if letter.copies:
        flow.rule()
        flow.text(f"抄送：{'、'.join(letter.copies)}", size=9.5, leading=15)
    return flow.pages


def _facts(letter: Letter) -> Iterable[tuple[str, str]]:
    kind = CLASSIFICATIONS.get(letter.classification, letter.classification)
    yield (
        "关联病例",
        "，".join(
            one
            for one in (
                letter.disease,
                kind,
                letter.onset_on and f"{letter.onset_on} 发病",
                letter.case_name and f"姓名 {letter.case_name}",
                letter.case_sex and f"性别 {_sex(letter.case_sex)}",
                letter.case_age and f"年龄 {letter.case_age}",
                letter.case_phone and f"电话 {letter.case_phone}",
            )
            if one
        ),
    )
    yield "签收时限", time_of(letter.acknowledge_due)
    yield "管控时限", time_of(letter.control_due)
    yield "反馈时限", time_of(letter.feedback_due)
    yield "办理状态", STATES.get(letter.state, letter.state)


def _table_pages(letter: Letter) -> list[Page]:
    """The people, row after row; the header on every page. A row higher than a page goes on."""
    if not letter.people:
        return []
    pages: list[Page] = []
    wide = measure(_TABLE)
    width, height = landscape(A4)

    def turn() -> None:
        page = Page((width, height), height - _TOP)
        pages.append(page)
        head = f"附件：协查人员名单（{letter.number}，共 {len(letter.people):,} 名）"
        page.draws.append(line_of(shown(head), _BROAD_SIDE, page.y, 10.5))
        page.y -= 8
        titles = [one.title.split("\n") for one in _COLUMNS]
        _row(page, titles, max(len(one) for one in titles), header=True)

    turn()
    for person in letter.people:
        cells = [
            break_lines(shown(one.text(person)), one.width - 2 * _PAD, wide) for one in _COLUMNS
        ]
        most = max(1, *(len(one) for one in cells))
        full = _fitting(height - _TOP - 8 - 2 * _TABLE_LEADING - 2 * _PAD)
        if most > _fitting(pages[-1].y) and most <= full:
            turn()
        at = 0
        while at < most:
            fits = min(most - at, _fitting(pages[-1].y))
            if fits < 1:
                turn()
                continue
            _row(pages[-1], [one[at : at + fits] for one in cells], fits)
            at += fits
    return pages


def _fitting(y: float) -> int:
    """How many lines of a row fit between a height and the foot of the page."""
    return int((y - _FOOT - 2 * _PAD) // _TABLE_LEADING)


def _row(page: Page, cells: Sequence[Sequence[str]], lines: int, *, header: bool = False) -> None:
    height = lines * _TABLE_LEADING + 2 * _PAD
    top, x = page.y, _BROAD_SIDE
    page.y -= height
    for column, cell in zip(_COLUMNS, cells, strict=True):
        page.draws.append(box(x, page.y, column.width, height, filled=header))
        for number, line in enumerate(cell, 1):
            y = top - _PAD - number * _TABLE_LEADING + 3
            page.draws.append(line_of(line, x + _PAD, y, _TABLE))
        x += column.width


def _sex(value: str) -> str:
    return {"M": "男", "F": "女"}.get(value, value)


def _day(at: str) -> str:
    if not at:
        return ""
    day = local(at)
    return f"{day.year} 年 {day.month} 月 {day.day} 日"
