"""Chains of transmission: cases and contacts linked across regions."""

from enum import Enum
from typing import Annotated

import strawberry

from schema.cases import Case
from schema.contacts import Contact
from schema.nodes import RegionAnswer

__all__ = ["Chain", "ChainLink", "ChainLinkKind", "ChainNode"]

ChainNode = Annotated[
    Case | Contact, strawberry.union("ChainNode", description="A case or a contact in a chain.")
]


@strawberry.enum(description="How two records of a chain are linked.")
class ChainLinkKind(Enum):
    """How two records of a chain are linked."""

    CONTACT_OF_CASE = strawberry.enum_value(
        "CONTACT_OF_CASE", description="`from` is a case, `to` its contact (密接)."
    )
    CONTACT_OF_CONTACT = strawberry.enum_value(
        "CONTACT_OF_CONTACT", description="`from` is a contact, `to` a contact of it (密接的密接)."
    )
    BECAME_CASE = strawberry.enum_value(
        "BECAME_CASE", description="`from` is a contact, `to` a case of the same person."
    )
    EXPOSED = strawberry.enum_value(
        "EXPOSED", description="`from` is the case who exposed the case `to`."
    )


@strawberry.type(description="One link of a chain, in the direction of transmission.")
class ChainLink:
    """One link of a chain."""

    start: strawberry.ID = strawberry.field(name="from", description="Id of the earlier record.")
    end: strawberry.ID = strawberry.field(name="to", description="Id of the later record.")
    kind: ChainLinkKind = strawberry.field(description="How they are linked.")


@strawberry.type(description="Cases and contacts that hang together, over all regions (传播链).")
class Chain:
    """Cases and contacts that hang together, over all regions."""

    nodes: list[ChainNode] = strawberry.field(description="The records, nearest to the root first.")
    links: list[ChainLink] = strawberry.field(description="How they are linked.")
    truncated: bool = strawberry.field(
        description="Whether more hangs on it than the depth or the limit of records allowed."
    )
    regions: list[RegionAnswer] = strawberry.field(
        description="What became of each region; a part of the chain may be missing with one."
    )
