"""What is kept: caches, logs, stores, backups, a region that is down (27, 31, 32, 40, 42, 46)."""

from __future__ import annotations

import logging
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.access_log import read_entries
from regions.engines import sqlite_engine
from resolvers.catalog import private_fields
from tests.leaks.documents import SCHEMA
from tests.leaks.worlds import MASKED, SIZES, World
from tests.records import Population
from tests.resolvers.writing.making import DOCUMENTS, case_input, correction

ROOT = Path(__file__).parent.parent.parent
LIST = "{contacts(first:30){edges{node{id name phone person{name birthDate}}}}}"


def clear_words(population: Population) -> set[str]:
    """Private values long enough that they are nowhere by chance; days are everywhere."""
    return {
        value
        for items in population.items.values()
        for value in items.values()
        if isinstance(value, str) and len(value) > 7 and not re.fullmatch(r"[-\d]{10}", value)
    }


# Caches --------------------------------------------------------------------------------------


def test_leak_27_masked_then_clear_then_masked(world: World) -> None:
    """Plans, answers and loaders are kept by rights: whoever came before."""
    for text in (LIST, LIST.replace("{contacts", "{me{code} contacts", 1)):
        first = {who: world.ask(text, who=who).body for who in ("national", "clear", "some")}
        assert len(set(first.values())) == 3
        for who in ("clear", "national", "some", "national", "clear", "some", "some", "clear"):
            assert world.ask(text, who=who).body == first[who]


def test_leak_27_a_right_that_ends_ends_what_was_kept(world: World) -> None:
    """The policy's version is what is in force: nothing kept under it outlives it."""
    masked, clear = world.ask(LIST).body, world.ask(LIST, who="clear").body
    assert masked != clear
    for revoked, expected in ((1, masked), (0, clear)):
        with closing(sqlite3.connect(world.config.central_store)) as store, store:
            store.execute("UPDATE grants SET revoked = ? WHERE account = 'clear'", (revoked,))
        assert world.ask(LIST, who="clear").body == expected


# Logs ----------------------------------------------------------------------------------------


def test_leak_31_entries_hold_no_private_value(peopled: tuple[World, Population]) -> None:
    world, population = peopled
    world.ask(LIST, who="clear")
    world.ask('{people(search:{phone:"13900000001"}){matches{name}}}', who="clear")
    given = case_input(person={"name": "录入姓名甲乙丙", "phone": "15412345678901"})
    world.ask(DOCUMENTS["registerCase"], {"input": given}, who="clear")
    entries = list(read_entries(world.config.log_store, limit=10_000))
    assert any(entry["what"] and entry["what"].get("clear") for entry in entries)
    text = orjson.dumps(entries).decode()
    for word in clear_words(population) | {"13900000001", "录入姓名甲乙丙", "15412345678901"}:
        assert word not in text, word


@pytest.mark.parametrize("who", MASKED)
def test_leak_31_history_is_masked_like_the_item(
    peopled: tuple[World, Population], who: str
) -> None:
    """Old and new of a private field and every reason are sealed; of a public one they are told."""
    world, _ = peopled
    (line,) = private_lines = [
        name for owner, name in private_fields() if owner == "Correction" and name == "old"
    ]
    assert private_lines == [line]
    history = "history{field old new oldValue newValue reason}"
    data = world.ask(
        f"{{contacts{{edges{{node{{{history} person{{{history}}}}}}}}}"
        f" cases{{edges{{node{{{history}}}}}}}}}",
        who=who,
    ).data
    for one in _lines(data):
        assert {one["old"], one["new"], one["reason"]} == {"*"}


def _lines(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for one in value:
            yield from _lines(one)
    elif isinstance(value, dict):
        if "oldValue" in value:
            yield value
        for one in value.values():
            yield from _lines(one)


def test_leak_32_nothing_is_logged_of_requests_and_values(
    peopled: tuple[World, Population], caplog: pytest.LogCaptureFixture
) -> None:
    """At the level of everything: questions, refusals, writes, a failure with its traceback."""
    world, population = peopled
    caplog.set_level(logging.DEBUG)
    given = case_input(person={"name": "录入姓名丁戊己", "phone": "15412345678902"})
    world.ask(DOCUMENTS["registerCase"], {"input": given})
    world.ask(DOCUMENTS["registerCase"], {"input": given | {"disease": "录入姓名丁戊己"}})
    world.ask("query($s:PersonSearch!){people(search:$s){matches{id}}}", {"s": "录入姓名丁戊己"})
    world.ask(LIST, who="clear")
    with world.without("500100"):
        world.ask(LIST, who="clear")
        lost = case_input(code="500103", person={"name": "录入姓名丁戊己"})
        world.ask(DOCUMENTS["registerCase"], {"input": lost})
    told = caplog.text
    for word in clear_words(population) | {"录入姓名丁戊己", "15412345678902"}:
        assert word not in told, word


def test_leak_32_engines_do_not_echo() -> None:
    engine = sqlite_engine(":memory:")
    assert engine.echo is False or engine.echo is None
    assert logging.getLogger("sqlalchemy.engine").getEffectiveLevel() > logging.INFO


# A region down -------------------------------------------------------------------------------


def test_leak_40_a_region_down_gives_nothing_that_was_kept(world: World) -> None:
    """The clear answer remembered before is not given again, to nobody."""
    before = world.ask(LIST, who="clear").data["contacts"]["edges"]
    world.ask(LIST, who="clear")
    with world.without("320100"):
        for who in ("national", "clear"):
            answer = world.ask(LIST, who=who)
            assert set(answer.codes) == {"REGION_UNAVAILABLE"}
            edges = orjson.loads(answer.body)["data"]["contacts"]["edges"]
            assert 0 < len(edges) < len(before)
            ours = [int(edge["node"]["id"].partition(":")[2]) >> 43 for edge in edges]
            assert int("320100") not in ours


def test_leak_40_the_error_is_the_same_whoever_is_on_record_there(
    peopled: tuple[World, Population],
) -> None:
    """A check of those known in the region that is down alone, and of nobody: one answer."""
    world, population = peopled
    by_region: dict[bool, set[str]] = {True: set(), False: set()}
    for (table, number), items in population.items.items():
        if table == "people" and items["id_number"]:
            by_region[number >> 43 == 320100].add(items["id_number"])
    there = by_region[True] - by_region[False]
    assert len(there) > 3
    text = "query($s:PersonSearch!){checkDuplicate(candidate:$s){exists complete}}"
    with world.without("320100"):
        asked = [*sorted(there)[:2], "nobody-1"]  # after five failures the region is not asked
        answers = {world.ask(text, {"s": {"idNumber": one}}) for one in asked}
    (answer,) = answers
    assert answer.codes == ["REGION_UNAVAILABLE"]
    told = orjson.loads(answer.body)["data"]["checkDuplicate"]
    assert told == {"exists": None, "complete": False}


# Files ---------------------------------------------------------------------------------------


def test_leak_42_no_file_holds_a_private_value(peopled: tuple[World, Population]) -> None:
    """Stores, write-ahead logs, free pages, after writing, correcting and a checkpoint."""
    world, population = peopled
    words = {word.encode() for word in clear_words(population)}
    words |= {"录入姓名庚辛壬".encode(), b"15412345678903", "更正之名癸".encode()}
    given = case_input(person={"name": "录入姓名庚辛壬", "phone": "15412345678903"})
    made = world.ask(DOCUMENTS["registerCase"], {"input": given}).data["registerCase"]["case"]
    change = correction(made["person"]["id"], ("employer", "更正之名癸"))
    world.ask(DOCUMENTS["correct"], {"input": change})
    for _ in range(2):
        files = [path for path in world.config.data.rglob("*") if path.is_file()]
        assert {path.suffix for path in files} >= {".db"}
        for path in files:
            content = path.read_bytes()
            for word in words:
                assert word not in content, (path, word.decode())
        for region in world.config.regions:
            assert region.path is not None
            with closing(sqlite3.connect(region.path)) as store:
                store.execute("PRAGMA wal_checkpoint(PASSIVE)")


def test_leak_42_a_backup_is_as_sealed_as_the_store(
    peopled: tuple[World, Population], tmp_path: Path
) -> None:
    world, population = peopled
    words = {word.encode() for word in clear_words(population)}
    for code in SIZES:
        region = next(one for one in world.config.regions if one.code.startswith(code))
        assert region.path is not None
        copy = tmp_path / f"{code}.db"
        with closing(sqlite3.connect(region.path)) as store, closing(sqlite3.connect(copy)) as to:
            store.backup(to)
            dump = "\n".join(store.iterdump()).encode()
        for word in words:
            assert word not in copy.read_bytes()
            assert word not in dump


# Injection -----------------------------------------------------------------------------------

EVIL = ["=HYPERLINK(1)", "x\nERROR forged line", "\x1b[31mred\x1b[0m", "a\r\nSet-Cookie: x=1"]


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.parametrize("evil", EVIL)
def test_leak_46_no_name_forges_a_line(
    world: World, evil: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What somebody typed into a name, a key, a search or a header stands in no log line."""
    caplog.set_level(logging.DEBUG)
    given = case_input(person={"name": evil}, idempotencyKey=evil[:20])
    world.ask(DOCUMENTS["registerCase"], {"input": given})
    world.ask("query X($s:PersonSearch!){people(search:$s){matches{id}}}", {"s": {"name": evil}})
    world.send(b'{"query":"{me{code}}"}', evil.replace("\r\n", " ").replace("\n", " "))
    answer = world.ask("{me{code}}", operationName=evil)
    for _, value in answer.headers:
        assert b"\n" not in value
    assert "forged" not in caplog.text
    assert "\x1b" not in caplog.text
    command = "from gateway.cli import main; main()"
    shown = subprocess.run(
        [sys.executable, "-c", command, "access-log", "show", "--config", world.config.file],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "forged" not in shown.stdout
    assert "\x1b[31m" not in shown.stdout


def test_leak_46_the_schema_has_no_cell_that_nobody_quotes() -> None:
    """Whatever writes tables of records must quote formulas: rejects do (tests of loading)."""
    source = [*(ROOT / "gateway").rglob("*.py"), *(ROOT / "resolvers").rglob("*.py")]
    writers = {
        str(path.relative_to(ROOT))
        for path in source
        if "csv.writer" in (text := path.read_text("utf-8")) or "openpyxl" in text
    }
    known = {
        "resolvers/loading/rejects.py",
        "resolvers/assist/sheets.py",  # reads tables, and writes none
        "resolvers/assist/template.py",  # writes our own words alone
    }
    assert writers <= known, "who writes cells has a test of leak 46"
    assert SCHEMA.query_type
