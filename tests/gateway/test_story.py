"""The whole way of a new user, as people go it: register, be approved, apply for a right, five
signatures, values in clear, the end of the right, found in the log by an auditor, and the log
verified on another machine with the network off.

Everybody signs in with password and, where it is needed, second factor; nothing is written into a
store but by the gateway. Other tests look into each step; this one holds that they meet.
"""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyotp
import pytest

from regions.instants import instant, seconds_of
from tests.docs.manual import ROOT
from tests.served import Demo, Gateway, serving

pytestmark = pytest.mark.no_cover  # each step has a test of its own, which counts its lines

COUNTY = "320102"
NAME, PASSWORD = "zhou.min", "plum blossom 3201"
ADMINISTRATOR = f"bizadmin-{COUNTY}"
SIGNERS = (f"head-{COUNTY}-1", f"head-{COUNTY}-2", ADMINISTRATOR, f"head-{COUNTY}-3")
CONTACTS = "{ contacts(first: 5) { edges { node { id name phone idNumber } } } }"
RIGHT_SECONDS = 30  # how long the right is good; all that needs it takes some two
EXAMPLES = ROOT / "examples" / "officer"  # what the quick start asks


@dataclass
class Office:
    """Whoever takes part: a session each, opened as the manual says."""

    gateway: Gateway
    tokens: dict[str, str] = field(default_factory=dict)
    keys: itertools.count[int] = field(default_factory=itertools.count)

    def sign_in(self, account: str, password: str, secret: str | None = None) -> Any:
        """What the gateway says of a sign-in; the session is kept."""
        body = {"account": account, "password": password}
        if secret is not None:
            body["code"] = pyotp.TOTP(secret).now()
        said = self.gateway.client.post("/sign-in", json=body)
        assert said.status_code == 200, said.text
        self.tokens[account] = said.json()["token"]
        return said.json()

    def enter(self, account: str) -> None:
        """A session of one of the demo's accounts, by its file."""
        known = self.gateway.demo.accounts[account]
        said = self.sign_in(account, known["password"], known.get("totpSecret"))
        assert not said["mustEnrol"]

    def data(self, query: str, who: str, **variables: Any) -> Any:
        """The data of an answer to somebody."""
        return self.gateway.data(query, variables, who=self.tokens[who])

    def do(self, example: str, who: str | None, **variables: Any) -> Any:
        """The payload of a mutation of the examples, which succeeds."""
        text = (EXAMPLES / f"{example}.graphql").read_text("utf-8")
        if "input" not in variables:
            variables["key"] = f"story-{next(self.keys)}"
        token = None if who is None else self.tokens[who]
        said = self.gateway.ask(text, variables, who=token).json()
        assert "errors" not in said, said
        (payload,) = said["data"].values()
        assert "code" not in payload, payload
        return payload

    def registered(self, receipt: str) -> Any:
        """What became of a registration, asked without a session."""
        text = "query ($r: String!) { registration(receipt: $r) { state account } }"
        return self.gateway.ask(text, {"r": receipt}, who=None).json()["data"]["registration"]

    def seen(self, who: str) -> list[dict[str, str]]:
        """The newest contacts as somebody sees them."""
        return [edge["node"] for edge in self.data(CONTACTS, who)["contacts"]["edges"]]


def test_from_registering_to_verifying_on_another_machine(demo: Demo, tmp_path: Path) -> None:
    own = demo.copied(tmp_path / "gateway")
    with serving(own, workers=2) as gateway:
        office = Office(gateway)
        for account in (*SIGNERS, "auditor"):
            office.enter(account)
        _register(office)
        ends_at, application = _apply(office)
        grant = _sign(office, application)
        shown = _see(office)
        audited = _find(office, grant, shown)
        before = _taken_along(own, tmp_path / "before.tar")

        time.sleep(max(0.0, seconds_of(ends_at) - time.time() + 0.5))
        again = office.seen(NAME)
        assert [node["id"] for node in again] == [node["id"] for node in shown]
        assert {node["name"] for node in again} == {"*"} == {node["phone"] for node in again}
        listed = office.data("{ grants { edges { node { id inForce } } } }", NAME)
        assert listed["grants"]["edges"] == [{"node": {"id": grant, "inForce": False}}]
        after = _taken_along(own, tmp_path / "after.tar")
        for node in shown:
            assert node["name"] not in json.dumps(own.entries(), ensure_ascii=False)
    _verify(own, before, after, audited, tmp_path / "another machine")


def _form(example: str) -> dict[str, Any]:
    """The input of an example, as it stands in its file."""
    form: dict[str, Any] = json.loads((EXAMPLES / f"{example}.json").read_text("utf-8"))["input"]
    return form


def _register(office: Office) -> None:
    """A new officer registers, is approved by the unit's administrator, and signs in."""
    taken = office.do("register", None, input=_form("register"))
    refused = office.gateway.client.post("/sign-in", json={"account": NAME, "password": PASSWORD})
    assert (refused.status_code, office.registered(taken["receipt"])["state"]) == (401, "PENDING")
    waiting = office.data(
        "{ registrations(states: [PENDING]) { edges { node { id wanted } } } }",
        ADMINISTRATOR,
    )
    (one,) = [edge["node"] for edge in waiting["registrations"]["edges"]]
    office.do("approve", ADMINISTRATOR, registration=one["id"])
    assert office.registered(taken["receipt"]) == {"state": "APPROVED", "account": NAME}
    said = office.sign_in(NAME, PASSWORD)
    assert (said["role"], said["code"], said["mustEnrol"]) == ("unit user", COUNTY, False)
    assert {node["name"] for node in office.seen(NAME)} == {"*"}


def _apply(office: Office) -> tuple[str, str]:
    """The form of annex 2; the end of the right it asks for, and its id."""
    ends_at = instant(time.time() + RIGHT_SECONDS)
    found = office.do("apply", NAME, input=_form("apply") | {"endsAt": ends_at})
    return ends_at, found["application"]["id"]


def _sign(office: Office, application: str) -> str:
    """Briefing and five signatures; the id of the right."""
    office.do("brief", ADMINISTRATOR, application=application)
    for who in (NAME, *SIGNERS):
        assert {node["name"] for node in office.seen(NAME)} == {"*"}, who
        signed = office.do("sign", who, application=application)["application"]
    assert signed["state"] == "GRANTED"
    (grant,) = signed["grants"]
    return str(grant["id"])


def _see(office: Office) -> list[dict[str, str]]:
    """The right shows nothing until its holder has a second factor; then the values."""
    refused = office.gateway.ask(CONTACTS, who=office.tokens[NAME])
    assert refused.status_code == 403, refused.text
    assert refused.json()["errors"][0]["extensions"]["code"] == "SECOND_FACTOR_REQUIRED"
    secret = _totp(office, {})["secret"]
    codes = _totp(office, {"code": pyotp.TOTP(secret).now()})["recoveryCodes"]
    assert len(set(codes)) == 10
    shown = office.seen(NAME)
    assert shown
    assert all(node["name"] != "*" and node["phone"] != "*" for node in shown)
    assert {node["idNumber"] for node in shown} == {"*"}
    return shown


def _totp(office: Office, body: Mapping[str, str]) -> Any:
    headers = {"authorization": f"Bearer {office.tokens[NAME]}"}
    said = office.gateway.client.post("/sign-in/totp", json=dict(body), headers=headers)
    assert said.status_code == 200, said.text
    return said.json()


def _find(office: Office, grant: str, shown: list[dict[str, str]]) -> int:
    """An auditor finds who saw what by which right, and the entry's proof; its index."""
    found = office.data(
        """query ($account: String!) {
             accessLog(filter: {account: $account, decision: CLEAR}) { edges { node {
               index operation result clearItems leaf records { ids } reasons { grant } } } }
           }""",
        "auditor",
        account=NAME,
    )
    (entry,) = [edge["node"] for edge in found["accessLog"]["edges"]]
    assert (entry["operation"], entry["result"]) == ("query contacts", "OK")
    assert entry["clearItems"] == ["NAME", "PHONE"]
    assert [reason["grant"] for reason in entry["reasons"]] == [grant]
    (read,) = entry["records"]
    assert sorted(read["ids"]) == sorted(node["id"] for node in shown)
    proof = office.data(
        "query ($i: Int!) { accessLogProof(index: $i) { leaf size hashes root } }",
        "auditor",
        i=entry["index"],
    )["accessLogProof"]
    assert (proof["leaf"], proof["size"] > entry["index"]) == (entry["leaf"], True)
    return int(entry["index"])


def _epigate(*arguments: object, offline: bool = False, folder: Path | None = None) -> Any:
    """The command line in a process of its own, without any network where that is wanted."""
    start = "from gateway.cli import main; main()"
    command = [sys.executable, "-c", start, *map(str, arguments)]
    if offline and _can_unshare():
        command = ["unshare", "--user", "--map-root-user", "--net", *command]
    elif offline:
        command[2] = (
            "import sys\n"
            "def no(event, _):\n"
            "    if event.startswith('socket.'): raise OSError('there is no network')\n"
            f"sys.addaudithook(no)\n{start}"
        )
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def _can_unshare() -> bool:
    """Whether a process can be given a network of its own, which leads nowhere."""
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--net", "true"], capture_output=True, check=False
    )
    return tried.returncode == 0


def _taken_along(own: Demo, target: Path) -> Path:
    """A copy of the log, made while the gateway serves."""
    done = _epigate("audit", "export", target, "--config", own.folder / "config.toml")
    assert done.returncode == 0, done.stderr
    return target


def _verify(own: Demo, before: Path, after: Path, index: int, machine: Path) -> None:
    """Another machine: the two bundles, a proof and the public key, and nothing else."""
    config = own.folder / "config.toml"
    said = _epigate("access-log", "key", "--config", config)
    assert said.returncode == 0, said.stderr
    machine.mkdir()
    proof = machine / "proof.json"
    done = _epigate("audit", "prove", index, "--output", proof, "--config", config)
    assert done.returncode == 0, done.stderr
    (machine / "log.vkey").write_text(said.stdout)
    for bundle in (before, after):
        shutil.copy(bundle, machine)
    shutil.rmtree(own.folder)

    def checked(*arguments: str) -> Any:
        return _epigate(*arguments, "--key", "log.vkey", offline=True, folder=machine)

    whole = checked("audit", "verify", "after.tar", "--since", "before.tar")
    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert "after.tar holds" in whole.stdout
    alone = checked("audit", "verify", "--proof", "proof.json")
    assert alone.returncode == 0, alone.stdout + alone.stderr
    grown = checked("audit", "diff", "before.tar", "after.tar")
    assert grown.returncode == 0, grown.stdout + grown.stderr
    assert "consistent" in grown.stdout
    back = checked("audit", "verify", "before.tar", "--since", "after.tar")
    assert (back.returncode, "ROLLBACK" in back.stdout) == (1, True), back.stdout

    bundle = machine / "after.tar"
    taken = bundle.read_bytes()
    assert taken.count(NAME.encode()) > 1
    bundle.write_bytes(taken.replace(NAME.encode(), b"zhou.mim"))
    forged = checked("audit", "verify", "after.tar")
    assert (forged.returncode, "ENTRY_CHANGED" in forged.stdout) == (1, True), forged.stdout


@pytest.mark.skipif(not _can_unshare(), reason="no network namespaces here")
def test_without_a_network_is_without_a_network(demo: Demo, tmp_path: Path) -> None:
    """The command line says so where it does need one, in the same surroundings."""
    with serving(demo.copied(tmp_path)) as gateway:
        config = gateway.demo.folder / "config.toml"
        asked = ("ask", "{ me { account } }", "--url", gateway.url, "--config", config)
        assert _epigate(*asked).returncode == 0
        refused = _epigate(*asked, offline=True)
        assert refused.returncode == 1
        assert "no gateway answers" in refused.stderr
