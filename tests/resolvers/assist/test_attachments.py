"""Files that go with letters: to the other side, sealed anew; who sees them, until when (C1)."""

from __future__ import annotations

import base64
import io
from itertools import count
from typing import Any

import pytest
from PIL import Image

from regions.assist import assist_attachments, assist_contents
from regions.sealing import needs
from resolvers.users import Viewer
from resolvers.writing import files
from resolvers.writing.files import content_of
from resolvers.writing.sniffing import MOST_BYTES
from tests.canaries import canary
from tests.resolvers.assist.corresponding import (
    CLERK,
    ISSUER,
    NATIONAL,
    NEIGHBOUR,
    OFFICER,
    RECEIVER,
    REGISTRAR,
    THIRD,
    Correspondence,
    controlled,
)
from tests.resolvers.writing.making import contact_row, contacts_input

_numbers = count(1)
NANJING, WUXI, CHONGQING = "320100", "320200", "500100"


def picture(color: str = "red") -> str:
    """A PNG in base64."""
    out = io.BytesIO()
    Image.new("RGB", (20, 10), color).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def attach(office: Correspondence, who: Viewer, letter: Any, **given: Any) -> Any:
    """The letter after a file was attached to it."""
    given = {"fileName": f"{canary('file', next(_numbers))}.png", "content": picture()} | given
    return office.done("attachToAssistRequest", who, letter, **given)


def contents(office: Correspondence, region: str) -> list[str | None]:
    """What is in the files of a store, in clear."""
    store = office.stores.of_region(region)
    assert store is not None

    def look(connection: Any) -> list[str | None]:
        numbers = connection.execute(assist_attachments.select()).all()
        return [content_of(connection, store, assist_contents, one.id) for one in sorted(numbers)]

    found: list[str | None] = office.run(store.read(look))
    return found


def envelopes(office: Correspondence, region: str) -> list[Any]:
    """The rows of both tables of files of a store."""
    store = office.stores.of_region(region)
    assert store is not None

    def look(connection: Any) -> list[Any]:
        return [
            *connection.execute(assist_attachments.select()).all(),
            *connection.execute(assist_contents.select()).all(),
        ]

    found: list[Any] = office.run(store.read(look))
    return found


def test_a_file_goes_with_the_letter_and_the_answer_brings_one(either: Correspondence) -> None:
    office = either
    draft = attach(office, CLERK, office.draft(CLERK))
    (own,) = draft["attachments"]
    assert own["fileName"].startswith("Qz7Canary")
    assert own["fileName"].endswith(".png")
    assert (own["mediaType"], own["position"], own["unitId"]) == ("image/png", None, "cdc-320102")
    assert own["size"] == len(base64.b64decode(picture()))
    sent = office.done("submitAssistRequest", CLERK, draft)
    got = office.received(RECEIVER, sent)
    (there,) = got["attachments"]
    assert there["id"] != own["id"]
    assert {**there, "id": own["id"]} == own
    got = office.done("acknowledgeAssistRequest", RECEIVER, got)
    got = office.done("assignAssistRequest", OFFICER, got)
    got = attach(office, OFFICER, got, content=picture("blue"), person=2)
    sent = office.issued(CLERK, sent)
    assert [one["position"] for one in sent["attachments"]] == [None, 2]
    assert sent["attachments"][1]["unitId"] == "cdc-320205"
    assert sent["attachments"][1]["fileName"].endswith(".png")
    both = [picture(), picture("blue")]
    assert contents(office, NANJING) == contents(office, WUXI) == both
    for letter in (sent, got):
        noted = [one for one in letter["events"] if one["event"] == "ATTACH"]
        assert ("NOTED", 2) in [(one["phase"], one["person"]) for one in noted]
    here, far = envelopes(office, NANJING), envelopes(office, WUXI)
    assert not {bytes(one.sealed) for one in here} & {bytes(one.sealed) for one in far}


def test_leak_29_others_are_told_that_there_is_a_file_and_no_more(
    office: Correspondence,
) -> None:
    sent, got = office.worked_on(CLERK)
    attach(office, CLERK, sent)
    for who in (OFFICER, RECEIVER):
        (one,) = office.received(who, sent)["attachments"]
        assert one["fileName"].startswith("Qz7Canary")
    for who in (NATIONAL, ISSUER):
        (letter,) = office.letters(who, number=[sent["number"]], side="SENT")
        assert [one["fileName"] for one in letter["attachments"]] == ["*"]
    number = got["attachments"] or office.received(OFFICER, sent)["attachments"]
    for who in (THIRD, NEIGHBOUR):
        asked = office.ask(
            "query ($id: ID!) { node(id: $id) { id } }", who, {"id": number[0]["id"]}
        )
        assert asked.data == {"node": None}


def test_who_held_the_letter_sees_no_file_once_it_has_ended(office: Correspondence) -> None:
    sent, got = office.worked_on(CLERK, people=1)
    attach(office, CLERK, sent)
    attach(office, OFFICER, got)
    office.control(got, 1)
    office.done("feedBackAssistRequest", OFFICER, got)
    assert "*" not in [one["fileName"] for one in office.received(OFFICER, sent)["attachments"]]
    office.done("closeAssistRequest", ISSUER, sent)
    assert [one["fileName"] for one in office.received(OFFICER, sent)["attachments"]] == ["*", "*"]
    assert office.refused("attachToAssistRequest", OFFICER, got, **_file()) == "ENDED"
    assert office.refused("attachToAssistRequest", CLERK, sent, **_file()) == "ENDED"


def _file(**more: Any) -> dict[str, Any]:
    return {"fileName": "x.png", "content": picture()} | more


def test_a_letter_that_shares_no_remarks_takes_no_file_to_its_receiver(
    office: Correspondence,
) -> None:
    draft = attach(office, CLERK, office.draft(CLERK))
    draft = office.done("amendAssistRequest", CLERK, draft, sharedItems=["NAME"])
    sent = office.done("submitAssistRequest", CLERK, draft)
    assert office.received(RECEIVER, sent)["attachments"] == []
    assert envelopes(office, WUXI) == []
    assert office.refused("attachToAssistRequest", CLERK, sent, **_file()) == "FILES_NOT_SHARED"
    office.done("amendAssistRequest", CLERK, sent, sharedItems=["NAME", "REMARKS"])
    (one,) = office.received(RECEIVER, sent)["attachments"]
    assert one["fileName"].startswith("Qz7Canary")


def test_what_is_no_file_of_the_list_is_refused_by_its_content(office: Correspondence) -> None:
    draft = office.draft(CLERK)
    large = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(MOST_BYTES)).decode()
    for given in (
        _file(content="not base64!"),
        _file(content=base64.b64encode(b"MZ\x90\x00").decode()),
        _file(content=large),
        _file(content=""),
        _file(fileName=""),
    ):
        found = office.act("attachToAssistRequest", CLERK, draft, **given)
        assert found["__typename"] == "InvalidInputProblem"
        (mistake,) = found["mistakes"]
        path = "fileName" if not given["fileName"] else "content"
        assert mistake["path"] == [path]
        assert any("\u4e00" <= letter <= "\u9fff" for letter in mistake["messageZh"])
    assert office.refused("attachToAssistRequest", CLERK, draft, **_file(person=9)) == "NO_PERSON"
    sent = office.done("submitAssistRequest", CLERK, draft)
    got = office.received(RECEIVER, sent)
    assert office.refused("attachToAssistRequest", OFFICER, got, **_file()) == "NOT_ACKNOWLEDGED"
    assert envelopes(office, NANJING) == []


def test_the_same_key_attaches_once_and_another_file_is_a_conflict(office: Correspondence) -> None:
    sent = office.sent(CLERK)
    given = _file(idempotencyKey="attach-once")
    office.done("attachToAssistRequest", CLERK, sent, **given)
    again = office.act("attachToAssistRequest", CLERK, sent, **given)
    assert again["repeated"] is True
    assert len(again["assistRequest"]["attachments"]) == 1
    other = given | {"content": picture("blue")}
    conflict = office.act("attachToAssistRequest", CLERK, sent, **other)
    assert conflict["__typename"] == "IdempotencyConflict"


def test_a_letter_takes_so_many_files(
    office: Correspondence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.assist.attaching.MOST", 2)
    draft = office.draft(CLERK)
    for _ in range(2):
        attach(office, CLERK, draft)
    assert office.refused("attachToAssistRequest", CLERK, draft, **_file()) == "FILES"
    assert files.MOST == 20


def test_files_go_on_with_the_letter_and_come_back_along_the_chain(
    office: Correspondence,
) -> None:
    sent, got = office.taken(CLERK)
    attach(office, CLERK, sent, person=1)
    attach(office, CLERK, sent, person=2, content=picture("blue"))
    got = office.done("assignAssistRequest", OFFICER, got)
    office.done(
        "reportAssistPerson",
        OFFICER,
        got,
        people=[2],
        finding="LEFT",
        destinationCode="500101",
    )
    (onward,) = office.letters(THIRD)
    assert [one["position"] for one in onward["attachments"]] == [2]
    assert contents(office, CHONGQING) == [picture("blue")]
    # Whoever forwarded the person no longer sees what was about that person alone.
    names = [one["fileName"] for one in office.received(OFFICER, sent)["attachments"]]
    assert [name == "*" for name in names] == [False, True]
    assert office.refused("attachToAssistRequest", OFFICER, got, **_file(person=2)) == "FORWARDED"
    onward = office.done("acknowledgeAssistRequest", THIRD, onward)
    attach(office, THIRD, onward, content=picture("green"), person=2)
    office.deliver()
    assert contents(office, NANJING)[-1] == picture("green")
    assert office.issued(CLERK, sent)["attachments"][-1]["unitId"] == "cdc-500101"


def test_a_file_about_a_person_is_sealed_under_that_persons_key(office: Correspondence) -> None:
    sent, got = office.worked_on(CLERK, people=1)
    attach(office, CLERK, sent, person=1)
    assert [needs(one.sealed)[1] for one in envelopes(office, WUXI)] == [False, False]  # type: ignore[index]  # none is erased
    row = contact_row(code="320205", route="OTHER_CITY")
    found = office.do("registerContacts", REGISTRAR, contacts_input(row))["rows"][0]["contact"]
    office.done("reportAssistPerson", OFFICER, got, **controlled(1), contact=found["id"])
    person = int(found["person"]["id"].partition(":")[2])
    rows = envelopes(office, WUXI)
    assert [one.person_id for one in rows] == [person, person]
    assert [needs(one.sealed)[1] for one in rows] == [True, True]  # type: ignore[index]  # none is erased
    assert contents(office, WUXI) == [picture()]
