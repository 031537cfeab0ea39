"""A report on signals as one page of HTML: nothing is fetched, nothing runs (E12)."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from resolvers.alerts.report import Document, Heading, Paragraph, Table
from resolvers.alerts.report_drawing import COLOURS, svg
from resolvers.pages import Printer, time_of

__all__ = ["report_html"]

_FILLS = "".join(f".{name}{{fill:{colour}}}" for name, colour in COLOURS.items())
_STYLE = f"""body{{font:15px/1.5 sans-serif;color:{COLOURS["text"]};background:#fff;
max-width:52rem;margin:1.5rem auto;padding:0 1rem}}
h1{{font-size:1.6rem;text-align:center;margin-bottom:.2rem}}
h2{{font-size:1.1rem;margin-top:1.8rem;border-bottom:1px solid {COLOURS["grid"]}}}
header p,footer p{{text-align:center;color:#555}}
table{{border-collapse:collapse;width:100%;font-size:.87rem;margin:.6rem 0}}
th,td{{padding:.2rem .4rem;border-bottom:1px solid {COLOURS["grid"]};text-align:right}}
th:first-child,td:first-child{{text-align:left}}
thead th{{background:#f2f2f2}}
.loud{{color:{COLOURS["confirmed"]};font-weight:bold}}
svg{{width:100%;height:auto;font-family:sans-serif}}
{_FILLS}
@media print{{h2,tr,svg{{break-inside:avoid}}}}"""


def report_html(report: Document, printer: Printer) -> bytes:
    """The bytes of the page, UTF-8."""
    page = report.texts.page
    who = page.printed.format(
        unit=printer.unit_name,
        name=printer.name,
        account=printer.account,
        at=time_of(printer.at, page),
    )
    lines = [
        "<!DOCTYPE html>",
        f'<html lang="{page.language}"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{escape(report.title)}</title>",
        f"<style>{_STYLE}</style></head><body>",
        f"<header><h1>{escape(report.title)}</h1><p>{escape(report.subtitle)}</p></header>",
        *_blocks(report),
        f"<footer><p>{escape(who)}</p></footer>",
        "</body></html>",
    ]
    return "\n".join(lines).encode()


def _blocks(report: Document) -> Iterator[str]:
    for block in report.blocks:
        match block:
            case Heading():
                yield f"<h2>{escape(block.text)}</h2>"
            case Paragraph():
                loud = ' class="loud"' if block.loud else ""
                yield f"<p{loud}>{escape(block.text)}</p>"
            case Table():
                yield from _table(block)
            case _:
                yield f"<figure>{svg(block)}</figure>"


def _table(table: Table) -> Iterator[str]:
    yield "<table>"
    if any(table.header):
        cells = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.header)
        yield f"<thead><tr>{cells}</tr></thead>"
    yield "<tbody>"
    for first, *rest in table.rows:
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in rest)
        yield f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>'
    yield "</tbody></table>"
