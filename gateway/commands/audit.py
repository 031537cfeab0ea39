"""`epigate audit`: verify the access log, prove an entry, compare two states, take a copy along.

`verify` and `diff` of bundles need no configuration, no secret and no network.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.text import Text

from gateway.access_log.live import LiveLog, live_log
from gateway.commands._audited import (
    KeyOption,
    believed,
    key_of,
    note_in,
    progress,
    source_of,
    state_of,
    tell_reading,
    text_of,
)
from gateway.commands._options import DEFAULT_CONFIG, ConfigOption, console
from gateway.commands.audit_taking import export, person
from gateway.config import load_config
from regions.errors import InvalidInput
from resolvers.access_log.comparing import Outcome, compare
from resolvers.access_log.findings import Report, each_problem, numbers
from resolvers.access_log.proofs import EntryProof
from resolvers.access_log.verifying import Source, verify

__all__ = ["app"]

app = typer.Typer(
    help="Verify the access log, prove an entry, compare two states of it, take a copy along.",
    no_args_is_help=True,
)
app.command()(export)
app.command()(person)

PARTIAL = 3
"""Exit code where a bundle holds only a part of its log: of the rest nothing is said."""


@app.callback()
def _group() -> None:
    """Verify the access log, prove an entry, compare two states of it, take a copy along."""


@app.command("verify")
def verify_log(
    bundle: Annotated[
        Path | None,
        typer.Argument(help="A bundle: folder or tar file. The log itself unless given."),
    ] = None,
    key: KeyOption = None,
    since: Annotated[
        Path | None,
        typer.Option(help="An older checkpoint, or bundle, that it must have grown out of."),
    ] = None,
    witness: Annotated[
        list[str] | None,
        typer.Option(help="Public key of a witness that must have cosigned; or a file with it."),
    ] = None,
    proof: Annotated[
        Path | None, typer.Option(help="Check this proof of `audit prove`, and nothing else.")
    ] = None,
    allow_partial: Annotated[
        bool,
        typer.Option("--allow-partial", help="A bundle of a part of the log may be one: exit 0."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The report as one JSON object.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Verify the log or a bundle: every entry, tile, root and signature.

    Everything is computed anew; what does not hold is named with its entry or tile. A bundle needs
    no configuration and no network. Exit code 1: it does not hold. Exit code 3: what is here holds,
    but is only a part of the log.
    """
    if proof is not None:
        _check_proof(proof, key, config)
        return
    witnesses = [key_of(text) for text in witness or ()]
    with source_of(bundle, config) as source:
        keys = [key_of(key) if key is not None else believed(source, bundle, config)]
        note = note_in(since) if since is not None else None
        with progress("verifying", quiet=as_json) as told:
            report = verify(source, keys, since=note, witnesses=witnesses, progress=told)
            if isinstance(source, LiveLog) and report.checkpoint is not None:
                for problem in source.columns():
                    report.add(problem.code, problem.text, index=problem.index)
                for one in source.contradictions():
                    if one.proven:
                        report.add("CONTRADICTED", one.text)
                    else:
                        report.remarks.append(one.text)
    if as_json:
        print(orjson.dumps(_told(report)).decode())
    else:
        _print(report, str(bundle or "the access log"))
    if not report.holds:
        raise typer.Exit(1)
    if bundle is not None and report.part is not None and not allow_partial:
        Console(stderr=True).print(
            f"epigate: {bundle} is a part of the log only, of the rest nothing is known: exit code "
            f"{PARTIAL}; --allow-partial where that is meant",
            style="yellow",
            soft_wrap=True,
        )
        raise typer.Exit(PARTIAL)


@app.command()
def prove(
    index: Annotated[int, typer.Argument(help="Index of the entry: its number less 1.")],
    output: Annotated[
        Path | None, typer.Option(help="The file to write; standard output unless given.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Print a proof that an entry is in the log: a file that checks itself with the public key.

    The entry is in the proof, so this is in the log, too.
    """
    loaded = load_config(config)
    with live_log(loaded.log_store) as log:
        text = log.prove(index).text()
    tell_reading(loaded, "audit prove", index=index)
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InvalidInput(f"{output} cannot be written: {error.strerror}") from None


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(help="The earlier state: a bundle or a checkpoint.")],
    after: Annotated[
        Path | None,
        typer.Argument(help="The later state: a bundle or a checkpoint. The log unless given."),
    ] = None,
    key: KeyOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Compare two states of a log: consistent, or forked or rolled back, and where.

    Exit code 1 where the later did not grow out of the earlier.
    """
    with state_of(before, config) as (note, tiles), state_of(after, config) as (later, later_tiles):
        source = later_tiles or tiles
        if key is None and source is None:
            raise InvalidInput("two checkpoints need --key", hint="the log's public key")
        keys = [key_of(key) if key is not None else believed(source, after or before, config)]
        found = compare(note, later, keys, tiles_before=tiles, tiles_after=later_tiles)
        came = _came(later_tiles, found.before.size, found.after.size)
    old, new = found.before, found.after
    out = console()
    out.print(f"before  {old.origin}: {old.size:,} entries", soft_wrap=True)
    out.print(f"after   {new.origin}: {new.size:,} entries", soft_wrap=True)
    where = ""
    if found.outcome is Outcome.GREW:
        where = f": {numbers(old.size, new.size)} came{came}"
    elif found.outcome is Outcome.ROLLED_BACK:
        where = f": {numbers(new.size, old.size)} are gone"
    elif found.outcome is Outcome.FORKED and found.index is not None:
        about = "" if found.exact else "at or behind "
        where = f": they part at {about}entry {found.index + 1} (index {found.index})"
    elif found.outcome is Outcome.UNKNOWN:
        where = ": give the bundle of the larger one, not its checkpoint alone"
    out.print(Text(f"{found.outcome.value}{where}", style="bold"), soft_wrap=True)
    if found.outcome not in (Outcome.SAME, Outcome.GREW):
        raise typer.Exit(1)


def _check_proof(path: Path, key: str | None, config: Path) -> None:
    if key is None:
        raise InvalidInput(
            "a proof needs --key", hint="the log's public key, as `epigate access-log key` prints"
        )
    proof = EntryProof.parse(text_of(path))
    signed = proof.check([key_of(key)])
    out = console()
    out.print(
        f"entry {proof.index + 1} (index {proof.index}) is in the log {signed.origin} of "
        f"{signed.size:,} entries:",
        soft_wrap=True,
    )
    out.print(Text(proof.entry.decode()), soft_wrap=True)


def _came(source: Source | None, first: int, last: int) -> str:
    """From when to when the entries behind an index are, where the bundle has them."""
    if source is None or last <= first:
        return ""
    instants = []
    for index in (first, last - 1):
        entries = source.bundle(index // 256, min(256, last - index // 256 * 256))
        at = index % 256
        if entries is None or len(entries) <= at:
            return ""
        try:
            instants.append(str(orjson.loads(entries[at])["at"]))
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return ""
    return f", from {instants[0]} to {instants[1]}"


def _told(report: Report) -> dict[str, Any]:
    signed = report.checkpoint
    return {
        "holds": report.holds,
        "origin": signed.origin if signed else None,
        "size": signed.size if signed else None,
        "root": signed.root.hex() if signed else None,
        "entries": report.entries,
        "part": report.part,
        "tiles": report.tiles,
        "keptCheckpoints": report.kept,
        "since": report.since.size if report.since else None,
        "witnesses": [
            {"name": name, "at": at, "size": size} for name, at, size in report.witnesses
        ],
        "problems": [
            {"code": one.code, "text": one.text, "index": one.index, "tile": one.tile}
            for one in report.problems
        ],
        "moreProblems": report.more,
        "remarks": report.remarks,
    }


def _print(report: Report, name: str) -> None:
    out = console()
    signed = report.checkpoint
    if signed is not None:
        lines = [
            f"{signed.origin}: {signed.size:,} entries, signed by {report.key}",
            f"root {signed.root.hex()}",
            f"checked {report.entries:,} entries, {report.tiles:,} tiles, "
            f"{report.kept:,} older checkpoints",
        ]
        if report.part is not None:
            first, last = report.part
            lines.append(f"only {numbers(first, last)} are here: of the others nothing is said")
        if report.since is not None and report.holds:
            lines.append(f"grew out of the checkpoint of {report.since.size:,} entries")
        lines += [
            f"its first {size:,} entries cosigned by {witness} at {at}"
            for witness, at, size in report.witnesses
        ]
        for line in lines:
            out.print(Text(line), soft_wrap=True)
    for line in report.remarks:
        out.print(Text(line, style="yellow"), soft_wrap=True)
    if report.holds:
        out.print(Text(f"{name} holds", style="bold green"), soft_wrap=True)
        return
    for line in each_problem(report):
        out.print(Text(line, style="red"), soft_wrap=True)
    out.print(Text(f"{name} does not hold", style="bold red"), soft_wrap=True)
