"""Pages of a PDF: what is drawn on them, who printed them, and their bytes (C7, E12).

Every page has across it and at its foot who printed it when, and its own number. The font (文泉驿
微米黑) is embedded as the subset that is used.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from resolvers.typesetting import FONT, break_lines, measure, shown

__all__ = [
    "CHINESE",
    "Draw",
    "Flow",
    "Page",
    "PageWords",
    "Printer",
    "box",
    "line_of",
    "local",
    "pdf_of",
    "time_of",
]

_SIDE = 15 * mm
_CHINA = timedelta(hours=8)
_FONT_FILE = Lock()
"""Saving cuts the characters used out of the font, which all PDFs read by one position."""

Draw = Callable[[Canvas], None]


@dataclass(frozen=True, slots=True)
class Printer:
    """Who prints, and when (text, UTC): the watermark."""

    account: str
    name: str
    unit_name: str
    at: str


@dataclass(frozen=True, slots=True)
class PageWords:
    """What stands at the foot of a page, with places for what is put in."""

    language: str
    printed: str
    number: str
    time: str


CHINESE = PageWords(
    "zh-CN", "打印：{unit} {name}（{account}） {at}", "第 {number} 页　共 {count} 页", "北京时间"
)


@dataclass(slots=True)
class Page:
    """A page: its size, what is drawn on it, and where the next thing begins, from below."""

    size: tuple[float, float]
    y: float
    draws: list[Draw] = field(default_factory=list)


class Flow:
    """What flows over upright pages, from `top` points below their upper edge down to `foot` points
    above the lower one.
    """

    def __init__(self, top: float, foot: float) -> None:
        self._top, self._foot = top, foot
        self.pages: list[Page] = []
        self._turn()

    @property
    def page(self) -> Page:
        """The page that is being filled."""
        return self.pages[-1]

    def _turn(self) -> None:
        self.pages.append(Page(A4, A4[1] - self._top))

    def gap(self, height: float) -> None:
        """Leaves so much free."""
        self.page.y -= height

    def need(self, height: float) -> bool:
        """A new page where so much is not left of this one; whether one was begun."""
        if self.page.y - height >= self._foot:
            return False
        self._turn()
        return True


def pdf_of(
    pages: Sequence[Page], title: str, printer: Printer, foot: str, words: PageWords = CHINESE
) -> bytes:
    """The bytes of the PDF. `foot` stands at the left under every page."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, pageCompression=1, lang=words.language)
    canvas.setTitle(title)
    canvas.setCreator("epigate")
    canvas.setAuthor("")
    canvas.setProducer("epigate")
    for number, page in enumerate(pages, 1):
        canvas.setPageSize(page.size)
        _watermark(canvas, page, printer, words)
        for draw in page.draws:
            draw(canvas)
        numbered = words.number.format(number=number, count=len(pages))
        _foot(canvas, page, printer, foot, numbered, words)
        canvas.showPage()
    with _FONT_FILE:
        canvas.save()
    return out.getvalue()


def box(x: float, y: float, width: float, height: float, *, filled: bool) -> Draw:
    """A frame, grey within where `filled`."""

    def draw(canvas: Canvas) -> None:
        canvas.saveState()
        canvas.setLineWidth(0.4)
        canvas.setFillGray(0.92)
        canvas.rect(x, y, width, height, stroke=1, fill=int(filled))
        canvas.restoreState()

    return draw


def line_of(text: str, x: float, y: float, size: float, grey: float = 0.0) -> Draw:
    """A line of text from a place on."""

    def draw(canvas: Canvas) -> None:
        canvas.setFont(FONT, size)
        canvas.setFillGray(grey)
        canvas.drawString(x, y, text)

    return draw


def _watermark(canvas: Canvas, page: Page, printer: Printer, words: PageWords) -> None:
    """Who prints, when, across the page and under its text."""
    at = time_of(printer.at, words)
    text = shown(f"{printer.unit_name} {printer.name} {printer.account} {at}")
    width, height = page.size
    canvas.saveState()
    measure(11)
    canvas.setFont(FONT, 11)
    canvas.setFillGray(0.88)
    canvas.translate(width / 2, height / 2)
    canvas.rotate(30)
    for row in range(-4, 5):
        canvas.drawCentredString(0, row * 34 * mm, text)
    canvas.restoreState()


def _foot(
    canvas: Canvas, page: Page, printer: Printer, foot: str, number: str, words: PageWords
) -> None:
    who = words.printed.format(
        unit=printer.unit_name,
        name=printer.name,
        account=printer.account,
        at=time_of(printer.at, words),
    )
    right = page.size[0] - _SIDE
    lines = break_lines(shown(who), right - _SIDE, measure(8))
    canvas.setFont(FONT, 8)
    canvas.setFillGray(0.35)
    canvas.drawString(_SIDE, 13.5 * mm, shown(foot))
    canvas.drawRightString(right, 13.5 * mm, number)
    canvas.drawString(_SIDE, 9 * mm, lines[0])


def time_of(at: str, words: PageWords = CHINESE) -> str:
    """An instant as it is printed: minutes in China; empty where there is none."""
    return f"{local(at):%Y-%m-%d %H:%M}（{words.time}）" if at else ""


def local(at: str) -> datetime:
    """An instant (text, UTC) as clocks in China show it."""
    return datetime.fromisoformat(at) + _CHINA
