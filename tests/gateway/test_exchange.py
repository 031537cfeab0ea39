"""What a demo's officers ask of each other: where it does not come about, that is said."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from gateway.commands import _exchange as module
from regions.errors import StoreError


async def _one_that_answers(scope: Any, receive: Any, send: Any) -> None:
    """A gateway in which a letter is and stays a draft."""
    node = {"id": "assistRequest:1", "state": "DRAFT"}
    told = {"data": {"token": "t", "assistRequests": {"edges": [{"node": node}]}}, "token": "t"}
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(told).encode()})


def test_what_never_comes_is_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DEADLINE", 0.2)

    async def run() -> None:
        transport = httpx.ASGITransport(app=_one_that_answers)
        async with httpx.AsyncClient(transport=transport, base_url="http://demo") as client:
            asking = module._Asking(client, "320102", "330203", 1)
            await asking.sign_in("county-330203", "password")
            await asking.arrived("county-330203", "assistRequests", "L1", "RECEIVED", "SENT")

    with pytest.raises(StoreError, match=r"L1 of the demo was to be SENT .* and is "):
        asyncio.run(run())
