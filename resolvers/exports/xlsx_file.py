"""XLSX, written piece by piece into a ZIP that is never on disk (ECMA-376).

Texts are inline strings: no formulas, no shared strings, no comments, no properties, no hidden
sheets. Days, instants (in China's time) and numbers that are not private have their type. A sheet
holds what Excel takes; the next one goes on. The last sheet, 说明, is the watermark with the
SHA-256 of the sheets before it; it stands in head and foot of every printed page, too.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from xml.sax.saxutils import escape

from resolvers.exports.cells import safe
from resolvers.exports.columns import Column, ColumnKind
from resolvers.exports.watermark import ABORTED, CHECK, MISSING, ROWS, Watermark

__all__ = ["NOTES", "SHEETS", "XlsxFile"]

SHEETS = "xl/worksheets/sheet"
NOTES = "xl/worksheets/notes.xml"

_MOST_ROWS = 1_048_575  # of a sheet, but one for what must be said below
_LONGEST = 32_767  # characters of a cell
_CUT = "[…]"
_LONGEST_HEAD = 245  # of 255; `&` begins a code in heads and feet, and is doubled in text
_LEVEL = 3  # of compression: the event loop waits for it
_EPOCH = date(1899, 12, 30).toordinal()
_FIRST_DAY = "1900-03-01"  # Excel takes 1900 for a leap year
_CHINA = 8 / 24
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_DOC = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"

_TYPES = (
    f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Default Extension="xml" ContentType="{_KIND}.worksheet+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_KIND}.styles+xml"/></Types>'
)
_RELATIONS = (
    f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_DOC}/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>"
)
_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}">'
    '<numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="5">'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" '
    'applyFont="1"/></cellXfs></styleSheet>'
)
_TEXT, _DAY, _INSTANT, _TITLE = 1, 2, 3, 4

Value = str | int | float | None


class XlsxFile:
    """One file. Each method returns the bytes that come next. `most` is rows of a sheet."""

    media_type = f"{_KIND}.sheet"
    ending = "xlsx"

    def __init__(
        self, columns: Sequence[Column], watermark: Watermark, *, most: int = _MOST_ROWS
    ) -> None:
        self._columns, self._watermark, self._most = columns, watermark, most
        self._out = _Drain()
        self._zip = zipfile.ZipFile(
            self._out,
            "w",
            zipfile.ZIP_DEFLATED,
            compresslevel=_LEVEL,
        )
        self._hash = hashlib.sha256()
        self._sheet: io.BufferedIOBase | None = None
        self._sheets = 0
        self._written = 0  # rows of this sheet

    @property
    def content_sha256(self) -> str:
        """The hash of the sheets of records as they were before compression, one after another."""
        return self._hash.hexdigest()

    def head(self, missing: Sequence[str]) -> bytes:
        """Everything before the first record; `missing` are regions that are not in the file."""
        for name, text in (
            ("[Content_Types].xml", _TYPES),
            ("_rels/.rels", _RELATIONS),
            ("xl/styles.xml", _STYLES),
        ):
            self._zip.writestr(_member(name), text)
        self._begin()
        for text in missing:
            self._row([f"# {MISSING}", text])
        return self._out.taken()

    def rows(self, rows: Sequence[Sequence[Value]]) -> bytes:
        """Records."""
        kinds = [column.kind for column in self._columns]
        for start in range(0, len(rows), 100):
            parts: list[str] = []
            for row in rows[start : start + 100]:
                if self._written >= self._most:
                    self._put("".join(parts))
                    parts.clear()
                    self._finish()
                    self._begin()
                self._written += 1
                cells = map(_cell, row, kinds)
                parts.append(f'<row r="{self._written}">{"".join(cells)}</row>')
            self._put("".join(parts))
        return self._out.taken()

    def end(self, rows: int, missing: Sequence[str]) -> bytes:
        """Everything after the last record."""
        for text in missing:
            self._row([f"# {MISSING}", text])
        self._finish()
        notes = self._watermark.lines()
        notes += [(MISSING, text) for text in missing]
        notes += [(ROWS, str(rows)), (CHECK, self.content_sha256)]
        lines = [
            f'<row r="{number}">{_text(label, _TITLE)}{_text(value)}</row>'
            for number, (label, value) in enumerate(notes, 1)
        ]
        self._zip.writestr(_member(NOTES), self._opening() + "".join(lines) + self._closing())
        names = ["数据", *(f"数据 {number}" for number in range(2, self._sheets + 1)), "说明"]
        self._zip.writestr(_member("xl/workbook.xml"), _workbook(names))
        self._zip.writestr(_member("xl/_rels/workbook.xml.rels"), _links(self._sheets))
        self._zip.close()
        return self._out.taken()

    def aborted(self, why: str) -> bytes:
        """The end of a file that is not whole: a row that says so, and no directory of the ZIP, so
        that no program opens it as if it were."""
        self._row([f"# {ABORTED}", why])
        return self._out.taken()

    def _begin(self) -> None:
        self._sheets += 1
        name = f"{SHEETS}{self._sheets}.xml"
        self._sheet = self._zip.open(_member(name), "w", force_zip64=True)  # type: ignore[assignment]  # ZIP members are written so
        self._written = 0
        self._put(self._opening(frozen=True))
        titles = [
            f"{column.title} (UTC+8)" if column.kind is ColumnKind.INSTANT else column.title
            for column in self._columns
        ]
        self._row(titles, _TITLE)

    def _finish(self) -> None:
        assert self._sheet is not None
        self._put(self._closing())
        self._sheet.close()

    def _row(self, texts: Sequence[str], style: int = _TEXT) -> None:
        self._written += 1
        cells = "".join(_text(text, style) for text in texts)
        self._put(f'<row r="{self._written}">{cells}</row>')

    def _put(self, text: str) -> None:
        assert self._sheet is not None
        written = text.encode("utf-8", "replace")
        self._hash.update(written)
        self._sheet.write(written)

    def _opening(self, *, frozen: bool = False) -> str:
        pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
        view = f'<sheetView workbookViewId="0">{pane if frozen else ""}</sheetView>'
        return (
            f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews>{view}</sheetViews>'
            '<sheetFormatPr defaultRowHeight="15"/><sheetData>'
        )

    def _closing(self) -> str:
        said = _clean(self._watermark.short())
        while len(shown := said.replace("&", "&&")) > _LONGEST_HEAD:
            said = said[:-1]
        return (
            f"</sheetData><headerFooter><oddHeader>&amp;L{escape(shown)}</oddHeader>"
            f"<oddFooter>&amp;L{escape(shown)}&amp;R&amp;P</oddFooter></headerFooter></worksheet>"
        )


class _Drain(io.RawIOBase):
    """What the ZIP writes to: bytes wait here until they are taken."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting = bytearray()

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: object) -> int:
        """Keeps bytes."""
        self._waiting += data  # type: ignore[arg-type]  # bytes-like, whatever it is
        return len(data)  # type: ignore[arg-type]  # bytes-like, whatever it is

    def taken(self) -> bytes:
        """What was written since the last time."""
        found = bytes(self._waiting)
        self._waiting.clear()
        return found


def _member(name: str) -> zipfile.ZipInfo:
    found = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    found.compress_type = zipfile.ZIP_DEFLATED
    found._compresslevel = _LEVEL  # type: ignore[attr-defined]  # the only way to set it for a member
    return found


def _workbook(names: Sequence[str]) -> str:
    sheets = "".join(
        f'<sheet name="{name}" sheetId="{number}" r:id="rId{number}"/>'
        for number, name in enumerate(names, 1)
    )
    return f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_DOC}"><sheets>{sheets}</sheets></workbook>'


def _links(sheets: int) -> str:
    targets = [f"worksheets/sheet{number}.xml" for number in range(1, sheets + 1)]
    kinds = [*((one, "worksheet") for one in [*targets, "worksheets/notes.xml"])]
    kinds.append(("styles.xml", "styles"))
    links = "".join(
        f'<Relationship Id="rId{number}" Type="{_DOC}/{kind}" Target="{target}"/>'
        for number, (target, kind) in enumerate(kinds, 1)
    )
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>'


def _cell(value: Value, kind: ColumnKind) -> str:
    if value is None or value == "":
        return "<c/>"
    if kind is ColumnKind.NUMBER and isinstance(value, (int, float)):
        return f"<c><v>{value}</v></c>"
    text = str(value)
    if kind is ColumnKind.DAY and text >= _FIRST_DAY:
        return f'<c s="{_DAY}"><v>{date.fromisoformat(text).toordinal() - _EPOCH}</v></c>'
    if kind is ColumnKind.INSTANT and text >= _FIRST_DAY:
        return f'<c s="{_INSTANT}"><v>{_serial(text):.6f}</v></c>'
    return _text(text)


def _serial(text: str) -> float:
    moment = datetime.fromisoformat(text)
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
    return moment.toordinal() - _EPOCH + seconds / 86_400 + _CHINA


def _text(text: str, style: int = _TEXT) -> str:
    shown = safe(text)
    if len(shown) > _LONGEST:
        shown = shown[: _LONGEST - len(_CUT)] + _CUT
    return (
        f'<c s="{style}" t="inlineStr"><is><t xml:space="preserve">{escape(_clean(shown))}</t>'
        "</is></c>"
    )


_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\r\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def _clean(text: str) -> str:
    """The text without characters that XML does not take: they stand as `_x0007_` (ECMA-376)."""
    text = _ESCAPED.sub("_x005F_", text)
    return _ILLEGAL.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
