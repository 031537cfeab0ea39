"""The template of a list of people: titles in both languages, notes beside it (C6).

Numbers stand in columns of text, so that a program keeps all their digits. The sheet of people has
no example that could be imported: it stands with the notes.
"""

from __future__ import annotations

import csv
import io

from resolvers.assist.people_columns import COLUMNS
from resolvers.assist.sheets import MOST_ROWS

__all__ = ["template_csv", "template_xlsx"]

_PEOPLE, _NOTES = "名单 People", "说明 Notes"
_WIDE = {"id_number": 24, "residence": 36, "whereabouts": 36, "remarks": 30, "employer": 26}


def template_csv() -> bytes:
    """One line of titles, UTF-8 with a mark, as spreadsheet programs open it."""
    out = io.StringIO(newline="")
    csv.writer(out).writerow([column.title for column in COLUMNS])
    return out.getvalue().encode("utf-8-sig")


def template_xlsx() -> bytes:
    """A sheet to fill in and a sheet of notes."""
    from openpyxl import Workbook  # not before: a gateway starts sooner without
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.worksheet import Worksheet

    book = Workbook()
    people = book.active
    assert isinstance(people, Worksheet)
    people.title = _PEOPLE
    for number, column in enumerate(COLUMNS, 1):
        letter = get_column_letter(number)
        title = people.cell(1, number, column.title)
        title.font = Font(bold=True)
        title.alignment = Alignment(wrap_text=True, vertical="top")
        people.column_dimensions[letter].width = _WIDE.get(column.field, 16)
    for row in range(2, 202):
        for number in range(1, len(COLUMNS) + 1):
            people.cell(row, number).number_format = "@"
    people.freeze_panes = "A2"
    notes = book.create_sheet(_NOTES)
    notes.append(["列 Column", "填写说明 Notes", "示例 Example"])
    for column in COLUMNS:
        notes.append([column.title, column.note, column.example])
    notes.append([])
    notes.append([f"每个文件最多 {MOST_ROWS} 人 At most {MOST_ROWS:,} people a file"])
    for letter, width in (("A", 26), ("B", 70), ("C", 24)):
        notes.column_dimensions[letter].width = width
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
