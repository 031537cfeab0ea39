"""What the tests of mutations share: a gateway that writes, viewers, inputs, documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from sqlalchemy import Connection, func, select

from regions.blind_index import check_digit
from regions.keys import Keys
from regions.person_keys import MISSING
from regions.sealing import ITEMS, Sealer
from regions.settings import RegionSettings
from regions.tables import regional
from resolvers.users import Role, Viewer
from resolvers.writing.stores import Stores as WritingStores
from tests.answering import Asked, Gateway, viewer
from tests.canaries import canary
from tests.sealed import all_salts
from tests.stores import in_store

Row = dict[str, Any]

DOCTOR = viewer("320102", Role.DIRECT_REPORTER, account="doctor", unit="hospital-320102-1")
"""A direct reporter of a hospital in Xuanwu, Nanjing: sees the own records in clear."""
COLLEAGUE = viewer("320102", Role.DIRECT_REPORTER, account="colleague", unit="hospital-320102-1")
COUNTY = viewer("320102", account="county")
CITY = viewer("320100", account="city")
NATIONAL = viewer(account="national")
AUDITOR = viewer(role=Role.AUDITOR, account="auditor")

_PROBLEM = """
  ... on Problem { __typename code message messageZh }
  ... on InvalidInputProblem { path mistakes { path message messageZh } }
  ... on NotFoundProblem { path }
  ... on RegionUnavailableProblem { region state written }
"""
DOCUMENTS: Mapping[str, str] = {
    "registerCase": f"""mutation ($input: RegisterCaseInput!) {{ registerCase(input: $input) {{
      __typename
      ... on RegisterCasePayload {{ repeated duplicate case {{
        id code disease {{ id }} classification reportedAt onsetOn outcome diedOn name idNumber
        age sex remarks person {{ id birthDate idType residenceCode }} reportedBy {{ id nameZh }}
        exposures {{ kind place code sourceCase {{ id }} }} }} }}
      {_PROBLEM} }} }}""",
    "registerContacts": f"""mutation ($input: RegisterContactsInput!) {{
      registerContacts(input: $input) {{
        __typename
        ... on RegisterContactsPayload {{ registered rejected repeated rows {{
          index duplicate linksChecked repeated
          contact {{ id code level route name phone manner traced outcome rulePack {{ id }}
            disease {{ id nameZh }}
            person {{ id }} sourceCase {{ id }} parentContact {{ id }}
            observation {{ mode place dueOn }} }}
          problem {{ {_PROBLEM} }} }} }}
        {_PROBLEM} }} }}""",
    "recordVisit": f"""mutation ($input: RecordVisitInput!) {{ recordVisit(input: $input) {{
      __typename
      ... on RecordVisitPayload {{ repeated visit {{
        id kind visitedAt temperatureTenths symptoms coResidents coResidentsIll remarks code
        contact {{ id }} case {{ id }}
      }} }}
      {_PROBLEM} }} }}""",
    "recordSample": f"""mutation ($input: RecordSampleInput!) {{ recordSample(input: $input) {{
      __typename
      ... on RecordSamplePayload {{ repeated sample {{
        id specimen test result takenAt resultAt laboratory remarks code contact {{ id }}
        case {{ id }} }} }}
      {_PROBLEM} }} }}""",
    "correct": f"""mutation ($input: CorrectInput!) {{ correct(input: $input) {{
      __typename
      ... on CorrectPayload {{ repeated record {{ id }}
        corrections {{ id field old new oldValue newValue reason correctedBy }}
        ignored {{ field code message messageZh }} }}
      {_PROBLEM} }} }}""",
}
"""A document of each mutation that asks for nearly everything."""

_numbers = count(1)


class Writer(Gateway):
    """A gateway that writes, too."""

    def __init__(self, regions: Sequence[RegionSettings], keys: Keys, **more: Any) -> None:
        self.stores = WritingStores(regions, keys)
        super().__init__(regions, keys, **more)
        for executor in self._executors.values():
            executor._stores = self.stores

    def do(self, name: str, who: Viewer, given: Mapping[str, Any]) -> Any:
        """The result of a mutation; an error of GraphQL fails the test."""
        return result(name, self.ask(DOCUMENTS[name], who, {"input": given}))

    async def doing(self, name: str, who: Viewer, given: Mapping[str, Any]) -> Any:
        """The same within the gateway's event loop."""
        return result(name, await self.asking(DOCUMENTS[name], who, {"input": given}))

    def rows(self, table: str, region: str = "320100") -> list[Row]:
        """The rows of a table, sealed items opened and put beside the columns."""
        settings = next(one for one in self.regions if one.code == region)
        return rows_of(settings, self.keys, table)

    def counts(self, *tables: str) -> dict[str, int]:
        """The number of rows of some tables in all regions."""

        def read(connection: Connection) -> list[int]:
            found = [select(func.count()).select_from(regional.tables[one]) for one in tables]
            return [connection.execute(one).scalar_one() for one in found]

        numbers = [in_store(one, read) for one in self.regions]
        return {table: sum(n) for table, n in zip(tables, zip(*numbers, strict=True), strict=True)}

    def count(self, table: str) -> int:
        """The number of rows of a table in all regions."""
        return self.counts(table)[table]

    def close(self) -> None:
        self.run(self.stores.close())
        super().close()


def result(name: str, asked: Asked) -> Any:
    """A mutation's result; no errors but of regions that a relation was asked of in vain."""
    assert set(asked.codes) <= {"REGION_UNAVAILABLE"}, asked.errors
    return asked.data[name]


def rows_of(settings: RegionSettings, keys: Keys, table: str) -> list[Row]:
    """The rows of a table of a region, sealed items opened and put beside the columns."""
    source = regional.tables[table]
    sealer = Sealer(keys.sealing, settings.code)

    def read(connection: Connection) -> list[Row]:
        ordered = select(source).order_by(*source.primary_key.columns)
        return [dict(row) for row in connection.execute(ordered).mappings()]

    found = in_store(settings, read)
    salts = all_salts(settings)
    for row in found:
        if table in ITEMS:
            sealed = row.pop("sealed")
            salt = salts.get(row["id"] if table == "people" else row["person_id"], MISSING)
            opened = sealer.open(table, row["id"], sealed, salt) if sealed is not None else {}
            row |= {name: opened.get(name) for name in ITEMS[table]}
    return found


def new_key() -> str:
    """An idempotency key that was not used before."""
    return f"key-{next(_numbers)}"


def id_number(birth: str = "1990-01-02", number: int | None = None, sex: str = "M") -> str:
    """A resident's ID number of somebody impossible, new unless `number` is given."""
    number = next(_numbers) if number is None else number
    order = number % 499 * 2 + (1 if sex == "M" else 2)
    first17 = f"99{number % 10_000:04d}{birth.replace('-', '')}{order:03d}"
    return first17 + check_digit(first17)


def person(**more: Any) -> Row:
    """A person's data."""
    number = next(_numbers)
    return {
        "name": f"测试甲{number}",
        "idNumber": id_number(number=number),
        "phone": f"154{number:08d}",
        "residence": f"测试路 {number} 号",
        "guardian": canary("guardian", number),
        **more,
    }


def case_input(**more: Any) -> Row:
    """A case to register in Xuanwu, Nanjing."""
    return {
        "idempotencyKey": new_key(),
        "person": person(),
        "disease": "measles",
        "classification": "CONFIRMED",
        "code": "320102",
        "onsetOn": "2026-03-01",
        "reportedAt": "2026-03-02T09:00:00+08:00",
        **more,
    }


def contact_row(**more: Any) -> Row:
    """A contact to register in Xuanwu, Nanjing."""
    return {"person": person(), "level": "CLOSE", "code": "320102", **more}


def contacts_input(*rows: Row, **more: Any) -> Row:
    """Contacts to register: one, unless rows are given."""
    return {"idempotencyKey": new_key(), "rows": list(rows) or [contact_row()], **more}


def visit_input(record: str, **more: Any) -> Row:
    """A visit to record."""
    key = new_key()
    return {"idempotencyKey": key, "record": record, "kind": "HEALTH_MONITORING", **more}


def sample_input(record: str, **more: Any) -> Row:
    """A sample to record."""
    key = new_key()
    return {"idempotencyKey": key, "record": record, "specimen": "THROAT_SWAB", **more}


def correction(record: str, *changes: tuple[str, str | None], **more: Any) -> Row:
    """A correction of some fields."""
    return {
        "idempotencyKey": new_key(),
        "id": record,
        "changes": [{"field": name, "value": value} for name, value in changes],
        "reason": "录入错误",
        **more,
    }
