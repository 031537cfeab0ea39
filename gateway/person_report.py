"""Who saw one person's data: found in the log, written as a page, and itself in the log (G7)."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import orjson

from gateway.access_log.all_logs import AllLogs
from gateway.access_log.opening import open_access_log, vkey_of
from gateway.config import Config
from regions.blind_index import BlindIndexer
from regions.errors import StoreError
from regions.instants import now
from regions.keys import load_keys
from resolvers.access_log import Commitments, entry
from resolvers.access_log.merging import Placed, merged
from resolvers.access_log.persons import person_number, records_of
from resolvers.access_log.report import Access, accesses, person_report
from resolvers.access_log.wanted import Wanted
from resolvers.cursors import Cursors
from resolvers.federation import Federation
from resolvers.questions.question import Answering, Question
from resolvers.reference import Reference
from resolvers.users import Role, Viewer

__all__ = ["Reported", "make_report"]

_MOST = 1_000_000
_OPERATION = "audit person"


@dataclass(frozen=True, slots=True)
class Reported:
    """The page, what was found, the regions that did not answer, the logs that were not read whole,
    and whether anything at all is on record of the person.
    """

    page: str
    found: list[Access]
    missing: list[str]
    unread: list[str]
    known: bool


async def make_report(config: Config, person: str) -> Reported:
    """The page of a person (`person:…`); by then the log says that it was made.

    Raises InvalidInput, StoreError, AccessLogError.
    """
    number = person_number(person)
    keys = load_keys(config.keys, sm=config.sm)
    commitments = Commitments(keys.log)
    federation = Federation(
        config.regions,
        keys,
        bulkhead=config.statement_threads,
        breaker_failures=config.breaker_failures,
        breaker_seconds=config.breaker_seconds,
    )
    answering = Answering(
        federation, Reference(config.regions), Cursors(keys.cursor), BlindIndexer(keys.index)
    )
    officer = Viewer("", "", Role.AUDITOR, "", "", "NATIONAL", "000000")
    question = Question(answering, officer)
    try:
        records = await records_of(question, number, "person")
    finally:
        await federation.close()
    missing = [code for code, state in question.trail.regions.items() if state != "ANSWERED"]
    wanted = tuple(commitments.one(kind, one) for kind, ids in records.items() for one in ids)
    units, grants = _names(config.central_store)
    logs = AllLogs(config, vkey_of(config, keys), commitments)
    every = await logs.find(Wanted(commitments=wanted), None, _MOST, seconds=float("inf"))
    read = [
        (_named(one, logs.origin), orjson.loads(one.text))
        for one in reversed(merged(every.found, _MOST).entries)
    ]
    found = accesses(read, wanted, units=units, grants=grants)
    unread = [one.origin for one in every.logs if one.state != "READ"]
    missing = sorted({*missing, *every.silent})
    sizes = {one.origin: one.last or 0 for one in every.logs if one.origin in every.found}
    page = person_report(person, found, made_at=now(), logs=sizes, missing=missing, unread=unread)
    await _enter(config, commitments, number, len(found), question)
    known = any(ids != [number] for ids in records.values() if ids)
    return Reported(page, found, missing, unread, known)


def _named(one: Placed, own: str) -> str:
    """An entry as the page names it: of another log than the gateway's own with its name."""
    return str(one.number) if one.origin == own else f"{one.origin} {one.number}"


async def _enter(
    config: Config, commitments: Commitments, number: int, count: int, question: Question
) -> None:
    """Writes the entry of the report, durably."""
    log = open_access_log(config, load_keys(config.keys, sm=config.sm))
    try:
        at = now()
        told = {
            "clear": [],
            "count": count,
            "masked": [],
            "reasons": {},
            "records": {"person": [number]},
            "regions": question.trail.regions,
        }
        said = entry(
            at=at,
            request="",
            viewer=None,
            what=commitments.told(told),
            operation=_OPERATION,
            result="OK",
            address="",
            module="command line",
            purpose="SUBJECT_REQUEST",
        )
        await log.append(at, "", _OPERATION, "OK", said)
    finally:
        await log.close()


def _names(path: Path) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Names of units and purposes of grants, by their ids."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as store:
            units = dict(store.execute("SELECT unit_id, unit_name FROM accounts").fetchall())
            grants = dict(store.execute("SELECT id, purpose FROM grants").fetchall())
    except sqlite3.Error as error:
        raise StoreError(f"the gateway's own store does not answer: {error}") from None
    return units, {str(one): str(purpose) for one, purpose in grants.items()}
