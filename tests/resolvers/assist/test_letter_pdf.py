"""The letter as a PDF: what stands on its pages, on each of them, nothing masked (C7)."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from pypdf import PdfReader

from resolvers.assist import letter as words
from resolvers.assist.letter import Letter, Printed
from resolvers.assist.letter_pdf import letter_pdf
from resolvers.pages import Printer
from schema.enums import CaseClassification, ContactLevel, ContactManner

PRINTER = Printer("county-320102", "李强", "南京市玄武区疾病预防控制中心", "2026-11-28T04:05:00Z")


def person(number: int) -> Printed:
    return Printed(
        position=number,
        name="*",
        sex="M",
        age=str(20 + number % 60),
        id_number="*",
        phone=f"139{number:08d}",
        level="CLOSE",
        manner=("SHARED_MEAL", "SHARED_VEHICLE_OR_FLIGHT"),
        last_contact_on="2026-11-20",
        employer="南京市第一机械厂",
        residence="南京市玄武区某某路 12 号 3 幢 402 室",
        whereabouts="某某宾馆（中山路店）",
        whereabouts_code="320102003",
        seat="G1234 次 5 车 12F",
        state="IN_PROGRESS",
    )


def letter(people: int = 3, **more: object) -> Letter:
    made = Letter(
        number="XC-341800-20261120-0007",
        version=2,
        state="SENT",
        from_name="宣城市宣州区疾病预防控制中心",
        to_name="南京市玄武区疾病预防控制中心",
        sent_at="2026-11-20T16:30:00Z",
        disease="麻疹",
        classification="CONFIRMED",
        onset_on="2026-11-15",
        case_name="*",
        case_sex="*",
        case_age="*",
        case_phone="*",
        asked=("FIND", "ISOLATE", "TEST"),
        acknowledge_due="2026-11-20T18:30:00Z",
        control_due="2026-11-21T16:30:00Z",
        feedback_due="",
        remarks="",
        copies=("南京市疾病预防控制中心", "江苏省疾病预防控制中心"),
        people=tuple(person(number) for number in range(1, people + 1)),
    )
    return replace(made, **more)  # type: ignore[arg-type]  # fields of a letter


def pages(made: Letter) -> list[str]:
    """The text of each page, without the white space in it."""
    found = PdfReader(io.BytesIO(letter_pdf(made, PRINTER))).pages
    return ["".join(page.extract_text().split()) for page in found]


def test_the_letter_says_what_it_must() -> None:
    first, table = pages(letter())
    for part in (
        "编号：XC-341800-20261120-0007（第2版）",
        "南京市玄武区疾病预防控制中心：",
        "3名",
        "追踪查找、隔离管控、采样检测",
        "麻疹，确诊病例，2026-11-15发病，姓名*，性别*，年龄*，电话*",
        "签收时限：2026-11-2102:30（北京时间）",
        "管控时限：2026-11-2200:30（北京时间）",
        "宣城市宣州区疾病预防控制中心（盖章）",
        "2026年11月21日",
        "抄送：南京市疾病预防控制中心、江苏省疾病预防控制中心",
    ):
        assert part in first, part
    assert "反馈时限" not in first
    assert "协查人员名单" in table
    assert "同餐、同交通工具" in table
    assert "G1234次5车12F" in table


def test_every_page_has_number_letter_printer_and_watermark() -> None:
    found = pages(letter(120))
    assert len(found) > 5
    for number, text in enumerate(found, 1):
        assert f"第{number}页共{len(found)}页" in text
        assert "XC-341800-20261120-0007" in text
        assert "*为打印人无权查看的个人隐私项" in text
        # nine times across the page, and once at its foot
        assert text.count("county-320102") == 10
        assert "2026-11-2812:05" in text


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_the_table_goes_over_pages_with_its_header_and_leaves_nobody_out() -> None:
    first, *tables = pages(letter(1_000))
    assert "1,000名" in first
    for text in tables:
        assert "序号" in text
        assert "现住址／目前所在地" in text
    all_text = "".join(tables)
    for number in (1, 2, 499, 500, 999, 1_000):
        assert f"139{number:08d}" in all_text
    assert sum(text.count("同餐、") for text in tables) == 1_000


def test_what_is_masked_comes_out_as_stars_and_nothing_else() -> None:
    content = letter_pdf(letter(), PRINTER)
    reader = PdfReader(io.BytesIO(content))
    assert reader.metadata is not None
    told = {key: value for key, value in reader.metadata.items() if "Date" not in key}
    assert told == {
        "/Title": "协查函 XC-341800-20261120-0007",
        "/Creator": "epigate",
        "/Author": "",
        "/Producer": "epigate",
        "/Keywords": "",
        "/Subject": "unspecified",
        "/Trapped": "/False",
    }


def test_the_font_is_embedded_as_a_subset() -> None:
    content = letter_pdf(letter(), PRINTER)
    reader = PdfReader(io.BytesIO(content))
    fonts: dict[str, bool] = {}
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():  # type: ignore[index]  # a dictionary
            found = font.get_object()
            descriptor = found.get("/FontDescriptor")
            fonts[str(found["/BaseFont"])] = bool(
                descriptor and "/FontFile2" in descriptor.get_object()
            )
    used = {name: embedded for name, embedded in fonts.items() if "Helvetica" not in name}
    assert used
    assert all(used.values())
    assert all("+" in name for name in used)  # how a subset is called
    assert len(content) < 250_000


def test_a_row_higher_than_a_page_goes_on_and_loses_nothing() -> None:
    long = replace(person(1), residence="甲" * 700, whereabouts="乙" * 700)
    found = pages(replace(letter(), people=(person(1), long, person(3))))
    text = "".join(found[1:])
    assert text.count("甲") == 700
    assert text.count("乙") == 700
    assert "00000003" in text


def test_long_remarks_flow_over_pages() -> None:
    found = pages(letter(0, remarks="须留心，" * 500))
    assert len(found) == 2
    assert "".join(found).count("留") == 500


def test_a_letter_without_people_has_no_table() -> None:
    (only,) = pages(letter(0))
    assert "名单（" not in only


@pytest.mark.parametrize(
    ("state", "said"),
    [("DRAFT", "【草稿未发出】"), ("WITHDRAWN", "【已撤回】"), ("REFUSED", "【已退回】")],
)
def test_what_is_no_valid_letter_says_so(state: str, said: str) -> None:
    first = pages(letter(0, state=state, sent_at=""))[0]
    assert said in first
    assert "（未发出）" in first
    assert "【" not in pages(letter(0))[0]


def test_no_line_of_the_letter_begins_with_a_closing_mark() -> None:
    made = letter(0, remarks="，".join("一" * n for n in range(1, 40)) + "。")
    text = PdfReader(io.BytesIO(letter_pdf(made, PRINTER))).pages[0].extract_text()
    body = [line.strip() for line in text.splitlines() if line.strip()]
    assert len(body) > 20
    assert not [line for line in body if line[0] in "，。、；：）】》"]


def test_control_characters_and_unknown_ones_do_no_harm() -> None:
    odd = replace(person(1), name="王\x00\u202e芳\U00030000", employer="(\\) Tj ET 甲")
    _, table = pages(replace(letter(1), people=(odd,)))
    assert "王芳[U+30000]" in table
    assert "(\\)TjET甲" in table


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_letters_made_at_once_do_not_mix() -> None:
    made = [letter(40, number=f"XC-{number}") for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(pages, made))
    for one, text in zip(made, found, strict=True):
        assert all(one.number in page for page in text)


def test_every_word_of_the_schema_has_one_in_chinese() -> None:
    assert {*words.LEVELS} == {one.name for one in ContactLevel}
    assert {*words.MANNERS} == {one.name for one in ContactManner}
    assert {*words.CLASSIFICATIONS} == {one.name for one in CaseClassification}
