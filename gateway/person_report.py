"""Who saw one person's data: found in the log, written as a page, and itself in the log (G7)."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import orjson

from gateway.access_log.finding import find_in
from gateway.access_log.live import live_log
from gateway.access_log.opening import open_access_log
from gateway.config import Config
from regions.blind_index import BlindIndexer
from regions.errors import StoreError
from regions.instants import now
from regions.keys import load_keys
from resolvers.access_log import Commitments, entry
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
    """The page, what was found, the regions that did not answer, and whether anything at all is on
    record of the person.
    """

    page: str
    found: list[Access]
    missing: list[str]
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
    with live_log(config.log_store) as log:
        at = log.note.split("\n", 2)
        entries = find_in(
            log.connection, Wanted(commitments=wanted), log.size + 1, _MOST, seconds=float("inf")
        )
        read = [(one, orjson.loads(text)) for one, text in reversed(entries.entries)]
        found = accesses(read, wanted, units=units, grants=grants)
    page = person_report(person, found, made_at=now(), log=at[0], size=int(at[1]), missing=missing)
    await _enter(config, commitments, number, len(found), question)
    known = any(ids != [number] for ids in records.values() if ids)
    return Reported(page, found, missing, known)


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
