"""Conservation: each person has exactly one custodian, and nothing that was acknowledged is undone.

Pure: what the stores say goes in (`Survey`), findings come out. What stores say was not read at one
instant, so a finding counts only if a second survey, begun after the first had ended, has the same
one: its rows then stood beside each other in between, since epochs only rise.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum

from regions.ids import region_of
from resolvers.transfers.surveying import ANSWERS, Box, Card, Entrusted, Survey

__all__ = [
    "Finding",
    "Judgement",
    "Kind",
    "acknowledged",
    "compare_cards",
    "copied_from",
    "judge",
    "unknown_homes",
]


class Kind(Enum):
    """What can be wrong."""

    NO_CUSTODIAN = "no region answers for the person"
    TWO_CUSTODIANS = "more than one region answers for the person"
    NO_RECORD = "the region answers for a person whom its store does not have"
    STRAY_COPY = "the store has a copy of the person without a word of custody"
    KEPT_IN_DIFFERS = "where the person's record lives is not where custody is"
    EPOCH_DIFFERS = "the region to which the person was handed over does not know of it"
    DOSSIER_DIFFERS = "what arrived is not what was sent"
    CARD_DIFFERS = "the copy of a case's card is not what the card is"
    HANDOVER_LOST = "one side has handed the person over, the other has not"
    REPLY_LOST = "a message was answered, but its receiver does not know it"
    REPLY_DIFFERS = "a message was answered with another reply than its receiver has"
    MESSAGE_LOST = "a message was received, but its sender does not know it"
    MESSAGE_DIFFERS = "a message was received with another content than its sender has"

    @property
    def chinese(self) -> str:
        """The same in Chinese."""
        return _CHINESE[self]


_CHINESE = {
    Kind.NO_CUSTODIAN: "无管理地区",
    Kind.TWO_CUSTODIANS: "管理地区重复",
    Kind.NO_RECORD: "管理地区无此人记录",
    Kind.STRAY_COPY: "存在无管理权依据的副本",
    Kind.KEPT_IN_DIFFERS: "记录所在地与管理地区不一致",
    Kind.EPOCH_DIFFERS: "接收地区不知已移交",
    Kind.DOSSIER_DIFFERS: "移交档案两端不一致",
    Kind.CARD_DIFFERS: "报告卡副本与原卡不一致",
    Kind.HANDOVER_LOST: "仅一端已移交",
    Kind.REPLY_LOST: "已答复的消息在接收地区缺失",
    Kind.REPLY_DIFFERS: "消息答复两端不一致",
    Kind.MESSAGE_LOST: "已接收的消息在发送地区缺失",
    Kind.MESSAGE_DIFFERS: "消息内容两端不一致",
}


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something wrong. `subject` is `person:<id>` or a message, `said` what the stores say."""

    kind: str  # name of a Kind
    subject: str
    regions: tuple[str, ...]
    said: tuple[str, ...]


@dataclass(slots=True)
class Judgement:
    """What came of the check. `people` were judged; `unjudged` could not be, since regions that
    matter for them did not answer.
    """

    people: int = 0
    on_the_way: set[int] = field(default_factory=set)
    unjudged: set[int] = field(default_factory=set)
    findings: set[Finding] = field(default_factory=set)


def unknown_homes(surveys: Mapping[str, Survey]) -> dict[str, set[int]]:
    """People that stores know whose home's store does not name them, by home: whether it has them
    at all is to be asked there.
    """
    found: dict[str, set[int]] = {}
    for person in _named(surveys):
        home = region_of(person)
        store = surveys.get(home)
        if store is not None and person not in store.custody and person not in store.kept_in:
            found.setdefault(home, set()).add(person)
    return found


def judge(
    surveys: Mapping[str, Survey], missing: Collection[str], at_home: Collection[int]
) -> Judgement:
    """Judges all people, by what stores say that answered. `missing` are the regions that did not;
    `at_home` are those of `unknown_homes` whom their home has.
    """
    done = Judgement(people=sum(one.plain for one in surveys.values()))
    on_the_way = {
        (one.subject, frozenset((one.from_region, one.to_region)))
        for store in surveys.values()
        for one in store.waiting
    }
    for person in sorted(_named(surveys)):
        home = region_of(person)
        plain = person in at_home
        if not plain:
            done.people += 1  # else its home has counted it
        _Person(done, person, surveys, missing, plain, on_the_way).judge(home)
    _dossiers(done, surveys, missing, on_the_way)
    return done


def acknowledged(
    sender: str,
    receiver: str,
    *,
    sent: Mapping[str, Box] | None = None,
    received: Mapping[str, Box] | None = None,
    known: Mapping[str, Box],
) -> set[Finding]:
    """Findings of messages: answered ones (`sent`) against what the receiver has of them, or
    received ones (`received`) against what the sender has.
    """
    found = set()
    regions = (sender, receiver)
    for id_, one in (sent or {}).items():
        other = known.get(id_)
        if other is None:
            found.add(Finding(Kind.REPLY_LOST.name, id_, regions, (one.hash,)))
        elif other.hash != one.hash:
            found.add(Finding(Kind.MESSAGE_DIFFERS.name, id_, regions, (one.hash, other.hash)))
        elif other.reply != one.reply:
            found.add(Finding(Kind.REPLY_DIFFERS.name, id_, regions, (one.hash,)))
    for id_, one in (received or {}).items():
        other = known.get(id_)
        if other is None:
            found.add(Finding(Kind.MESSAGE_LOST.name, id_, regions, (one.hash,)))
        elif other.hash != one.hash:
            found.add(Finding(Kind.MESSAGE_DIFFERS.name, id_, regions, (other.hash, one.hash)))
    return found


def copied_from(surveys: Mapping[str, Survey]) -> dict[str, set[int]]:
    """The cards, by their region, of which another region has a copy that must be equal: that of
    whoever answers for the person.
    """
    found: dict[str, set[int]] = {}
    for store in surveys.values():
        for case, copy in store.copies.items():
            home = copy.kept_in
            if home is not None and home in surveys and home != store.region:
                found.setdefault(home, set()).add(case)
    return found


def compare_cards(
    surveys: Mapping[str, Survey], originals: Mapping[str, Mapping[int, Card]]
) -> set[Finding]:
    """Copies that are not what the card is (`originals`, of those of `copied_from`, by region),
    though no correction of it is on its way. Of regions that did not answer nothing is said.
    """
    found = set()
    moving = {case for store in surveys.values() for case in store.on_the_way}
    for region, store in surveys.items():
        for case, copy in store.copies.items():
            home = copy.kept_in
            if home in (None, region) or home not in originals or case in moving:
                continue
            card = originals[home].get(case)
            if card is not None and (card.kept_in, card.hash) == (None, copy.hash):
                continue
            said = (f"{home} {_of_card(card)}", f"{region} {_of_card(copy)}")
            regions = tuple(sorted((home, region)))
            subject = f"person:{copy.person} case:{case}"
            found.add(Finding(Kind.CARD_DIFFERS.name, subject, regions, said))
    return found


def _of_card(card: Card | None) -> str:
    if card is None:
        return "no card"
    return f"version {card.version} {card.hash} kept in {card.kept_in or 'itself'}"


def _named(surveys: Mapping[str, Survey]) -> set[int]:
    found: set[int] = set()
    for one in surveys.values():
        found.update(one.custody)
        found.update(one.kept_in)
    return found


class _Person:
    """One person, as all stores have them."""

    def __init__(
        self,
        done: Judgement,
        person: int,
        surveys: Mapping[str, Survey],
        missing: Collection[str],
        plain: bool,
        on_the_way: Collection[tuple[str | None, frozenset[str]]],
    ) -> None:
        self._done, self._person, self._missing = done, person, missing
        self._on_the_way = on_the_way
        self._rows: dict[str, Entrusted] = {}
        self._kept_in: dict[str, str | None] = {}
        for region, store in surveys.items():
            if person in store.custody:
                self._rows[region] = store.custody[person]
            if person in store.kept_in:
                self._kept_in[region] = store.kept_in[person]
        home = region_of(person)
        if plain:
            self._kept_in[home] = None
        if home in self._kept_in and home not in self._rows:  # never handed over
            self._rows[home] = Entrusted("OWNED", 0, None, None)

    def judge(self, home: str) -> None:
        """Judges the person."""
        rows = self._rows
        answering = [region for region, one in rows.items() if one.state in ANSWERS]
        peers = {one.peer for one in rows.values() if one.peer is not None}
        known = not (({home} | peers) & set(self._missing))
        if len(answering) > 1:
            self._find(Kind.TWO_CUSTODIANS, *answering)
        elif not answering and known:
            self._without()
        elif not answering:
            self._done.unjudged.add(self._person)
        for region in answering:
            if region not in self._kept_in:
                self._find(Kind.NO_RECORD, region)
            elif self._kept_in[region] is not None:
                self._find(Kind.KEPT_IN_DIFFERS, region)
        for region, kept_in in self._kept_in.items():
            self._copy(region, kept_in)
        for region, one in rows.items():
            if one.state == "HANDED":
                self._handed(region, one)

    def _without(self) -> None:
        """Nobody says that it answers: a commit may be on its way, and then its receiver does."""
        for region, one in self._rows.items():
            if one.state == "HANDED" and one.peer is not None:
                other = self._rows.get(one.peer)
                waits = other is not None and (other.state, other.epoch) == ("PENDING", one.epoch)
                if waits and self._moving(one.transfer, region, one.peer):
                    self._done.on_the_way.add(self._person)
                    return
        self._find(Kind.NO_CUSTODIAN, *self._rows)

    def _copy(self, region: str, kept_in: str | None) -> None:
        row = self._rows.get(region)
        if row is None:
            self._find(Kind.STRAY_COPY, region)
        elif row.state not in ANSWERS and (
            kept_in is None or (row.state == "HANDED" and kept_in != row.peer)
        ):
            self._find(Kind.KEPT_IN_DIFFERS, region)

    def _handed(self, region: str, row: Entrusted) -> None:
        peer = row.peer
        if peer is None or peer in self._missing:
            return
        other = self._rows.get(peer)
        behind = other is None or other.epoch < row.epoch
        if behind and not self._moving(row.transfer, region, peer):
            self._find(Kind.EPOCH_DIFFERS, region, peer)

    def _moving(self, transfer: str | None, *regions: str) -> bool:
        """Whether anything of the transfer waits between the two regions."""
        return (transfer, frozenset(regions)) in self._on_the_way

    def _find(self, kind: Kind, *regions: str) -> None:
        said = []
        for region in sorted(set(self._rows) | set(self._kept_in)):
            row, kept_in = self._rows.get(region), self._kept_in.get(region, "none")
            if row is not None:
                said.append(f"{region} {row.state} {row.epoch} kept in {kept_in or 'itself'}")
            else:
                said.append(f"{region} no custody, kept in {kept_in or 'itself'}")
        self._done.findings.add(
            Finding(kind.name, f"person:{self._person}", tuple(sorted(regions)), tuple(said))
        )


def _dossiers(
    done: Judgement,
    surveys: Mapping[str, Survey],
    missing: Collection[str],
    on_the_way: Collection[tuple[str | None, frozenset[str]]],
) -> None:
    """Both sides of each handover: done by both, with the same dossier."""
    for region, store in surveys.items():
        for (transfer, side, person), part in store.parts.items():
            if part.outcome != "HANDED":
                continue
            there = part.to_region if side == "SENT" else part.from_region
            if there in missing or there not in surveys:
                continue
            if (transfer, frozenset((region, there))) in on_the_way:
                continue
            other_side = "RECEIVED" if side == "SENT" else "SENT"
            other = surveys[there].parts.get((transfer, other_side, person))
            if other is not None and other.outcome == "HANDED":
                if other.dossier == part.dossier:
                    continue
                kind = Kind.DOSSIER_DIFFERS
            else:
                kind = Kind.HANDOVER_LOST
            said = (f"{region} {side} HANDED", f"{there} {other.outcome if other else 'nothing'}")
            regions = (part.from_region, part.to_region)
            subject = f"person:{person} {transfer}"
            done.findings.add(Finding(kind.name, subject, regions, tuple(sorted(said))))
