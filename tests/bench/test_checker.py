"""The checker on pictures made by hand: a run as it should be, and each rule broken once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from bench.breaking.checker import check, check_cut
from bench.breaking.history import Acknowledged, Blind, History
from bench.breaking.pictures import Custody, Picture, Side

A, B = "320100", "330200"
PERSON, CONTACT = 10, 11
BODY = '{"people":{"10":1}}'
HASH = hashlib.sha256(BODY.encode()).hexdigest()
REPLY = '{"people":{"10":["OWNED",1]}}'
NAME = "transfer.commit:t"


def _named() -> str:
    return hashlib.sha256(f"{A}/{NAME}".encode()).hexdigest()[:32]


@dataclass
class Said:
    """What a store says, to be changed by hand."""

    people: dict[int, str | None] = field(default_factory=dict)
    custody: dict[int, Custody] = field(default_factory=dict)
    parts: dict[Any, dict[str, Any]] = field(default_factory=dict)
    transfers: dict[Any, dict[str, Any]] = field(default_factory=dict)
    events: list[tuple[int, int, str, int]] = field(default_factory=list)
    outbox: dict[str, dict[str, Any]] = field(default_factory=dict)
    inbox: dict[Any, dict[str, Any]] = field(default_factory=dict)
    contacts: dict[int, int] = field(default_factory=dict)

    def side(self) -> Side:
        """As the checker reads it."""
        records = {"contacts": self.contacts, "cases": {}, "visits": {}, "samples": {}}
        return Side(
            self.people,
            self.custody,
            self.parts,
            self.transfers,
            tuple(self.events),
            self.outbox,
            self.inbox,
            records,
        )


class Case:
    """One person, handed over from A to B: nothing is wrong with it."""

    def __init__(self) -> None:
        row = {"from_region": A, "to_region": B, "arrived_at": None}
        part = {"outcome": "HANDED", "dossier_hash": "1:ab"}
        self.a = Said(
            {PERSON: B},
            {PERSON: Custody("HANDED", 1, B, "t")},
            {("t", "SENT", PERSON): dict(part)},
            {("t", "SENT"): dict(row)},
            [(PERSON, 1, "OFFERED", 1), (PERSON, 1, "HANDED", 2)],
            {
                NAME: {
                    "to_region": B,
                    "body": BODY,
                    "hash": HASH,
                    "reply": REPLY,
                    "answered_at": "2026",
                }
            },
            contacts={CONTACT: PERSON},
        )
        self.b = Said(
            {PERSON: None},
            {PERSON: Custody("OWNED", 1, A, "t")},
            {("t", "RECEIVED", PERSON): dict(part)},
            {("t", "RECEIVED"): dict(row)},
            [(PERSON, 1, "OWNED", 1)],
            inbox={(A, NAME): {"hash": HASH, "reply": REPLY}},
            contacts={CONTACT: PERSON},
        )
        self.history = History({PERSON: A}, drained=0.0)
        told = Acknowledged(1, B, "t", PERSON, "decide", "HANDED")
        self.history.acknowledged.append(told)
        entry = {"what": {"messages": [{"message": _named()}], "regions": {A: "", B: ""}}}
        self.history.log.append(entry)

    def picture(self, at: float = 0.0, name: str = "") -> Picture:
        """The stores as they are now."""
        return Picture({A: self.a.side(), B: self.b.side()}, at, name)

    def rules(self) -> set[str]:
        """The rules that are broken."""
        return {one.rule for one in check(self.history, self.picture())}


def _doubled(case: Case) -> None:
    case.a.custody[PERSON] = Custody("OWNED", 1, B, "t")


def _no_custodian(case: Case) -> None:
    case.b.custody[PERSON] = Custody("CLOSED", 1, A, "t")


def _lost(case: Case) -> None:
    case.a.people.clear()
    case.b.people.clear()


def _made_up(case: Case) -> None:
    case.b.people[77] = None


def _row_elsewhere(case: Case) -> None:
    case.a.people[PERSON] = None


def _epoch_behind(case: Case) -> None:
    case.a.custody[PERSON] = Custody("HANDED", 3, B, "t")


def _event_fell(case: Case) -> None:
    case.b.events.append((PERSON, 0, "OFFERED", 2))


def _epoch_fell(case: Case) -> None:
    before = Side({PERSON: None}, {PERSON: Custody("OWNED", 9, B, "t")}, {}, {}, (), {}, {}, {})
    case.history.cuts.append(Picture({A: before}, 0.0, "before"))


def _undone(case: Case) -> None:
    told = Acknowledged(2, A, "t", PERSON, "cancel", "CANCELLED")
    case.history.acknowledged.append(told)


def _told_otherwise(case: Case) -> None:
    told = Acknowledged(2, B, "t", PERSON, "decide", "REFUSED")
    case.history.acknowledged.append(told)


def _forgotten(case: Case) -> None:
    told = Acknowledged(2, B, "other", PERSON, "decide", "ACCEPTED")
    case.history.acknowledged.append(told)


def _arrival_forgotten(case: Case) -> None:
    told = Acknowledged(2, B, "t", PERSON, "arrive", "HANDED", arrived=True)
    case.history.acknowledged.append(told)


def _one_sided(case: Case) -> None:
    del case.a.parts["t", "SENT", PERSON]


def _sides_differ(case: Case) -> None:
    case.b.parts["t", "RECEIVED", PERSON]["outcome"] = "ACCEPTED"


def _dossier_differs(case: Case) -> None:
    case.b.parts["t", "RECEIVED", PERSON]["dossier_hash"] = "1:cd"


def _body_differs(case: Case) -> None:
    case.a.outbox[NAME]["body"] = "{}"


def _other_received(case: Case) -> None:
    case.b.inbox[A, NAME]["hash"] = "0"


def _reply_differs(case: Case) -> None:
    case.a.outbox[NAME]["reply"] = "{}"


def _reply_made_up(case: Case) -> None:
    case.b.inbox.clear()


def _nothing_said(case: Case) -> None:
    case.b.inbox[A, NAME]["reply"] = None


def _message_made_up(case: Case) -> None:
    case.a.outbox.clear()


def _record_lost(case: Case) -> None:
    case.b.contacts.clear()


def _log_one_sided(case: Case) -> None:
    del case.history.log[0]["what"]["regions"][A]


def _log_lacks(case: Case) -> None:
    case.history.log[0]["what"]["messages"].clear()


def _recovered_of_fewer(case: Case) -> None:
    _log_lacks(case)
    what = {"regions": {A: "", B: ""}, "wrote": {}}
    case.history.log.append({"recovered": "2026", "what": what})


def _late(case: Case) -> None:
    case.history.drained = 31.0


def _never(case: Case) -> None:
    case.history.drained = None


BROKEN: tuple[tuple[str, Callable[[Case], None]], ...] = (
    ("DOUBLED", _doubled),
    ("NO_CUSTODIAN", _no_custodian),
    ("LOST", _lost),
    ("MADE_UP", _made_up),
    ("ROW_ELSEWHERE", _row_elsewhere),
    ("EPOCH_BEHIND", _epoch_behind),
    ("EPOCH_FELL", _event_fell),
    ("EPOCH_FELL", _epoch_fell),
    ("UNDONE", _undone),
    ("UNDONE", _told_otherwise),
    ("UNDONE", _forgotten),
    ("UNDONE", _arrival_forgotten),
    ("ONE_SIDED", _one_sided),
    ("SIDES_DIFFER", _sides_differ),
    ("DOSSIER_DIFFERS", _dossier_differs),
    ("BODY_DIFFERS", _body_differs),
    ("BODY_DIFFERS", _other_received),
    ("REPLY_DIFFERS", _reply_differs),
    ("REPLY_MADE_UP", _reply_made_up),
    ("REPLY_MADE_UP", _nothing_said),
    ("MESSAGE_MADE_UP", _message_made_up),
    ("RECORD_LOST", _record_lost),
    ("LOG_ONE_SIDED", _log_one_sided),
    ("LOG_LACKS", _log_lacks),
    ("LOG_LACKS", _recovered_of_fewer),
    ("NOT_DRAINED", _late),
    ("NOT_DRAINED", _never),
)


def test_nothing_is_wrong_with_a_handoff() -> None:
    assert Case().rules() == set()


@pytest.mark.parametrize(("rule", "breaks"), BROKEN, ids=[one.__name__ for _, one in BROKEN])
def test_each_rule_is_broken_once(rule: str, breaks: Callable[[Case], None]) -> None:
    case = Case()
    breaks(case)
    assert rule in case.rules()
    follows = {"ROW_ELSEWHERE", "NO_CUSTODIAN", "SIDES_DIFFER", "LOG_LACKS", "UNDONE"}
    assert case.rules() <= {rule, "REPLY_DIFFERS", *follows}


def test_who_was_offered_by_a_restored_store_that_is_told_again_is_not_lost_at_a_cut() -> None:
    """A had handed over to B, which offered the person back, and was put back to before it."""
    for restored in (False, True):
        case = Case()
        case.a.custody[PERSON] = Custody("PENDING", 2, B, "u")
        case.b.custody.pop(PERSON)
        if restored:
            case.history.restored[B] = [(1, 9)]
        cut = list(check_cut(case.history.homes, case.picture(), case.history.restored))
        assert ("NO_CUSTODIAN" in {one.rule for one in cut}) is not restored


def test_who_is_on_the_way_has_a_custodian_at_a_cut_and_none_at_rest() -> None:
    case = Case()
    case.b.custody[PERSON] = Custody("PENDING", 1, A, "t")
    case.history.cuts.append(case.picture(name="a cut"))
    found = check(case.history, case.picture())
    assert not [one for one in found if "a cut" in one.detail]
    assert "NO_CUSTODIAN" in {one.rule for one in found}


def test_who_acted_before_it_was_found_may_answer_beside_another_until_it_is_settled() -> None:
    """At a cut from then on: not before it, not where another was put back, never at rest."""
    for region, since, excused in ((A, 3.0, True), (A, 6.0, False), ("440100", 3.0, False)):
        case = Case()
        case.history.blind[region] = [Blind(since, 1)]
        case.a.custody[PERSON] = Custody("OWNED", 2, B, "t")
        case.history.cuts.append(case.picture(5.0, "a cut"))
        found = [one for one in check(case.history, case.picture(9.0)) if one.rule == "DOUBLED"]
        assert any("a cut" in one.detail for one in found) is not excused
        assert any("at rest" in one.detail for one in found)


def test_what_was_told_before_a_store_was_found_yields_to_what_was_so_before() -> None:
    """A took back whom it had handed over, since it had lost that: the handover stands."""
    told = Acknowledged(4, A, "t", PERSON, "cancel", "CANCELLED")
    for first, last, excused in ((4, 4, True), (4, None, True), (5, 9, False), (1, 3, False)):
        case = Case()
        case.history.blind[A] = [Blind(0.0, first, last)]
        case.history.acknowledged.append(told)
        assert ("UNDONE" in case.rules()) is not excused


def test_the_records_of_a_person_are_where_the_person_is_by_now() -> None:
    """A third region has the person: B, which was put back, need not have the records again."""
    for there in (True, False):
        case = Case()
        case.b.custody[PERSON] = Custody("FENCED", 2, "440100", None)
        case.b.contacts.clear()
        c = Said({PERSON: None}, {PERSON: Custody("OWNED", 2, B, "u")})
        c.contacts = {CONTACT: PERSON} if there else {}
        rest = case.picture()
        sides = {**rest.sides, "440100": c.side()}
        found = check(case.history, Picture(sides, 0.0, ""))
        assert ("RECORD_LOST" in {one.rule for one in found}) is not there


def test_a_restored_receiver_may_have_lost_what_came_of_an_older_transfer() -> None:
    for restored, outcome, excused in (
        (B, "CANCELLED", True),
        (A, "CANCELLED", False),
        (B, "HANDED", False),
    ):
        case = Case()
        case.history.restored[restored] = [(1, 9)]
        case.b.parts["t", "RECEIVED", PERSON] |= {"outcome": outcome, "dossier_hash": None}
        assert ("DOSSIER_DIFFERS" in case.rules()) is not excused
