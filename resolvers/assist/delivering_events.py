"""The handlers of what is asked and told of a letter once it was sent, and of its end elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection

from regions.assist import assist_people
from resolvers.assist.answers import ANSWERS, OUTCOME, take_answers
from resolvers.assist.clocks import AssistLimits
from resolvers.assist.handling import AboutLetter, known, take_refusal
from resolvers.assist.news import END, EVENT, put_back, put_news
from resolvers.assist.notices import CASE, REFUSED, put_notice
from resolvers.assist.onward import relay
from resolvers.assist.rows import RECEIVED, SENT, Copy, Who
from resolvers.assist.states import OPEN, Event, State
from resolvers.assist.steps import close_shares, decide_wish, end_everywhere, share_at_issuer
from resolvers.assist.table import StateRefused
from resolvers.post.messages import Message
from resolvers.writing.envelopes import opened
from resolvers.writing.stores import Store

__all__ = ["NEWS", "PERSON_NEWS", "EndHandler", "EventHandler"]

NEWS = (
    *("read_version", "state", "revision", "acknowledge_due", "control_due", "feedback_due"),
    *("acknowledged_at", "assigned_at", "assigned_to", "controlled_at", "feedback_at"),
    *("ended_at", "reason_code", "forwarded_to", "escalated_to"),
)
"""What the issuer's copy has of the receiver's."""

PERSON_NEWS = ("state", "proposed", "forwarded_to", *OUTCOME)


class EventHandler(AboutLetter):
    """Delivers wishes of the issuer to the receiver, and news to the issuer."""

    topic = EVENT

    def __init__(self, limits: AssistLimits | None = None) -> None:
        self._limits = limits or AssistLimits()

    def gather(self, connection: Connection, store: Store, message: Message) -> Any:
        """The events that are told of; with news, what the receiver's copy says now."""
        body = message.body
        side = SENT if body["to"] == RECEIVED else RECEIVED
        copy = Copy.find(connection, store, body["number"], side, lock=False)
        assert copy is not None
        parcel: dict[str, Any] = {"events": copy.events(body["keys"])}
        if body["to"] == SENT:
            people = copy.load(body["people"])
            clear = opened(connection, store, assist_people, people)
            parcel["letter"] = {name: copy.row[name] for name in NEWS}
            parcel["people"] = [
                {name: one[name] for name in ("position", *PERSON_NEWS)}
                | {"items": {name: items.get(name) for name in ANSWERS}}
                for one, items in zip(people, clear, strict=True)
            ]
        return parcel

    def deliver(
        self,
        connection: Connection,
        store: Store,
        message: Message,
        parcel: Any,
        first_id: int,
        at: str,
    ) -> dict[str, Any]:
        """Decides a wish, or takes news."""
        body = message.body
        copy = Copy.find(connection, store, body["number"], body["to"])
        if copy is None and body["to"] == SENT:
            return {"lost": True}  # this store was put back: the receiver sends its copy
        copy = known(copy, message)
        if body["to"] == RECEIVED:
            return self._decide(copy, message, parcel, at)
        new = copy.take_events(parcel["events"], at)
        _take_news(copy, body, parcel)
        _share(copy, parcel["events"], at)
        copy.save(at)
        _put_notices(copy, [one for one in parcel["events"] if one["key"] in new], at)
        if copy.row["parent_number"] is not None:
            who = Who(None, None, at, message.trace)
            relay(copy, parcel["people"], copy.events(new), who)
        return {"taken": len(new)}

    def _decide(self, copy: Copy, message: Message, parcel: Any, at: str) -> dict[str, Any]:
        body = message.body
        who = Who(body["actor"], body["unit"], at, message.trace)
        event = Event[body["event"]]
        copy.take_events(parcel["events"], at)
        try:
            decide_wish(
                copy, event, who, self._limits, reason=body["reason"], positions=body["people"]
            )
        except StateRefused as refusal:
            return {"refused": refusal.reason}
        people = copy.save(at)
        put_news(copy, who, people, decides=event)
        return {"refused": None}

    def settle(
        self, connection: Connection, store: Store, message: Message, reply: dict[str, Any], at: str
    ) -> None:
        """Notes at the issuer's that a wish was refused; gives it a letter back that it lost."""
        if message.body["to"] == RECEIVED:
            take_refusal(connection, store, message, reply, at)
        elif reply.get("lost"):
            put_back(connection, store, message, at)


def _take_news(copy: Copy, body: Mapping[str, Any], parcel: Any) -> None:
    letter = parcel["letter"]
    if letter["revision"] >= copy.row["revision"]:
        copy.row |= letter
    if body["spread"] is not None:
        copy.spread(State[body["spread"]])
    if body["decides"] is not None and body["decides"] == copy.row["pending"]:
        copy.row["pending"] = None
    by_position = {one["position"]: one for one in parcel["people"]}
    rows = copy.load(by_position)
    for row in rows:
        row |= {name: by_position[row["position"]][name] for name in PERSON_NEWS}
    take_answers(copy, rows, [by_position[row["position"]]["items"] for row in rows])


def _put_notices(copy: Copy, events: Sequence[Mapping[str, Any]], at: str) -> None:
    """Has the issuer's duty person told that the letter is back, or that somebody became a case."""
    for event in events:
        if event["phase"] != "DECIDED":
            continue
        if event["event"] == Event.POSITIVE.name:
            put_notice(copy, CASE, event["position"], [copy.row["from_unit"]], at)
        elif event["event"] == Event.REFUSE.name and event["number"] == copy.number:
            put_notice(copy, REFUSED, event["version"], [copy.row["from_unit"]], at)


def _share(copy: Copy, events: Sequence[Mapping[str, Any]], at: str) -> None:
    """Opens and ends what the issuer's records of the people show to whoever looks for them now."""
    for event in events:
        detail = orjson.loads(event["detail"])
        if event["event"] in ("FORWARD", "LEAVE") and "toUnit" in detail:
            people = detail["people"]
            share_at_issuer(copy, at, detail["toUnit"], detail["number"], people)
        whole = event["number"] != copy.number and event["position"] is None
        if whole and event["state"] is not None and State[event["state"]] not in OPEN:
            end_everywhere(copy.connection, copy.store, event["number"], at)
    close_shares(copy, at)


class EndHandler:
    """Ends what a letter shares of people who were handed over to this region, or on from it."""

    topic = END

    def concerns(self, message: Message) -> Mapping[str, Sequence[int]]:
        """No record by an id that both sides know: letters have a number."""
        return {}

    def ids(self, message: Message, parcel: Any) -> int:
        """None."""
        return 0

    def gather(self, connection: Connection, store: Store, message: Message) -> Any:
        """Nothing goes along."""
        return None

    def deliver(
        self,
        connection: Connection,
        store: Store,
        message: Message,
        parcel: Any,
        first_id: int,
        at: str,
    ) -> dict[str, Any]:
        """Ends it, here and wherever they were handed over to."""
        end_everywhere(connection, store, message.body["number"], at)
        return {}

    def settle(
        self, connection: Connection, store: Store, message: Message, reply: dict[str, Any], at: str
    ) -> None:
        """Nothing is to be kept of it."""
