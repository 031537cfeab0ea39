"""The detector: entries of the access log in their order, alarms out. No store, no clock (G6).

It keeps what it needs of the longest window only. After a pause it is fed the entries of that
window again; what it raises twice has the same slot (rule, subject, window).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

from regions.instants import instant, seconds_of
from resolvers.access_log.commitments import commitments_in
from resolvers.alarms.rules import Limits
from schema.alarms import AlarmRule

__all__ = ["LONGEST_SECONDS", "Detector", "Raised"]

LONGEST_SECONDS = 86_400
"""No window is longer."""

_HOUR = 3_600
_DAY = 86_400
_BEIJING = 8 * _HOUR
_REFUSED = frozenset(
    {
        "FORBIDDEN",
        "LOCKED",
        "REFUSED",
        "SIGN_IN_FAILED",
        "TOO_MANY_CANDIDATES",
        "TOO_MANY_REQUESTS",
        "UNAUTHENTICATED",
    }
)


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm. `window` is part of its slot: one of a rule, subject and window."""

    rule: AlarmRule
    subject: str
    window: str
    account: str | None
    unit: str | None
    code: str | None
    at: str
    first: int  # numbers of entries
    last: int
    found: int
    threshold: int


@dataclass(slots=True)
class _Window:
    """What was counted of one subject: each thing with the time and number of the last entry that
    had it, in the order of entries. Somebody who is shown the same page all night takes no more
    memory than the page.
    """

    seen: dict[Any, tuple[float, int]] = field(default_factory=dict)
    slot: str = ""  # for which an alarm was raised last

    def add(self, things: Sequence[Any], at: float, number: int) -> None:
        seen, last = self.seen, (at, number)
        for thing in things:
            if thing in seen:
                del seen[thing]  # to be the last again
            seen[thing] = last

    def forget(self, before: float) -> None:
        gone = []
        for thing, (at, _) in self.seen.items():
            if at > before:
                break
            gone.append(thing)
        for thing in gone:
            del self.seen[thing]

    def first(self) -> int:
        return next(iter(self.seen.values()))[1]

    def last_at(self) -> float:
        return next(reversed(self.seen.values()))[0] if self.seen else 0.0


class Detector:
    """Watches one log."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._windows: dict[tuple[AlarmRule, str], _Window] = {}
        self._swept = 0.0

    def see(self, number: int, entry: Mapping[str, Any]) -> list[Raised]:
        """The alarms that an entry raises."""
        try:
            at = seconds_of(str(entry["at"]))
        except (KeyError, ValueError):
            return []  # no entry of a question
        found = list(self._found(_Entry(number, at, entry)))
        if at - self._swept > _HOUR:
            self._sweep(at)
        return found

    def _found(self, entry: _Entry) -> Iterator[Raised]:
        limits = self._limits
        shown = entry.shown()
        if shown:
            span = limits.reveal_minutes * 60
            yield from self._count(
                AlarmRule.BULK_REVEAL, entry, shown, span, limits.reveal_records, _slot(entry, span)
            )
            night = self._night(entry.at)
            if night is not None:
                yield from self._count(
                    AlarmRule.OFF_HOURS_REVEAL,
                    entry,
                    shown,
                    _DAY,
                    limits.off_hours_records,
                    night,
                    of=night,
                )
        if entry.result in _REFUSED:
            span = limits.refusal_minutes * 60
            yield from self._count(
                AlarmRule.MANY_REFUSALS,
                entry,
                [entry.number],
                span,
                limits.refusals,
                _slot(entry, span),
            )
        for right in entry.emergencies():
            yield entry.raised(AlarmRule.EMERGENCY_ACCESS, right, entry.number, 1, 1)
        near = entry.near()
        if near >= limits.near_candidates or entry.result == "TOO_MANY_CANDIDATES":
            over = near < limits.near_candidates
            yield entry.raised(
                AlarmRule.DUPLICATE_PROBES,
                _slot(entry, _HOUR),
                entry.number,
                entry.candidates() if over else near,
                entry.limit() if over else limits.near_candidates,
            )

    def _count(
        self,
        rule: AlarmRule,
        entry: _Entry,
        things: Sequence[Any],
        span: float,
        threshold: int,
        slot: str,
        *,
        of: str = "",
    ) -> Iterator[Raised]:
        """Counts things within a span that ends with the entry; raises once in each slot."""
        key = (rule, f"{entry.subject}|{of}")
        window = self._windows.setdefault(key, _Window())
        window.forget(entry.at - span)
        window.add(things, entry.at, entry.number)
        if len(window.seen) >= threshold and slot != window.slot:
            window.slot = slot
            yield entry.raised(rule, slot, window.first(), len(window.seen), threshold)

    def _night(self, at: float) -> str | None:
        """The evening (a day in Beijing) of the night in which this is, None by day."""
        start, end = self._limits.off_hours_from, self._limits.off_hours_to
        local = at + _BEIJING
        hour = local % _DAY / _HOUR
        if start <= end:
            return instant(local)[:10] if start <= hour < end else None
        if hour >= start:
            return instant(local)[:10]
        return instant(local - _DAY)[:10] if hour < end else None

    def _sweep(self, at: float) -> None:
        """Forgets subjects of whom nothing was counted for as long as the longest window."""
        self._swept = at
        for key in list(self._windows):
            if self._windows[key].last_at() < at - LONGEST_SECONDS:
                del self._windows[key]


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry as the rules read it."""

    number: int
    at: float
    said: Mapping[str, Any]

    @property
    def result(self) -> str:
        return str(self.said.get("result") or "")

    @property
    def account(self) -> str | None:
        return self.said.get("account") or None

    @property
    def subject(self) -> str:
        account = self.account
        return f"account:{account}" if account else f"address:{self.said.get('address') or ''}"

    def shown(self) -> list[Any]:
        """What stands for the records of which private items were shown in clear."""
        reasons = self._what("reasons")
        if not self.account or not isinstance(reasons, Mapping):
            return []
        found: dict[Any, None] = {}
        for kinds in reasons.values():
            for kind, ids in kinds.items() if isinstance(kinds, Mapping) else ():
                some = commitments_in(ids)
                # A commitment says the kind by itself; the numbers of version 0.1 do not.
                found |= dict.fromkeys(some if isinstance(ids, str) else zip(repeat(kind), some))
        return list(found)

    def emergencies(self) -> list[str]:
        """Emergency rights that were taken or used."""
        reasons = self._what("reasons")
        found = [
            reason
            for reason in (reasons if isinstance(reasons, Mapping) else ())
            if reason.startswith("emergency:")
        ]
        if "breakGlass" in str(self.said.get("operation")).split() and self.result == "OK":
            found.append(f"taken:{self.number}")
        return found

    def near(self) -> int:
        """How many candidates of the last hour differ from this one in their last digits only."""
        return self._probes("near")

    def candidates(self) -> int:
        """How many candidates the account tried within the hour."""
        return self._probes("candidates")

    def limit(self) -> int:
        """How many it may."""
        return self._probes("limit")

    def _probes(self, name: str) -> int:
        probes = self._what("probes")
        found = probes.get(name, 0) if isinstance(probes, Mapping) else 0
        return found if isinstance(found, int) else 0

    def _what(self, name: str) -> Any:
        what = self.said.get("what")
        return what.get(name) if isinstance(what, Mapping) else None

    def raised(
        self, rule: AlarmRule, window: str, first: int, found: int, threshold: int
    ) -> Raised:
        """An alarm of this entry's subject."""
        account = self.account
        return Raised(
            rule=rule,
            subject=self.subject,
            window=window,
            account=account,
            unit=self.said.get("unit") if account else None,
            code=self.said.get("code") if account else None,
            at=str(self.said["at"]),
            first=first,
            last=self.number,
            found=found,
            threshold=threshold,
        )


def _slot(entry: _Entry, span: float) -> str:
    """The first instant of the stretch of time in which an alarm of the entry is raised once."""
    return instant(entry.at // span * span)
