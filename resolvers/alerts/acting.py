"""An action on a signal: by whom, on which, in its store's transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from regions.alerts import signals
from regions.areas import reference_areas
from regions.ids import region_of
from resolvers.alerts.clocks import SignalLimits
from resolvers.alerts.reasons import REASONS
from resolvers.alerts.states import Event, Guard, Party
from resolvers.alerts.steps import Who, hold, walk
from resolvers.context import Context
from resolvers.lifecycles import StateRefused
from resolvers.nodes import parse_id
from resolvers.questions.rows import scope_condition
from resolvers.users.levels import cdc_of, units_above
from resolvers.users.on_duty import is_on_duty
from resolvers.writing.refusing import Mistakes, Refusal, forbidden, not_found, refused_step
from resolvers.writing.stores import Store
from resolvers.writing.writing import Writing, Wrote
from schema.writing.alerts import SignalPayload

__all__ = ["Acting", "Held", "signal_number"]

Work = Callable[["Held"], None]


def signal_number(text: str, mistakes: Mistakes, path: list[str]) -> int:
    """The number of a signal's id; 0 with a mistake."""
    record, number = parse_id(text)
    if record is None or record.name != "Signal":
        mistakes.add(path, "this is not the id of a signal", "这不是预警信号的编号")
        return 0
    return number


@dataclass(slots=True)
class Held:
    """A signal in its store's transaction, and who acts on it. What is written is noted in `wrote`.

    `failing` are the guards that fail by what is known of the officer.
    """

    connection: Connection
    store: Store
    row: dict[str, Any]
    who: Who
    wrote: Wrote
    limits: SignalLimits
    failing: set[Guard]

    @property
    def region(self) -> str:
        """The region whose store it is."""
        return self.store.settings.code

    def event(self, kind: Event, row: dict[str, Any] | None = None, **detail: Any) -> None:
        """An event of the signal, or of another (`row`) that goes along with it. Raises
        StateRefused.
        """
        own = self.row if row is None else row
        # The officer has seen the one that was acted on; of others that go along it is not asked.
        failing = self.failing if row is None else self.failing - {Guard.VERSION}
        walk(
            self.connection,
            self.region,
            own,
            kind,
            self.who,
            failing=failing,
            detail=detail,
            limits=self.limits,
        )
        written = self.wrote.setdefault("signal", [])
        if own["id"] not in written:
            written.append(own["id"])


class Acting:
    """One action of an officer on a signal. Raises Refusal."""

    def __init__(self, context: Context, operation: str, given: Any, path: str) -> None:
        self.context, self.given = context, given
        self.writing = Writing(context, operation, given, path)
        self.mistakes = Mistakes()
        self.limits = context.answering.signals
        self._number = signal_number(given.signal, self.mistakes, ["signal"])

    async def do(self, work: Work) -> SignalPayload:
        """Does the work on the signal, and reads it back. Raises Refusal."""
        self.mistakes.stop()
        writing, number = self.writing, self._number
        await writing.look()
        store = writing.stores.of_region(region_of(number))
        if store is None:
            raise not_found("signal")
        on_duty = await is_on_duty(self.context)

        def run(connection: Connection, _: int, wrote: Wrote) -> dict[str, Any]:
            row = self._row(connection, store, number)
            party = self._party(row["code"])
            who = Who(*writing.reporter, writing.moment.now, party)
            seen = self.given.version
            failing = set() if on_duty else {Guard.DUTY}
            if seen is not None and seen != row["version"]:
                failing.add(Guard.VERSION)
            held = Held(connection, store, row, who, wrote, self.limits, failing)
            try:
                work(held)
            except StateRefused as refusal:
                raise refused_step(refusal.reason, *REASONS[refusal.reason]) from None
            return {}

        _, repeated = await writing.once(store, 0, run)
        self.context.forget()
        signal = await writing.read_one("Signal", number)
        return SignalPayload(signal=signal, repeated=repeated)

    def _row(self, connection: Connection, store: Store, number: int) -> dict[str, Any]:
        """The signal, held. Raises Refusal where there is none that the viewer may open."""
        writing = self.writing
        scoped = scope_condition(writing.question, signals, writing.region(store))
        seen = select(signals.c.id).where(signals.c.id == number, *scoped)
        row = hold(connection, number) if connection.execute(seen).first() is not None else None
        if row is None:
            raise not_found("signal")
        return row

    def _party(self, code: str) -> Party:
        """Whose side the viewer is on: signals are the CDCs' to answer and to oversee (E12), not
        a hospital's, wherever it lies. Raises Refusal where on none.
        """
        unit = self.writing.viewer.unit_id
        if unit == cdc_of(code):
            return Party.COUNTY
        living = reference_areas().successor(code) or code
        if unit in units_above(cdc_of(living), "COUNTY", living):
            return Party.ABOVE
        raise _of_another_unit(code)


def _of_another_unit(code: str) -> Refusal:
    unit = cdc_of(code)
    return forbidden(
        f"only officers of the unit {unit}, and of the CDCs above it, act on this signal",
        f"仅 {unit} 及其上级疾控机构的人员可办理此预警信号",
    )
