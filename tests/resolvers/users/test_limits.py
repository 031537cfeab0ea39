"""How many registrations a unit takes, at the second at which those that wait expire."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, create_engine, insert, update

from regions.errors import TooManyRequests
from regions.users import registrations
from resolvers.users.limits import OF_ADDRESS_IN_UNIT, OF_UNIT, require_room

AT, SINCE, AFTER = "2026-12-01T10:00:00Z", "2026-11-01T10:00:00Z", "2026-11-01T10:00:01Z"


def fill(
    connection: Connection, unit: str, made: list[tuple[str, str]], address: str = "elsewhere"
) -> None:
    """Registrations of the unit: state and when each was made."""
    row = {"wanted": "wang", "name": "王小芳", "role": "UNIT_USER", "purpose": "MONITOR"}
    row |= {"unit_id": unit, "unit_name": "区疾控中心", "unit_level": "COUNTY", "code": "320102"}
    rest = {"head": 0, "address_hash": address, "sealed": b"", "person_index": "of wang"}
    for number, (state, created_at) in enumerate(made, 1):
        connection.execute(
            insert(registrations).values(
                **row, **rest, id=number, state=state, created_at=created_at
            )
        )


@pytest.mark.parametrize(
    ("last", "full"),
    [
        (("PENDING", AFTER), True),
        (("PENDING", SINCE), False),
        (("REFUSED", AFTER), False),
        (("APPROVED", AFTER), False),
    ],
)
def test_what_expired_or_was_decided_takes_no_place(last: tuple[str, str], full: bool) -> None:
    engine = create_engine("sqlite://")
    registrations.metadata.create_all(engine, tables=[registrations])
    with engine.begin() as connection:
        fill(connection, "cdc-320102", [("PENDING", AFTER)] * (OF_UNIT - 1) + [last])
        require_room(connection, "cdc-320104", "here", AT, SINCE)
        if full:
            with pytest.raises(TooManyRequests, match="wait for this unit's administrator"):
                require_room(connection, "cdc-320102", "here", AT, SINCE)
        else:
            require_room(connection, "cdc-320102", "here", AT, SINCE)
    engine.dispose()


def test_one_address_fills_no_unit_however_slowly() -> None:
    """It has a share of those that wait; others register, and it does with other units."""
    assert OF_ADDRESS_IN_UNIT * 5 <= OF_UNIT
    engine = create_engine("sqlite://")
    registrations.metadata.create_all(engine, tables=[registrations])
    with engine.begin() as connection:
        made = [("PENDING", AFTER)] * (OF_ADDRESS_IN_UNIT - 1) + [("REFUSED", AFTER)]
        fill(connection, "cdc-320102", made, "one")
        require_room(connection, "cdc-320102", "one", AT, SINCE)
        connection.execute(update(registrations).values(state="PENDING"))
        with pytest.raises(TooManyRequests, match="from this address wait"):
            require_room(connection, "cdc-320102", "one", AT, SINCE)
        require_room(connection, "cdc-320102", "another", AT, SINCE)
        require_room(connection, "cdc-320104", "one", AT, SINCE)
    engine.dispose()
