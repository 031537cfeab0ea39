"""Every place a value can come to rest or leave by is in a table here (6, 26, 28 to 30, 39, 41).

A new root field, route, table, kind of file, event or sender fails a test until somebody has said
what it may hold, and has written the tests of the channels it opens.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type

from gateway.exports import PREFIX
from gateway.follow_up import PREFIX as SHEETS
from gateway.letters import PREFIX as LETTERS
from gateway.signal_files import PREFIX as SIGNALS
from gateway.signal_reports import PREFIX as REPORTS
from regions.metadata import Reveals
from regions.sealing import ITEMS
from regions.tables import central, log_tables, regional
from resolvers.catalog import RECORDS
from resolvers.rights import RIGHTS
from tests.leaks.channels import CHANNELS, held_by
from tests.leaks.documents import SCHEMA
from tests.leaks.sinks import CONTENT, ROOTS, ROUTES, SENDERS, TABLES
from tests.leaks.worlds import World

pytestmark = pytest.mark.no_cover  # it reads our code, and runs little of it

ROOT = Path(__file__).parent.parent.parent
SOURCE = [
    path
    for floor in ("gateway", "resolvers", "schema", "regions")
    for path in sorted((ROOT / floor).rglob("*.py"))
]


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda one: f"{one.number:02}")
def test_every_channel_has_a_test(channel: Any) -> None:
    assert held_by(channel.number), f"leak channel {channel.number}: {channel.way}"


def test_there_are_forty_six() -> None:
    assert [one.number for one in CHANNELS] == list(range(1, 47))


def roots(operation: str) -> dict[str, Any]:
    kind = getattr(SCHEMA, f"{operation}_type")
    return dict(kind.fields) if kind is not None else {}


def test_leak_06_every_root_field_is_known() -> None:
    """What it shows: records (masked by the plans' rules), figures, or nothing of people at all."""
    found = {
        name for operation in ("query", "mutation", "subscription") for name in roots(operation)
    }
    assert found == set(ROOTS), found ^ set(ROOTS)
    assert set(ROOTS.values()) <= set(CONTENT)
    assert found == set(RIGHTS)


def reached(kind: Any, seen: set[str]) -> set[str]:
    """Types that a selection below a type can reach."""
    if kind.name in seen:
        return seen
    seen.add(kind.name)
    if hasattr(kind, "types") or (
        hasattr(kind, "fields") and not isinstance(kind, GraphQLObjectType)
    ):
        for one in SCHEMA.get_possible_types(kind):
            reached(one, seen)
    if hasattr(kind, "fields"):
        for field in kind.fields.values():
            target = get_named_type(field.type)
            if hasattr(target, "fields") or hasattr(target, "types"):
                reached(target, seen)
    return seen


@pytest.mark.parametrize("name", ROOTS)
def test_leak_01_a_root_that_shows_no_record_reaches_none(name: str) -> None:
    field = next(
        roots(one)[name] for one in ("query", "mutation", "subscription") if name in roots(one)
    )
    target: Any = get_named_type(field.type)
    found = (
        reached(target, set()) if hasattr(target, "fields") or hasattr(target, "types") else set()
    )
    records = found & (set(RECORDS) - {"Unit"})
    if ROOTS[name] in ("records", "written"):
        assert records, f"{name} shows no record: say what it shows"
    else:
        assert not records, f"{name} reaches {records}"


def test_leak_26_no_argument_of_a_subscription_is_private() -> None:
    """Delivery may hang on codes alone; the payload's fields are those of the ordinary types."""
    for name, field in roots("subscription").items():
        assert ROOTS[name] in CONTENT
        assert set(field.args) <= {"codes", "code", "after"}, name
        for argument in field.args.values():
            assert not get_named_type(argument.type).name.startswith("Private"), name


def test_leak_26_where_there_are_subscriptions_there_are_tests_of_revoking() -> None:
    """Rights are looked at for each event: whoever adds one marks the tests that show it."""
    if not roots("subscription"):
        assert SCHEMA.subscription_type is None
        return
    others = [one for one in held_by(26) if "test_sinks" not in one]
    assert others, "subscriptions need tests of leak channel 26 beside these"


def classified() -> Iterator[tuple[str, Any]]:
    for metadata in (regional, central, log_tables):
        for table in metadata.sorted_tables:
            yield table.name, table


def test_leak_39_every_table_is_known() -> None:
    """Outboxes, inboxes, workflow state, dead letters: none, or with what they may hold."""
    found = {name for name, _ in classified()}
    assert found == set(TABLES), found ^ set(TABLES)


@pytest.mark.parametrize(("name", "table"), list(classified()), ids=lambda one: str(one))
def test_leak_39_what_a_table_holds_of_people_is_sealed(name: str, table: Any) -> None:
    """A table with free payloads keeps them sealed, or says why nothing private is in them."""
    sealed = any(column.info["reveals"] is Reveals.SEALED for column in table.columns)
    assert sealed == (name in ITEMS or TABLES[name].startswith("sealed")), name
    for column in table.columns:
        words = {"payload", "body", "message", "content", "data", "letter", "text", "json", "value"}
        if column.info["reveals"] is not Reveals.SEALED and words & set(column.name.split("_")):
            known = {"old_value", "new_value", "data_request", "content_sha256", "data_version"}
            known |= {"message_id"}  # a number
            known |= {"body"} if name == "post_outbox" else set()  # its writers are tested for it
            # Made of a number, a county and a disease: resolvers/alerts/test_texts.py
            known |= {"text"} if name == "signal_messages" else set()
            assert column.name in known or TABLES[name].startswith(("hashes", "entries")), column


def test_leak_29_free_text_is_a_private_scalar() -> None:
    """A field of a record whose column takes any sentence: remarks, reasons, addresses."""
    for record in RECORDS.values():
        for one in record.fields.values():
            for part in (one, *one.fields):
                if any(
                    word in part.name.lower() for word in ("remark", "note", "comment", "letter")
                ):
                    assert part.source.__class__.__name__ == "PrivateSource", (
                        record.name,
                        part.name,
                    )


def test_leak_29_no_file_is_taken_or_given_by_graphql(world: World) -> None:
    """No scalar for a file, no multipart body: a file is text in a mutation, and is given by its
    own route to whoever sees its name (`gateway/test_letters.py`).
    """
    assert not {
        name for name in SCHEMA.type_map if name.lower() in ("upload", "file", "attachment")
    }
    boundary = (
        b'--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n'
        b'{"query":"{me{code}}"}\r\n--x--\r\n'
    )
    answer = world.send(boundary, "national", (b"content-type", b"multipart/form-data; boundary=x"))
    assert answer.status == 415


def imported() -> Iterator[tuple[str, str]]:
    """Modules imported by the program's source: file and name."""
    for path in SOURCE:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                yield str(path.relative_to(ROOT)), name


_SENDING: tuple[str, ...] = (
    "smtplib",
    "email",
    "httpx",
    "requests",
    "urllib.request",
    "http.client",
    "aiohttp",
)
_SENDING += ("websockets", "ftplib", "telnetlib", "xmlrpc", "opentelemetry", "prometheus_client")
_SENDING += ("sentry_sdk", "statsd", "kafka", "pika", "redis", "boto3", "socket", "syslog")


def test_leak_30_nothing_sends_but_what_is_listed() -> None:
    """Mail, SMS, webhooks, traces, metrics: a module that could send has a line saying what."""
    found = {
        path
        for path, name in imported()
        if any(name == one or name.startswith(f"{one}.") for one in _SENDING)
    }
    assert found <= set(SENDERS), found - set(SENDERS)
    assert set(SENDERS) <= {str(path.relative_to(ROOT)) for path in SOURCE}


def test_leak_28_every_route_is_known(world: World) -> None:
    """A file is given by no route but those listed; a path of none tells all the same."""
    answers = set()
    for path in (
        "/export",
        "/exports/1",
        "/files/a.csv",
        "/download",
        "/admin",
        "/metrics",
        "/docs",
    ):
        for who in ("national", "clear", "auditor", None):
            answer = world.send(b"", who, path=path, method="GET")
            if not any(path == route or path.startswith(f"{route}/") for route in ROUTES):
                answers.add(answer)
    assert len(answers) == 1
    assert answers.pop().status == 404
    declared: set[str] = set()
    for source in SOURCE:
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != "Route":
                continue
            if isinstance(first := node.args[0], ast.Constant):  # others are below a listed one
                declared.add(str(first.value).partition("/{")[0])
    past = (PREFIX, LETTERS, SIGNALS, REPORTS, SHEETS)
    declared |= {"/graphql"} | {one.rstrip("/") for one in past}  # past the router
    assert declared | {"/sign-in/passkeys"} == set(ROUTES), declared ^ set(ROUTES)


def test_leak_28_where_there_are_exports_there_are_tests_of_files() -> None:
    others = [one for one in held_by(28) if "test_sinks" not in one]
    assert others, "exports need tests of leak channel 28 beside these"


def test_leak_41_no_result_of_a_night_names_anybody() -> None:
    """A night leaves figures, and signals of codes, counts and at most the id of a card; roots of
    figures reach no record (1).
    """
    found = {name for name, kind in TABLES.items() if kind.startswith("figures")}
    assert {"daily_counts", "detection_nights"} <= found
    found |= {"signals", "signal_counties", "cluster_regions"}
    for name, table in classified():
        if name in found:
            for column in table.columns:
                assert column.name not in ("person_id", "contact_id"), column
                assert column.name != "case_id" or name == "signals", column
                assert column.info["reveals"] not in (Reveals.SEALED, Reveals.BLIND_INDEX), column
