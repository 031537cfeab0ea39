"""epigate itself as a contender: its command, the accounts of a benchmark, its tokens."""

from __future__ import annotations

from bench.data import CLEAR_ACCOUNT, MASKED_ACCOUNT, PASSWORD, DataSet
from bench.servers import Server

__all__ = ["NAME", "command", "tokens"]

NAME = "epigate"


def command(data: DataSet, port: int, *, workers: int = 1) -> list[str]:
    """The arguments of Python that serve a data set, as `epigate serve` does."""
    return [
        *("-c", "from gateway.cli import main; main()", "serve"),
        *("--config", str(data.config), "--workers", str(workers), "--port", str(port)),
    ]


def tokens(server: Server) -> dict[str, str]:
    """Tokens of the two viewers: `masked`, and `clear` with a grant for every private item."""
    return {
        "masked": server.sign_in(MASKED_ACCOUNT, PASSWORD),
        "clear": server.sign_in(CLEAR_ACCOUNT, PASSWORD),
    }
