"""The commands by name, each imported when it is called: all of them import most of the gateway.

What a command says of itself stands here once more, so that `epigate --help` imports none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from gateway._importing import import_quickly

__all__ = ["COMMANDS", "LOOKS", "Commands", "import_all"]

LOOKS: dict[str, Any] = {
    "add_completion": False,
    "rich_markup_mode": "markdown",
    "pretty_exceptions_enable": False,
}
"""How every command prints its help."""

COMMANDS = {
    "ask": "Ask a served gateway one question: sign in, ask, print the answer as JSON, sign out.",
    "demo": "Fill the configured stores with invented people, print accounts and questions, and "
    "serve.",
    "detect": "Compute the nights that are due, in order, and write their signals.",
    "enrol": "Give an account a second factor: codes of an authenticator app (TOTP), and recovery "
    "codes.",
    "init": "Make the key folder, the data folder and every store; what is there already is kept.",
    "load": "Load a line list by a mapping, each row into the store of its region.",
    "migrate": "Bring every store up to date, one transaction each; run it again after an "
    "interruption.",
    "password": "Change your own password: sign in with the one there is, and choose another.",
    "serve": "Serve the stores of the configuration until told to end (Ctrl+C, SIGTERM).",
    "witness": "Cosign a log's newest checkpoint, if it grew out of the last one seen; run it "
    "regularly.",
    "access-log": "Read the access log: who saw what, when, by what right.",
    "accounts": "Add, list and disable accounts.",
    "clients": "Add, list and change machine clients.",
    "assist": "Lists of people for assist letters (协查).",
    "audit": "Verify the access log, prove an entry, compare two states of it, take a copy along.",
    "config": "Write, check and explain the configuration.",
    "counts": "Prove the daily counts per county and disease, or mend them.",
    "custody": "Prove that every person has exactly one custodian.",
    "exports": "Look at exported files.",
    "grants": "Give, list and revoke rights to see private items in clear.",
    "keys": "Which keys are in use, new ones, and old ones out of use.",
    "identities": "Say who of another provider opens which account.",
    "report": "Fetch reports of a served gateway.",
    "units": "List the units that accounts can belong to.",
}
"""The name of each command, which is its module's in `gateway/commands`, and its help's first line.

A module has `app`, where there are commands below it, else a function of its own name.
"""


class Commands(TyperGroup):
    """The group of all of them."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = dict.fromkeys(COMMANDS)  # type: ignore[assignment]  # names, to suggest one
        self._telling = False

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command; while the help is printed, one that has its name and says the same."""
        if cmd_name not in COMMANDS:
            return None
        if self._telling:
            return TyperCommand(cmd_name, help=COMMANDS[cmd_name])
        return _imported(cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Prints the help."""
        with self._told_by_name():
            super().format_help(ctx, formatter)

    @contextmanager
    def _told_by_name(self) -> Iterator[None]:
        self._telling = True
        try:
            yield
        finally:
            self._telling = False


def import_all() -> None:
    """Imports every command, for a process from which others are forked."""
    for name in COMMANDS:
        _imported(name)


def _imported(name: str) -> Any:
    module = import_quickly(f"gateway.commands.{name.replace('-', '_')}")
    alone = typer.Typer(**LOOKS)
    below: typer.Typer | None = getattr(module, "app", None)
    if below is None:
        alone.command(name)(getattr(module, name))
    else:
        alone.add_typer(below, name=name)
    return get_group(alone).commands[name]
