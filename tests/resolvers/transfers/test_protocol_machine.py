"""The protocol under faults: one custodian for each person at every cut, whatever the post does.

500 examples, or 20,000 in the nightly profile (`HYPOTHESIS_PROFILE=nightly`).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from resolvers.transfers import protocol
from resolvers.transfers.states import Custody, Event, State, Step, Word
from tests.resolvers.transfers.world import Rules, World

NIGHTLY = settings.get_current_profile_name() == "nightly"
EXAMPLES = 20_000 if NIGHTLY else 500
SEEDS = 20_000 if NIGHTLY else 500
REGIONS = ["A", "B", "C"]
PEOPLE = [1, 2]
ANY = st.integers(0, 10_000)


class Handoffs(RuleBasedStateMachine):
    """People move between regions: messages are lost, doubled and late, and stores restored; what
    is restored in place acts until it is found.
    """

    @initialize(count=st.integers(2, 3))
    def begin(self, count: int) -> None:
        self.world = World(REGIONS[:count], PEOPLE, Rules())

    def _where(self, number: int) -> str:
        regions = [one for one in self.world.stores if one not in self.world.fenced]
        return regions[number % len(regions)] if regions else ""

    @rule(person=st.sampled_from(PEOPLE), to=ANY)
    def offer(self, person: int, to: int) -> None:
        for sender in self.world.stores:
            if self.world.custody(sender, person).state is State.OWNED:
                others = [one for one in self.world.stores if one != sender]
                if sender not in self.world.fenced:
                    self.world.offer(person, sender, others[to % len(others)])
                    return

    def _open(self, side: int, *outcomes: str) -> list[str]:
        """Transfers that stand so at one side, in a store that is not fenced."""
        name = ("SENT", "RECEIVED")[side - 1]
        return [
            transfer
            for transfer, (_, *sides) in self.world.parts.items()
            if (store := sides[side - 1]) not in self.world.fenced
            and self.world.stores[store].outcomes.get((name, transfer)) in outcomes
        ]

    @rule(which=ANY, accept=st.sampled_from([True, True, True, False]))
    def decide(self, which: int, accept: bool) -> None:
        if waiting := self._open(2, "OFFERED"):
            self.world.decide(waiting[which % len(waiting)], accept=accept)

    @rule(which=ANY)
    def cancel(self, which: int) -> None:
        if waiting := self._open(1, "OFFERED"):
            self.world.cancel(waiting[which % len(waiting)])

    @rule(which=ANY)
    def deliver(self, which: int) -> None:
        if waiting := self.world.waiting():
            self.world.deliver(waiting[which % len(waiting)])

    @rule(which=ANY)
    def deliver_and_settle(self, which: int) -> None:
        waiting = self.world.waiting()
        if waiting and self.world.deliver(waiting[which % len(waiting)]):
            self.world.settle(len(self.world.replies) - 1)

    @rule(which=ANY)
    def deliver_once_more(self, which: int) -> None:
        every = [mail for store in self.world.stores.values() for mail in store.outbox.values()]
        if every:
            self.world.deliver(every[which % len(every)])

    @precondition(lambda self: self.world.replies)
    @rule(which=ANY)
    def settle(self, which: int) -> None:
        self.world.settle(which % len(self.world.replies))

    @precondition(lambda self: self.world.replies)
    @rule(which=ANY)
    def lose_a_reply(self, which: int) -> None:
        self.world.replies.pop(which % len(self.world.replies))

    @precondition(lambda self: self.world.replies)
    @rule()
    def crash(self) -> None:
        self.world.replies.clear()

    @precondition(lambda self: len(self.world.backups) < 4)
    @rule(which=ANY)
    def back_up(self, which: int) -> None:
        if region := self._where(which):
            self.world.back_up(region)

    @precondition(lambda self: self.world.backups and not self.world.behind)
    @rule(which=ANY, found=st.booleans())
    def restore(self, which: int, found: bool) -> None:
        self.world.restore(which % len(self.world.backups), found=found)
        self.world.backups.clear()

    @precondition(lambda self: self.world.behind)
    @rule()
    def reconcile(self) -> None:
        for region in sorted(self.world.behind):
            self.world.reconcile(region)

    @precondition(lambda self: self.world.restored)
    @rule()
    def look_for_doubled(self) -> None:
        self.world.look_for_doubled()

    @precondition(lambda self: self.world.due)
    @rule(which=ANY)
    def do_what_is_due(self, which: int) -> None:
        self.world.do_what_is_due(which % len(self.world.due))

    @invariant()
    def one_custodian_for_each(self) -> None:
        if not self.world.restored:
            for person in self.world.people:
                assert len(self.world.custodians(person)) == 1, self.world.custodians(person)

    @invariant()
    def no_message_takes_effect_twice(self) -> None:
        for store in self.world.stores.values():
            assert all(count == 1 for count in store.done.values())

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.rest()
            check_rest(self.world)


def check_rest(world: World) -> None:
    """What must hold when everything has arrived."""
    for person in world.people:
        states = {region: world.custody(region, person) for region in world.stores}
        assert len(world.custodians(person)) == 1, states
        owner = world.custodians(person)[0]
        mine = states[owner]
        assert mine.state.answers, states
        assert all(other.epoch <= mine.epoch for other in states.values()), states
        for region, other in states.items():
            if other.state is State.PENDING:
                assert (mine.state, mine.peer) == (State.RELEASING, region), states
                assert (mine.epoch, mine.transfer_id) == (other.epoch, other.transfer_id), states


Handoffs.TestCase.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=50 if NIGHTLY else 40, deadline=None
)
TestHandoffs = pytest.mark.no_cover(Handoffs.TestCase)  # the seeds below run the same lines


# The same faults by seeds, without shrinking, for mutants: what must be seen is seen.


def play(rules: Rules, seed: int, steps: int = 60) -> None:
    """One life of three regions. Raises AssertionError where what must hold does not."""
    dice = random.Random(seed)
    world = World(REGIONS, PEOPLE, rules)
    for _ in range(steps):
        _move(world, dice)
        if not world.restored:
            for person in world.people:
                assert len(world.custodians(person)) == 1
    world.rest()
    check_rest(world)


def _move(world: World, dice: random.Random) -> None:
    regions = list(world.stores)
    what = dice.choice(
        ["offer"] * 3
        + ["decide"] * 3
        + ["cancel", "again", "settle", "lose", "impatient", "back up", "restore"]
        + ["mend", "look", "due"]
        + ["post"] * 8
    )
    parts, waiting = list(world.parts), world.waiting()
    if what == "offer":
        sender, receiver = dice.sample(regions, 2)
        if sender not in world.fenced:
            world.offer(dice.choice(world.people), sender, receiver)
    elif what == "decide" and parts:
        transfer = dice.choice(parts[-4:])
        if world.parts[transfer][2] not in world.fenced:
            world.decide(transfer, accept=dice.random() < 0.8)
    elif what == "cancel" and parts:
        transfer = dice.choice(parts[-4:])
        if world.parts[transfer][1] not in world.fenced:
            world.cancel(transfer)
    elif what == "impatient" and parts:
        world.lose_patience(dice.choice(parts[-4:]))
    elif what == "post" and waiting:
        if world.deliver(dice.choice(waiting)) and dice.random() < 0.8:
            world.settle(len(world.replies) - 1)
    elif what == "again":
        every = [mail for store in world.stores.values() for mail in store.outbox.values()]
        if every:
            world.deliver(dice.choice(every))
    elif what in ("settle", "lose") and world.replies:
        number = dice.randrange(len(world.replies))
        if what == "settle":
            world.settle(number)
        else:
            world.replies.pop(number)
    elif what == "back up":
        world.back_up(dice.choice(regions))
    elif what == "restore" and world.backups and not world.behind and dice.random() < 0.3:
        world.restore(dice.randrange(len(world.backups)), found=dice.random() < 0.5)
        world.backups.clear()
    elif what == "mend" and world.behind:
        world.reconcile(next(iter(world.behind)))
    elif what == "look":
        world.look_for_doubled()
    elif what == "due" and world.due:
        world.do_what_is_due(dice.randrange(len(world.due)))


def test_lives_by_seeds() -> None:
    _play_all(Rules())


def _forgetful(custody: Custody, transfer: str, epoch: int, sender: str) -> Step:
    """An offer is taken as new each time, since nothing says that it came before."""
    if custody.state is State.PENDING and custody.transfer_id == transfer:
        return Step(custody, word=Word.BEHIND, epoch=custody.epoch)
    return protocol.receive(custody, transfer, epoch, sender)


def _any_offer(custody: Custody, transfer: str, epoch: int, sender: str) -> Step:
    """An offer is taken whatever the epoch it was made at."""
    if custody.epoch < epoch or custody.state is State.PENDING:
        return protocol.receive(custody, transfer, epoch, sender)
    made = Custody(State.PENDING, custody.epoch, sender, transfer)
    return Step(made, Event.RECEIVED, "OFFERED", Word.PENDING, epoch)


def _any_commit(
    custody: Custody, transfer: str, epoch: int, sender: str, unit: str, offered_at: int, **_: bool
) -> Step:
    """A commit is taken whatever the epoch it was made at."""
    if custody.epoch < epoch or custody.state in (State.PENDING, State.OWNED):
        return protocol.arrive(custody, transfer, epoch, sender, unit, offered_at)
    made = Custody(State.OWNED, custody.epoch, sender, transfer, unit)
    return Step(made, Event.OWNED, "HANDED", Word.OWNED, epoch)


def _at_its_epoch(
    custody: Custody, transfer: str, epoch: int, sender: str, unit: str, _: int, **__: bool
) -> Step:
    """A commit is taken at its epoch, whatever this store is known to have offered at since."""
    return protocol.arrive(custody, transfer, epoch, sender, unit)


def _no_fence(custody: Custody, *_: Any, **__: Any) -> Step:
    """Who is told of a higher epoch goes on as before."""
    return Step(custody)


def _first_word(
    custody: Custody, transfer: str, epoch: int, sender: str, unit: str, offered_at: int, **_: bool
) -> Step:
    """Whoever refuses what it had accepted, and lost, has refused it."""
    return protocol.arrive(custody, transfer, epoch, sender, unit, offered_at)


MUTANTS = {
    "no inbox check": replace(Rules(), inbox=False, receive=_forgetful),
    "a timeout takes back": replace(Rules(), takes_back=True),
    "no fence": replace(Rules(), answered=_no_fence, compare=_no_fence),
    "no epoch check of offers": replace(Rules(), receive=_any_offer),
    "no epoch check of commits": replace(Rules(), arrive=_any_commit, inbox=False),
    "a cancelled offer stays open": replace(
        Rules(), called_off=lambda custody, *_: Step(custody, word=Word.CLOSED)
    ),
}


OF_RESTORED = {
    "nothing is told": replace(Rules(), tells=False),
    "a refusal after an acceptance counts": replace(Rules(), arrive=_first_word),
    "nobody yields": replace(Rules(), yields=_no_fence),
    "who prevails does not rise": replace(Rules(), above=_no_fence),
}
"""Mutants that few lives meet: each is seen in a life of its own below."""


@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_are_seen(name: str) -> None:
    with pytest.raises(AssertionError):
        _play_all(MUTANTS[name])


def _play_all(rules: Rules) -> None:
    for seed in range(SEEDS):
        play(rules, seed)


@pytest.mark.parametrize("upto", ["nothing", "the offer"])
def test_who_lost_an_offer_that_it_took_back_is_above_what_was_seen_of_it(upto: str) -> None:
    """B was put back to before it took the person over, and has offered the person to C since."""
    world = _took_back(Rules(), upto)
    check_rest(world)
    for sender, receiver in (("B", "A"), ("A", "C")):
        world.offer(1, sender, receiver)
        world.drain()
        world.decide(list(world.parts)[-1], accept=True)
        world.drain()
    assert world.custodians(1) == ["C"]
    with pytest.raises(AssertionError):
        check_rest(_took_back(replace(Rules(), arrive=_at_its_epoch), upto))


def _took_back(rules: Rules, upto: str) -> World:
    world = World(REGIONS, [1], rules)
    if upto == "nothing":
        world.back_up("B")
    world.offer(1, "A", "B")
    world.drain()
    world.back_up("B")
    world.decide("t0", accept=True)
    world.drain()
    world.offer(1, "B", "C")
    world.drain()
    world.cancel("t1")
    world.drain()
    world.restore(0, found=True)
    world.reconcile("B")
    world.drain()
    return world


def _through(world: World, sender: str, receiver: str, *, accept: bool = True) -> str:
    """An offer that came, and was accepted unless told otherwise; its transfer."""
    world.offer(1, sender, receiver)
    world.drain()
    transfer = list(world.parts)[-1]
    if accept:
        world.decide(transfer, accept=True)
        world.drain()
    return transfer


def _kept(rules: Rules) -> World:
    """A's store was put back to before it handed over to B, whose acceptance comes again."""
    world = World(REGIONS, [1], rules)
    world.back_up("A")
    first = _through(world, "A", "B")
    world.restore(0, found=False)
    (again,) = [one for one in world.stores["B"].outbox.values() if one.topic == "decision"]
    world.deliver(again)
    assert world.custodians(1) == ["A", "B"]
    assert world.parts[first][2] == "B"
    return world


def _handed_on(rules: Rules) -> World:
    """A's store was put back likewise, and hands over to C before it is found."""
    world = World(REGIONS, [1], rules)
    world.back_up("A")
    _through(world, "A", "B")
    world.restore(0, found=False)
    _through(world, "A", "C")
    assert world.custodians(1) == ["B", "C"]
    return world


def _taken_back(rules: Rules) -> World:
    """A has lost an offer to C that it took back, and hands over to B before it is found: C has
    seen an epoch above B's, of which B knows nothing.
    """
    world = World(REGIONS, [1], rules)
    world.back_up("A")
    world.cancel(_through(world, "A", "C", accept=False))
    world.drain()
    world.restore(0, found=False)
    _through(world, "A", "B")
    return world


def _refused(rules: Rules) -> World:
    """B's store was put back to before it accepted, and refuses now; the commit comes again late,
    whose first answer A has.
    """
    world = World(REGIONS, [1], rules)
    first = _through(world, "A", "B", accept=False)
    world.back_up("B")
    world.decide(first, accept=True)
    world.drain()
    world.restore(0, found=False)
    world.decide(first, accept=False)
    (commit,) = [one for one in world.stores["A"].outbox.values() if one.topic == "commit"]
    world.deliver(commit)
    return world


def _offered_twice(rules: Rules) -> World:
    """A knows of its first offer, and has lost that it took it back and made another since."""
    world = World(REGIONS, [1], rules)
    first = _through(world, "A", "B", accept=False)
    world.back_up("A")
    world.cancel(first)
    world.drain()
    _through(world, "A", "C", accept=False)
    world.restore(0, found=True)
    return world


def _offered_on(rules: Rules) -> World:
    """A has lost that it handed over to B, to whom C, who had the person next, now offers it."""
    world = World(REGIONS, [1], rules)
    world.back_up("A")
    _through(world, "A", "B")
    _through(world, "B", "C")
    _through(world, "C", "B", accept=False)
    world.restore(0, found=True)
    return world


@pytest.mark.parametrize(
    ("made", "custodian", "mutants"),
    [
        (_kept, "B", ["nobody yields", "who prevails does not rise"]),
        (_handed_on, "B", ["nobody yields", "who prevails does not rise"]),
        (_taken_back, "B", ["nothing is told"]),
        (_refused, "B", ["a refusal after an acceptance counts"]),
        (_offered_twice, "A", []),
        (_offered_on, "C", []),
    ],
)
def test_what_a_restored_store_had_lost_leaves_one_custodian(
    made: Callable[[Rules], World], custodian: str, mutants: list[str]
) -> None:
    world = made(Rules())
    _rest(world)
    assert world.custodians(1) == [custodian]
    # And whoever the person goes to takes the person.
    for receiver in [one for one in REGIONS if one != custodian]:
        if world.custody(custodian, 1).state is State.OWNED:
            _through(world, custodian, receiver)
            custodian = receiver
            assert world.custodians(1) == [custodian]
    for name in mutants:
        other = made(OF_RESTORED[name])
        with pytest.raises(AssertionError):
            _rest(other)


def _rest(world: World) -> None:
    world.rest()
    check_rest(world)
