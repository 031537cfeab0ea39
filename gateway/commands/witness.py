"""`epigate witness`: an auditor's machine watches a log grow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.access_log.witnessing import fetching, see
from gateway.commands._options import UnusedConfigOption
from resolvers.access_log.notes import VerifierKey

__all__ = ["witness"]


def witness(
    source: Annotated[
        str,
        typer.Argument(
            help="Where the log's checkpoint and tiles are: http://host:8000/access-log, or a "
            "folder that `epigate audit export` wrote."
        ),
    ],
    key: Annotated[
        str,
        typer.Option(help="The log's public key, or a file with it, got from its operator."),
    ],
    state: Annotated[
        Path, typer.Option(help="The witness's own file: what it has seen. Its key lies beside.")
    ],
    name: Annotated[
        str, typer.Option(help="The witness's name, at the first time; no spaces.")
    ] = "epigate-witness",
    anew: Annotated[
        bool,
        typer.Option(
            "--anew",
            help="Begin anew by another key, where what was seen is lost; FILE.history tells it.",
        ),
    ] = False,
    config: UnusedConfigOption = None,
) -> None:
    """Cosign a log's newest checkpoint, if it grew out of the last one seen; run it regularly.

    Needs no configuration and no secret of the gateway. What was seen is kept before anything is
    printed: the checkpoint with the cosignature. A log that was cut short, changed or forked is
    ACCESS_LOG_TAMPERED, and what was seen before is kept: it is the proof. Where the state file is
    gone and its key is there, the witness refuses: it would believe any log. Exit code 1.
    """
    text = Path(key).read_text("utf-8") if Path(key).is_file() else key
    seen = see(fetching(source), VerifierKey.parse(text), state, name, anew=anew)
    typer.echo(seen.note + seen.cosignature, nl=False)
