"""Feeds: what a listener gets, however much comes at once."""

from __future__ import annotations

import asyncio

import pytest

from regions.errors import TooLarge
from resolvers.feeds import Feed

MOST, PORTION = 20, 5


class Log:
    """A store of numbers, polled a portion at a time, or all that is there."""

    def __init__(self, portion: int) -> None:
        self.events: list[int] = []
        self.portion = portion
        self.largest = 0

    def version(self) -> int:
        """Changes with each look."""
        self.largest += 1
        return self.largest

    async def poll(self, place: int | None) -> tuple[int, list[int]]:
        """What stands behind a place."""
        if place is None:
            return len(self.events), []
        found = self.events[place : place + self.portion]
        return place + len(found), found


def feed(log: Log, portion: int) -> Feed[int]:
    return Feed(log.poll, log.version, pause=0.001, waiting=MOST, portion=portion)


def test_more_than_a_listener_has_room_for_comes_in_portions() -> None:
    async def run() -> list[int]:
        log, heard = Log(PORTION), []
        async with feed(log, PORTION).listen() as events:
            log.events += range(10 * MOST)
            async for event in events:
                heard.append(event)
                if event % 7 == 0:
                    await asyncio.sleep(0.005)  # it takes its time
                if event == log.events[-1]:
                    return heard
        return heard

    assert asyncio.run(run()) == list(range(10 * MOST))


def test_who_takes_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resolvers.feeds._PATIENCE_SECONDS", 0.05)

    async def run() -> list[int]:
        log, heard = Log(PORTION), []
        numbers = feed(log, PORTION)
        async with numbers.listen() as idle, numbers.listen() as events:
            log.events += range(3 * MOST)
            async for event in events:
                heard.append(event)
                if event == log.events[-1]:
                    break
            with pytest.raises(TooLarge, match="wait to be taken"):
                async for _ in idle:
                    pass
        return heard

    assert asyncio.run(run()) == list(range(3 * MOST))
