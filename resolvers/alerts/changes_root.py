"""The root fields of applications for rules (E7)."""

from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers.alerts.changes import list_changes
from resolvers.alerts.changing import apply_for_rule_change, decide_rule_change
from resolvers.arguments import KEY, After, First, What
from resolvers.context import context_of
from resolvers.writing.writing import answered
from schema.alerts_changes import (
    DecideInput,
    RuleChangeConnection,
    RuleChangeFilter,
    RuleChangeInput,
    RuleChangeResult,
)

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
