"""The load generator: requests made beforehand over kept connections, each sent when the answer to
the one before has come. It reads of an answer only the status and the length, so that it is not
what is measured (`python -m bench client` measures it against an empty application).
"""

from __future__ import annotations

import array
import asyncio
from dataclasses import dataclass, field
from time import perf_counter
from typing import cast

import uvloop

__all__ = ["Load", "Shot", "request", "run"]

_GRACE = 30.0  # seconds to wait for answers still under way


def request(port: int, body: bytes, token: str = "", path: str = "/graphql") -> bytes:
    """One HTTP request, whole."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
        + (f"authorization: Bearer {token}\r\n" if token else "")
        + f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass(slots=True)
class Shot:
    """What one round of load found. `seconds` are the waits of the answers, in order of arrival."""

    elapsed: float = 0.0
    seconds: array.array[float] = field(default_factory=lambda: array.array("d"))
    refused: int = 0  # answers of a status other than 200
    failed: int = 0  # GraphQL errors, broken connections, answers that cannot be read
    octets: int = 0

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return len(self.seconds) / self.elapsed if self.elapsed else 0.0

    def percentile(self, share: float) -> float:
        """The wait that `share` (0 to 1) of the answers did not exceed, in milliseconds."""
        if not self.seconds:
            return float("nan")
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000

    def ok(self) -> bool:
        """Whether every answer was a good one."""
        return not self.refused and not self.failed and bool(self.seconds)


@dataclass(frozen=True, slots=True)
class Load:
    """Requests (sent in turn) to one port over so many connections for so many seconds.

    An answer shorter than `least` octets has failed: it cannot be the one that was checked.
    """

    port: int
    requests: tuple[bytes, ...]
    least: int = 0
    connections: int = 8
    duration: float = 2.0


class _Connection(asyncio.Protocol):
    def __init__(self, load: Load, shot: Shot, start: int) -> None:
        self._requests, self._shot, self._next = load.requests, shot, start
        self._least = load.least
        self._head = b""
        self._left = -1  # octets of the body to come; -1 while reading the head
        self._status = b""
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None
        self.until = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's does not inherit from it

    def send(self) -> None:
        """Sends the next request, or ends if time is up."""
        now = perf_counter()
        transport = self._transport
        if transport is None or now >= self.until:
            self.close()
            return
        self._sent = now
        requests = self._requests
        transport.write(requests[self._next % len(requests)])
        self._next += 1

    def data_received(self, data: bytes) -> None:
        if self._left < 0:
            data = self._head + data if self._head else data
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._head = data
                return
            self._head = b""
            self._status = data[9:12]
            head = data[:end].lower()
            at = head.find(b"content-length:")
            if at < 0:
                self._shot.failed += 1
                self.close()
                return
            line = head.find(b"\r\n", at)
            length = int(head[at + 15 : line if line >= 0 else end])
            if length < self._least or data.startswith(b'{"errors"', end + 4):
                self._status = b"err"
            self._left = length - (len(data) - end - 4)
            self._shot.octets += length
        else:
            self._left -= len(data)
        if self._left <= 0:
            self._left = -1
            if self._status == b"200":
                self._shot.seconds.append(perf_counter() - self._sent)
            elif self._status == b"err":
                self._shot.failed += 1
            else:
                self._shot.refused += 1
            self.send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self._shot.failed += 1
            self.done.set_result(None)

    def close(self) -> None:
        """Ends this connection."""
        if not self.done.done():
            self.done.set_result(None)
        if self._transport is not None:
            self._transport.close()


def run(load: Load) -> Shot:
    """Sends the load and returns what came back."""
    return uvloop.run(_run(load))


async def _run(load: Load) -> Shot:
    shot = Shot()
    loop = asyncio.get_running_loop()
    connections = []
    for number in range(load.connections):
        made = _Connection(load, shot, number * 7)
        await loop.create_connection(lambda made=made: made, "127.0.0.1", load.port)  # type: ignore[misc]  # a default binds the loop's variable
        connections.append(made)
    started = perf_counter()
    for made in connections:
        made.until = started + load.duration
        made.send()
    _done, late = await asyncio.wait(
        [made.done for made in connections], timeout=load.duration + _GRACE
    )
    shot.failed += len(late)
    shot.elapsed = perf_counter() - started
    return shot
