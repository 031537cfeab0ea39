"""The accounts of a demo: passwords, second factors, offices, and the file that tells of them."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import time
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from gateway.accounts import Account, create_account
from gateway.commands._logged import tell
from gateway.config import Config
from gateway.sign_in.factors import Factors
from gateway.sign_in.totp import new_secret
from regions.blind_index import BlindIndexer
from regions.engines import sqlite_engine
from regions.instants import now
from regions.keys import load_keys
from regions.sealing import Sealer
from resolvers.central import COUNTRY
from resolvers.demo import DemoAccount
from resolvers.users import Role, needs_second_factor
from resolvers.users.offices import put_responsible
from resolvers.users.rosters import put_duty

__all__ = ["create_demo_accounts", "write_demo_accounts"]

_LETTERS = (
    "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that looks like another
)
_PASSWORD_LENGTH = 16


def create_demo_accounts(config: Config, wanted: list[DemoAccount]) -> list[dict[str, str]]:
    """Creates the accounts; returns what `demo-accounts.json` says of them."""
    passwords = ["".join(secrets.choice(_LETTERS) for _ in range(_PASSWORD_LENGTH)) for _ in wanted]
    keys = load_keys(config.keys)
    sealer, indexer = Sealer(keys.sealing, COUNTRY), BlindIndexer(keys.staff_index)

    factors = Factors(sealer)
    secrets_of = {
        account.account: new_secret()
        for account in wanted
        if needs_second_factor(account.role, granted=account.granted)
    }

    async def create() -> None:
        engine = sqlite_engine(str(config.central_store))
        try:
            async with engine.begin() as connection:
                for account, password in zip(wanted, passwords, strict=True):
                    await connection.run_sync(
                        partial(create_account, given=False),  # usable at once
                        _account(account, indexer),
                        password,
                        partial(_sealed, sealer, account.items),
                    )
                await connection.run_sync(_fill_offices, sealer, wanted)
                for name, secret in secrets_of.items():
                    await connection.run_sync(factors.set_totp, name, secret, time.time())
                tell(config, keys, "demo", accounts=[one.account for one in wanted])
        finally:
            await engine.dispose()

    asyncio.run(create())
    return [
        {
            "account": account.account,
            "password": password,
            "role": account.shown_role,
            "unit": account.unit_id,
            "code": account.code,
            **(
                {"totpSecret": secrets_of[account.account]} if account.account in secrets_of else {}
            ),
        }
        for account, password in zip(wanted, passwords, strict=True)
    ]


def _fill_offices(connection: Connection, sealer: Sealer, wanted: list[DemoAccount]) -> None:
    """A first responsible person for each unit, a duty person for each CDC."""
    units: dict[str, DemoAccount] = {}
    for account in wanted:
        known = units.setdefault(account.unit_id, account)
        if account.role is Role.DUTY_PERSON and known.role is not account.role:
            units[account.unit_id] = account
    for unit, duty in units.items():
        items, at = duty.items, now()
        phones = {"office_phone": items["office_phone"], "mobile": None}
        who = {"name": "演示 主任", "post": "主任"}
        put_responsible(connection, sealer, unit, who, phones, duty.account, at)
        if unit.startswith("cdc-"):
            on_duty = {"account": duty.account, "code": unit.removeprefix("cdc-")}
            reached = {"mobile": items["mobile"], "email": items["email"]}
            put_duty(connection, sealer, unit, on_duty, reached, duty.account, at)


def _sealed(sealer: Sealer, items: dict[str, str], number: int) -> bytes:
    return sealer.seal("accounts", number, items)


def _account(demo: DemoAccount, indexer: BlindIndexer) -> Account:
    return Account(
        account=demo.account,
        name=demo.name,
        role=demo.role,
        unit_id=demo.unit_id,
        unit_name=demo.unit_name,
        unit_level=demo.unit_level,
        code=demo.code,
        department=demo.department,
        head=demo.head,
        purpose=demo.purpose,
        person_index=indexer.id_number(demo.items["id_number"]),
    )


def write_demo_accounts(path: Path, accounts: list[dict[str, str]]) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(accounts, file, ensure_ascii=False, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
