"""What a demo's officers have asked of each other: letters and transfers, at every step of the way.

Asked of the gateway itself, in this process, by the demo's own accounts: so rights, clocks, both
sides' copies and the access log are as they would be. Who has come to nobody's county is invented.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import httpx

from gateway.access_log.starting import check_access_log, started_and_stopped
from gateway.config import Config
from gateway.http import make_app
from regions.errors import StoreError
from regions.instants import now
from regions.keys import load_keys
from resolvers.demo.identity import phone_number
from resolvers.demo.names import SURNAMES, draw_surname, given_name

__all__ = ["Exchanged", "exchange"]

_DEADLINE = 60.0  # seconds: nobody waits for a demo that is being made
_PHONES = 99_980_000  # below those of the demo's accounts, which no population reaches
_TOGETHER = {"disease": "covid19", "classification": "CONFIRMED"}


@dataclass(frozen=True, slots=True)
class Exchanged:
    """How many letters and transfers there are."""

    letters: int
    transfers: int


def exchange(
    config: Config, accounts: Sequence[Mapping[str, str]], own: str, other: str, seed: int
) -> Exchanged:
    """Lets the officers of two counties, `own` and `other`, write to each other and hand people
    over. `accounts` are as in `demo-accounts.json`. Raises StoreError, AccessLogError.
    """
    patient = tuple(replace(one, deadline=_DEADLINE) for one in config.regions)
    config = replace(config, regions=patient, workers=1, metrics_port=0)
    keys = load_keys(config.keys)
    asyncio.run(check_access_log(config, keys))
    with started_and_stopped(config, keys, 1):
        return asyncio.run(_exchange(config, accounts, own, other, seed))


async def _exchange(
    config: Config, accounts: Sequence[Mapping[str, str]], own: str, other: str, seed: int
) -> Exchanged:
    passwords = {one["account"]: one["password"] for one in accounts}
    async with _served(config) as client:
        asking = _Asking(client, own, other, seed)
        for county in (own, other):
            for role in ("county", "duty"):
                await asking.sign_in(f"{role}-{county}", passwords[f"{role}-{county}"])
        await asking.look()
        for step in _LETTERS:
            await step(asking)
        for step in _TRANSFERS:
            await step(asking)
        await asking.sign_out()
    return Exchanged(asking.letters, asking.transfers)


@asynccontextmanager
async def _served(config: Config) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway in this process."""
    app = make_app(config)
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    running = asyncio.create_task(_lifespan(app, told, heard))
    await told.put({"type": "lifespan.startup"})
    begun = asyncio.create_task(heard.get())
    await asyncio.wait({begun, running}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        begun.cancel()
        await running  # raises what kept it from starting
    try:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://demo") as client:
            yield client
    finally:
        await told.put({"type": "lifespan.shutdown"})
        await running


async def _lifespan(
    app: Callable[..., Awaitable[None]],
    told: asyncio.Queue[dict[str, Any]],
    heard: asyncio.Queue[dict[str, Any]],
) -> None:
    await app({"type": "lifespan", "asgi": {"version": "3.0"}}, told.get, heard.put)


class _Asking:
    """Officers of two counties while they ask. `letters` and `transfers` count what they made."""

    def __init__(self, client: httpx.AsyncClient, own: str, other: str, seed: int) -> None:
        self._client = client
        self._tokens: dict[str, str] = {}
        self._keys = itertools.count(1)
        self._random = Random(f"exchange {seed}")
        self._contacts: dict[str, Iterator[tuple[str, str]]] = {}
        self.own, self.other = own, other
        self.letters = self.transfers = 0

    async def sign_in(self, account: str, password: str) -> None:
        """Opens a session of an account."""
        given = {"account": account, "password": password}
        answer = await self._client.post("/sign-in", json=given)
        token = answer.json().get("token")
        if token is None:
            raise StoreError(f"the demo's account {account} is refused: {answer.text}")
        self._tokens[account] = token

    async def sign_out(self) -> None:
        """Ends all sessions."""
        for token in self._tokens.values():
            await self._client.post("/sign-out", headers={"authorization": f"Bearer {token}"})

    async def look(self) -> None:
        """Finds the contacts of both counties, each person once."""
        query = """query ($code: RegionCode!) { contacts(first: 100, filter: { code: [$code] }) {
          edges { node { id person { id } } } } }"""
        for county in (self.own, self.other):
            found = await self.ask(f"county-{county}", query, code=county)
            nodes = [edge["node"] for edge in found["contacts"]["edges"]]
            by_person = {one["person"]["id"]: one["id"] for one in nodes}
            pairs = sorted((contact, person) for person, contact in by_person.items())
            self._contacts[county] = iter(pairs)

    def people(self, county: str, count: int) -> list[str]:
        """People of a county who are nobody's yet, up to so many."""
        return [person for _, person in itertools.islice(self._contacts[county], count)]

    def contact(self, county: str) -> str | None:
        """A contact of the county who is in no letter yet."""
        return next((contact for contact, _ in self._contacts[county]), None)

    def stranger(self) -> dict[str, Any]:
        """Somebody who was met, and is on record nowhere."""
        sex = self._random.randrange(2)
        born = self._random.randrange(1955, 2015)
        surname = SURNAMES[draw_surname(self._random)]
        return {
            "name": surname + given_name(self._random, sex, born),
            "sex": "M" if sex else "F",
            "phone": phone_number(_PHONES + self._random.randrange(9_000)),
        }

    async def ask(self, who: str, query: str, **variables: Any) -> Any:
        """The data of an answer. Raises StoreError where there are errors."""
        answer = await self._client.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"authorization": f"Bearer {self._tokens[who]}"},
        )
        said = answer.json()
        if "errors" in said or "data" not in said:
            raise StoreError(f"the demo's {who} was answered: {said}")
        return said["data"]

    async def do(self, who: str, name: str, given: Mapping[str, Any]) -> Any:
        """The payload of a mutation. Raises StoreError where it is refused."""
        transfers = name in _OF_TRANSFERS
        kind = _OF_TRANSFERS[name] if transfers else _OF_LETTERS[name]
        told = "transfer { id }" if transfers else "assistRequest { id number }"
        payload = "TransferPayload" if transfers else "AssistRequestPayload"
        query = f"""mutation ($input: {kind}!) {{ {name}(input: $input) {{ __typename
          ... on {payload} {{ {told} }} ... on Problem {{ code message }} }} }}"""
        key = f"demo-exchange-{next(self._keys)}"
        found = (await self.ask(who, query, input={"idempotencyKey": key, **given}))[name]
        if found["__typename"] != payload:
            raise StoreError(f"{name} of the demo's {who} is refused: {found}")
        return found

    async def arrived(self, who: str, field: str, key: str, side: str, state: str) -> str:
        """The id of a side's copy of a letter or transfer, once it is in a state. Raises StoreError
        where that does not come about.
        """
        by, kind = ("number", "[String!]") if field == "assistRequests" else ("ids", "[ID!]")
        sides = "AssistSide" if field == "assistRequests" else "TransferSide"
        query = f"""query ($key: {kind}, $side: {sides}) {{
          {field}(first: 2, filter: {{ {by}: $key, side: $side }}) {{
            edges {{ node {{ id state }} }} }} }}"""
        seen = "nothing"
        try:
            async with asyncio.timeout(_DEADLINE):
                while True:
                    found = await self.ask(who, query, key=[key], side=side)
                    for edge in found[field]["edges"]:
                        seen = edge["node"]["state"]
                        if seen == state:
                            return str(edge["node"]["id"])
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise StoreError(
                f"{key} of the demo was to be {state} for {who} within {_DEADLINE:.0f} s and is "
                f"{seen}",
                hint="is the machine busy, or a disk full? Make the demo anew",
            ) from None


_Step = Callable[[_Asking], Awaitable[None]]

_OF_LETTERS = {
    "createAssistRequest": "CreateAssistRequestInput",
    "submitAssistRequest": "AssistRequestActionInput",
    "withdrawAssistRequest": "AssistRequestActionInput",
    "acknowledgeAssistRequest": "AssistRequestActionInput",
    "refuseAssistRequest": "RefuseAssistRequestInput",
    "assignAssistRequest": "AssignAssistRequestInput",
    "reportAssistPerson": "ReportAssistPersonInput",
    "feedBackAssistRequest": "FeedBackAssistRequestInput",
    "closeAssistRequest": "AssistRequestActionInput",
}
_OF_TRANSFERS = {
    "offerTransfer": "OfferTransferInput",
    "acceptTransfer": "TransferActionInput",
    "refuseTransfer": "RefuseTransferInput",
    "cancelTransfer": "TransferActionInput",
    "recordArrival": "RecordArrivalInput",
}


def _letter(upto: str, people: int, *, back: bool = False) -> _Step:
    """A letter from the own county to the other one (`back`: from there) that has come to a state:
    one of its people is the issuer's contact if there is one, the others were only met.
    """

    async def write(asking: _Asking) -> None:
        issuer, receiver = (asking.own, asking.other)[:: -1 if back else 1]
        officer, theirs = f"county-{issuer}", f"county-{receiver}"
        known = asking.contact(issuer)
        named: list[dict[str, Any]] = [{"contact": known}] if known is not None else []
        named += [
            {"person": asking.stranger(), "level": "CLOSE", "manner": ["SHARED_MEAL"]}
            for _ in range(people - len(named))
        ]
        given = {
            "toCode": receiver,
            "case": _TOGETHER,
            "asked": ["FIND", "ISOLATE", "TEST"],
            "people": [one | {"whereaboutsCode": receiver} for one in named],
            "remarks": "演示协查函",
        }
        made = (await asking.do(officer, "createAssistRequest", given))["assistRequest"]
        asking.letters += 1
        if upto == "DRAFT":
            return
        await asking.do(officer, "submitAssistRequest", {"request": made["id"]})
        copy = await asking.arrived(theirs, "assistRequests", made["number"], "RECEIVED", "SENT")
        if upto == "WITHDRAWN":
            wish = {"request": made["id"], "reasonCode": "FOUND_HERE"}
            await asking.do(officer, "withdrawAssistRequest", wish)
        if upto in ("SENT", "WITHDRAWN"):
            return
        duty = f"duty-{receiver}"
        await asking.do(duty, "acknowledgeAssistRequest", {"request": copy})
        if upto == "REFUSED":
            no = {"request": copy, "reason": "WRONG_REGION"}
            await asking.do(theirs, "refuseAssistRequest", no)
        if upto in ("RECEIVED", "REFUSED"):
            return
        for state, name in _WORK:
            found = {
                "people": list(range(1, people + 1)),
                "finding": "CONTROLLED",
                "foundCode": receiver,
                "controlledAt": now(),
                "mode": "CENTRAL",
                "place": "集中隔离点",
                "outcome": "CONTINUING",
            }
            more = found if name == "reportAssistPerson" else {}
            await asking.do(theirs, name, {"request": copy, **more})
            if upto == state:
                return
        await asking.arrived(officer, "assistRequests", made["number"], "SENT", "FEEDBACK_GIVEN")
        await asking.do(officer, "closeAssistRequest", {"request": made["id"]})

    return write


_WORK = (
    ("IN_PROGRESS", "assignAssistRequest"),
    ("CONTROLLED", "reportAssistPerson"),
    ("FEEDBACK_GIVEN", "feedBackAssistRequest"),
)
"""The receiver's steps, and the state that each leads to."""


_LETTERS = (
    _letter("CLOSED", 2),
    _letter("FEEDBACK_GIVEN", 2),
    _letter("CONTROLLED", 1),
    _letter("IN_PROGRESS", 3),
    _letter("RECEIVED", 1),
    _letter("SENT", 2),
    _letter("DRAFT", 1),
    _letter("REFUSED", 1),
    _letter("WITHDRAWN", 1),
    _letter("SENT", 2, back=True),
    _letter("IN_PROGRESS", 2, back=True),
)
"""The last two wait for the own county."""


def _transfer(
    upto: str, people: int, *, back: bool = False
) -> Callable[[_Asking], Awaitable[None]]:
    """A transfer from the own county to the other one (`back`: from there) that has come to a
    state. In a demo so small that nobody is left there is none.
    """

    async def move(asking: _Asking) -> None:
        sender, receiver = (asking.own, asking.other)[:: -1 if back else 1]
        officer, theirs = f"county-{sender}", f"county-{receiver}"
        chosen = asking.people(sender, people)
        if len(chosen) < people:
            return
        offered = [
            {"personId": one, "escort": "演示 护送员", "remarks": "随身带药"} for one in chosen
        ]
        given = {"people": offered, "toCode": receiver, "reason": "RETURN_TO_RESIDENCE"}
        made = await asking.do(officer, "offerTransfer", given)
        asking.transfers += 1
        which = {"transferId": made["transfer"]["id"]}
        key = made["transfer"]["id"]
        await asking.arrived(theirs, "transfers", key, "RECEIVED", "OFFERED")
        if upto == "OFFERED":
            return
        if upto == "CANCELLED":
            await asking.do(officer, "cancelTransfer", which)
        elif upto == "REFUSED":
            await asking.do(theirs, "refuseTransfer", which | {"reason": "NO_PLACE"})
        elif upto == "PARTLY_ACCEPTED":
            await asking.do(theirs, "acceptTransfer", which | {"people": chosen[:1]})
        else:
            await asking.do(theirs, "acceptTransfer", which)
            await asking.arrived(theirs, "transfers", key, "RECEIVED", "COMMITTED")
            if upto == "ARRIVED":
                await asking.do(theirs, "recordArrival", which)

    return move


_TRANSFERS = (
    _transfer("ARRIVED", 1),
    _transfer("OFFERED", 2),
    _transfer("OFFERED", 1, back=True),
    _transfer("COMMITTED", 1),
    _transfer("PARTLY_ACCEPTED", 2),
    _transfer("REFUSED", 1),
    _transfer("CANCELLED", 1),
)
"""The third waits for the own county."""
