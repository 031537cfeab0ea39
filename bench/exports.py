"""Exports: records a second, and the worker's memory while a file of any size passes through."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import orjson

from bench import ours
from bench.data import DataSet
from bench.machine import Others
from bench.report import Sheet
from bench.rounds import BadAnswers
from bench.servers import Server, running

__all__ = ["Passed", "pass_through", "sheet"]

_COLUMNS = (
    *("id", "level", "code", "name", "sex", "age"),
    *("idNumber", "phone", "traced", "outcome", "firstContactOn", "lastContactOn"),
)
_REQUEST = """mutation ($input: RequestExportInput!) { requestExport(input: $input) {
  ... on RequestExportPayload { export { url rows } } ... on Problem { message } } }"""
_MIB = 1 << 20
_EVERY = 64  # pieces of a file between two looks at the memory
_LIMIT = 10_000_000  # rows that need no approval here


@dataclass(frozen=True, slots=True)
class Passed:
    """One file: MiB resident before it, and at most while it passed."""

    format: str
    viewer: str
    rows: int
    seconds: float
    size: int  # bytes
    before: float
    most: float


def pass_through(data: DataSet, sizes: dict[str, int], *, port: int = 9900) -> Iterator[Passed]:
    """A file of the contacts of one region, and one of all; `sizes` are the rows of each.

    The first of a format and viewer warms the worker up, so that its memory is not counted as the
    second one's.
    """
    config = data.config(remember=False)
    config.write_text(
        f"{config.read_text('utf-8')}\n[exports]\napproval_rows = {_LIMIT}\n", "utf-8"
    )
    with running([(ours.NAME, port, ours.command(data, port))], data.folder) as servers:
        server = servers[ours.NAME]
        tokens = ours.tokens(server)
        for format in ("CSV", "XLSX"):
            for viewer in ("masked", "clear"):
                for code, rows in sizes.items():
                    yield _pass(server, tokens[viewer], viewer, format, code, rows)


def _pass(server: Server, token: str, viewer: str, format: str, code: str, rows: int) -> Passed:
    given = {
        "idempotencyKey": f"{viewer}-{format}-{code}-{time.time_ns()}",
        "kind": "CONTACTS",
        "format": format,
        "columns": _COLUMNS,
        "purpose": "benchmark",
        "contacts": {"code": [code]},
    }
    body = orjson.dumps({"query": _REQUEST, "variables": {"input": given}})
    made = server.ask(body, token)["data"]["requestExport"]
    if "export" not in made or made["export"]["rows"] != rows:
        raise BadAnswers(f"requestExport answered {made}")
    before = most = _largest(server)
    size, started = 0, time.perf_counter()
    url = f"http://127.0.0.1:{server.port}{made['export']['url']}"
    headers = {"authorization": f"Bearer {token}"}
    with httpx.stream("GET", url, headers=headers, timeout=60) as response:
        if response.status_code != 200:
            raise BadAnswers(f"the file answered {response.status_code}")
        for number, piece in enumerate(response.iter_raw()):
            size += len(piece)
            if number % _EVERY == 0:
                most = max(most, _largest(server))
    seconds = time.perf_counter() - started
    return Passed(format, viewer, rows, seconds, size, before, max(most, _largest(server)))


def _largest(server: Server) -> float:
    return max(server.resident_bytes().values()) / _MIB


def sheet(results: list[Passed], regions: int, others: Others) -> Sheet:
    """The table of results."""
    made = Sheet(
        "exports",
        f"Exports of {len(_COLUMNS)} columns over {regions} regions",
        ("file", "rows", "rows/s", "MB", "MiB before", "MiB at most"),
    )
    for one in results:
        made.rows.append(
            (
                f"{one.format}, {one.viewer}",
                f"{one.rows:,}",
                f"{one.rows / one.seconds:,.0f}",
                f"{one.size / 1e6:.1f}",
                f"{one.before:.0f}",
                f"{one.most:.0f}",
            )
        )
    made.notes += ["one file at a time, every page in the access log before it left", f"{others}"]
    return made
