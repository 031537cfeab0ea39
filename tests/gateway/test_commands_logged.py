"""Commands and the access log: every one that changes the gateway's own store is in it first, and
every one that shows entries.
"""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from gateway.access_log.system import operator
from gateway.cli import main
from gateway.commands._central import in_central
from gateway.keys import sealing
from tests.docs.tables import commands
from tests.gateway.test_keys import _traveller
from tests.resolvers.writing.making import id_number
from tests.served import Demo

MACHINE = "jiangsu-system"  # an account of the demo for a machine client
PASSWORD = "Ein langes Wort 7"
OTHER_NUMBER = "1971-05-06"

WRITING = {
    "accounts add": ("new.hand", "--name", "王芳", "--role", "unit user", "--unit", "cdc-320102"),
    "accounts disable": ("new.hand",),
    "accounts enable": ("new.hand",),
    "accounts password": ("new.hand",),
    "accounts renew": ("new.hand",),
    "accounts person": ("unknown",),
    "accounts reset-factors": ("sysadmin",),
    "clients add": (MACHINE, "--jwks", "{jwks}", "--regions", "320100", "--actions", "READ"),
    "clients keys": (MACHINE, "--jwks", "{others}"),
    "clients scope": (MACHINE, "--regions", "320100", "--actions", "READ,REGISTER"),
    "clients disable": (MACHINE,),
    "clients enable": (MACHINE,),
    "identities add": ("new.hand", "--subject", "sub-1", "--issuer", "https://id.example"),
    "identities remove": ("--subject", "sub-1", "--issuer", "https://id.example"),
    "grants add": (
        *("new.hand", "--items", "NAME", "--records", "CASE", "--code", "320102"),
        *("--purpose", "p", "--until", "2099-01-01", "--since", "2098-06-01"),
    ),
    "grants revoke": ("{grant}",),
    "keys erase-person": ("{person}", "--reason", "a court order", "--by", "secadmin"),
    "keys confirm-erasure": ("1", "--by", "second"),
    "keys rotate": ("sealing",),
    "keys reseal": (),
    "keys retire": ("sealing", "0"),
}
"""What each command that changes the store, or its keys, is called with, one after the other."""

READING = {
    "accounts list": (),
    "clients list": (),
    "identities list": (),
    "grants list": (),
    "units list": (),
    "keys status": (),
    "exports verify": ("{jwks}",),
    "config check": (),
    "counts rebuild": (),
    "custody check": (),
    "custody mend": (),
    "detect": ("--dry-run",),
    "load": ("{jwks}", "--mapping", "mers-korea-2015"),
    "access-log show": (),
    "access-log key": (),
    "access-log backup": ("{folder}/copy.db",),
    "access-log prune": (),
    "access-log settle": ("320100",),
    "access-log side": ("320100",),
    "audit export": ("{folder}/bundle",),
    "audit person": ("{person}", "--output", "{folder}/page.html"),
    "audit verify": (),
    "audit prove": ("0",),
    "audit diff": ("{folder}/bundle",),
}
"""The others, which leave it as it is."""

ELSEWHERE = {
    "ask": "as any client of a served gateway",
    "enrol": "as any client of a served gateway",
    "password": "as any client of a served gateway",
    "report signals": "as any client of a served gateway",
    "serve": "the gateway itself",
    "demo": "makes the stores and the log: `test_a_demos_accounts_are_in_its_log`",
    "init": "makes the stores and the log: `test_migrating_is_in_the_log`",
    "migrate": "`test_migrating_is_in_the_log`",
    "config new": "without stores",
    "config table": "without stores",
    "assist check": "without stores",
    "assist template": "without stores",
    "witness": "without stores",
}
"""Those that are not called here, and why."""

ENTRIES_OF = {
    "keys erase-person": "askErasure",
    "keys confirm-erasure": "erasePerson",
}
"""Operations of entries that are not the command's name."""

SHOWING = {"access-log show", "access-log side", "audit export", "audit person", "audit prove"}
"""The commands that show entries."""


@dataclass
class Called:
    """One command as it was called: what it changed, and what the log says of it."""

    code: int
    changed: bool
    entries: list[dict[str, Any]]


@pytest.fixture(scope="module")
def called(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Called]]:
    """Every command, called once in a copy of the demo."""
    own = demo.copied(tmp_path_factory.mktemp("commands"))
    quick = PasswordHasher(time_cost=1, memory_cost=1_024, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.passwords._HASHER", quick)
        patch.setattr(sealing, "SETTLE_SECONDS", 0.0)
        yield _call_all(own, patch)


def _call_all(own: Demo, patch: pytest.MonkeyPatch) -> dict[str, Called]:
    first = own.account_of("security")
    password = own.accounts[first]["password"]
    own.add_account("second", first, person_index="another", sealed=None)
    own.add_account("unknown", first, person_index=None, sealed=None)
    own.add_account(MACHINE, own.account_of("unit", "user"), role="REGIONAL_SYSTEM", sealed=None)
    codes = {name: own.recovery_codes(name) for name in (first, "second")}
    jwks, others = own.folder / "jwks.json", own.folder / "others.json"
    for file in (jwks, others):
        file.write_text(json.dumps({"keys": [_public_key()]}), "utf-8")
    given = {
        "jwks": str(jwks),
        "others": str(others),
        "folder": str(own.folder),
        "person": f"person:{_traveller(own)[1][0]}",
        "secadmin": first,
    }
    found: dict[str, Called] = {}
    for words, arguments in (WRITING | READING).items():
        by = words.startswith("keys") and arguments[-1:] in (("second",), ("secadmin",))
        patch.setenv("EPIGATE_ACCOUNT_PASSWORD", password if by else PASSWORD)
        patch.setenv("EPIGATE_ACCOUNT_ID_NUMBER", id_number(OTHER_NUMBER))
        if by:
            who = first if arguments[-1] == "secadmin" else "second"
            patch.setenv("EPIGATE_ACCOUNT_CODE", codes[who].pop())
        if words == "grants revoke":
            with closing(sqlite3.connect(own.config.central_store)) as store:
                (given["grant"],) = store.execute("SELECT max(id) FROM grants").fetchone()
        filled = [one.format(**given) for one in arguments]
        filled = [first if one == "secadmin" else one for one in filled]
        before, known = _store(own), len(own.entries())
        code = 0
        try:
            main([*words.split(), *filled, "--config", str(own.folder / "config.toml")])
        except SystemExit as ended:
            code = int(ended.code or 0)
        found[words] = Called(code, _store(own) != before, own.entries()[known:])
    return found


def _store(own: Demo) -> list[str]:
    with closing(sqlite3.connect(own.config.central_store)) as store:
        return list(store.iterdump())


def _public_key() -> dict[str, Any]:
    raw = (
        Ed25519PrivateKey.generate()
        .public_key()
        .public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    )
    x = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "one", "alg": "EdDSA", "use": "sig"}


def test_every_command_there_is_is_called_here_or_said_why_not() -> None:
    assert set(commands()) == {*WRITING, *READING, *ELSEWHERE}


@pytest.mark.parametrize("words", WRITING)
def test_a_command_that_changes_the_store_has_an_entry(
    called: dict[str, Called], words: str
) -> None:
    one = called[words]
    assert one.code == 0
    assert one.changed or words in ("keys rotate", "keys retire")  # those change the keys
    operation = ENTRIES_OF.get(words, f"command {words}")
    (entry,) = [each for each in one.entries if each["operation"] == operation]
    assert entry["what"]["by"] == operator()
    assert PASSWORD not in json.dumps(entry)
    assert id_number(OTHER_NUMBER) not in json.dumps(entry)


@pytest.mark.parametrize("words", READING)
def test_a_command_that_only_reads_changes_nothing(called: dict[str, Called], words: str) -> None:
    assert not called[words].changed


@pytest.mark.parametrize("words", sorted(SHOWING))
def test_a_command_that_shows_entries_has_one(called: dict[str, Called], words: str) -> None:
    one = called[words]
    assert one.code == 0
    (entry,) = [each for each in one.entries if each["operation"] == words]
    assert entry["what"].get("by", operator()) == operator()


def test_the_store_refuses_what_has_no_entry(demo: Demo, tmp_path: Path) -> None:
    own = demo.copied(tmp_path)

    def work(connection: Connection) -> None:
        connection.execute(text("UPDATE accounts SET name = 'x'"))

    with pytest.raises(OperationalError, match="readonly"):
        in_central(own.folder / "config.toml", work)
    with closing(sqlite3.connect(own.config.central_store)) as store:
        found = store.execute("SELECT count(*) FROM accounts WHERE name = 'x'").fetchone()
    assert found == (0,)


def test_where_the_log_cannot_be_written_nothing_is_changed_or_shown(
    demo: Demo, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = demo.copied(tmp_path)
    monkeypatch.setattr("gateway.access_log.opening._BUSY_SECONDS", 0.1)
    before = _store(own)
    given = [("accounts", "disable", "national"), ("access-log", "show"), ("audit", "prove", "0")]
    with closing(sqlite3.connect(own.config.log_store, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for words in given:
            with pytest.raises(SystemExit) as ended:
                main([*words, "--config", str(own.folder / "config.toml")])
            assert ended.value.code == 1
            said = capsys.readouterr()
            assert "[ACCESS_LOG_FAILED]" in said.err
            assert said.out == ""
    assert _store(own) == before


def test_a_demos_accounts_are_in_its_log(demo: Demo) -> None:
    (entry,) = demo.entries(operation="command demo")
    assert set(entry["what"]["accounts"]) == set(demo.accounts)


def test_migrating_is_in_the_log(demo: Demo, tmp_path: Path) -> None:
    own = demo.copied(tmp_path)
    for command in ("migrate", "init"):
        with pytest.raises(SystemExit) as ended:
            main([command, "--config", str(own.folder / "config.toml")])
        assert ended.value.code == 0
    assert len(own.entries(operation="command migrate")) == 2
