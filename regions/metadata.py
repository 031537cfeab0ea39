"""The two sets of tables, and the kinds of column they are made of.

`regional` is what every region's own database holds; `central` is what the gateway keeps beside
them (accounts, sessions, grants). Every column says what it may reveal (`Reveals`): a column
without that word is private, and a test fails on it.

Instants are text, UTC, `2026-11-22T00:12:03Z`; days are text, `2026-11-22`. Both sort as they read,
both are the JSON a client gets, and both mean the same on SQLite and PostgreSQL.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, String
from sqlalchemy.types import TypeEngine

_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

regional = MetaData(naming_convention=_NAMING)
central = MetaData(naming_convention=_NAMING)


class Reveals(Enum):
    """What a column tells to whoever reads it."""

    NOTHING_PRIVATE = "public"
    SEALED = "sealed"  # private items, encrypted (F10)
    BLIND_INDEX = "blind_index"  # a keyed hash of a private item: matched, never shown (B13)
    INTERNAL = "internal"  # never shown to a client: keys of idempotency, hashes, versions


# Byte order ("C") on PostgreSQL, so that prefix ranges and page order are the same on both stores.
TEXT: TypeEngine[str] = String().with_variant(String(collation="C"), "postgresql")
# SQLite's INTEGER PRIMARY KEY is the row id itself: no second B-tree.
ID: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")


def public(name: str, kind: TypeEngine[Any] = TEXT, *args: Any, **more: Any) -> Column[Any]:
    """A column that shows nothing private. Not null unless `nullable=True`."""
    return _column(Reveals.NOTHING_PRIVATE, name, kind, args, more)


def internal(name: str, kind: TypeEngine[Any] = TEXT, *args: Any, **more: Any) -> Column[Any]:
    """A column no client ever sees."""
    return _column(Reveals.INTERNAL, name, kind, args, more)


def sealed(name: str = "sealed", *, nullable: bool = False) -> Column[bytes]:
    """Private items, encrypted by `regions.sealing`."""
    return _column(Reveals.SEALED, name, LargeBinary(), (), {"nullable": nullable})


def blind_index(name: str, *, index: bool = True) -> Column[str]:
    """A keyed hash of 128 bits in hexadecimal (`regions.blind_index`), null where unknown."""
    return _column(Reveals.BLIND_INDEX, name, TEXT, (), {"nullable": True, "index": index})


def primary_key() -> Column[int]:
    """The record's id: the region it was made in (20 bits) and a number of that region (43
    bits).
    """
    return public("id", ID, primary_key=True, autoincrement=False)


def _column(
    reveals: Reveals, name: str, kind: TypeEngine[Any], args: tuple[Any, ...], more: dict[str, Any]
) -> Column[Any]:
    more.setdefault("nullable", False)
    return Column(name, kind, *args, info={"reveals": reveals}, **more)
