"""`epigate audit`: verify the access log, prove an entry, compare two states, take a copy along.

`verify` and `diff` of bundles need no configuration, no secret and no network.
"""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from gateway.access_log.bundles import Bundle, is_bundle, open_bundle, write_bundle
from gateway.access_log.live import LiveLog, live_log
from gateway.access_log.starting import tell_log
from gateway.access_log.system import system_row
from gateway.commands._options import DEFAULT_CONFIG, ConfigOption, console
from gateway.config import Config, load_config
from gateway.person_report import make_report
from regions.errors import AccessLogError, InvalidInput, NoteInvalid
from regions.keys import load_keys
from resolvers.access_log.comparing import Outcome, compare
from resolvers.access_log.fhir import audit_events
from resolvers.access_log.notes import VerifierKey
from resolvers.access_log.proofs import EntryProof
from resolvers.access_log.verifying import Report, Source, each_problem, numbers, verify

__all__ = ["app"]

app = typer.Typer(
    help="Verify the access log, prove an entry, compare two states of it, take a copy along.",
    no_args_is_help=True,
)

_KEY_HELP = (
    "The log's public key, or a file with it; keep your own copy. Without it the key beside the "
    "log, or in the bundle, is believed."
)
KeyOption = Annotated[str | None, typer.Option("--key", help=_KEY_HELP, metavar="KEY")]


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
    as_json: Annotated[bool, typer.Option("--json", help="The report as one JSON object.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Verify the log or a bundle: every entry, tile, root and signature. Exit code 1: it fails.

    Everything is computed anew. What does not hold is named with its entry or tile. A bundle needs
    no configuration and no network.
    """
    if proof is not None:
        _check_proof(proof, key, config)
        return
    witnesses = [_key(text) for text in witness or ()]
    with _source(bundle, config) as source:
        keys = [_key(key) if key is not None else _believed(source, bundle, config)]
        note = _note(since) if since is not None else None
        with _progress("verifying", quiet=as_json) as progress:
            report = verify(source, keys, since=note, witnesses=witnesses, progress=progress)
            if isinstance(source, LiveLog) and report.checkpoint is not None:
                for problem in source.columns():
                    report.add(problem.code, problem.text, index=problem.index)
    if as_json:
        print(orjson.dumps(_told(report)).decode())
    else:
        _print(report, str(bundle or "the access log"))
    if not report.holds:
        raise typer.Exit(1)


@app.command()
def prove(
    index: Annotated[int, typer.Argument(help="Index of the entry: its number less 1.")],
    output: Annotated[
        Path | None, typer.Option(help="The file to write; standard output unless given.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Print a proof that an entry is in the log: a file that checks itself with the public key."""
    with live_log(load_config(config).log_store) as log:
        text = log.prove(index).text()
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
    with _state(before, config) as (note, tiles), _state(after, config) as (later, later_tiles):
        source = later_tiles or tiles
        if key is None and source is None:
            raise InvalidInput("two checkpoints need --key", hint="the log's public key")
        keys = [_key(key) if key is not None else _believed(source, after or before, config)]
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


@app.command()
def export(
    output: Annotated[Path, typer.Argument(help="A new folder, or a tar file if it ends so.")],
    first: Annotated[int, typer.Option("--from", min=0, help="Index of the first entry.")] = 0,
    last: Annotated[
        int | None, typer.Option("--to", min=0, help="Index behind the last entry.")
    ] = None,
    fhir: Annotated[
        bool,
        typer.Option(
            "--fhir", help="FHIR R4 AuditEvents (IHE BALP), one a line, rather than a bundle."
        ),
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write the log, or a part of it, as a bundle that can be verified anywhere."""
    loaded = load_config(config)
    if output.exists():
        raise InvalidInput(f"{output} exists already", hint="name another file or folder")
    _tell(loaded, "audit export", **{"from": first, "to": last, "fhir": fhir})
    if fhir:
        _export_events(loaded, output, first, last)
        return
    with live_log(loaded.log_store) as log, _progress("writing") as progress:
        vkey = str(_believed(log, None, loaded))
        count = write_bundle(log, output, vkey=vkey, first=first, last=last, progress=progress)
    console().print(f"{output}: {count:,} entries of {vkey.partition('+')[0]}", soft_wrap=True)


@app.command()
def person(
    person_id: Annotated[str, typer.Argument(metavar="ID", help="The person, `person:…`.")],
    output: Annotated[Path, typer.Option(help="The page to write.")] = Path("person-report.html"),
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write the list of who saw one person's data, for that person: a page to print (G7).

    In Chinese and English: when, who, which private items in clear, what for and by what right.
    Making it is in the access log, too.
    """
    if output.exists():
        raise InvalidInput(f"{output} exists already", hint="name another file by --output")
    made = asyncio.run(make_report(load_config(config), person_id))
    try:
        with open(output, "x", encoding="utf-8", opener=_private) as file:
            file.write(made.page)
    except OSError as error:
        raise InvalidInput(f"{output} cannot be written: {error.strerror}") from None
    console().print(f"{output}: {len(made.found):,} operations", soft_wrap=True)
    if made.missing:
        Console(stderr=True).print(
            f"epigate: no answer from {', '.join(made.missing)}: what concerns their records may "
            "be missing",
            style="yellow",
            soft_wrap=True,
        )
    elif not made.known:
        Console(stderr=True).print(
            f"epigate: no region has a case or contact of {person_id}: see whether the id is right",
            style="yellow",
            soft_wrap=True,
        )


def _export_events(config: Config, output: Path, first: int, last: int | None) -> None:
    """Writes entries as FHIR AuditEvents, one a line."""
    with live_log(config.log_store) as log, _progress("writing") as progress:
        origin = log.note.partition("\n")[0]
        end = log.size if last is None else last
        if not 0 <= first <= end <= log.size:
            raise InvalidInput(
                f"there are no entries {first} to {end} (not included)",
                hint=f"the log has the indexes 0 to {log.size - 1}",
            )
        count = 0
        try:
            with open(output, "xb", opener=_private) as file:
                for number, text in log.entries(first, end):
                    for event in audit_events(number, orjson.loads(text), origin):
                        file.write(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))
                        count += 1
                    if progress is not None and number % 1_000 == 0:
                        progress(number - first, end - first)
        except OSError as error:
            raise InvalidInput(f"{output} cannot be written: {error.strerror}") from None
        except orjson.JSONDecodeError:
            raise AccessLogError(
                f"an entry of the log is no JSON, near number {number}",
                hint="`epigate audit verify` says what is wrong with it",
            ) from None
    console().print(
        f"{output}: {count:,} events of entries {first + 1:,} to {end:,}", soft_wrap=True
    )


def _tell(config: Config, operation: str, **what: Any) -> None:
    """Puts into the log that somebody takes it along, where the keys are there to sign it."""
    if not config.keys.exists():
        Console(stderr=True).print(
            f"epigate: no keys in {config.keys}: that the log was taken is not in it",
            style="yellow",
            soft_wrap=True,
        )
        return
    keys = load_keys(config.keys, sm=config.sm)
    tell_log(config, keys, system_row(operation, by=getpass.getuser(), **what))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _check_proof(path: Path, key: str | None, config: Path) -> None:
    if key is None:
        raise InvalidInput(
            "a proof needs --key", hint="the log's public key, as `epigate access-log key` prints"
        )
    proof = EntryProof.parse(_read(path))
    signed = proof.check([_key(key)])
    out = console()
    out.print(
        f"entry {proof.index + 1} (index {proof.index}) is in the log {signed.origin} of "
        f"{signed.size:,} entries:",
        soft_wrap=True,
    )
    out.print(Text(proof.entry.decode()), soft_wrap=True)


@contextmanager
def _source(bundle: Path | None, config: Path) -> Iterator[Source]:
    if bundle is None:
        with live_log(load_config(config).log_store) as log:
            yield log
    elif not bundle.exists():
        raise InvalidInput(f"there is no {bundle}")
    else:
        with open_bundle(bundle) as found:
            yield found


@contextmanager
def _state(path: Path | None, config: Path) -> Iterator[tuple[str, Source | None]]:
    """The checkpoint of a state, and its tiles where it has any."""
    if path is not None and path.exists() and not is_bundle(path):
        yield _read(path), None
        return
    with _source(path, config) as source:
        yield source.note, source


def _note(path: Path) -> str:
    if is_bundle(path):
        with open_bundle(path) as found:
            return found.note
    return _read(path)


def _believed(source: Source | None, path: Path | None, config: Path | Config) -> VerifierKey:
    """The key that comes with the log."""
    if isinstance(source, Bundle):
        Console(stderr=True).print(
            f"epigate: no --key given: believing the key in {path}", style="yellow", soft_wrap=True
        )
        return VerifierKey.parse(source.vkey)
    loaded = load_config(config) if isinstance(config, Path) else config
    if not loaded.log_vkey.exists():
        raise AccessLogError(
            f"there is no {loaded.log_vkey}", hint="give --key, or start the gateway once"
        )
    return VerifierKey.parse(_read(loaded.log_vkey))


def _key(text: str) -> VerifierKey:
    """A public key, given as such or as the file that holds it. Raises NoteInvalid."""
    path = Path(text)
    try:
        if path.is_file():
            text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError, ValueError):
        pass
    return VerifierKey.parse(text)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise NoteInvalid(f"{path} is no text") from None


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
    if report.holds:
        out.print(Text(f"{name} holds", style="bold green"), soft_wrap=True)
        return
    for line in each_problem(report):
        out.print(Text(line, style="red"), soft_wrap=True)
    out.print(Text(f"{name} does not hold", style="bold red"), soft_wrap=True)


@contextmanager
def _progress(what: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on a terminal."""
    error = Console(stderr=True)
    if quiet or not error.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=error, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
