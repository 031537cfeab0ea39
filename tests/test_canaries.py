"""A thousand people of canaries through every feature; afterwards they stand nowhere in clear.

What the whole run of tests left behind is searched at its end (`tests/conftest.py`).
"""

from __future__ import annotations

import base64
import gzip
import os
import shutil
import signal
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from regions.keys import Keys
from tests import warm
from tests.canaries import WORD, canary, phone, singing, songs
from tests.leaks.worlds import CLEAR, EVERYBODY, filled_world
from tests.postgres import Postgres
from tests.resolvers.lists import CARDS, card, write_csv
from tests.resolvers.writing.making import (
    COUNTY,
    DOCUMENTS,
    Writer,
    case_input,
    contact_row,
    contacts_input,
    correction,
    new_key,
    sample_input,
    visit_input,
)
from tests.served import Demo, Gateway, serving
from tests.stores import Stores

pytestmark = pytest.mark.no_cover  # each feature has tests of its own, which count its lines

PEOPLE = 1_000
LIST = """{contacts(first:1000){edges{node{id name phone idNumber employer residence
  whereabouts seat remarks place destination observation{place} history{old new reason}
  person{name guardian employerLocation history{old new reason}}}}}}"""


def somebody(number: int) -> dict[str, Any]:
    """A person whose every item that can be one is a canary."""
    texts = ("name", "employer", "employer_location", "residence", "whereabouts", "guardian")
    found = {_camel(name): canary(name, number) for name in texts}
    return found | {
        "idNumber": canary("id_number", number).upper(),
        "idType": "PASSPORT",
        "phone": phone(number),
    }


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


@dataclass
class Seen:
    """What came out of it, by who it came to."""

    masked: list[bytes] = field(default_factory=list)
    clear: list[bytes] = field(default_factory=list)
    said: list[str] = field(default_factory=list)  # on terminals

    def ask(self, gateway: Gateway, text: str, variables: Any, who: str) -> Any:
        response = gateway.ask(text, variables, who=who)
        self.note(response, who)
        return response.json()

    def note(self, response: httpx.Response, who: str) -> None:
        head = repr(response.headers.multi_items()).encode()
        (self.clear if who in CLEAR else self.masked).append(head + response.content)


@pytest.fixture(scope="module")
def run(templates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Seen]]:
    """The folder in which everything was done, and what was seen meanwhile."""
    folder = tmp_path_factory.mktemp("canaries")
    file, tokens, _ = filled_world(folder / "world", templates)
    before = os.environ.get("TMPDIR")
    (folder / "tmp").mkdir()
    os.environ["TMPDIR"] = str(folder / "tmp")
    try:
        yield folder, everything(Demo(file.parent, {name: {} for name in EVERYBODY}, tokens))
    finally:
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before


def everything(demo: Demo) -> Seen:
    """Every feature, with canaries in it."""
    seen = Seen()
    with serving(demo) as gateway:
        written(gateway, seen)
        asked(gateway, seen)
        exported(gateway, seen)
        gateway.process.send_signal(signal.SIGKILL)  # in the middle of it
        gateway.process.wait()
        seen.said += gateway.said
    loaded(demo, seen)
    with serving(demo, workers=2) as gateway:
        asked(gateway, seen)
        path = demo.region("500100")
        path.rename(path.with_suffix(".away"))  # failures have their say, too
        asked(gateway, seen)
        path.with_suffix(".away").rename(path)
    seen.said += gateway.said
    commands(demo, seen)
    backup(demo)
    return seen


def written(gateway: Gateway, seen: Seen) -> None:
    rows = [
        contact_row(
            person=somebody(number),
            seat=canary("seat", number),
            remarks=canary("remarks", number),
            code=("320102", "320104", "320205", "340503", "500103")[number % 5],
        )
        for number in range(PEOPLE - 20)
    ]
    answer = seen.ask(
        gateway, DOCUMENTS["registerContacts"], {"input": contacts_input(*rows)}, "national"
    )
    assert answer["data"] is not None, gateway.said
    result = answer["data"]["registerContacts"]
    assert result["registered"] == len(rows), result
    contact = result["rows"][0]["contact"]["id"]
    person = result["rows"][0]["contact"]["person"]["id"]
    for number in range(PEOPLE - 20, PEOPLE):
        given = case_input(person=somebody(number), remarks=canary("remarks", number))
        who = ("national", "clear", "city")[number % 3]
        made = seen.ask(gateway, DOCUMENTS["registerCase"], {"input": given}, who)
        seen.ask(gateway, DOCUMENTS["registerCase"], {"input": given}, who)  # again
        broken = given | {"idempotencyKey": canary("key", number), "disease": canary("x", number)}
        seen.ask(gateway, DOCUMENTS["registerCase"], {"input": broken}, who)
        clash = given | {"remarks": canary("other", number)}
        seen.ask(gateway, DOCUMENTS["registerCase"], {"input": clash}, who)
        case = made["data"]["registerCase"]["case"]["id"]
        visit = visit_input(case, remarks=canary("visit", number))
        seen.ask(gateway, DOCUMENTS["recordVisit"], {"input": visit}, who)
    sample = sample_input(contact, remarks=canary("sample", 1))
    seen.ask(gateway, DOCUMENTS["recordSample"], {"input": sample}, "national")
    for who in ("national", "clear"):
        change = correction(
            person,
            ("employer", canary("new", 1)),
            ("phone", phone(77_777)),
            reason=canary("reason", 1),
        )
        seen.ask(gateway, DOCUMENTS["correct"], {"input": change}, who)


def asked(gateway: Gateway, seen: Seen) -> None:
    word, number = canary("name", 3), somebody(3)["idNumber"]
    for who in EVERYBODY:
        few = LIST if who == "clear" else LIST.replace("first:1000", "first:60")
        for text, variables in (
            (few, None),
            ("{me{code} " + few[1:].replace("1000", "60"), None),
            ("{cases(first:100){edges{node{name remarks person{name residence}}}}}", None),
            (
                "query($s:PersonSearch!){people(search:$s){matches{name}}}",
                {"s": {"idNumber": number}},
            ),
            (
                "query($s:PersonSearch!){checkDuplicate(candidate:$s){exists}}",
                {"s": {"phone": phone(3)}},
            ),
            # What is wrong with these must not be told with what was sent.
            ("query($s:PersonSearch!){people(search:$s){matches{name}}}", {"s": word}),
            (f'{{contacts(filter:{{level:"{word}"}}){{totalCount}}}}', None),
            (f'{{node(id:"{word}"){{id}}}}', None),
            (
                "query($f:ContactFilter){contacts(filter:$f){totalCount}}",
                {"f": {f"{word}密": [word]}},
            ),
        ):
            seen.ask(gateway, text, variables, who)
    response = gateway.client.get(f"/{word}?phone={phone(3)}")
    seen.note(response, "")
    seen.note(gateway.client.post("/sign-in", json={"account": word, "password": word}), "")


REQUEST = """mutation($input:RequestExportInput!){requestExport(input:$input){__typename
  ...on RequestExportPayload{export{id state url}} ...on Problem{code message}}}"""


def exported(gateway: Gateway, seen: Seen) -> None:
    for who in ("national", "clear"):
        for form in ("CSV", "XLSX"):
            wanted = {
                "idempotencyKey": new_key(),
                "kind": "CONTACTS",
                "format": form,
                "columns": ["id", "code", "name", "phone", "person.residence", "remarks"],
                "purpose": "weekly review",
                "contacts": {"code": ["320102"]},
            }
            answer = seen.ask(gateway, REQUEST, {"input": wanted}, who)
            assert "data" in answer, answer
            made = answer["data"]["requestExport"]
            assert made["__typename"] == "RequestExportPayload", made
            if url := made["export"]["url"]:
                token = gateway.demo.tokens[who]
                head = {"authorization": f"Bearer {token}"}
                response = gateway.client.get(url, headers=head)
                assert response.status_code == 200
                seen.note(response, who)


def loaded(demo: Demo, seen: Seen) -> None:
    mapping = demo.folder / "approved-cards.toml"
    mapping.write_text(CARDS, "utf-8")
    rows = [
        card(
            number,
            name=canary("name", 2_000 + number),
            phone=phone(2_000 + number),
            remarks=canary("remarks", 2_000 + number),
            where=canary("where", 2_000 + number),
            **({"age": canary("age", number)} if number % 10 == 0 else {}),
        )
        for number in range(1, 60)
    ]
    file = write_csv(demo.folder / "approved-list.csv", rows)
    command(demo, seen, "load", str(file), "--mapping", str(mapping))


def commands(demo: Demo, seen: Seen) -> None:
    for words in (
        ("counts", "rebuild"),
        ("access-log", "show", "--limit", "1000", "--json"),
        ("grants", "list"),
        ("accounts", "list"),
    ):
        command(demo, seen, *words)


def command(demo: Demo, seen: Seen, *words: str) -> None:
    done = warm.run(*words, "--config", str(demo.folder / "config.toml"))
    assert done.returncode == 0, (words, done.stderr)
    seen.said += [done.stdout, done.stderr]


def backup(demo: Demo) -> None:
    to = demo.folder / "backup"
    shutil.copytree(demo.folder / "data", to / "copied")
    for region in demo.config.regions:
        with (
            closing(sqlite3.connect(str(region.path))) as store,
            closing(sqlite3.connect(to / f"{region.code}.db")) as copy,
        ):
            store.backup(copy)
            (to / f"{region.code}.sql").write_text("\n".join(store.iterdump()), "utf-8")


def test_leak_42_no_file_holds_a_canary(run: tuple[Path, Seen]) -> None:
    """Stores, logs of writing, free pages, indexes, the access log, copies, temporary files."""
    folder, _ = run
    assert list(singing(folder)) == []
    approved = folder / "world" / "approved-list.csv"
    assert songs(approved.read_bytes())
    rejects = list((folder / "world" / "data" / "rejects").iterdir())
    assert any(songs(path.read_bytes()) for path in rejects)


def test_leak_32_no_terminal_shows_a_canary(run: tuple[Path, Seen]) -> None:
    _, seen = run
    assert seen.said
    assert not [text[:300] for text in seen.said if songs(text.encode())]


def test_leak_01_no_masked_answer_holds_a_canary(run: tuple[Path, Seen]) -> None:
    """Names of the language may be said back, and nothing of values: the word is no such name."""
    _, seen = run
    assert len(seen.masked) > 100
    assert not [answer[:600] for answer in seen.masked if songs(answer)]


def test_who_has_the_right_sees_them(run: tuple[Path, Seen]) -> None:
    """Or this test would prove nothing."""
    _, seen = run
    together = b"".join(seen.clear)
    for item in ("name", "guardian", "seat", "remarks", "employer_location", "new", "reason"):
        assert canary(item, 0)[:-5].encode() in together, item


def test_leak_42_postgresql_keeps_no_canary(stores: Stores, keys: Keys, postgres: Postgres) -> None:
    """Its data folder, its write-ahead log and its own log."""
    writer = Writer([stores.postgresql("3201")], keys)
    try:
        rows = [contact_row(person=somebody(n), remarks=canary("remarks", n)) for n in range(200)]
        made = writer.do("registerContacts", COUNTY, contacts_input(*rows))
        person = made["rows"][0]["contact"]["person"]["id"]
        writer.do("correct", COUNTY, correction(person, ("employer", canary("new", 1))))
        writer.ask(DOCUMENTS["registerCase"], COUNTY, {"input": {"disease": canary("x", 1)}})
    finally:
        writer.close()
    postgres.run("CHECKPOINT")
    folder = postgres.folder
    assert any((folder / "data" / "pg_wal").iterdir())
    assert list(singing(folder / "data")) == []
    assert not songs((folder / "log").read_bytes())


@pytest.mark.parametrize(
    "content",
    [
        canary("name", 1).encode(),
        b"12" + canary("name", 1).encode("utf-16"),
        canary("name", 1).encode().hex().encode(),
        base64.b64encode(b"a" + canary("name", 1).encode()),
        base64.b64encode(b"ab" + canary("name", 1).encode()),
        base64.b64encode(canary("name", 1).encode()),
        gzip.compress(phone(1).encode(), mtime=0),
        b"\x00\x01" + phone(1).encode(),
    ],
)
def test_a_canary_is_found_however_it_is_written(content: bytes) -> None:
    assert songs(content)
    assert not songs(content[:4])


def test_a_canary_is_found_in_a_workbook(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/sheet.xml", f"<v>{WORD}</v>")
    (tmp_path / "approved-a.csv").write_text(WORD, "utf-8")
    assert [path.name for path, _ in singing(tmp_path)] == ["a.xlsx"]
    (tmp_path / "a.xlsx").unlink()  # the end of the run would find it, too
