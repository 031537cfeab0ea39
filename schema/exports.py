"""Exports: lists as files (F2, F9)."""

from enum import Enum
from typing import Annotated

import strawberry

from schema.cases import CaseFilter, CaseOrder
from schema.contacts import ContactFilter, ContactOrder
from schema.nodes import PageInfo
from schema.scalars import DateTime, RegionCode
from schema.writing.problems import (
    ForbiddenProblem,
    IdempotencyConflict,
    InvalidInputProblem,
    NotFoundProblem,
    StepProblem,
)

__all__ = [
    "DecideExportInput",
    "DecideExportPayload",
    "DecideExportResult",
    "Export",
    "ExportConnection",
    "ExportDecision",
    "ExportDownload",
    "ExportEdge",
    "ExportFilter",
    "ExportFormat",
    "ExportKind",
    "ExportState",
    "RequestExportInput",
    "RequestExportPayload",
    "RequestExportResult",
]


@strawberry.enum(description="What can be exported.")
class ExportKind(Enum):
    """What can be exported."""

    CASES = strawberry.enum_value("CASES", description="The list `cases`.")
    CONTACTS = strawberry.enum_value("CONTACTS", description="The list `contacts`.")


@strawberry.enum(description="Format of a file.")
class ExportFormat(Enum):
    """Format of a file."""

    CSV = strawberry.enum_value("CSV", description="Comma separated, UTF-8.")
    XLSX = strawberry.enum_value("XLSX", description="A workbook.")


@strawberry.enum(description="Where an export stands.")
class ExportState(Enum):
    """Where an export stands."""

    WAITING = strawberry.enum_value("WAITING", description="Waits for approval (待审批).")
    READY = strawberry.enum_value("READY", description="Can be fetched by its link (可下载).")
    REFUSED = strawberry.enum_value("REFUSED", description="Was refused, with a reason (已拒绝).")
    DELIVERED = strawberry.enum_value(
        "DELIVERED", description="Was fetched to its end; the link serves once (已下载)."
    )
    EXPIRED = strawberry.enum_value("EXPIRED", description="Its time is over (已过期).")


@strawberry.enum(description="What becomes of an export that waits.")
class ExportDecision(Enum):
    """What becomes of an export that waits."""

    APPROVE = strawberry.enum_value("APPROVE", description="It may be fetched (批准).")
    REFUSE = strawberry.enum_value("REFUSE", description="It may not (拒绝).")


@strawberry.type(description="One time that a file was fetched.")
class ExportDownload:
    """One time that a file was fetched."""

    started_at: DateTime = strawberry.field(description="When it began.")
    ended_at: DateTime | None = strawberry.field(description="When it ended; null while it runs.")
    ending: str | None = strawberry.field(
        description="`COMPLETE`, or the code of what ended it before its end."
    )
    rows: int | None = strawberry.field(description="Records in the file.")
    missing: list[RegionCode] = strawberry.field(
        description="Regions whose records are not all in the file; it names them itself, too."
    )
    sha256: str | None = strawberry.field(
        description="Hash of the content, as it stands in the file and in the access log."
    )


@strawberry.type(description="A list as a file: asked for, approved where it is large, fetched.")
class Export:
    """A list as a file."""

    id: strawberry.ID = strawberry.field(description="Its id.")
    kind: ExportKind = strawberry.field(description="Of what.")
    format: ExportFormat = strawberry.field(description="Format.")
    columns: list[str] = strawberry.field(description="Columns, by the names of fields.")
    purpose: str = strawberry.field(description="What it is for.")
    recipient: str | None = strawberry.field(
        description="Who it is for outside, by a data-service request; else null."
    )
    state: ExportState = strawberry.field(description="Where it stands.")
    rows: int = strawberry.field(description="Records, as counted when it was asked for.")
    missing: list[RegionCode] = strawberry.field(
        description="Regions that did not answer then: their records are not in `rows`."
    )
    url: str | None = strawberry.field(
        description=(
            "Where the file is fetched, with the token of whoever asked for it: `/exports/…`. "
            "Null unless READY, and for anybody else."
        )
    )
    requested_at: DateTime = strawberry.field(description="When it was asked for.")
    expires_at: DateTime = strawberry.field(description="When its time is over.")
    requested_by: str = strawberry.field(description="Login name of who asked.")
    requester_name: str = strawberry.field(description="Name of the account's holder.")
    decided_by: str | None = strawberry.field(description="Login name of who decided, if needed.")
    decided_at: DateTime | None = strawberry.field(description="When it was decided.")
    reason: str | None = strawberry.field(description="Why it was approved or refused.")
    downloads: list[ExportDownload] = strawberry.field(description="Every time it was fetched.")


@strawberry.input(description="Which exports.")
class ExportFilter:
    """Which exports."""

    ids: list[strawberry.ID] | None = strawberry.field(default=None, description="These.")
    state: list[ExportState] | None = strawberry.field(default=None, description="That stand so.")


@strawberry.type(description="An export in a list.")
class ExportEdge:
    """An export in a list."""

    cursor: str = strawberry.field(description="Opaque place in the list.")
    node: Export = strawberry.field(description="The export.")


@strawberry.type(description="A page of exports, newest first.")
class ExportConnection:
    """A page of exports, newest first."""

    edges: list[ExportEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page ends.")


@strawberry.input(
    description="A list to be exported. Filter and order are those of the list, for its kind alone."
)
class RequestExportInput:
    """A list to be exported."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every export: a UUID, say."
    )
    kind: ExportKind = strawberry.field(description="Of what.")
    format: ExportFormat = strawberry.field(default=ExportFormat.CSV, description="Format.")
    columns: list[str] = strawberry.field(
        description=(
            "1 to 60 fields of a record in the order wanted, those of what it belongs to after a "
            "dot: `id`, `name`, `disease.nameZh`, `observation.dueOn`, `person.birthDate`."
        )
    )
    purpose: str = strawberry.field(
        description="What it is for, at most 200 characters; names nobody."
    )
    byte_order_mark: bool = strawberry.field(
        default=True, description="CSV: whether it begins with one, as Excel needs for UTF-8."
    )
    cases: CaseFilter | None = strawberry.field(
        default=None, description="Which cases; all unless given."
    )
    signal: strawberry.ID | None = strawberry.field(
        default=None,
        description=(
            "Cases: only the report cards behind this signal (`Signal.casesBehind`), as they are "
            "when the file is fetched; `cases` narrows them further."
        ),
    )
    case_order: list[CaseOrder] | None = strawberry.field(
        default=None, description="Order of cases; newest first unless given."
    )
    contacts: ContactFilter | None = strawberry.field(
        default=None, description="Which contacts; all unless given."
    )
    contact_order: list[ContactOrder] | None = strawberry.field(
        default=None, description="Order of contacts; newest first unless given."
    )
    data_request: strawberry.ID | None = strawberry.field(
        default=None,
        description=(
            "An approved request for data (F9) that the viewer filed: the file is for whom it "
            "names, and holds no more than what was approved. It serves for one export."
        ),
    )


@strawberry.input(description="A decision about an export that waits.")
class DecideExportInput:
    """A decision about an export that waits."""

    idempotency_key: str = strawberry.field(
        description="1 to 200 printable characters, new for every decision."
    )
    export: strawberry.ID = strawberry.field(description="Which.")
    decision: ExportDecision = strawberry.field(description="What becomes of it.")
    reason: str = strawberry.field(description="Why, at most 200 characters.")


_REPEATED = "Whether this is the result of an earlier request with the same key."


@strawberry.type(description="An export that was asked for.")
class RequestExportPayload:
    """An export that was asked for."""

    export: Export = strawberry.field(description="The export.")
    repeated: bool = strawberry.field(description=_REPEATED)


@strawberry.type(description="An export that was decided about.")
class DecideExportPayload:
    """An export that was decided about."""

    export: Export = strawberry.field(description="The export.")
    repeated: bool = strawberry.field(description=_REPEATED)


RequestExportResult = Annotated[
    RequestExportPayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem
    | StepProblem,
    strawberry.union("RequestExportResult", description="The export, or why there is none."),
]

DecideExportResult = Annotated[
    DecideExportPayload
    | InvalidInputProblem
    | IdempotencyConflict
    | ForbiddenProblem
    | NotFoundProblem,
    strawberry.union("DecideExportResult", description="The export, or why nothing was decided."),
]
