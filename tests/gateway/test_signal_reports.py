"""`GET /signal-reports/…`: reports as they are fetched, by whom, logged; `epigate report`."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from pypdf import PdfReader

from regions.ids import first_id
from tests import warm
from tests.served import Demo, Gateway, serving

CITY, COUNTY, ELSEWHERE = "reviewer-320100", "county-320102", "county-320205"
_DAY = "2026-03-01"


@pytest.fixture(scope="module")
def gateway(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    own = demo.copied(tmp_path_factory.mktemp("reports"), deadline_ms=20_000)
    with closing(sqlite3.connect(own.region("320100"))) as store, store:
        store.execute("DELETE FROM signals")
        store.execute(
            "INSERT INTO signals (id, number, kind, code, disease, day, slot, rule_id, "
            "rule_version, method, observed, cases, deaths, data_version, state, detected_at, "
            "sent_at, repeats, updated_at, version) VALUES (?, '32010220260301001', "
            "'STATISTICAL', '320102', 'measles', ?, '', 'r', 1, 'EARS_C2', 7, 7, 0, '7', 'SENT', "
            "'2026-03-01T16:00:00Z', '2026-03-02T00:00:00Z', 0, '2026-03-01T16:00:00Z', 1)",
            (first_id("320100") + 1_000_000, _DAY),
        )
    with serving(own, counted=True) as made:
        yield made


def fetch(gateway: Gateway, name: str, who: str | None = CITY) -> httpx.Response:
    return gateway.client.get(f"/signal-reports/{name}", headers=gateway.headers(who))


def test_a_city_prints_its_signals_and_that_is_logged(gateway: Gateway) -> None:
    response = fetch(gateway, f"320100/week/{_DAY}.pdf")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/pdf"
    name = f"signals-320100-week-{_DAY}.pdf"
    assert response.headers["content-disposition"] == f'attachment; filename="{name}"'
    pages = PdfReader(io.BytesIO(response.content)).pages
    text = "".join("".join(page.extract_text().split()) for page in pages)
    assert "传染病自动预警信号周报" in text
    assert "南京市2026-02-23至2026-03-01" in text
    assert "麻疹" in text
    assert CITY in text
    (entry,) = gateway.demo.entries(request=response.headers["x-request-id"])
    assert (entry["operation"], entry["module"]) == ("print signalReport", "print")
    assert entry["result"] == "OK"
    assert entry["what"]["regions"] == {"320100": "ANSWERED"}


@pytest.mark.parametrize(("ending", "words"), [("html", "预警信号数"), ("en.html", "Signals")])
def test_as_html_in_both_languages(gateway: Gateway, ending: str, words: str) -> None:
    response = fetch(gateway, f"000000/month/{_DAY}.{ending}", "national")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "sandbox" in response.headers["content-security-policy"]
    assert words in response.text
    assert "<svg" in response.text


@pytest.mark.parametrize(
    ("name", "who", "status"),
    [
        (f"320100/week/{_DAY}.pdf", None, 401),
        (f"320100/week/{_DAY}.pdf", "auditor", 403),
        (f"320100/week/{_DAY}.pdf", "reporter-320102-1", 403),
        (f"320100/week/{_DAY}.pdf", COUNTY, 403),
        (f"320102/week/{_DAY}.html", COUNTY, 200),
        (f"320200/week/{_DAY}.pdf", CITY, 403),
        ("320100/week/2026-02-30.pdf", CITY, 404),
        ("320100/week/0001-01-01.pdf", CITY, 404),
        (f"320100/hour/{_DAY}.pdf", CITY, 404),
        (f"3201/week/{_DAY}.pdf", CITY, 404),
        (f"320100/week/{_DAY}.xlsx", CITY, 404),
        (f"320100/week/{_DAY}.pdf/", CITY, 404),
    ],
)
def test_who_gets_what(gateway: Gateway, name: str, who: str | None, status: int) -> None:
    assert fetch(gateway, name, who).status_code == status


def test_what_is_refused_is_logged(gateway: Gateway) -> None:
    refused = fetch(gateway, f"320200/week/{_DAY}.pdf")
    (entry,) = gateway.demo.entries(request=refused.headers["x-request-id"])
    assert (entry["operation"], entry["result"]) == ("print signalReport", "FORBIDDEN")
    headers = gateway.headers(CITY)
    assert (
        gateway.client.post(f"/signal-reports/320100/week/{_DAY}.pdf", headers=headers).status_code
        == 405
    )


def test_the_command_writes_it(gateway: Gateway, tmp_path: Path) -> None:
    to = tmp_path / "report.pdf"
    words = ["report", "signals", "--area", "320100", "--date", _DAY, "--to", str(to)]
    words += ["--url", gateway.url, "--config", str(gateway.demo.folder / "config.toml")]
    done = warm.run(*words)
    assert done.returncode == 0, done.stderr
    assert to.read_bytes().startswith(b"%PDF")
    assert "written" in done.stdout
    again = warm.run(*words)  # without signing in: what is there is left alone
    assert again.returncode == 1
    assert "is there already" in again.stderr
    other = tmp_path / "other.html"
    of_county = [*words, "--account", COUNTY, "--to", str(other)]
    refused = warm.run(*of_county)
    assert refused.returncode == 1
    assert "FORBIDDEN" in refused.stderr
    assert not other.exists()
    wrong = warm.run(*words, "--to", str(tmp_path / "report.doc"))
    assert (wrong.returncode, "INVALID_INPUT" in wrong.stderr) == (1, True)
