"""Answers given again while no store has changed.

Officers of one level ask the same questions over and over. An answer is kept with the versions of
all regions' stores from before it was read; as long as every version is the same it is still the
answer, for every viewer with the same rights (the plan is theirs). Answers with a region missing,
or with figures of their own moment, are never kept; answers with anything in clear are kept sealed
under a key that only this process has and that ends with it. An answer goes when its plan does:
whoever asks again asks by another.
"""

from __future__ import annotations

import os
import weakref
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["Kept", "Remembered"]

_ENTRY = 500  # bytes an answer costs besides its own


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer: the body of the response and what the access log tells of it."""

    versions: tuple[int, ...]
    body: bytes  # sealed where the answer has clear values
    what: orjson.Fragment
    size: int
    nonce: bytes = b""


class Remembered:
    """Answers by plan and pages, `most` bytes of them; the least recently given go first."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._size = 0
        self._cipher = AESGCM(AESGCM.generate_key(256))
        self._kept: OrderedDict[tuple[int, Any], Kept] = OrderedDict()
        self._pages: dict[int, set[Any]] = {}  # of plans, by their id

    def recall(
        self, plan: object, pages: object, versions: tuple[int, ...]
    ) -> tuple[bytes, orjson.Fragment] | None:
        """The answer's body and what the access log tells of it, if it is still the answer."""
        key = (id(plan), pages)
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.versions != versions:
            self._drop(*key)
            return None
        self._kept.move_to_end(key)
        if kept.nonce:
            return self._cipher.decrypt(kept.nonce, kept.body, None), kept.what
        return kept.body, kept.what

    def keep(
        self,
        plan: object,
        pages: object,
        versions: tuple[int, ...],
        body: bytes,
        told: Mapping[str, Any],
        *,
        clear: bool,
    ) -> None:
        """Keeps an answer read after the versions were; `clear` says whether it must be sealed."""
        size = len(body) + _ENTRY + 90 * int(told.get("count", 0))
        if size > self.most // 4:
            return
        nonce = os.urandom(12) if clear else b""
        if clear:
            body = self._cipher.encrypt(nonce, body, None)
        what = orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
        kept = Kept(versions, body, orjson.Fragment(what), len(body) + len(what) + _ENTRY, nonce)
        number = id(plan)
        if number not in self._pages:
            self._pages[number] = set()
            weakref.finalize(plan, self._forget, number).atexit = False
        self._drop(number, pages)
        self._kept[(number, pages)] = kept
        self._pages[number].add(pages)
        self._size += kept.size
        while self._size > self.most:
            self._drop(*next(iter(self._kept)))

    def _drop(self, number: int, pages: Any) -> None:
        kept = self._kept.pop((number, pages), None)
        if kept is not None:
            self._size -= kept.size
            self._pages[number].discard(pages)

    def _forget(self, number: int) -> None:
        """Drops the answers of a plan that is gone."""
        for pages in list(self._pages[number]):
            self._drop(number, pages)
        del self._pages[number]
