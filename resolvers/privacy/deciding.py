"""Who may see what: the one decision about a private item, and the one about a record (F1, F2, F7).

`decide` is a pure function over values. Statements are made from the same `Rule`s it applies, so
that the SQL of a masked viewer never names a private column, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache

from regions.errors import Forbidden
from regions.instants import now
from resolvers.catalog import Record
from resolvers.users import Role, Viewer, prefix_of
from schema.privacy import PrivateItem

__all__ = [
    "HELD",
    "SHAREABLE",
    "Decision",
    "Rule",
    "Scope",
    "Share",
    "decide",
    "granted_rules",
    "in_force",
    "require_records",
    "rules",
    "scope",
    "with_shares",
]

_ALL_ITEMS = frozenset(item.name for item in PrivateItem)

SHAREABLE = frozenset({"Person", "Case", "Contact", "Visit", "Sample"})
"""The types of record that a share of their person opens (requirements C1, D)."""

HELD = frozenset(
    {
        *("AssistRequest", "AssistPerson", "AssistAttachment"),
        *("AbnormalInformationCard", "InvestigationForm", "SignalAttachment"),
    }
)
"""The types of record that show in clear, to the unit which holds them, what their issuer lets be
seen, while the letter is open (C1); and what a unit itself filed on a signal, always (E11).
"""


class Decision(Enum):
    """What becomes of one private item of one record for one viewer."""

    SHOW = "show"
    MASK = "mask"
    DENY = "deny"  # the role opens no records at all


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason to show items: the record is the viewer's own report, or lies within a grant.

    `reporter` is the account that must have written the record, or None; `prefix` the code the
    record's county must begin with; `person` the one whose records they are, or None for anybody.
    `label` names the reason in the access log.
    """

    label: str
    items: frozenset[str]
    reporter: str | None = None
    prefix: str = ""
    person: int | None = None
    shared: bool = False  # the shares of a row say which items: see `Share`

    def holds(self, code: str | None, reporter: str | None, person: int | None = None) -> bool:
        """Whether the rule covers a record of this county, reporter and person."""
        if self.shared:
            return False
        if self.reporter is not None:
            return reporter == self.reporter
        if self.person is not None and person != self.person:
            return False
        return code is not None and code.startswith(self.prefix)


@dataclass(frozen=True, slots=True)
class Share:
    """An open share of a record's person with the viewer's unit: its source (`assist:…`,
    `transfer:…`) and the items that the sender lets be seen.
    """

    source: str
    items: frozenset[str]

    def rule(self) -> Rule:
        """The share as a reason to show items of the records of its person."""
        return Rule(self.source, self.items)


_SHARED = Rule("share", _ALL_ITEMS, shared=True)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which records a viewer may open: those of codes with the prefix, or of one reporting unit."""

    prefix: str
    unit: str | None = None


def require_records(viewer: Viewer) -> None:
    """Raises Forbidden where the role opens no records (A7)."""
    if not viewer.opens_records:
        raise Forbidden(
            f"the role {viewer.role.value} never opens individual records",
            hint="use a separate business account of the same level",
        )


def scope(viewer: Viewer) -> Scope:
    """The records a viewer may open: the jurisdiction; a reporting unit sees what it reported."""
    unit = viewer.unit_id if viewer.role is Role.DIRECT_REPORTER else None
    return Scope(viewer.prefix, unit)


def in_force(viewer: Viewer) -> Viewer:
    """The viewer with the grants that hold at this moment, and no others.

    One operation is decided by one moment: the key a plan is kept by, the statements made for it
    and those made later, when a region that was down answers again, know the same grants.
    """
    if not viewer.grants:
        return viewer
    at = now()
    grants = tuple(grant for grant in viewer.grants if grant.starts_at <= at < grant.ends_at)
    return viewer if len(grants) == len(viewer.grants) else replace(viewer, grants=grants)


def rules(viewer: Viewer, record: Record) -> tuple[Rule, ...]:
    """The reasons for which the viewer sees private items of this type of record now."""
    return granted_rules(in_force(viewer), record)


def granted_rules(viewer: Viewer, record: Record) -> tuple[Rule, ...]:
    """The same for a viewer who has been brought to those grants already (`in_force`)."""
    return _rules(viewer, record.name, record.privacy, record.every_item)


def with_shares(found: tuple[Rule, ...], record: Record, shared: bool = True) -> tuple[Rule, ...]:
    """Rules, and the one that leaves it to the shares of each row: where it was reached by a share,
    if `shared`, and for what a unit holds in any case.
    """
    counts = record.name in HELD or (shared and record.name in SHAREABLE)
    return (*found, _SHARED) if counts else found


@lru_cache(maxsize=4096)
def _rules(
    viewer: Viewer, name: str, privacy: frozenset[str], every_item: bool
) -> tuple[Rule, ...]:
    if not viewer.opens_records:
        return ()
    found = []
    if viewer.role is Role.DIRECT_REPORTER:
        found.append(Rule("own", _ALL_ITEMS, reporter=viewer.account))
    for grant in viewer.grants:
        if not privacy <= grant.record_types:
            continue
        if every_item and not grant.items >= _ALL_ITEMS:
            continue
        found.append(
            Rule(
                f"{'emergency' if grant.emergency else 'grant'}:{grant.id}",
                grant.items,
                prefix=prefix_of(grant.code),
                person=grant.person,
            )
        )
    return tuple(found)


def decide(
    viewer: Viewer,
    record: Record,
    item: PrivateItem,
    *,
    code: str,
    reporter: str | None,
    person: int | None = None,
    shares: Sequence[Share] = (),
) -> Decision:
    """What becomes of a private item of a record of county `code`, written by `reporter`, about
    `person`, whose open shares with the viewer's unit in the record's store are `shares`.

    An exposure is part of its case: county, reporter and person are the case's.
    """
    if not viewer.opens_records:
        return Decision.DENY
    for rule in rules(viewer, record):
        if item.name in rule.items and rule.holds(code, reporter, person):
            return Decision.SHOW
    shareable = record.name in SHAREABLE or record.name in HELD
    if shareable and any(item.name in share.items for share in shares):
        return Decision.SHOW
    return Decision.MASK
