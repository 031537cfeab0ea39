"""Identical data for every server: regions, their stores and keys, the configuration.

Everything but nonces and keys follows from the seed. People are impossible people: their ID
numbers carry the province code 99, their phone numbers begin with 100.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, create_engine

from gateway.accounts import Account, create_account, find_account
from gateway.config import load_config
from gateway.sign_in.factors import Factors
from gateway.stores import migrate_stores
from regions.blind_index import BlindIndexer, check_digit
from regions.contacts import contacts
from regions.engines import sqlite_engine
from regions.ids import first_id, padded
from regions.keys import Keys, create_keys, load_keys
from regions.people import people
from regions.person_keys import new_salt, person_keys
from regions.privacy import grants
from regions.sealing import Sealer
from resolvers.central import COUNTRY
from resolvers.users import Role
from schema.privacy import PrivateItem, RecordType

__all__ = [
    "CLEAR_ACCOUNT",
    "MASKED_ACCOUNT",
    "PASSWORD",
    "REGIONS",
    "TOTP_SECRET",
    "DataSet",
    "build",
    "id_number",
    "person",
]

MASKED_ACCOUNT = "bench-masked"
"""A national unit user without a grant."""

CLEAR_ACCOUNT = "bench-clear"
"""The same with a grant for every private item everywhere."""

PASSWORD = "correct horse battery staple 7"

TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
"""Of the second factor that an account with a grant needs."""

_PREFECTURES = {"32": 13, "33": 11, "34": 8}
REGIONS = tuple(f"{p}{n:02d}" for p, count in _PREFECTURES.items() for n in range(1, count + 1))
"""Prefixes of 32 regions."""

_END = datetime(2026, 6, 30, 12, tzinfo=UTC)
_DAYS = 400
_BATCH = 5_000
_FAMILY = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华文玉萍红建国志海波"


@dataclass(frozen=True, slots=True)
class DataSet:
    """What was built. `stores` and `prefixes` are in the order of the configuration."""

    folder: Path
    prefixes: tuple[str, ...]

    def config(self, *, remember: bool) -> Path:
        """A configuration of all its regions; whether answers are remembered and given again."""
        how = "" if remember else "-fresh"
        return self.folder / f"config-{len(self.prefixes)}{how}.toml"

    @property
    def stores(self) -> tuple[Path, ...]:
        """The regions' files."""
        return tuple(store_path(self.folder, prefix) for prefix in self.prefixes)

    def first(self, regions: int) -> DataSet:
        """The same data seen through a configuration of the first `regions` regions only."""
        part = DataSet(self.folder, self.prefixes[:regions])
        for remember in (True, False):
            text = _config(part.prefixes, remember=remember)
            part.config(remember=remember).write_text(text, "utf-8")
        return part


def store_path(folder: Path, prefix: str) -> Path:
    """A region's file, where the gateway looks for it."""
    return folder / "data" / "regions" / f"{padded(prefix)}.db"


def build(
    folder: Path, regions: int, *, contacts_each: int, people_each: int = 0, seed: int = 1
) -> DataSet:
    """Makes the stores of `regions` regions, each with so many contacts and people.

    Each contact has a person of its own; `people_each` adds people up to that number. A folder
    that was built by the same arguments is taken as it is: eight million people take a while.
    """
    made = DataSet(folder, REGIONS[:regions])
    built = folder / "built.json"
    asked = json.dumps([regions, contacts_each, people_each, seed])
    if built.exists() and built.read_text("ascii") == asked:
        return made.first(regions)
    built.unlink(missing_ok=True)
    (folder / "data" / "regions").mkdir(parents=True, exist_ok=True)
    create_keys(folder / "keys")
    keys = load_keys(folder / "keys")
    made = made.first(regions)
    for store in made.stores:
        store.unlink(missing_ok=True)
    for migrated in asyncio.run(migrate_stores(load_config(made.config(remember=True)))):
        if migrated.error is not None:
            raise migrated.error
    asyncio.run(_add_accounts(folder))
    jobs = [
        (store_path(folder, prefix), number, contacts_each, max(people_each, contacts_each), seed)
        for number, prefix in enumerate(made.prefixes)
    ]
    if regions * jobs[0][3] < _BATCH:  # not worth a process
        for job in jobs:
            _build_region(keys, *job)
    else:
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            for future in [pool.submit(_build_region, keys, *job) for job in jobs]:
                future.result()
    built.write_text(asked, "ascii")
    return made


def id_number(region: int, number: int) -> str:
    """The ID number of person `number` (below a million) of region `region` (0 is the first)."""
    born = date(1940, 1, 1) + timedelta(days=(number * 7919 + region) % 25_000)
    first17 = f"9{region:02d}{number // 1000:03d}{born:%Y%m%d}{number % 1000:03d}"
    return first17 + check_digit(first17)


def person(region: int, number: int, rng: random.Random) -> dict[str, str | int | None]:
    """The private items of person `number` of region `region`."""
    number_text = id_number(region, number)
    born = number_text[6:14]
    return {
        "name": rng.choice(_FAMILY) + rng.choice(_GIVEN) + rng.choice(_GIVEN),
        "sex": rng.choice("MF"),
        "age": _END.year - int(born[:4]),
        "birth_date": f"{born[:4]}-{born[4:6]}-{born[6:]}",
        "id_type": "RESIDENT_ID",
        "id_number": number_text,
        "phone": f"100{region:02d}{number:06d}",
        "employer": f"第{rng.randrange(900) + 100}中学",
        "employer_location": f"人民路{rng.randrange(500) + 1}号",
        "residence": f"解放路{rng.randrange(900) + 1}号{rng.randrange(30) + 1}栋",
        "whereabouts": f"解放路{rng.randrange(900) + 1}号",
        "guardian": None,
    }


async def _add_accounts(folder: Path) -> None:
    """The two viewers, where they are not there yet."""
    keys = load_keys(folder / "keys")
    engine = sqlite_engine(str(folder / "data" / "gateway.db"))
    async with engine.begin() as connection:
        await connection.run_sync(_accounts, Factors(Sealer(keys.sealing, COUNTRY)))
    await engine.dispose()


def _accounts(connection: Connection, factors: Factors) -> None:
    for login in (MASKED_ACCOUNT, CLEAR_ACCOUNT):
        if find_account(connection, login) is None:
            unit = ("cdc-000000", "中国疾病预防控制中心", "NATIONAL", "000000")
            account = Account(login, login, Role.UNIT_USER, *unit)
            create_account(connection, account, PASSWORD, given=False)
    factors.set_totp(connection, CLEAR_ACCOUNT, TOTP_SECRET, time.time())
    connection.execute(grants.delete())
    connection.execute(
        grants.insert().values(
            id="bench-grant",
            account=CLEAR_ACCOUNT,
            record_types=json.dumps([record.name for record in RecordType]),
            items=json.dumps([item.name for item in PrivateItem]),
            code="000000",
            purpose="benchmark",
            starts_at="2020-01-01T00:00:00Z",
            ends_at="2099-01-01T00:00:00Z",
            created_at="2020-01-01T00:00:00Z",
        )
    )


def _build_region(
    keys: Keys, path: Path, region: int, contacts_each: int, people_each: int, seed: int
) -> None:
    prefix = path.stem[:4]
    rng = random.Random(f"{seed}|{prefix}")
    salts = [new_salt() for _ in range(people_each)]
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA synchronous=OFF")  # a benchmark's data may be lost
        connection.exec_driver_sql("PRAGMA cache_size=-200000")
        connection.commit()
        for table, rows in (
            (people, _people(keys, prefix, region, people_each, rng, salts)),
            (person_keys, _salts(prefix, salts)),
            (contacts, _contacts(prefix, contacts_each, rng)),
        ):
            _insert(connection, table, rows)
        connection.commit()
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()


def _insert(connection: Any, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            connection.execute(table.insert(), batch)
            batch.clear()
    if batch:
        connection.execute(table.insert(), batch)


def _people(
    keys: Keys,
    prefix: str,
    region: int,
    count: int,
    rng: random.Random,
    salts: Sequence[bytes],
) -> Iterator[dict[str, Any]]:
    sealer, indexer = Sealer(keys.sealing, prefix), BlindIndexer(keys.index)
    start = first_id(prefix) + 1
    for number in range(count):
        items = person(region, number, rng)
        name, born = items["name"], items["birth_date"]
        number_text, phone = items["id_number"], items["phone"]
        yield {
            "id": start + number,
            "code": f"{prefix}{rng.randrange(2, 8):02d}",
            "sealed": sealer.person(salts[number]).seal("people", start + number, items),
            "id_number_index": indexer.id_number(str(number_text)),
            "phone_index": indexer.phone(str(phone)),
            "name_birth_index": indexer.name_birth(str(name), str(born)),
            "created_at": _instant(_END - timedelta(days=_DAYS)),
            "updated_at": _instant(_END),
        }


def _salts(prefix: str, salts: Sequence[bytes]) -> Iterator[dict[str, Any]]:
    for person, salt in enumerate(salts, first_id(prefix) + 1):
        yield {"person_id": person, "salt": salt}


def _contacts(prefix: str, count: int, rng: random.Random) -> Iterator[dict[str, Any]]:
    start = first_id(prefix) + 1
    seconds = sorted(rng.randrange(_DAYS * 86_400) for _ in range(count))
    for number, second in enumerate(seconds):
        at = _END - timedelta(days=_DAYS) + timedelta(seconds=second)
        last = at.date() - timedelta(days=rng.randrange(4))
        yield {
            "id": start + count + number,
            "person_id": start + number,
            "level": rng.choice(("CLOSE", "CLOSE", "SECONDARY", "GENERAL")),
            "route": rng.choice(("OWN_SCREENING", "OTHER_CITY", "OTHER_COUNTY")),
            "manner": '["SHARED_MEAL"]',
            "frequency": "OCCASIONAL",
            "first_contact_on": (last - timedelta(days=rng.randrange(5))).isoformat(),
            "last_contact_on": last.isoformat() if rng.random() < 0.95 else None,
            "observation_mode": rng.choice(("HOME", "CENTRAL")),
            "outcome": rng.choice(("CONTINUING", "RELEASED", "RELEASED", "TURNED_POSITIVE")),
            "traced": rng.choice(("YES", "YES", "YES", "NO", "MOVED_TO_OTHER_PROVINCE")),
            "code": f"{prefix}{rng.randrange(2, 8):02d}",
            "rule_pack": "9TH_EDITION",
            "created_at": _instant(at),
            "updated_at": _instant(at),
        }


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _config(prefixes: tuple[str, ...], *, remember: bool) -> str:
    head = '[gateway]\nhost = "127.0.0.1"\nport = 9900\nworkers = 1\ndata = "data"\nkeys = "keys"\n'
    head += "\n[questions]\nduplicate_candidates = 1000000\n"
    if not remember:
        head += "remember_mb = 0\n"
    return head + "".join(
        f'\n[[region]]\ncode = "{prefix}"\nname = "区域{prefix}"\nname_en = "Region {prefix}"\n'
        for prefix in prefixes
    )
