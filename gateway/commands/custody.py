"""`epigate custody`: proof over all stores that nobody was lost or doubled."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from gateway.access_log.starting import tell_log
from gateway.access_log.system import operator, system_row
from gateway.commands._options import DEFAULT_CONFIG, ConfigOption, console, print_list
from gateway.config import load_config
from gateway.custody import CustodyReport, check_custody, mend_custody
from regions.instants import seconds_of
from regions.keys import load_keys
from resolvers.transfers.conservation import Kind

__all__ = ["PARTIAL", "app"]

PARTIAL = 3
"""Exit code where regions did not answer: what is here holds, of the rest nothing is said."""

_SHOWN = 20

app = typer.Typer(help="Prove that every person has exactly one custodian.", no_args_is_help=True)


@app.callback()
def _custody() -> None:
    """Prove that every person has exactly one custodian."""


@app.command()
def check(
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="The report as one JSON object.")] = False,
    metrics: Annotated[
        Path | None,
        typer.Option(
            "--metrics",
            metavar="FILE",
            help="Write the numbers as Prometheus's text format, for the node exporter to collect.",
        ),
    ] = None,
) -> None:
    """Prove over all stores that every person has exactly one custodian, that records live where
    custody is, that dossiers and copies of cards are equal on both sides, and that no acknowledged
    message is undone. List what is on its way.

    The gateway may run meanwhile. Exit code 1: something is wrong, each finding is named. Exit code
    3: regions did not answer; what the others say holds.
    """
    report = asyncio.run(check_custody(load_config(config).regions))
    if metrics is not None:
        _write(metrics, _metrics(report))
    if as_json:
        print(orjson.dumps(_told(report)).decode())
    else:
        _print(report)
    if report.findings:
        raise typer.Exit(1)
    if report.missing:
        raise typer.Exit(PARTIAL)


@app.command()
def mend(
    config: ConfigOption = DEFAULT_CONFIG,
    region: Annotated[
        list[str] | None,
        typer.Option(help="Six digits: mend this region, whether it is found to be behind or not."),
    ] = None,
) -> None:
    """Mend stores that were put back from an older backup: fence people whom a store has handed
    over since, have everything delivered again that it has lost, and make one custodian of whom two
    regions answer for.

    Without --region those are mended that their peers know to be behind. It can be done again, and
    the gateway may run meanwhile; it delivers what is to be delivered. Then run `custody check`.
    """
    loaded = load_config(config)
    keys, wanted = load_keys(loaded.keys), tuple(region or ())
    unknown = set(wanted) - {one.code for one in loaded.regions}
    if unknown:
        raise typer.BadParameter(f"no such region here: {', '.join(sorted(unknown))}")
    what: dict[str, Any] = {"by": operator(), "regions": list(wanted)}
    tell_log(loaded, keys, system_row("custody mend", **what))
    out = console()
    done = asyncio.run(mend_custody(loaded.regions, keys, wanted))
    for one in done.stores:
        out.print(
            f"{one.region}: {len(one.fenced):,} people fenced, {len(one.raised):,} kept at a "
            f"higher epoch, {one.again:,} messages delivered again"
        )
        if one.cards:
            out.print(f"{one.region}: {one.cards:,} cards of cases as they were corrected since")
        if one.gone:
            out.print(
                f"{one.region}: {one.gone:,} messages are lost: the backup is older than their "
                "senders keep what was answered ([post] keep_days); see `epigate custody check`"
            )
    for who in done.doubled.yielded:
        out.print(f"person:{who.person}: {who.region} has yielded to {who.to}")
    if done.doubled.waiting:
        out.print(
            f"{len(done.doubled.waiting):,} people are answered for twice, and wait for what is to "
            "be delivered: then mend again"
        )
    if not (done.stores or done.doubled.yielded or done.doubled.waiting):
        out.print("no store is behind")


def _told(report: CustodyReport) -> Mapping[str, Any]:
    told = asdict(report)
    told["waiting"] = [{**asdict(one), "seconds": _age(one.since)} for one in report.waiting]
    return told


def _age(since: str) -> int:
    return max(0, int(time.time() - seconds_of(since)))


def _print(report: CustodyReport) -> None:
    out = console()
    out.print(
        f"{report.people:,} people, {report.on_the_way:,} on their way, "
        f"{report.messages:,} answered messages compared"
    )
    for region in report.missing:
        out.print(f"{region}: no answer")
    if report.unjudged:
        out.print(f"{report.unjudged:,} people depend on regions that did not answer")
    for finding in report.findings[:_SHOWN]:
        kind = Kind[finding.kind]
        out.print(
            f"{kind.name} {finding.subject}: {kind.value} ({kind.chinese}): "
            f"{'; '.join(finding.said)}",
            soft_wrap=True,
        )
    if len(report.findings) > _SHOWN:
        out.print(f"and {len(report.findings) - _SHOWN:,} more: see --json")
    for who in report.yielded[:_SHOWN]:
        out.print(
            f"person:{who.person}: two regions answered since a store was put back; {who.region} "
            f"yielded to {who.to} ({who.at})",
            soft_wrap=True,
        )
    if len(report.yielded) > _SHOWN:
        out.print(f"and {len(report.yielded) - _SHOWN:,} more: see --json")
    if report.waiting:
        out.print(f"{len(report.waiting):,} messages wait:")
        rows = (
            (one.topic, one.subject, f"{one.from_region} > {one.to_region}", one.since, one.reason)
            for one in report.waiting[:_SHOWN]
        )
        print_list(
            {"topic": 12, "of": 12, "way": 0, "since": 0, "reason": 12},
            ([cell or "" for cell in row] for row in rows),
        )
    if not report.findings:
        out.print("every person has one custodian" if not report.missing else "nothing is wrong")


def _metrics(report: CustodyReport) -> str:
    oldest = max((_age(one.since) for one in report.waiting), default=0)
    told = [
        ("people", "People judged.", report.people),
        ("people_on_the_way", "People between two custodians.", report.on_the_way),
        ("people_unjudged", "People who depend on regions without an answer.", report.unjudged),
        (
            "findings",
            "What is wrong; 0 where every person has one custodian.",
            len(report.findings),
        ),
        ("regions_missing", "Regions without an answer.", len(report.missing)),
        ("messages_waiting", "Messages between regions without a reply.", len(report.waiting)),
        ("oldest_message_seconds", "Age of the oldest of them.", oldest),
        ("checked_timestamp_seconds", "When this was checked.", int(time.time())),
    ]
    lines = []
    for name, what, number in told:
        metric = f"epigate_custody_{name}"
        lines += [f"# HELP {metric} {what}", f"# TYPE {metric} gauge", f"{metric} {number}"]
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str) -> None:
    """Puts the file in place as a whole: whoever collects it never reads half of one."""
    handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    os.chmod(name, 0o644)
    os.replace(name, path)
