"""The words of a handoff: what is offered, by whom, what came of it, why a step is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

__all__ = ["MOST_PEOPLE", "Offer", "OfferedPerson", "Outcome", "PersonOutcome", "Refusal", "Who"]

MOST_PEOPLE = 1_000
"""People of one transfer."""


class Refusal(Enum):
    """Why a step of a transfer is not taken: a stable name, in English and Chinese."""

    EMPTY = ("name at least one person", "请至少选择一名人员")
    TOO_MANY = (
        "at most 1,000 people in one transfer: make several",
        "一次转运最多 1000 人，请分批办理",
    )
    SAME_UNIT = ("the unit answers for these people already", "转出单位与接收单位相同，无需转运")
    NO_SUCH_PERSON = ("there is no such person in this region", "本地区没有该人员")
    ERASED = ("the person was erased", "该人员的个人信息已被删除")
    ELSEWHERE = (
        "another region answers for the person: see custody",
        "该人员现由其他地区负责管理，见 custody",
    )
    OFFERED = (
        "the person is offered to another unit already: cancel that transfer first",
        "该人员正在转运中，请先撤回该转运",
    )
    PENDING = (
        "the person is offered to this region: accept the person first",
        "该人员正在转入本地区，请先接收",
    )
    FENCED = (
        "this store is behind: it was restored from an older backup, and the person was handed "
        "over since; run `epigate custody check`",
        "本地区数据库由较早的备份恢复，该人员此后已移交；请运行 epigate custody check",
    )
    EPOCH = (
        "custody of the person changed since it was read: read it again",
        "该人员的管理责任已变更，请重新读取",
    )
    TRANSFER_CONFLICT = (
        "this transfer id was used for another offer: choose another id",
        "该转运编号已用于其他转运，请更换编号",
    )
    NO_SUCH_TRANSFER = ("there is no such transfer in this region", "本地区没有该转运")
    NOT_IN_TRANSFER = ("the person is not in this transfer", "该人员不在此转运中")
    NOT_RECEIVER = ("the receiving unit decides and records arrival", "应由接收单位办理")
    NOT_SENDER = ("only the offering unit takes an offer back", "只能由转出单位撤回")
    ACCEPTED = ("the person was accepted already", "该人员已被接收")
    REFUSED = ("the person was refused already", "该人员已被退回")
    CANCELLED = ("the offer of the person was taken back", "该人员的转运已被撤回")
    HANDED = ("the person was handed over already", "该人员已完成移交")
    CONTRADICTION = (
        "a person is both accepted and refused: name each once",
        "同一人员不能既接收又退回",
    )
    NOT_HANDED = (
        "nobody of this transfer has been handed over yet",
        "此转运尚无人员完成移交",
    )

    @property
    def english(self) -> str:
        """What is wrong and how to mend it, in English."""
        return self.value[0]

    @property
    def chinese(self) -> str:
        """The same in Chinese."""
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Who:
    """The account that acts, its unit, and the unit's county (six digits)."""

    account: str
    unit_id: str
    code: str


@dataclass(frozen=True, slots=True)
class OfferedPerson:
    """A person to hand over. `epoch` is the one custody was read at, None: whatever it is now.

    `escort` and `remarks` are private: they are sealed under the person's key.
    """

    person_id: int
    epoch: int | None = None
    escort: str | None = field(default=None, repr=False)
    remarks: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Offer:
    """What is offered. The same transfer id again must offer the same.

    Regions have six digits, `to_code` is the county of the receiving unit. `reason` is a name of
    TransferReason, `items` are names of PrivateItem: what the receiving unit may see in clear
    before it decides, none for masked records. Times are recorded, nothing is decided by them.
    """

    transfer_id: str
    to_region: str
    to_unit: str
    to_code: str
    people: tuple[OfferedPerson, ...]
    reason: str
    planned_at: str | None = None
    departed_at: str | None = None
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonOutcome:
    """What became of one person: a name of TransferOutcome, None where nothing was written of the
    person; the code given for it, and the refusal where the step could not be taken.
    """

    outcome: str | None
    reason_code: str | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step came to in this store. A step refused as a whole has written nothing.

    `state` is a name of TransferState, None where there is no such transfer. `messages` are the ids
    of what was posted. `repeated`: the step was taken before, and nothing was written now.
    """

    transfer_id: str
    state: str | None
    people: Mapping[int, PersonOutcome]
    messages: tuple[str, ...] = ()
    refusal: Refusal | None = None
    repeated: bool = False
