"""The enums of the registry. Values are stored as their names; Chinese terms stand in brackets."""

from enum import Enum

import strawberry

__all__ = [
    "AlertMethod",
    "CaseClassification",
    "CaseOrigin",
    "CaseOutcome",
    "ContactFrequency",
    "ContactLevel",
    "ContactManner",
    "ContactOutcome",
    "ContactRoute",
    "Direction",
    "ExposureKind",
    "FoundBy",
    "LawClass",
    "MedicalWorker",
    "ObservationMode",
    "RecordKind",
    "RegionState",
    "RelationToCase",
    "SampleResult",
    "SampleTest",
    "Specimen",
    "Step",
    "Symptom",
    "Traced",
    "UnitLevel",
    "VisitKind",
]


@strawberry.enum(description="How near a contact was to a case (DB32 3.1).")
class ContactLevel(Enum):
    """How near a contact was to a case (DB32 3.1)."""

    CLOSE = strawberry.enum_value("CLOSE", description="Close contact (密接).")
    SECONDARY = strawberry.enum_value(
        "SECONDARY", description="Contact of a close contact (密接的密接)."
    )
    GENERAL = strawberry.enum_value("GENERAL", description="General contact (一般接触者).")


@strawberry.enum(description="How a contact came to be known here (DB32 3.3).")
class ContactRoute(Enum):
    """How a contact came to be known here (DB32 3.3)."""

    OWN_SCREENING = strawberry.enum_value(
        "OWN_SCREENING", description="Found by own screening (本地排查)."
    )
    OTHER_PROVINCE = strawberry.enum_value(
        "OTHER_PROVINCE", description="Letter of another province (外省协查)."
    )
    OTHER_CITY = strawberry.enum_value(
        "OTHER_CITY", description="Letter of another city (外市协查)."
    )
    OTHER_COUNTY = strawberry.enum_value(
        "OTHER_COUNTY", description="Letter of another county (外县协查)."
    )


@strawberry.enum(description="How a contact met the case.")
class ContactManner(Enum):
    """How a contact met the case."""

    SHARED_MEAL = strawberry.enum_value("SHARED_MEAL", description="Shared a meal (同餐).")
    SHARED_RESIDENCE = strawberry.enum_value(
        "SHARED_RESIDENCE", description="Lives together (同住)."
    )
    SHARED_ROOM = strawberry.enum_value("SHARED_ROOM", description="Shared a room (同屋).")
    SHARED_BED = strawberry.enum_value("SHARED_BED", description="Shared a bed (同床).")
    SHARED_OFFICE_OR_CLASS = strawberry.enum_value(
        "SHARED_OFFICE_OR_CLASS", description="Same office or class (同办公室或班级)."
    )
    SHARED_VEHICLE_OR_FLIGHT = strawberry.enum_value(
        "SHARED_VEHICLE_OR_FLIGHT", description="Same vehicle or flight (同交通工具)."
    )
    MEDICAL_CARE = strawberry.enum_value(
        "MEDICAL_CARE", description="Gave or had medical care (诊疗)."
    )
    NURSING = strawberry.enum_value("NURSING", description="Nursed (护理).")
    SHARED_WARD = strawberry.enum_value("SHARED_WARD", description="Same ward (同病房).")
    ENTERTAINMENT = strawberry.enum_value("ENTERTAINMENT", description="Entertainment (娱乐).")
    OTHER = strawberry.enum_value("OTHER", description="Another manner (其他).")


@strawberry.enum(description="How often a contact met the case.")
class ContactFrequency(Enum):
    """How often a contact met the case."""

    ONCE = strawberry.enum_value("ONCE", description="Once (一次).")
    OCCASIONAL = strawberry.enum_value("OCCASIONAL", description="Now and then (偶尔).")
    REGULAR = strawberry.enum_value("REGULAR", description="Regularly (一般).")
    FREQUENT = strawberry.enum_value("FREQUENT", description="Often (经常).")


@strawberry.enum(description="What a contact is to the case.")
class RelationToCase(Enum):
    """What a contact is to the case."""

    FAMILY = strawberry.enum_value("FAMILY", description="Family (家人).")
    COLLEAGUE = strawberry.enum_value("COLLEAGUE", description="Colleague (同事).")
    CLASSMATE = strawberry.enum_value("CLASSMATE", description="Classmate (同学).")
    FRIEND = strawberry.enum_value("FRIEND", description="Friend (朋友).")
    NEIGHBOUR = strawberry.enum_value("NEIGHBOUR", description="Neighbour (邻居).")
    FELLOW_PATIENT = strawberry.enum_value("FELLOW_PATIENT", description="Fellow patient (病友).")
    CARER = strawberry.enum_value("CARER", description="Carer (护理人员).")
    FELLOW_PASSENGER = strawberry.enum_value(
        "FELLOW_PASSENGER", description="Fellow passenger (同乘)."
    )
    OTHER = strawberry.enum_value("OTHER", description="Other (其他).")


@strawberry.enum(description="Where a contact is observed.")
class ObservationMode(Enum):
    """Where a contact is observed."""

    HOME = strawberry.enum_value("HOME", description="At home (居家).")
    CENTRAL = strawberry.enum_value("CENTRAL", description="At a central place (集中).")
    HOSPITAL = strawberry.enum_value("HOSPITAL", description="In hospital (医院).")
    AWAITING_TRANSFER = strawberry.enum_value(
        "AWAITING_TRANSFER", description="Awaiting transfer (待转运)."
    )


@strawberry.enum(description="How the observation of a contact ended.")
class ContactOutcome(Enum):
    """How the observation of a contact ended."""

    CONTINUING = strawberry.enum_value("CONTINUING", description="Under observation (观察中).")
    RELEASED = strawberry.enum_value("RELEASED", description="Released (解除).")
    TURNED_POSITIVE = strawberry.enum_value(
        "TURNED_POSITIVE", description="Tested positive (转阳性)."
    )
    TURNED_CONFIRMED = strawberry.enum_value(
        "TURNED_CONFIRMED", description="Became a confirmed case (转确诊)."
    )


@strawberry.enum(description="Whether a contact was found.")
class Traced(Enum):
    """Whether a contact was found."""

    YES = strawberry.enum_value("YES", description="Found (已追踪).")
    NO = strawberry.enum_value("NO", description="Not found (未追踪).")
    MOVED_TO_OTHER_PROVINCE = strawberry.enum_value(
        "MOVED_TO_OTHER_PROVINCE", description="Went to another province (已去外省)."
    )


@strawberry.enum(description="How certain a case is.")
class CaseClassification(Enum):
    """How certain a case is."""

    SUSPECTED = strawberry.enum_value("SUSPECTED", description="Suspected (疑似).")
    PROBABLE = strawberry.enum_value("PROBABLE", description="Clinically diagnosed (临床诊断).")
    CONFIRMED = strawberry.enum_value("CONFIRMED", description="Confirmed (确诊).")
    ASYMPTOMATIC = strawberry.enum_value(
        "ASYMPTOMATIC", description="Carrier without symptoms (无症状感染者)."
    )
    EXCLUDED = strawberry.enum_value("EXCLUDED", description="Excluded (排除).")


@strawberry.enum(description="Where a case was infected.")
class CaseOrigin(Enum):
    """Where a case was infected."""

    LOCAL = strawberry.enum_value("LOCAL", description="Here (本地).")
    IMPORTED = strawberry.enum_value("IMPORTED", description="Elsewhere (输入).")


@strawberry.enum(description="How a case ended.")
class CaseOutcome(Enum):
    """How a case ended."""

    UNDER_TREATMENT = strawberry.enum_value(
        "UNDER_TREATMENT", description="Under treatment (治疗中)."
    )
    RECOVERED = strawberry.enum_value("RECOVERED", description="Recovered (治愈).")
    DIED = strawberry.enum_value("DIED", description="Died (死亡).")
    LOST_TO_FOLLOW_UP = strawberry.enum_value(
        "LOST_TO_FOLLOW_UP", description="Lost to follow-up (失访)."
    )


@strawberry.enum(description="How a carrier was found (N113 1).")
class FoundBy(Enum):
    """How a carrier was found (N113 1)."""

    CLOSE_CONTACT_SCREENING = strawberry.enum_value(
        "CLOSE_CONTACT_SCREENING", description="Screening of close contacts (密接筛查)."
    )
    CLUSTER_INVESTIGATION = strawberry.enum_value(
        "CLUSTER_INVESTIGATION", description="Investigation of a cluster (聚集性疫情调查)."
    )
    SOURCE_TRACING = strawberry.enum_value(
        "SOURCE_TRACING", description="Tracing of the source (溯源)."
    )
    KEY_AREA_TRAVEL = strawberry.enum_value(
        "KEY_AREA_TRAVEL", description="Travel from a key area (重点地区旅居)."
    )
    EPIDEMIOLOGICAL_INVESTIGATION = strawberry.enum_value(
        "EPIDEMIOLOGICAL_INVESTIGATION", description="Epidemiological investigation (流行病学调查)."
    )
    OPPORTUNISTIC_SCREENING = strawberry.enum_value(
        "OPPORTUNISTIC_SCREENING", description="Opportunistic screening (机会性筛查)."
    )


@strawberry.enum(description="Setting in which a person was exposed.")
class ExposureKind(Enum):
    """Setting in which a person was exposed."""

    HEALTH_CARE = strawberry.enum_value("HEALTH_CARE", description="Health care (医疗机构).")
    HOUSEHOLD = strawberry.enum_value("HOUSEHOLD", description="Household (家庭).")
    TRAVEL = strawberry.enum_value("TRAVEL", description="Travel (旅行).")
    ANIMAL = strawberry.enum_value("ANIMAL", description="Animals (动物).")
    OTHER = strawberry.enum_value("OTHER", description="Other (其他).")


@strawberry.enum(description="Kind of a visit.")
class VisitKind(Enum):
    """Kind of a visit."""

    HEALTH_MONITORING = strawberry.enum_value(
        "HEALTH_MONITORING", description="Temperature and health check (健康监测)."
    )
    HOME_VISIT = strawberry.enum_value("HOME_VISIT", description="Visit at home (入户随访).")
    REVISIT = strawberry.enum_value(
        "REVISIT", description="Revisit at the designated hospital (复诊)."
    )


@strawberry.enum(description="Symptoms recorded at a visit.")
class Symptom(Enum):
    """Symptoms recorded at a visit."""

    FEVER = strawberry.enum_value("FEVER", description="Fever (发热).")
    COUGH = strawberry.enum_value("COUGH", description="Cough (咳嗽).")
    FATIGUE = strawberry.enum_value("FATIGUE", description="Fatigue (乏力).")
    SORE_THROAT = strawberry.enum_value("SORE_THROAT", description="Sore throat (咽痛).")
    RUNNY_NOSE = strawberry.enum_value("RUNNY_NOSE", description="Runny nose (流涕).")
    DIARRHOEA = strawberry.enum_value("DIARRHOEA", description="Diarrhoea (腹泻).")
    VOMITING = strawberry.enum_value("VOMITING", description="Vomiting (呕吐).")
    RASH = strawberry.enum_value("RASH", description="Rash (皮疹).")
    DYSPNOEA = strawberry.enum_value("DYSPNOEA", description="Difficult breathing (呼吸困难).")
    LOSS_OF_TASTE_OR_SMELL = strawberry.enum_value(
        "LOSS_OF_TASTE_OR_SMELL", description="Loss of taste or smell (味嗅觉减退)."
    )
    OTHER = strawberry.enum_value("OTHER", description="Another symptom (其他).")


@strawberry.enum(description="What a sample was taken of.")
class Specimen(Enum):
    """What a sample was taken of."""

    THROAT_SWAB = strawberry.enum_value("THROAT_SWAB", description="Throat swab (咽拭子).")
    NASAL_SWAB = strawberry.enum_value("NASAL_SWAB", description="Nasal swab (鼻拭子).")
    ANAL_SWAB = strawberry.enum_value("ANAL_SWAB", description="Anal swab (肛拭子).")
    BLOOD = strawberry.enum_value("BLOOD", description="Blood (血液).")
    SPUTUM = strawberry.enum_value("SPUTUM", description="Sputum (痰).")
    STOOL = strawberry.enum_value("STOOL", description="Stool (粪便).")
    OTHER = strawberry.enum_value("OTHER", description="Other (其他).")


@strawberry.enum(description="How a sample was tested.")
class SampleTest(Enum):
    """How a sample was tested."""

    NUCLEIC_ACID = strawberry.enum_value("NUCLEIC_ACID", description="Nucleic acid (核酸).")
    ANTIGEN = strawberry.enum_value("ANTIGEN", description="Antigen (抗原).")
    ANTIBODY = strawberry.enum_value("ANTIBODY", description="Antibody (抗体).")
    CULTURE = strawberry.enum_value("CULTURE", description="Culture (培养).")
    OTHER = strawberry.enum_value("OTHER", description="Other (其他).")


@strawberry.enum(description="What a test found.")
class SampleResult(Enum):
    """What a test found."""

    PENDING = strawberry.enum_value("PENDING", description="Not known yet (待出).")
    NEGATIVE = strawberry.enum_value("NEGATIVE", description="Negative (阴性).")
    POSITIVE = strawberry.enum_value("POSITIVE", description="Positive (阳性).")
    INDETERMINATE = strawberry.enum_value("INDETERMINATE", description="Not clear (可疑).")


@strawberry.enum(description="Whether a person works in health care.")
class MedicalWorker(Enum):
    """Whether a person works in health care."""

    YES = strawberry.enum_value("YES", description="Yes (是).")
    NO = strawberry.enum_value("NO", description="No (否).")


@strawberry.enum(description="Level of a unit (DB32 3.3, PLAN 5).")
class UnitLevel(Enum):
    """Level of a unit (DB32 3.3, PLAN 5)."""

    NATIONAL = strawberry.enum_value("NATIONAL", description="National CDC (国家级).")
    PROVINCE = strawberry.enum_value("PROVINCE", description="Provincial CDC (省级).")
    CITY = strawberry.enum_value("CITY", description="City CDC (市级).")
    COUNTY = strawberry.enum_value("COUNTY", description="County CDC (县级).")
    HOSPITAL = strawberry.enum_value("HOSPITAL", description="Hospital (医院).")
    ISOLATION_SITE = strawberry.enum_value("ISOLATION_SITE", description="Isolation site (隔离点).")
    HEALTH_CENTRE = strawberry.enum_value(
        "HEALTH_CENTRE", description="Community health centre (社区卫生服务中心)."
    )


@strawberry.enum(description="Class of a disease in the law on infectious diseases.")
class LawClass(Enum):
    """Class of a disease in the law on infectious diseases."""

    A = strawberry.enum_value("A", description="Class A (甲类).")
    B = strawberry.enum_value("B", description="Class B (乙类).")
    C = strawberry.enum_value("C", description="Class C (丙类).")
    OTHER = strawberry.enum_value("OTHER", description="Not classified (其他).")


@strawberry.enum(description="How a disease is watched for outbreaks (PLAN).")
class AlertMethod(Enum):
    """How a disease is watched for outbreaks (PLAN)."""

    SINGLE_CASE = strawberry.enum_value(
        "SINGLE_CASE", description="Every case signals at once (单病例)."
    )
    PERCENTILE = strawberry.enum_value(
        "PERCENTILE", description="Moving percentile, nightly (移动百分位数)."
    )
    NONE = strawberry.enum_value("NONE", description="Not watched (不预警).")


@strawberry.enum(description="What became of a region in one question.")
class RegionState(Enum):
    """What became of a region in one question."""

    ANSWERED = strawberry.enum_value("ANSWERED", description="It answered.")
    TIMED_OUT = strawberry.enum_value("TIMED_OUT", description="It did not answer in time.")
    UNREACHABLE = strawberry.enum_value("UNREACHABLE", description="It could not be reached.")
    REFUSED = strawberry.enum_value(
        "REFUSED", description="It was not asked, since it failed again and again just before."
    )
    NOT_ASKED = strawberry.enum_value(
        "NOT_ASKED",
        description="It cannot hold what was asked for, or lies outside the viewer's jurisdiction.",
    )
    RESTORED = strawberry.enum_value(
        "RESTORED",
        description="Its store was put back from an older backup: until that is mended it takes no "
        "step of custody and nothing about people who may have been handed over.",
    )


@strawberry.enum(description="Kinds of record that can be corrected.")
class RecordKind(Enum):
    """Kinds of record that can be corrected."""

    PERSON = strawberry.enum_value("PERSON", description="Person.")
    CASE = strawberry.enum_value("CASE", description="Case.")
    CONTACT = strawberry.enum_value("CONTACT", description="Contact.")
    VISIT = strawberry.enum_value("VISIT", description="Visit.")
    SAMPLE = strawberry.enum_value("SAMPLE", description="Sample.")


@strawberry.enum(description="Length of the steps of a series of counts.")
class Step(Enum):
    """Length of the steps of a series of counts."""

    DAY = strawberry.enum_value("DAY", description="A day.")
    WEEK = strawberry.enum_value("WEEK", description="A week, Monday to Sunday.")
    MONTH = strawberry.enum_value("MONTH", description="A calendar month.")


@strawberry.enum(description="Where counts come from.")
class CountSource(Enum):
    """Where counts come from."""

    CASES = strawberry.enum_value("CASES", description="Counted from the cases of the registry.")
    REPORTED = strawberry.enum_value("REPORTED", description="Loaded as counts.")


@strawberry.enum(description="Direction of an order.")
class Direction(Enum):
    """Direction of an order."""

    ASC = strawberry.enum_value("ASC", description="Smallest or earliest first.")
    DESC = strawberry.enum_value("DESC", description="Largest or latest first.")
