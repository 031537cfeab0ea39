"""Refusals: a mutation that stops with a named problem, before or inside its transaction.

Messages are in English and Chinese and never hold a private value, nor say more of a record that
the viewer may not open than that there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from regions.settings import RegionSettings
from resolvers.writing.failures import WriteFailed
from schema.enums import RegionState
from schema.transfers import CustodyState
from schema.writing.problems import (
    ForbiddenProblem,
    IdempotencyConflict,
    InvalidInputProblem,
    Mistake,
    NotCustodianProblem,
    NotFoundProblem,
    Problem,
    RegionUnavailableProblem,
    StepProblem,
)

__all__ = [
    "ERASED_PERSON",
    "Mistakes",
    "Refusal",
    "conflict",
    "forbidden",
    "lost",
    "not_custodian",
    "not_found",
    "refused_step",
    "restored",
    "retold",
    "told",
    "unavailable",
]

Path = Sequence[str]


class Refusal(Exception):
    """Stops a mutation; what was written in its transaction is rolled back."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


class Mistakes:
    """The mistakes of an input, collected so that all of them are told at once."""

    def __init__(self, path: Path = ()) -> None:
        self._path = list(path)
        self.found: list[Mistake] = []

    def add(self, path: Path, message: str, message_zh: str) -> None:
        """Adds a mistake at a path below that of the input."""
        self.found.append(
            Mistake(path=[*self._path, *path], message=message, message_zh=message_zh)
        )

    def has(self, path: Path) -> bool:
        """Whether a mistake stands at a path below that of the input."""
        return any(one.path == [*self._path, *path] for one in self.found)

    def problem(self) -> InvalidInputProblem:
        """All of them as a problem."""
        first = self.found[0]
        return InvalidInputProblem(
            code="INVALID_INPUT",
            message=first.message,
            message_zh=first.message_zh,
            path=first.path,
            mistakes=self.found,
        )

    def stop(self) -> None:
        """Raises Refusal if there are any."""
        if self.found:
            raise Refusal(self.problem())


def conflict() -> Refusal:
    """The key was used before for something else."""
    return Refusal(
        IdempotencyConflict(
            code="IDEMPOTENCY_CONFLICT",
            message="this idempotency key was used before with another input; use a new key",
            message_zh="该幂等键已用于其他内容，请换用新的键",
        )
    )


def forbidden(message: str, message_zh: str) -> Refusal:
    """The viewer's role or jurisdiction does not allow it."""
    return Refusal(ForbiddenProblem(code="FORBIDDEN", message=message, message_zh=message_zh))


def not_found(*path: str) -> Refusal:
    """No such record that the viewer may open."""
    return Refusal(
        NotFoundProblem(
            code="NOT_FOUND",
            message="there is no such record, or none that you may open",
            message_zh="没有该记录，或无权打开",
            path=list(path),
        )
    )


def refused_step(reason: str, message: str, message_zh: str) -> Refusal:
    """The step cannot be taken; `reason` is a stable name."""
    return Refusal(
        StepProblem(code="STEP_REFUSED", message=message, message_zh=message_zh, reason=reason)
    )


def not_custodian(
    message: str,
    message_zh: str,
    *,
    person: str,
    custodian: str,
    unit: str | None,
    state: str,
    since: str | None,
) -> Refusal:
    """Another region answers for the person. `person` is an id as clients know it."""
    return Refusal(
        NotCustodianProblem(
            code="NOT_CUSTODIAN",
            message=message,
            message_zh=message_zh,
            person_id=person,  # type: ignore[arg-type]  # scalars are text
            custodian=custodian,  # type: ignore[arg-type]  # scalars are text
            unit=unit,  # type: ignore[arg-type]  # scalars are text
            state=CustodyState[state],
            since=since,  # type: ignore[arg-type]  # scalars are text
        )
    )


def unavailable(failed: WriteFailed) -> Refusal:
    """The store did not take the write, or its answer was lost."""
    settings = failed.settings
    where, where_zh = f"{settings.code} {settings.name_en}", f"{settings.code} {settings.name_zh}"
    if failed.written is None:
        message = (
            f"region {where} did not confirm the write: send the same request with the same key "
            "to find out whether it was made"
        )
        message_zh = f"{where_zh} 未确认写入结果：请用同一幂等键重发同一请求以查明"
    else:
        message = f"region {where} did not answer ({failed.reason}); nothing was changed there"
        message_zh = f"{where_zh} 未应答，未作任何更改"
    return Refusal(
        RegionUnavailableProblem(
            code="REGION_UNAVAILABLE",
            message=message,
            message_zh=message_zh,
            region=settings.code,  # type: ignore[arg-type]  # scalars are text
            state=RegionState[failed.state],
            written=failed.written,
        )
    )


def restored(settings: RegionSettings) -> Refusal:
    """The store was put back from an older backup and is not yet mended: nothing is kept with the
    key, and the same request is taken afterwards.
    """
    where, where_zh = f"{settings.code} {settings.name_en}", f"{settings.code} {settings.name_zh}"
    return Refusal(
        RegionUnavailableProblem(
            code="REGION_UNAVAILABLE",
            message=(
                f"the store of region {where} was put back from an older backup and is being "
                "mended; nothing was changed: send the same request with the same key again, when "
                "all regions answer"
            ),
            message_zh=(
                f"{where_zh} 的数据库由较早的备份恢复，正在与其他地区核对，未作任何更改：请在各地区"
                "均可应答后用同一幂等键重发"
            ),
            region=settings.code,  # type: ignore[arg-type]  # scalars are text
            state=RegionState.RESTORED,
            written=False,
        )
    )


def lost(settings: Any, state: str) -> Refusal:
    """It was written, and the region failed before it could be read back."""
    where, where_zh = f"{settings.code} {settings.name_en}", f"{settings.code} {settings.name_zh}"
    return Refusal(
        RegionUnavailableProblem(
            code="REGION_UNAVAILABLE",
            message=(
                f"it was written, but region {where} does not answer now: send the same request "
                "with the same key to see the record"
            ),
            message_zh=f"已写入，但 {where_zh} 现未应答：请用同一幂等键重发同一请求以查看记录",
            region=settings.code,
            state=RegionState[state],
            written=True,
        )
    )


def told(problem: Problem) -> dict[str, Any]:
    """A problem as JSON, to be kept with an idempotency key (not for an unavailable region)."""
    kept: dict[str, Any] = {
        "code": problem.code,
        "en": problem.message,
        "zh": problem.message_zh,
    }
    if isinstance(problem, InvalidInputProblem):
        kept["mistakes"] = [[m.path, m.message, m.message_zh] for m in problem.mistakes]
    elif isinstance(problem, NotFoundProblem):
        kept["path"] = problem.path
    elif isinstance(problem, StepProblem):
        kept["reason"] = problem.reason
    elif isinstance(problem, NotCustodianProblem):
        kept["custody"] = {
            "person": problem.person_id,
            "custodian": problem.custodian,
            "unit": problem.unit,
            "state": problem.state.name,
            "since": problem.since,
        }
    return kept


def retold(kept: Mapping[str, Any]) -> Problem:
    """The problem that was told so."""
    if "mistakes" in kept:
        mistakes = Mistakes()
        for mistake in kept["mistakes"]:
            mistakes.add(*mistake)
        return mistakes.problem()
    if "path" in kept:
        return not_found(*kept["path"]).problem
    if "reason" in kept:
        return refused_step(kept["reason"], kept["en"], kept["zh"]).problem
    if "custody" in kept:
        return not_custodian(kept["en"], kept["zh"], **kept["custody"]).problem
    return forbidden(kept["en"], kept["zh"]).problem


ERASED_PERSON = (
    "the person was erased: nothing private can be kept of this person any more",
    "该人员信息已依法删除，不能再登记其个人信息",
)
"""Why a record of an erased person takes no private item."""
