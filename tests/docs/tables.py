"""The manual's generated tables: errors, private fields, commands, settings.

Each stands on its page between `<!-- name -->` and `<!-- end name -->`, but for the settings, which
`epigate config table` prints.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from typer.main import get_command

from gateway.cli import app
from regions.errors import EpigateError
from resolvers.access_log.purposes import PURPOSES
from resolvers.access_log.report import ROLES
from resolvers.actions import ACTIONS
from resolvers.alarms.rules import RULES as ALARM_RULES
from resolvers.catalog import private_fields
from resolvers.pathway.engine import TAKES, advance, expired
from resolvers.pathway.outlook import OUTLOOK
from resolvers.pathway.packs import Isolation, RulePack, packs
from resolvers.pathway.states import ClockKind, Event, PathwayEvent, PathwayState, Refused
from resolvers.privacy.emergencies import REASONS as EMERGENCY_REASONS
from resolvers.privacy.roles import NATIONAL_ROLES
from resolvers.privacy.services import REASONS as SERVICE_REASONS
from resolvers.privacy.steps import REASONS
from resolvers.rights import RIGHTS, Right
from resolvers.root import make_schema
from resolvers.users import BUSINESS_ROLES, Role
from resolvers.users.registering import PURPOSES as PURPOSES_OF_ROLES
from resolvers.users.states import MACHINES, Standing
from resolvers.writing.correctable import CORRECTABLE
from resolvers.writing.rules import RULES
from schema.alarms import AlarmRule
from schema.users.staff import Purpose
from schema.writing import problems
from schema.writing.problems import Problem
from tests.docs.alert_tables import rule_refusals, signal_refusals, signal_states
from tests.docs.assist_tables import diagrams, refusals, states_and_events
from tests.leaks.channels import CHANNELS, held_by
from tests.resolvers.pathway.ways import day_at, in_state, states_of

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
        if not hasattr(command, "commands"):
            yield " ".join(words), command
            return
        for name in command.list_commands(None):
            yield from below(command.get_command(None, name), (*words, name))

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


def leak_table() -> str:
    """The leak channels, what is done about each, and their tests by file."""
    rows: list[tuple[str, ...]] = []
    for one in CHANNELS:
        files: dict[str, int] = {}
        for test in held_by(one.number):
            name = test.partition("::")[0]
            files[name] = files.get(name, 0) + 1
        told = ", ".join(f"`{name}` {n}" if n > 1 else f"`{name}`" for name, n in files.items())
        rows.append((str(one.number), one.way, one.done, told))
    return _table(("", "channel", "what is done", "tests (file below `tests/`, how many)"), rows)


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


def privacy_role_table() -> str:
    """The national privacy roles."""
    rows: list[tuple[str, ...]] = [
        (
            f"`{role.id}`",
            role.name,
            role.name_zh,
            f"`{role.record_type}`",
            " ".join(f"`{item}`" for item in role.items),
        )
        for role in NATIONAL_ROLES.values()
    ]
    return _table(("id", "name", "Chinese", "of", "reveals"), rows)


def step_table() -> str:
    """Why a step of an application, a request for data or an emergency is refused."""
    rows: list[tuple[str, ...]] = [
        (of, f"`{name}`", *texts)
        for of, reasons in (
            ("application, role", REASONS),
            ("request for data", SERVICE_REASONS),
            ("emergency access, erasure", EMERGENCY_REASONS),
        )
        for name, texts in reasons.items()
    ]
    return _table(("of", "reason", "meaning", "Chinese"), rows)


def role_table() -> str:
    """The roles there are."""
    return _table(("role", "Chinese"), [(role.value, ROLES[role]) for role in Role])


def rights_table() -> str:
    """Root fields and the roles that may ask for them."""
    schema = make_schema()._schema
    rows: list[tuple[str, ...]] = []
    for kind, root in (("query", schema.query_type), ("mutation", schema.mutation_type)):
        for name in root.fields if root is not None else ():
            right = RIGHTS[name]
            rows.append((f"`{name}`", kind, _roles(right)))
    return _table(("root field", "kind", "who may ask"), rows)


def _roles(right: Right) -> str:
    officers = BUSINESS_ROLES - {Role.REGIONAL_SYSTEM}
    left = set(right.roles)
    told = ["anybody, without a session"] if right.strangers else []
    for group, name in (
        (frozenset(Role), "everyone"),
        (BUSINESS_ROLES, "business roles"),
        (officers, "officers"),
    ):
        if group <= left:
            told.append(name)
            left -= group
    told += [role.value for role in Role if role in left]
    return ", ".join(told)


def action_table() -> str:
    """The actions of machine clients' tokens."""
    return _table(
        ("action", "root fields"),
        [
            (f"`{name}`", " ".join(f"`{field}`" for field in sorted(fields)))
            for name, fields in ACTIONS.items()
        ],
    )


def state_table() -> str:
    """The lives of accounts, registrations and filings: each transition, and what a state means."""
    rows: list[tuple[str, ...]] = [
        (machine.name, f"`{state.name}`", str(event.value), f"`{after.name}`")
        for machine in MACHINES
        for (state, event), after in machine.moves.items()
    ]
    table = _table(("of", "state", "event", "next"), rows)
    meant: list[tuple[str, ...]] = [
        (machine.name, f"`{state.name}`", str(state.value))
        for machine in MACHINES
        for state in machine.states
    ]
    return f"{table}\n{_table(('of', 'state', 'meaning'), meant)}"


def standing_table() -> str:
    """What an account is at an instant."""
    return _table(("standing", "meaning"), [(f"`{one.name}`", one.value) for one in Standing])


def purposes_of_roles_table() -> str:
    """The roles that can be registered, and what an account of each may be for."""
    rows: list[tuple[str, ...]] = [
        (role.value, ", ".join(f"`{one.name}`" for one in Purpose if one in purposes))
        for role, purposes in PURPOSES_OF_ROLES.items()
    ]
    return _table(("role", "for"), rows)


def pack_table() -> str:
    """The rule packs: from when and where each holds, and its days and hours."""
    rows = []
    for one in packs().values():
        carrier, hours = one.carrier, one.hours
        contacts = [_contact_days(part) for part in (one.close, one.secondary)]
        where = f"codes from {one.area}" if one.area else "the country"
        tests = f"days {carrier.first_test_day} and {carrier.second_test_day}"
        if carrier.test_gap_hours:
            tests += f", {carrier.test_gap_hours} h apart"
        if carrier.dual_site_hours:
            tests += f", both sites {carrier.dual_site_hours} h later"
        days = f"{carrier.observation_days} + {carrier.central_days} + {carrier.home_days}"
        weeks = " and ".join(map(str, carrier.revisit_weeks)) or "none"
        within = f"{hours.direct_report} h, {hours.investigation} h, {hours.discharge_date} h"
        name = f"`{one.id}` {one.name_zh}"
        rows.append((name, f"{one.effective_on}, {where}", *contacts, days, tests, weeks, within))
    head = (
        "pack",
        "holds from",
        "close contact: central + home days (tests)",
        "secondary contact",
        "carrier: hospital + central + home days",
        "tests",
        "revisits in week",
        "report, investigation, discharge date within",
    )
    return _table(head, rows)


def _contact_days(part: Isolation) -> str:
    tests = [", ".join(map(str, days)) for days in (part.central_tests, part.home_tests)]
    days = [
        f"{number} ({tested})" if tested else f"{number}"
        for number, tested in zip((part.central_days, part.home_days), tests, strict=True)
    ]
    return " + ".join(days)


def origin_table() -> str:
    """Where the values of each rule pack come from."""
    rows: list[tuple[str, ...]] = []
    for one in packs().values():
        rows.append((f"`{one.id}`", "the document", one.source))
        for part, text in one.origins.items():
            doubt = "**unverified**: " if part in one.unverified else ""
            rows.append(("", part.replace("_", " "), f"{doubt}{text}"))
    return _table(("pack", "part", "from"), rows)


def _edges(pack: RulePack) -> dict[tuple[str, str], list[str]]:
    """State and next state → the events that lead there, as the engine answers."""
    found: dict[tuple[str, str], list[str]] = {}
    at = day_at(44)
    for state in states_of(pack):
        standing = expired(in_state(state, pack), at)
        if state is PathwayState.HOME_OBSERVATION:  # every revisit is done
            standing = replace(standing, revisits=len(pack.carrier.revisit_weeks))
        for kind in PathwayEvent:
            following = advance(standing, Event(kind, at), pack)
            if isinstance(following, Refused) or following.state is state:
                continue
            found.setdefault((state.name, following.state.name), []).append(kind.name)
    return found


def pathway_diagrams() -> str:
    """The states of a carrier under each pack and what leads from one to the next."""
    drawn: dict[str, list[str]] = {}
    for pack in packs().values():
        lines = ["```mermaid", "stateDiagram-v2", "    [*] --> SCREENED"]
        for (state, following), kinds in _edges(pack).items():
            lines.append(f"    {state} --> {following}: {', '.join(kinds)}")
        drawn.setdefault("\n".join([*lines, "```"]), []).append(f"`{pack.id}`")
    return "".join(f"{' and '.join(names)}:\n\n{text}\n" for text, names in drawn.items())


def pathway_table() -> str:
    """The states of a pathway and the events each takes."""
    rows = [
        (f"`{state.name}`", " ".join(f"`{kind.name}`" for kind in kinds) or "none: it has ended")
        for state, kinds in TAKES.items()
    ]
    return _table(("state", "events it takes"), rows)


def clock_table() -> str:
    """The clocks of a pathway: what ends each, and how long that takes as a rule."""
    described = {value.name: value.description for value in _clock_enum()}
    rows = [
        (
            f"`{kind.name}`",
            described[kind.name],
            " ".join(f"`{event.name}`" for event in outlook.missing),
            f"{outlook.minutes} min",
        )
        for kind, outlook in OUTLOOK.items()
    ]
    return _table(("clock", "what is due", "ended by", "a breach is predicted from"), rows)


def _clock_enum() -> Iterable[Any]:
    definition: Any = ClockKind.__dict__["__strawberry_definition__"]
    return cast(Iterable[Any], definition.values)


TABLES: dict[str, tuple[str, Callable[[], str]]] = {
    "actions": ("sign-in.md", action_table),
    "errors": ("asking.md", error_table),
    "assist-diagrams": ("assist.md", diagrams),
    "assist": ("assist.md", lambda: _table(*states_and_events())),
    "assist-refusals": ("assist.md", lambda: _table(*refusals())),
    "signals": ("signals.md", lambda: _table(*signal_states())),
    "rule-refusals": ("nights.md", lambda: _table(*rule_refusals())),
    "signal-refusals": ("signals.md", lambda: _table(*signal_refusals())),
    "packs": ("pathway.md", pack_table),
    "origins": ("pathway.md", origin_table),
    "diagrams": ("pathway.md", pathway_diagrams),
    "pathway": ("pathway.md", pathway_table),
    "clocks": ("pathway.md", clock_table),
    "private": ("privacy.md", private_table),
    "leaks": ("leaks.md", leak_table),
    "commands": ("operations.md", command_table),
    "correctable": ("writing.md", correctable_table),
    "problems": ("writing.md", problem_table),
    "rules": ("writing.md", rule_table),
    "alarms": ("auditing.md", alarm_table),
    "purposes": ("access-log.md", purpose_table),
    "privacy-roles": ("privacy.md", privacy_role_table),
    "steps": ("privacy.md", step_table),
    "roles": ("rights.md", role_table),
    "rights": ("rights.md", rights_table),
    "states": ("accounts.md", state_table),
    "standings": ("accounts.md", standing_table),
    "purposes-of-roles": ("accounts.md", purposes_of_roles_table),
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


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cell or ' ' for cell in line)} |\n" for line in lines)
