"""`epigate keys`: which keys are in use, new ones, and old ones taken out of use (F10)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from gateway.commands._central import require_init
from gateway.commands._client import codes, known
from gateway.commands._logged import tell
from gateway.commands._options import DEFAULT_CONFIG, ConfigOption, JsonOption, console, print_json
from gateway.config import Config, load_config
from gateway.keys.erasing import ask_erasure
from gateway.keys.erasing import confirm_erasure as carry_out
from gateway.keys.index import StoreIndex, index_states, rotate_index
from gateway.keys.sealing import (
    count_all,
    from_environment,
    new_key,
    reseal,
    retire_file,
    wait_for_all,
)
from gateway.sign_in.on_machine import Proof, prove_account
from regions.errors import InvalidInput, KeysError
from regions.index_keys import Phase
from regions.keys import Keys, keep_names, load_keys
from resolvers.demo.folder import ACCOUNTS_FILE
from resolvers.nodes import parse_id

__all__ = ["app"]

app = typer.Typer(
    help="Which keys are in use, new ones, and old ones out of use.", no_args_is_help=True
)


class Ring(Enum):
    """A purpose whose keys can be changed."""

    sealing = "sealing"
    index = "index"


RingArgument = Annotated[Ring, typer.Argument(help="Which keys: `sealing` or `index`.")]
NumberArgument = Annotated[int, typer.Argument(help="The number of the key.", min=0, max=255)]


def _loaded(path: ConfigOption) -> tuple[Config, Keys]:
    config = load_config(path)
    require_init(config)
    return config, load_keys(config.keys, sm=config.sm)


@app.command()
def status(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Say how many envelopes need which key, and how far a change of the index key has come.

    Every envelope is looked at, so it takes some seconds for a million records. The exit code is 1
    where a region does not answer.
    """
    loaded, keys = _loaded(config)
    found = asyncio.run(count_all(loaded, keys))
    states = asyncio.run(index_states(loaded, keys))
    rows: list[dict[str, object]] = []
    for store in found:
        if store.counted is None:
            rows.append({"store": store.code, "state": "REGION_UNAVAILABLE"})
            continue
        for (number, suite, of_person), count in sorted(store.counted.by_key.items()):
            rows.append(
                {
                    "store": store.code,
                    "key": number,
                    "suite": suite,
                    "personal": of_person,
                    "envelopes": count,
                }
            )
        if store.counted.erased:
            rows.append({"store": store.code, "erased": store.counted.erased})
    if as_json:
        rows += [
            {
                "store": store.code,
                "index_key": store.state.key,
                "next_index_key": store.state.next_key,
                "phase": store.state.phase.value,
            }
            for store in states
            if store.state is not None
        ]
        print_json(rows)
    else:
        _tell(rows, keys)
        _tell_states(states)
    if any(store.counted is None for store in found):
        raise typer.Exit(1)


def _tell(rows: list[dict[str, object]], keys: Keys) -> None:
    out = console()
    table = Table("store", "key", "suite", "under the person's key", "envelopes")
    for row in rows:
        if "key" in row:
            personal = "yes" if row["personal"] else "no"
            table.add_row(
                str(row["store"]),
                str(row["key"]),
                str(row["suite"]),
                personal,
                f"{row['envelopes']:,}",
            )
        else:
            count = f"{row['erased']:,}" if "erased" in row else ""
            table.add_row(str(row["store"]), "", str(row.get("state", "erased")), "", count)
    out.print(table)
    for name, ring in (("sealing", keys.sealing), ("index", keys.index)):
        numbers = ", ".join(str(number) for number in sorted(ring.numbers()))
        out.print(f"{name} keys: {numbers}; what is new is under {ring.newest}")


@app.command()
def rotate(ring: RingArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Make a new key and use it for what is written from now on.

    A gateway that runs sees it within a second. `epigate keys reseal` brings what was sealed before
    under it; until then the older keys stay. For `index` the command changes every store, too, and
    goes on with a change that was interrupted; the exit code is 1 where a region does not answer.
    """
    loaded, keys = _loaded(config)
    tell(loaded, keys, "keys rotate", ring=ring.value)
    if ring is Ring.index:
        _rotate_index(loaded, keys)
        return
    number = new_key(loaded, ring.value)
    out = console()
    out.print(
        f"{ring.value} key {number} made in {loaded.keys}; copy the folder anew", soft_wrap=True
    )
    out.print("next: `epigate keys reseal`, then `epigate keys retire sealing` with older numbers")


def _rotate_index(config: Config, keys: Keys) -> None:
    out = console()
    with _progress("people") as progress:
        found = asyncio.run(rotate_index(config, keys, out.print, progress))
    _tell_states(found)
    if any(store.state is None or store.state.phase is not Phase.SINGLE for store in found):
        out.print("nobody is missed meanwhile; run it again when every region answers")
        raise typer.Exit(1)
    out.print(
        f"every store is under index key {keys.index.newest}; `epigate keys retire index` next"
    )


def _tell_states(found: list[StoreIndex]) -> None:
    table = Table("region", "index key", "next", "phase")
    for store in found:
        if store.state is None:
            table.add_row(store.code, "", "", "REGION_UNAVAILABLE")
        else:
            state = store.state
            following = "" if state.next_key is None else str(state.next_key)
            table.add_row(store.code, str(state.key), following, state.phase.value)
    console().print(table)


@contextmanager
def _progress(what: str) -> Iterator[Callable[[str, int, int], None]]:
    out = console()
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=out,
        transient=True,
        disable=not out.is_terminal,
    ) as progress:
        task = progress.add_task(what, total=None)
        yield lambda name, done, whole: progress.update(
            task, description=name, completed=done, total=whole
        )


@app.command(name="reseal")
def reseal_command(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Seal everything under the newest key, in short transactions beside a gateway that runs.

    Interrupted, it goes on with the same command. The exit code is 1 where a region does not
    answer.
    """
    loaded, keys = _loaded(config)
    tell(loaded, keys, "keys reseal", key=keys.sealing.newest)
    out = console()
    with _progress("envelopes") as progress:
        outcomes = asyncio.run(reseal(loaded, keys, progress))
    table = Table("store", "sealed anew", "state")
    for outcome in outcomes:
        table.add_row(outcome.code, f"{outcome.envelopes:,}", outcome.failed or "done")
    out.print(table)
    if any(outcome.failed for outcome in outcomes):
        raise typer.Exit(1)


@app.command()
def retire(
    ring: RingArgument, number: NumberArgument, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Take a key out of use; refused while anything in any store needs it.

    Its file is moved to the folder `retired` within the key folder. Destroy it there when no backup
    that needs it is kept any more.
    """
    loaded, keys = _loaded(config)
    known = {"sealing": keys.sealing, "index": keys.index}[ring.value]
    if number not in known.numbers():
        numbers = ", ".join(str(one) for one in sorted(known.numbers()))
        raise KeysError(f"there is no {ring.value} key {number}", hint=f"there are {numbers}")
    if number == known.newest:
        raise KeysError(
            f"{ring.value} key {number} is the one in use",
            hint=f"`epigate keys rotate {ring.value}`",
        )
    if from_environment(loaded.keys, ring.value):
        raise KeysError(
            f"the {ring.value} keys come from the environment, where no command can take one out",
            hint="once `epigate keys status` names it no more, unset it and restart",
        )
    out = console()
    asyncio.run(wait_for_all(loaded, known, ring.value, out.print))
    if ring is Ring.sealing:
        _refuse_where_sealed(loaded, keys, number)
    else:
        _refuse_where_indexed(loaded, keys, number)
    tell(loaded, keys, "keys retire", ring=ring.value, key=number)
    if ring is Ring.index:
        keep_names(loaded.keys, keys)
    out.print(f"retired: {retire_file(loaded, ring.value, number)}", soft_wrap=True)


def _refuse_where_sealed(config: Config, keys: Keys, number: int) -> None:
    needed, away = 0, []
    for store in asyncio.run(count_all(config, keys)):
        if store.counted is None:
            away.append(store.code)
        else:
            needed += store.counted.keys.get(number, 0)
    if needed:
        raise KeysError(
            f"{needed:,} envelopes need sealing key {number}",
            hint="run `epigate keys reseal` first",
        )
    if away:
        raise KeysError(
            f"{', '.join(away)} may need sealing key {number}, and do not answer",
            hint="try again when every region answers",
        )


def _refuse_where_indexed(config: Config, keys: Keys, number: int) -> None:
    for store in asyncio.run(index_states(config, keys)):
        if store.state is None or number in store.state.keys:
            why = "does not answer" if store.state is None else "needs it"
            raise KeysError(
                f"index key {number} cannot be taken out of use: {store.code} {why}",
                hint="run `epigate keys rotate index` to its end, with every region there",
            )


@app.command()
def erase_person(
    reason: Annotated[str, typer.Option(help="Why, and on whose request.")],
    by: Annotated[str, typer.Option(help="The security administrator who asks for it.")],
    person: Annotated[
        list[str] | None,
        typer.Argument(help="Ids of the person's records, such as `person:28156…`."),
    ] = None,
    letter: Annotated[
        list[str] | None,
        typer.Option(
            help="Where the person was typed into a letter without an ID number: its number, a "
            "colon, the place (`320102-2026-000017:3`; 0 is the index case). May be given again."
        ),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Ask that a person be erased: another security administrator confirms it.

    Whoever asks shows password and second factor (EPIGATE_ACCOUNT_PASSWORD, EPIGATE_ACCOUNT_CODE,
    or prompts). The person's records in all regions are found by the ID number; every region must
    answer.
    """
    loaded, keys = _loaded(config)
    numbers = []
    for one in person or ():
        record, number = parse_id(one)
        if record is None or record.kind != "person":
            raise InvalidInput(f"{one} is no id of a person", argument="person")
        numbers.append(number)
    _prove(loaded, keys, by, "askErasure")
    letters = [_place(one) for one in letter or ()]
    order = asyncio.run(ask_erasure(loaded, keys, numbers, reason, by, letters=letters))
    out = console()
    for number in order.people:
        out.print(f"person:{number}")
    for root, position in order.alike:
        out.print(f"perhaps the same, and not erased: --letter {root}:{position}")
    out.print(f"erasure {order.number}: {len(order.people)} records; nothing is erased yet")
    out.print(f"another confirms: `epigate keys confirm-erasure {order.number} --by ACCOUNT`")


def _place(text: str) -> tuple[str, int]:
    number, _, position = text.rpartition(":")
    if not number or not position.isdecimal():
        raise InvalidInput(f"{text} is no place in a letter", argument="letter")
    return number, int(position)


@app.command()
def confirm_erasure(
    number: Annotated[int, typer.Argument(help="The number of the erasure.", min=1)],
    by: Annotated[str, typer.Option(help="The security administrator who confirms it.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Erase a person for good, by destroying the person's key in every region.

    Whoever confirms it shows password and second factor, as whoever asked did. Counts, relations
    and the access log stay. Interrupted, or with a region away (exit code 1), the same command goes
    on.
    """
    loaded, keys = _loaded(config)
    _prove(loaded, keys, by, "erasePerson")
    done = asyncio.run(carry_out(loaded, keys, number, by))
    out = console()
    table = Table("region", "envelopes erased")
    for code, count in done.envelopes.items():
        table.add_row(code, f"{count:,}")
    for code in done.away:
        table.add_row(code, "REGION_UNAVAILABLE")
    out.print(table)
    if done.away:
        raise typer.Exit(1)


def _prove(config: Config, keys: Keys, account: str, operation: str) -> None:
    """Has the holder of an account show that they are. Raises SignInFailed and what that means."""
    who = known(account, config.data / ACCOUNTS_FILE)
    code = next((one for one in codes(who) if one), "")
    asyncio.run(prove_account(config, keys, Proof(account, who.password, code), operation))
