"""Short messages by a gateway that takes HTTP: a request by the template of the configuration.

The key of a message goes with every attempt as `Idempotency-Key`. A gateway that honours it sends
one short message however often it is asked (`drops_repeats`).
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.messaging.channels import Handing, Outcome, Parcel, Verdict
from gateway.messaging.http_sending import Requests
from gateway.settings.templates import FORMATS, fill

__all__ = ["Sms"]


class Sms:
    """The gateway of short messages."""

    def __init__(
        self,
        url: str,
        format: str,
        body: str,
        headers: Sequence[str],
        token: str,
        *,
        accepted: str = "",
        drops_repeats: bool = False,
        timeout: float = 10.0,
    ) -> None:
        self._requests = Requests(url, timeout, accepted)
        self._format, self._body, self._headers, self._token = format, body, headers, token
        self.drops_repeats = drops_repeats

    async def send(self, parcel: Parcel, handing: Handing) -> Outcome:
        """Asks the gateway to send it."""
        if not parcel.mobile:
            return Outcome(Verdict.REFUSED, "NO_NUMBER")
        values = {
            "mobile": parcel.mobile,
            "text": parcel.text,
            "key": parcel.key,
            "token": self._token,
        }
        body = fill(self._format, self._body, values)
        headers = {"content-type": FORMATS[self._format], "idempotency-key": parcel.key}
        for line in self._headers:
            name, _, value = line.partition(": ")
            if "{token}" in value and not self._token:
                continue
            headers[name.lower()] = fill("text", value, {"key": parcel.key, "token": self._token})
        return await self._requests.post(parcel, body.encode(), headers, handing)

    async def close(self) -> None:
        """Ends its connections."""
        await self._requests.close()
