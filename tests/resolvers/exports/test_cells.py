"""Cells that a spreadsheet program would run are text (leak channels 28 and 46)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.exports.cells import safe

RUN = (
    "=1+1",
    "+861",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    "﹢1",
    "−1",
)


@pytest.mark.parametrize("text", RUN)
@pytest.mark.parametrize("before", ["", " ", "\u3000", "\u200b", "\ufeff \u00a0", "\x00", "\x1e"])
def test_leak_46_a_formula_is_no_formula(text: str, before: str) -> None:
    assert safe(before + text) == f"'{before}{text}"


@pytest.mark.parametrize("text", ["", "*", "张三", "a=1", "1-2", "contact:1", "'x", "  x", "#1"])
def test_other_text_stays(text: str) -> None:
    assert safe(text) == text


@given(st.text())
def test_nothing_is_lost(text: str) -> None:
    assert safe(text) in (text, f"'{text}")
    assert not safe(text).strip().startswith(tuple("=+-@"))
