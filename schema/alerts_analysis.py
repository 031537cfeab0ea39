"""What the cards behind a signal have in common, computed for whoever verifies it (E8, E9)."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.alerts_forms import AgeGroupCases, InvestigationGround
from schema.nodes import RegionAnswer
from schema.scalars import Date, RegionCode

if TYPE_CHECKING:
    from schema.cases import Case

__all__ = [
    "SignalAnalysis",
    "SignalCounty",
    "SignalGroup",
    "SignalGrouping",
    "SignalOnsets",
    "SignalPeople",
    "SignalPlace",
    "SignalRarity",
    "SignalSuggestion",
    "SignalTime",
]

_HIDDEN = "Cases of which the viewer may not see it: they are in no group."
_UNKNOWN = "Cases of which it is not known."


@strawberry.type(description="Cases behind a signal that have something in common.")
class SignalGroup:
    """Cases that have something in common."""

    value: str | None = strawberry.field(
        description="What, where it is public: an occupation, the id of a unit. Else null: "
        "`members` tell it to whoever may see it."
    )
    cases: int = strawberry.field(description="How many.")
    members: list[Annotated["Case", strawberry.lazy("schema.cases")]] = strawberry.field(
        description="The cases."
    )


@strawberry.type(description="Cases behind a signal by what they have in common.")
class SignalGrouping:
    """Cases by what they have in common."""

    groups: list[SignalGroup] = strawberry.field(
        description="Groups of two cases and more, the largest first."
    )
    unknown: int = strawberry.field(description=_UNKNOWN)
    hidden: int = strawberry.field(description=_HIDDEN)


@strawberry.type(description="Counts of a county about a signal, by day of report.")
class SignalCounty:
    """Counts of a county about a signal."""

    code: RegionCode = strawberry.field(description="The county.")
    own: bool = strawberry.field(description="Whether it is the signal's; else it adjoins.")
    cases: int = strawberry.field(description="Cases of the seven days up to the signal's day.")
    before: int = strawberry.field(description="Cases of the seven days before these.")
    rising: bool = strawberry.field(
        description="Whether that is more than chance makes of two equal weeks (p ≤ 0.05), or "
        "are the first cases in five years."
    )


@strawberry.type(description="Clustering in place (地区聚集).")
class SignalPlace:
    """Clustering in place."""

    households: SignalGrouping = strawberry.field(
        description="Cases of one address (needs RESIDENCE)."
    )
    employers: SignalGrouping = strawberry.field(
        description="Cases of one employer or school (needs EMPLOYER)."
    )
    villages: SignalGrouping = strawberry.field(
        description="Cases whose addresses name one village or community (needs RESIDENCE)."
    )
    units: SignalGrouping = strawberry.field(description="Cases reported by one unit.")
    counties: list[SignalCounty] = strawberry.field(
        description="The signal's counties and those that adjoin them, across borders of regions."
    )


@strawberry.type(description="Onsets of one day.")
class SignalOnsets:
    """Onsets of one day."""

    on: Date = strawberry.field(description="The day.")
    cases: int = strawberry.field(description="Cases with first symptoms on it.")


@strawberry.type(description="Clustering in time (时间聚集): onsets against the incubation.")
class SignalTime:
    """Clustering in time."""

    onsets: list[SignalOnsets] = strawberry.field(
        description="The epidemic curve: days with onsets, the first first."
    )
    unknown: int = strawberry.field(description=_UNKNOWN)
    incubation_from: int | None = strawberry.field(
        description="Usual incubation in days, the shortest; null where it tells nothing."
    )
    incubation_to: int | None = strawberry.field(description="The longest.")
    within_days: int | None = strawberry.field(
        description="Days within which onsets lie after one exposure, 14 at most."
    )
    together: int | None = strawberry.field(description="The most onsets within so many days.")
    followers: int | None = strawberry.field(
        description="Onsets that come an incubation after an earlier one, as from person to person."
    )


@strawberry.type(description="Clustering among people (人群聚集).")
class SignalPeople:
    """Clustering among people."""

    ages: AgeGroupCases | None = strawberry.field(
        description="Cases by age, as annex 2 has it (needs AGE); null where the viewer sees none."
    )
    ages_unknown: int = strawberry.field(description=_UNKNOWN)
    ages_hidden: int = strawberry.field(description=_HIDDEN)
    males: int | None = strawberry.field(
        description="Males (needs SEX); null where the viewer sees none."
    )
    females: int | None = strawberry.field(description="Females, likewise.")
    sexes_unknown: int = strawberry.field(description=_UNKNOWN)
    sexes_hidden: int = strawberry.field(description=_HIDDEN)
    occupations: SignalGrouping = strawberry.field(description="Cases of one occupation.")


@strawberry.type(description="How rare the disease is in the signal's counties (罕见).")
class SignalRarity:
    """How rare the disease is."""

    last_on: Date | None = strawberry.field(
        description="The last day with a case before the seven days; null: there is none on record."
    )
    five_years: int = strawberry.field(description="Cases of the five years before them.")
    since: Date | None = strawberry.field(
        description="The first day on record of which anything was counted."
    )


@strawberry.type(
    description="A ground of E9 that what was found speaks for, or not. It fills in no form."
)
class SignalSuggestion:
    """A suggested ground."""

    ground: InvestigationGround = strawberry.field(description="The ground.")
    holds: bool | None = strawberry.field(
        description="Whether it holds; null: too much is hidden or unknown to tell."
    )
    reason: str = strawberry.field(description="Why, in numbers.")
    reason_zh: str = strawberry.field(description="The same in Chinese.")


@strawberry.type(
    description=(
        "What the cards behind a signal have in common, over all regions. Of private items only "
        "what the viewer may see in those records is counted; the cards are logged as seen."
    )
)
class SignalAnalysis:
    """What the cards behind a signal have in common."""

    cases: int = strawberry.field(description="Cards behind it that the viewer may open.")
    place: SignalPlace = strawberry.field(description="Place.")
    time: SignalTime = strawberry.field(description="Time.")
    people: SignalPeople = strawberry.field(description="People.")
    rarity: SignalRarity = strawberry.field(description="Rarity.")
    suggestions: list[SignalSuggestion] = strawberry.field(
        description="The six grounds of annex 1, in its order."
    )
    regions: list[RegionAnswer] = strawberry.field(
        description="Regions asked for counts; what did not answer is missing in `counties`."
    )
