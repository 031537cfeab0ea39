"""The checker: whether a run of handoffs lost, doubled or undid anything.

It reads the history of what clients were told, pictures of the stores and the entries of the
access log, and knows the rules of the design alone, none of our code:

- at every cut and at rest each person has exactly one custodian, and no person is gone or made up
  (a store behind a fence takes no step, so that what it believes counts for nothing; one that was
  put back in place, and acted before it was found, may answer beside another until that is settled,
  and not at rest);
- what was acknowledged is never undone;
- epochs rise;
- what arrived is what was sent: bodies, dossiers, and every record of the person;
- a message takes effect once, and its two ends agree;
- the access log has both sides of each delivery;
- some seconds after the last fault nothing waits any more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from bench.breaking.history import Acknowledged, Finding, History
from bench.breaking.messages import drained, logged, posted
from bench.breaking.pictures import Custody, Picture, Side

__all__ = ["check", "check_cut"]

_HOLDS = ("OWNED", "RELEASING")
_FINAL = ("REFUSED", "CANCELLED", "HANDED")


def check(history: History, rest: Picture, *, drain_seconds: float = 30.0) -> list[Finding]:
    """Everything that is wrong, in order."""
    found = {
        *(
            one
            for cut in history.cuts
            for one in check_cut(history.homes, cut, history.restored, _acted(history, cut))
        ),
        *check_cut(history.homes, rest, history.restored),
        *_rest(history, rest),
        *_epochs(history, rest),
        *_undone(history, rest),
        *_sides(history, rest),
        *posted(history, rest),
        *_whole(rest),
        *logged(history, rest),
        *drained(history, drain_seconds),
    }
    return sorted(found)


def _said(side: Side, person: int, home: str, region: str) -> Custody | None:
    """What a store says of a person; without a word, its home answers for whom it has."""
    said = side.custody.get(person)
    if said is None and region == home and person in side.people:
        return Custody("OWNED", 0, None, None)
    return said


def _acted(history: History, cut: Picture) -> set[str]:
    """The regions that were put back in place before a cut, and acted before they were found."""
    return {
        region
        for region, times in history.blind.items()
        if any(one.since <= cut.at for one in times)
    }


def check_cut(
    homes: Mapping[int, str],
    cut: Picture,
    restored: Collection[str] = (),
    acted: Collection[str] = (),
) -> Iterator[Finding]:
    """One custodian for each person, and no person gone or made up. `restored` are the regions
    that were put back from a backup at any time, `acted` those that acted before it was found.
    """
    where = cut.name or "at rest"
    for person, home in homes.items():
        said = {
            region: one
            for region, side in cut.sides.items()
            if (one := _said(side, person, home, region)) is not None
        }
        holders = sorted(region for region, one in said.items() if one.state in _HOLDS)
        # Of whom a fenced store says so it takes no step, and nobody knows yet whether it is true.
        true = [region for region in holders if not cut.sides[region].fenced]
        if len(true) > 1 and not _by_who_acted(said, true, acted):
            yield Finding("DOUBLED", str(person), f"{where}: {', '.join(true)}")
        if not holders:
            yield from _on_the_way(person, said, where, restored)
        if not any(person in side.people for side in cut.sides.values()):
            yield Finding("LOST", str(person), f"{where}: no store has the person")
    known = set(homes)
    for region, side in cut.sides.items():
        for person in sorted((set(side.people) | set(side.custody)) - known):
            yield Finding("MADE_UP", str(person), f"{where}: {region}")


def _by_who_acted(said: Mapping[str, Custody], true: list[str], acted: Collection[str]) -> bool:
    """Whether one of those who answer is, or has the person from, a store that acted on what it had
    lost.
    """
    return any(region in acted or said[region].peer in acted for region in true)


def _on_the_way(
    person: int, said: Mapping[str, Custody], where: str, restored: Collection[str]
) -> Iterator[Finding]:
    """Nobody holds the person: then one has handed the person over, to one who waits for it, or
    who was restored and waits for it to come again.
    """
    handed = [one for one in said.values() if one.state == "HANDED"]
    latest = max(handed, key=lambda one: one.epoch, default=None)
    waits = latest is not None and (
        (peer := said.get(latest.peer or "")) is not None
        and peer.epoch == latest.epoch
        and (peer.state == "FENCED" or (peer.state, peer.transfer) == ("PENDING", latest.transfer))
    )
    # A restored receiver knows less, or has refused meanwhile what it had taken: it is told again.
    # Whoever had handed over may have been offered the person since, and names it by that.
    last = max(said.values(), key=lambda one: one.epoch, default=None)
    behind = any(one is not None and one.peer in restored for one in (latest, last))
    if not (waits or behind):
        states = {region: (one.state, one.epoch) for region, one in said.items()}
        yield Finding("NO_CUSTODIAN", str(person), f"{where}: {states}")


def _rest(history: History, rest: Picture) -> Iterator[Finding]:
    """At rest nobody is on the way, and the one living row is where custody is."""
    for person, home in history.homes.items():
        said = {r: _said(side, person, home, r) for r, side in rest.sides.items()}
        holders = [r for r, one in said.items() if one is not None and one.state in _HOLDS]
        if not holders:
            yield Finding("NO_CUSTODIAN", str(person), "at rest: handed over and not taken")
        living = [
            region
            for region, side in rest.sides.items()
            if person in side.people and side.people[person] is None
        ]
        if holders and living != holders:
            yield Finding("ROW_ELSEWHERE", str(person), f"lives in {living}, held by {holders}")


def _epochs(history: History, rest: Picture) -> Iterator[Finding]:
    """A store's epoch of a person falls by its restoring alone; the custodian's is the highest."""
    yield from _falling(history, rest)
    for person, home in history.homes.items():
        said = [_said(side, person, home, region) for region, side in rest.sides.items()]
        held = [one.epoch for one in said if one is not None and one.state in _HOLDS]
        seen = [one.epoch for one in said if one is not None and one.state not in _HOLDS]
        if held and seen and max(seen) > max(held):
            yield Finding("EPOCH_BEHIND", str(person), f"custodian {max(held)}, seen {max(seen)}")
    for region, side in rest.sides.items():
        if region in history.restored_between:
            continue
        owned: dict[int, int] = {}
        for person, epoch, event, _ in side.events:
            if event in ("OWNED", "OFFERED", "HANDED"):
                if epoch < owned.get(person, 0):
                    yield Finding("EPOCH_FELL", str(person), f"{region}: {event} at {epoch}")
                owned[person] = max(epoch, owned.get(person, 0))


def _falling(history: History, rest: Picture) -> Iterator[Finding]:
    """Epochs that fell from one cut to the next."""
    before: dict[tuple[str, int], tuple[float, int]] = {}
    for cut in [*history.cuts, rest]:
        for region, side in cut.sides.items():
            restored = history.restored_between.get(region, ())
            for person, one in side.custody.items():
                at, epoch = before.get((region, person), (cut.at, one.epoch))
                put_back = any(at <= end and cut.at >= begin for begin, end in restored)
                if one.epoch < epoch and not put_back:
                    detail = f"{region}: {epoch} → {one.epoch}"
                    yield Finding("EPOCH_FELL", str(person), detail)
                before[region, person] = (cut.at, one.epoch)


def _undone(history: History, rest: Picture) -> Iterator[Finding]:
    """What a client was told holds at rest; told again, it never went back."""
    told: dict[tuple[str, str, int], tuple[int, str]] = {}
    for one in sorted(history.acknowledged, key=lambda one: one.number):
        if one.outcome is None or _is_lost(history, one, rest):
            continue
        key = (one.region, one.transfer, one.person)
        subject = f"{one.transfer}/{one.person}"
        if key in told:
            earlier = told[key][1]
            if earlier in _FINAL and one.outcome != earlier and one.asked != "offer":
                yield Finding("UNDONE", subject, f"told {earlier}, then {one.outcome}")
        if key not in told or told[key][1] not in _FINAL:
            told[key] = (one.number, one.outcome)
        yield from _holds(one, rest, subject)


def _holds(one: Acknowledged, rest: Picture, subject: str) -> Iterator[Finding]:
    side = rest.sides[one.region]
    parts = {
        which: side.parts.get((one.transfer, which, one.person)) for which in ("SENT", "RECEIVED")
    }
    mine = parts["SENT" if one.asked in ("offer", "cancel") else "RECEIVED"]
    if mine is None:
        yield Finding("UNDONE", subject, f"{one.region} told {one.outcome} and knows nothing of it")
        return
    now = mine["outcome"]
    if one.outcome in _FINAL and now != one.outcome:
        yield Finding("UNDONE", subject, f"{one.region} told {one.outcome}, has {now}")
    if one.outcome == "ACCEPTED" and now in ("OFFERED", "REFUSED"):
        yield Finding("UNDONE", subject, f"{one.region} told ACCEPTED, has {now}")
    if one.arrived and side.transfers[one.transfer, "RECEIVED"]["arrived_at"] is None:
        yield Finding("UNDONE", subject, f"{one.region} was told of the arrival, and has none")


def _is_lost(history: History, one: Acknowledged, rest: Picture) -> bool:
    """Whether its region was restored to before this was told, or the other one of the transfer was
    and had it not handed over yet: then the offer itself is gone.
    """
    if any(begin <= one.number <= end for begin, end in history.restored.get(one.region, ())):
        return True
    side = "SENT" if one.asked in ("offer", "cancel") else "RECEIVED"
    mine = rest.sides[one.region].parts.get((one.transfer, side, one.person))
    now = mine["outcome"] if mine is not None else None
    if one.outcome in ("REFUSED", "CANCELLED") and now in _FINAL and _blindly(history, one):
        return True  # what it had accepted or handed over, or was refused, before it was put back
    row = next(
        (
            row
            for (transfer, _), row in rest.sides[one.region].transfers.items()
            if transfer == one.transfer
        ),
        None,
    )
    others = {row["from_region"], row["to_region"]} - {one.region} if row is not None else set()
    return one.outcome != "HANDED" and bool(others & set(history.restored))


def _blindly(history: History, one: Acknowledged) -> bool:
    """Whether it was told by a store that was put back and did not know."""
    return any(blind.told(one.number) for blind in history.blind.get(one.region, ()))


def _sides(history: History, rest: Picture) -> Iterator[Finding]:
    """The two ends of a person's part of a transfer agree, and so do the hashes of what went."""
    ends: dict[tuple[str, int], dict[str, tuple[str, Mapping[str, Any]]]] = defaultdict(dict)
    for region, side in rest.sides.items():
        for (transfer, which, person), part in side.parts.items():
            ends[transfer, person][which] = (region, part)
    for (transfer, person), both in ends.items():
        subject = f"{transfer}/{person}"
        sent, received = both.get("SENT"), both.get("RECEIVED")
        if sent is None or received is None:
            known = sent or received
            assert known is not None
            other = rest.sides[known[0]].transfers[
                transfer, "SENT" if sent is not None else "RECEIVED"
            ]["to_region" if sent is not None else "from_region"]
            forgot = other in history.restored  # custody is mended, what it had written is not
            if known[1]["outcome"] not in ("CANCELLED", "REFUSED") and not forgot:
                yield Finding("ONE_SIDED", subject, f"only {known[0]}: {known[1]['outcome']}")
            continue
        outcomes = {sent[1]["outcome"], received[1]["outcome"]}
        crossed = outcomes == {"CANCELLED", "REFUSED"}  # each was told so, and both kept their word
        lost = {sent[0], received[0]} & set(history.restored)
        if len(outcomes) > 1 and not crossed and not lost:
            told = f"{sent[0]} {sent[1]['outcome']}, {received[0]} {received[1]['outcome']}"
            yield Finding("SIDES_DIFFER", subject, told)
        hashes = sent[1]["dossier_hash"], received[1]["dossier_hash"]
        # A restored receiver that was offered the person again has lost what came before.
        gone = received[0] in history.restored and received[1]["outcome"] == "CANCELLED"
        differ = None in hashes or hashes[0] != hashes[1]
        if sent[1]["outcome"] == "HANDED" and differ and not gone:
            yield Finding("DOSSIER_DIFFERS", subject, f"{hashes[0]} and {hashes[1]}")


def _whole(rest: Picture) -> Iterator[Finding]:
    """Every record of a person who was handed over, or was answered for wrongly, is where the
    person is.
    """
    holders = {
        person: region
        for region, side in rest.sides.items()
        for person, custody in side.custody.items()
        if custody.state in _HOLDS
    }
    for region, side in rest.sides.items():
        for person, custody in side.custody.items():
            holder = holders.get(person)
            if custody.state not in ("HANDED", "FENCED") or holder is None:
                continue
            for table, rows in side.records.items():
                there = rest.sides[holder].records[table]
                for record, of in rows.items():
                    if of == person and record not in there:
                        detail = f"{table} {record} of {region} is not in {holder}"
                        yield Finding("RECORD_LOST", str(person), detail)
