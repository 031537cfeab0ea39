"""A county on duty: signals in a store, and what officers file on them."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from PIL import Image
from sqlalchemy import Connection, insert

from regions.alerts import signal_counties, signals
from regions.engines import sqlite_engine
from regions.ids import first_id
from regions.keys import Keys
from regions.settings import RegionSettings
from resolvers.alerts.night_rows import note_elsewhere
from resolvers.alerts.states import Event
from resolvers.alerts.steps import Who, apply
from resolvers.central import Central
from resolvers.users import Role, Viewer
from tests.answering import viewer
from tests.canaries import canary
from tests.resolvers.writing.making import Writer, result
from tests.stores import in_store

ON_DUTY = viewer("320102", Role.DUTY_PERSON, account="xuanwu")
"""On duty in Xuanwu, Nanjing."""
SUCCESSOR = viewer("320102", Role.DUTY_PERSON, account="xuanwu-2")
"""On duty there the day after."""
OFFICER = viewer("320102", account="officer")
"""An officer of the same unit who is not on duty."""
HOSPITAL = viewer("320102", account="ward", unit="hospital-320102-1")
"""An officer of a hospital in the county."""
CITY_HOSPITAL = viewer("320100", account="city-ward", unit="hospital-320100-1")
"""An officer of a hospital of the city, whose jurisdiction is the city."""
CITY = viewer("320100", Role.DUTY_PERSON, account="nanjing")
NATIONAL = viewer(account="national")
ELSEWHERE = viewer("320104", Role.DUTY_PERSON, account="qinhuai")

_PROBLEM = """
  ... on Problem { __typename code message messageZh }
  ... on InvalidInputProblem { path mistakes { path message messageZh } }
  ... on StepProblem { reason }
  ... on NotFoundProblem { path }
"""
CARD = """id version province city county signalNumber sentAt disease { id } cases deaths verifiedBy
  townships schools suspected place time people rare singleCase spreading eventNumber unitId account
  filledAt verificationText placeReason timeReason peopleReason rareReason singleCaseReason
  spreadingReason remarks filledBy phone"""
FORM = """id version province city county eventNumber signalNumbers sentAt disease { id }
  verifiedDisease laboratoryPositive townships cases deaths firstTownshipCases secondTownshipCases
  thirdTownshipCases schools schoolCases firstOnsetOn ages { from0 from7 from12 from18 from60 }
  occupations { id occupation cases } conclusion grounds units investigatedFrom investigatedTo
  unitId account filledAt verifiedDiseaseText firstTownship secondTownship thirdTownship groundsText
  remarks filledBy phone"""
CLOCKS = "clocks { id kind unitId openedAt dueAt metAt missedAt droppedAt }"
SIGNAL = f"""id number state version sentAt viewedAt answeredAt {CLOCKS}
  trail {{ id at event fromState toState actor unitId detail }}
  cards {{ {CARD} }}
  event {{ id number state code unitId disease {{ id }} conclusion issuedAt startedAt endedAt
    formDue concludedAt signals {{ id number state }} forms {{ {FORM} }} {CLOCKS}
    attachments {{ id eventNumber unitId account report mediaType size createdAt fileName }} }}"""
LIST = f"""query ($f: SignalFilter, $n: Int) {{ signals(filter: $f, first: $n) {{
  edges {{ node {{ {SIGNAL} }} }} }} }}"""
_VERSIONS = "query ($n: Int) { signals(first: $n) { edges { node { id version } } } }"
INPUTS: Mapping[str, str] = {
    "fileAbnormalInformationCard": "AbnormalInformationCardInput",
    "endInvestigation": "EndInvestigationInput",
    "fileInvestigationForm": "InvestigationFormInput",
    "attachToSignal": "AttachToSignalInput",
}
SENT_AT = "2026-03-02T00:00:00Z"

_keys = count(1)
_NO = {"holds": False}


def document(name: str) -> str:
    """A mutation that asks for nearly everything."""
    kind = INPUTS.get(name, "SignalActionInput")
    return f"""mutation ($input: {kind}!) {{ {name}(input: $input) {{
      __typename ... on SignalPayload {{ repeated signal {{ {SIGNAL} }} }} {_PROBLEM} }} }}"""


def signal(number: int, region: str = "320100", **given: Any) -> dict[str, Any]:
    """The row of a signal."""
    code = given.get("code", f"{region[:4]}02")
    row = {
        "id": first_id(region) + 1_000_000 + number,
        "number": f"{code}20260301{number:03d}",
        "kind": "STATISTICAL",
        "code": code,
        "disease": "measles",
        "day": "2026-03-01",
        "slot": "",
        "rule_id": f"rule-{number}",
        "rule_version": 1,
        "method": "MOVING_PERCENTILE",
        "observed": 7.0,
        "expected": 2.5,
        "bound": 3.0,
        "score": 2.0,
        "cases": 7,
        "deaths": 1,
        "data_version": "7",
        "case_id": None,
        "members": None,
        "state": "DETECTED",
        "detected_at": "2026-03-01T16:00:00Z",
        "absorbed_into": None,
        "repeats": 0,
        "updated_at": "2026-03-01T16:00:00Z",
    }
    return row | given


def ground(number: int = 1) -> dict[str, Any]:
    """A ground that holds, for a reason that names somebody."""
    return {"holds": True, "reason": canary("reason", number)}


def card(*grounds: str, **more: Any) -> dict[str, Any]:
    """An abnormal information card; with grounds it suspects an event."""
    names = ("place", "time", "people", "rare", "singleCase", "spreading")
    held = {name: ground(i) if name in grounds else _NO for i, name in enumerate(names)}
    return {
        "verifiedBy": ["DATA_ANALYSIS", "PHONE"],
        "townships": 2,
        "schools": True,
        "suspected": bool(grounds),
        **held,
        "remarks": canary("remarks", next(_keys)),
        "phone": "025-83132265",
    } | more


def form(**more: Any) -> dict[str, Any]:
    """An investigation form that finds an outbreak of 9 cases."""
    return {
        "verifiedDisease": "measles",
        "laboratoryPositive": True,
        "townships": 4,
        "cases": 9,
        "deaths": 1,
        "topTownships": [
            {"name": canary("town", next(_keys)), "cases": cases} for cases in (4, 2, 2)
        ],
        "schools": 1,
        "schoolCases": 5,
        "firstOnsetOn": "2026-02-25",
        "ages": {"from0": 1, "from7": 4, "from12": 2, "from18": 1, "from60": 1},
        "occupations": [
            {"occupation": "PUPIL_OR_STUDENT", "cases": 5},
            {"occupation": "FARMER", "cases": 2},
        ],
        "conclusion": "OUTBREAK",
        "grounds": ["PLACE", "OTHER"],
        "groundsText": canary("grounds", next(_keys)),
        "units": ["COUNTY", "CITY"],
        "investigatedFrom": "2026-03-02T02:00:00Z",
        "investigatedTo": "2026-03-03T02:00:00Z",
        "remarks": canary("remarks", next(_keys)),
        "phone": "025-83132265",
    } | more


def picture(color: str = "red") -> str:
    """A PNG in base64."""
    out = io.BytesIO()
    Image.new("RGB", (20, 10), color).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


class Duty(Writer):
    """A gateway of regions in which signals are raised."""

    def __init__(
        self, regions: Sequence[RegionSettings], keys: Keys, central: Path, **more: Any
    ) -> None:
        super().__init__(regions, keys, **more)
        self._engine = sqlite_engine(str(central))
        self.central = Central(self._engine, keys)
        for executor in self._executors.values():
            executor._central = self.central
        self._number = count(1)

    def within(self, work: Any, region: str = "320100") -> Any:
        """What a function of a connection gives, in the transaction of a region's store."""
        return in_store(next(one for one in self.regions if one.code == region), work)

    def raised(self, *, sent: bool = True, region: str = "320100", **given: Any) -> str:
        """The id of a new signal, sent unless told otherwise."""
        row = signal(next(self._number), region, **given)
        members = json.loads(row["members"] or "[]")

        def work(connection: Connection) -> None:
            connection.execute(insert(signals).values(row))
            for code in members:
                values = {"code": code, "signal_id": row["id"]}
                connection.execute(insert(signal_counties).values(values))
            if sent:
                apply(connection, region, row["id"], Event.SEND, Who.system(SENT_AT))

        self.within(work, region)
        for other in self.regions:
            if other.code != region:
                told = {(one, region) for one in members if one.startswith(other.prefixes)}
                self.within(partial(note_elsewhere, places=told), other.code)
        return f"signal:{row['id']}"

    def act(self, name: str, who: Viewer, of: Any, **given: Any) -> Any:
        """The result of a mutation, with a key of its own unless one is given, and the version that
        the signal has unless another is.
        """
        given.setdefault("idempotencyKey", f"key-{next(_keys)}")
        given["signal"] = of["id"] if isinstance(of, dict) else of
        if "version" not in given and name in ("fileAbnormalInformationCard", *INPUTS):
            given["version"] = self.version(given["signal"])
        return result(name, self.ask(document(name), who, {"input": given}))

    def done(self, name: str, who: Viewer, of: Any, **given: Any) -> Any:
        """The signal after a mutation that is not refused."""
        found = self.act(name, who, of, **given)
        assert found["__typename"] == "SignalPayload", found
        return found["signal"]

    def refused(self, name: str, who: Viewer, of: Any, **given: Any) -> str:
        """The name of the reason for which a mutation is refused."""
        found = self.act(name, who, of, **given)
        assert found["__typename"] == "StepProblem", found
        reason: str = found["reason"]
        return reason

    def mistakes(self, name: str, who: Viewer, of: Any, **given: Any) -> set[str]:
        """Where the mistakes stand for which an input is not taken."""
        found = self.act(name, who, of, **given)
        assert found["__typename"] == "InvalidInputProblem", found
        for one in found["mistakes"]:
            assert any("\u4e00" <= letter <= "\u9fff" for letter in one["messageZh"]), one
        return {".".join(one["path"]) for one in found["mistakes"]}

    def version(self, signal: str) -> int:
        """The version that a signal has."""
        found = self.ask(_VERSIONS, NATIONAL, {"n": 100}).data["signals"]["edges"]
        (version,) = [one["node"]["version"] for one in found if one["node"]["id"] == signal]
        return int(version)

    def of(self, of: Any, who: Viewer = NATIONAL) -> Any:
        """A signal as a viewer's list has it, by plan and in the ordinary way alike."""
        wanted = of["id"] if isinstance(of, dict) else of
        found = self.both(LIST, who, {"n": 100}).data["signals"]["edges"]
        (node,) = [one["node"] for one in found if one["node"]["id"] == wanted]
        return node

    # Signals that came so far.

    def suspected(self, *grounds: str, **given: Any) -> Any:
        """A signal that is a suspected event."""
        found = card(*(grounds or ("place",)))
        return self.done("fileAbnormalInformationCard", ON_DUTY, self.raised(**given), **found)

    def investigated(self, **given: Any) -> Any:
        """A signal whose event is being investigated, the report attached."""
        started = self.done("startInvestigation", ON_DUTY, self.suspected(**given))
        return self.attach(started)

    def attach(self, of: Any, **given: Any) -> Any:
        """The signal after a file was attached to its event."""
        name = f"{canary('file', next(_keys))}.png"
        found = {"fileName": name, "content": picture(), "report": True} | given
        return self.done("attachToSignal", ON_DUTY, of, **found)

    def close(self) -> None:
        self.run(self.central.close())
        self.run(self._engine.dispose())
        super().close()
