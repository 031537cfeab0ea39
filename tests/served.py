"""A small demo served by a process of its own, as operators do: `epigate demo`, `epigate serve`.

`Demo` is a folder made once a session; tests that change anything take a copy. `Gateway` is a
server over one, asked with httpx. Every server is stopped at the end, whatever happened.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import Connection, func, insert, select, update

from gateway.accounts import disable_account
from gateway.config import Config, load_config
from gateway.sessions import Sessions
from gateway.sign_in.factors import Factors
from gateway.sign_in.totp import new_secret
from regions.engines import sqlite_engine
from regions.instants import instant
from regions.keys import load_keys
from regions.sealing import Sealer
from regions.users import accounts, sessions
from resolvers.central import COUNTRY
from tests import warm

__all__ = ["BROAD", "PEOPLE", "Demo", "Gateway", "make_demo", "never_idle", "serving"]

PEOPLE = 800  # the fewest a demo has: some 80 cases and 250 contacts
BROAD = "national"  # the account that sees every region
_ROOT = Path(__file__).parent.parent
_SECONDS = 60.0


@dataclass(frozen=True)
class Demo:
    """A demo's folder: its accounts as in `demo-accounts.json`, and a token of each."""

    folder: Path
    accounts: Mapping[str, Mapping[str, str]]
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Config:
        """Its configuration."""
        return load_config(self.folder / "config.toml")

    def copied(self, to: Path, **settings: int) -> Demo:
        """A copy of the folder; its tokens hold there too. `settings` are keys of config.toml."""
        shutil.copytree(self.folder, to, dirs_exist_ok=True)
        if settings:
            self._set(to / "config.toml", settings)
        return Demo(to, self.accounts, dict(self.tokens))

    def account_of(self, *words: str) -> str:
        """The account whose role has all these words."""
        for name, account in self.accounts.items():
            if all(word in account["role"] for word in words):
                return name
        raise LookupError(f"no account of the role {' '.join(words)}")

    def region(self, code: str) -> Path:
        """The store of a region (six digits)."""
        return self.folder / "data" / "regions" / f"{code}.db"

    def count(self, table: str, where: str = "1") -> int:
        """The rows of a table in all regions' stores."""
        total = 0
        for region in self.config.regions:
            with closing(sqlite3.connect(str(region.path))) as store:
                (found,) = store.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()
                total += found
        return total

    def central(self, work: Callable[[Connection, Sessions], Any]) -> Any:
        """What `work` returns, done in one transaction of the gateway's own store."""

        async def run() -> Any:
            config = self.config
            engine = sqlite_engine(str(config.central_store))
            opener = Sessions(
                engine, config.central_store, idle_seconds=1800, longest_seconds=43_200
            )
            try:
                async with engine.begin() as connection:
                    return await connection.run_sync(work, opener)
            finally:
                await engine.dispose()

        return asyncio.run(run())

    def open_sessions(self, *names: str) -> list[str]:
        """New sessions of accounts, without the time a password takes; their tokens."""

        def work(connection: Connection, sessions: Sessions) -> list[str]:
            return [sessions.insert(connection, name, second_factor="TOTP").token for name in names]

        tokens: list[str] = self.central(work)
        return tokens

    def end_session(self, token: str, **columns: str) -> None:
        """Sets columns of a session's row, as time would have."""
        found = hashlib.sha256(token.encode()).hexdigest()

        def work(connection: Connection, _: Sessions) -> None:
            ended = update(sessions).where(sessions.c.token_hash == found).values(**columns)
            assert connection.execute(ended).rowcount == 1

        self.central(work)

    def add_account(self, name: str, like: str, **columns: str | None) -> None:
        """An account with the password and the columns of another, but for those given."""

        def work(connection: Connection, _: Sessions) -> None:
            known = connection.execute(select(accounts).where(accounts.c.account == like))
            row = dict(known.mappings().one())
            last = connection.execute(select(func.max(accounts.c.id))).scalar_one()
            own = {"id": last + 1, "account": name}
            connection.execute(insert(accounts).values({**row, **own, **columns}))

        self.central(work)

    def recovery_codes(self, account: str) -> list[str]:
        """New recovery codes of an account, each good once, beside a code generator of its own."""
        config = self.config
        factors = Factors(Sealer(load_keys(config.keys).sealing, COUNTRY))

        def work(connection: Connection, _: Sessions) -> list[str]:
            factors.set_totp(connection, account, new_secret(), time.time())
            return factors.new_codes(connection, account, time.time())

        codes: list[str] = self.central(work)
        return codes

    def disable(self, account: str) -> None:
        """Disables an account, as an administrator does."""
        self.central(lambda connection, _: disable_account(connection, account))

    def entries(self, **wanted: str) -> list[dict[str, Any]]:
        """The access log's entries of which all of these columns or parts are so."""
        with closing(sqlite3.connect(self.config.log_store)) as log:
            rows = log.execute("SELECT entry FROM entries ORDER BY number").fetchall()
        found = [orjson.loads(row[0]) for row in rows]
        return [one for one in found if all(one.get(k) == v for k, v in wanted.items())]

    @staticmethod
    def _set(file: Path, settings: Mapping[str, int]) -> None:
        sections = {
            "deadline_ms": "questions",
            "depth_max": "questions",
            "body_max_bytes": "questions",
            "records_max": "questions",
            "tokens_max": "questions",
            "remember_mb": "questions",
            "breaker_failures": "stores",
            "breaker_seconds": "stores",
            "approval_rows": "exports",
            "attempts": "sign_in",
            "heartbeat_seconds": "access_log",
            "sides_seconds": "access_log",
            "check_seconds": "access_log",
            "duplicate_candidates": "questions",
            "reveal_records": "alarms",
            "off_hours_from": "alarms",
            "off_hours_to": "alarms",
            "refusals": "alarms",
            "near_candidates": "alarms",
            "sockets": "subscriptions",
            "waiting": "subscriptions",
            "waiting_most": "subscriptions",
            "each": "subscriptions",
        }
        lines = file.read_text("utf-8").splitlines()
        for key, value in settings.items():
            lines = [line for line in lines if not line.startswith(f"{key} =")]
            head = f"[{sections[key]}]"
            if head not in lines:
                lines[lines.index("[questions]") : lines.index("[questions]")] = [head, ""]
            lines.insert(lines.index(head) + 1, f"{key} = {value}")
        file.write_text("\n".join(lines) + "\n", "utf-8")


class Gateway:
    """A running `epigate serve`."""

    def __init__(self, demo: Demo, process: warm.Process, url: str) -> None:
        self.demo, self.process, self.url = demo, process, url
        self.client = httpx.Client(base_url=url, timeout=_SECONDS)
        self.said: list[str] = []  # lines it wrote as errors
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def headers(self, who: str | None = BROAD, **more: str) -> dict[str, str]:
        """The headers of a question of an account (None: without a token)."""
        found = {"content-type": "application/json", **more}
        if who is not None:
            found.setdefault("authorization", f"Bearer {self.demo.tokens.get(who, who)}")
        return found

    def ask(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        who: str | None = BROAD,
        **more: Any,
    ) -> httpx.Response:
        """The response to a question of an account; `who` may be a token, too."""
        body: dict[str, Any] = {"query": query, **more}
        if variables is not None:
            body["variables"] = variables
        return self.send(json.dumps(body).encode(), who=who)  # orjson writes nothing so deep

    def send(self, body: bytes, *, who: str | None = BROAD, **headers: str) -> httpx.Response:
        """The response to a body."""
        return self.client.post("/graphql", content=body, headers=self.headers(who, **headers))

    def data(
        self, query: str, variables: Mapping[str, Any] | None = None, *, who: str = BROAD
    ) -> Any:
        """The data of an answer without errors."""
        response = self.ask(query, variables, who=who)
        found = response.json()
        assert response.status_code == 200, found
        assert "errors" not in found, found["errors"]
        return found["data"]

    def entry(self, response: httpx.Response) -> dict[str, Any]:
        """The one entry of the access log that tells of a response."""
        (found,) = self.demo.entries(request=response.headers["x-request-id"])
        return found

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ends it by a signal; its exit code."""
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._listening.join(_SECONDS)
        for stream in (self.process.stdout, self.process.stderr):
            stream.close()
        return self.process.wait()

    def _listen(self) -> None:
        self.said.extend(self.process.stderr)


def make_demo(folder: Path) -> Demo:
    """Makes the demo, with a session of every account.

    Its lines are counted by `test_demo_command.py`, not here, where they take twice as long.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(_ROOT / "config.toml", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        made = warm.run(
            *("demo", "--config", str(folder / "config.toml"), "--people", str(PEOPLE)),
            *("--years", "1", "--seed", "7", "--until", "2026-11-22"),
            *("--no-exchange", "--no-serve"),
        )
    assert made.returncode == 0, made.stderr
    found = json.loads((folder / "data" / "demo-accounts.json").read_text("utf-8"))
    demo = Demo(folder, {one["account"]: one for one in found})
    demo.tokens.update(zip(demo.accounts, demo.open_sessions(*demo.accounts), strict=True))
    demo.central(lambda connection, _: never_idle(connection))
    return demo


def never_idle(connection: Connection) -> None:
    """Lets no idle time end the sessions there are, nor their proofs grow old: a whole run may take
    longer than that.
    """
    later = instant(time.time() + 10 * 3_600)
    connection.execute(update(sessions).values(last_seen_at=later, proved_at=later))


@contextmanager
def serving(
    demo: Demo, *, workers: int = 1, before: str = "", counted: bool = False
) -> Iterator[Gateway]:
    """A server over the demo on a free port. `before` is Python run in its process at first.

    Its lines are counted only where that is said: each area has one server that is, and those of
    single tests run the same lines again.
    """
    with pytest.MonkeyPatch.context() as patch:
        if not counted:
            patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        process = warm.start(
            *("serve", "--config", str(demo.folder / "config.toml"), "--port", "0"),
            *("--workers", str(workers)),
            before=before,
        )
    line = process.stdout.readline()
    url = next((word for word in line.split() if word.startswith("http")), "")
    gateway = Gateway(demo, process, url or "http://127.0.0.1:9")
    try:
        assert url, f"it does not serve: {gateway.stop()} {''.join(gateway.said)}"
        yield gateway
    finally:
        gateway.stop()
