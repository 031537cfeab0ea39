"""What erases, as mutations see it: orders are kept, and carried out in every region's store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Eraser", "Order"]


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it was asked for or carried out.

    `envelopes`: how many were erased now, by region; `away`: the regions still to be done;
    `alike`: places in letters, by the first letter's number and the position, where somebody was
    typed in who may be the person, and stays.
    """

    number: int
    envelopes: Mapping[str, int]
    away: Sequence[str]
    alike: Sequence[tuple[str, int]] = ()


class Eraser(Protocol):
    """Erases people in every region. Both raise what the command line's erasing raises: Forbidden,
    InvalidInput, NotFound, RegionUnavailable, StoreError, AccessLogError.
    """

    async def ask(
        self, people: Sequence[int], reason: str, by: str, letters: Sequence[tuple[str, int]] = ()
    ) -> Order:
        """Keeps an order for the person with these records, and those of the same ID number, and
        for whoever was typed into these letters (number, position).
        """

    async def confirm(self, number: int, by: str) -> Order:
        """Carries an order out, or goes on with it. It is in the access log first."""
