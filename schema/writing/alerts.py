"""The mutations of signals: what they take and give."""

from typing import Annotated

import strawberry

from schema.alerts import Signal
from schema.alerts_forms import (
    CardOccupation,
    InvestigationConclusion,
    InvestigationGround,
    VerificationManner,
)
from schema.enums import UnitLevel
from schema.scalars import Date, DateTime
from schema.writing.problems import (
    ForbiddenProblem,
    IdempotencyConflict,
    InvalidInputProblem,
    NotFoundProblem,
    RegionUnavailableProblem,
    StepProblem,
)

__all__ = [
    "AbnormalInformationCardInput",
    "AgeGroupCasesInput",
    "AttachToSignalInput",
    "EndInvestigationInput",
    "InvestigationFormInput",
    "OccupationCasesInput",
    "SignalActionInput",
    "SignalGroundInput",
    "SignalPayload",
    "SignalResult",
    "TownshipCasesInput",
]

_KEY = "1 to 200 printable characters, new for every action: a UUID, say."
_SIGNAL = "The signal."
_ANY = "Any signal of the event."
_SEEN = (
    "The `version` of the signal that the officer has seen: if it changed since, nothing is done."
)
_PHONE = "The filler's telephone; `*` keeps that of the version before."
_BY = "Who filled it in; whoever is signed in, unless given. `*` keeps who did before."


@strawberry.input(description="An action on a signal that needs no more.")
class SignalActionInput:
    """An action on a signal."""

    idempotency_key: str = strawberry.field(description=_KEY)
    signal: strawberry.ID = strawberry.field(description=_SIGNAL)
    version: int | None = strawberry.field(default=None, description=_SEEN)


@strawberry.input(description="The end of an investigation in the field.")
class EndInvestigationInput:
    """The end of an investigation in the field."""

    idempotency_key: str = strawberry.field(description=_KEY)
    signal: strawberry.ID = strawberry.field(description=_ANY)
    version: int | None = strawberry.field(default=None, description=_SEEN)
    ended_at: DateTime | None = strawberry.field(
        default=None, description="When it ended; now, unless given. The form is due 24 h later."
    )


@strawberry.input(description="A ground: yes with a reason, or no.")
class SignalGroundInput:
    """A ground: yes with a reason, or no."""

    holds: bool = strawberry.field(description="Whether it holds.")
    reason: str | None = strawberry.field(
        default=None,
        description="Why; needed where it holds. `*` keeps that of the version before.",
    )


@strawberry.input(
    description=(
        "An abnormal information card (异常信息卡, annex 1), whole: each is a version of its own. "
        "Reporting unit, number, instants, disease, cases and deaths are filled in by the gateway."
    )
)
class AbnormalInformationCardInput:
    """An abnormal information card."""

    idempotency_key: str = strawberry.field(description=_KEY)
    signal: strawberry.ID = strawberry.field(description=_SIGNAL)
    version: int = strawberry.field(description=_SEEN)
    verified_by: list[VerificationManner] = strawberry.field(
        description="How it was verified; at least one."
    )
    verification_text: str | None = strawberry.field(
        default=None, description="How else; needed with `OTHER`."
    )
    townships: int = strawberry.field(description="Townships with cases.")
    schools: bool = strawberry.field(description="Whether schools or kindergartens are involved.")
    suspected: bool = strawberry.field(
        description="Whether it is a suspected event: yes where any of the grounds holds (E9)."
    )
    place: SignalGroundInput = strawberry.field(description="Clustering in place.")
    time: SignalGroundInput = strawberry.field(description="Clustering in time.")
    people: SignalGroundInput = strawberry.field(description="Clustering among people.")
    rare: SignalGroundInput = strawberry.field(
        description="A disease that never was here, or not in 5 years."
    )
    single_case: SignalGroundInput = strawberry.field(
        description="A disease that signals by a single case."
    )
    spreading: SignalGroundInput = strawberry.field(description="It is spreading.")
    event: str | None = strawberry.field(
        default=None,
        description=(
            "Number of an open event of the county that the signal is part of; unless given, a "
            "suspected event gets a number of its own."
        ),
    )
    remarks: str | None = strawberry.field(default=None, description="Free text.")
    filled_by: str | None = strawberry.field(default=None, description=_BY)
    phone: str = strawberry.field(description=_PHONE)


@strawberry.input(description="A township and its cases.")
class TownshipCasesInput:
    """A township and its cases."""

    name: str = strawberry.field(
        description="Its name; `*` keeps the one at this place in the version before."
    )
    cases: int = strawberry.field(description="Cases.")


@strawberry.input(description="Cases by age in years.")
class AgeGroupCasesInput:
    """Cases by age in years."""

    from_0: int = strawberry.field(default=0, description="Under 7.")
    from_7: int = strawberry.field(default=0, description="From 7 to 11.")
    from_12: int = strawberry.field(default=0, description="From 12 to 17.")
    from_18: int = strawberry.field(default=0, description="From 18 to 59.")
    from_60: int = strawberry.field(default=0, description="60 and more.")


@strawberry.input(description="Cases of one occupation.")
class OccupationCasesInput:
    """Cases of one occupation."""

    occupation: CardOccupation = strawberry.field(description="Occupation.")
    cases: int = strawberry.field(description="Cases.")


@strawberry.input(
    description=(
        "An investigation form (现场调查表, annex 2), whole: each is a version of its own. "
        "Reporting unit, numbers, instants and the disease of the signal are filled in by the "
        "gateway. The investigation report is attached before (`attachToSignal`)."
    )
)
class InvestigationFormInput:
    """An investigation form."""

    idempotency_key: str = strawberry.field(description=_KEY)
    signal: strawberry.ID = strawberry.field(description=_ANY)
    version: int = strawberry.field(description=_SEEN)
    signals: list[strawberry.ID] | None = strawberry.field(
        default=None,
        description="Further suspected signals of the county that are of the same event.",
    )
    verified_disease: strawberry.ID | None = strawberry.field(
        default=None, description="Key of the disease after verification (see `diseases`)."
    )
    verified_disease_text: str | None = strawberry.field(
        default=None, description="The disease, typed, where it has no key."
    )
    laboratory_positive: bool = strawberry.field(description="Whether a laboratory found it.")
    townships: int = strawberry.field(description="Townships with cases.")
    cases: int = strawberry.field(description="Cases so far.")
    deaths: int = strawberry.field(description="Deaths so far.")
    top_townships: list[TownshipCasesInput] = strawberry.field(
        description="The townships with most cases, at most three, most cases first."
    )
    schools: int = strawberry.field(
        default=0, description="How many schools and kindergartens have cases."
    )
    school_cases: int = strawberry.field(default=0, description="Cases there.")
    first_onset_on: Date | None = strawberry.field(
        default=None, description="Onset of the first case; needed of an outbreak."
    )
    ages: AgeGroupCasesInput = strawberry.field(description="Cases by age.")
    occupations: list[OccupationCasesInput] | None = strawberry.field(
        default=None, description="Cases by occupation."
    )
    conclusion: InvestigationConclusion = strawberry.field(description="The conclusion.")
    grounds: list[InvestigationGround] | None = strawberry.field(
        default=None, description="Grounds of an outbreak; at least one."
    )
    grounds_text: str | None = strawberry.field(
        default=None,
        description="Grounds in words; needed with `OTHER`, and unless it is an outbreak.",
    )
    units: list[UnitLevel] = strawberry.field(
        description="Who took part: `PROVINCE`, `CITY`, `COUNTY`; at least one."
    )
    investigated_from: DateTime = strawberry.field(description="Begin of the investigation.")
    investigated_to: DateTime = strawberry.field(description="Its end.")
    remarks: str | None = strawberry.field(default=None, description="Free text.")
    filled_by: str | None = strawberry.field(default=None, description=_BY)
    phone: str = strawberry.field(description=_PHONE)


@strawberry.input(
    description=(
        "A file for a suspected event, its investigation report first of all: a DOCX or XLSX, a "
        "PDF, a PNG or JPEG picture, by its content; at most 2 MB, without scripts, macros and "
        "embedded files."
    )
)
class AttachToSignalInput:
    """A file for a suspected event."""

    idempotency_key: str = strawberry.field(description=_KEY)
    signal: strawberry.ID = strawberry.field(description=_ANY)
    version: int | None = strawberry.field(default=None, description=_SEEN)
    file_name: str = strawberry.field(
        description="Its name. The ending is set to that of what it is."
    )
    content: str = strawberry.field(description="The file in base64.")
    report: bool | None = strawberry.field(
        default=None,
        description="Whether it is the report of the investigation, without which no form is "
        "taken; a PDF or DOCX is, unless told otherwise.",
    )


@strawberry.type(description="A signal after an action.")
class SignalPayload:
    """A signal after an action."""

    signal: Signal = strawberry.field(description="The signal.")
    repeated: bool = strawberry.field(
        description="Whether this is the result of an earlier request with the same key."
    )


SignalResult = Annotated[
    SignalPayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem
    | StepProblem
    | RegionUnavailableProblem,
    strawberry.union("SignalResult", description="The signal, or why nothing was done."),
]
