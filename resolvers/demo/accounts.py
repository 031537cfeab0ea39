"""Who can sign in to a demo: one account of each role (A11), in the first region's places."""

from __future__ import annotations

from dataclasses import dataclass

from regions.areas import reference_areas
from regions.seeding import cdc_units
from regions.settings import RegionSettings
from resolvers.demo.places import counties_of, units_of
from resolvers.users import Role

__all__ = ["DemoAccount", "demo_accounts"]

_NATIONAL = "000000"


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One account. `shown_role` is what `demo-accounts.json` says: unit users with their level."""

    account: str
    name: str
    role: Role
    shown_role: str
    unit_id: str
    unit_name: str
    unit_level: str
    code: str


def demo_accounts(region: RegionSettings) -> list[DemoAccount]:
    """An account of every role: national, the region's province, its city, its first county.

    None has a grant: of them only the direct reporter sees anything in clear, and only its own.
    """
    county = counties_of(region)[0].code
    province, city = county[:2] + "0000", county[:4] + "00"
    hospital = next(unit for unit in units_of(region) if unit[2] == "HOSPITAL")
    cdcs = {unit["code"]: unit for unit in cdc_units(region)}
    areas = reference_areas()

    def cdc(account: str, role: Role, code: str, shown: str = "") -> DemoAccount:
        # The counties of a municipality (重庆) lie in it directly: its CDC is that of the city too.
        unit = cdcs.get(code) or cdcs[province]
        place = areas.name(code) if areas.is_known(code) else unit["name_zh"].split("疾病")[0]
        return DemoAccount(
            account=account,
            name=f"演示 {place if code != _NATIONAL else '国家'} {shown or role.value}",
            role=role,
            shown_role=shown or role.value,
            unit_id=unit["id"],
            unit_name=unit["name_zh"],
            unit_level=unit["level"],
            code=code,
        )

    unit_user = Role.UNIT_USER
    return [
        cdc("national", unit_user, _NATIONAL, "national unit user"),
        cdc(f"province-{province}", unit_user, province, "province unit user"),
        cdc(f"city-{city}", unit_user, city, "city unit user"),
        cdc(f"county-{county}", unit_user, county, "county unit user"),
        DemoAccount(
            account=f"reporter-{county}-1",
            name="演示 直报用户",
            role=Role.DIRECT_REPORTER,
            shown_role=Role.DIRECT_REPORTER.value,
            unit_id=hospital[0],
            unit_name=hospital[3],
            unit_level=hospital[2],
            code=county,
        ),
        cdc(f"duty-{county}", Role.DUTY_PERSON, county),
        cdc(f"reviewer-{city}", Role.REVIEWER, city),
        cdc("auditor", Role.AUDITOR, _NATIONAL),
        cdc("sysadmin", Role.SYSTEM_ADMINISTRATOR, _NATIONAL),
        cdc("secadmin", Role.SECURITY_ADMINISTRATOR, _NATIONAL),
        cdc(f"bizadmin-{city}", Role.BUSINESS_ADMINISTRATOR, city),
        cdc(f"system-{region.code}", Role.REGIONAL_SYSTEM, region.code),
    ]
