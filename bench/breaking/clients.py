"""Clients of the regions: they hand people over by HTTP, ask twice, ask out of turn, ask again.

Each request is one of an officer of a region or of its machine, by any of the gateways. What is
answered goes into the history; what is not answered is asked for again with the same idempotency
key.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from bench.breaking.fleet import COUNTIES, People
from bench.breaking.history import Acknowledged, History
from bench.breaking.machines import Machine
from bench.breaking.proxy import Proxy

__all__ = ["Clients"]

_TWICE = 0.3  # of the requests come twice
_OUT_OF_TURN = 0.2  # of the requests come later than some that were made after them
_LATE = 1.5  # seconds by which, at most
_BY_MACHINE = 0.4  # of the requests are those of a machine
_TRIES = 6
_PATIENCE = 4.0  # seconds for an answer
_OPEN = 12  # requests under way at most
_FINAL = ("REFUSED", "CANCELLED", "HANDED")


_STEP = """{ __typename
  ... on TransferPayload { pending repeated
    transfer { id state } people { personId outcome problem { code
      ... on StepProblem { reason } } } }
  ... on Problem { code } ... on StepProblem { reason }
  ... on RegionUnavailableProblem { state } }"""
_KINDS = {
    "offer": ("offerTransfer", "OfferTransferInput"),
    "accept": ("acceptTransfer", "TransferActionInput"),
    "refuse": ("refuseTransfer", "RefuseTransferInput"),
    "cancel": ("cancelTransfer", "TransferActionInput"),
    "arrive": ("recordArrival", "RecordArrivalInput"),
}
_QUERIES = {
    asked: f"mutation ($i: {kind}!) {{ {name}(input: $i) {_STEP} }}"
    for asked, (name, kind) in _KINDS.items()
}
_QUEUE = """query ($f: TransferFilter) { transfers(filter: $f, first: 50) {
  edges { node { id people { outcome person { id } } } } } }"""


@dataclass(frozen=True, slots=True)
class _Request:
    """A step as a client asks for it, however often."""

    number: int
    region: str
    machine: Machine | None  # None: the officer
    asked: str
    given: Mapping[str, Any]


@dataclass(slots=True)
class Clients:
    """All clients of a run, who reach the gateways by proxies."""

    proxies: Sequence[Proxy]
    people: People
    history: History
    chance: random.Random
    told: Callable[[Mapping[str, Any]], None]  # each answer, for the record of the run
    counts: Counter[str] = field(default_factory=Counter)
    uncoded: list[str] = field(default_factory=list)  # answers that say no reason by its name
    _http: list[httpx.AsyncClient] = field(default_factory=list)
    _waiting: set[asyncio.Task[None]] = field(default_factory=set)
    _under_way: int = 0
    _answers: int = 0
    _requests: int = 0
    _going: asyncio.Event = field(default_factory=asyncio.Event)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _transfers: dict[str, tuple[str, str]] = field(default_factory=dict)  # id → sender, receiver
    _final_at: dict[tuple[str, str, int], float] = field(default_factory=dict)
    _where: dict[int, str] = field(default_factory=dict)  # as far as anybody was told

    @property
    def answers(self) -> int:
        """How many answers came."""
        return self._answers

    async def run(self, enough: Callable[[], bool]) -> None:
        """Asks for steps until that is enough, and waits for what is under way."""
        self._http = [
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{one.port}", timeout=_PATIENCE, verify=False
            )
            for one in self.proxies
        ]
        self._going.set()
        try:
            while not enough():
                await self._going.wait()
                if len(self._waiting) >= _OPEN:
                    await asyncio.wait(self._waiting, return_when=asyncio.FIRST_COMPLETED)
                    continue
                self._begin(self._one())
                await asyncio.sleep(self.chance.uniform(0.0, 0.05))
            while self._waiting:
                await asyncio.wait(self._waiting)
        finally:
            for task in self._waiting:
                task.cancel()
            for one in self._http:
                await one.aclose()

    async def hold(self) -> None:
        """Begins nothing any more; returns once no request is under way."""
        self._going.clear()
        if self._under_way:
            self._idle.clear()
            await self._idle.wait()

    def go_on(self) -> None:
        """Begins again."""
        self._going.set()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    # What is asked for.

    async def _one(self) -> None:
        chance = self.chance
        region = chance.choice(sorted(COUNTIES))
        asked = chance.choices(["offer", "decide", "cancel", "arrive"], [5, 6, 1.2, 1])[0]
        if asked == "offer":
            await self._offer(region)
            return
        if asked == "decide":
            await self._decide(region)
            return
        mine = 0 if asked == "cancel" else 1
        known = [one for one, ends in self._transfers.items() if ends[mine] == region]
        if known:
            given: dict[str, Any] = {"transferId": chance.choice(known[-40:])}
            if asked == "arrive":
                given["arrivedAt"] = "2026-06-30T08:00:00Z"
            await self._ask(region, asked, given)

    async def _offer(self, region: str) -> None:
        people = self.chance.sample(sorted(self.history.homes), 20)
        there = [one for one in people if self._where.get(one, self.history.homes[one]) == region]
        people = (there or people)[: self.chance.randint(1, 3)]  # or some that it has not
        to = self.chance.choice([one for one in COUNTIES if one != region])
        given = {
            "people": [{"personId": f"person:{one}"} for one in people],
            "toCode": COUNTIES[to],
            "reason": "JURISDICTION",
        }
        await self._ask(region, "offer", given, to=to)

    async def _decide(self, region: str) -> None:
        """Looks into the queue, and accepts or refuses, some or all."""
        wanted = {"side": "RECEIVED", "state": ["OFFERED", "PARTLY_ACCEPTED"]}
        machine = self._machine(region)
        asked = {"query": _QUEUE, "variables": {"f": wanted}}
        body = await self._post(region, machine, asked)
        edges = ((((body or {}).get("data") or {}).get("transfers") or {}).get("edges")) or []
        if not edges:
            return
        node = self.chance.choice(edges)["node"]
        people = [
            one["person"]["id"]
            for one in node["people"]
            if one["outcome"] == "OFFERED" and one["person"] is not None
        ]
        given: dict[str, Any] = {"transferId": node["id"]}
        if people and self.chance.random() < 0.3:
            given["people"] = people[:1]
        if self.chance.random() < 0.75:
            await self._ask(region, "accept", given)
        else:
            await self._ask(region, "refuse", {**given, "reason": "OTHER"})

    # How it is asked.

    async def _ask(self, region: str, asked: str, given: Mapping[str, Any], to: str = "") -> None:
        """Asks for a step, once or twice, now or later, until it is answered."""
        self._requests += 1
        key = f"step-{self._requests}-{self.chance.getrandbits(32):08x}"
        given = {**given, "idempotencyKey": key}
        request = _Request(self._requests, region, self._machine(region), asked, given)
        if self.chance.random() < _OUT_OF_TURN:
            self.counts["late"] += 1
            await asyncio.sleep(self.chance.uniform(0.1, _LATE))
        if self.chance.random() < _TWICE:
            self.counts["twice"] += 1
            if self.chance.random() < 0.5:
                self._begin(self._again(request, to))
            else:
                self._begin(self._until_answered(request, to))
        await self._until_answered(request, to)

    async def _again(self, request: _Request, to: str) -> None:
        await asyncio.sleep(self.chance.uniform(0.0, _LATE))
        await self._until_answered(request, to)

    async def _until_answered(self, request: _Request, to: str) -> None:
        query = {"query": _QUERIES[request.asked], "variables": {"i": request.given}}
        for tried in range(_TRIES):
            await self._going.wait()
            sent = time.monotonic()
            body = await self._post(request.region, request.machine, query)
            result = ((body or {}).get("data") or {}).get(_KINDS[request.asked][0])
            if result is not None and result["__typename"] != "RegionUnavailableProblem":
                if request.machine is not None:
                    self.counts["by machines"] += 1
                self._heard(request, result, sent, to)
                return
            if result is not None:
                self.counts[f"region {result['state']}"] += 1
            self.counts["unanswered"] += 1
            await asyncio.sleep(min(0.2 * 2**tried, 2.0))
        self.counts["given up"] += 1

    def _machine(self, region: str) -> Machine | None:
        """Who asks: the region's machine, or its officer."""
        by_machine = self.chance.random() < _BY_MACHINE
        return self.people.machines[region] if by_machine else None

    async def _post(self, region: str, machine: Machine | None, body: Mapping[str, Any]) -> Any:
        """The answer of some gateway, None where none came."""
        await self._going.wait()
        which = self.chance.randrange(len(self._http))
        self._under_way += 1
        try:
            async with asyncio.timeout(_PATIENCE):
                answer = await self._sent(which, region, machine, body)
        except (httpx.HTTPError, TimeoutError):
            return None
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()
        if answer is None:
            self.counts["no token"] += 1
            return None
        self._require_code(answer)
        if answer.status_code != 200:
            self.counts[f"status {answer.status_code}"] += 1
            if machine is not None and answer.status_code == 401:
                machine.refused(which)
            return None
        return answer.json()

    def _require_code(self, answer: httpx.Response) -> None:
        """Whatever befalls a gateway, what it answers has a code."""
        try:
            found = answer.json()
            errors = found.get("errors", ())
            codes = [one.get("extensions", {}).get("code", "INTERNAL") for one in errors]
        except ValueError:
            codes = ["INTERNAL"]
        for code in codes:
            self.counts[f"error {code}"] += 1
        if answer.status_code == 500 or "INTERNAL" in codes:
            self.uncoded.append(f"{answer.status_code} {answer.text[:300]}")

    async def _sent(
        self, which: int, region: str, machine: Machine | None, body: Mapping[str, Any]
    ) -> httpx.Response | None:
        """What a gateway answers, None where the machine gets no token of it."""
        http = self._http[which]
        token = self.people.tokens[region]
        if machine is not None:
            got = await machine.token(which, http)
            if got is None:
                return None
            token = got
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        return await http.post("/graphql", content=orjson.dumps(body), headers=headers)

    # What is answered.

    def _heard(self, request: _Request, result: Mapping[str, Any], sent: float, to: str) -> None:
        self._answers += 1
        self.counts[result["__typename"]] += 1
        self.told(
            {
                "answer": self._answers,
                "region": request.region,
                "asked": request.asked,
                "given": dict(request.given),
                "result": result,
            }
        )
        transfer = result.get("transfer")
        if result["__typename"] != "TransferPayload" or transfer is None:
            return
        name = transfer["id"]
        if to:
            self._transfers[name] = (request.region, to)
        for one in result["people"]:
            reason = (one["problem"] or {}).get("reason")
            if one["outcome"] is None or (one["problem"] is not None and reason != "HANDED"):
                continue
            self._acknowledged(request, name, one, sent, repeated=result["repeated"])

    def _acknowledged(
        self,
        request: _Request,
        transfer: str,
        one: Mapping[str, Any],
        sent: float,
        *,
        repeated: bool,
    ) -> None:
        person, outcome = int(one["personId"].partition(":")[2]), one["outcome"]
        key = (request.region, transfer, person)
        final = outcome in _FINAL
        known = self._final_at.get(key)
        if known is not None and not final and (repeated or sent <= known):
            return  # it tells what was so when it was asked, and that has been told to go on
        if final and known is None:
            self._final_at[key] = time.monotonic()
        self.counts[outcome] += 1
        if request.asked == "accept" and outcome != "OFFERED":
            self._where[person] = request.region
            self.counts["accepted"] += 1
        self.history.acknowledged.append(
            Acknowledged(
                self._answers,
                request.region,
                transfer,
                person,
                request.asked,
                outcome,
                arrived=request.asked == "arrive",
            )
        )
