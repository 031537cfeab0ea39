"""Letters to print at the edge: what stands on the page, for whom, and in the access log (C7)."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image
from pypdf import PdfReader

from regions.keys import load_keys
from resolvers.access_log.commitments import Commitments, commitments_in
from resolvers.assist.sheets import read_sheet
from tests.served import Demo, Gateway, serving

ISSUER, OTHER, FAR = "reporter-320102-1", "province-320000", "county-320205"
_CREATE = """mutation ($input: CreateAssistRequestInput!) { createAssistRequest(input: $input) {
  __typename ... on AssistRequestPayload { assistRequest { id number people { id } } }
  ... on Problem { code message } } }"""


@pytest.fixture(scope="module")
def gateway(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    copied = demo.copied(tmp_path_factory.mktemp("letters"))
    copied.add_account(FAR, "county-320102", unit_id="cdc-320205", code="320205")
    (copied.tokens[FAR],) = copied.open_sessions(FAR)
    with serving(copied, counted=True) as found:
        yield found


@pytest.fixture(scope="module")
def letter(gateway: Gateway) -> Any:
    given = {
        "idempotencyKey": "letter",
        "toCode": "320205",
        "case": {"disease": "measles", "classification": "CONFIRMED", "name": "病例某甲"},
        "asked": ["FIND", "TEST"],
        "people": [
            {
                "person": {"name": f"某乙{n}", "phone": f"1540000{n:04d}"},
                "whereaboutsCode": "320205",
            }
            for n in range(1, 31)
        ],
    }
    made = gateway.data(_CREATE, {"input": given}, who=ISSUER)["createAssistRequest"]
    assert made["__typename"] == "AssistRequestPayload", made
    return made["assistRequest"]


def fetch(gateway: Gateway, name: str, who: str | None = ISSUER) -> httpx.Response:
    headers = (
        {} if who is None else {"authorization": f"Bearer {gateway.demo.tokens.get(who, who)}"}
    )
    return gateway.client.get(f"/assist-requests/{name}", headers=headers)


def text_of(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/pdf"
    pages = PdfReader(io.BytesIO(response.content)).pages
    return "".join("".join(page.extract_text().split()) for page in pages)


def test_the_issuer_prints_the_letter_in_clear_and_each_person_is_logged(
    gateway: Gateway, letter: Any
) -> None:
    response = fetch(gateway, f"{letter['number']}.pdf")
    text = text_of(response)
    assert f"编号：{letter['number']}" in text
    assert "草稿未发出" in text
    assert "病例某甲" in text
    for number in (1, 15, 30):
        assert f"某乙{number}" in text
    assert "无锡市锡山区疾病预防控制中心" in text
    assert ISSUER in text
    name = response.headers["content-disposition"]
    assert name == f'attachment; filename="{letter["number"]}.pdf"'
    (entry,) = gateway.demo.entries(request=response.headers["x-request-id"])
    assert (entry["operation"], entry["module"]) == ("print assistRequests", "print")
    assert entry["what"]["letter"] == letter["number"]
    assert "AssistPerson.name" in entry["what"]["clear"]
    commit = Commitments(load_keys(gateway.demo.config.keys).log).one
    shown = {commit("assistperson", int(one["id"].partition(":")[2])) for one in letter["people"]}
    assert shown <= set(commitments_in(str(entry["what"]["records"]["assistperson"])))


def test_leak_29_another_prints_what_the_list_shows_and_no_more(
    gateway: Gateway, letter: Any
) -> None:
    response = fetch(gateway, f"{letter['number']}.pdf", OTHER)
    text = text_of(response)
    assert "某乙" not in text
    assert "病例某甲" not in text
    assert "1540000" not in text
    assert "姓名*" in text
    for secret in ("某乙1", "病例某甲", "15400000001"):
        assert secret.encode("utf-16-be") not in response.content
    (entry,) = gateway.demo.entries(request=response.headers["x-request-id"])
    assert "AssistPerson.name" in entry["what"]["masked"]
    assert not entry["what"].get("clear")


def test_a_letter_that_is_not_the_viewers_and_none_look_alike(
    gateway: Gateway, letter: Any
) -> None:
    hidden = fetch(gateway, f"{letter['number']}.pdf", FAR)
    none = fetch(gateway, "320102-2026-999999.pdf", FAR)
    assert hidden.status_code == none.status_code == 404
    assert hidden.content == none.content
    for name in ("x.pdf", "320102-2026-000001", "320102-2026-000001.pdf/", "..%2fexports"):
        assert fetch(gateway, name).status_code == 404


def test_who_opens_no_records_prints_none(gateway: Gateway, letter: Any) -> None:
    assert fetch(gateway, f"{letter['number']}.pdf", None).status_code == 401
    refused = fetch(gateway, f"{letter['number']}.pdf", "bizadmin-320100")
    assert refused.status_code == 403
    (entry,) = gateway.demo.entries(request=refused.headers["x-request-id"])
    assert entry["result"] == "FORBIDDEN"
    post = gateway.client.post(
        f"/assist-requests/{letter['number']}.pdf", headers=gateway.headers(ISSUER)
    )
    assert post.status_code == 405


_ATTACH = """mutation ($input: AttachToAssistRequestInput!) {
  attachToAssistRequest(input: $input) { __typename ... on AssistRequestPayload {
    assistRequest { attachments { id } } } ... on Problem { code message } } }"""


@pytest.fixture(scope="module")
def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (20, 10), "red").save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def file(gateway: Gateway, letter: Any, picture: bytes) -> str:
    """The path of a file that goes with the letter."""
    given = {
        "idempotencyKey": "file",
        "request": letter["id"],
        "fileName": "../某甲的轨迹.html",
        "content": base64.b64encode(picture).decode(),
    }
    made = gateway.data(_ATTACH, {"input": given}, who=ISSUER)["attachToAssistRequest"]
    assert made["__typename"] == "AssistRequestPayload", made
    (one,) = made["assistRequest"]["attachments"]
    return f"attachments/{one['id'].partition(':')[2]}"


def test_who_sees_the_name_of_a_file_fetches_it_and_that_is_logged(
    gateway: Gateway, letter: Any, file: str, picture: bytes
) -> None:
    response = fetch(gateway, file)
    assert response.status_code == 200, response.text
    assert response.content == picture
    sent = response.headers
    assert sent["content-type"] == "image/png"
    assert sent["x-content-type-options"] == "nosniff"
    assert sent["cache-control"] == "no-store"
    assert "sandbox" in sent["content-security-policy"]
    assert sent["content-disposition"] == (
        'attachment; filename="attachment.png"; '
        "filename*=UTF-8''%E6%9F%90%E7%94%B2%E7%9A%84%E8%BD%A8%E8%BF%B9.png"
    )
    (entry,) = gateway.demo.entries(request=sent["x-request-id"])
    assert (entry["operation"], entry["module"]) == ("fetch assistAttachment", "fetch")
    assert (entry["result"], entry["what"]["letter"]) == ("OK", letter["number"])
    assert entry["what"]["clear"] == ["AssistAttachment.fileName"]
    commit = Commitments(load_keys(gateway.demo.config.keys).log).one
    number = int(file.partition("/")[2])
    shown = commitments_in(str(entry["what"]["records"]["assistattachment"]))
    assert commit("assistattachment", number) in shown


def test_leak_29_who_is_masked_and_a_third_unit_get_nothing_of_a_file(
    gateway: Gateway, file: str, picture: bytes
) -> None:
    masked = fetch(gateway, file, OTHER)
    assert masked.status_code == 403
    (entry,) = gateway.demo.entries(request=masked.headers["x-request-id"])
    assert entry["result"] == "FORBIDDEN"
    assert entry["what"]["masked"] == ["AssistAttachment.fileName"]
    hidden, none = fetch(gateway, file, FAR), fetch(gateway, f"{file[:-4]}9999", FAR)
    assert hidden.status_code == none.status_code == 404
    assert hidden.content == none.content
    for response in (masked, hidden, none):
        assert response.headers["content-type"].startswith("application/json")
        assert picture[:8] not in response.content
        assert "某甲" not in response.text
    assert fetch(gateway, file, None).status_code == 401
    assert fetch(gateway, file, "bizadmin-320100").status_code == 403
    for name in ("attachments/", "attachments/x", f"attachments/{1 << 63}", f"{file}/"):
        assert fetch(gateway, name).status_code == 404


def test_a_file_lies_sealed_in_its_store(gateway: Gateway, file: str, picture: bytes) -> None:
    (path,) = {one.path for one in gateway.demo.config.regions if one.code == "320100"}
    assert path is not None
    within = b"".join(one.read_bytes() for one in path.parent.glob(f"{path.name}*"))
    assert base64.b64encode(picture) not in within
    assert "某甲的轨迹".encode() not in within
    assert file


@pytest.mark.parametrize("name", ["template.xlsx", "template.csv"])
def test_the_template_is_a_file_with_both_languages(gateway: Gateway, name: str) -> None:
    response = fetch(gateway, name)
    assert response.status_code == 200
    assert read_sheet(response.content).header[0] == "姓名 Name"
    assert response.headers["content-disposition"].endswith(f'filename="epigate-{name}"')
    assert fetch(gateway, name, None).status_code == 401
