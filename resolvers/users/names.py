"""Login names: how they look, and which are taken. One name is one account's for ever (A12)."""

from __future__ import annotations

import re

from sqlalchemy import Connection, func, select

from regions.errors import InvalidInput
from regions.offices import administrator_filings
from regions.users import accounts

__all__ = ["LOGIN_NAMES", "check_free", "is_free", "is_login_name"]

LOGIN_NAMES = (
    "a login name has 2 to 64 letters, digits, dots, hyphens, underscores; a letter or digit first",
    "登录账号为 2 至 64 个字母、数字、点、连字符或下划线，以字母或数字开头",
)
"""What a login name must be, in English and Chinese."""

_LOGIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{1,63}")


def is_login_name(text: str) -> bool:
    """Whether it may be one."""
    return _LOGIN_NAME.fullmatch(text) is not None


def is_free(connection: Connection, name: str) -> bool:
    """Whether no account has the name and no open filing wants it; upper and lower case are one."""
    wanted = name.lower()
    taken = select(accounts.c.account).where(func.lower(accounts.c.account) == wanted)
    filings = administrator_filings.c
    filed = select(filings.account).where(
        func.lower(filings.account) == wanted, filings.slot.is_not(None)
    )
    return connection.execute(taken.union_all(filed)).first() is None


def check_free(connection: Connection, name: str) -> None:
    """Raises InvalidInput where the name is taken or is none."""
    if not is_login_name(name):
        raise InvalidInput(LOGIN_NAMES[0], messageZh=LOGIN_NAMES[1])
    if not is_free(connection, name):
        raise InvalidInput(
            f"there is an account {name} already",
            hint="choose another login name",
            messageZh="该登录账号已存在，请另选",
        )
