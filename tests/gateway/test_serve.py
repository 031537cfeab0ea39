from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from gateway._listening import Address
from gateway.config import load_config
from gateway.serve import serve
from gateway.stores import migrate_stores
from regions.errors import KeysError, PortInUse, ServeError, StoreBehind
from regions.keys import create_keys
from tests.gateway.served import CONFIG, command, served

APP = "tests.gateway.served:make_app"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("gateway") / "config.toml"
    file.write_text(CONFIG, "utf-8")
    asyncio.run(migrate_stores(load_config(file)))
    create_keys(load_config(file).keys)
    return file


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def refused(config: Path, **options: object) -> tuple[int, str]:
    """Exit code and errors of a gateway that does not come to serve."""
    ended = subprocess.run(
        command(config, **options),  # type: ignore[arg-type]  # wrong or wider on purpose
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.stdout == ""
    return ended.returncode, ended.stderr


def test_one_worker_serves_in_the_process_itself(config: Path) -> None:
    with served(config) as gateway:
        assert gateway.line == f"epigate serves at {gateway.url} (1 worker)\n"
        answer = gateway.get()
        assert answer["pid"] == gateway.process.pid
        assert len(answer["cores"]) == 1
        assert gateway.end(signal.SIGINT) == (0, "")
    assert (config.parent / "data" / f"ended-{gateway.process.pid}").exists()


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_workers_share_the_port_each_on_its_core(config: Path, number: signal.Signals) -> None:
    with served(config, workers=2) as gateway:
        assert "(2 workers)" in gateway.line
        answers = [gateway.get() for _ in range(60)]
        cores = {answer["pid"]: tuple(answer["cores"]) for answer in answers}
        assert len(cores) == 2
        assert gateway.process.pid not in cores
        if len(os.sched_getaffinity(0)) > 1:
            assert len(set(cores.values())) == 2
        assert gateway.end(number) == (0, "")
    assert not any(alive(pid) for pid in cores)
    assert all((config.parent / "data" / f"ended-{pid}").exists() for pid in cores)


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_a_request_under_way_is_finished(config: Path) -> None:
    with served(config, workers=2) as gateway:
        answers: list[object] = []
        asking = threading.Thread(target=lambda: answers.append(gateway.get("/wait/0.7")))
        asking.start()
        time.sleep(0.3)
        assert gateway.end() == (0, "")
        asking.join()
        assert answers


def test_a_worker_that_dies_is_started_again(config: Path) -> None:
    with served(config, workers=2) as gateway:
        before = gateway.pids()
        with pytest.raises(OSError):  # noqa: PT011 (whichever: its server is gone)
            gateway.get("/die")
        time.sleep(0.05)
        until(lambda: len(gateway.pids(30) | before) == 3)
        first, _ = sorted(gateway.pids())
        os.kill(first, signal.SIGKILL)
        until(lambda: not alive(first))
        assert first not in gateway.pids(20)  # the other serves on
        until(lambda: len(gateway.pids(30)) == 2)
        code, errors = gateway.end()
        assert code == 0
        assert "ended (code 7); another starts in 0.1 s" in errors
        assert "ended (code -9); another starts in 0." in errors


def test_workers_end_when_their_parent_is_killed(config: Path) -> None:
    with served(config, workers=3) as gateway:
        pids = gateway.pids(80)
        gateway.process.kill()
        gateway.process.wait()
        until(lambda: not any(alive(pid) for pid in pids))


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_a_worker_that_hangs_is_killed_in_the_end(config: Path) -> None:
    with served(config, workers=2, grace=0.5) as gateway:

        def ask() -> None:
            with pytest.raises(OSError):  # noqa: PT011 (whichever: its server is gone)
                gateway.get("/hang")

        hanging = threading.Thread(target=ask)
        hanging.start()
        time.sleep(0.3)
        code, errors = gateway.end()
        assert code == 0
        assert "did not end in 1.5 s and is killed" in errors
        hanging.join()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_port_in_use_is_said_so(config: Path, workers: int) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortInUse, match=f"port {port} of 127.0.0.1 is in use") as caught:
            serve(load_config(config), port=port, workers=workers, factory=APP)
        assert "--port" in caught.value.hint


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_a_second_gateway_on_the_port_is_refused(config: Path) -> None:
    with served(config, workers=0) as gateway:
        assert f"({len(os.sched_getaffinity(0))} worker" in gateway.line  # one for each core
        port = int(gateway.url.rpartition(":")[2])
        with pytest.raises(PortInUse):
            serve(load_config(config), port=port, workers=2, factory=APP)
        assert gateway.get()


@pytest.mark.parametrize(
    ("app", "expected"),
    [
        ("make_without_keys", "the key sealing is missing [KEYS_MISSING]\n  run `epigate init`"),
        ("make_broken_start", "the key index is missing [KEYS_MISSING]\n  run `epigate init`"),
    ],
)
def test_what_keeps_a_worker_from_its_start_is_said(config: Path, app: str, expected: str) -> None:
    code, errors = refused(config, app=app, workers=2)
    assert code == 1
    assert expected in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("app", ["make_without_keys", "make_broken_start"])
def test_what_keeps_this_process_from_its_start_is_raised(config: Path, app: str) -> None:
    with pytest.raises(KeysError, match="is missing"):
        serve(load_config(config), port=0, workers=1, factory=f"tests.gateway.served:{app}")


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_a_bug_at_the_start_is_shown_once_and_ends_all(config: Path) -> None:
    code, errors = refused(config, app="make_bug", workers=2)
    assert code == 1
    assert "ZeroDivisionError: a bug" in errors
    assert "SERVE_FAILED" in errors


def test_a_store_that_is_behind_is_not_served(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(CONFIG, "utf-8")
    with pytest.raises(StoreBehind) as caught:
        serve(load_config(file), port=0)
    assert "epigate migrate" in caught.value.hint


def sent(url: str, pieces: Iterable[bytes]) -> bytes:
    """What the gateway answers to bytes sent piece by piece, until it closes or falls silent."""
    host, _, port = url.removeprefix("http://").partition(":")
    answer = b""
    with socket.create_connection((host, int(port)), timeout=2) as connection:
        with suppress(OSError):  # it may close before it has everything
            for piece in pieces:
                connection.sendall(piece)
        with suppress(OSError):
            while got := connection.recv(65_536):
                answer += got
                if b"\r\n\r\n" in answer:
                    break
    return answer


def complete(url: str, pieces: Iterable[bytes]) -> bool:
    """Whether the gateway takes all the bytes."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=2) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(0.001)
        except OSError:
            return False
    return True


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.leak(43)
def test_headers_have_an_end_and_claim_no_address(config: Path) -> None:
    with served(config) as gateway:
        begin = b"GET / HTTP/1.1\r\nhost: x\r\nx-long: "
        fits = sent(gateway.url, [begin, b"a" * 60_000, b"\r\n\r\n"])
        assert fits.startswith(b"HTTP/1.1 200")
        for endless in (begin, b"GET /"):
            refused = sent(gateway.url, [endless, *[b"a" * 16_384] * 8])
            assert refused == b"" or refused.startswith(b"HTTP/1.1 400")
        chunked = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-end: "
        assert not complete(gateway.url, [chunked, *[b"a" * 16_384] * 64])
        pipelined = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" * 50
        assert sent(gateway.url, [pipelined]).startswith(b"HTTP/1.1 200")
        headers = {"x-forwarded-for": "203.0.113.9", "forwarded": "for=203.0.113.9"}
        assert gateway.get("/", headers)["client"] == "127.0.0.1"


def test_serving_in_this_process(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = os.sched_getaffinity(0)
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    killer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
    killer.start()
    serve(load_config(config), port=0, workers=1, factory=APP)
    killer.join()
    assert "epigate serves at http://127.0.0.1:" in capsys.readouterr().out
    assert os.sched_getaffinity(0) == before
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == handlers


def test_addresses() -> None:
    address = Address("0.0.0.0", 0)
    assert address.url == f"http://127.0.0.1:{address.port}"
    with closing(address.open_socket()) as one, closing(address.open_socket()) as two:
        assert one.getsockname() == two.getsockname()
        one.listen()
        with pytest.raises(PortInUse):
            Address("0.0.0.0", address.port)
    address.close()
    with pytest.raises(ServeError, match="is no address"):
        Address("no such host.invalid", 8_000)
    with pytest.raises(ServeError, match="cannot listen on"):
        Address("192.0.2.1", 8_000)
