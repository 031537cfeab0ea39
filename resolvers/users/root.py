"""The root fields of accounts and units."""

from __future__ import annotations

import strawberry

from resolvers.users.account_root import AccountMutations, AccountQueries
from resolvers.users.office_root import OfficeMutations, OfficeQueries

__all__ = ["UserMutations", "UserQueries"]


@strawberry.type
class UserQueries(AccountQueries, OfficeQueries):
    """Questions about accounts and units."""


@strawberry.type
class UserMutations(AccountMutations, OfficeMutations):
    """What changes accounts and units."""
