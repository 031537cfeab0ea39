"""The wire: clients that leave, bodies that never end, and several workers behind one port."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest

from gateway import endpoint
from gateway.config import load_config
from gateway.http import make_app
from tests.served import BROAD, Demo, Gateway, serving

ASKED = b'{"query":"{ contacts(first: 3) { edges { node { id name } } } }"}'
PUBLIC = b'{"query":"{__typename}"}'


def request(body: bytes, *headers: str, length: int | None = None) -> bytes:
    """A request as it goes over the wire."""
    lines = [
        "POST /graphql HTTP/1.1",
        "host: gateway",
        "content-type: application/json",
        f"content-length: {len(body) if length is None else length}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def sent(gateway: Gateway, data: bytes, *, end: bool = False) -> bytes:
    """What comes back for some bytes, until the server closes or is silent for half a second."""
    with closing(socket.create_connection(("127.0.0.1", gateway.port), 5)) as wire:
        wire.sendall(data)
        if end:
            wire.shutdown(socket.SHUT_WR)
        wire.settimeout(0.5)
        found = b""
        try:
            while part := wire.recv(65_536):
                found += part
        except (TimeoutError, ConnectionResetError):
            pass
        return found


def well(gateway: Gateway) -> None:
    """It still answers, and nothing failed."""
    assert gateway.send(ASKED).status_code == 200
    assert not [line for line in gateway.said if "Traceback" in line], gateway.said


def test_health_and_places_that_are_not_there(edge: Gateway) -> None:
    response = edge.client.get("/health")
    assert (response.status_code, response.json()) == (200, {"status": "serving"})
    for path in (
        "/",
        "/graphql/",
        "/GraphQL",
        "/graphiql",
        "/sign-in/x",
        "/..%2fgraphql",
        "/\u70b9",
    ):
        response = edge.client.get(path)
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "NOT_FOUND"
    assert edge.client.get("/sign-in").status_code == 405
    assert edge.client.put("/health").status_code == 405


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,  # TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\n",
        b"POST /graphql HTTP/9.9\r\nhost: x\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"POST /graphql HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 300_000 + b"\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: a\x00b\r\n\r\n",
        b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
        request(PUBLIC, "content-length: 3"),
        request(PUBLIC, "transfer-encoding: chunked"),
    ],
)
def test_what_is_no_request(edge: Gateway, data: bytes) -> None:
    answer = sent(edge, data)
    assert answer == b"" or answer.split(b" ", 2)[1].startswith(b"4")
    well(edge)


def test_a_request_in_pieces(edge: Gateway) -> None:
    authorization = f"authorization: {edge.headers()['authorization']}"
    data = request(ASKED, authorization, "connection: close")
    with closing(socket.create_connection(("127.0.0.1", edge.port), 5)) as wire:
        for start in range(0, len(data), 40):
            wire.sendall(data[start : start + 40])
            time.sleep(0.002)
        found = b""
        while part := wire.recv(65_536):
            found += part
    assert found.startswith(b"HTTP/1.1 200 OK")
    assert b'"contact:' in found


def test_requests_in_a_row_without_waiting(edge: Gateway) -> None:
    authorization = f"authorization: {edge.headers()['authorization']}"
    answer = sent(edge, request(ASKED, authorization) * 20)
    assert answer.count(b"HTTP/1.1 200 OK") == 20


def test_a_body_in_chunks(edge: Gateway) -> None:
    def parts(size: int) -> Iterator[bytes]:
        yield PUBLIC[:10]
        yield PUBLIC[10:]
        for _ in range(size):
            yield b" " * 65_536

    for size, status in ((0, 200), (3, 200), (100, 413), (200, 413)):
        response = edge.client.post("/graphql", content=parts(size), headers=edge.headers())
        assert response.status_code == status


def test_a_body_over_the_limit_is_refused_in_words(edge: Gateway) -> None:
    response = edge.send(b" " * 8_000_000)
    assert response.status_code == 413
    assert response.json()["errors"][0]["extensions"]["code"] == "TOO_LARGE"
    assert response.headers["connection"] == "close"


def test_an_endless_body_is_not_read_on(edge: Gateway) -> None:
    block = b" " * 65_536
    count = 0
    with closing(socket.create_connection(("127.0.0.1", edge.port), 5)) as wire:
        wire.sendall(request(b"", length=5_000_000_000))
        with suppress(OSError):  # the server closed
            while count < 2_000:
                wire.sendall(block)
                count += 1
    assert count < 1_000
    well(edge)


@pytest.mark.parametrize("cut", [0, 1, 40, 130, 190])
def test_a_client_that_leaves(edge: Gateway, cut: int) -> None:
    data = request(ASKED, f"authorization: {edge.headers()['authorization']}")
    for _ in range(10):
        with closing(socket.create_connection(("127.0.0.1", edge.port), 5)) as wire:
            wire.sendall(data[: -cut or None])
    before = len(edge.demo.entries())
    if cut:
        assert sent(edge, data[:-cut], end=True) == b""
        assert len(edge.demo.entries()) == before  # half a request asks nothing
    well(edge)


def test_a_head_that_never_ends(demo: Demo, tmp_path: Path) -> None:
    """Neither at the first request of a connection nor at a later one."""
    hurry = "import gateway._worker; gateway._worker._HEAD_SECONDS = 0.3"
    with serving(demo.copied(tmp_path), before=hurry) as gateway:
        for begin in (b"", b"POST /graphql HT", request(PUBLIC) + b"POST /gra"):
            with closing(socket.create_connection(("127.0.0.1", gateway.port), 5)) as wire:
                wire.sendall(begin)
                with suppress(ConnectionResetError):
                    while wire.recv(65_536):
                        pass
        headers = gateway.headers()
        for _ in range(2):  # a connection without a request under way is kept
            assert gateway.client.post("/graphql", content=ASKED, headers=headers).is_success
            time.sleep(0.5)
        assert gateway.client.post("/graphql", content=ASKED, headers=headers).is_success


def test_a_body_that_never_comes(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "_BODY_SECONDS", 0.2)
    app = make_app(load_config(demo.copied(tmp_path).folder / "config.toml"))
    told: list[dict[str, object]] = []

    async def main() -> None:
        sent = iter([{"type": "http.request", "body": b'{"que', "more_body": True}])

        async def receive() -> dict[str, object]:
            found = next(sent, None)
            if found is None:
                await asyncio.sleep(60)
                raise AssertionError
            return dict(found)

        async def send(message: object) -> None:
            assert isinstance(message, dict)
            told.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/graphql",
            "headers": [(b"content-type", b"application/json")],
        }
        await app(scope, receive, send)

    asyncio.run(main())
    assert told[0]["status"] == 408
    assert (b"connection", b"close") in told[0]["headers"]  # type: ignore[operator]  # ASGI messages have no types
    assert b"BAD_REQUEST" in told[1]["body"]  # type: ignore[operator]  # ASGI messages have no types


# Several workers -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def workers(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Two workers over one folder."""
    with serving(
        demo.copied(tmp_path_factory.mktemp("workers"), attempts=3), workers=2, counted=True
    ) as found:
        yield found


def on_every_worker(
    gateway: Gateway, ask: Callable[[httpx.Client], httpx.Response], most: int = 40
) -> dict[str, list[httpx.Response]]:
    """The answers by worker, asked over new connections until both have answered some times."""
    found: dict[str, list[httpx.Response]] = {}
    for _ in range(most):
        with httpx.Client(base_url=gateway.url, timeout=60) as client:
            probe = client.post("/graphql", content=PUBLIC, headers=gateway.headers(None))
            worker = probe.headers["x-request-id"].partition("-")[0]
            found.setdefault(worker, []).append(ask(client))
        if len(found) == 2 and min(map(len, found.values())) >= 3:
            return found
    raise AssertionError(f"only {len(found)} workers answered")


def question(gateway: Gateway, who: str) -> Callable[[httpx.Client], httpx.Response]:
    def ask(client: httpx.Client) -> httpx.Response:
        return client.post("/graphql", content=ASKED, headers=gateway.headers(who))

    return ask


def test_a_session_holds_in_every_worker_until_it_is_signed_out(workers: Gateway) -> None:
    account = workers.demo.accounts[BROAD]
    body = {"account": BROAD, "password": account["password"]}
    token = workers.client.post("/sign-in", json=body).json()["token"]
    found = on_every_worker(workers, question(workers, token))
    bodies = {response.content for some in found.values() for response in some}
    assert len(bodies) == 1  # the same from either, remembered or read
    assert {r.status_code for some in found.values() for r in some} == {200}
    assert workers.client.post("/sign-out", headers=workers.headers(token)).status_code == 204
    found = on_every_worker(workers, question(workers, token))
    assert {r.status_code for some in found.values() for r in some} == {401}


def test_a_lock_holds_in_every_worker(workers: Gateway) -> None:
    account = workers.demo.account_of("duty")
    wrong = {"account": account, "password": "wrong"}

    def sign_in(client: httpx.Client) -> httpx.Response:
        return client.post("/sign-in", json=wrong)

    answers = [r.status_code for some in on_every_worker(workers, sign_in).values() for r in some]
    assert Counter(answers)[401] == 3  # together, not in each
    assert set(answers) == {401, 429}
    right = {"account": account, "password": workers.demo.accounts[account]["password"]}
    assert workers.client.post("/sign-in", json=right).status_code == 429


def test_the_log_has_every_workers_entries(workers: Gateway) -> None:
    found = on_every_worker(workers, question(workers, workers.demo.account_of("city")))
    ids = {r.headers["x-request-id"] for some in found.values() for r in some}
    entries = {entry["request"] for entry in workers.demo.entries() if "request" in entry}
    assert ids <= entries
    assert len({one.partition("-")[0] for one in ids}) == 2


def test_what_one_worker_wrote_no_other_remembers_otherwise(workers: Gateway) -> None:
    who = workers.demo.account_of("county")
    text = "{ contacts(first: 1) { totalCount edges { node { code } } } }"

    def count(client: httpx.Client) -> httpx.Response:
        return client.post("/graphql", json={"query": text}, headers=workers.headers(who))

    def counted() -> set[int]:
        found = on_every_worker(workers, count)
        return {
            response.json()["data"]["contacts"]["totalCount"]
            for some in found.values()
            for response in some
        }

    (before,) = counted()
    written = workers.data(
        """mutation { registerContacts(input: { idempotencyKey: "w-1", rows: [
        { level: CLOSE, code: "320102", person: { name: "测试" } }] }) {
        ... on RegisterContactsPayload { registered } ... on Problem { message } } }""",
        who=who,
    )
    assert written["registerContacts"] == {"registered": 1}
    assert counted() == {before + 1}


def test_a_killed_worker_is_replaced(workers: Gateway) -> None:
    def children() -> set[int]:
        path = Path(f"/proc/{workers.process.pid}/task/{workers.process.pid}/children")
        return {int(pid) for pid in path.read_text().split()}

    before = children()
    assert len(before) == 2
    os.kill(min(before), signal.SIGKILL)
    deadline = time.monotonic() + 60
    while len(children() - before) < 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    found = on_every_worker(workers, question(workers, BROAD), 1_000)
    assert {r.status_code for some in found.values() for r in some} == {200}
