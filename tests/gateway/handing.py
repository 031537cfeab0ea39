"""Two counties that hand people over to each other, at the edge of a real gateway."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.resolvers.writing.making import DOCUMENTS, new_key
from tests.served import Demo, Gateway, serving
from tests.stores import noticed

__all__ = ["COUNTY_A", "COUNTY_B", "A", "B", "Sides", "handing", "outcomes"]

A, B = "320100", "341800"
COUNTY_A, COUNTY_B = "320102", "341802"
SECONDS = 60.0  # for what is delivered in the background; no test waits for it in vain

_OFFICERS = {
    "reporter-a": ("DIRECT_REPORTER", COUNTY_A),
    "officer-a": ("UNIT_USER", COUNTY_A),
    "reporter-b": ("DIRECT_REPORTER", COUNTY_B),
    "officer-b": ("UNIT_USER", COUNTY_B),
    "officer-b2": ("UNIT_USER", "341821"),
}
_STEP = """{ __typename
  ... on TransferPayload { pending repeated
    transfer { id side state fromUnit toUnit code people { outcome person { id } } }
    people { personId outcome problem { __typename code message messageZh
      ... on StepProblem { reason } } } }
  ... on Problem { code message messageZh }
  ... on StepProblem { reason }
  ... on RegionUnavailableProblem { region state written }
  ... on InvalidInputProblem { path } }"""
_KINDS = {
    "offerTransfer": "OfferTransferInput",
    "acceptTransfer": "TransferActionInput",
    "refuseTransfer": "RefuseTransferInput",
    "cancelTransfer": "TransferActionInput",
    "recordArrival": "RecordArrivalInput",
}
_CUSTODY = """query ($i: ID!) { custody(personId: $i) {
  region unitId state epoch transferId confirmed trail { event region } } }"""


@contextmanager
def handing(demo: Demo, folder: Path, **settings: int) -> Iterator[Sides]:
    """A gateway over a copy of the demo, with officers in both counties."""
    # Long enough for a machine that does other things too: no test waits for it.
    own = demo.copied(folder, **({"deadline_ms": 20_000} | settings))
    like = own.account_of("county", "unit", "user")
    for name, (role, code) in _OFFICERS.items():
        own.add_account(name, like, role=role, code=code, unit_id=f"cdc-{code}")
    own.tokens.update(zip(_OFFICERS, own.open_sessions(*_OFFICERS), strict=True))
    with serving(own, counted=True) as gateway:
        yield Sides(gateway)


class Sides:
    """What officers of both counties do."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    def do(self, name: str, who: str, given: Mapping[str, Any]) -> Any:
        """The result of a mutation of records."""
        return self.gateway.data(DOCUMENTS[name], {"input": dict(given)}, who=who)[name]

    def step(self, name: str, who: str, **given: Any) -> Any:
        """The result of a step of a transfer."""
        query = f"mutation ($input: {_KINDS[name]}!) {{ {name}(input: $input) {_STEP} }}"
        wanted = {"idempotencyKey": new_key(), **given}
        return self.gateway.data(query, {"input": wanted}, who=who)[name]

    def offer(self, *people: str, to: str = COUNTY_B, who: str = "officer-a", **more: Any) -> Any:
        """Offers people; the result."""
        named = [{"personId": one} for one in people]
        given = {"people": named, "toCode": to, "reason": "JURISDICTION", **more}
        return self.step("offerTransfer", who, **given)

    def hand_over(
        self, *people: str, to: str = COUNTY_B, by: str = "officer-a", taker: str = "reporter-b"
    ) -> str:
        """Offers people and accepts them; the transfer's id."""
        offered = self.offer(*people, to=to, who=by)
        transfer: str = offered["transfer"]["id"]
        done = self.step("acceptTransfer", taker, transferId=transfer)
        assert done["__typename"] == "TransferPayload", done["code"]
        self.await_state(transfer, "COMMITTED")
        return transfer

    def await_state(self, transfer: str, state: str) -> None:
        """Returns once a transfer is in a state at the receiver's side."""
        query = """query ($t: [ID!]) { transfers(filter: { ids: $t, side: RECEIVED }) {
          edges { node { state } } } }"""
        end = time.monotonic() + SECONDS
        while True:
            asked = self.gateway.data(query, {"t": [transfer]}, who="national")
            told = [edge["node"]["state"] for edge in asked["transfers"]["edges"]]
            if told == [state]:
                return
            assert time.monotonic() < end, told
            time.sleep(0.1)

    def await_true(self, holds: Callable[[], bool]) -> None:
        """Returns once something holds that is delivered in the background."""
        end = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.1)

    def custody(self, person: str, who: str = "national") -> Any:
        """Who answers for a person."""
        return self.gateway.data(_CUSTODY, {"i": person}, who=who)["custody"]

    def await_custody(self, person: str, region: str) -> Any:
        """The custody once a region says itself that it answers for the person."""
        end = time.monotonic() + SECONDS
        while True:
            told = self.custody(person)
            if told["region"] == region and told["confirmed"]:
                return told
            assert time.monotonic() < end, told
            time.sleep(0.1)

    def rows(self, region: str, query: str, *values: Any) -> list[Any]:
        """Rows of a region's store."""
        with closing(sqlite3.connect(self.gateway.demo.region(region))) as store:
            return store.execute(query, values).fetchall()

    def change(self, region: str, script: str) -> None:
        """Changes a region's store behind the gateway's back."""
        with closing(sqlite3.connect(self.gateway.demo.region(region), timeout=20)) as store:
            store.executescript(script)

    def custodians(self, person: str) -> list[str]:
        """The regions whose stores say that they answer for a person: never more than one."""
        number = int(person.partition(":")[2])
        found = []
        for one in self.gateway.demo.config.regions:
            rows = self.rows(one.code, "SELECT state FROM custody WHERE person_id = ?", number)
            if rows and rows[0][0] in ("OWNED", "RELEASING"):
                found.append(one.code)
        return found

    @contextmanager
    def away(self, region: str) -> Iterator[None]:
        """While the store of a region is away."""
        path = self.gateway.demo.region(region)
        kept = [one for one in path.parent.iterdir() if one.name.startswith(path.name)]
        aside = [one.with_name(f"away-{one.name}") for one in kept]
        for one, to in zip(kept, aside, strict=True):
            one.rename(to)
        noticed()
        try:
            yield
        finally:
            for one, to in zip(kept, aside, strict=True):
                to.rename(one)


def outcomes(done: Any) -> Sequence[tuple[str, str | None]]:
    """Each person of a step with the outcome, or the reason why there is none."""
    return [
        (
            one["personId"],
            one["outcome"] or one["problem"].get("reason") or one["problem"]["code"],
        )
        for one in done["people"]
    ]
