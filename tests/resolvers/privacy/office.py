"""A unit with its departments and administrator, in a store of its own, asked by GraphQL."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Table, insert, select, update

from gateway.documents import Documents
from gateway.executing import Executor, Request
from regions.blind_index import BlindIndexer, check_digit
from regions.engines import sqlite_engine
from regions.instants import instant, now
from regions.keys import Keys
from regions.offices import administrator_filings
from regions.privacy import grants
from regions.settings import RegionSettings
from regions.users import accounts, sessions
from resolvers.central import Central
from resolvers.cursors import Cursors
from resolvers.federation import Federation
from resolvers.questions.question import Answering
from resolvers.reference import Reference
from resolvers.root import make_schema
from resolvers.users import Grant, Role, Viewer
from resolvers.users.accounts import find_account
from resolvers.writing.stores import Stores
from tests.stores import declared_central

__all__ = [
    "APPLY",
    "BRIEF",
    "SIGN",
    "SIGNERS",
    "Office",
    "form",
    "id_number",
    "opened",
    "session_of",
]

_SCHEMA = make_schema()
_DOCUMENTS = Documents(_SCHEMA._schema, tokens_max=5000, depth_max=20)
"""What was parsed and checked already, whichever test's office was asked."""
_MADE = "2026-01-01T00:00:00Z"

DISEASES, MONITORING, INFORMATION = "传染病防制科", "疫情监测科", "信息管理科"
STAFF: Mapping[str, tuple[str, Role, str, bool]] = {
    "officer": (DISEASES, Role.UNIT_USER, "320104", False),
    "head-1": (DISEASES, Role.REVIEWER, "320104", True),
    "head-2": (MONITORING, Role.UNIT_USER, "320104", True),
    "bizadmin": (INFORMATION, Role.BUSINESS_ADMINISTRATOR, "320104", False),
    "head-3": (INFORMATION, Role.UNIT_USER, "320104", True),
    "standby": (INFORMATION, Role.BUSINESS_ADMINISTRATOR, "320104", False),
    "colleague": (DISEASES, Role.UNIT_USER, "320104", False),
    "city-admin": (INFORMATION, Role.BUSINESS_ADMINISTRATOR, "320100", False),
    "city-user": (DISEASES, Role.UNIT_USER, "320100", True),
    "elsewhere": (INFORMATION, Role.BUSINESS_ADMINISTRATOR, "320105", False),
    "secadmin": ("安全处", Role.SECURITY_ADMINISTRATOR, "000000", False),
    "auditor": ("审计处", Role.AUDITOR, "000000", False),
    "machine": (INFORMATION, Role.REGIONAL_SYSTEM, "320100", False),
}
SIGNERS = ("officer", "head-1", "head-2", "bizadmin", "head-3")
"""Who signs an application of the officer's, in their order."""

APPLY = """mutation ($input: PrivacyApplicationInput!) { applyForPrivacyRole(input: $input) {
  __typename ... on Problem { code message messageZh }
  ... on InvalidInputProblem { mistakes { path } }
  ... on PrivacyApplicationPayload { repeated application { id state nextStep } } } }"""
SIGN = """mutation ($input: SignPrivacyApplicationInput!) { signPrivacyApplication(input: $input) {
  __typename ... on Problem { code message messageZh } ... on StepProblem { reason }
  ... on PrivacyApplicationPayload { application { id state nextStep
    grants { id recordTypes items code startsAt endsAt how inForce } } } } }"""
BRIEF = """mutation ($input: RecordPrivacyBriefingInput!) { recordPrivacyBriefing(input: $input) {
  __typename ... on Problem { code message messageZh } ... on StepProblem { reason }
  ... on PrivacyApplicationPayload { application { state briefing { by topics } } } } }"""


def id_number(number: int) -> str:
    """An ID number nobody has."""
    first17 = f"98{number:04d}19800101{number % 1000:03d}"
    return first17 + check_digit(first17)


def form(key: str, account: str = "officer", **changes: Any) -> dict[str, Any]:
    """An application as filled in."""
    number = list(STAFF).index(account) + 1
    return {
        "idempotencyKey": key,
        "roles": ["contact"],
        "code": "320104",
        "purpose": "FOLLOW_UP",
        "purposeText": "calls to close contacts in May",
        "endsAt": instant(time.time() + 300 * 86_400),
        "businessDepartment": MONITORING,
        "contact": {
            "officePhone": "025-83538000",
            "mobile": "13900000001",
            "email": "a@example.org",
            "qq": "1234567",
            "idNumber": id_number(number),
        },
        "commitmentAgreed": True,
    } | changes


def session_of(account: str) -> str:
    """What the access log calls the session of an account."""
    return f"{account:=<16}"[:16]


class Office:
    """The office's store, with a worker of its own. Close it at the end."""

    def __init__(self, path: Path, regions: Sequence[RegionSettings], keys: Keys) -> None:
        self.path, self.keys = path, keys
        self.runner = asyncio.Runner()
        self.engine = sqlite_engine(str(declared_central(path)))
        self.indexer = BlindIndexer(keys.staff_index)
        self.federation = Federation(regions, keys)
        self.answering = Answering(
            self.federation, Reference(regions), Cursors(keys.cursor), BlindIndexer(keys.index)
        )
        self.stores = Stores(regions, keys)
        self.central = Central(self.engine, keys)
        self.executor = self.worker(self.central)
        self.do(self._fill)

    def worker(self, store: Central) -> Executor:
        """An executor over a connection to the store."""
        made = Executor(
            _SCHEMA, self.answering, self.stores, tokens_max=5000, depth_max=20, central=store
        )
        made._documents = _DOCUMENTS
        return made

    def do(self, work: Any) -> Any:
        """What `work` returns, in one transaction."""
        return self.runner.run(self.central.do(work))

    def rows(self, table: Table) -> list[Any]:
        """The rows of a table."""
        return list(self.do(lambda connection: connection.execute(select(table)).all()))

    def set(self, account: str, **columns: Any) -> None:
        """Sets columns of an account."""
        changed = update(accounts).where(accounts.c.account == account).values(**columns)
        self.do(lambda connection: connection.execute(changed))

    def viewer(self, account: str) -> Viewer:
        """The viewer of an account, with the grants it has."""

        def read(connection: Connection) -> Viewer:
            found = find_account(connection, account)
            assert found is not None
            rows = connection.execute(
                select(grants).where(grants.c.account == account, grants.c.revoked == 0)
            )
            held = tuple(
                Grant(
                    row.id,
                    frozenset(json.loads(row.record_types)),
                    frozenset(json.loads(row.items)),
                    row.code,
                    row.starts_at,
                    row.ends_at,
                    row.purpose,
                    row.person_id,
                    row.how == "EMERGENCY",
                )
                for row in rows
            )
            return Viewer(
                account, found.name, found.role, found.unit_id, found.unit_name, found.unit_level,
                found.code, held, session_of(account),
            )  # fmt: skip

        viewer: Viewer = self.do(read)
        return viewer

    def ask(self, query: str, account: str, variables: Mapping[str, Any] | None = None) -> Any:
        """The body of an answer to an account."""
        viewer = self.viewer(account)
        return self.runner.run(self.asking(self.executor, query, viewer, variables))

    async def asking(
        self, executor: Executor, query: str, viewer: Viewer, variables: Any = None
    ) -> Any:
        """The same by a worker, in the office's event loop."""
        answer = await executor.answer(viewer, Request(query, variables or {}, None))
        return orjson.loads(answer.body)

    def mutate(self, query: str, account: str, **given: Any) -> Any:
        """The result of a mutation."""
        body = self.ask(query, account, {"input": given})
        assert "errors" not in body, body["errors"]
        (found,) = body["data"].values()
        return found

    def apply(self, key: str = "a", account: str = "officer", **changes: Any) -> str:
        """An application filled in; its id."""
        given = form(key, account, **changes)
        found: str = self.mutate(APPLY, account, **given)["application"]["id"]
        return found

    def brief(self, application: str, account: str = "bizadmin") -> Any:
        """Records the briefing."""
        topics = ["PURPOSE_ONLY", "NO_DISCLOSURE", "LIABILITY"]
        key = f"brief {application} {account}"
        return self.mutate(
            BRIEF, account, idempotencyKey=key, application=application, topics=topics
        )

    def sign(self, application: str, account: str, decision: str = "SIGN", key: str = "") -> Any:
        """A signature, or what was said to it."""
        given = {"application": application, "decision": decision, "reason": "because"}
        key = key or f"{application} {account} {decision}"
        return self.mutate(SIGN, account, idempotencyKey=key, **given)

    def sign_all(self, application: str) -> Any:
        """Everything that gives the right; the result of the fifth signature."""
        self.brief(application)
        for account in SIGNERS:
            found = self.sign(application, account)
        return found

    def close(self) -> None:
        """Ends it."""
        self.runner.run(self.federation.close())
        self.runner.run(self.stores.close())
        self.runner.run(self.engine.dispose())
        self.runner.close()

    def _fill(self, connection: Connection) -> None:
        for number, (name, (department, role, code, head)) in enumerate(STAFF.items(), 1):
            connection.execute(
                insert(accounts).values(
                    account=name,
                    id=number,
                    name=f"某{number}",
                    role=role.name,
                    unit_id=f"cdc-{code}",
                    unit_name="某疾控中心",
                    unit_level={"320100": "CITY", "000000": "NATIONAL"}.get(code, "COUNTY"),
                    code=code,
                    department=department,
                    head=int(head),
                    password_hash="none",
                    person_index=self.indexer.id_number(id_number(number)),
                    created_at=_MADE,
                )
            )
            connection.execute(
                insert(sessions).values(
                    token_hash=f"{session_of(name):0<64}",
                    account=name,
                    created_at=now(),
                    expires_at="2099-01-01T00:00:00Z",
                    last_seen_at=now(),
                    second_factor="TOTP",
                    proved_at=now(),
                )
            )
            if role is Role.BUSINESS_ADMINISTRATOR:
                connection.execute(
                    insert(administrator_filings).values(
                        id=number,
                        state="ON_FILE" if name == "standby" else "ACTIVE",
                        slot=2 if name == "standby" else 1,
                        unit_id=f"cdc-{code}",
                        unit_name="某疾控中心",
                        unit_level="COUNTY",
                        code=code,
                        department=department,
                        account=name,
                        name=f"某{number}",
                        security_commitment=1,
                        privacy_commitment=1,
                        signed_on="2026-01-01",
                        head_name="某",
                        head_signed_on="2026-01-01",
                        filed_by=name,
                        filed_at=_MADE,
                    )
                )


@contextmanager
def opened(path: Path, regions: Sequence[RegionSettings], keys: Keys) -> Iterator[Office]:
    """An office, closed at the end."""
    office = Office(path / "gateway.db", regions, keys)
    try:
        yield office
    finally:
        office.close()
