"""What is filed on a signal: the abnormal information card (annex 1), the investigation of a
suspected event and its form (annex 2), their files and clocks (requirements E9 to E11).
"""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from schema.enum_values import value
from schema.enums import UnitLevel
from schema.fields import column, constant, group, identity, many
from schema.fields import private as _private
from schema.nodes import Node
from schema.privacy import PrivateItem
from schema.scalars import Date, DateTime, PrivateString, RegionCode
from schema.statistics import Disease

if TYPE_CHECKING:
    from schema.alerts import Signal, SignalState

__all__ = [
    "AbnormalInformationCard",
    "AgeGroupCases",
    "CardOccupation",
    "Investigation",
    "InvestigationConclusion",
    "InvestigationForm",
    "InvestigationGround",
    "InvestigationState",
    "OccupationCases",
    "SignalAttachment",
    "SignalClock",
    "SignalClockKind",
    "SignalEvent",
    "SignalEventKind",
    "VerificationManner",
]


def private(item: PrivateItem, description: str, *, name: str) -> Any:
    """A private item of the record's own envelope."""
    return _private(item, description, name=name, of="")


@strawberry.enum(description="How a signal was verified at first (annex 1).")
class VerificationManner(Enum):
    """How a signal was verified at first."""

    DATA_ANALYSIS = value("DATA_ANALYSIS", "By the data on record (监测数据分析).")
    PHONE = value("PHONE", "By telephone (电话核实).")
    OTHER = value("OTHER", "Otherwise, in words (其它).")


@strawberry.enum(description="What the investigation of an event found (annex 2).")
class InvestigationConclusion(Enum):
    """What the investigation of an event found."""

    OUTBREAK = value("OUTBREAK", "An outbreak or epidemic (暴发或流行).")
    EXCLUDED = value("EXCLUDED", "None (排除).")
    CONTINUED_WATCH = value(
        "CONTINUED_WATCH", "To be watched on: further versions follow (继续关注)."
    )


@strawberry.enum(description="Grounds of a conclusion (annex 2).")
class InvestigationGround(Enum):
    """Grounds of a conclusion."""

    PLACE = value("PLACE", "Clustering in place (地区聚集).")
    TIME = value("TIME", "Clustering in time (时间聚集).")
    PEOPLE = value("PEOPLE", "Clustering among people (人群聚集).")
    RARE = value("RARE", "A disease that is rare here (罕见/少见病种).")
    SPREADING = value("SPREADING", "It is spreading (疫情有扩散趋势).")
    SINGLE_CASE = value("SINGLE_CASE", "A disease that signals by a single case (单病例预警).")
    OTHER = value("OTHER", "Another, in words (其他).")


@strawberry.enum(description="How far it is with a suspected event.")
class InvestigationState(Enum):
    """How far it is with a suspected event."""

    SUSPECTED = value("SUSPECTED", "Its number is issued; nobody investigates yet.")
    INVESTIGATING = value("INVESTIGATING", "It is being investigated in the field.")
    CONCLUDED = value("CONCLUDED", "A form is filed; the conclusion is that of the latest.")
    JOINED = value("JOINED", "Its signals joined another event.")


@strawberry.enum(description="Occupations, as the report card lists them.")
class CardOccupation(Enum):
    """Occupations, as the report card lists them."""

    NURSERY_CHILD = value("NURSERY_CHILD", "Child in a nursery (幼托儿童).")
    CHILD_AT_HOME = value("CHILD_AT_HOME", "Child at home (散居儿童).")
    PUPIL_OR_STUDENT = value("PUPIL_OR_STUDENT", "Pupil or student (学生).")
    TEACHER = value("TEACHER", "Teacher (教师).")
    NURSE_OF_CHILDREN = value("NURSE_OF_CHILDREN", "Nurse of children (保育员及保姆).")
    CATERING = value("CATERING", "Food and catering (餐饮食品业).")
    COMMERCE = value("COMMERCE", "Commerce and services (商业服务).")
    MEDICAL = value("MEDICAL", "Medical staff (医务人员).")
    WORKER = value("WORKER", "Worker (工人).")
    MIGRANT_WORKER = value("MIGRANT_WORKER", "Migrant worker (民工).")
    FARMER = value("FARMER", "Farmer (农民).")
    HERDER = value("HERDER", "Herder (牧民).")
    FISHER = value("FISHER", "Fisher or sailor (渔（船）民).")
    OFFICIAL = value("OFFICIAL", "Official or clerk (干部职员).")
    RETIRED = value("RETIRED", "Retired (离退人员).")
    HOUSEWORK_OR_JOBLESS = value("HOUSEWORK_OR_JOBLESS", "Housework or no work (家务及待业).")
    OTHER = value("OTHER", "Another (其他).")
    UNKNOWN = value("UNKNOWN", "Not known (不详).")


@strawberry.enum(description="What is due on a signal.")
class SignalClockKind(Enum):
    """What is due on a signal."""

    ABNORMAL_CARD = value(
        "ABNORMAL_CARD", "The abnormal information card, 2 h after a single-case signal (E10)."
    )
    INVESTIGATION_FORM = value(
        "INVESTIGATION_FORM", "The form and the report, 24 h after the investigation (E11)."
    )


@strawberry.enum(description="What happened to a signal.")
class SignalEventKind(Enum):
    """What happened to a signal."""

    DETECT = value("DETECT", "It was raised; `detail` names the open one that absorbed it.")
    SEND = value("SEND", "It was sent to the duty person.")
    RESEND = value("RESEND", "It was sent again.")
    VIEW = value("VIEW", "An officer of the county looked at it.")
    OVERSEE = value("OVERSEE", "An officer of a level above looked at it.")
    VERIFY = value("VERIFY", "The county began to verify it.")
    EXCLUDE = value("EXCLUDE", "An abnormal information card: no event.")
    SUSPECT = value("SUSPECT", "An abnormal information card: a suspected event.")
    INVESTIGATE = value("INVESTIGATE", "The investigation was started, or taken up for it.")
    END = value("END", "The end of the investigation in the field was told.")
    CONCLUDE = value("CONCLUDE", "An investigation form.")
    ATTACH = value("ATTACH", "A file was attached.")


@strawberry.type(description="One event of a signal: its trail keeps all.")
class SignalEvent:
    """One event of a signal."""

    id: strawberry.ID = identity()
    at: DateTime = column("When.")
    event: SignalEventKind = column("What happened.")
    from_state: Annotated["SignalState", strawberry.lazy("schema.alerts")] | None = column(
        "The state before; null: there was none."
    )
    to_state: Annotated["SignalState", strawberry.lazy("schema.alerts")] = column(
        "The state after."
    )
    actor: str | None = column("The account; null: the gateway itself.")
    unit_id: strawberry.ID | None = column("Id of the account's unit.")
    detail: str | None = column("More of it as JSON: codes and numbers.")


@strawberry.type(description="Something due on a signal or event by an instant.")
class SignalClock:
    """Something due on a signal or event."""

    id: strawberry.ID = identity()
    kind: SignalClockKind = column("What.")
    unit_id: strawberry.ID = column("Id of the unit responsible.")
    opened_at: DateTime = column("Since when.")
    due_at: DateTime = column("By when; no clock is ever set back.")
    met_at: DateTime | None = column("When it was done.")
    missed_at: DateTime | None = column("When it ran out undone; stays once it is done late.")
    dropped_at: DateTime | None = column("When it was no longer wanted.")


@strawberry.type(
    description=(
        "An abnormal information card (异常信息卡, annex 1): one version of it, as filed. What the "
        "card's words say is seen by the unit that filed it, and with a right to REMARKS of cases."
    )
)
class AbnormalInformationCard:
    """One version of an abnormal information card."""

    id: strawberry.ID = identity()
    version: int = column("Which version, from 1.")
    province: str | None = column("Province of the reporting unit (填报单位).")
    city: str | None = column("City of the reporting unit.")
    county: str = column("County of the reporting unit.")
    signal_number: str = column("Number of the signal (预警信号编号).")
    sent_at: DateTime | None = column(
        "When the signal was sent (预警信号发出时间); null: answered, and not sent yet."
    )
    disease: Disease = constant("Disease of the signal (预警病种).", by="disease")
    cases: int = column("Cases of the 7 days before the signal day (预警病例数).")
    deaths: int = column("Deaths among them (预警死亡数).")
    verified_by: list[VerificationManner] = column("How it was verified at first (初步核实方式).")
    townships: int = column("Townships with cases (乡镇、街道数).")
    schools: bool = column("Whether schools or kindergartens are involved (涉及学校、托幼机构).")
    suspected: bool = column("Whether it is a suspected event (初步判断是否为疑似事件).")
    place: bool = column("Clustering in place (地区聚集).")
    time: bool = column("Clustering in time (时间聚集).")
    people: bool = column("Clustering among people (人群聚集).")
    rare: bool = column("A disease that is rare here (罕见/少见病种).")
    single_case: bool = column("A disease that signals by a single case (单病例预警的特殊病种).")
    spreading: bool = column("It is spreading (疫情有扩散趋势).")
    event_number: str | None = column("Number of the event (疑似事件编号), where it is suspected.")
    unit_id: strawberry.ID = column("Id of the unit that filed it.", name="reporter_unit")
    account: str = column("Login name of whoever filed it.", name="reporter")
    filled_at: DateTime = column("When it was filed (填报时间).")
    verification_text: PrivateString | None = private(
        PrivateItem.REMARKS, "How else it was verified.", name="verification_text"
    )
    place_reason: PrivateString | None = private(
        PrivateItem.REMARKS, "Why in place.", name="place_reason"
    )
    time_reason: PrivateString | None = private(
        PrivateItem.REMARKS, "Why in time.", name="time_reason"
    )
    people_reason: PrivateString | None = private(
        PrivateItem.REMARKS, "Why among people.", name="people_reason"
    )
    rare_reason: PrivateString | None = private(
        PrivateItem.REMARKS, "Why rare.", name="rare_reason"
    )
    single_case_reason: PrivateString | None = private(
        PrivateItem.REMARKS, "Why by a single case.", name="single_case_reason"
    )
    spreading_reason: PrivateString | None = private(
        PrivateItem.REMARKS, "Why spreading.", name="spreading_reason"
    )
    remarks: PrivateString | None = private(
        PrivateItem.REMARKS, "Free text (备注).", name="remarks"
    )
    filled_by: PrivateString | None = private(
        PrivateItem.NAME, "Who filled it in (填报人).", name="filled_by"
    )
    phone: PrivateString | None = private(
        PrivateItem.PHONE, "The filler's telephone (联系电话).", name="phone"
    )


@strawberry.type(description="Cases of an event by age in years.")
class AgeGroupCases:
    """Cases of an event by age."""

    from_0: int = column("Under 7.")
    from_7: int = column("From 7 to 11.")
    from_12: int = column("From 12 to 17.")
    from_18: int = column("From 18 to 59.")
    from_60: int = column("60 and more.")


@strawberry.type(description="Cases of an event of one occupation.")
class OccupationCases:
    """Cases of an event of one occupation."""

    id: strawberry.ID = identity()
    occupation: CardOccupation = column("Occupation.")
    cases: int = column("Cases.")


@strawberry.type(
    description=(
        "An investigation form (现场调查表, annex 2): one version of it, as filed. Its words are "
        "seen like those of the card."
    )
)
class InvestigationForm:
    """One version of an investigation form."""

    id: strawberry.ID = identity()
    version: int = column("Which version, from 1.")
    province: str | None = column("Province of the reporting unit (填报单位).")
    city: str | None = column("City of the reporting unit.")
    county: str = column("County of the reporting unit.")
    event_number: str = column("Number of the event (疑似事件编号).")
    signal_numbers: list[str] = column("Numbers of its signals (预警信号编号), the first first.")
    sent_at: DateTime | None = column("When the first of them was sent (预警信号发出时间).")
    disease: Disease = constant("Disease of the signal (预警病种).", by="disease")
    verified_disease: strawberry.ID | None = column("Disease after verification (核实后病种).")
    laboratory_positive: bool = column("Whether a laboratory found it (实验室阳性检测结果).")
    townships: int = column("Townships with cases (波及乡镇、街道数).")
    cases: int = column("Cases so far (累计病例数).")
    deaths: int = column("Deaths so far (死亡数).")
    first_township_cases: int | None = column("Cases of the township with most.")
    second_township_cases: int | None = column("Cases of the second.")
    third_township_cases: int | None = column("Cases of the third.")
    schools: int = column("Schools and kindergartens with cases (波及学校或托幼机构).")
    school_cases: int = column("Cases there.")
    first_onset_on: Date | None = column("Onset of the first case (首发病例发病时间).")
    ages: AgeGroupCases = group("Cases by age (病例主要年龄分布).", prefix="age_")
    occupations: list[OccupationCases] = many(
        "Cases by occupation (病例主要职业分布).", "OccupationCases", by="form_id"
    )
    conclusion: InvestigationConclusion = column("The conclusion (调查结论).")
    grounds: list[InvestigationGround] = column("Its grounds (判断依据).")
    units: list[UnitLevel] = column("Levels of the units that took part (参与判断单位).")
    investigated_from: DateTime = column("Begin of the investigation (现场调查起).")
    investigated_to: DateTime = column("Its end (现场调查止).")
    unit_id: strawberry.ID = column("Id of the unit that filed it.", name="reporter_unit")
    account: str = column("Login name of whoever filed it.", name="reporter")
    filled_at: DateTime = column("When it was filed (填报时间).")
    verified_disease_text: PrivateString | None = private(
        PrivateItem.REMARKS, "Disease after verification, typed.", name="verified_disease_text"
    )
    first_township: PrivateString | None = private(
        PrivateItem.RESIDENCE, "Name of the township with most cases.", name="first_township"
    )
    second_township: PrivateString | None = private(
        PrivateItem.RESIDENCE, "Name of the second.", name="second_township"
    )
    third_township: PrivateString | None = private(
        PrivateItem.RESIDENCE, "Name of the third.", name="third_township"
    )
    grounds_text: PrivateString | None = private(
        PrivateItem.REMARKS, "The grounds in words.", name="grounds_text"
    )
    remarks: PrivateString | None = private(
        PrivateItem.REMARKS, "Free text (备注).", name="remarks"
    )
    filled_by: PrivateString | None = private(
        PrivateItem.NAME, "Who filled it in (填报人).", name="filled_by"
    )
    phone: PrivateString | None = private(
        PrivateItem.PHONE, "The filler's telephone (联系电话).", name="phone"
    )


@strawberry.type(
    description=(
        "A file of an event: the investigation report, pictures. What is in it is fetched by "
        "whoever may see `fileName` in clear, with `GET /signals/attachments/<number of the id>`."
    )
)
class SignalAttachment(Node):
    """A file of an event."""

    id: strawberry.ID = identity()
    event_number: str = column("Number of the event.")
    unit_id: strawberry.ID = column("Id of the unit that attached it.", name="reporter_unit")
    account: str = column("Login name of whoever attached it.", name="reporter")
    report: bool = column("Whether it is the report of the investigation (现场调查报告).")
    media_type: str = column("What it is, by its content.")
    size: int = column("Its size in bytes.")
    created_at: DateTime = column("When it was attached.")
    file_name: PrivateString | None = private(
        PrivateItem.REMARKS, "Name of the file.", name="file_name"
    )


@strawberry.type(description="A suspected event (疑似事件) and its investigation.")
class Investigation:
    """A suspected event and its investigation."""

    id: strawberry.ID = identity()
    number: str = column("Number of the event (疑似事件编号).")
    state: InvestigationState = column("How far it is.")
    code: RegionCode = column("The county.")
    unit_id: strawberry.ID = column("Id of the unit that investigates.")
    disease: Disease = constant("Disease of the first signal.", by="disease")
    conclusion: InvestigationConclusion | None = column("The conclusion of the latest form.")
    issued_at: DateTime = column("When its number was issued.")
    started_at: DateTime | None = column("When the investigation was started.")
    ended_at: DateTime | None = column("When the investigation in the field ended.")
    form_due: DateTime | None = column("By when the form is due: 24 h after that.")
    concluded_at: DateTime | None = column("When the first form was filed.")
    signals: list[Annotated["Signal", strawberry.lazy("schema.alerts")]] = many(
        "Its signals.", "Signal", by="event_id"
    )
    forms: list[InvestigationForm] = many(
        "All versions of its form, the first first.", "InvestigationForm", by="investigation_id"
    )
    attachments: list[SignalAttachment] = many(
        "Its files.", "SignalAttachment", by="investigation_id"
    )
    clocks: list[SignalClock] = many("What is or was due.", "SignalClock", by="investigation_id")
