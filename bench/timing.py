"""Whether the time of an answer tells what the answer hides (leak channel 34).

Two questions that a viewer must not tell apart are asked in turn, in random order, over one kept
connection. Their times are compared by the Mann-Whitney test: how likely one of the first takes
longer than one of the second (0.50 where nothing can be told), and how likely such a difference is
by chance.
"""

from __future__ import annotations

import math
import random
import sqlite3
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection

import orjson

from bench import ours
from bench.data import MASKED_ACCOUNT, PASSWORD, DataSet, id_number
from bench.machine import Others
from bench.report import Sheet
from bench.rounds import BadAnswers
from bench.servers import Server, running
from gateway.config import load_config
from regions.ids import first_id

__all__ = ["Compared", "Pair", "compare", "likelihood", "sheet"]

_WARM = 100
_SEED = 11
_COUNTY = "bench-county"
_CHECK = "query($n:String!){checkDuplicate(candidate:{idNumber:$n}){exists complete}}"
_NODE = "query($i:ID!){node(id:$i){id ... on Contact{level name}}}"
_CHAIN = "query($i:ID!){chain(root:$i){truncated}}"
_PAGE = "{contacts(first:20){edges{node{id name phone}}}}"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two kinds of question: what they are, the names of the kinds, who asks, their bodies.

    `alike` says whether the answers' times must not be told apart.
    """

    name: str
    kinds: tuple[str, str]
    token: str
    bodies: tuple[Sequence[bytes], Sequence[bytes]]
    alike: bool = True
    others: str = ""  # token of the second kind, where it is another viewer's


@dataclass(frozen=True, slots=True)
class Compared:
    """The times of a pair: medians in milliseconds, how likely the first is longer, and chance."""

    pair: Pair
    medians: tuple[float, float]
    longer: float
    chance: float


def likelihood(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """How likely a value of the first is the larger, and how likely so much by chance."""
    both = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    ranks = 0.0
    place = 0
    while place < len(both):
        end = place
        while end < len(both) and both[end][0] == both[place][0]:
            end += 1
        middle = (place + 1 + end) / 2  # equal values share their rank
        ranks += middle * sum(which == 0 for _, which in both[place:end])
        place = end
    n, m = len(one), len(other)
    u = ranks - n * (n + 1) / 2
    spread = math.sqrt(n * m * (n + m + 1) / 12)
    return u / (n * m), math.erfc(abs(u - n * m / 2) / spread / math.sqrt(2))


def compare(data: DataSet, people_each: int, *, runs: int, port: int) -> Iterator[Compared]:
    """The pairs, each asked `runs` times of either kind."""
    _add_county(data)
    with running([(ours.NAME, port, ours.command(data, port))], data.folder) as servers:
        server = servers[ours.NAME]
        for pair in _pairs(data, people_each, server, runs):
            yield _measured(pair, port, runs)


def _pairs(data: DataSet, people_each: int, server: Server, runs: int) -> list[Pair]:
    tokens = ours.tokens(server)
    county = server.sign_in(_COUNTY, PASSWORD)
    chance = random.Random(_SEED)
    regions = len(data.prefixes)
    known = [
        id_number(chance.randrange(regions), chance.randrange(people_each)) for _ in range(runs)
    ]
    nobody = [id_number(50 + n % regions, chance.randrange(people_each)) for n in range(runs)]
    with closing(sqlite3.connect(data.stores[0])) as store:
        rows = store.execute(
            "SELECT id FROM contacts WHERE code != ? LIMIT 200", (_county_of(data),)
        ).fetchall()
    hidden = [f"contact:{number}" for (number,) in rows]
    last = first_id(data.prefixes[0]) + (1 << 42)
    missing = [f"contact:{last + n}" for n in range(len(hidden))]

    def asked(text: str, name: str, values: Sequence[str]) -> list[bytes]:
        return [orjson.dumps({"query": text, "variables": {name: one}}) for one in values]

    page = [orjson.dumps({"query": _PAGE})]
    return [
        Pair(
            "checkDuplicate",
            ("on record", "nobody"),
            tokens["masked"],
            (asked(_CHECK, "n", known), asked(_CHECK, "n", nobody)),
        ),
        Pair(
            "node",
            ("hidden", "missing"),
            county,
            (asked(_NODE, "i", hidden), asked(_NODE, "i", missing)),
        ),
        Pair(
            "chain",
            ("hidden", "missing"),
            county,
            (asked(_CHAIN, "i", hidden), asked(_CHAIN, "i", missing)),
        ),
        Pair(
            "contacts",
            ("masked", "clear"),
            tokens["masked"],
            (page, page),
            alike=False,
            others=tokens["clear"],
        ),
    ]


def _measured(pair: Pair, port: int, runs: int) -> Compared:
    chance = random.Random(_SEED)
    turns = [0, 1] * (runs + _WARM)
    chance.shuffle(turns)
    times: tuple[list[float], list[float]] = ([], [])
    tokens = (pair.token, pair.others or pair.token)
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.connect()
    for number, which in enumerate(turns):
        bodies = pair.bodies[which]
        head = {
            "content-type": "application/json",
            "authorization": f"Bearer {tokens[which]}",
        }
        began = time.perf_counter()
        connection.request("POST", "/graphql", bodies[number % len(bodies)], head)
        response = connection.getresponse()
        response.read()
        took = time.perf_counter() - began
        if response.status != 200:
            raise BadAnswers(f"{pair.name} answered {response.status}")
        if number >= 2 * _WARM:
            times[which].append(took * 1000)
    connection.close()
    longer, by_chance = likelihood(*times)
    medians = (statistics.median(times[0]), statistics.median(times[1]))
    return Compared(pair, medians, longer, by_chance)


def sheet(results: Sequence[Compared], runs: int, others: Others) -> Sheet:
    """The table of results."""
    made = Sheet(
        "timing",
        "What the time of an answer tells",
        ("question", "kinds", "p50 ms", "p50 ms ", "first is longer", "by chance"),
    )
    for one in results:
        told = f"{one.longer:.2f}"
        if one.pair.alike and abs(one.longer - 0.5) > 0.1:
            told = f"**{told}**"
        made.rows.append(
            (
                one.pair.name,
                " / ".join(one.pair.kinds),
                f"{one.medians[0]:.3f}",
                f"{one.medians[1]:.3f}",
                told,
                f"{one.chance:.3f}",
            )
        )
    made.notes += [
        f"{runs:,} answers of each kind in random order over one connection; one worker, nothing "
        "remembered",
        "first is longer: 0.50 where the kinds cannot be told apart; masked and clear may differ, "
        "since whoever asks knows which of them it is",
        f"{others}",
    ]
    return made


def _county_of(data: DataSet) -> str:
    with closing(sqlite3.connect(data.stores[0])) as store:
        found: str = store.execute("SELECT code FROM contacts ORDER BY id LIMIT 1").fetchone()[0]
    return found


def _add_county(data: DataSet) -> None:
    """An account of one county, with the password of the others."""
    central = load_config(data.config(remember=False)).central_store
    with closing(sqlite3.connect(central)) as store, store:
        store.row_factory = sqlite3.Row
        known = store.execute("SELECT * FROM accounts WHERE account = ?", (MASKED_ACCOUNT,))
        row = dict(known.fetchone())
        code = _county_of(data)
        row |= {"account": _COUNTY, "id": None, "code": code, "unit_id": f"cdc-{code}"}
        columns = ", ".join(row)
        marks = ", ".join("?" * len(row))
        store.execute(
            f"INSERT OR IGNORE INTO accounts ({columns}) VALUES ({marks})", [*row.values()]
        )
