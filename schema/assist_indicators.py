"""How well assist letters are answered (C5)."""

from enum import Enum

import strawberry

__all__ = ["AssistIndicator", "AssistIndicatorKey"]


@strawberry.enum(description="What the indicators of letters are told by.")
class AssistIndicatorKey(Enum):
    """What the indicators of letters are told by."""

    SENDER = strawberry.enum_value(
        "SENDER", description="The unit that issued the first letter of the chain (发函单位)."
    )
    RECEIVER = strawberry.enum_value(
        "RECEIVER", description="The unit that the letter went to (收函单位)."
    )
    SENDER_PROVINCE = strawberry.enum_value(
        "SENDER_PROVINCE", description="The province of the issuing unit (发函省份)."
    )
    RECEIVER_PROVINCE = strawberry.enum_value(
        "RECEIVER_PROVINCE", description="The province that the letter went to (收函省份)."
    )
    ROUTE = strawberry.enum_value(
        "ROUTE",
        description="The way: `OTHER_PROVINCE`, `OTHER_CITY`, `OTHER_COUNTY` (外省、外市、外县).",
    )


@strawberry.type(
    description=(
        "The figures of one sender, receiver, province or way. Both sides keep a copy of a letter: "
        "it counts once, by the receiver's where that answered. A person who was forwarded counts "
        "with the letter that carries the person on, whose clock began when the first was sent. "
        "Days are days in China."
    )
)
class AssistIndicator:
    """The figures of one key."""

    key: str = strawberry.field(
        description="Id of a unit, code of a province, or a way; see `by` of the question."
    )
    complete: bool = strawberry.field(
        description=(
            "False where a region did not answer: letters are missing, or are told by the "
            "sender's copy alone. `errors` names the region."
        )
    )
    letters: int = strawberry.field(
        description="Letters, but for drafts and those withdrawn or refused."
    )
    people: int = strawberry.field(
        description="People to be put under control: without `excluded` and `forwarded`."
    )
    same_day: int = strawberry.field(
        description="Of them under control on the day the letter was sent (当日管控)."
    )
    next_day: int = strawberry.field(description="On the day after (次日管控).")
    delayed: int = strawberry.field(description="Later (延迟管控).")
    untraced: int = strawberry.field(description="Not found (未追踪到).")
    open: int = strawberry.field(description="Not under control yet, and not given up.")
    same_day_rate: float | None = strawberry.field(
        description="`sameDay` of `people`, 0 to 1; null where there are none."
    )
    next_day_rate: float | None = strawberry.field(description="`nextDay` of `people`.")
    delayed_rate: float | None = strawberry.field(description="`delayed` of `people`.")
    excluded: int = strawberry.field(description="No contacts after all, as the issuer agreed.")
    forwarded: int = strawberry.field(
        description="Carried on by another letter, with which they count."
    )
    forwarded_twice: int = strawberry.field(
        description="Of `people`, those that were forwarded twice or more (多次转办)."
    )
    overdue_acknowledge: int = strawberry.field(
        description="Letters past their time that nobody acknowledged."
    )
    overdue_control: int = strawberry.field(
        description="People past their time who are not under control."
    )
    overdue_feedback: int = strawberry.field(description="Letters past their time not answered.")
    hours_to_acknowledge: float | None = strawberry.field(
        description="Median hours from sending to acknowledging; null where none was."
    )
    hours_to_control: float | None = strawberry.field(
        description="Median hours from sending to control, over people."
    )
    hours_to_feedback: float | None = strawberry.field(
        description="Median hours from sending to the answer, over letters."
    )
