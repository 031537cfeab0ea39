"""Who can sign in to a demo: accounts of each role (A11), in the first region's places.

Every level has its business administrator on file, so that filings can go upwards, and the first
county has three departments with their heads, so that an application finds its five signatures.
"""

from __future__ import annotations

from dataclasses import dataclass

from regions.areas import reference_areas
from regions.blind_index import check_digit
from regions.seeding import cdc_units
from regions.settings import RegionSettings
from resolvers.demo.identity import phone_number
from resolvers.demo.places import counties_of, units_of
from resolvers.users import BUSINESS_ROLES, Role

__all__ = ["DemoAccount", "demo_accounts"]

_NATIONAL = "000000"
_DISEASES, _MONITORING, _INFORMATION = "传染病防制科", "疫情监测科", "信息管理科"
_PURPOSES = {
    Role.DIRECT_REPORTER: "REPORT",
    Role.REVIEWER: "REVIEW",
    Role.DUTY_PERSON: "MONITOR",
    Role.UNIT_USER: "MONITOR",
}
# Whoever tries every account that opens records tells those that do not by these words.
_ANALYST = "analyst, administrative counts"
_STAFF_PREFIX = "98"  # no province has this code, and no invented person's number begins with it
_STAFF_PHONES = 99_990_000  # the last of the demo's numbers, which no population reaches


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One account. `shown_role` is what `demo-accounts.json` says: where there are several of a
    role, with what tells them apart. `person` is the holder's number: each is somebody else.
    """

    account: str
    name: str
    role: Role
    shown_role: str
    unit_id: str
    unit_name: str
    unit_level: str
    code: str
    department: str = _DISEASES
    head: bool = False
    person: int = 0
    granted: bool = False
    """Whether it holds a right to private items, and so needs a second factor."""

    @property
    def purpose(self) -> str | None:
        """What it is for (A8)."""
        return _PURPOSES.get(self.role) if self.role in BUSINESS_ROLES else None

    @property
    def items(self) -> dict[str, str]:
        """The holder's private items; nobody has such an ID number or phone."""
        first17 = f"{_STAFF_PREFIX}{self.person:04d}19800101{self.person % 1000:03d}"
        return {
            "office_phone": f"025-{83_000_000 + self.person}",
            "mobile": phone_number(_STAFF_PHONES + self.person),
            "email": f"{self.account}@example.org",
            "qq": str(10_000_000 + self.person),
            "id_number": first17 + check_digit(first17),
        }


def demo_accounts(
    region: RegionSettings, neighbour: RegionSettings | None = None
) -> list[DemoAccount]:
    """An account of every role: national, the region's province, its city, its first county; and
    two in the first county of a neighbouring region.

    None has a grant: of them only the direct reporter sees anything in clear, and only its own.
    """
    county = counties_of(region)[0].code
    province, city = county[:2] + "0000", county[:4] + "00"
    hospital = next(unit for unit in units_of(region) if unit[2] == "HOSPITAL")
    cdcs = {unit["code"]: unit for unit in cdc_units(region)}
    areas = reference_areas()
    made: list[DemoAccount] = []

    def cdc(
        account: str,
        role: Role,
        code: str,
        shown: str = "",
        department: str = _DISEASES,
        *,
        head: bool = False,
    ) -> None:
        # The counties of a municipality (重庆) lie in it directly: its CDC is that of the city too.
        unit = cdcs.get(code) or cdcs[province]
        place = areas.name(code) if areas.is_known(code) else unit["name_zh"].split("疾病")[0]
        made.append(
            DemoAccount(
                account=account,
                name=f"演示 {place if code != _NATIONAL else '国家'} {shown or role.value}",
                role=role,
                shown_role=shown or role.value,
                unit_id=unit["id"],
                unit_name=unit["name_zh"],
                unit_level=unit["level"],
                code=code,
                department=department,
                head=head,
                person=len(made) + 1,
            )
        )

    unit_user, administrator = Role.UNIT_USER, Role.BUSINESS_ADMINISTRATOR
    cdc("national", unit_user, _NATIONAL, "national unit user")
    cdc(f"province-{province}", unit_user, province, "province unit user")
    cdc(f"city-{city}", unit_user, city, "city unit user")
    cdc(f"county-{county}", unit_user, county, "county unit user")
    made.append(
        DemoAccount(
            account=f"reporter-{county}-1",
            name="演示 直报用户",
            role=Role.DIRECT_REPORTER,
            shown_role=Role.DIRECT_REPORTER.value,
            unit_id=hospital[0],
            unit_name=hospital[3],
            unit_level=hospital[2],
            code=county,
            department="公共卫生科",
            person=len(made) + 1,
        )
    )
    cdc(f"duty-{county}", Role.DUTY_PERSON, county, department=_MONITORING)
    cdc(f"reviewer-{city}", Role.REVIEWER, city, department=_MONITORING)
    cdc("auditor", Role.AUDITOR, _NATIONAL, department="审计处")
    cdc("sysadmin", Role.SYSTEM_ADMINISTRATOR, _NATIONAL, department=_INFORMATION)
    cdc("secadmin", Role.SECURITY_ADMINISTRATOR, _NATIONAL, department="安全处")
    cdc(f"bizadmin-{city}", administrator, city, department=_INFORMATION)
    cdc(f"system-{region.code}", Role.REGIONAL_SYSTEM, region.code)
    if county != city:  # 东莞 has no counties
        cdc(f"bizadmin-{county}", administrator, county, department=_INFORMATION)
    if city in cdcs:  # else the municipality's administrator is there already
        cdc(f"bizadmin-{province}", administrator, province, department=_INFORMATION)
    cdc("bizadmin", administrator, _NATIONAL, department=_INFORMATION)
    for number, (department, what) in enumerate(
        (
            (_DISEASES, "head"),
            (_MONITORING, "business head"),
            (_INFORMATION, "information head"),
        ),
        1,
    ):
        name = f"head-{county}-{number}"
        cdc(name, unit_user, county, f"{what}, unit user", department, head=True)
    cdc("analyst", Role.ANALYST, _NATIONAL, _ANALYST, _MONITORING)
    # An application for a rule of detection is decided by the province or the country (E7).
    if city in cdcs:
        cdc(f"reviewer-{province}", Role.REVIEWER, province, "province, reviewer", _MONITORING)
    cdc("reviewer", Role.REVIEWER, _NATIONAL, "national, reviewer", _MONITORING)
    if neighbour is not None:
        there = counties_of(neighbour)[0].code
        cdcs |= {unit["code"]: unit for unit in cdc_units(neighbour)}
        cdc(f"county-{there}", unit_user, there, "neighbour, unit user")
        cdc(f"duty-{there}", Role.DUTY_PERSON, there, "neighbour, duty person", _MONITORING)
    return made
