"""Whether the time of a refused sign-in tells why it was refused (leak channel 34).

Every cause in turn, in an order by chance, against a store of its own by the gateway's own routes,
with argon2id as it is served. Of each cause the distribution is compared with that of an unknown
account by the rank-sum test (Mann and Whitney): no number of attempts that a lock allows could tell
two apart whose difference many hundreds do not show.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import httpx
import pyotp
import typer
from sqlalchemy import Connection
from starlette.applications import Starlette

from bench.report import Sheet, show
from gateway.access_log import AccessLog
from gateway.accounts import Account, create_account, disable_account
from gateway.sessions import Sessions
from gateway.sign_in import SignIn
from gateway.sign_in.factors import Factors
from gateway.strangers import Strangers
from regions.engines import sqlite_engine
from regions.migrating import migrate_central
from regions.sealing import Sealer
from resolvers.central import COUNTRY
from resolvers.users import Role

__all__ = ["WORST", "main", "rank_sum"]

PASSWORD = "correct horse battery staple 7"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
WORST = 4.0
"""Standard deviations from no difference: less than one in 15,000 by chance."""

_WRONG = {"password": "wrong horse battery staple 7"}
_CAUSES: Mapping[str, Mapping[str, str]] = {
    "unknown account": {"account": "nobody", "password": PASSWORD},
    "unknown account, code": {"account": "nobody", "password": PASSWORD, "code": "000000"},
    "wrong password": {"account": "plain", **_WRONG},
    "wrong password, factor": {"account": "coded", **_WRONG, "code": "000000"},
    "no code": {"account": "coded", "password": PASSWORD},
    "wrong code": {"account": "coded", "password": PASSWORD, "code": "000000"},
    "used code": {"account": "coded", "password": PASSWORD, "code": "used"},
    "disabled account": {"account": "disabled", "password": PASSWORD},
}


def rank_sum(ours: Sequence[float], others: Sequence[float]) -> float:
    """How many standard deviations the ranks of ours lie from those of no difference."""
    ranked = sorted([(value, True) for value in ours] + [(value, False) for value in others])
    total = sum(rank for rank, (_, own) in enumerate(ranked, 1) if own)
    one, two = len(ours), len(others)
    expected = one * (one + two + 1) / 2
    return (total - expected) / math.sqrt(one * two * (one + two + 1) / 12)


def main(arguments: Sequence[str]) -> None:
    """`python -m bench sign-in`: prints the table; the exit code is 1 where a time tells."""
    _app(list(arguments))


_app = typer.Typer(add_completion=False)


@_app.command()
def _run(
    times: Annotated[int, typer.Option(help="Attempts of each cause.")] = 300,
) -> None:
    """Whether the time of a refused sign-in tells why it was refused."""
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="epigate-bench-") as folder:
        taken = asyncio.run(_measure(Path(folder), times))
    first = taken["unknown account"]
    sheet = Sheet(
        "sign-in",
        f"Refused sign-ins, {times} of each",
        ("cause", "median ms", "90 % ms", "standard deviations from unknown account"),
    )
    told = False
    for cause, seconds in taken.items():
        away = rank_sum(seconds, first) if seconds is not first else 0.0
        told = told or abs(away) > WORST
        text = f"{away:+.1f}"
        ninth = statistics.quantiles(seconds, n=10)[-1]
        sheet.rows.append(
            (
                cause,
                f"{statistics.median(seconds) * 1000:.2f}",
                f"{ninth * 1000:.2f}",
                f"**{text}**" if abs(away) > WORST else text,
            )
        )
    show(sheet)
    if told:
        raise typer.Exit(1)


async def _measure(folder: Path, times: int) -> dict[str, list[float]]:
    path = folder / "gateway.db"
    await migrate_central(path)
    engine = sqlite_engine(str(path))
    sealer = Sealer(bytes(32), COUNTRY)
    factors, log = Factors(sealer), AccessLog(folder / "access-log.db", bytes(32))
    sessions = Sessions(engine, path, idle_seconds=1_800, longest_seconds=43_200)
    sign_in = SignIn(
        engine,
        sessions,
        log,
        sealer,
        attempts=1_000_000,
        lock_seconds=900,
        strangers=Strangers(1_000_000_000),
        url="http://gateway",
        token_seconds=900,
    )

    def prepare(connection: Connection) -> None:
        for name in ("plain", "coded", "disabled"):
            unit = ("cdc-000000", "中国疾病预防控制中心", "NATIONAL", "000000")
            account = Account(name, name, Role.UNIT_USER, *unit)
            create_account(connection, account, PASSWORD, given=False)
        factors.set_totp(connection, "coded", SECRET, time.time())
        factors.new_codes(connection, "coded", time.time())
        disable_account(connection, "disabled")

    async with engine.begin() as connection:
        await connection.run_sync(prepare)
    app = Starlette(routes=sign_in.routes)
    transport = httpx.ASGITransport(app, client=("192.0.2.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        used = pyotp.TOTP(SECRET).now()
        opened = await client.post(
            "/sign-in", json={"account": "coded", "password": PASSWORD, "code": used}
        )
        assert opened.status_code == 200, opened.text
        taken: dict[str, list[float]] = {cause: [] for cause in _CAUSES}
        for turn in range(times + 5):
            causes = list(_CAUSES)
            random.shuffle(causes)
            for cause in causes:
                body: dict[str, Any] = dict(_CAUSES[cause])
                if body.get("code") == "used":
                    body["code"] = used
                began = time.perf_counter()
                answer = await client.post("/sign-in", json=body)
                seconds = time.perf_counter() - began
                assert answer.status_code == 401, answer.text
                if turn >= 5:  # the first warm what is kept
                    taken[cause].append(seconds)
    sign_in.close()
    await log.close()
    await engine.dispose()
    return taken
