"""epigate itself as a contender: its command, the accounts of a benchmark, its tokens."""

from __future__ import annotations

from bench.data import CLEAR_ACCOUNT, MASKED_ACCOUNT, PASSWORD, TOTP_SECRET, DataSet
from bench.servers import Server

__all__ = ["NAME", "command", "tokens"]

NAME = "epigate"


def command(data: DataSet, port: int, *, remember: bool = False) -> list[str]:
    """The arguments of Python that serve a data set by one worker, as `epigate serve` does.

    Unless told to remember answers it reads every one from the stores, as the others must.
    """
    config = str(data.config(remember=remember))
    return [
        *("-c", "from gateway.cli import main; main()", "serve"),
        *("--config", config, "--workers", "1", "--port", str(port)),
    ]


def tokens(server: Server) -> dict[str, str]:
    """Tokens of the two viewers: `masked`, and `clear` with a grant for every private item."""
    return {
        "masked": server.sign_in(MASKED_ACCOUNT, PASSWORD),
        "clear": server.sign_in(CLEAR_ACCOUNT, PASSWORD, TOTP_SECRET),
    }
