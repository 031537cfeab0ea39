"""A witness on a machine of its own: over HTTP and from a folder."""

from __future__ import annotations

import base64
import json
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.access_log.log_file import LogFile
from gateway.access_log.tree import checkpoint_in
from gateway.access_log.witnessing import fetching, see
from regions.errors import AccessLogError, AccessLogTampered, NoteInvalid
from resolvers.access_log.notes import (
    COSIGNATURE,
    NoteSigner,
    VerifierKey,
    open_checkpoint,
    verify_cosignature,
)
from resolvers.access_log.tiles import tile_path, tiles_of
from tests import warm
from tests.gateway.access_log.logs import filled, opened, row, stored
from tests.served import Demo, Gateway, serving


def exported(log: LogFile, folder: Path) -> Path:
    """Checkpoint and hash tiles of a log as files."""
    with stored(log.path) as tree:
        found = checkpoint_in(tree._connection)
        assert found is not None
        for tile in tiles_of(tree.size):
            file = folder / tile_path(tile.level, tile.index, tile.width)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(tree.tile_at(tile.level, tile.index)[: tile.width * 32])
        (folder / "checkpoint").write_text(found.note, "utf-8")
    return folder


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


def test_it_cosigns_what_grew_and_remembers(tmp_path: Path, state: Path) -> None:
    log = filled(tmp_path / "log.db", 300)
    first = exported(log, tmp_path / "first")
    key = log.signer.verifier
    seen = see(fetching(str(first)), key, state, "auditor")
    assert seen.size == 300
    name, seed = state.with_name("state.json.key").read_text().split()
    assert name == "auditor"
    signer = NoteSigner(name, base64.b64decode(seed), COSIGNATURE)
    assert verify_cosignature(seen.note + seen.cosignature, signer.verifier) == seen.at
    assert json.loads(state.read_text())["size"] == 300
    assert stat.S_IMODE(state.with_name("state.json.key").stat().st_mode) == 0o600
    log.write([row(number) for number in range(300, 900)])
    second = exported(log, tmp_path / "second")
    assert see(fetching(str(second)), key, state, "another name").size == 900
    with pytest.raises(AccessLogTampered, match="auditor has seen 900 entries"):
        see(fetching(str(first)), key, state, "auditor")
    assert json.loads(state.read_text())["size"] == 900


def test_a_fork_is_not_cosigned_and_what_was_seen_is_kept(tmp_path: Path, state: Path) -> None:
    log = filled(tmp_path / "log.db", 300)
    key = log.signer.verifier
    see(fetching(str(exported(log, tmp_path / "first"))), key, state, "auditor")
    before = state.read_text()
    forged = opened(tmp_path / "forged.db")
    forged.write([row(-number) for number in range(400)])  # by the same key
    for damage in (False, True):
        folder = exported(forged, tmp_path / f"forged-{damage}")
        if damage:
            tile = folder / "tile/0/000"
            tile.write_bytes(tile.read_bytes()[:-32])
        with pytest.raises(AccessLogTampered):
            see(fetching(str(folder)), key, state, "auditor")
    assert state.read_text() == before


def test_what_it_holds_cannot_be_changed_or_lost_unnoticed(tmp_path: Path, state: Path) -> None:
    log = filled(tmp_path / "log.db", 30)
    folder, key = exported(log, tmp_path / "first"), log.signer.verifier
    see(fetching(str(folder)), key, state, "auditor")
    kept = json.loads(state.read_text())
    state.write_text(json.dumps({**kept, "size": 3}))
    with pytest.raises(NoteInvalid, match="does not hold what it cosigned"):
        see(fetching(str(folder)), key, state, "auditor")
    state.write_text("{")
    with pytest.raises(AccessLogError, match="cannot be read"):
        see(fetching(str(folder)), key, state, "auditor")


def test_a_witness_that_lost_what_it_saw_believes_no_log(tmp_path: Path, state: Path) -> None:
    log = filled(tmp_path / "log.db", 30)
    folder, key = exported(log, tmp_path / "first"), log.signer.verifier
    held = see(fetching(str(folder)), key, state, "auditor")
    secret = state.with_name("state.json.key")
    former = secret.read_text()
    state.unlink()
    for _ in range(2):
        with pytest.raises(AccessLogError, match="is gone, its key is there") as caught:
            see(fetching(str(folder)), key, state, "auditor")
        assert "--anew" in str(caught.value.hint)
    assert (state.exists(), secret.read_text()) == (False, former)
    again = see(fetching(str(folder)), key, state, "another name", anew=True)
    assert again.size == held.size
    name, seed = secret.read_text().split()
    assert name == "auditor"
    assert secret.read_text() != former  # another witness to whoever trusts the former
    signer = NoteSigner(name, base64.b64decode(seed), COSIGNATURE)
    assert verify_cosignature(again.note + again.cosignature, signer.verifier)
    (told,) = map(json.loads, state.with_name("state.json.history").read_text().splitlines())
    was = NoteSigner("auditor", base64.b64decode(former.split()[1]), COSIGNATURE)
    assert (told["formerKey"], told["log"], told["held"]) == (str(was.verifier), key.name, False)
    (aside,) = state.parent.glob("state.json.key.*")
    assert aside.read_text() == former
    see(fetching(str(folder)), key, state, "auditor")  # and goes on
    secret.unlink()
    with pytest.raises(AccessLogError, match="is gone, what it holds"):
        see(fetching(str(folder)), key, state, "auditor")
    assert see(fetching(str(folder)), key, state, "another", anew=True).size == held.size
    assert secret.read_text().split()[0] == "another"


def test_one_that_never_saw_anything_begins_without_more(tmp_path: Path, state: Path) -> None:
    log = filled(tmp_path / "log.db", 30)
    folder, key = exported(log, tmp_path / "first"), log.signer.verifier
    for _ in range(2):  # the network is away
        with pytest.raises(AccessLogError, match="no `checkpoint`"):
            see(fetching(str(tmp_path)), key, state, "auditor")
    assert see(fetching(str(folder)), key, state, "auditor").size == 30
    with pytest.raises(AccessLogError, match="begins without --anew"):
        see(fetching(str(folder)), key, tmp_path / "other.json", "auditor", anew=True)


def test_nothing_is_told_that_could_not_be_kept(tmp_path: Path) -> None:
    log = filled(tmp_path / "log.db", 30)
    folder = exported(log, tmp_path / "first")
    state = tmp_path / "state.json"
    (tmp_path / "state.json.new").mkdir()
    with pytest.raises(AccessLogError, match="cannot be kept"):
        see(fetching(str(folder)), log.signer.verifier, state, "auditor")
    assert not state.exists()


def test_a_slow_run_does_not_put_back_what_another_saw(tmp_path: Path, state: Path) -> None:
    log = filled(tmp_path / "log.db", 100)
    key = log.signer.verifier
    first = fetching(str(exported(log, tmp_path / "first")))
    see(first, key, state, "auditor")
    log.write([row(number) for number in range(100, 150)])
    middle = fetching(str(exported(log, tmp_path / "middle")))
    log.write([row(number) for number in range(150, 200)])
    last = fetching(str(exported(log, tmp_path / "last")))
    begun, go_on = threading.Event(), threading.Event()

    def slow(path: str) -> bytes:
        begun.set()
        go_on.wait(60)
        return middle(path)

    runs = [
        threading.Thread(target=see, args=(fetch, key, state, "auditor")) for fetch in (slow, last)
    ]
    runs[0].start()
    assert begun.wait(60)
    runs[1].start()
    runs[1].join(0.5)  # it waits, or has seen 200 by now
    go_on.set()
    for run in runs:
        run.join()
    assert json.loads(state.read_text())["size"] == 200


def test_a_folder_without_a_checkpoint(tmp_path: Path, state: Path) -> None:
    log = filled(tmp_path / "log.db", 3)
    with pytest.raises(AccessLogError, match="no `checkpoint`"):
        see(fetching(str(tmp_path)), log.signer.verifier, state, "auditor")
    with pytest.raises(AccessLogError, match="does not answer"):
        see(fetching("http://127.0.0.1:9/access-log"), log.signer.verifier, state, "auditor")


@pytest.fixture(scope="module")
def gateway(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with serving(
        demo.copied(tmp_path_factory.mktemp("witnessed")), workers=2, counted=True
    ) as found:
        yield found


def run(gateway: Gateway, state: Path) -> subprocess.CompletedProcess[str]:
    """`epigate witness` as an auditor runs it."""
    key = str(gateway.demo.config.log_vkey)
    return warm.run(*("witness", f"{gateway.url}/access-log", "--key", key, "--state", str(state)))


def test_over_http_by_its_command(gateway: Gateway, state: Path) -> None:
    """And at once after what was asked, of whichever of the two workers."""
    key = VerifierKey.parse(gateway.demo.config.log_vkey.read_text())
    sizes = []
    for turn in range(3):
        for _ in range(2):
            done = run(gateway, state)
            assert done.returncode == 0, done.stderr
        sizes.append(open_checkpoint(done.stdout, [key]).checkpoint.size)
        for _ in range(150 * (turn + 1)):
            assert gateway.ask("{me{code}}").status_code == 200
    assert sizes == sorted(set(sizes))
    assert sizes[-1] > 256


def test_only_hashes_are_served(gateway: Gateway) -> None:
    get = gateway.client.get
    for path in (
        "tile/entries32/000",
        "tile/entries/000",
        "tile/0/999",
        "../gateway.db",
        "entries",
    ):
        assert get(f"/access-log/{path}").status_code == 404
    assert get("/access-log/key").text == gateway.demo.config.log_vkey.read_text()
    assert len(get("/access-log/tile/0/000.p/1").content) == 32
