"""What accounts, registrations and filings have in common: purposes and the holder's items."""

from enum import Enum

import strawberry

from schema.scalars import PrivateString

__all__ = ["ContactInput", "Purpose", "StaffContact", "UserRole"]


@strawberry.enum(description="The roles of accounts (A11).")
class UserRole(Enum):
    """The roles of accounts."""

    DIRECT_REPORTER = strawberry.enum_value(
        "DIRECT_REPORTER", description="Direct reporter (直报用户)."
    )
    UNIT_USER = strawberry.enum_value("UNIT_USER", description="Unit user (机构用户).")
    DUTY_PERSON = strawberry.enum_value("DUTY_PERSON", description="Duty person (值班人员).")
    REVIEWER = strawberry.enum_value("REVIEWER", description="Reviewer (审核人员).")
    REGIONAL_SYSTEM = strawberry.enum_value(
        "REGIONAL_SYSTEM", description="Regional system, a machine (地区系统)."
    )
    BUSINESS_ADMINISTRATOR = strawberry.enum_value(
        "BUSINESS_ADMINISTRATOR", description="Business administrator (业务管理员)."
    )
    SYSTEM_ADMINISTRATOR = strawberry.enum_value(
        "SYSTEM_ADMINISTRATOR", description="System administrator (系统管理员)."
    )
    SECURITY_ADMINISTRATOR = strawberry.enum_value(
        "SECURITY_ADMINISTRATOR", description="Security administrator (安全管理员)."
    )
    AUDITOR = strawberry.enum_value("AUDITOR", description="Auditor (审计员).")
    ANALYST = strawberry.enum_value(
        "ANALYST", description="Analyst, who opens no record (数据分析人员)."
    )


@strawberry.enum(description="What an account is for (L503 3.1): there are no others.")
class Purpose(Enum):
    """What an account is for."""

    REPORT = strawberry.enum_value("REPORT", description="Reporting (个案报告).")
    REVIEW = strawberry.enum_value("REVIEW", description="Reviewing (审核).")
    MONITOR = strawberry.enum_value("MONITOR", description="Monitoring (监测).")
    DATA_QUALITY = strawberry.enum_value("DATA_QUALITY", description="Data quality (数据质控).")


@strawberry.input(
    name="StaffContactInput",
    description="Contact details of a holder of an account; they are kept sealed.",
)
class ContactInput:
    """Contact details of a holder of an account."""

    office_phone: str = strawberry.field(description="Office telephone (办公电话).")
    mobile: str = strawberry.field(description="Mobile number (手机), 11 digits.")
    email: str = strawberry.field(description="E-mail address (电子邮箱).")
    qq: str | None = strawberry.field(default=None, description="QQ number (QQ号), if any.")
    id_number: str = strawberry.field(
        description="Resident's ID number (身份证号), with its checksum."
    )


@strawberry.type(
    description=(
        "Contact details of staff. In clear for the holder and for the administrator of the same "
        "unit; everyone else sees `*`."
    )
)
class StaffContact:
    """Contact details of staff."""

    office_phone: PrivateString | None = strawberry.field(
        description="Office telephone (办公电话)."
    )
    mobile: PrivateString | None = strawberry.field(description="Mobile number (手机).")
    email: PrivateString | None = strawberry.field(description="E-mail address (电子邮箱).")
    qq: PrivateString | None = strawberry.field(description="QQ number (QQ号).")
    id_number: PrivateString | None = strawberry.field(
        description="Resident's ID number (身份证号)."
    )
