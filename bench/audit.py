"""`python -m bench audit`: verifying a log, live and as a bundle, and checking one proof.

Goals: 1 million entries verified in 60 s; a proof checked in 1 ms.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson

from gateway.access_log.bundles import open_bundle, write_bundle
from gateway.access_log.live import live_log
from gateway.access_log.log_file import LogFile
from resolvers.access_log.commitments import Commitments
from resolvers.access_log.notes import VerifierKey
from resolvers.access_log.proofs import EntryProof
from resolvers.access_log.verifying import verify

__all__ = ["Times", "measure"]

_BATCH = 2_000
_SEED = b"b" * 32
_ROUNDS = 1_000  # proofs


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds, but for a proof: milliseconds."""

    entries: int
    bytes_each: float
    live: float
    columns: float
    bundle: float
    export: float
    proof_made: float
    proof_checked: float

    def __str__(self) -> str:
        return (
            f"{self.entries:,} entries of {self.bytes_each:,.0f} bytes: verified in "
            f"{self.live:.1f} s (and what they are found by in {self.columns:.1f} s), as a bundle "
            f"in {self.bundle:.1f} s (written in {self.export:.1f} s); a proof made in "
            f"{self.proof_made:.2f} ms, checked in {self.proof_checked:.3f} ms"
        )


def measure(entries: int, folder: Path | None = None, told: Callable[[str], None] = print) -> Times:
    """Makes a log of so many entries and measures."""
    with tempfile.TemporaryDirectory(prefix="epigate-bench-", dir=folder) as place:
        path = Path(place) / "access-log.db"
        size = _fill(path, entries, told)
        key = _key(path)
        with live_log(path) as log:
            live = _timed(lambda: _holds(verify(log, [key]).holds))
            columns = _timed(lambda: _holds(not list(log.columns())))
            target = Path(place) / "bundle.tar"
            export = _timed(lambda: write_bundle(log, target, vkey=str(key)))
            made = _timed(lambda: [log.prove(n * 97 % entries) for n in range(50)]) / 50
            proof = EntryProof.parse(log.prove(entries // 3).text())
        with open_bundle(target) as bundle:
            taken = _timed(lambda: _holds(verify(bundle, [key]).holds))
        checked = _timed(lambda: [proof.check([key]) for _ in range(_ROUNDS)]) / _ROUNDS
        return Times(
            entries, size / entries, live, columns, taken, export, made * 1e3, checked * 1e3
        )


def _fill(path: Path, entries: int, told: Callable[[str], None]) -> int:
    commitments = Commitments(b"c" * 32)
    log = LogFile(path, _SEED, origin="epigate-bench", name="bench", busy_seconds=5)
    size = 0
    for start in range(0, entries, _BATCH):
        rows = []
        for number in range(start, min(start + _BATCH, entries)):
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_795_320_000 + number // 10))
            account, operation = f"county-{number % 400}", "query contacts"
            contacts = commitments.of("contact", range(number, number + 5))
            what = {
                "clear": [],
                "count": 5,
                "masked": ["Contact.name", "Contact.phone"],
                "reasons": {},
                "records": {"contact": contacts},
                "regions": {"320100": "ANSWERED", "320200": "ANSWERED"},
            }
            said = {
                "account": account,
                "address": "192.0.2.17",
                "at": at,
                "code": "320102",
                "module": "graphql",
                "operation": operation,
                "purpose": "CONTACT_TRACING",
                "request": f"4e53ed9f1bee-{number}",
                "result": "OK",
                "role": "UNIT_USER",
                "trace": f"{number:032x}",
                "unit": "cdc-320102",
                "what": what,
            }
            text = orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()
            size += len(text)
            rows.append((at, account, operation, "OK", text))
        log.write(rows)
        if start % 100_000 == 0 and start:
            told(f"{start:,} entries written")
    log.close()
    return size


def _key(path: Path) -> VerifierKey:
    log = LogFile(path, _SEED, origin="epigate-bench", name="bench", busy_seconds=5)
    try:
        return VerifierKey.parse(log.vkey)
    finally:
        log.close()


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _holds(found: bool) -> None:
    if not found:
        raise SystemExit("the log does not hold: nothing was measured")
