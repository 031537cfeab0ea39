from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pyotp
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine

from gateway.sign_in.factors import RECOVERY_CODES, Factors
from gateway.sign_in.totp import new_secret
from regions.sealing import Sealer
from resolvers.central import COUNTRY
from tests.gateway.central_store import START, World, world
from tests.stores import declared_central

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
FACTORS = Factors(Sealer(b"s" * 32, COUNTRY))


def code_at(offset: float) -> str:
    return pyotp.TOTP(SECRET).at(int(START + offset))


def run(folder: Path, body: Callable[[World], Awaitable[None]]) -> None:
    async def main() -> None:
        async with world(folder) as here:
            await here.do(FACTORS.set_totp, "nanjing", SECRET, START)
            await body(here)

    asyncio.run(main())


def content(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def take(connection: object, code: str, now: float) -> bool:
    """Looks at a code and uses it up, as a sign-in does."""
    checked = FACTORS.check(connection, "nanjing", code, now)  # type: ignore[arg-type]  # wrong or wider on purpose
    return bool(checked.factor) and FACTORS.use(connection, "nanjing", checked, now)  # type: ignore[arg-type]  # wrong or wider on purpose


def test_a_code_is_good_once(tmp_path: Path) -> None:
    async def body(here: World) -> None:
        assert await here.do(take, code_at(0), START)
        assert not await here.do(take, code_at(0), START)
        assert not await here.do(take, code_at(-30), START)  # nor one before it
        assert await here.do(take, code_at(30), START)
        assert not await here.do(take, code_at(0), START + 20)

    run(tmp_path, body)


def test_a_reset_forgets_the_secret_and_not_the_steps(tmp_path: Path) -> None:
    async def body(here: World) -> None:
        assert await here.do(take, code_at(0), START)
        codes = await here.do(FACTORS.new_codes, "nanjing", START)
        await here.do(FACTORS.reset, "nanjing", START)
        assert not (await here.do(FACTORS.check, "nanjing", code_at(30), START)).enrolled
        assert not await here.do(take, codes[0], START)
        await here.do(FACTORS.set_totp, "nanjing", SECRET, START)
        assert not await here.do(take, code_at(0), START)
        assert await here.do(take, code_at(30), START)

    run(tmp_path, body)


def test_recovery_codes_are_good_once_each_however_typed(tmp_path: Path) -> None:
    async def body(here: World) -> None:
        codes = await here.do(FACTORS.new_codes, "nanjing", START)
        assert len(set(codes)) == RECOVERY_CODES
        assert await here.do(take, f" {codes[0].upper().replace('-', ' ')} ", START)
        assert not await here.do(take, codes[0], START)
        assert await here.do(take, codes[1], START)
        assert await here.do(FACTORS.codes_left, "nanjing") == RECOVERY_CODES - 2
        new = await here.do(FACTORS.new_codes, "nanjing", START)
        assert not await here.do(take, codes[2], START)
        assert await here.do(take, new[2], START)
        assert not (await here.do(FACTORS.check, "other", new[3], START)).factor

    run(tmp_path, body)


def test_a_secret_is_in_force_once_confirmed(tmp_path: Path) -> None:
    async def body(here: World) -> None:
        other = new_secret()
        assert not await here.do(FACTORS.confirm_totp, "nanjing", code_at(0), START)
        await here.do(FACTORS.begin_totp, "nanjing", other, START)
        assert not await here.do(FACTORS.confirm_totp, "nanjing", "000000", START)
        assert await here.do(take, code_at(0), START)  # the one before is still in force
        later = START + 60
        assert await here.do(
            FACTORS.confirm_totp, "nanjing", pyotp.TOTP(other).at(int(later)), later
        )
        assert not await here.do(take, code_at(90), later)
        assert await here.do(take, pyotp.TOTP(other).at(int(later) + 30), later)

    run(tmp_path, body)


def test_no_secret_and_no_code_stands_in_the_store(tmp_path: Path) -> None:
    async def body(here: World) -> None:
        pending = new_secret()
        await here.do(FACTORS.begin_totp, "nanjing", pending, START)
        codes = await here.do(FACTORS.new_codes, "nanjing", START)
        stored = content(tmp_path)
        assert b"second_factors" in stored
        for secret in (SECRET, pending, *codes, *(code.replace("-", "") for code in codes)):
            assert secret.encode() not in stored

    run(tmp_path, body)


def test_a_key_that_was_retired_refuses_nobody_otherwise(tmp_path: Path) -> None:
    async def body(here: World) -> None:
        one = Factors(here.sealer)
        one._nobody = Factors(Sealer(b"older" + bytes(27), COUNTRY))._nobody
        assert not (await here.do(one.check, "nobody", "123456", START)).factor

    run(tmp_path, body)


# Every worker at once -------------------------------------------------------------------------


def engine_of(path: Path) -> Engine:
    """As each worker opens the store: every transaction begins as a writer."""
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _begin(connection: object) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # type: ignore[attr-defined]  # known to have it here

    return engine


@settings(max_examples=8, deadline=None)
@given(
    offsets=st.lists(st.sampled_from([-60, -30, 0, 30, 60]), min_size=2, max_size=12),
    clocks=st.lists(st.integers(-20, 20), min_size=3, max_size=3),
)
def test_no_step_is_accepted_twice_by_workers_at_once(
    offsets: list[int], clocks: list[int], tmp_path_factory: object
) -> None:
    """Whatever codes come to whatever worker in whatever order, each step is taken once at most."""
    folder = tmp_path_factory.mktemp("replay")  # type: ignore[attr-defined]  # known to have it here
    path = declared_central(folder / "gateway.db")
    first = engine_of(path)
    with first.begin() as connection:
        FACTORS.set_totp(connection, "nanjing", SECRET, START)
    first.dispose()

    def worker(clock: int) -> list[int]:
        engine = engine_of(path)
        taken = []
        for offset in offsets:
            with engine.begin() as connection:
                now = START + clock
                checked = FACTORS.check(connection, "nanjing", code_at(offset), now)
                if checked.factor and FACTORS.use(connection, "nanjing", checked, now):
                    taken.append(checked.step)
        engine.dispose()
        return taken

    with ThreadPoolExecutor(3) as pool:
        taken = [step for steps in pool.map(worker, clocks) for step in steps]
    assert len(taken) == len(set(taken))
    with closing(sqlite3.connect(path)) as store:
        [(last,)] = store.execute("SELECT last_step FROM second_factors").fetchall()
    assert last == max(taken, default=0)


def test_one_of_many_gets_the_step_even_from_a_stale_look(tmp_path: Path) -> None:
    """What two workers saw unused, one of them uses: the statement itself decides."""

    async def body(here: World) -> None:
        seen = [await here.do(FACTORS.check, "nanjing", code_at(0), START) for _ in range(3)]
        used = [await here.do(FACTORS.use, "nanjing", one, START) for one in seen]
        assert used == [True, False, False]
        codes = await here.do(FACTORS.new_codes, "nanjing", START)
        seen = [await here.do(FACTORS.check, "nanjing", codes[0], START) for _ in range(3)]
        used = [await here.do(FACTORS.use, "nanjing", one, START) for one in seen]
        assert used == [True, False, False]

    run(tmp_path, body)
