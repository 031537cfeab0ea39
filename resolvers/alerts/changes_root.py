"""The root fields of rules that are to be changed: applications, and the tuner (E7)."""

from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers.alerts.changes import list_changes
from resolvers.alerts.changing import apply_for_rule_change, decide_rule_change
from resolvers.alerts.tuning_asked import tune_detection
from resolvers.arguments import KEY, After, First, What
from resolvers.context import context_of
from resolvers.rights import require
from resolvers.writing.writing import answered
from schema.alerts_changes import (
    DecideInput,
    RuleChangeConnection,
    RuleChangeFilter,
    RuleChangeInput,
    RuleChangeResult,
)
from schema.alerts_tuning import TuneInput, Tuning

__all__ = ["RuleChangeMutations", "RuleChangeQueries"]


@strawberry.type
class RuleChangeQueries:
    """Questions about applications for rules."""

    @strawberry.field(
        description=(
            "Applications for other rules of detection: for the viewer's code and all below, and "
            "those of the own unit, the newest first (E7)."
        )
    )
    async def rule_changes(
        self,
        info: strawberry.Info,
        filter: Annotated[
            RuleChangeFilter | None,
            strawberry.argument(description="Which applications; all unless given."),
        ] = None,
        first: First = None,
        after: After = None,
    ) -> RuleChangeConnection:
        """Applications for other rules of detection."""
        return await list_changes(context_of(info), filter, first, after)

    @strawberry.field(
        description=(
            "Replays up to five years of an area by several percentiles and methods: the signals "
            "that would have come, and the known outbreaks that would have been missed. It stores "
            "nothing."
        )
    )
    async def tune_detection(
        self,
        info: strawberry.Info,
        input: Annotated[TuneInput, strawberry.argument(description="What to replay.")],
    ) -> Tuning:
        """Replays an area by several ways."""
        context = context_of(info)
        require(context.signed_in(), "tuneDetection")
        return await tune_detection(context, input, str(info.path.key))


@strawberry.type
class RuleChangeMutations:
    """What officers do about rules."""

    @strawberry.mutation(
        description=(
            "Applies for another rule of detection: a disease more, single cases instead of the "
            f"moving percentile, a province's own method (E7). {KEY}"
        )
    )
    async def apply_for_rule_change(
        self, info: strawberry.Info, input: Annotated[RuleChangeInput, What]
    ) -> RuleChangeResult:
        """Applies for another rule of detection."""
        result: RuleChangeResult = await answered(info, apply_for_rule_change, input)
        return result

    @strawberry.mutation(
        description=(
            "Approves, refuses, sets or withdraws an application for a rule, each by whoever it is "
            f"for; setting it writes the rule (E7). {KEY}"
        )
    )
    async def decide_rule_change(
        self, info: strawberry.Info, input: Annotated[DecideInput, What]
    ) -> RuleChangeResult:
        """Decides an application for a rule."""
        result: RuleChangeResult = await answered(info, decide_rule_change, input)
        return result
