"""`epigate custody check`: each person has one custodian, nothing acknowledged is undone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, Table, delete, insert, update

from gateway.cli import main
from gateway.config import Config
from gateway.custody import CustodyReport, check_custody
from regions.cases import cases
from regions.corrections import corrections
from regions.ids import first_id
from regions.people import people
from regions.post import post_inbox, post_outbox
from regions.settings import RegionSettings
from regions.transfers import custody, store_fences, transfer_people, transfers
from tests.stores import Stores, in_store

HERE, THERE = "320100", "330200"
AT = "2026-11-28T00:00:00Z"
ANNE, BO, CHEN = (first_id(HERE) + number for number in (1, 2, 3))
"""Stays; is handed over; is on the way."""

Two = tuple[RegionSettings, RegionSettings]


def _put(table: Table, *rows: dict[str, Any]) -> Callable[[Connection], Any]:
    return lambda connection: connection.execute(insert(table), list(rows))


def _person(number: int, kept_in: str | None = None) -> dict[str, Any]:
    return {
        "id": number,
        "code": "320102",
        "kept_in": kept_in,
        "sealed": b"\0",
        "created_at": AT,
        "updated_at": AT,
    }


def _held(number: int, state: str, epoch: int, peer: str, transfer: str) -> dict[str, Any]:
    return {
        "person_id": number,
        "state": state,
        "epoch": epoch,
        "peer": peer,
        "transfer_id": transfer,
        "since": AT,
    }


def _transfer(name: str, side: str) -> dict[str, Any]:
    return {
        "id": name,
        "side": side,
        "from_region": HERE,
        "to_region": THERE,
        "from_unit": "cdc-320102",
        "to_unit": "cdc-330203",
        "reason": "OTHER",
        "state": "COMMITTED",
        "offer_hash": "0",
        "created_at": AT,
        "updated_at": AT,
        "reporter": "wang",
        "reporter_unit": "cdc-320102",
        "code": "320102",
    }


def _part(number: int, name: str, side: str, outcome: str, dossier: str | None) -> dict[str, Any]:
    return {
        "id": number + 900 + (side == "SENT"),
        "transfer_id": name,
        "side": side,
        "person_id": number,
        "epoch": 1,
        "outcome": outcome,
        "dossier_hash": dossier,
    }


def _sent(message: str, subject: str, *, answered: bool, seq: int) -> dict[str, Any]:
    return {
        "id": message,
        "seq": seq,
        "topic": message.partition(":")[0],
        "subject": subject,
        "to_region": THERE,
        "body": "{}",
        "hash": "h",
        "trace": "",
        "created_at": AT,
        "attempts": 0 if answered else 4,
        "last_error": None if answered else "REGION_UNAVAILABLE UNREACHABLE",
        "answered_at": AT if answered else None,
        "reply": "{}" if answered else None,
    }


def _came(message: str, subject: str) -> dict[str, Any]:
    return {
        "from_region": HERE,
        "id": message,
        "topic": message.partition(":")[0],
        "subject": subject,
        "hash": "h",
        "reply": "{}",
        "received_at": AT,
    }


@pytest.fixture(params=["sqlite", "postgresql"])
def two(request: pytest.FixtureRequest, stores: Stores) -> Two:
    """Two stores between which one person was handed over, and one is on the way."""
    here, there = stores.make(request.param, HERE), stores.make(request.param, THERE)
    _fill(here, there)
    return here, there


def _fill(here: RegionSettings, there: RegionSettings) -> None:
    for table, rows in (
        (people, [_person(ANNE), _person(BO, THERE), _person(CHEN, THERE)]),
        (custody, [_held(BO, "HANDED", 1, THERE, "t1"), _held(CHEN, "HANDED", 1, THERE, "t2")]),
        (transfers, [_transfer("t1", "SENT"), _transfer("t2", "SENT")]),
        (
            transfer_people,
            [_part(BO, "t1", "SENT", "HANDED", "d"), _part(CHEN, "t2", "SENT", "HANDED", "e")],
        ),
        (
            post_outbox,
            [
                _sent("transfer.commit:t1", "t1", answered=True, seq=1),
                _sent("transfer.commit:t2", "t2", answered=False, seq=2),
            ],
        ),
    ):
        in_store(here, _put(table, *rows))
    for table, rows in (
        (people, [_person(BO), _person(CHEN, HERE)]),
        (custody, [_held(BO, "OWNED", 1, HERE, "t1"), _held(CHEN, "PENDING", 1, HERE, "t2")]),
        (transfers, [_transfer("t1", "RECEIVED"), _transfer("t2", "RECEIVED")]),
        (
            transfer_people,
            [
                _part(BO, "t1", "RECEIVED", "HANDED", "d"),
                _part(CHEN, "t2", "RECEIVED", "ACCEPTED", None),
            ],
        ),
        (post_inbox, [_came("transfer.commit:t1", "t1")]),
    ):
        in_store(there, _put(table, *rows))


def _set(table: Table, row: int, **values: Any) -> Callable[[Connection], Any]:
    key = next(iter(table.primary_key))
    return lambda connection: connection.execute(update(table).where(key == row).values(**values))


def _drop(table: Table, row: Any) -> Callable[[Connection], Any]:
    key = table.c.id if "id" in table.c else table.c.person_id
    return lambda connection: connection.execute(delete(table).where(key == row))


CARD = BO + 500


def _card(kept_in: str | None) -> dict[str, Any]:
    """The card of whoever was handed over, or the copy of it."""
    return {
        "id": CARD,
        "person_id": BO,
        "disease": "measles",
        "classification": "CONFIRMED",
        "origin": "LOCAL",
        "code": "330203" if kept_in else "320102",
        "reported_at": AT,
        "unit_id": "cdc-320102",
        "reporter": kept_in,
        "created_at": AT,
        "updated_at": AT,
        "kept_in": kept_in,
    }


_LINE = {
    "id": CARD + 1,
    "record_type": "CASE",
    "record_id": CARD,
    "field": "onsetOn",
    "sealed": b"\0",
    "corrected_by": "wang",
    "corrected_at": AT,
    "person_id": BO,
}
_TOLD = _sent("transfer.card:t1:1", "t1", answered=False, seq=3) | {"body": f'{{"case":{CARD}}}'}


@pytest.mark.parametrize(
    ("where", "what", "found"),
    [
        (HERE, [], False),
        (HERE, [_set(cases, CARD, onset_on="2026-11-20", version=2)], True),
        (HERE, [_put(corrections, _LINE)], True),
        (HERE, [_set(cases, CARD, version=2), _put(post_outbox, _TOLD)], False),  # on its way
        (HERE, [_set(cases, CARD, kept_in=THERE)], True),
        (HERE, [_drop(cases, CARD)], True),
        (THERE, [_set(cases, CARD, classification="EXCLUDED")], True),
        (THERE, [_drop(cases, CARD)], False),  # reported since: nothing says that it came along
        # Of whom a store does not answer for, its copy is as it was.
        (THERE, [_set(cases, CARD, version=2), _set(custody, BO, state="FENCED")], False),
    ],
)
def test_a_copy_of_a_card_that_is_not_the_card_is_found(
    two: Two, where: str, what: list[Callable[[Connection], Any]], found: bool
) -> None:
    in_store(two[0], _put(cases, _card(None)))
    in_store(two[1], _put(cases, _card(HERE)))
    for one in what:
        in_store(two[0] if where == HERE else two[1], one)
    told = [one for one in _check(two).findings if one.kind == "CARD_DIFFERS"]
    assert [(one.subject, one.regions) for one in told] == (
        [(f"person:{BO} case:{CARD}", (HERE, THERE))] if found else []
    )


def _check(two: Two) -> CustodyReport:
    return asyncio.run(check_custody(two))


def test_what_is_whole_is_whole(two: Two) -> None:
    report = _check(two)
    assert report.findings == []
    assert (report.people, report.on_the_way, report.messages) == (3, 1, 1)
    assert report.missing == []
    (waiting,) = report.waiting
    assert (waiting.topic, waiting.subject, waiting.attempts) == ("transfer.commit", "t2", 4)
    assert waiting.reason == "REGION_UNAVAILABLE UNREACHABLE"


@pytest.mark.parametrize(
    ("where", "what", "kinds"),
    [
        (HERE, _set(custody, BO, state="OWNED"), {"TWO_CUSTODIANS", "KEPT_IN_DIFFERS"}),
        # Put back from a backup made before the handover: nothing there tells of it.
        (HERE, _drop(custody, BO), {"TWO_CUSTODIANS", "KEPT_IN_DIFFERS"}),
        (HERE, _set(people, BO, kept_in=None), {"KEPT_IN_DIFFERS"}),
        (HERE, _drop(people, ANNE), set()),  # nobody knows of her: that is for the backups
        (THERE, _set(custody, BO, state="HANDED"), {"NO_CUSTODIAN", "KEPT_IN_DIFFERS"}),
        (THERE, _set(people, BO, kept_in=HERE), {"KEPT_IN_DIFFERS"}),
        (THERE, _drop(people, BO), {"NO_RECORD"}),
        (THERE, _drop(custody, BO), {"NO_CUSTODIAN", "STRAY_COPY", "EPOCH_DIFFERS"}),
        (THERE, _set(custody, BO, epoch=0), {"EPOCH_DIFFERS"}),
        (HERE, _set(custody, BO, peer="320100"), {"KEPT_IN_DIFFERS"}),
        (THERE, _set(transfer_people, BO + 900, dossier_hash="x"), {"DOSSIER_DIFFERS"}),
        (THERE, _set(transfer_people, BO + 900, outcome="ACCEPTED"), {"HANDOVER_LOST"}),
        (HERE, _set(transfer_people, BO + 901, outcome="OFFERED"), {"HANDOVER_LOST"}),
        (THERE, _drop(post_inbox, "transfer.commit:t1"), {"REPLY_LOST"}),
        (HERE, _drop(post_outbox, "transfer.commit:t1"), {"MESSAGE_LOST"}),
        # The commit that was on its way is gone: nobody would ever answer for her.
        (
            HERE,
            _drop(post_outbox, "transfer.commit:t2"),
            {"NO_CUSTODIAN", "HANDOVER_LOST"},
        ),
    ],
)
def test_whatever_is_undone_is_found(
    two: Two, where: str, what: Callable[[Connection], Any], kinds: set[str]
) -> None:
    in_store(two[0] if where == HERE else two[1], what)
    report = _check(two)
    assert {one.kind for one in report.findings} == kinds


def test_messages_that_differ_are_found(two: Two) -> None:
    def change(**values: Any) -> Callable[[Connection], Any]:
        return lambda connection: connection.execute(update(post_inbox).values(**values))

    in_store(two[1], change(reply='{"state":"OTHER"}'))
    assert [one.kind for one in _check(two).findings] == ["REPLY_DIFFERS"]
    in_store(two[1], change(hash="x"))
    assert [one.kind for one in _check(two).findings] == ["MESSAGE_DIFFERS"]


def test_of_a_region_that_is_missing_nothing_is_said(two: Two) -> None:
    gone = RegionSettings(THERE, "宁波", "Ningbo", ("3302",), Path("/nowhere.db"), None, 1.0)
    report = _check((two[0], gone))
    assert report.missing == [THERE]
    assert report.findings == []
    assert report.unjudged == 2


def _run(config: Config, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(["custody", "check", "--config", str(config.file), *more])
    assert isinstance(ended.value.code, int)
    return ended.value.code, capsys.readouterr().out


def test_the_command_proves_names_and_counts(
    ready_config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = next(one for one in ready_config.regions if one.code == HERE)
    numbers = tmp_path / "epigate.prom"
    in_store(here, _put(people, _person(ANNE)))
    code, out = _run(ready_config, capsys, "--metrics", str(numbers))
    assert code == 0
    assert "1 people" in out
    assert "every person has one custodian" in out
    assert "epigate_custody_findings 0\n" in numbers.read_text()
    assert "epigate_custody_people 1\n" in numbers.read_text()

    other = next(one for one in ready_config.regions if one.code != HERE)
    in_store(other, _put(people, _person(ANNE)))
    code, out = _run(ready_config, capsys, "--json", "--metrics", str(numbers))
    assert code == 1
    (finding,) = orjson.loads(out)["findings"]
    assert finding["kind"] == "STRAY_COPY"
    assert finding["subject"] == f"person:{ANNE}"
    assert "epigate_custody_findings 1\n" in numbers.read_text()
    code, out = _run(ready_config, capsys)
    assert code == 1
    assert "STRAY_COPY" in out
    assert "副本" in out

    assert other.path is not None
    other.path.unlink()
    code, out = _run(ready_config, capsys)
    assert code == 3
    assert f"{other.code}: no answer" in out


def test_the_command_makes_one_custodian_of_two(
    ready_config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    here = next(one for one in ready_config.regions if one.code == HERE)
    other = next(one for one in ready_config.regions if one.code != HERE)
    in_store(here, _put(people, _person(ANNE)))
    in_store(here, _put(store_fences, {"token": "0", "found_at": AT, "mended_at": AT}))
    in_store(other, _put(people, _person(ANNE)))
    in_store(other, _put(custody, _held(ANNE, "OWNED", 3, HERE, "t1")))
    code, out = _run(ready_config, capsys)
    assert (code, "TWO_CUSTODIANS" in out) == (1, True)
    with pytest.raises(SystemExit) as ended:
        main(["custody", "mend", "--config", str(ready_config.file)])
    assert ended.value.code == 0
    said = f"person:{ANNE}: {other.code} has yielded to {HERE}"
    assert said in capsys.readouterr().out
    code, out = _run(ready_config, capsys)
    assert (code, f"{other.code} yielded to {HERE}" in out) == (0, True)
    _, out = _run(ready_config, capsys, "--json")
    (told,) = orjson.loads(out)["yielded"]
    assert (told["person"], told["region"], told["to"]) == (ANNE, other.code, HERE)
