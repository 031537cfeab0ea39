"""Accounts with a state, a term and a person behind them; registrations; offices of units.

Accounts there were keep working: for a year, then they must be renewed. Of the business
administrators of a unit the first two not disabled are put on file, the first of them active; any
others are disabled, since a unit has two at most (L503 3.2).
"""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BY = "migration"


def _text(name: str, *, null: bool = False, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=null, server_default=default)


def _int(name: str, *, null: bool = False, default: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=null, server_default=default)


def _id() -> sa.Column[int]:
    return sa.Column("id", _ID, nullable=False, autoincrement=False)


def _sealed(*, null: bool = False) -> sa.Column[bytes]:
    return sa.Column("sealed", sa.LargeBinary(), nullable=null)


def _at(days: int = 0) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + days * 86_400))


def upgrade() -> None:
    _offices()
    _accounts()
    _registrations()
    _file_administrators()


def _accounts() -> None:
    op.rename_table("accounts", "accounts_before")
    op.create_table(
        "accounts",
        _text("account"),
        _int("id", null=True),
        _text("name"),
        _text("role"),
        _text("unit_id"),
        _text("unit_name"),
        _text("unit_level"),
        _text("code"),
        _text("department", null=True),
        _int("head", default="0"),
        _text("purpose", null=True),
        _text("password_hash"),
        _text("state", default="ACTIVE"),
        _text("suspended_until", null=True),
        _text("valid_until"),
        _text("renewed_at"),
        _text("renew_by"),
        _text("person_index", null=True),
        _sealed(null=True),
        _text("created_at"),
        sa.PrimaryKeyConstraint("account", name="pk_accounts"),
        sa.UniqueConstraint("id", name="uq_accounts_id"),
    )
    op.get_bind().execute(
        sa.text(
            "INSERT INTO accounts (account, id, name, role, unit_id, unit_name, unit_level, code, "
            "head, password_hash, state, valid_until, renewed_at, renew_by, created_at) "
            "SELECT account, row_number() OVER (ORDER BY created_at, account), name, role, "
            "unit_id, unit_name, unit_level, code, 0, password_hash, "
            "CASE disabled WHEN 0 THEN 'ACTIVE' ELSE 'DISABLED' END, "
            ":valid, :now, :renew, created_at FROM accounts_before"
        ),
        {"now": _at(), "renew": _at(366), "valid": _at(1_096)},
    )
    op.drop_table("accounts_before")
    op.create_index("ix_accounts_unit_id", "accounts", ["unit_id"])
    op.create_index("ix_accounts_person_index", "accounts", ["person_index"])
    op.create_table(
        "account_events",
        _id(),
        _text("account"),
        _text("event"),
        _text("at"),
        _text("by_account"),
        _text("reason"),
        sa.PrimaryKeyConstraint("id", name="pk_account_events"),
    )
    op.create_index("ix_account_events_account", "account_events", ["account"])


def _registrations() -> None:
    op.create_table(
        "registrations",
        _id(),
        _text("state"),
        _text("wanted"),
        _text("account", null=True),
        _text("name"),
        _text("role"),
        _text("purpose"),
        _text("unit_id"),
        _text("unit_name"),
        _text("unit_level"),
        _text("code"),
        _text("department", null=True),
        _int("head", default="0"),
        _text("password_hash", null=True),
        _text("person_index", null=True),
        _sealed(),
        _text("address_hash"),
        _text("created_at"),
        _text("decided_by", null=True),
        _text("decided_at", null=True),
        _text("reason", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_registrations"),
    )
    for column in ("state", "unit_id", "person_index", "address_hash", "created_at"):
        op.create_index(f"ix_registrations_{column}", "registrations", [column])


def _offices() -> None:
    op.create_table(
        "administrator_filings",
        _id(),
        _text("state"),
        _int("slot", null=True),
        _text("unit_id"),
        _text("unit_name"),
        _text("unit_level"),
        _text("code"),
        _text("department"),
        _text("account"),
        _text("name"),
        _text("password_hash", null=True),
        _text("person_index", null=True),
        _sealed(null=True),
        _int("security_commitment"),
        _int("privacy_commitment"),
        _text("second_reason", null=True),
        _text("signed_on"),
        _text("head_name"),
        _text("head_signed_on"),
        _text("filed_by"),
        _text("filed_at"),
        _text("decided_by", null=True),
        _text("decided_at", null=True),
        _text("reason", null=True),
        _text("closed_by", null=True),
        _text("closed_at", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_administrator_filings"),
    )
    for column in ("unit_id", "account", "person_index"):
        op.create_index(f"ix_administrator_filings_{column}", "administrator_filings", [column])
    _unique("administrator_filings", "slot", ["unit_id", "slot"], "slot IS NOT NULL")
    _unique("administrator_filings", "active", ["unit_id"], "state = 'ACTIVE'")
    op.create_table(
        "responsible_persons",
        _id(),
        _text("unit_id"),
        _text("name"),
        _text("post"),
        _sealed(),
        _text("since"),
        _text("until", null=True),
        _text("set_by"),
        sa.PrimaryKeyConstraint("id", name="pk_responsible_persons"),
    )
    op.create_table(
        "duty_persons",
        _id(),
        _text("unit_id"),
        _text("code"),
        _text("account"),
        _sealed(),
        _text("since"),
        _text("until", null=True),
        _text("set_by"),
        sa.PrimaryKeyConstraint("id", name="pk_duty_persons"),
    )
    op.create_index("ix_duty_persons_code", "duty_persons", ["code"])
    for table in ("responsible_persons", "duty_persons"):
        op.create_index(f"ix_{table}_unit_id", table, ["unit_id"])
        _unique(table, "now", ["unit_id"], "until IS NULL")
    op.create_table(
        "unit_roles",
        _text("unit_id"),
        _text("role"),
        _int("enabled"),
        _text("reason"),
        _text("set_by"),
        _text("set_at"),
        sa.PrimaryKeyConstraint("unit_id", "role", name="pk_unit_roles"),
    )


def _unique(table: str, name: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(
        f"uq_{table}_{name}",
        table,
        columns,
        unique=True,
        sqlite_where=condition,
        postgresql_where=condition,
    )


def _file_administrators() -> None:
    """Filings for the business administrators there were; their forms are on paper."""
    store, now = op.get_bind(), _at()
    found = store.execute(
        sa.text(
            "SELECT account, name, unit_id, unit_name, unit_level, code, created_at FROM accounts "
            "WHERE role = 'BUSINESS_ADMINISTRATOR' AND state = 'ACTIVE' ORDER BY id"
        )
    ).all()
    on_file: dict[str, int] = {}
    for number, row in enumerate(found, 1):
        slot = on_file[row.unit_id] = on_file.get(row.unit_id, 0) + 1
        if slot > 2:
            store.execute(
                sa.text("UPDATE accounts SET state = 'DISABLED' WHERE account = :account"),
                {"account": row.account},
            )
            store.execute(
                sa.text(
                    "INSERT INTO account_events (id, account, event, at, by_account, reason) "
                    "VALUES (:id, :account, 'DISABLE', :at, :by, :reason)"
                ),
                {
                    "id": number,
                    "account": row.account,
                    "at": now,
                    "by": _BY,
                    "reason": "two administrators of the unit were on file already",
                },
            )
            continue
        values = {
            "id": number,
            "state": "ACTIVE" if slot == 1 else "ON_FILE",
            "slot": slot,
            "unit_id": row.unit_id,
            "unit_name": row.unit_name,
            "unit_level": row.unit_level,
            "code": row.code,
            "department": "",
            "account": row.account,
            "name": row.name,
            "security_commitment": 0,
            "privacy_commitment": 0,
            "signed_on": row.created_at[:10],
            "head_name": "",
            "head_signed_on": row.created_at[:10],
            "filed_by": _BY,
            "filed_at": row.created_at,
            "decided_by": _BY,
            "decided_at": now,
        }
        columns = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        store.execute(
            sa.text(f"INSERT INTO administrator_filings ({columns}) VALUES ({marks})"), values
        )
