"""Some gateways over the same regions: their files, the accounts of officers and machines."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, update

from bench.breaking.gateways import Gateway
from bench.breaking.machines import AUDIENCE, Machine
from bench.data import build
from gateway.accounts import Account, create_account
from gateway.clients import add_client
from gateway.config import Config
from gateway.sessions import Sessions
from gateway.stores import migrate_stores
from regions.engines import sqlite_engine
from regions.ids import padded
from regions.instants import instant
from regions.users import sessions
from resolvers.users import Role

__all__ = ["COUNTIES", "Fleet", "People", "make_fleet"]

COUNTIES: Mapping[str, str] = {
    "320100": "320102",
    "320200": "320205",
    "320300": "320302",
    "320400": "320402",
    "320500": "320506",
}
"""Each region, and a county of it that people are offered to."""

_PASSWORD = "correct horse battery staple 7"


@dataclass(slots=True)
class People:
    """Who hands over, by region: a session of its officer, and its machine."""

    tokens: dict[str, str] = field(default_factory=dict, repr=False)
    machines: dict[str, Machine] = field(default_factory=dict)


class Fleet:
    """All gateways, the regions' files, and who works in each region."""

    def __init__(
        self, gateways: Sequence[Gateway], files: Mapping[str, Path], people: People
    ) -> None:
        self.gateways, self.files, self.people = gateways, files, people

    def homes(self) -> dict[int, str]:
        """Every person, and the region whose store has them."""
        found: dict[int, str] = {}
        for region, file in self.files.items():
            with closing(sqlite3.connect(file)) as store:
                found |= dict.fromkeys(
                    (row[0] for row in store.execute("SELECT id FROM people")), region
                )
        return found

    async def start(self) -> None:
        """Starts those that do not run; returns once all serve."""
        for one in self.gateways:
            if not one.up:
                one.start()
        for one in self.gateways:
            await one.serving()

    def stop(self) -> None:
        """Ends all."""
        for one in self.gateways:
            one.stop()

    @contextmanager
    def stopped(self) -> Iterator[bool]:
        """While nothing runs; says whether that was so within a moment."""
        going = [one for one in self.gateways if one.up and not one.paused]
        for one in going:
            one.signal(signal.SIGSTOP)
        try:
            until = time.monotonic() + 2.0
            while not (still := all(one.still() for one in self.gateways)):
                if time.monotonic() > until:
                    break
                time.sleep(0.001)
            yield still
        finally:
            for one in going:
                one.signal(signal.SIGCONT)

    def entries(self) -> Iterator[dict[str, Any]]:
        """The entries that the access logs have of the post."""
        for one in self.gateways:
            with closing(sqlite3.connect(one.config.log_store)) as log:
                rows = log.execute("SELECT entry FROM entries ORDER BY number").fetchall()
            for (entry,) in rows:
                found = orjson.loads(entry)
                if found.get("module") == "post":
                    yield found


def make_fleet(folder: Path, *, gateways: int = 3, each: int = 40, seed: int = 1) -> Fleet:
    """Makes five regions of so many people each, and gateways that share them; starts none."""
    data = build(folder / "made", len(COUNTIES), contacts_each=each, seed=seed)
    files = {}
    shared = folder / "regions"
    shared.mkdir()
    for prefix, made in zip(data.prefixes, data.stores, strict=True):
        files[padded(prefix)] = shared / made.name
        shutil.copyfile(made, shared / made.name)  # build leaves nothing in the log beside it
    ports = _free_ports(gateways)
    made_gateways: list[Gateway] = []
    people = People()
    for number, port in enumerate(ports):
        own = folder / f"gateway-{number}"
        (own / "data" / "regions").mkdir(parents=True)
        text = data.config(remember=True).read_text("utf-8")
        text = text.replace('keys = "keys"', f'keys = "{folder / "made" / "keys"}"')
        text = text.replace("[gateway]\n", f'[gateway]\nurl = "{AUDIENCE}"\n', 1)
        text += (
            f'\n[access_log]\norigin = "gateway-{number}"\n'
            "\n[sessions]\nidle_minutes = 600\n"
            "\n[clients]\ntoken_minutes = 600\n"
            "\n[stores]\nbreaker_seconds = 1\n"
        )
        (own / "config.toml").write_text(text, "utf-8")
        gateway = Gateway(own, port)
        gateway.put_clock(0.0)
        for region, file in files.items():
            gateway.link(region, file)
        if number == 0:
            asyncio.run(migrate_stores(gateway.config))
            people = asyncio.run(_people(gateway.config))
        else:  # the same accounts and sessions are there, and a log of its own, as empty
            for mine, first in zip(
                (gateway.config.central_store, gateway.config.log_store),
                (made_gateways[0].config.central_store, made_gateways[0].config.log_store),
                strict=True,
            ):
                with closing(sqlite3.connect(first)) as store:
                    store.execute("VACUUM INTO ?", (str(mine),))
        made_gateways.append(gateway)
    return Fleet(made_gateways, files, people)


async def _people(config: Config) -> People:
    """An officer of each region, with a session that no jump of a clock ends, and its machine."""
    engine = sqlite_engine(str(config.central_store))
    opener = Sessions(engine, config.central_store, idle_seconds=36_000, longest_seconds=43_200)

    def work(connection: Connection) -> People:
        found = People()
        for region in COUNTIES:
            name, unit = f"officer-{region}", (f"cdc-{region}", f"{region} CDC", "CITY", region)
            officer = Account(name, name, Role.UNIT_USER, *unit)
            create_account(connection, officer, _PASSWORD, given=False)
            found.tokens[region] = opener.insert(connection, name, second_factor="TOTP").token
            machine = found.machines[region] = Machine(f"system-{region}", region)
            account = Account(machine.account, machine.account, Role.REGIONAL_SYSTEM, *unit)
            create_account(connection, account, _PASSWORD)
            add_client(
                connection,
                machine.account,
                jwks=machine.jwks,
                regions=[region],
                actions=["TRANSFER"],
            )
        later = instant(time.time() + 7 * 3_600)
        connection.execute(update(sessions).values(last_seen_at=later))
        return found

    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens at now; each is bound again whenever its gateway starts."""
    open_ = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in open_]
    for one in open_:
        one.close()
    return ports
