"""JSON text written by the stores: the same on both kinds, whatever is in it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Connection,
    Integer,
    LargeBinary,
    literal,
    literal_column,
    select,
    union_all,
)
from sqlalchemy import String as SqlString

from regions.settings import RegionSettings
from regions.text import (
    GAP,
    RECORD,
    among,
    among_texts,
    byte_length,
    bytes_aggregate,
    bytes_or,
    filled,
    number_or_null,
    quoted,
    text_aggregate,
    text_or_null,
    under,
    zero_bytes,
)
from tests.stores import in_store

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
_HARD = ("", '"', "'", "\\", "%s", "%%", "汉字😀", "\x1e\x1f\x01\x7f", "a\nb\tc\r", "{}[]", "</s>")


def _ask(region: RegionSettings, *expressions: Any) -> tuple[Any, ...]:
    def work(connection: Connection) -> tuple[Any, ...]:
        return tuple(connection.execute(select(*expressions)).one())

    return in_store(region, work)


def _quoted(text: str | None) -> Any:
    return quoted(literal(text, SqlString()))


def test_any_text_is_a_json_string(store_settings: RegionSettings) -> None:
    found = _ask(store_settings, *(_quoted(text) for text in (*_HARD, None)))
    assert [orjson.loads(one) for one in found] == [*_HARD, None]
    for one in found:
        assert GAP not in one
        assert RECORD not in one


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(_TEXT, min_size=1, max_size=20))
def test_any_generated_text_is_a_json_string(
    store_settings: RegionSettings, texts: list[str]
) -> None:
    found = _ask(store_settings, *(_quoted(text).label(f"t{i}") for i, text in enumerate(texts)))
    assert [orjson.loads(one) for one in found] == texts


def test_plain_text_numbers_and_bytes(store_settings: RegionSettings) -> None:
    found = _ask(
        store_settings,
        text_or_null(literal("320104", SqlString())),
        text_or_null(literal(None, SqlString())),
        number_or_null(literal(365, Integer())),
        number_or_null(literal(0, Integer())),
        number_or_null(literal(None, Integer())),
        byte_length(literal(b"\x00\xff")),
        byte_length(literal(None, LargeBinary())),
        bytes_or(literal(b"\x00\xff"), literal_column("4")),
        bytes_or(literal(None, LargeBinary()), literal_column("4")),
        zero_bytes(literal_column("2")),
    )
    assert [str(one) for one in found[:5]] == ['"320104"', "null", "365", "0", "null"]
    assert found[5:] == (2, 0, b"\x00\xff", bytes(4), bytes(2))


def test_bytes_come_one_after_the_other_as_they_are(store_settings: RegionSettings) -> None:
    every = [bytes(range(256)), b"", b"\x80\x00\xc3\x28", None, b"\xf8"]
    parts = [select(literal(one, LargeBinary()).label("part")) for one in every]
    both = union_all(*parts).subquery()
    joined = select(bytes_aggregate(both.c.part)).scalar_subquery()
    pair = literal(b"\xff\x00").op("||")(literal(b"\x00\xfe"))
    found = _ask(store_settings, joined, bytes_aggregate(pair))
    assert found == (b"".join(one or b"" for one in every), b"\xff\x00\x00\xfe")


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.parametrize("count", [0, 1, 2, 89, 90, 91, 180, 181, 400])
def test_a_pattern_takes_any_number_of_arguments(
    store_settings: RegionSettings, count: int
) -> None:
    pattern = "{it's " + ",".join(f'"k{i}":%s' for i in range(count)) + "}"
    arguments = [literal_column(f"'{i}'", SqlString()) for i in range(count)]
    (found,) = _ask(store_settings, filled(pattern, arguments))
    assert found == _python(pattern, count)


def _python(pattern: str, count: int) -> str:
    for number in range(count):
        pattern = pattern.replace("%s", str(number), 1)
    return pattern


def test_a_value_with_a_pattern_in_it_stays_as_it_is(store_settings: RegionSettings) -> None:
    arguments = [literal(one, SqlString()) for one in ("%s", "100%", "%%s")]
    (found,) = _ask(store_settings, filled("<%s|%s|%s>", arguments))
    assert found == "<%s|100%|%%s>"


def test_records_are_one_text_with_marks_between_them(store_settings: RegionSettings) -> None:
    two = select(literal_column("'a'", SqlString()).label("t")).union_all(
        select(literal_column("'b'", SqlString()))
    )
    whole = two.subquery()
    mark: Any = literal_column(f"'{RECORD}'")
    (found,) = _ask(store_settings, text_aggregate(whole.c.t, mark))
    assert sorted(found.split(RECORD)) == ["a", "b"]
    none = whole.select().where(whole.c.t == "c").subquery()
    assert _ask(store_settings, text_aggregate(none.c.t, mark)) == (None,)


def test_keys_as_one_parameter(store_settings: RegionSettings) -> None:
    numbers, texts = "[1,4398926120406220805]", '["a","\'","\\"","汉"]'
    big = literal(4398926120406220805)
    found = _ask(
        store_settings,
        among(big, literal(numbers, SqlString())).label("a"),
        among(literal(2), literal(numbers, SqlString())).label("b"),
        among(literal(1), literal("[]", SqlString())).label("c"),
        *(
            among_texts(literal(one, SqlString()), literal(texts, SqlString())).label(f"t{i}")
            for i, one in enumerate(("a", "'", '"', "汉", "b", "1"))
        ),
    )
    assert [bool(one) for one in found] == [True, False, False, *[True] * 4, False, False]


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.parametrize("prefix", ["32", "3201", "320104", "39", "11"])
def test_what_lies_under_a_prefix(store_settings: RegionSettings, prefix: str) -> None:
    codes = (
        "310000",
        "320000",
        "320100",
        "320104",
        "320200",
        "330000",
        "390000",
        "400000",
        "110101",
    )
    column: Any = [literal(code, SqlString()) for code in codes]
    found = _ask(store_settings, *(under(c, prefix).label(f"c{i}") for i, c in enumerate(column)))
    assert [bool(one) for one in found] == [code.startswith(prefix) for code in codes]
