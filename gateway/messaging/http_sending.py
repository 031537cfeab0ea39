"""One request to a receiver, and what its answer means.

The connection is made first: as long as there is none, nothing was sent, and it is tried again at
once a few times. From the first byte on, an answer that is lost is a doubt.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import stamina
from stamina.instrumentation import set_on_retry_hooks

from gateway.messaging.channels import Handing, Outcome, Parcel, Verdict, word
from resolvers.alerts.messages import NOT_ACCEPTED

if TYPE_CHECKING:
    import httpx

__all__ = ["Requests"]

_LARGEST = 65_536  # bytes of an answer
_CONNECTS = 3
_STEPS = 2  # connecting, and the answer
_FIRST_BYTE = "send_request_headers.started"  # what httpcore calls it
_NOT_TAKEN = (401, 403, 404, 405, 408, 409, 425, 429, 503)
_LONGEST_WAIT = 3_600.0

set_on_retry_hooks(())  # what is tried again is told where its outcome is


class Requests:
    """Posts to one address. `accepted` must stand in the answer of a receiver that took it."""

    def __init__(self, url: str, timeout: float, accepted: str = "") -> None:
        self._url, self._timeout, self._accepted = url, timeout, accepted
        self._client: httpx.AsyncClient | None = None

    async def post(
        self, parcel: Parcel, body: bytes, headers: Mapping[str, str], handing: Handing
    ) -> Outcome:
        """What became of a request."""
        # Here, since it takes 0.2 s to import and many gateways have no such channel.
        import httpx

        if self._client is None:
            # A connection of its own for each: one kept open may break with the request on it,
            # and nobody would know whether it was read.
            limits = httpx.Limits(max_keepalive_connections=0)
            self._client = httpx.AsyncClient(timeout=self._timeout, limits=limits)
        handed = False

        async def trace(event: str, _: object) -> None:
            nonlocal handed
            if event.endswith(_FIRST_BYTE) and not handed:
                await handing()
                handed = True

        never = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
        try:
            async with asyncio.timeout(_STEPS * self._timeout):
                async for attempt in stamina.retry_context(
                    on=never, attempts=_CONNECTS, timeout=self._timeout
                ):
                    with attempt:
                        request = self._client.build_request(
                            "POST",
                            self._url,
                            content=body,
                            headers=dict(headers),
                            extensions={"trace": trace},
                        )
                        answer = await self._client.send(request, stream=True)
                        try:
                            return await self._read(answer, parcel)
                        finally:
                            await answer.aclose()
        except never:
            return Outcome(Verdict.NOT_NOW, "UNREACHABLE")
        except (httpx.TimeoutException, TimeoutError):
            return Outcome(Verdict.DOUBT if handed else Verdict.NOT_NOW, "TIMED_OUT")
        except httpx.HTTPError:
            return Outcome(Verdict.DOUBT if handed else Verdict.NOT_NOW, "ANSWER_LOST")
        raise AssertionError("a retry ends in an answer or a failure")

    async def close(self) -> None:
        """Closes what is open."""
        if self._client is not None:
            await self._client.aclose()

    async def _read(self, answer: httpx.Response, parcel: Parcel) -> Outcome:
        status, content = answer.status_code, b""
        named = answer.headers.get("x-message-id") or answer.headers.get("x-request-id")
        taken = Outcome(Verdict.ACCEPTED, f"HTTP_{status}", word(named, parcel))
        if 200 <= status < 300 and not self._accepted:
            return taken
        async for part in answer.aiter_bytes():
            content += part
            if len(content) > _LARGEST:
                break
        if 200 <= status < 300:
            if self._accepted.encode() in content:
                return taken
            return Outcome(Verdict.NOT_NOW, NOT_ACCEPTED)
        if status in _NOT_TAKEN or status < 400:
            return Outcome(Verdict.NOT_NOW, f"HTTP_{status}", wait=_wait(answer.headers))
        if status < 500 or status == 501:
            return Outcome(Verdict.REFUSED, f"HTTP_{status}")
        # It broke, or what stands before it lost its answer: it may have passed the message on.
        return Outcome(Verdict.DOUBT, f"HTTP_{status}")


def _wait(headers: Mapping[str, str]) -> float | None:
    given = headers.get("retry-after", "")
    return min(float(given), _LONGEST_WAIT) if re.fullmatch(r"[0-9]{1,6}", given) else None
