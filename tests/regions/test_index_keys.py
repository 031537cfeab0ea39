"""The phases of a change of index keys: pure steps, and what they promise."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from regions.blind_index import BlindIndexer
from regions.index_keys import IndexState, Phase, WrongPhase, index_keys, keep_state, read_state
from regions.key_ring import Key, KeyRing
from regions.settings import RegionSettings
from tests.stores import in_store

STEPS = ("begin", "went_on", "filled", "clear", "finish")


def step(state: IndexState, name: str) -> IndexState:
    if name == "begin":
        return state.begin(state.key + 1)
    if name == "went_on":
        return state.went_on(state.done_to + 5)
    made: IndexState = getattr(state, name)()
    return made


@given(st.lists(st.sampled_from(STEPS), max_size=40))
def test_no_order_of_steps_leaves_people_in_no_complete_set(names: list[str]) -> None:
    """A model of the two sets: which of them everybody is in, and under which key."""
    state = IndexState()
    complete = {0: 0}  # set: key
    for name in names:
        before = state
        try:
            state = step(state, name)
        except WrongPhase:
            assert state is before
            continue
        if name == "filled":
            complete[1 - before.used] = before.next_key or 0
        if name == "clear":
            del complete[before.used]
        assert complete
        assert complete[state.complete] in state.keys
        # Whoever is written now is in every set that is complete, under its key.
        assert complete.items() <= state.written.items()


def test_the_way_of_a_change() -> None:
    both = IndexState().begin(1)
    assert (both.phase, both.written, both.keys) == (
        Phase.BOTH,
        {0: 0, 1: 1},
        frozenset({0, 1}),
    )
    filled = both.went_on(7).filled()
    assert (filled.phase, filled.done_to, filled.complete) == (Phase.FILLED, 0, 0)
    clearing = filled.clear()
    assert (clearing.written, clearing.complete) == ({1: 1}, 1)
    assert clearing.finish() == IndexState(Phase.SINGLE, 1, 1)
    again = clearing.finish().begin(2)
    assert again.written == {1: 1, 0: 2}
    with pytest.raises(WrongPhase):
        IndexState().begin(0)


def test_a_state_is_kept(store_settings: RegionSettings) -> None:
    assert in_store(store_settings, read_state) == IndexState()
    for state in (IndexState().begin(3), IndexState().begin(3).went_on(9), IndexState(key=4)):
        in_store(store_settings, partial(keep_state, state=state))
        assert in_store(store_settings, read_state) == state
    rows = in_store(store_settings, lambda store: store.execute(select(index_keys)).all())
    assert len(rows) == 1


def test_columns_of_a_person_follow_the_state() -> None:
    indexer = BlindIndexer(KeyRing({0: Key(b"a" * 32), 1: Key(b"b" * 32, sm3=True)}))
    items = {"id_number": "11010519491231002X", "name": "王伟", "birth_date": "1949-12-31"}
    old, new = indexer.under(0).person(items), indexer.under(1).person(items)
    assert old[1] is None
    assert not {*old} & {*new} - {None}
    nothing = (None, None, None)
    state = IndexState()
    assert indexer.columns(items, state) == (*old, *nothing)
    state = state.begin(1)
    assert indexer.columns(items, state) == (*old, *new)
    state = state.filled().clear()
    assert indexer.columns(items, state) == (*nothing, *new)
    state = state.finish()
    assert indexer.columns(items, state) == (*nothing, *new)
    assert [one.person(items) for one in indexer.every()] == [new, old]
