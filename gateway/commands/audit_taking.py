"""What is taken along of the access log: a bundle, FHIR events, the list of one person."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console

from gateway.access_log.bundles import write_bundle
from gateway.access_log.live import live_log
from gateway.commands._audited import believed, progress, tell_reading
from gateway.commands._options import DEFAULT_CONFIG, ConfigOption, console
from gateway.config import Config, load_config
from gateway.person_report import make_report
from regions.errors import AccessLogError, InvalidInput
from resolvers.access_log.fhir import audit_events

__all__ = ["export", "person"]


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
    tell_reading(loaded, "audit export", **{"from": first, "to": last, "fhir": fhir})
    if fhir:
        _export_events(loaded, output, first, last)
        return
    with live_log(loaded.log_store) as log, progress("writing") as told:
        vkey = str(believed(log, None, loaded))
        count = write_bundle(log, output, vkey=vkey, first=first, last=last, progress=told)
    console().print(f"{output}: {count:,} entries of {vkey.partition('+')[0]}", soft_wrap=True)


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
    if made.unread:
        Console(stderr=True).print(
            f"epigate: not read, or not whole: the logs {', '.join(made.unread)}: what is in them "
            "may be missing; `others` of [access_log] says where logs are",
            style="yellow",
            soft_wrap=True,
        )
    if not made.known and not made.missing:
        Console(stderr=True).print(
            f"epigate: no region has a case or contact of {person_id}: see whether the id is right",
            style="yellow",
            soft_wrap=True,
        )


def _export_events(config: Config, output: Path, first: int, last: int | None) -> None:
    """Writes entries as FHIR AuditEvents, one a line."""
    with live_log(config.log_store) as log, progress("writing") as told:
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
                    if told is not None and number % 1_000 == 0:
                        told(number - first, end - first)
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


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
