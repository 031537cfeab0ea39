"""Units of three regions that write letters to each other: Nanjing, Wuxi and Chongqing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from regions.engines import sqlite_engine
from regions.keys import Keys
from regions.settings import RegionSettings
from resolvers.central import Central
from resolvers.post.handlers import HANDLERS
from resolvers.post.pump import Pump
from resolvers.users import Role, Viewer
from tests.answering import Asked, viewer
from tests.canaries import canary
from tests.resolvers.writing.making import Writer, person, result

ISSUER = viewer("320102", Role.DUTY_PERSON, account="xuanwu")
"""On duty in Xuanwu, Nanjing."""
CLERK = viewer("320102", Role.DIRECT_REPORTER, account="clerk")
"""A direct reporter of the same unit: sees in clear what the own account wrote."""
NEIGHBOUR = viewer("320104", Role.DUTY_PERSON, account="qinhuai")
"""On duty in Qinhuai, of the same region as the issuer."""
RECEIVER = viewer("320205", Role.DUTY_PERSON, account="xishan")
"""On duty in Xishan, Wuxi."""
OFFICER = viewer("320205", account="xishan-officer")
"""An officer of the same unit who is not on duty."""
REGISTRAR = viewer("320205", Role.DIRECT_REPORTER, account="registrar")
"""A direct reporter of the same unit, who registers contacts."""
THIRD = viewer("500101", Role.DUTY_PERSON, account="wanzhou")
"""On duty in Wanzhou, Chongqing."""
NATIONAL = viewer(account="national")

_PROBLEM = """
  ... on Problem { __typename code message messageZh }
  ... on InvalidInputProblem { path mistakes { path message messageZh } }
  ... on StepProblem { reason }
  ... on NotFoundProblem { path }
  ... on RegionUnavailableProblem { region state written }
"""
LETTER = """id number side state version readVersion pending fromUnit toUnit toCode toRegion
  parentNumber rootNumber hops forwardedTo reasonCode escalatedTo peopleCount sentAt acknowledgeDue
  controlDue feedbackDue acknowledgedAt assignedTo controlledAt feedbackAt endedAt caseName
  casePhone remarks sharedItems asked copiedTo
  people { id position state proposed reasonCode foundAt controlledAt controlMode outcome
    destinationCode forwardedTo whereaboutsCode name idNumber employer phone controlPlace answer
    remarks contact { id } issuerContact { id } positiveAt caseDue caseAt raisedCase { id } }
  attachments { id position unitId mediaType size fileName }
  events { event phase person state version region actor unitId reasonCode detail number }"""
INPUTS: Mapping[str, str] = {
    "createAssistRequest": "CreateAssistRequestInput",
    "amendAssistRequest": "AmendAssistRequestInput",
    "attachToAssistRequest": "AttachToAssistRequestInput",
    "refuseAssistRequest": "RefuseAssistRequestInput",
    "forwardAssistRequest": "ForwardAssistRequestInput",
    "assignAssistRequest": "AssignAssistRequestInput",
    "reportAssistPerson": "ReportAssistPersonInput",
    "feedBackAssistRequest": "FeedBackAssistRequestInput",
    "askMoreOfAssistRequest": "AskMoreOfAssistRequestInput",
    "decideAssistExclusion": "DecideAssistExclusionInput",
}
_LIST = f"""query ($f: AssistRequestFilter, $n: Int, $a: String) {{
  assistRequests(filter: $f, first: $n, after: $a) {{
    edges {{ cursor node {{ {LETTER} }} }} pageInfo {{ hasNextPage endCursor }}
    regions {{ code state records }} }} }}"""

_keys = count(1)


def document(name: str) -> str:
    """A mutation that asks for nearly everything."""
    kind = INPUTS.get(name, "AssistRequestActionInput")
    return f"""mutation ($input: {kind}!) {{ {name}(input: $input) {{
      __typename ... on AssistRequestPayload {{ pending repeated assistRequest {{ {LETTER} }} }}
      {_PROBLEM} }} }}"""


class Correspondence(Writer):
    """A gateway whose regions write to each other."""

    def __init__(
        self, regions: Sequence[RegionSettings], keys: Keys, central: Path, **more: Any
    ) -> None:
        super().__init__(regions, keys, **more)
        self._engine = sqlite_engine(str(central))
        self.central = Central(self._engine, keys)

        async def made() -> Pump:
            return Pump(self.stores, HANDLERS)

        self.post: Pump = self.run(made())
        for executor in self._executors.values():
            executor._post, executor._central = self.post, self.central

    def act(self, name: str, who: Viewer, request: Any = None, **given: Any) -> Any:
        """The result of a mutation, with a key of its own unless one is given."""
        given.setdefault("idempotencyKey", f"key-{next(_keys)}")
        if request is not None:
            given["request"] = request["id"] if isinstance(request, dict) else request
        return result(name, self.ask(document(name), who, {"input": given}))

    def done(self, name: str, who: Viewer, request: Any = None, **given: Any) -> Any:
        """The letter after a mutation that is not refused."""
        found = self.act(name, who, request, **given)
        assert found["__typename"] == "AssistRequestPayload", found
        return found["assistRequest"]

    def refused(self, name: str, who: Viewer, request: Any = None, **given: Any) -> str:
        """The name of the reason for which a mutation is refused."""
        found = self.act(name, who, request, **given)
        assert found["__typename"] == "StepProblem", found
        reason: str = found["reason"]
        return reason

    def letters(self, who: Viewer, **chosen: Any) -> list[Any]:
        """The letters that a viewer's list has."""
        asked: Asked = self.ask(_LIST, who, {"f": chosen})
        assert asked.errors == []
        return [edge["node"] for edge in asked.data["assistRequests"]["edges"]]

    def received(self, who: Viewer, letter: Any) -> Any:
        """The receiver's copy of a letter."""
        number = letter["number"] if isinstance(letter, dict) else letter
        (found,) = self.letters(who, number=[number], side="RECEIVED")
        return found

    def issued(self, who: Viewer, letter: Any) -> Any:
        """The issuer's copy of a letter."""
        number = letter["number"] if isinstance(letter, dict) else letter
        (found,) = self.letters(who, number=[number], side="SENT")
        return found

    def deliver(self) -> None:
        """Delivers whatever is on its way."""
        while self.run(self.post.sweep()):
            pass

    def close(self) -> None:
        self.run(self.post.close())
        self.run(self.central.close())
        self.run(self._engine.dispose())
        super().close()

    # Letters that came so far.

    def draft(self, who: Viewer = ISSUER, to: str = "320205", people: int = 2, **more: Any) -> Any:
        """A draft."""
        given = letter_input(to, people) | more
        return self.done("createAssistRequest", who, **given)

    def sent(self, who: Viewer = ISSUER, to: str = "320205", people: int = 2, **more: Any) -> Any:
        """A letter that was sent; the issuer's copy."""
        return self.done("submitAssistRequest", who, self.draft(who, to, people, **more))

    def taken(self, *args: Any, **more: Any) -> tuple[Any, Any]:
        """A letter that was acknowledged: the issuer's and the receiver's copy."""
        sent = self.sent(*args, **more)
        got = self.received(RECEIVER, sent)
        return sent, self.done("acknowledgeAssistRequest", RECEIVER, got)

    def worked_on(self, *args: Any, **more: Any) -> tuple[Any, Any]:
        """A letter that was assigned: the issuer's and the receiver's copy."""
        sent, got = self.taken(*args, **more)
        return sent, self.done("assignAssistRequest", OFFICER, got)

    def control(self, got: Any, *positions: int, **more: Any) -> Any:
        """People reported as controlled; the receiver's copy."""
        return self.done("reportAssistPerson", OFFICER, got, **controlled(*positions), **more)

    def answered(self, people: int = 1) -> tuple[Any, Any]:
        """A letter that was answered: the issuer's and the receiver's copy."""
        sent, got = self.worked_on(people=people)
        self.control(got, *range(1, people + 1))
        return sent, self.done("feedBackAssistRequest", OFFICER, got)


def controlled(*positions: int) -> dict[str, Any]:
    """A report that people are under control."""
    return {
        "people": list(positions or (1,)),
        "finding": "CONTROLLED",
        "foundAt": "2026-11-27T01:00:00Z",
        "foundCode": "320205",
        "controlledAt": "2026-11-27T02:00:00Z",
        "mode": "CENTRAL",
        "place": canary("control", next(_keys)),
    }


def letter_input(to: str = "320205", people: int = 2) -> dict[str, Any]:
    """A letter from a stub of a case."""
    return {
        "toCode": to,
        "case": {
            "disease": "covid19",
            "classification": "CONFIRMED",
            "onsetOn": "2026-11-20",
            "name": canary("case", next(_keys)),
            "phone": "13900001111",
        },
        "asked": ["FIND", "ISOLATE", "TEST"],
        "people": [
            {
                "person": person(employer=canary("employer", next(_keys))),
                "level": "CLOSE",
                "manner": ["SHARED_MEAL"],
                "lastContactOn": "2026-11-19",
                "whereaboutsCode": to,
            }
            for _ in range(people)
        ],
        "remarks": canary("remarks", next(_keys)),
    }
