"""The roots of the schema, put together from those of the areas (`resolvers/<area>/root.py`)."""

from __future__ import annotations

import strawberry
from strawberry.schema.config import StrawberryConfig

from resolvers.access_log.root import AccessLogQueries
from resolvers.aggregates.root import AggregateQueries
from resolvers.alarms.root import AlarmMutations, AlarmQueries, AlarmSubscriptions
from resolvers.alerts.changes_root import RuleChangeMutations, RuleChangeQueries
from resolvers.alerts.forms_root import SignalMutations
from resolvers.alerts.messages_root import SignalMessageQueries
from resolvers.alerts.oversight_root import OversightQueries
from resolvers.alerts.root import AlertQueries, AlertSubscriptions
from resolvers.assist.root import AssistMutations, AssistQueries, AssistSubscriptions
from resolvers.erasures.root import ErasureMutations, ErasureQueries
from resolvers.exports.root import ExportMutations, ExportQueries
from resolvers.pathway.root import PathwayMutations, PathwayQueries, PathwaySubscriptions
from resolvers.post.root import PostMutations, PostQueries
from resolvers.privacy.policy import compile_policy, describe_private_fields
from resolvers.privacy.root import PrivacyMutations, PrivacyQueries
from resolvers.questions.root import RecordQueries
from resolvers.transfers.root import TransferMutations, TransferQueries, TransferSubscriptions
from resolvers.users.root import UserMutations, UserQueries
from resolvers.writing.root import RecordMutations
from schema.alerts import Signal
from schema.assist import AssistPerson, AssistRequest
from schema.care import Sample, Visit
from schema.cases import Case
from schema.contacts import Contact
from schema.people import Person
from schema.scalars import SCALARS

__all__ = ["Mutation", "Query", "Subscription", "make_schema"]


@strawberry.type(description="Questions. Everything but `__typename` needs a session.")
class Query(
    RecordQueries,
    AccessLogQueries,
    AlarmQueries,
    AlertQueries,
    SignalMessageQueries,
    OversightQueries,
    RuleChangeQueries,
    ExportQueries,
    PathwayQueries,
    PostQueries,
    PrivacyQueries,
    UserQueries,
    AggregateQueries,
    TransferQueries,
    AssistQueries,
    ErasureQueries,
):
    """Questions."""


@strawberry.type(
    description=(
        "What changes records and rights. The same idempotency key again gives the first result "
        "and writes nothing; with another input it is a conflict."
    )
)
class Mutation(
    RecordMutations,
    AlarmMutations,
    ExportMutations,
    PathwayMutations,
    PostMutations,
    PrivacyMutations,
    TransferMutations,
    UserMutations,
    AssistMutations,
    ErasureMutations,
    SignalMutations,
    RuleChangeMutations,
):
    """What changes records and rights."""


@strawberry.type(
    description=(
        "What happens, as it happens: over WebSocket by graphql-transport-ws, at the same address."
    )
)
class Subscription(
    AlarmSubscriptions,
    AlertSubscriptions,
    AssistSubscriptions,
    PathwaySubscriptions,
    TransferSubscriptions,
):
    """What happens, as it happens."""


def make_schema() -> strawberry.Schema:
    """The schema, with suggestions off: a suggestion tells names (leak channel 33).

    Raises Unclassified where a column or field is neither private nor public.
    """
    schema = strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[Person, Case, Contact, Visit, Sample, AssistRequest, AssistPerson, Signal],
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
    )
    compile_policy(schema._schema)
    describe_private_fields(schema._schema)
    return schema
