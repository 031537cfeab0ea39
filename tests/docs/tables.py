"""The manual's generated tables: errors, private fields, commands, settings.

Each stands on its page between `<!-- name -->` and `<!-- end name -->`, but for the settings, which
`epigate config table` prints.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from gateway.cli import app
from regions.errors import EpigateError
from resolvers.access_log.purposes import PURPOSES
from resolvers.alarms.rules import RULES as ALARM_RULES
from resolvers.catalog import private_fields
from resolvers.writing.correctable import CORRECTABLE
from resolvers.writing.rules import RULES
from schema.alarms import AlarmRule
from schema.writing import problems
from schema.writing.problems import Problem

__all__ = ["DOCS", "TABLES", "commands", "errors", "options", "replaced"]

DOCS = Path(__file__).parent.parent.parent / "docs"

_OTHER_CODES = (
    ("GRAPHQL_INVALID", "400", "The document or its variables do not fit the schema."),
    ("INTERNAL", "500", "The gateway failed; its own log says why."),
)
"""Codes that no class of the tree stands for."""


def errors(base: type[EpigateError] = EpigateError) -> Iterator[type[EpigateError]]:
    """Every class of the tree below the base, as the tree is drawn."""
    for one in base.__subclasses__():
        if one.__module__ == EpigateError.__module__:
            yield one
            yield from errors(one)


def commands() -> dict[str, Any]:
    """Every command of Typer's by its words: `config check`."""

    def below(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
        inner = getattr(command, "commands", None)
        if inner is None:
            yield " ".join(words), command
            return
        for name, one in inner.items():
            yield from below(one, (*words, name))

    return dict(below(get_command(app), ()))


def options(command: Any) -> tuple[str, ...]:
    """Every option of a command as it is written: `--config`, `--no-serve`."""
    found = [one for one in command.params if one.param_type_name == "option"]
    return tuple(text for one in found for text in (*one.opts, *one.secondary_opts))


def error_table() -> str:
    """The codes, the HTTP status where a whole request fails with it, and what it means."""
    rows = [
        (one.code, "" if one.status == EpigateError.status else str(one.status), _sentence(one))
        for one in errors()
    ]
    return _table(
        ("code", "status", "meaning"), [(f"`{a}`", b, c) for a, b, c in [*rows, *_OTHER_CODES]]
    )


def private_table() -> str:
    """The private items and the fields that hold them."""
    found: dict[str, list[str]] = {}
    for (owner, field), item in private_fields().items():
        found.setdefault(item, []).append(f"`{owner}.{field}`")
    return _table(
        ("item", "fields"), [(f"`{item}`", ", ".join(fields)) for item, fields in found.items()]
    )


def command_table() -> str:
    """The commands, what they do and their options (`--config` is of all of them)."""
    rows = []
    for name, command in commands().items():
        arguments = [
            one.metavar or one.name.upper()
            for one in command.params
            if one.param_type_name == "argument"
        ]
        text = _first(command.help)
        own = " ".join(f"`{o}`" for o in options(command) if o not in ("--config", "--help"))
        rows.append((f"`epigate {' '.join([name, *arguments])}`", text, own))
    return _table(("command", "what it does", "options"), sorted(rows))


def correctable_table() -> str:
    """What `correct` changes, by type of record; private fields are marked."""
    rows: list[tuple[str, ...]] = []
    for name, fields in CORRECTABLE.items():
        told = (f"`{one.name}`" + ("*" if one.item else "") for one in fields.values())
        rows.append((f"`{name}`", " ".join(told)))
    return _table(("record", "fields (* private)"), rows)


def problem_table() -> str:
    """The problems of mutations."""
    rows = []
    for one in Problem.__subclasses__():
        definition: Any = one.__dict__["__strawberry_definition__"]
        codes = re.findall(rf"{one.__name__} +([A-Z_]+)", inspect.getdoc(problems) or "")
        rows.append((f"`{one.__name__}`", *(f"`{code}`" for code in codes), definition.description))
    return _table(("type", "code", "meaning"), rows)


def rule_table() -> str:
    """The rules between the values of one record."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for table, rules in RULES.items():
        for rule in rules:
            columns = " and ".join(f"`{column}`" for column in rule.columns)
            key = (f"`{table}`", rule.message, "new" if rule.first else "")
            rows.setdefault(key, []).append(columns)
    return _table(
        ("table", "columns", "refused, since", "when"),
        [(table, ", ".join(columns), why, when) for (table, why, when), columns in rows.items()],
    )


def alarm_table() -> str:
    """The rules that raise alarms."""
    definition: Any = AlarmRule.__dict__["__strawberry_definition__"]
    told = {value.name: value.description for value in definition.values}
    rows = [
        (f"`{name.name}`", told[name.name], rule.counted, rule.within, rule.threshold)
        for name, rule in ALARM_RULES.items()
    ]
    return _table(("rule", "meaning", "what is counted", "within", "from how many on"), rows)


def purpose_table() -> str:
    """What a request may say it is for."""
    lines = ["| `x-purpose` | meaning |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{code}` | {said} |" for code, said in PURPOSES.items())])


TABLES: dict[str, tuple[str, Callable[[], str]]] = {
    "errors": ("asking.md", error_table),
    "private": ("privacy.md", private_table),
    "commands": ("operations.md", command_table),
    "correctable": ("writing.md", correctable_table),
    "problems": ("writing.md", problem_table),
    "rules": ("writing.md", rule_table),
    "alarms": ("auditing.md", alarm_table),
    "purposes": ("access-log.md", purpose_table),
}
"""By name: the page and what makes the table."""


def replaced(page: str, name: str, table: str) -> str:
    """The page's text with the table in its place. Raises ValueError where it has none."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"no place for the table {name}")
    return pattern.sub(lambda found: f"{found[1]}{table}{found[2]}", page)


def _first(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split())


def _sentence(one: type[EpigateError]) -> str:
    return _first(inspect.getdoc(one))


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cell or ' ' for cell in line)} |\n" for line in lines)
