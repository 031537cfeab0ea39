"""A report on signals as its reader asks for it, to what stands on its pages (E12).

The question is asked as the viewer, by the same executor as everybody's; so the pages have what
`signalReport` tells. They come as blocks, which HTML and PDF set alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from regions.areas import reference_areas
from resolvers.alerts.report_drawing import Figure, Picture, Step, counties_map, curve
from resolvers.alerts.report_words import WORDS, Language, Texts
from resolvers.filters import code_prefix
from resolvers.pages import time_of

__all__ = ["REPORT", "Block", "Document", "Heading", "Paragraph", "Table", "document"]

_FIGURES = """signals absorbed perCountyWeek answered answeredRate hoursToAnswer withinTwoHours
  withinTwoHoursRate withinDay withinDayRate suspected suspectedRate suspectedEvents confirmed
  confirmedRate confirmedEvents excluded overseen"""
_ROW = """signals perCountyWeek answeredRate hoursToAnswer withinTwoHoursRate withinDayRate
  suspected confirmed excluded"""
REPORT = f"""query print($period: SignalReportPeriod!, $date: Date!, $code: RegionCode!) {{
  signalReport(period: $period, date: $date, code: $code) {{
    code period from to asOf complete
    total {{ {_FIGURES} }} before {{ {_FIGURES} }}
    diseases {{ disease {{ nameZh nameEn }} figures {{ {_ROW} }} }}
    areas {{ code complete figures {{ {_ROW} }} }}
    counties {{ code complete figures {{ {_ROW} }} }}
    methods {{ method figures {{ {_ROW} }} }}
    curve {{ from to signals suspected confirmed }}
    grounds {{ ground suspected confirmed excluded }}
    falseSignals {{ signals rate byCard byInvestigation dataAnalysis phone other }}
    open {{ unanswered singleCaseLate late suspectedEvents investigatedEvents formsLate
      watchedEvents }}
    unmanned
    regions {{ code state }} }} }}"""
"""Everything that is printed."""

_UNMANNED = 50  # counties without anybody on duty that are named

_RATES = {
    "answered": "answeredRate",
    "withinTwoHours": "withinTwoHoursRate",
    "withinDay": "withinDayRate",
    "suspected": "suspectedRate",
    "confirmed": "confirmedRate",
}
_MOST_COUNTIES = 50
_NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of a part."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Some sentences; `loud` where they must not be missed."""

    text: str
    loud: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table: the first column is text, the others are numbers. `first` is how wide that column
    is, as a part of all.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    first: float


Block = Heading | Paragraph | Table | Picture


@dataclass(frozen=True, slots=True)
class Document:
    """A report: its title, the line below, and its parts in order."""

    title: str
    subtitle: str
    texts: Texts
    blocks: tuple[Block, ...]


def document(told: Mapping[str, Any], language: Language) -> Document:
    """The report of an answer to `REPORT` in a language."""
    texts = WORDS[language]
    name = _Names(language, texts)
    blocks: list[Block] = []
    missing = [
        name.area(one["code"])
        for one in told["regions"]
        if one["state"] not in ("ANSWERED", "NOT_ASKED")
    ]
    if missing:
        listed = ("、" if language == "zh" else ", ").join(missing)
        blocks.append(Paragraph(texts.missing.format(regions=listed), loud=True))
    blocks += [Heading(texts.totals), _totals(told, texts)]
    if told["total"]["signals"] == 0:
        blocks.append(Paragraph(texts.none))
    blocks += [Heading(texts.curve), _curve(told, texts)]
    drawn = _map(told, texts)
    if drawn is not None:
        blocks += [Heading(texts.map), drawn, Paragraph(texts.map_note)]
    diseases = [(name.disease(one["disease"]), one["figures"]) for one in told["diseases"]]
    areas = [(name.area(one["code"], one["complete"]), one["figures"]) for one in told["areas"]]
    methods = [(name.method(one["method"]), one["figures"]) for one in told["methods"]]
    for title, head, lines in (
        (texts.diseases, texts.disease, diseases),
        (texts.areas, texts.area, areas),
    ):
        if lines:
            blocks += [Heading(title), _figures(head, lines, texts)]
    blocks += _most(told, name, texts)
    if methods:
        blocks += [Heading(texts.methods), _figures(texts.method, methods, texts)]
    blocks += [Heading(texts.false), *_false(told, texts)]
    waiting = tuple((text, f"{told['open'][key]:,}") for key, text in texts.waiting_figures.items())
    blocks += [Heading(texts.waiting), Table(("", ""), (*waiting, _unmanned(told, texts)), 0.8)]
    if told["unmanned"]:
        names = [name.area(code) for code in told["unmanned"][:_UNMANNED]]
        more = [] if len(told["unmanned"]) == len(names) else ["…"]
        blocks.append(Paragraph(("、" if language == "zh" else ", ").join([*names, *more])))
    blocks += [Heading(texts.notes), *map(Paragraph, texts.note)]
    subtitle = texts.made.format(
        area=name.area(told["code"]),
        first=told["from"],
        last=told["to"],
        at=time_of(told["asOf"], texts.page),
    )
    title = texts.title.format(period=texts.periods[told["period"]])
    return Document(title, subtitle, texts, tuple(blocks))


@dataclass(frozen=True, slots=True)
class _Names:
    """What things are called in a language."""

    language: Language
    texts: Texts

    def area(self, code: str, complete: bool = True) -> str:
        """An area with what it lies in, but for its province; one that is not complete has a
        mark.
        """
        areas = reference_areas()
        if not code_prefix(code):
            return self.texts.country
        called = areas.name if self.language == "zh" else areas.name_en
        above = areas.parent(code)
        names = [called(one) for one in (above, code) if one and areas.level(one) != "PROVINCE"]
        names = names or [called(code)]
        text = "".join(names) if self.language == "zh" else ", ".join(reversed(names))
        return text if complete else f"{text} *"

    def disease(self, one: Mapping[str, str]) -> str:
        """A disease."""
        return one["nameZh" if self.language == "zh" else "nameEn"]

    def method(self, name: str) -> str:
        """A method; in Chinese, too, some have only the name of their authors."""
        return self.texts.kinds.get(name) or WORDS["en"].kinds.get(name, name)


def _unmanned(told: Mapping[str, Any], texts: Texts) -> tuple[str, str]:
    return texts.unmanned, f"{len(told['unmanned']):,}"


def _totals(told: Mapping[str, Any], texts: Texts) -> Table:
    rows = []
    for key, text in texts.figures.items():
        cells = []
        for when in ("total", "before"):
            of = told[when]
            cell = _number(of[key])
            if key in _RATES and of[_RATES[key]] is not None:
                cell += f" ({_percent(of[_RATES[key]])})"
            cells.append(cell)
        rows.append((text, *cells))
    return Table(("", texts.this, texts.before), tuple(rows), 0.5)


def _curve(told: Mapping[str, Any], texts: Texts) -> Picture:
    steps = [
        Step(one["from"][5:], one["signals"], one["suspected"], one["confirmed"])
        for one in told["curve"]
    ]
    return curve(steps, texts.curve, texts.legend)


def _map(told: Mapping[str, Any], texts: Texts) -> Picture | None:
    figures = [
        Figure(one["code"], *(one["figures"][key] for key in ("signals", "suspected", "confirmed")))
        for one in told["counties"]
    ]
    return counties_map(figures, code_prefix(told["code"]), texts.map, texts.legend)


def _figures(head: str, lines: Sequence[tuple[str, Mapping[str, Any]]], texts: Texts) -> Table:
    rows = tuple(
        (
            text,
            _number(of["signals"]),
            _number(of["perCountyWeek"]),
            _percent(of["answeredRate"]),
            _number(of["hoursToAnswer"]),
            _percent(of["withinTwoHoursRate"]),
            _percent(of["withinDayRate"]),
            _number(of["suspected"]),
            _number(of["confirmed"]),
            _number(of["excluded"]),
        )
        for text, of in lines
    )
    return Table((head, *texts.columns), rows, 0.28)


def _most(told: Mapping[str, Any], name: _Names, texts: Texts) -> list[Block]:
    """The counties with most signals, where they are not the areas already told."""
    codes = {one["code"] for one in told["areas"]}
    counties = [one for one in told["counties"] if one["code"] not in codes]
    counties.sort(key=lambda one: (-one["figures"]["signals"], one["code"]))
    if not counties:
        return []
    some = counties[:_MOST_COUNTIES]
    lines = [(name.area(one["code"], one["complete"]), one["figures"]) for one in some]
    found: list[Block] = [Paragraph(texts.counties), _figures(texts.area, lines, texts)]
    if len(counties) > len(some):
        found.append(Paragraph(texts.more.format(count=f"{len(counties) - len(some):,}")))
    return found


def _false(told: Mapping[str, Any], texts: Texts) -> list[Block]:
    of = told["falseSignals"]
    rows = tuple(
        (text, _percent(of[key]) if key == "rate" else _number(of[key]))
        for key, text in texts.false_figures.items()
    )
    grounds = tuple(
        (
            texts.ground_names[one["ground"]],
            *(_number(one[key]) for key in ("suspected", "confirmed", "excluded")),
        )
        for one in told["grounds"]
    )
    return [
        Table(("", ""), rows, 0.8),
        Paragraph(texts.grounds),
        Table((texts.ground, *texts.ground_columns), grounds, 0.4),
    ]


def _number(value: int | float | None) -> str:
    if value is None:
        return _NOTHING
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"


def _percent(value: float | None) -> str:
    return _NOTHING if value is None else f"{100 * value:.1f} %"
