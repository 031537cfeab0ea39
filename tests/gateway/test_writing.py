"""Mutations over HTTP: what the access log holds of them, and that nothing answers without it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

import httpx
import orjson
from sqlalchemy import Connection, insert

from gateway.access_log import read_entries
from gateway.accounts import Account
from gateway.config import Config
from gateway.http import make_app
from gateway.sessions import Sessions
from regions.engines import sqlite_engine
from regions.users import accounts
from resolvers.users import Role
from tests.resolvers.writing.making import DOCUMENTS, case_input, person

DOCTOR = Account(
    "doctor", "王芳", Role.DIRECT_REPORTER, "hospital-320102-1", "测试医院", "HOSPITAL", "320102"
)


async def sign_in(config: Config) -> str:
    """The token of a new session of the doctor's."""
    engine = sqlite_engine(str(config.central_store))
    sessions = Sessions(engine, config.central_store, idle_seconds=1800, longest_seconds=43_200)
    row = {name: value for name, value in asdict(DOCTOR).items() if value is not None}
    row |= {"role": DOCTOR.role.name, "state": DOCTOR.state.name}

    def work(connection: Connection) -> str:
        values = row | {"created_at": "2026-01-01T00:00:00Z", "password_hash": "none"}
        connection.execute(insert(accounts).values(values))
        return sessions.insert(connection, DOCTOR.account).token

    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


@asynccontextmanager
async def serving(config: Config) -> AsyncIterator[httpx.AsyncClient]:
    """The gateway in this process, asked as the doctor."""
    token = await sign_in(config)
    app: Any = make_app(config)
    to_app: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    from_app: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    running = asyncio.create_task(app({"type": "lifespan"}, to_app.get, from_app.put))
    await to_app.put({"type": "lifespan.startup"})
    assert (await from_app.get())["type"] == "lifespan.startup.complete"
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://t", headers=headers) as one:
        yield one
    await to_app.put({"type": "lifespan.shutdown"})
    await running


async def register(client: httpx.AsyncClient, given: dict[str, Any]) -> httpx.Response:
    body = {"query": DOCUMENTS["registerCase"], "variables": {"input": given}}
    return await client.post("/graphql", content=orjson.dumps(body))


def test_a_mutation_is_logged_with_what_it_wrote_and_no_private_value(
    ready_config: Config,
) -> None:
    secret = person(name="欧阳机密")
    given = case_input(person=secret)

    async def run() -> None:
        async with serving(ready_config) as client:
            first = await register(client, given)
            case = first.json()["data"]["registerCase"]["case"]
            assert case["name"] == "欧阳机密"
            again = await register(client, given)
            assert again.json()["data"]["registerCase"]["repeated"] is True
            conflict = await register(client, {**given, "disease": "influenza"})
            assert conflict.status_code == 200

    asyncio.run(run())
    entries = list(read_entries(ready_config.log_store))
    first, again, conflict = (entry["what"] for entry in entries)
    assert {kind: len(ids) for kind, ids in first["wrote"].items()} == {"person": 32, "case": 32}
    assert first["problems"] == []
    assert "wrote" not in again
    assert conflict["problems"] == ["IDEMPOTENCY_CONFLICT"]
    for value in secret.values():
        assert value not in str(entries)


def test_a_write_that_could_not_be_logged_is_not_begun(
    ready_config: Config,
) -> None:
    given = case_input()
    log = ready_config.log_store
    away = log.with_suffix(".away")

    async def run() -> None:
        async with serving(ready_config) as client:
            log.rename(away)
            refused = await register(client, given)
            assert refused.status_code == 503
            assert "data" not in refused.json()
            away.rename(log)
            again = await register(client, given)
            assert again.json()["data"]["registerCase"]["repeated"] is False

    asyncio.run(run())
