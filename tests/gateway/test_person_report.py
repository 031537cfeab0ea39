"""The list of who saw a person's data, and the log as FHIR events: by the command line."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

from fhir.resources.R4B.auditevent import AuditEvent

from resolvers.access_log.fhir import PROFILES as BASE
from tests.gateway.test_audit import epigate
from tests.resolvers.access_log.balp import violations
from tests.served import Demo, serving


def test_a_person_is_told_who_saw_what(demo: Demo, tmp_path: Path) -> None:
    own = demo.copied(tmp_path / "own")
    config = own.folder / "config.toml"
    reporter = own.account_of("direct reporter")
    with serving(own) as gateway:
        data = gateway.data(
            "{ cases(first: 1) { edges { node { id person { id } } } } }", who=reporter
        )
        node = data["cases"]["edges"][0]["node"]
        ask = "query ($i: ID!) { node(id: $i) { ... on Case { phone name } } }"
        gateway.data(ask, {"i": node["id"]}, who=reporter)
        gateway.data(ask, {"i": node["id"]}, who="national")
        page = tmp_path / "page.html"
        done = epigate(
            "audit", "person", node["person"]["id"], "--output", page, "--config", config
        )
        assert (done.returncode, done.stderr) == (0, "")
    text = html.unescape(page.read_text("utf-8"))
    rows = re.findall(r"<tr>(<td>.*?)</tr>", text)
    assert f"{len(rows):,} operations" in done.stdout
    (mine,) = [one for one in rows if "Telephone number (电话)" in one]
    assert "Name (姓名)" in mine
    assert reporter in mine
    assert "本人报告的记录 own report" in mine
    assert any("national" in one and "已遮蔽 hidden (*)" in one for one in rows)
    assert page.stat().st_mode & 0o077 == 0
    (entry,) = own.entries(operation="audit person")
    assert (entry["purpose"], entry["what"]["count"]) == ("SUBJECT_REQUEST", len(rows))
    assert set(entry["what"]["records"]) == {"person"}
    assert epigate("audit", "verify", "--config", config).returncode == 0
    for given, code in (("case:1", "INVALID_INPUT"), ("x", "INVALID_INPUT")):
        done = epigate("audit", "person", given, "--output", tmp_path / "x", "--config", config)
        assert done.returncode == 1
        assert code in done.stderr
    unknown = tmp_path / "unknown.html"
    done = epigate("audit", "person", "person:1", "--output", unknown, "--config", config)
    assert (done.returncode, "see whether the id is right" in done.stderr) == (0, True)
    again = epigate("audit", "person", node["person"]["id"], "--output", page, "--config", config)
    assert "exists already" in again.stderr


def test_the_log_as_fhir_events(demo: Demo, tmp_path: Path) -> None:
    own = demo.copied(tmp_path / "own")
    config = own.folder / "config.toml"
    with serving(own) as gateway:
        gateway.data("{ contacts(first: 3) { edges { node { name person { id } } } } }")
        gateway.ask("{ alarms { totalCount } }")
        wrong = {"account": "national", "password": "wrong"}
        gateway.client.post("/sign-in", json=wrong)
    target = tmp_path / "events.ndjson"
    done = epigate("audit", "export", target, "--fhir", "--config", config)
    assert done.returncode == 0, done.stderr
    events: list[Any] = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
    assert len(events) >= len(own.entries())
    assert len({one["id"] for one in events}) == len(events)
    profiles: set[str] = set()
    for event in events:
        AuditEvent.model_validate(json.loads(json.dumps(event)))
        for url in event.get("meta", {}).get("profile", []):
            profiles.add(url.removeprefix(BASE))
            assert violations(event, url.removeprefix(BASE)) == []
    assert "PatientQuery" in profiles
    failed = [one["outcomeDesc"] for one in events if one["outcome"] == "8"]
    assert {"FORBIDDEN", "REFUSED"} <= set(failed)
