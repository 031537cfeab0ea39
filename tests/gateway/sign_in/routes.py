"""The routes of signing in over a store that tests can look into, with a clock they turn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from argon2 import PasswordHasher
from starlette.applications import Starlette

from gateway.access_log import AccessLog, read_entries
from gateway.sign_in import SignIn
from gateway.strangers import Strangers
from tests.gateway.central_store import PASSWORD, World

ATTEMPTS = 3
LOCK = 900.0


class Gateway:
    """A worker's two routes over a store that other workers may share."""

    def __init__(self, here: World) -> None:
        self.world = here
        self.log_path = here.path.with_name("access-log.db")
        self.log = AccessLog(self.log_path, bytes(32))
        self.sessions = here.worker()
        self.strangers = Strangers(10_000, here.clock)
        self.sign_in = SignIn(
            here.engine,
            self.sessions,
            self.log,
            here.sealer,
            attempts=ATTEMPTS,
            lock_seconds=LOCK,
            clock=here.clock,
            strangers=self.strangers,
            url="https://gateway.example.org",
            token_seconds=900,
        )
        self.app = Starlette(routes=self.sign_in.routes)

    async def post(
        self, path: str, body: Any = None, *, address: str = "192.0.2.1", **more: Any
    ) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.post(path, **({} if body is None else {"json": body}), **more)

    async def ask(
        self,
        account: object = "nanjing",
        password: object = PASSWORD,
        address: str = "192.0.2.1",
        **more: object,
    ) -> httpx.Response:
        return await self.post(
            "/sign-in", {"account": account, "password": password, **more}, address=address
        )

    async def get(self, path: str, headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, client=("192.0.2.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.get(path, headers=headers)

    async def delete(self, path: str, headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, client=("192.0.2.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.delete(path, headers=headers)

    async def sign_out(self, token: str) -> httpx.Response:
        return await self.post("/sign-out", headers={"authorization": f"Bearer {token}"})

    def logged(self) -> list[tuple[str, str, str]]:
        return [
            (entry["operation"], entry["account"], entry["result"])
            for entry in read_entries(self.log_path)
        ]


@asynccontextmanager
async def gateway(here: World) -> AsyncIterator[Gateway]:
    made = Gateway(here)
    try:
        yield made
    finally:
        made.sign_in.close()
        await made.log.close()


Run = Callable[[Callable[[Gateway], Awaitable[None]]], None]
QUICK = PasswordHasher(time_cost=1, memory_cost=1_024, parallelism=1)


def code(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["code"])
