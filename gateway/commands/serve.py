"""`epigate serve`: answer questions over the configured stores."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.commands._options import DEFAULT_CONFIG, ConfigOption
from gateway.config import load_config

__all__ = ["serve"]


def serve(
    config: ConfigOption = DEFAULT_CONFIG,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port to listen on.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Worker processes; 0 is one for each core.")
    ] = None,
) -> None:
    """Serve the stores of the configuration until told to end (Ctrl+C, SIGTERM)."""
    from gateway.serve import serve as serve_gateway

    serve_gateway(load_config(config), host, port, workers)
