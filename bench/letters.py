"""`python -m bench letters`: assist letters through a gateway, over SQLite regions.

A letter of many people from its draft to its answer, each step a mutation as an officer sends it,
each answered when the other region has it; and letters to all regions at once, with the questions
that ask all regions for them.

Goal: a letter with 1,000 people written, sent, acknowledged, assigned, reported on and answered in
under 5 s.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import Connection

from bench import ours
from bench.data import DataSet, id_number
from bench.machine import Others
from bench.report import Sheet, judged
from bench.rounds import BadAnswers
from bench.servers import Server, running
from gateway.accounts import Account, create_account, find_account
from gateway.config import Config, load_config
from gateway.sessions import Sessions
from regions.areas import reference_areas
from regions.engines import sqlite_engine
from resolvers.users import Role

__all__ = ["GOAL_SECONDS", "Step", "measure", "sheet"]

GOAL_SECONDS = 5.0
"""From the draft of a letter of 1,000 people to its answer."""

_PASSWORD = "correct horse battery staple 7"
_AT_ONCE = 8
_REGIONS = 32  # of the fan-out, at most: those of the data
_EACH = 10  # people of each letter of the fan-out
_MUTATION = """mutation ($input: %s!) { %s(input: $input) { __typename
  ... on AssistRequestPayload { pending repeated assistRequest { id number state peopleCount } }
  ... on Problem { code message } ... on InvalidInputProblem { mistakes { path message } } } }"""
_INPUTS = {
    "createAssistRequest": "CreateAssistRequestInput",
    "assignAssistRequest": "AssignAssistRequestInput",
    "reportAssistPerson": "ReportAssistPersonInput",
    "feedBackAssistRequest": "FeedBackAssistRequestInput",
}
_RECEIVED = """query ($number: String!) {
  assistRequests(filter: {number: [$number], side: RECEIVED}) {
    edges { node { id state peopleCount } } } }"""
_BOARD = """query { assistRequests(first: 100) { edges { node { number side state toRegion
  people { position state whereaboutsCode } } } regions { state } } }"""


@dataclass(frozen=True, slots=True)
class Step:
    """What was measured: seconds until it was answered, and the gateway's processor time for it."""

    name: str
    people: int
    seconds: float
    cpu: float
    goal: float | None = None


def measure(
    data: DataSet, people: int, *, rounds: int = 3, port: int = 9900
) -> tuple[list[Step], list[Step]]:
    """The steps of a letter of so many people, the quickest of some rounds; and letters to all
    regions. Raises BadAnswers.
    """
    counties = _counties(data)
    tokens = asyncio.run(_officers(load_config(data.config(remember=False)), counties))
    with running([(ours.NAME, port, ours.command(data, port))], data.folder) as servers:
        run = _Run(servers[ours.NAME], tokens, counties)
        asyncio.run(run.letter(_EACH))  # warms it up
        letters = [asyncio.run(run.letter(people)) for _ in range(rounds)]
        best = min(letters, key=lambda steps: sum(one.seconds for one in steps))
        return _summed(best), asyncio.run(run.fan_out())


def _counties(data: DataSet) -> list[str]:
    """A county of each region."""
    areas = reference_areas()
    return [
        next(area.code for area in areas.under(prefix) if area.level == "COUNTY")
        for prefix in data.prefixes[:_REGIONS]
    ]


async def _officers(config: Config, counties: Sequence[str]) -> Mapping[str, str]:
    """Somebody on duty in each county, and in the country; the tokens of their sessions."""
    engine = sqlite_engine(str(config.central_store))
    opener = Sessions(engine, config.central_store, idle_seconds=3_600, longest_seconds=7_200)

    def work(connection: Connection) -> dict[str, str]:
        found = {}
        for code in ("000000", *counties):
            name = f"duty-{code}"
            unit = (
                f"cdc-{code}",
                f"{code} CDC",
                "COUNTY" if code in counties else "NATIONAL",
                code,
            )
            if find_account(connection, name) is None:
                role = Role.DUTY_PERSON if code in counties else Role.UNIT_USER
                account = Account(name, name, role, *unit)
                create_account(connection, account, _PASSWORD, given=False)
            found[code] = opener.insert(connection, name, second_factor="TOTP").token
        return found

    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


class _Run:
    """Letters of the first county's officer."""

    def __init__(self, server: Server, tokens: Mapping[str, str], counties: Sequence[str]) -> None:
        self._server, self._tokens, self._counties = server, tokens, counties
        self._keys = 0
        self._url = f"http://127.0.0.1:{server.port}/graphql"

    async def letter(self, people: int) -> list[Step]:
        """The steps of a letter to the second county."""
        issuer, receiver = self._counties[:2]
        steps: list[Step] = []
        async with httpx.AsyncClient(timeout=120) as client:

            async def step(text: str, who: str, name: str, **given: Any) -> Any:
                begun, spent = time.perf_counter(), self._server.cpu_seconds()
                found = await self._act(client, who, name, **given)
                seconds = time.perf_counter() - begun
                steps.append(Step(text, people, seconds, self._server.cpu_seconds() - spent))
                return found

            given = _letter(receiver, people, self._keys)
            draft = await step("written", issuer, "createAssistRequest", **given)
            sent = await step("sent", issuer, "submitAssistRequest", request=draft["id"])
            got = await self._received(client, receiver, sent["number"], people)
            for text, name in (
                ("acknowledged", "acknowledgeAssistRequest"),
                ("assigned", "assignAssistRequest"),
            ):
                await step(text, receiver, name, request=got)
            await step(
                "reported on",
                receiver,
                "reportAssistPerson",
                request=got,
                **_report(people, receiver),
            )
            done = await step("answered", receiver, "feedBackAssistRequest", request=got)
        if done["state"] != "FEEDBACK_GIVEN" or done["peopleCount"] != people:
            raise BadAnswers(f"the letter is {done}")
        return steps

    async def fan_out(self) -> list[Step]:
        """A letter from the first county to one of each other region, and who asks for them all."""
        others = self._counties[1:]
        issuer, waiting = self._counties[0], iter(self._counties[1:])
        begun, spent = time.perf_counter(), self._server.cpu_seconds()
        async with httpx.AsyncClient(timeout=120) as client:

            async def caller() -> None:
                for code in waiting:
                    given = _letter(code, _EACH, self._keys)
                    draft = await self._act(client, issuer, "createAssistRequest", **given)
                    await self._act(client, issuer, "submitAssistRequest", request=draft["id"])

            await asyncio.gather(*(caller() for _ in range(_AT_ONCE)))
            cpu = self._server.cpu_seconds() - spent
            text = f"written and sent to {len(others)} regions, {_AT_ONCE} at once"
            count = _EACH * len(others)
            made = [Step(text, count, time.perf_counter() - begun, cpu)]
            for _ in range(2):  # the second time it is warm
                begun, spent = time.perf_counter(), self._server.cpu_seconds()
                found = await self._ask(client, "000000", _BOARD, {})
                seconds = time.perf_counter() - begun
            page = found["assistRequests"]
            if {one["state"] for one in page["regions"]} != {"ANSWERED"}:
                raise BadAnswers(f"regions are {page['regions']}")
            listed = len(page["edges"])
        people = sum(len(one["node"]["people"]) for one in page["edges"])
        text = f"{listed} letters with their people, of {len(others) + 1} regions, as a list"
        made.append(Step(text, people, seconds, self._server.cpu_seconds() - spent))
        return made

    async def _received(self, client: httpx.AsyncClient, who: str, number: str, people: int) -> str:
        """The receiver's copy of a letter, which has everybody."""
        found = await self._ask(client, who, _RECEIVED, {"number": number})
        (edge,) = found["assistRequests"]["edges"]
        if edge["node"]["peopleCount"] != people:
            raise BadAnswers(f"the receiver has {edge}")
        copy: str = edge["node"]["id"]
        return copy

    async def _act(self, client: httpx.AsyncClient, who: str, name: str, **given: Any) -> Any:
        """The letter after a mutation, which the other region knows of. Raises BadAnswers."""
        self._keys += 1
        given["idempotencyKey"] = f"bench-{time.time_ns()}-{self._keys}"
        text = _MUTATION % (_INPUTS.get(name, "AssistRequestActionInput"), name)
        found = (await self._ask(client, who, text, {"input": given}))[name]
        if found["__typename"] != "AssistRequestPayload" or found["pending"]:
            raise BadAnswers(f"{name} answered {found}")
        return found["assistRequest"]

    async def _ask(
        self, client: httpx.AsyncClient, who: str, text: str, given: Mapping[str, Any]
    ) -> Any:
        headers = {"authorization": f"Bearer {self._tokens[who]}"}
        body = {"query": text, "variables": given}
        answer = (await client.post(self._url, json=body, headers=headers)).json()
        if answer.get("errors") or not answer.get("data"):
            raise BadAnswers(f"answered {answer}")
        return answer["data"]


def _letter(to: str, people: int, seed: int) -> dict[str, Any]:
    return {
        "toCode": to,
        "case": {"disease": "covid19", "classification": "CONFIRMED", "name": f"病例{seed}"},
        "asked": ["FIND", "ISOLATE", "TEST"],
        "people": [
            {
                "person": {
                    "name": f"密接{number}",
                    "idNumber": id_number(seed % 90, number),
                    "phone": f"1{seed % 1_000:03d}{number:07d}",
                    "residence": f"解放路{number}号",
                },
                "level": "CLOSE",
                "manner": ["SHARED_MEAL"],
                "lastContactOn": "2026-06-19",
                "whereaboutsCode": to,
            }
            for number in range(people)
        ],
    }


def _report(people: int, code: str) -> dict[str, Any]:
    return {
        "people": list(range(1, people + 1)),
        "finding": "CONTROLLED",
        "foundAt": "2026-06-20T01:00:00Z",
        "foundCode": code,
        "controlledAt": "2026-06-20T02:00:00Z",
        "mode": "CENTRAL",
        "place": "第一集中隔离点",
    }


def _summed(steps: Sequence[Step]) -> list[Step]:
    """The steps, and what they come to until it is assigned and until it is answered."""
    found = list(steps)
    for text, count in (("written to assigned", 4), ("written to answered", len(steps))):
        some = steps[:count]
        seconds, cpu = (sum(getattr(one, name) for one in some) for name in ("seconds", "cpu"))
        found.append(Step(text, steps[0].people, seconds, cpu, GOAL_SECONDS))
    return found


def sheet(results: tuple[list[Step], list[Step]], regions: int, others: Others) -> Sheet:
    """The table."""
    made = Sheet(
        "letters",
        f"Assist letters over {regions} regions",
        ("step", "people", "seconds", "cpu s", f"÷ goal of {GOAL_SECONDS:.0f} s (≤ 1)"),
    )
    for one in (*results[0], *results[1]):
        share = judged(one.seconds / one.goal, 1) if one.goal is not None else ""
        row = (one.name, f"{one.people:,}", f"{one.seconds:.2f}", f"{one.cpu:.2f}", share)
        made.rows.append(row)
    made.notes += [
        "each step is one mutation, answered when both regions have it; the quickest of the rounds",
        "one worker, on one core; SQLite with every commit on the disk",
        f"{others}",
    ]
    return made
