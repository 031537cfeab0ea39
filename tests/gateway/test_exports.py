"""Exports at the edge: a real server, real files; what is in them, and who gets them."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import threading
import time
import zipfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from gateway.grants import add_grant
from regions.instants import instant
from regions.keys import load_keys
from resolvers.access_log.commitments import Commitments, commitments_in
from tests import warm
from tests.served import BROAD, Demo, Gateway, serving

OTHER = "province-320000"
CITY, HEAD = "city-320100", "bizadmin-320100"
_REQUEST = """mutation ($input: RequestExportInput!) { requestExport(input: $input) { __typename
  ... on RequestExportPayload { repeated export { id state url rows missing expiresAt } }
  ... on Problem { code message messageZh } ... on InvalidInputProblem { path } } }"""
_DECIDE = """mutation ($input: DecideExportInput!) { decideExport(input: $input) { __typename
  ... on DecideExportPayload { export { id state url reason decidedBy } }
  ... on Problem { code message } } }"""
_EXPORTS = """query ($f: ExportFilter) { exports(filter: $f, first: 1000) { edges { node {
  id state url rows requestedBy downloads { ending rows missing sha256 } } } } }"""
COLUMNS = ["id", "code", "name", "age", "createdAt", "lastContactOn", "manner", "person.birthDate"]
_keys = count(1)


@pytest.fixture(scope="module")
def gateway(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A server whose exports of up to 300 records need no approval, but of many a day do."""
    folder = tmp_path_factory.mktemp("exports")
    with serving(demo.copied(folder, approval_rows=100_000), counted=True) as found:
        yield found


def ask(gateway: Gateway, who: str = BROAD, **given: Any) -> Any:
    """The result of `requestExport`: contacts as CSV unless told otherwise."""
    wanted = {
        "idempotencyKey": f"export-{next(_keys)}",
        "kind": "CONTACTS",
        "columns": COLUMNS,
        "purpose": "weekly review",
        **given,
    }
    return gateway.data(_REQUEST, {"input": wanted}, who=who)["requestExport"]


def fetch(gateway: Gateway, url: str, who: str = BROAD) -> httpx.Response:
    """The file behind a link."""
    token = gateway.demo.tokens.get(who, who)
    return gateway.client.get(url, headers={"authorization": f"Bearer {token}"})


def exported(gateway: Gateway, who: str = BROAD, **given: Any) -> httpx.Response:
    """The file of an export."""
    made = ask(gateway, who, **given)
    assert made["__typename"] == "RequestExportPayload", made
    response = fetch(gateway, made["export"]["url"], who)
    assert response.status_code == 200, response.text
    return response


def table(response: httpx.Response) -> tuple[dict[str, str], list[dict[str, str]]]:
    """What a CSV says of itself, and its records."""
    text = response.content.decode("utf-8-sig")
    remarks, lines = {}, []
    for line in text.splitlines():
        if line.startswith("# "):
            (cells,) = csv.reader([line[2:]])
            remarks[cells[0].split()[-1]] = cells[1]
        else:
            lines.append(line)
    return remarks, list(csv.DictReader(lines))


def entries(gateway: Gateway, response: httpx.Response) -> list[dict[str, Any]]:
    return gateway.demo.entries(request=response.headers["x-request-id"])


def of(gateway: Gateway, export: str, who: str = BROAD) -> dict[str, Any]:
    found = gateway.data(_EXPORTS, {"f": {"ids": [export]}}, who=who)["exports"]["edges"]
    return found[0]["node"] if found else {}


def test_a_file_has_the_lists_records_masked_as_the_list_masks_them(gateway: Gateway) -> None:
    where = {"level": ["CLOSE"]}
    order = [{"field": "CODE", "direction": "ASC"}]
    response = exported(gateway, contacts=where, contactOrder=order)
    remarks, rows = table(response)
    asked = """query ($f: ContactFilter, $o: [ContactOrder!]) { contacts(filter: $f, orderBy: $o,
      first: 1000) { edges { node { id code name manner } } } }"""
    edges = gateway.data(asked, {"f": where, "o": order})["contacts"]["edges"]
    assert len(rows) > 50
    assert [row["id"] for row in rows] == [edge["node"]["id"] for edge in edges]
    assert [row["manner"] for row in rows] == ["; ".join(e["node"]["manner"]) for e in edges]
    for name in ("name", "age", "person.birthDate"):
        assert {row[name] for row in rows} == {"*"}
    assert remarks["rows"] == str(len(rows))
    assert remarks["viewer"].startswith(f"{BROAD} ")
    assert response.content.startswith(b"\xef\xbb\xbf# ")


def test_the_mark_of_bytes_can_be_left_out(gateway: Gateway) -> None:
    assert exported(gateway, byteOrderMark=False).content.startswith(b"# ")


def test_the_file_and_its_log_have_the_same_hash(gateway: Gateway) -> None:
    response = exported(gateway)
    remarks, rows = table(response)
    body, _, last = response.content.rpartition(b"# ")
    assert last.startswith("校验 sha256,".encode())
    assert remarks["sha256"] == hashlib.sha256(body).hexdigest()
    *pages, end = entries(gateway, response)
    assert end["what"]["sha256"] == remarks["sha256"]
    assert {one["trace"] for one in (*pages, end)} == {response.headers["x-trace-id"]}
    assert len(response.headers["x-trace-id"]) == 32
    assert end["what"]["count"] == len(rows)
    logged = "".join(page["what"]["records"]["contact"] for page in pages)
    commit = Commitments(load_keys(gateway.demo.config.keys).log).one
    shown = [commit("contact", int(row["id"].partition(":")[2])) for row in rows]
    assert sorted(commitments_in(logged)) == sorted(shown)
    assert all(page["what"]["records"]["person"] for page in pages)
    assert "Contact.name" in pages[0]["what"]["masked"]
    assert "Person.birthDate" in pages[0]["what"]["masked"]
    assert {one["operation"] for one in [*pages, end]} == {"export contacts"}
    assert {one["module"] for one in [*pages, end]} == {"export"}
    assert {one["trace"] for one in [*pages, end]} == {response.headers["x-trace-id"]}


def test_pages_go_on_where_the_last_one_ended(demo: Demo, tmp_path: Path) -> None:
    copied = demo.copied(tmp_path)
    config = copied.folder / "config.toml"
    config.write_text(config.read_text("utf-8").replace("page_max = 1000", "page_max = 20"))
    with serving(copied) as gateway:
        response = exported(gateway)
        _, rows = table(response)
        assert len({row["id"] for row in rows}) == len(rows) == copied.count("contacts")
        assert len(entries(gateway, response)) == -(-len(rows) // 20) + 1


def test_a_right_shows_in_the_file_and_in_the_log(gateway: Gateway) -> None:
    (token,) = gateway.demo.open_sessions(CITY)
    right = gateway.demo.central(
        lambda one, _: add_grant(
            one,
            account=CITY,
            items=["NAME"],
            record_types=["CONTACT"],
            code="320100",
            purpose="test",
            ends_at=instant(time.time() + 86_400),
        )
    )
    response = exported(gateway, token, columns=["id", "name", "phone"])
    _, rows = table(response)
    assert rows
    assert "*" not in {row["name"] for row in rows}
    assert {row["phone"] for row in rows} == {"*"}
    (page, _) = entries(gateway, response)
    ids = page["what"]["reasons"][f"grant:{right}"]["contact"]
    commit = Commitments(load_keys(gateway.demo.config.keys).log).one
    shown = {commit("contact", int(row["id"].partition(":")[2])) for row in rows}
    assert set(commitments_in(ids)) == shown
    assert page["what"]["clear"] == ["Contact.name"]


def test_a_workbook_opens_and_says_whose_it_is(gateway: Gateway) -> None:
    response = exported(gateway, format="XLSX", kind="CASES", columns=["id", "age", "onsetOn"])
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        notes = archive.read("xl/worksheets/notes.xml").decode()
    assert not [name for name in names if "docProps" in name or "comment" in name]
    rows = ElementTree.fromstring(sheet).findall(".//{*}row")
    assert len(rows) == gateway.demo.count("cases") + 1
    assert "<f>" not in sheet
    assert BROAD in notes
    assert BROAD in sheet.partition("<oddHeader>")[2]
    assert hashlib.sha256(sheet.encode()).hexdigest() in notes


def test_leak_28_a_link_is_nobody_elses(gateway: Gateway) -> None:
    url = ask(gateway)["export"]["url"]
    unknown = f"/exports/{'0' * 32}"
    (another,) = gateway.demo.open_sessions(OTHER)
    theirs, nobodys = fetch(gateway, url, another), fetch(gateway, unknown, another)
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.content == nobodys.content
    assert gateway.client.get(url).status_code == 401
    assert fetch(gateway, "/exports/graphql").status_code == 404
    (own,) = gateway.demo.open_sessions(BROAD)
    assert fetch(gateway, url, own).status_code == 200  # another session of the same account


def test_strangers_fill_no_log_by_links(demo: Demo, tmp_path: Path) -> None:
    copied = demo.copied(tmp_path)
    file = copied.folder / "config.toml"
    text = file.read_text("utf-8")
    file.write_text(
        text.replace("[gateway]\n", "[gateway]\nstrangers_per_minute = 3\n", 1), "utf-8"
    )
    with serving(copied) as gateway:
        url = ask(gateway)["export"]["url"]
        answers = [fetch(gateway, url, "no-token") for _ in range(4)]
        answers += [gateway.client.get(url), fetch(gateway, f"/exports/{'0' * 32}", "no-token")]
        assert [one.status_code for one in answers] == [401] * 3 + [429] * 3
        assert answers[-1].json()["error"]["code"] == "TOO_MANY_REQUESTS"
        assert fetch(gateway, url).status_code == 200  # who has a session is no stranger
        refused = copied.entries(operation="export", result="UNAUTHENTICATED")
        assert len(refused) == 3
        assert not copied.entries(operation="export", result="TOO_MANY_REQUESTS")


def test_leak_28_a_narrowed_token_fetches_nothing(demo: Demo, tmp_path: Path) -> None:
    """A machine client's token is good for its actions, and exports are none of them."""
    copied, who = demo.copied(tmp_path), "system-320100"
    with serving(copied) as gateway:
        url = ask(gateway, who)["export"]["url"]
        (token,) = copied.open_sessions(who)
        scope = '{"code": "320100", "actions": ["READ"]}'
        narrow = "UPDATE sessions SET scope = ? WHERE account = ?"
        copied.central(lambda one, _: one.exec_driver_sql(narrow, (scope, who)).close())
        refused = fetch(gateway, url, token)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "FORBIDDEN")


def test_leak_28_link_and_file_name_say_nothing(gateway: Gateway) -> None:
    made = ask(gateway, purpose="of 张三")["export"]
    assert re.fullmatch(r"/exports/[0-9a-f]{32}", made["url"])
    name = fetch(gateway, made["url"]).headers["content-disposition"]
    assert re.fullmatch(r'attachment; filename="epigate-[0-9a-f]{8}\.csv"', name)


def test_a_link_serves_once(gateway: Gateway) -> None:
    made = ask(gateway)["export"]
    assert fetch(gateway, made["url"]).status_code == 200
    again = fetch(gateway, made["url"])
    assert again.status_code == 409
    assert again.json()["error"]["code"] == "EXPORT_NOT_READY"
    found = of(gateway, made["id"])
    assert (found["state"], found["url"]) == ("DELIVERED", None)
    assert [one["ending"] for one in found["downloads"]] == ["COMPLETE"]


# Lets the note of a file's end wait, as a busy machine may.
_LATE = """
import asyncio, gateway.exports as one
note = one.ExportEndpoint._note_end
async def late(self, download, ending):
    await asyncio.sleep(0.5)
    await note(self, download, ending)
one.ExportEndpoint._note_end = late
"""


def test_who_has_the_end_of_the_file_finds_the_link_used_up(demo: Demo, tmp_path: Path) -> None:
    with serving(demo.copied(tmp_path), before=_LATE) as gateway:
        made = ask(gateway)["export"]
        assert fetch(gateway, made["url"]).status_code == 200
        assert fetch(gateway, made["url"]).status_code == 409


def test_a_file_whose_end_cannot_be_noted_is_broken_off(demo: Demo, tmp_path: Path) -> None:
    copied = demo.copied(tmp_path)
    refuse = """CREATE TRIGGER refuse BEFORE UPDATE ON exports WHEN NEW.state = 'DELIVERED'
      BEGIN SELECT RAISE(ABORT, 'refused'); END"""
    copied.central(lambda one, _: one.exec_driver_sql(refuse).close())
    with serving(copied) as gateway:
        made = ask(gateway)["export"]
        with pytest.raises(httpx.RemoteProtocolError):
            fetch(gateway, made["url"])
        assert of(gateway, made["id"])["state"] == "READY"


def test_the_same_key_asks_for_one_export(gateway: Gateway) -> None:
    first = ask(gateway, idempotencyKey="once")
    again = ask(gateway, idempotencyKey="once")
    assert (first["repeated"], again["repeated"]) == (False, True)
    assert first["export"]["id"] == again["export"]["id"]
    other = ask(gateway, idempotencyKey="once", purpose="another")
    assert other["code"] == "IDEMPOTENCY_CONFLICT"


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"columns": []}, ["columns"]),
        ({"columns": ["id", "sealed"]}, ["columns", "1"]),
        ({"columns": ["person"]}, ["columns", "0"]),
        ({"columns": ["visits.remarks"]}, ["columns", "0"]),
        ({"columns": ["id", "id"]}, ["columns", "1"]),
        ({"purpose": " "}, ["purpose"]),
        ({"cases": {}}, ["cases"]),
        ({"contacts": {"sourceCase": ["x"]}}, ["contacts"]),
        ({"contacts": {"code": ["650000"]}}, ["contacts"]),
    ],
)
def test_what_cannot_be_exported_is_refused(
    gateway: Gateway, given: dict[str, Any], path: list[str]
) -> None:
    made = ask(gateway, **given)
    assert (made["code"], made["path"]) == ("INVALID_INPUT", path)


def test_administrators_export_nothing(gateway: Gateway) -> None:
    assert ask(gateway, HEAD)["code"] == "FORBIDDEN"
    assert ask(gateway, CITY, contacts={"code": ["320500"]})["code"] == "FORBIDDEN"


def test_a_large_export_waits_for_another_person(demo: Demo, tmp_path: Path) -> None:
    with serving(demo.copied(tmp_path, approval_rows=20)) as gateway:
        made = ask(gateway, CITY)["export"]
        assert (made["state"], made["url"]) == ("WAITING", None)
        assert fetch(gateway, f"/exports/{made['id']}", CITY).status_code == 409
        decision = {
            "idempotencyKey": "d1",
            "export": made["id"],
            "decision": "APPROVE",
            "reason": "weekly report",
        }

        def decide(who: str, **more: Any) -> Any:
            given = {**decision, **more}
            return gateway.data(_DECIDE, {"input": given}, who=who)["decideExport"]

        assert decide(CITY)["code"] == "FORBIDDEN"
        assert of(gateway, made["id"], HEAD)["requestedBy"] == CITY
        assert of(gateway, made["id"], OTHER) == {}
        approved = decide(HEAD)["export"]
        assert (approved["state"], approved["url"]) == ("READY", None)  # the link is not for them
        assert decide(HEAD, idempotencyKey="d2")["code"] == "INVALID_INPUT"
        url = of(gateway, made["id"], CITY)["url"]
        assert fetch(gateway, url, HEAD).status_code == 404
        _, rows = table(fetch(gateway, url, CITY))
        assert len(rows) == made["rows"] > 20
        small = ask(gateway, CITY, contacts={"code": ["320102"], "level": ["SECONDARY"]})["export"]
        assert (small["rows"] <= 20) == (small["state"] == "READY")


def test_the_head_of_a_department_decides_too(demo: Demo, tmp_path: Path) -> None:
    copied = demo.copied(tmp_path, approval_rows=20)
    reviewer = "reviewer-320100"

    def promote(connection: Any, _: Any) -> None:
        connection.exec_driver_sql(f"UPDATE accounts SET head = 1 WHERE account = '{reviewer}'")

    with serving(copied) as gateway:
        made = ask(gateway, CITY)["export"]
        given = {"export": made["id"], "decision": "REFUSE", "reason": "too much"}

        def decide(key: str) -> Any:
            wanted = {"input": {**given, "idempotencyKey": key}}
            return gateway.data(_DECIDE, wanted, who=reviewer)["decideExport"]

        assert decide("before")["code"] == "FORBIDDEN"
        copied.central(promote)
        refused = decide("after")["export"]
        assert (refused["state"], refused["reason"]) == ("REFUSED", "too much")
        assert fetch(gateway, f"/exports/{made['id']}", CITY).status_code == 409


def test_many_small_exports_are_a_large_one(demo: Demo, tmp_path: Path) -> None:
    copied = demo.copied(tmp_path, approval_rows=200)
    each = copied.count("contacts", "level = 'SECONDARY'")
    assert 10 < each < 200
    with serving(copied) as gateway:
        where = {"level": ["SECONDARY"]}
        states = [ask(gateway, contacts=where)["export"]["state"] for _ in range(200 // each + 1)]
    assert states == ["READY"] * (200 // each) + ["WAITING"]


def test_a_file_that_outgrew_what_it_was_asked_for_is_not_given(demo: Demo, tmp_path: Path) -> None:
    copied = demo.copied(tmp_path, approval_rows=100_000)
    with serving(copied) as gateway:
        made = ask(gateway)["export"]
        copied.central(lambda one, _: one.exec_driver_sql("UPDATE exports SET most = 10").close())
        refused = fetch(gateway, made["url"])
        assert refused.status_code == 409
        assert refused.json()["error"]["code"] == "EXPORT_STOPPED"
        assert gateway.demo.entries(result="EXPORT_STOPPED")


def _slowly(gateway: Gateway, url: str, token: str, meanwhile: Any) -> bytes:
    """What arrives of a file when something happens after its first page; fails if it is whole."""
    headers = {"authorization": f"Bearer {token}"}
    with gateway.client.stream("GET", url, headers=headers) as response:
        assert response.status_code == 200
        pieces = response.iter_raw()
        received = next(pieces)
        meanwhile()
        try:
            for piece in pieces:
                received += piece
        except httpx.RemoteProtocolError:
            return received
    raise AssertionError("the transfer was complete")


# Makes each page after the first wait until the test has done what it does between two.
_SLOW = """
import asyncio, gateway._download as one
read = one.Streamer._read
async def slow(self, viewer, kind, asked, columns):
    if asked.variables["after"] is not None:
        await asyncio.sleep(0.5)
    return await read(self, viewer, kind, asked, columns)
one.Streamer._read = slow
import gateway.http
gateway.http.PAGE = 40
"""


def test_a_session_that_ends_ends_the_file(demo: Demo, tmp_path: Path) -> None:
    copied = demo.copied(tmp_path)
    with serving(copied, before=_SLOW) as gateway:
        made = ask(gateway)["export"]
        (token,) = copied.open_sessions(BROAD)
        got = _slowly(
            gateway,
            made["url"],
            token,
            lambda: copied.end_session(token, revoked_at="2026-01-01T00:00:00Z"),
        )
        assert '# 中断 ABORTED,"UNAUTHENTICATED'.encode() in got
        assert b"sha256" not in got
        assert of(gateway, made["id"])["downloads"][0]["ending"] == "UNAUTHENTICATED"
        assert fetch(gateway, made["url"]).status_code == 200  # the link was not used up


def test_a_right_that_ends_ends_the_file(demo: Demo, tmp_path: Path) -> None:
    copied = demo.copied(tmp_path)

    def revoke() -> None:
        copied.central(lambda one, _: one.exec_driver_sql("UPDATE grants SET revoked = 1").close())

    copied.central(
        lambda one, _: add_grant(
            one,
            account=BROAD,
            items=["NAME"],
            record_types=["CONTACT"],
            code="000000",
            purpose="test",
            ends_at=instant(time.time() + 86_400),
        )
    )
    with serving(copied, before=_SLOW) as gateway:
        made = ask(gateway)["export"]
        got = _slowly(gateway, made["url"], copied.tokens[BROAD], revoke)
        assert "# 中断 ABORTED,EXPORT_STOPPED".encode() in got


def test_a_region_that_is_down_is_named_in_the_file(demo: Demo, tmp_path: Path) -> None:
    copied = demo.copied(tmp_path, approval_rows=100_000)
    gone = copied.region("320200")
    gone.rename(gone.with_suffix(".away"))
    with serving(copied) as gateway:
        made = ask(gateway)["export"]
        assert made["missing"] == ["320200"]
        assert made["state"] == "WAITING"  # nobody knows its size
        copied.central(
            lambda one, _: one.exec_driver_sql("UPDATE exports SET state = 'READY'").close()
        )
        response = fetch(gateway, made["url"] or f"/exports/{made['id']}")
        text = response.content.decode("utf-8-sig")
        assert text.count("# 未应答 missing,320200 无锡 ") == 2
        assert of(gateway, made["id"])["downloads"][0]["missing"] == ["320200"]
        assert [one["result"] for one in entries(gateway, response)] == ["PARTIAL", "PARTIAL"]


def test_nothing_leaves_that_cannot_be_logged(demo: Demo, tmp_path: Path) -> None:
    copied = demo.copied(tmp_path)
    log = copied.config.log_store
    with serving(copied) as gateway:
        made = ask(gateway)["export"]
        log.rename(log.with_suffix(".away"))
        refused = fetch(gateway, made["url"])
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "ACCESS_LOG_FAILED"
        log.with_suffix(".away").rename(log)
        assert fetch(gateway, made["url"]).status_code == 200


def test_a_client_that_leaves_is_noticed(demo: Demo, tmp_path: Path) -> None:
    with serving(demo.copied(tmp_path), before=_SLOW) as gateway:
        made = ask(gateway)["export"]
        headers = {"authorization": f"Bearer {gateway.demo.tokens[BROAD]}"}
        with gateway.client.stream("GET", made["url"], headers=headers) as response:
            next(response.iter_raw())
        waiting = threading.Event()
        for _ in range(40):
            if (found := of(gateway, made["id"])["downloads"][0])["ending"]:
                break
            waiting.wait(0.25)
        assert found["ending"] == "CLIENT_GONE"


def test_a_file_is_told_from_one_that_was_changed(gateway: Gateway, tmp_path: Path) -> None:
    file = tmp_path / "file"

    def verify(content: bytes) -> tuple[int, str]:
        file.write_bytes(content)
        config = str(gateway.demo.folder / "config.toml")
        done = warm.run("exports", "verify", str(file), "--config", config)
        return done.returncode, done.stdout + done.stderr

    for format in ("CSV", "XLSX"):
        content = exported(gateway, format=format).content
        code, said = verify(content)
        assert (code, said[:10]) == (0, "unchanged:"), said
        code, said = verify(content.replace(b"*", b"x", 1) + b" ")
        assert code == 1
        assert "EXPORT_INVALID" in said
        code, said = verify(content[: len(content) // 2])
        assert code == 1, said
    assert "no export of this gateway" in verify(b"id,name\r\n1,2\r\n")[1]
