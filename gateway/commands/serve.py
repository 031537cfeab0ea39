"""`epigate serve`: answer questions over the configured stores."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.commands._central import require_init
from gateway.commands._options import DEFAULT_CONFIG, ConfigOption
from gateway.config import load_config
from regions.keys import load_keys

__all__ = ["serve"]


def serve(
    config: ConfigOption = DEFAULT_CONFIG,
    host: Annotated[
        str | None,
        typer.Option(
            help="Address to listen on instead of the configuration's.", metavar="ADDRESS"
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="Port to listen on instead; 0 takes a free one."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Worker processes; 0 is one for each core.")
    ] = None,
) -> None:
    """Serve the stores of the configuration until told to end (Ctrl+C, SIGTERM).

    Prints its address once it answers. A region that does not answer is named, and the others are
    served without it.
    """
    from gateway.serve import serve as serve_gateway

    loaded = load_config(config)
    require_init(loaded)
    load_keys(loaded.keys)  # what is missing is better said here than by every worker
    serve_gateway(loaded, host, port, workers)
