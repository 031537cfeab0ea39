"""A webhook, signed as Standard Webhooks has it: whoever gets it knows that it is ours, and new.

    webhook-id: <key>            the same at every attempt: who has seen it drops it
    webhook-timestamp: <seconds> of this attempt
    webhook-signature: v1,<base64 of HMAC-SHA256 of "<id>.<timestamp>.<body>">

The body tells what the text does, and the codes it was made of: nothing private.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable

import orjson

from gateway.messaging.channels import Handing, Outcome, Parcel
from gateway.messaging.http_sending import Requests

__all__ = ["Webhook", "body_of", "signature"]


class Webhook:
    """The receiver of a webhook."""

    drops_repeats = True

    def __init__(
        self,
        url: str,
        secret: bytes,
        *,
        timeout: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._requests, self._secret, self._clock = Requests(url, timeout), secret, clock

    async def send(self, parcel: Parcel, handing: Handing) -> Outcome:
        """Posts it."""
        body, at = body_of(parcel), int(self._clock())
        headers = {
            "content-type": "application/json",
            "webhook-id": parcel.key,
            "webhook-timestamp": str(at),
            "webhook-signature": signature(self._secret, parcel.key, at, body),
        }
        return await self._requests.post(parcel, body, headers, handing)

    async def close(self) -> None:
        """Ends its connections."""
        await self._requests.close()


def signature(secret: bytes, key: str, at: int, body: bytes) -> str:
    """The value of `webhook-signature`."""
    signed = hmac.digest(secret, b"%s.%d.%s" % (key.encode(), at, body), hashlib.sha256)
    return f"v1,{base64.b64encode(signed).decode()}"


def body_of(parcel: Parcel) -> bytes:
    """What is posted, and what a file has a line of: the same bytes at every attempt."""
    told = {
        "type": parcel.kind,
        "id": parcel.key,
        "due_at": parcel.due_at,
        "data": {
            "number": parcel.number,
            "code": parcel.code,
            "disease": parcel.disease,
            "occasion": parcel.occasion,
            "text": parcel.text,
        },
    }
    return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
