"""The faults of a black box run: each by the seed, at its time, and healed some time later."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bench.breaking.fleet import Fleet
from bench.breaking.plans import KINDS, Plan
from bench.breaking.proxy import Proxy

__all__ = ["Due", "Faults"]

_DISK_BYTES = 16_384  # behind which nothing can be written while the disk is full
_CLOCK_SECONDS = 1_500.0  # by which clocks jump, at most

Due = tuple[float, str, Callable[[], Any]]
"""When, in seconds of the run; the name it is counted by, none where it is no fault; what."""


class Faults:
    """What befalls a fleet behind its proxies. `world` is held while any of it is done, `record` is
    a line of the run's record.
    """

    def __init__(
        self,
        fleet: Fleet,
        proxies: Sequence[Proxy],
        chance: random.Random,
        world: asyncio.Lock,
        record: Callable[..., None],
    ) -> None:
        self._fleet, self._proxies, self._chance = fleet, proxies, chance
        self._world, self._record = world, record
        self._healing: set[asyncio.Task[None]] = set()

    def due(self, plan: Plan) -> list[Due]:
        """All of them that are to be in a run, in no order."""
        kinds = self._chance.choices(list(KINDS), list(KINDS.values()), k=plan.faults)
        if plan.every_kind:
            kinds[: len(KINDS)] = KINDS
        actions: Mapping[str, Callable[[], None]] = {
            "cut": self._cut,
            "half open": self._half_open,
            "delay": self._delay,
            "pause": self._pause,
            "kill": self._kill,
            "clock": self._jump,
        }
        first, last = 0.05 * plan.seconds, 0.95 * plan.seconds
        found: list[Due] = [(self._chance.uniform(first, last), one, actions[one]) for one in kinds]
        down, full = plan.down_at * plan.seconds, plan.full_at * plan.seconds
        return [
            *found,
            (down, "region down", lambda: self._down(plan.down_seconds)),
            (full, "disk full", lambda: self._fill(plan.full_seconds)),
        ]

    async def heal(self) -> None:
        """Ends every fault."""
        for task in list(self._healing):
            task.cancel()
        await asyncio.gather(*self._healing, return_exceptions=True)
        async with self._world:
            for gateway, proxy in zip(self._fleet.gateways, self._proxies, strict=True):
                proxy.heal()
                gateway.resume()
                gateway.fill_disk(None)
                gateway.put_clock(0.0)
                for region, file in self._fleet.files.items():
                    gateway.link(region, file)
            await self._fleet.start()

    def _some(self) -> int:
        return self._chance.randrange(len(self._proxies))

    def _later(self, seconds: float, work: Callable[[], None]) -> None:
        async def wait() -> None:
            await asyncio.sleep(seconds)
            async with self._world:
                work()

        task = asyncio.create_task(wait())
        self._healing.add(task)
        task.add_done_callback(self._healing.discard)

    def _cut(self) -> None:
        which = self._some()
        self._record("cut connections", gateway=which, open=self._proxies[which].cut())

    def _half_open(self) -> None:
        which, answers = self._some(), self._chance.random() < 0.7
        found = self._proxies[which].half_open(answers=answers)
        self._record("half open", gateway=which, answers=answers, open=found)

    def _delay(self) -> None:
        which, seconds = self._some(), self._chance.uniform(0.05, 1.0)
        proxy = self._proxies[which]
        proxy.delay = seconds
        self._record("delay", gateway=which, seconds=seconds)
        self._later(self._chance.uniform(0.2, 1.5), lambda: setattr(proxy, "delay", 0.0))

    def _pause(self) -> None:
        which = self._some()
        gateway = self._fleet.gateways[which]
        self._record("pause", gateway=which)
        gateway.pause()
        self._later(self._chance.uniform(0.1, 2.0), gateway.resume)

    def _kill(self) -> None:
        which = self._some()
        gateway = self._fleet.gateways[which]
        self._record("kill", gateway=which)
        gateway.kill()
        gateway.start()

    def _jump(self) -> None:
        which = self._some()
        ahead = self._chance.uniform(-_CLOCK_SECONDS, _CLOCK_SECONDS)
        self._record("clock", gateway=which, ahead=ahead)
        self._fleet.gateways[which].put_clock(ahead)

    def _down(self, seconds: float) -> None:
        region = self._chance.choice(sorted(self._fleet.files))
        self._record("region down", region=region)
        for one in self._fleet.gateways:
            one.unlink(region)
        self._later(seconds, lambda: self._up(region))

    def _up(self, region: str) -> None:
        self._record("region up", region=region)
        for one in self._fleet.gateways:
            one.link(region, self._fleet.files[region])

    def _fill(self, seconds: float) -> None:
        which = self._some()
        gateway = self._fleet.gateways[which]
        self._record("disk full", gateway=which)
        gateway.fill_disk(_DISK_BYTES)
        self._later(seconds, lambda: gateway.fill_disk(None))
