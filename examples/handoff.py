#!/usr/bin/env python3
"""A regional system that hands people over and takes people in, by its own key.

    python3 examples/handoff.py offer --to 500101 --name move-17 person:1 person:2
    python3 examples/handoff.py queue
    python3 examples/handoff.py accept <transfer> [person:1 ...]
    python3 examples/handoff.py refuse <transfer> --reason WRONG_REGION [person:2 ...]
    python3 examples/handoff.py cancel <transfer> [person:2 ...]
    python3 examples/handoff.py arrive <transfer> --at 2026-11-28T08:00:00+08:00

each with `--key key.json --client system-320100` (see client_credentials.py, which this stands
beside; the client needs the action TRANSFER).

Whatever happens on the way, the same command can be given again, blindly: the idempotency key of a
step follows from what the step is, so that a step is taken once however often it is asked for. The
program itself does so while the gateway or a region does not answer.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.parse
import uuid
from pathlib import Path
from typing import Any

from client_credentials import assertion, post

URL = "http://127.0.0.1:8000"
TRIES = 8
_NAMES = uuid.UUID("5f0b7c52-6d0c-4a51-9f8e-0f6a4f2f8a11")
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_RESULT = """{ __typename
  ... on TransferPayload { pending repeated transfer { id side state toUnit }
    people { personId outcome problem { code message } } }
  ... on Problem { code message }
  ... on StepProblem { reason }
  ... on RegionUnavailableProblem { region written } }"""
STEPS = {
    "offer": ("offerTransfer", "OfferTransferInput"),
    "accept": ("acceptTransfer", "TransferActionInput"),
    "refuse": ("refuseTransfer", "RefuseTransferInput"),
    "cancel": ("cancelTransfer", "TransferActionInput"),
    "arrive": ("recordArrival", "RecordArrivalInput"),
}
QUEUE = """query ($after: String) {
  transfers(filter: { side: RECEIVED, state: [OFFERED, PARTLY_ACCEPTED] }, after: $after) {
    edges { node { id state fromRegion fromUnit toUnit reason plannedAt
      people { outcome person { id contacts { level lastContactOn } } } } }
    pageInfo { hasNextPage endCursor } regions { code state } } }"""


class Unanswered(Exception):
    """Nobody can say what became of it: ask again, with the same key."""


class Gateway:
    """A gateway as a machine client sees it: it signs in anew when its token has run out."""

    def __init__(self, url: str, audience: str, key: Path, client: str) -> None:
        self._url, self._audience = url, audience
        self._key, self._client = key, client
        self._token = ""

    def ask(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The data of an answer. Raises Unanswered, SystemExit where it will never be answered."""
        for _ in range(2):
            if not self._token:
                self._token = self._sign_in()
            answer = self._post(
                "/graphql",
                json.dumps({"query": query, "variables": variables}).encode(),
                {"authorization": f"Bearer {self._token}", "content-type": "application/json"},
            )
            codes = {one["extensions"]["code"] for one in answer.get("errors", ())}
            if "UNAUTHENTICATED" not in codes:
                break
            self._token = ""
        data = answer.get("data")
        if data is None:
            if codes & {"FORBIDDEN", "INVALID_INPUT", "INVALID_DOCUMENT", "UNAUTHENTICATED"}:
                sys.exit(json.dumps(answer, ensure_ascii=False, indent=2))
            raise Unanswered(str(codes or answer))
        found: dict[str, Any] = data
        return found

    def _sign_in(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": _ASSERTION,
            "client_assertion": assertion(self._key, self._client, self._audience),
            "scope": "TRANSFER",
        }
        given = self._post("/token", urllib.parse.urlencode(form).encode(), {})
        if "access_token" not in given:
            sys.exit(json.dumps(given, ensure_ascii=False, indent=2))
        return str(given["access_token"])

    def _post(self, path: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        try:
            return post(self._url + path, body, headers)
        except (OSError, json.JSONDecodeError) as error:  # cut off, restarting, a proxy's page
            raise Unanswered(str(error)) from None


def take(gateway: Gateway, step: str, given: dict[str, Any]) -> dict[str, Any]:
    """What became of a step, asked for until it is known. Raises Unanswered after some tries."""
    field, kind = STEPS[step]
    query = f"mutation ($input: {kind}!) {{ {field}(input: $input) {_RESULT} }}"
    key = str(uuid.uuid5(_NAMES, json.dumps([field, given], sort_keys=True)))
    wanted = {name: value for name, value in given.items() if name != "name"}
    for tried in range(TRIES):
        try:
            data = gateway.ask(query, {"input": wanted | {"idempotencyKey": key}})
        except Unanswered:
            if tried == TRIES - 1:
                raise
        else:
            result: dict[str, Any] = data[field]
            if result["__typename"] != "RegionUnavailableProblem":
                return result
        time.sleep(min(0.2 * 2**tried, 5))
    raise Unanswered("the own region does not answer: give the same command again")


def queue(gateway: Gateway) -> list[dict[str, Any]]:
    """What waits to be decided here. Raises Unanswered where a region did not answer."""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = gateway.ask(QUEUE, {"after": after})["transfers"]
        if any(one["state"] not in ("ANSWERED", "NOT_ASKED") for one in page["regions"]):
            raise Unanswered("a region did not answer: the queue may be longer")
        found += [edge["node"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def main() -> int:
    """Takes the step of the command line, or tells the queue."""
    parser = argparse.ArgumentParser(description="Hand people over as a regional system.")
    parser.add_argument("step", choices=[*STEPS, "queue"])
    parser.add_argument("what", nargs="*", help="the transfer (not of an offer), and people")
    parser.add_argument("--key", type=Path, required=True, help="the client's private key")
    parser.add_argument("--client", required=True, help="its id: the login name of its account")
    parser.add_argument("--to", help="county of six digits that is to answer for them (offer)")
    parser.add_argument("--name", default="", help="your own name of the offer: one for each")
    parser.add_argument("--reason", default="", help="of an offer or a refusal")
    parser.add_argument("--at", help="when they arrived")
    parser.add_argument("--url", default=URL, help=f"the gateway (default: {URL})")
    parser.add_argument("--audience", help="the gateway's own address, where that is another")
    wanted = parser.parse_intermixed_args()
    gateway = Gateway(wanted.url, wanted.audience or wanted.url, wanted.key, wanted.client)
    try:
        if wanted.step == "queue":
            found: Any = queue(gateway)
        else:
            found = take(gateway, wanted.step, _input(parser, wanted))
    except Unanswered as error:
        print(f"not known yet: {error}", file=sys.stderr)
        return 3
    print(json.dumps(found, ensure_ascii=False, indent=2))
    return 1 if isinstance(found, dict) and found["__typename"] != "TransferPayload" else 0


def _input(parser: argparse.ArgumentParser, wanted: argparse.Namespace) -> dict[str, Any]:
    what: list[str] = wanted.what
    if not what:
        parser.error("name the transfer, or who is offered")
    if wanted.step == "offer":
        if not wanted.to:
            parser.error("an offer needs --to")
        return {
            "name": wanted.name,
            "people": [{"personId": one} for one in what],
            "toCode": wanted.to,
            "reason": wanted.reason or "JURISDICTION",
        }
    given: dict[str, Any] = {"transferId": what[0]}
    if what[1:]:
        given["people"] = what[1:]
    if wanted.step == "refuse":
        given["reason"] = wanted.reason or "OTHER"
    if wanted.step == "arrive":
        if not wanted.at:
            parser.error("an arrival needs --at: the same command must say the same again")
        given["arrivedAt"] = wanted.at
    return given


if __name__ == "__main__":
    sys.exit(main())
