"""A report on signals as a PDF: upright pages, tables whose header is repeated, the same pictures
as in HTML (E12).
"""

from __future__ import annotations

from collections.abc import Sequence

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from resolvers.alerts.report import Document, Heading, Paragraph, Table
from resolvers.alerts.report_drawing import COLOURS, Circle, Picture, Rectangle, Words
from resolvers.pages import Draw, Flow, Printer, line_of, pdf_of
from resolvers.typesetting import FONT, break_lines, measure, shown

__all__ = ["report_pdf"]

_SIDE, _TOP, _FOOT = 18 * mm, 20 * mm, 20 * mm
_WIDTH = A4[0] - 2 * _SIDE
_TITLE, _HEADING, _TEXT, _CELL = 19.0, 12.5, 9.5, 8.5
_LEADING = 1.5  # of a line, by the size of its letters
_PAD = 3.0
_LOUD = COLOURS["confirmed"]


def report_pdf(report: Document, printer: Printer) -> bytes:
    """The bytes of the PDF."""
    flow = _Flow(_TOP, _FOOT)
    flow.text(report.title, _TITLE, middle=True)
    flow.text(report.subtitle, _TEXT, middle=True)
    for number, block in enumerate(report.blocks):
        match block:
            case Heading():
                flow.heading(block.text, _first_height(report.blocks[number + 1 :]))
            case Paragraph():
                flow.gap(3)
                flow.text(block.text, _TEXT, colour=_LOUD if block.loud else "")
            case Table():
                flow.table(block)
            case _:
                flow.picture(block)
    return pdf_of(flow.pages, report.title, printer, report.subtitle, report.texts.page)


def _first_height(following: Sequence[object]) -> float:
    """What stays with a heading: a picture whole, else some lines."""
    if following and isinstance(following[0], Picture):
        return following[0].height * _scale(following[0]) + 8
    return 4 * _CELL * _LEADING


def _scale(picture: Picture) -> float:
    return _WIDTH / picture.width


class _Flow(Flow):
    """Words, pictures and tables that flow over upright pages."""

    def text(self, text: str, size: float, *, middle: bool = False, colour: str = "") -> None:
        wide = measure(size)
        for line in break_lines(shown(text), _WIDTH, wide):
            self.need(size * _LEADING)
            self.page.y -= size * _LEADING
            x = (A4[0] - wide(line)) / 2 if middle else _SIDE
            self.page.draws.append(_coloured(line, x, self.page.y, size, colour))

    def heading(self, text: str, following: float) -> None:
        self.gap(10)
        self.need(_HEADING * _LEADING + following)
        self.text(text, _HEADING)
        self.gap(4)

    def picture(self, picture: Picture) -> None:
        scale = _scale(picture)
        height = picture.height * scale
        self.gap(4)
        self.need(height)
        self.page.draws.append(_drawn(picture, _SIDE, self.page.y, scale))
        self.page.y -= height

    def table(self, table: Table) -> None:
        """Row after row; the header again on every page."""
        self.gap(4)
        rest = (1 - table.first) / max(1, len(table.header) - 1)
        widths = [_WIDTH * part for part in (table.first, *[rest] * (len(table.header) - 1))]
        header = _cells(table.header, widths) if any(table.header) else None
        if header is not None:
            self.need(_height(header) * 2)
            self._row(header, widths, head=True)
        for row in table.rows:
            cells = _cells(row, widths)
            if self.need(_height(cells)) and header is not None:
                self._row(header, widths, head=True)
            self._row(cells, widths)

    def _row(
        self, cells: Sequence[Sequence[str]], widths: Sequence[float], *, head: bool = False
    ) -> None:
        height = _height(cells)
        top = self.page.y
        self.page.y -= height
        self.page.draws.append(_line_below(self.page.y, height, head))
        wide = measure(_CELL)
        x = _SIDE
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True)):
            for number, line in enumerate(cell, 1):
                y = top - _PAD - number * _CELL * _LEADING + 3
                at = x + _PAD if place == 0 else x + width - _PAD - wide(line)
                self.page.draws.append(line_of(line, at, y, _CELL))
            x += width


def _cells(row: Sequence[str], widths: Sequence[float]) -> list[list[str]]:
    wide = measure(_CELL)
    return [
        break_lines(shown(text), width - 2 * _PAD, wide)
        for text, width in zip(row, widths, strict=True)
    ]


def _height(cells: Sequence[Sequence[str]]) -> float:
    return max(1, *(len(one) for one in cells)) * _CELL * _LEADING + 2 * _PAD


def _line_below(y: float, height: float, filled: bool) -> Draw:
    def draw(canvas: Canvas) -> None:
        canvas.saveState()
        if filled:
            canvas.setFillGray(0.94)
            canvas.rect(_SIDE, y, _WIDTH, height, stroke=0, fill=1)
        canvas.setLineWidth(0.4)
        canvas.setStrokeGray(0.7)
        canvas.line(_SIDE, y, _SIDE + _WIDTH, y)
        canvas.restoreState()

    return draw


def _coloured(text: str, x: float, y: float, size: float, colour: str) -> Draw:
    if not colour:
        return line_of(text, x, y, size)

    def draw(canvas: Canvas) -> None:
        canvas.saveState()
        canvas.setFont(FONT, size)
        canvas.setFillColor(HexColor(colour))
        canvas.drawString(x, y, text)
        canvas.restoreState()

    return draw


def _drawn(picture: Picture, x: float, top: float, scale: float) -> Draw:
    """A picture whose upper left corner lies there."""
    texts = {one: shown(one.text) for one in picture.shapes if isinstance(one, Words)}

    def draw(canvas: Canvas) -> None:
        canvas.saveState()
        canvas.translate(x, top)
        canvas.scale(scale, scale)
        for one in picture.shapes:
            match one:
                case Rectangle():
                    canvas.setFillColor(HexColor(COLOURS[one.colour]))
                    canvas.rect(one.x, -one.y - one.height, one.width, one.height, stroke=0, fill=1)
                case Circle():
                    canvas.setFillColor(HexColor(COLOURS[one.colour]))
                    if one.clear:
                        canvas.setFillAlpha(0.6)
                    canvas.circle(one.x, -one.y, one.radius, stroke=0, fill=1)
                    if one.clear:
                        canvas.setFillAlpha(1.0)
                case Words():
                    canvas.setFont(FONT, 8.5)
                    canvas.setFillColor(HexColor(COLOURS["text"]))
                    _PLACED[one.anchor](canvas, one.x, -one.y, texts[one])
        canvas.restoreState()

    return draw


_PLACED = {
    "start": Canvas.drawString,
    "middle": Canvas.drawCentredString,
    "end": Canvas.drawRightString,
}
