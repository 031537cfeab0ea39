"""A report on signals to print: what stands in it, in both languages, as HTML and as PDF (E12)."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from resolvers.alerts.report import Document, Heading, Paragraph, Table, document
from resolvers.alerts.report_drawing import (
    Circle,
    Figure,
    Picture,
    Rectangle,
    Step,
    Words,
    counties_map,
    curve,
    svg,
)
from resolvers.alerts.report_html import report_html
from resolvers.alerts.report_pdf import report_pdf
from resolvers.alerts.report_words import LANGUAGES, WORDS, Language
from resolvers.pages import Printer

PRINTER = Printer("city<1>", "李&强", "南京市疾病预防控制中心", "2026-03-03T04:05:00Z")
GROUNDS = ("PLACE", "TIME", "PEOPLE", "RARE", "SINGLE_CASE", "SPREADING")


def figures(signals: int = 12, **more: Any) -> dict[str, Any]:
    return {
        "signals": signals,
        "absorbed": 3,
        "perCountyWeek": 1.090909,
        "answered": 9,
        "answeredRate": 0.75,
        "hoursToAnswer": 1.25,
        "withinTwoHours": 7,
        "withinTwoHoursRate": 0.7,
        "withinDay": 9,
        "withinDayRate": 0.9,
        "suspected": 2,
        "suspectedRate": 0.166667,
        "suspectedEvents": 1,
        "confirmed": 1,
        "confirmedRate": 0.083333,
        "confirmedEvents": 1,
        "excluded": 7,
        "overseen": 4,
    } | more


def area(code: str, signals: int, *, complete: bool = True, **more: Any) -> dict[str, Any]:
    return {"code": code, "complete": complete, "figures": figures(signals, **more)}


def answer(**more: Any) -> dict[str, Any]:
    """An answer to `REPORT`."""
    return {
        "code": "320000",
        "period": "WEEK",
        "from": "2026-02-23",
        "to": "2026-03-01",
        "asOf": "2026-03-03T04:00:00Z",
        "complete": True,
        "total": figures(),
        "before": figures(5, answeredRate=None, hoursToAnswer=None, answered=0),
        "diseases": [
            {"disease": {"nameZh": "麻疹", "nameEn": "Measles"}, "figures": figures(12)},
        ],
        "areas": [area("320100", 8), area("320200", 4, complete=False)],
        "counties": [
            area("320102", 8, confirmed=1),
            area("320206", 3, confirmed=0, suspected=1),
            area("320205", 1, confirmed=0, suspected=0),
        ],
        "methods": [{"method": "MOVING_PERCENTILE", "figures": figures(12)}],
        "curve": [
            {"from": f"2026-02-{23 + n}", "to": "", "signals": n, "suspected": 1, "confirmed": 0}
            for n in range(6)
        ],
        "grounds": [
            {"ground": name, "suspected": 2, "confirmed": 1, "excluded": 0} for name in GROUNDS
        ],
        "falseSignals": {
            "signals": 7,
            "rate": 0.875,
            "byCard": 6,
            "byInvestigation": 1,
            "dataAnalysis": 3,
            "phone": 5,
            "other": 0,
        },
        "open": {
            "unanswered": 3,
            "singleCaseLate": 1,
            "late": 2,
            "suspectedEvents": 0,
            "investigatedEvents": 1,
            "formsLate": 1,
            "watchedEvents": 2,
        },
        "unmanned": ["320104", "320105"],
        "regions": [
            {"code": "320100", "state": "ANSWERED"},
            {"code": "320200", "state": "TIMED_OUT"},
            {"code": "500100", "state": "NOT_ASKED"},
        ],
    } | more


def tables(made: Document) -> list[Table]:
    return [one for one in made.blocks if isinstance(one, Table)]


def texts(made: Document) -> list[str]:
    return [one.text for one in made.blocks if isinstance(one, (Heading, Paragraph))]


def pages(content: bytes) -> list[str]:
    """The text of each page, without the white space in it."""
    return ["".join(one.extract_text().split()) for one in PdfReader(io.BytesIO(content)).pages]


def test_the_figures_stand_in_the_report_beside_those_before() -> None:
    made = document(answer(), "zh")
    assert made.title == "传染病自动预警信号周报"
    assert (
        made.subtitle == "江苏省　2026-02-23 至 2026-03-01　数据截至 2026-03-03 12:00（北京时间）"
    )
    total = {row[0]: row[1:] for row in tables(made)[0].rows}
    assert total["预警信号数"] == ("12", "5")
    assert total["已响应"] == ("9 (75.0 %)", "0")
    assert total["响应时间中位数（小时）"] == ("1.25", "–")
    assert total["平均每县每周信号数"] == ("1.09", "1.09")
    assert "注意：以下地区未能读取，本报告不含其信号：无锡市。" in texts(made)
    assert ("目前无人值班的县级疾控机构", "2") in [row for one in tables(made) for row in one.rows]
    assert "南京市秦淮区、南京市建邺区" in texts(made)
    by_area = next(one for one in tables(made) if one.header[0] == "地区")
    assert [row[0] for row in by_area.rows] == ["南京市", "无锡市 *"]
    counties = [one for one in tables(made) if one.header[0] == "地区"][1]
    assert [row[0] for row in counties.rows] == [
        "南京市玄武区",
        "无锡市滨湖区",
        "无锡市锡山区",
    ] or [row[1] for row in counties.rows] == ["8", "3", "1"]


def test_the_same_in_english() -> None:
    made = document(answer(), "en")
    assert made.title == "Outbreak signals: weekly report"
    assert made.subtitle.startswith("Jiangsu")
    assert "Measles" in [row[0] for one in tables(made) for row in one.rows]
    every = " ".join([made.title, made.subtitle, *texts(made)])
    every += " ".join(
        cell for one in tables(made) for row in (one.header, *one.rows) for cell in row
    )
    assert not re.search(r"[\u4e00-\u9fff]", every)


def test_without_signals_it_says_so() -> None:
    nothing = answer(total=figures(0), diseases=[], counties=[], methods=[], regions=[])
    for language in LANGUAGES:
        assert WORDS[language].none in texts(document(nothing, language))
        assert not [one for one in texts(document(nothing, language)) if "{" in one]


def test_of_many_counties_the_rest_is_counted() -> None:
    codes = [f"{320102 + n}" for n in range(60)]
    made = document(answer(counties=[area(one, 1) for one in codes]), "zh")
    assert "另有 10 项未列出。" in texts(made)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_html_fetches_and_runs_nothing(language: Language) -> None:
    page = report_html(document(answer(), language), PRINTER).decode()
    assert page.startswith("<!DOCTYPE html>")
    body = page[page.index("<body>") : page.index("</html>")]
    tree = ElementTree.fromstring(body)  # every tag is closed, every text escaped
    assert "李&强" in "".join(tree.itertext())
    assert "city<1>" in "".join(tree.itertext())
    assert len(tree.findall(".//{http://www.w3.org/2000/svg}svg")) == 2
    for way in ("src=", "href=", "<script", "<link", "@import", "url("):
        assert way not in page, way
    assert "://" not in page.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"\son\w+=", page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_has_what_the_report_has(language: Language) -> None:
    made = document(answer(), language)
    found = pages(report_pdf(made, PRINTER))
    text = "".join(found)
    for block in made.blocks:
        wanted = [block.text] if isinstance(block, (Heading, Paragraph)) else []
        if isinstance(block, Table):
            wanted = [cell for row in block.rows for cell in row]
        for one in wanted:
            assert "".join(one.split()) in text, one
    for number, page in enumerate(found, 1):
        assert (
            "".join(WORDS[language].page.number.format(number=number, count=len(found)).split())
            in page
        )
        assert page.count("city<1>") == 10  # nine times across the page, and at its foot


def test_a_long_table_goes_on_with_its_header() -> None:
    codes = [f"{320102 + n}" for n in range(150)]
    made = document(answer(areas=[area(one, 1) for one in codes], counties=[]), "zh")
    found = [
        page for page in pages(report_pdf(made, PRINTER)) if "320180" in page or "24时内" in page
    ]
    assert len(found) >= 3
    text = "".join(found)
    assert all(one in text for one in ("320180", "320250"))


def tops(picture: Picture, colour: str) -> list[float]:
    return [
        one.height
        for one in picture.shapes
        if isinstance(one, Rectangle) and one.colour == colour and one.width > 9
    ]


def test_a_curve_stacks_outbreaks_suspected_and_others() -> None:
    steps = [Step("01", 10, 4, 1), Step("02", 0, 0, 0), Step("03", 5, 0, 0)]
    made = curve(steps, "曲线", ("a", "b", "c"))
    (confirmed,), (suspected,), (others, last) = (
        tops(made, name) for name in ("confirmed", "suspected", "signals")
    )
    assert suspected == pytest.approx(3 * confirmed)
    assert others == pytest.approx(6 * confirmed)
    assert last == pytest.approx(5 * confirmed)
    labels = [one.text for one in made.shapes if isinstance(one, Words)]
    assert {"0", "20", "01", "02", "03", "a", "b", "c"} <= set(labels)


@given(st.lists(st.integers(0, 10**7), max_size=60))
def test_no_bar_leaves_the_picture(counts: Sequence[int]) -> None:
    made = curve([Step("x", one, one // 2, one // 3) for one in counts], "t", ("a", "b", "c"))
    for one in made.shapes:
        if isinstance(one, Rectangle):
            assert 0 <= one.y <= one.y + one.height <= made.height
            assert 0 <= one.x <= one.x + one.width <= made.width + 1e-6
    assert ElementTree.fromstring(svg(made)) is not None


def discs(picture: Picture) -> list[Circle]:
    return [one for one in picture.shapes if isinstance(one, Circle) and one.clear]


def test_the_map_has_every_county_and_discs_by_signals() -> None:
    made = counties_map(
        [Figure("320102", 16, 0, 0), Figure("320206", 4, 1, 0), Figure("320205", 1, 1, 1)],
        "32",
        "t",
        ("a", "b", "c"),
    )
    assert made is not None
    points = [one for one in made.shapes if isinstance(one, Circle) and not one.clear]
    assert len(points) > 90  # counties of Jiangsu
    large, middle, small = discs(made)
    assert (large.colour, middle.colour, small.colour) == ("signals", "suspected", "confirmed")
    assert large.radius == pytest.approx(2 * middle.radius)
    assert large.x < middle.x  # Nanjing lies west of Wuxi,
    assert large.y < middle.y  # and north of it
    for one in (*points, *discs(made)):
        assert 0 < one.x < made.width
        assert 0 < one.y < made.height


def test_the_map_of_the_country_is_whole() -> None:
    made = counties_map([Figure("330000", 2, 0, 0)], "", "t", ("a", "b", "c"))
    assert made is not None
    points = [one for one in made.shapes if isinstance(one, Circle) and not one.clear]
    assert len(points) > 2_800
    (zhejiang,) = discs(made)  # in the middle of its counties
    assert made.width / 2 < zhejiang.x < made.width


def test_a_county_alone_has_a_map_and_no_place_has_none() -> None:
    alone = counties_map([Figure("320102", 1, 0, 0)], "320102", "t", ("a", "b", "c"))
    assert alone is not None
    assert len(discs(alone)) == 1
    assert counties_map([], "99", "t", ("a", "b", "c")) is None
    assert "&lt;" in svg(curve([Step("<", 1, 0, 0)], "<", ("a", "b", "c")))
