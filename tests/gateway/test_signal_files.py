"""Files of suspected events at the edge: who fetches one, and what the access log tells (E11)."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, insert

from regions.alerts import signals
from regions.keys import load_keys
from resolvers.access_log.commitments import Commitments, commitments_in
from tests.resolvers.alerts.duty import card, picture, signal
from tests.served import Demo, Gateway, serving
from tests.stores import in_store

DUTY, COUNTY, PROVINCE, FAR = "xuanwu-duty", "county-320102", "province-320000", "county-320205"
_PROBLEM = "... on Problem { code message } ... on StepProblem { reason }"
_CARD = f"""mutation ($input: AbnormalInformationCardInput!) {{
  fileAbnormalInformationCard(input: $input) {{ __typename {_PROBLEM} }} }}"""
_ATTACH = f"""mutation ($input: AttachToSignalInput!) {{ attachToSignal(input: $input) {{
  __typename {_PROBLEM} ... on SignalPayload {{
    signal {{ event {{ number attachments {{ id }} }} }} }} }} }}"""


@pytest.fixture(scope="module")
def gateway(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    copied = demo.copied(tmp_path_factory.mktemp("signals"))
    copied.add_account(DUTY, COUNTY, role="DUTY_PERSON")
    copied.add_account(FAR, COUNTY, unit_id="cdc-320205", code="320205")
    for name in (DUTY, FAR):
        (copied.tokens[name],) = copied.open_sessions(name)
    settings = next(one for one in copied.config.regions if one.code == "320100")

    def raise_one(connection: Connection) -> None:
        connection.execute(insert(signals).values(signal(1)))

    in_store(settings, raise_one)
    with serving(copied, counted=True) as found:
        yield found


@pytest.fixture(scope="module")
def event(gateway: Gateway) -> Any:
    """The event of a signal, with a file."""
    row = {"signal": f"signal:{signal(1)['id']}", "idempotencyKey": "card"}
    given = {**card("place"), **row, "version": 1}
    made = gateway.data(_CARD, {"input": given}, who=DUTY)["fileAbnormalInformationCard"]
    assert made["__typename"] == "SignalPayload", made
    given = {**row, "fileName": "某甲的调查.html", "content": picture(), "idempotencyKey": "file"}
    made = gateway.data(_ATTACH, {"input": given}, who=DUTY)["attachToSignal"]
    assert made["__typename"] == "SignalPayload", made
    return made["signal"]["event"]


@pytest.fixture
def file(event: Any) -> str:
    """The path of the file."""
    (one,) = event["attachments"]
    return f"attachments/{one['id'].partition(':')[2]}"


def fetch(gateway: Gateway, name: str, who: str | None) -> httpx.Response:
    tokens = gateway.demo.tokens
    headers = {} if who is None else {"authorization": f"Bearer {tokens.get(who, who)}"}
    return gateway.client.get(f"/signals/{name}", headers=headers)


def test_the_unit_that_attached_a_file_fetches_it_and_that_is_logged(
    gateway: Gateway, event: Any, file: str
) -> None:
    for who in (DUTY, COUNTY):
        response = fetch(gateway, file, who)
        assert response.status_code == 200, response.text
        assert response.content == base64.b64decode(picture())
        assert response.headers["content-type"] == "image/png"
        assert "sandbox" in response.headers["content-security-policy"]
        assert "%E6%9F%90%E7%94%B2" in response.headers["content-disposition"]
        (entry,) = gateway.demo.entries(request=response.headers["x-request-id"])
        assert (entry["operation"], entry["module"]) == ("fetch signalAttachment", "fetch")
        assert (entry["result"], entry["what"]["event"]) == ("OK", event["number"])
        assert entry["what"]["clear"] == ["SignalAttachment.fileName"]
        commit = Commitments(load_keys(gateway.demo.config.keys).log).one
        shown = commitments_in(str(entry["what"]["records"]["signalattachment"]))
        assert commit("signalattachment", int(file.partition("/")[2])) in shown


def test_leak_29_a_level_above_is_masked_and_elsewhere_there_is_no_file(
    gateway: Gateway, file: str
) -> None:
    masked = fetch(gateway, file, PROVINCE)
    assert masked.status_code == 403
    (entry,) = gateway.demo.entries(request=masked.headers["x-request-id"])
    assert entry["result"] == "FORBIDDEN"
    assert entry["what"]["masked"] == ["SignalAttachment.fileName"]
    hidden, none = fetch(gateway, file, FAR), fetch(gateway, f"{file[:-4]}9999", FAR)
    assert hidden.status_code == none.status_code == 404
    assert hidden.content == none.content
    assert fetch(gateway, file, None).status_code == 401
    assert fetch(gateway, file, "bizadmin-320100").status_code == 403
    for name in ("", "attachments/x", f"attachments/{1 << 63}", f"{file}/"):
        assert fetch(gateway, name, DUTY).status_code == 404


def test_a_file_lies_sealed_in_its_store(gateway: Gateway, file: str) -> None:
    (path,) = {one.path for one in gateway.demo.config.regions if one.code == "320100"}
    assert path is not None
    within = b"".join(one.read_bytes() for one in path.parent.glob(f"{path.name}*"))
    assert picture().encode() not in within
    assert "某甲的调查".encode() not in within
    assert b"Qz7Canary" not in within
    assert file
