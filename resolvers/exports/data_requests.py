"""Data-service requests as exports see them (F9): who is in charge, who the file is for."""

from __future__ import annotations

from sqlalchemy import Connection

from resolvers.writing.refusing import not_found

__all__ = ["approved_request"]


def approved_request(connection: Connection, request: str, account: str, now: str) -> str:
    """Who outside an approved request is for. Raises Refusal unless the account is in charge of it.

    There are no such requests yet: none is found.
    """
    raise not_found("dataRequest")
