"""Lines of Chinese: no closing mark begins one, no opening mark ends one, words stay whole (C7)."""

from __future__ import annotations

import hashlib
import unicodedata
from importlib.resources import files
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.typesetting import NO_END, NO_START, break_lines, measure, shown


def wide(text: str) -> float:
    """A full-width character is 2, another 1."""
    return sum(2 if unicodedata.east_asian_width(one) in "WFA" else 1 for one in text)


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("一二三四五六", 8, ["一二三四", "五六"]),
        ("一二三四，五六", 8, ["一二三", "四，五六"]),
        ("一二三（四）五", 8, ["一二三", "（四）五"]),
        ("一二三四！！五", 8, ["一二三", "四！！五"]),
        ("一二三《四五》六", 8, ["一二三", "《四五》", "六"]),
        ("一二三——四", 8, ["一二", "三——四"]),
        ("电话13900000000找", 12, ["电话", "13900000000", "找"]),
        ("from A to B", 6, ["from A", "to B"]),
        ("一 二三四五", 5, ["一 二", "三四", "五"]),
        ("一\n\n二", 8, ["一", "", "二"]),
        ("", 8, []),
        ("\n\n", 8, []),
        ("13900000000", 4, ["1390", "0000", "000"]),
        ("2026-11-20T08:30:00Z 一", 20, ["2026-11-20T08:30:00Z", "一"]),
        ("一二三。", 6, ["一二", "三。"]),
        ("A，B", 3, ["A，", "B"]),
        ("一[U+20C30]二", 10, ["一", "[U+20C30]", "二"]),
    ],
)
def test_lines_break_where_they_may(text: str, width: float, lines: list[str]) -> None:
    assert break_lines(text, width, wide) == lines


_TEXT = st.text(
    st.sampled_from("一二三四五六七八，。、；：！？）】》（【《“”‘’—…AB12 -%.,\n"), max_size=80
)


@given(_TEXT, st.integers(12, 60))
def test_no_text_is_lost_and_no_line_too_wide(text: str, width: int) -> None:
    lines = break_lines(text, width, wide)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(wide(line) <= width for line in lines)


@given(
    st.lists(
        st.sampled_from(["一", "二三", "四，", "五。", "（六", "七）", "《八》", "，", "AB", "9"]),
        max_size=60,
    ),
    st.integers(16, 60),
)
def test_no_line_begins_or_ends_with_what_may_not(parts: list[str], width: int) -> None:
    """Of text as it is written: marks do not follow each other by dozens."""
    text = "".join(parts)
    lines = break_lines(text, width, wide)
    for before, after in pairwise(lines):
        crowded = all(one in NO_START or one in NO_END for one in before[-4:])
        assert crowded or after[0] not in NO_START or before[0] in NO_END or _stuck(before, after)
        assert crowded or before[-1] not in NO_END or _stuck(before, after)


def _stuck(before: str, after: str) -> bool:
    """Whether the line had no place to break at all."""
    text = before + after[0]
    return not any(
        two not in NO_START and one not in NO_END
        for one, two in pairwise(text)
        if not (one.isascii() and two.isascii())
    )


def test_a_thousand_closing_marks_end() -> None:
    assert "".join(break_lines("。" * 1_000, 20, wide)) == "。" * 1_000


def test_the_font_is_the_one_debian_has_and_shows_chinese() -> None:
    font = files("paperang_p2_fonts_cjk").joinpath("fonts", "wqy-microhei.ttc").read_bytes()
    assert hashlib.sha256(font).hexdigest() == (
        "2420e8078af796b19a3f6ef13de527a1a91c1e7171eea115926c614ced1009b3"
    )
    text = "协查函编号：苏疾控〔2026〕12 号，密切接触者王芳 13900000000（确诊）【】《》“”——……·※℃"
    assert shown(text) == text


def test_every_character_of_gb_2312_is_shown() -> None:
    missing = []
    for high in range(0xB0, 0xF8):
        for low in range(0xA1, 0xFF):
            try:
                one = bytes([high, low]).decode("gb2312")
            except UnicodeDecodeError:
                continue
            if shown(one) != one:
                missing.append(one)
    assert missing == []


def test_a_character_the_font_lacks_is_written_as_its_code() -> None:
    assert shown("王\U00030000") == "王[U+30000]"
    assert shown("a\u202eb\tc\u00a0d") == "ab c d"


def test_widths_are_the_fonts() -> None:
    wide_10 = measure(10)
    assert wide_10("一二") == pytest.approx(20, abs=0.5)
    assert 0 < wide_10("ii") < wide_10("MM") < 20
