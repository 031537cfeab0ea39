"""What the checker asks of messages: both ends agree, the log has both sides, none waits."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator

from bench.breaking.history import Finding, History
from bench.breaking.pictures import Picture

__all__ = ["drained", "logged", "posted", "waiting"]

_COMMITMENT = 32  # hexadecimal digits


def posted(history: History, rest: Picture) -> Iterator[Finding]:
    """A message is at both ends with the same body and the same reply, or has not come yet."""
    for region, side in rest.sides.items():
        for name, sent in side.outbox.items():
            # A restored store knows what it had sent from those who received it: without bodies.
            gone = sent["body"] == "{}" and region in history.restored
            if not gone and hashlib.sha256(sent["body"].encode()).hexdigest() != sent["hash"]:
                yield Finding("BODY_DIFFERS", name, f"{region}: the hash is of another body")
            if sent["to_region"] not in rest.sides:
                continue
            got = rest.sides[sent["to_region"]].inbox.get((region, name))
            if got is None:
                if sent["answered_at"] is not None:
                    yield Finding("REPLY_MADE_UP", name, f"{sent['to_region']} never had it")
                continue
            if got["hash"] != sent["hash"]:
                yield Finding("BODY_DIFFERS", name, "received another body than was sent")
            # A restored store has lost what it answered, and answers what comes again as it is now.
            lost = sent["to_region"] in history.restored
            if sent["answered_at"] is not None and got["reply"] != sent["reply"] and not lost:
                yield Finding("REPLY_DIFFERS", name, f"{got['reply']} became {sent['reply']}")
        for (sender, name), got in side.inbox.items():
            here = sender in rest.sides and sender not in history.restored
            if here and name not in rest.sides[sender].outbox:
                yield Finding("MESSAGE_MADE_UP", name, f"{sender} never sent it")
            if got["reply"] is None:
                yield Finding("REPLY_MADE_UP", name, f"{region} received it and said nothing")


def logged(history: History, rest: Picture) -> Iterator[Finding]:
    """Each delivery that took effect is in an entry that names both regions: the entry of its own
    moment, or one made later of the row that the delivery left (which counts persons, not names).
    """
    if not history.log:
        return
    named: set[str] = set()
    rows: Counter[frozenset[str]] = Counter()  # entries made late
    recovered: Counter[frozenset[str]] = Counter()  # commitments of people in them
    for entry in history.log:
        what = entry["what"]
        regions = frozenset(what["regions"])
        if "recovered" in entry:
            rows[regions] += 1
            recovered[regions] += len(what["wrote"].get("person", "")) // _COMMITMENT
        for message in what.get("messages", ()):
            named.add(message["message"])
            if len(regions) != 2:
                yield Finding("LOG_ONE_SIDED", message["message"], f"{sorted(regions)}")
    for region, side in rest.sides.items():
        lacking: dict[str, list[str]] = defaultdict(list)
        people: dict[str, set[str]] = defaultdict(set)
        for sender, name in side.inbox:
            if hashlib.sha256(f"{sender}/{name}".encode()).hexdigest()[:32] not in named:
                lacking[sender].append(name)
                sent = rest.sides[sender].outbox.get(name) if sender in rest.sides else None
                people[sender] |= set(json.loads(sent["body"]).get("people", ())) if sent else set()
        for sender, names in lacking.items():
            if not rows[frozenset((sender, region))] or (
                recovered[frozenset((sender, region))] < len(people[sender])
            ):
                yield Finding("LOG_LACKS", names[0], f"{len(names)} from {sender} to {region}")


def drained(history: History, seconds: float) -> Iterator[Finding]:
    """Some seconds after the last fault nothing waits any more."""
    if history.drained is None:
        yield Finding("NOT_DRAINED", "the post", "messages wait for ever")
    elif history.drained - history.last_fault > seconds:
        late = history.drained - history.last_fault
        yield Finding("NOT_DRAINED", "the post", f"{late:.0f} s after the last fault")


def waiting(picture: Picture) -> Collection[str]:
    """Messages nobody has answered."""
    return [
        name
        for side in picture.sides.values()
        for name, one in side.outbox.items()
        if one["answered_at"] is None
    ]
