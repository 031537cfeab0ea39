"""`/metrics`: what every worker counts, added up, and how the regions' stores stand."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.access_log.opening import open_access_log
from gateway.metrics.serving import Metrics
from regions.keys import load_keys
from resolvers.writing.stores import Stores
from tests.served import PEOPLE, Demo, Gateway, serving
from tests.stores import noticed

_SECONDS = 30.0


@pytest.fixture
def measured(demo: Demo, tmp_path: Path) -> Demo:
    """A copy of the demo whose gateway answers `/metrics`."""
    own = demo.copied(tmp_path / "measured", deadline_ms=20_000)
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    file = own.folder / "config.toml"
    file.write_text(file.read_text("utf-8") + f"\n[metrics]\nport = {port}\n", "utf-8")
    return own


def _text(demo: Demo) -> str:
    answer = httpx.get(f"http://127.0.0.1:{demo.config.metrics_port}/metrics", timeout=_SECONDS)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return answer.text


def _numbers(demo: Demo) -> dict[tuple[str, ...], float]:
    """Every number by its name and the values of its labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(_text(demo))
        for sample in family.samples
    }


def _ask(gateway: Gateway, times: int, who: str, query: str) -> None:
    for _ in range(times):  # a connection each: they go to different workers
        httpx.post(
            f"{gateway.url}/graphql",
            json={"query": query},
            headers=gateway.headers(who),
            timeout=_SECONDS,
        )


def test_the_counts_of_several_workers_add_up(measured: Demo) -> None:
    with serving(measured, workers=3) as gateway:
        _ask(gateway, 17, "national", "{ contacts(first: 1) { edges { node { id name } } } }")
        _ask(gateway, 5, "auditor", "{ contacts(first: 1) { edges { node { id } } } }")
        for _ in range(4):
            wrong = {"account": "national", "password": "not the password"}
            httpx.post(f"{gateway.url}/sign-in", json=wrong, timeout=_SECONDS)
        for _ in range(3):  # whichever worker is asked
            found = _numbers(measured)
            assert found["epigate_answers_total", "query", "OK"] == 17
            assert found["epigate_answers_total", "query", "FORBIDDEN"] == 5
            assert found["epigate_sign_ins_total", "signIn", "REFUSED"] == 4
        assert found["epigate_log_size",] >= 26
        assert found["epigate_log_newest_seconds",] < 3_600
    assert sum(1 for one in (measured.config.data / "metrics").iterdir() if one.is_file()) > 1


def test_how_the_regions_stand(measured: Demo) -> None:
    away, waits = measured.config.regions[0], measured.config.regions[1]
    with closing(sqlite3.connect(str(waits.path))) as store:
        store.execute(
            "INSERT INTO post_outbox (id, seq, topic, subject, to_region, body, hash, trace, "
            "created_at, attempts, last_error) VALUES ('x', 1, 'transfer.x', 'x', ?, '{}', "
            "'h', '', '2026-01-01T00:00:00Z', 1, 'TOPIC_UNKNOWN')",
            (waits.code,),
        )
        store.commit()
    with serving(measured) as gateway:
        gateway.data("{ me { role } }")
        assert away.path is not None
        moved = away.path.with_suffix(".away")
        away.path.rename(moved)
        noticed()
        found = _numbers(measured)
        moved.rename(away.path)
    up = {key[1]: value for key, value in found.items() if key[0] == "epigate_region_up"}
    assert up == {one.code: float(one.code != away.code) for one in measured.config.regions}
    assert found["epigate_post_waiting", waits.code] == 1
    assert found["epigate_post_failing", waits.code] == 1
    assert found["epigate_post_oldest_seconds", waits.code] > 86_400
    assert found["epigate_region_fenced", waits.code] == 0
    assert found["epigate_custody_state_people", waits.code, "HANDED"] == 0


def test_what_the_comparison_of_all_stores_says_becomes_numbers(measured: Demo) -> None:
    config = measured.config
    keys = load_keys(config.keys)

    async def numbers() -> dict[str, float]:
        log, stores = open_access_log(config, keys), Stores(config.regions, keys)
        metrics = Metrics(config, stores, log)
        try:
            await metrics.compare()
            await metrics.compare()  # it is not time yet
            text = (await metrics.text()).decode()
        finally:
            await stores.close()
            await log.close()
        return {
            sample.name: sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if not sample.labels
        }

    found = asyncio.run(numbers())
    assert found["epigate_custody_people"] == PEOPLE
    assert found["epigate_custody_findings"] == found["epigate_custody_regions_missing"] == 0
    with closing(sqlite3.connect(measured.region("320100"))) as store:
        (one,) = store.execute("SELECT id FROM people LIMIT 1").fetchone()
        store.execute("UPDATE people SET kept_in = '320200' WHERE id = ?", (one,))
        store.commit()
    assert asyncio.run(numbers())["epigate_custody_findings"] > 0


def test_no_number_is_of_a_person_or_an_account(measured: Demo) -> None:
    """Labels are regions, kinds, states and codes; what a client writes is none of them."""
    with serving(measured) as gateway:
        for name in ("Secret_13800000000", "王芳"):
            query = f"query {name} {{ me {{ account }} }}"
            _ask(gateway, 1, "national", query)
        _ask(gateway, 1, "national", "{ contacts(first: 1) { edges { node { id name } } } }")
        text = _text(measured)
        away = httpx.get(f"{gateway.url}/metrics", timeout=_SECONDS)
        assert (away.status_code, "epigate_" in away.text) == (404, False)
        other = f"http://127.0.0.1:{measured.config.metrics_port}"
        assert httpx.get(f"{other}/graphql", timeout=_SECONDS).status_code == 404
        assert httpx.post(f"{other}/metrics", timeout=_SECONDS).status_code == 405
    for word in ("Secret", "王芳", "national", "contacts", "138", *measured.accounts):
        assert word not in text, word
