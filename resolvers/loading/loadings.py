"""The kinds of list, each with its way of being loaded."""

from __future__ import annotations

from resolvers.loading.count_loading import CountLoading
from resolvers.loading.job import Loading
from resolvers.loading.link_loading import LinkLoading
from resolvers.loading.record_loading import CaseLoading, ContactLoading

__all__ = ["LOADINGS"]

LOADINGS: dict[str, type[Loading]] = {
    "case": CaseLoading,
    "contact": ContactLoading,
    "contact_link": LinkLoading,
    "daily_count": CountLoading,
}
"""By the name of the kind."""
