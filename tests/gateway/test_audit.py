"""`epigate audit`: a log is verified, proven, compared, taken along; what was changed is found."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.access_log.live import live_log
from gateway.access_log.log_file import LogFile
from gateway.access_log.system import system_row
from gateway.cli import main
from regions.errors import NoteInvalid
from resolvers.access_log.merkle import leaf_hash
from resolvers.access_log.notes import (
    COSIGNATURE,
    Checkpoint,
    NoteSigner,
    VerifierKey,
    add_signature,
    cosign,
    sign_checkpoint,
)
from resolvers.access_log.proofs import EntryProof
from resolvers.access_log.tiles import bundle_path, pack_entries, unpack_entries
from tests.served import Demo, serving

SEED = b"s" * 32
SIZE = 1_100  # four full tiles of 256 and part of a fifth
Row = tuple[str, str, str, str, str]


def row(number: int, result: str = "OK") -> Row:
    at = f"2026-11-22T0{number // 600}:{number // 10 % 60:02}:{number % 10:02}Z"
    account, operation = f"county-{number % 7}", "query contacts"
    entry = {"at": at, "account": account, "operation": operation, "result": result, "n": number}
    return at, account, operation, result, orjson.dumps(entry, option=orjson.OPT_SORT_KEYS).decode()


def write(path: Path, count: int, first: int = 0, **more: Any) -> str:
    """Appends entries; the log's public key."""
    log = LogFile(path, SEED, origin="epigate-test", name="test", busy_seconds=2)
    for start in range(first, first + count, 100):
        log.write([row(n, **more) for n in range(start, min(start + 100, first + count))])
    log.close()
    return log.vkey


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def epigate(*arguments: object) -> Done:
    """The command line in this process: another one takes a second to start."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main([str(one) for one in arguments])
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
    return Done(code, out.getvalue(), err.getvalue())


def report(*arguments: object) -> dict[str, Any]:
    done = epigate("audit", "verify", *arguments, "--json")
    assert done.returncode in (0, 1, 3), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["holds"] == (done.returncode != 1)
    return found


def problems(*arguments: object) -> list[tuple[str, int | None]]:
    return [(one["code"], one["index"]) for one in report(*arguments)["problems"]]


def tampered(path: Path, statement: str, *values: Any) -> list[Any]:
    """What somebody does who may write the file: its triggers keep nobody from it."""
    with closing(sqlite3.connect(path)) as store, store:
        names = store.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        kept = [row for row in names if "INSERT" not in row[0]]
        if statement.split()[0] in ("UPDATE", "DELETE"):
            for (name,) in kept:
                store.execute(f"DROP TRIGGER {name}")
        return store.execute(statement, values).fetchall()


class Log:
    """A log in a folder of its own, its key, and a configuration that names it."""

    def __init__(self, folder: Path, config: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / "config.toml"
        shutil.copy(config, self.config)
        (folder / "data").mkdir(exist_ok=True)
        self.path = folder / "data" / "access-log.db"
        self.key = folder / "data" / "access-log.vkey"

    def fill(self, count: int, first: int = 0, **more: Any) -> Log:
        self.key.write_text(write(self.path, count, first, **more))
        return self

    def copied(self, folder: Path) -> Log:
        other = Log(folder, self.config)
        for name in (self.path, self.key):
            shutil.copy(name, folder / "data")
        return other

    def sql(self, statement: str, *values: Any) -> list[Any]:
        return tampered(self.path, statement, *values)

    def export(self, target: Path, *more: str) -> Path:
        done = epigate("audit", "export", target, "--config", self.config, *more)
        assert done.returncode == 0, done.stderr
        return target


_CONFIG = Path(__file__).parent.parent.parent / "config.toml"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    """A log nobody changes."""
    made = Log(tmp_path_factory.mktemp("log"), _CONFIG)
    kept = []
    for first, last in ((0, 300), (300, 700), (700, SIZE)):
        made.fill(last - first, first)
        kept += made.sql("SELECT size, at, root, note FROM checkpoints ORDER BY size DESC LIMIT 1")
    for row_kept in kept[:2]:  # as if a minute had passed between them
        made.sql("INSERT OR IGNORE INTO checkpoints VALUES (?, ?, ?, ?)", *row_kept)
    made.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return made


@pytest.fixture(scope="module")
def bundle(log: Log, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return log.export(tmp_path_factory.mktemp("bundles") / "whole")


def test_a_whole_log_holds_and_so_does_its_bundle(log: Log, bundle: Path, tmp_path: Path) -> None:
    found = report("--config", log.config, "--key", log.key)
    assert (found["holds"], found["size"], found["entries"]) == (True, SIZE, SIZE)
    assert found["origin"] == "epigate-test"
    taken = report(bundle, "--key", log.key)
    assert (taken["holds"], taken["root"], taken["entries"]) == (True, found["root"], SIZE)
    tar = log.export(tmp_path / "whole.tar")
    assert report(tar, "--key", log.key)["root"] == found["root"]
    told = epigate("audit", "verify", tar)  # the key in the bundle is believed, and that is said
    assert told.returncode == 0
    assert "believing the key in" in told.stderr
    assert f"{SIZE:,} entries" in told.stdout


def test_a_bundle_is_of_c2sp_tiles(bundle: Path) -> None:
    names = {str(p.relative_to(bundle)) for p in bundle.rglob("*") if p.is_file()}
    assert {"checkpoint", "log.vkey", "part", "tile/0/000", "tile/0/004.p/76"} <= names
    assert {"tile/1/000.p/4", "tile/entries32/003", "tile/entries32/004.p/76"} <= names
    entries = unpack_entries((bundle / "tile/entries32/000").read_bytes())
    assert b"".join(map(leaf_hash, entries)) == (bundle / "tile/0/000").read_bytes()


def test_a_part_says_that_it_is_one(log: Log, bundle: Path, tmp_path: Path) -> None:
    part = log.export(tmp_path / "part", "--from", "300", "--to", "600")
    assert report(part, "--key", log.key)["part"] == [256, 768]
    told = epigate("audit", "verify", part, "--key", log.key)
    assert "only entries 257 to 768 are here" in told.stdout
    assert told.returncode == 3
    assert "exit code 3; --allow-partial" in told.stderr
    meant = epigate("audit", "verify", part, "--key", log.key, "--allow-partial")
    assert (meant.returncode, meant.stderr) == (0, "")
    (part / "tile/entries32/001").unlink()
    broken = epigate("audit", "verify", part, "--key", log.key, "--allow-partial")
    assert broken.returncode == 1
    assert report(bundle, "--key", log.key)["part"] is None


@pytest.mark.parametrize("said", ["700 300", "512 512", "9" * 5_000 + " 1", "0 -1", "0"])
def test_a_part_of_nothing_is_none(bundle: Path, tmp_path: Path, said: str) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(bundle, mine)
    (mine / "part").write_text(f"{said}\n")
    done = epigate("audit", "verify", mine)
    assert done.returncode == 1
    assert "`part` of" in done.stderr


def test_what_is_no_file_is_not_read(log: Log, bundle: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(bundle, mine)
    for name, make in (
        ("tile/0/000", os.mkfifo),
        ("tile/0/001", lambda p: p.symlink_to("/dev/zero")),
    ):
        (mine / name).unlink()
        make(mine / name)
    assert problems(mine, "--key", log.key)[:2] == [("TILE_MISSING", 0), ("TILE_MISSING", 256)]


def test_a_part_holds_by_itself(log: Log, tmp_path: Path) -> None:
    part = log.export(tmp_path / "part", "--from", "300", "--to", "600")
    found = report(part, "--key", log.key)
    assert (found["holds"], found["entries"]) == (True, 512)  # the whole bundles they are in
    assert not (part / "tile/entries32/000").exists()
    target = part / "tile/entries32/002"
    entries = unpack_entries(target.read_bytes())
    entries[3] = entries[3].replace(b"OK", b"KO")
    target.write_bytes(pack_entries(entries))
    assert problems(part, "--key", log.key) == [("ENTRY_CHANGED", 515)]


def _in_bundle(index: int, change: Callable[[list[bytes]], Any]) -> Callable[[Path], None]:
    def work(folder: Path) -> None:
        tile, width = index // 256, min(256, SIZE - index // 256 * 256)
        target = folder / bundle_path(tile, width)
        entries = unpack_entries(target.read_bytes())
        change(entries)
        target.write_bytes(pack_entries(entries))

    return work


def _flip(path: str, at: int) -> Callable[[Path], None]:
    def work(folder: Path) -> None:
        raw = bytearray((folder / path).read_bytes())
        raw[at] ^= 1
        (folder / path).write_bytes(raw)

    return work


def _swap(entries: list[bytes]) -> None:
    entries[2], entries[9] = entries[9], entries[2]


def _change(at: int) -> Callable[[list[bytes]], None]:
    def work(entries: list[bytes]) -> None:
        entries[at] = entries[at].replace(b"county-", b"county_")

    return work


@pytest.mark.parametrize(
    ("tamper", "expected"),
    [
        (_in_bundle(0, _change(0)), [("ENTRY_CHANGED", 0)]),
        (_in_bundle(700, _change(188)), [("ENTRY_CHANGED", 700)]),
        (_in_bundle(1_024, _change(75)), [("ENTRY_CHANGED", 1_099)]),
        (_in_bundle(512, _swap), [("ENTRY_CHANGED", 514), ("ENTRY_CHANGED", 521)]),
        (_in_bundle(256, lambda e: e.pop()), [("ENTRY_MISSING", 511)]),
        (_in_bundle(1_024, lambda e: e.append(b"{}")), [("ENTRY_MISSING", 1_100)]),
        (lambda f: (f / "tile/entries32/001").unlink(), [("ENTRY_MISSING", 256)]),
        (lambda f: (f / "tile/0/001").unlink(), [("TILE_MISSING", 256)]),
        (_flip("tile/0/003", 40), [("TILE_CHANGED", 769)]),
    ],
    ids=[
        *("first", "middle", "last", "swapped", "dropped", "added", "bundle gone", "tile gone"),
        "tile flipped",
    ],
)
def test_what_was_changed_in_a_bundle_is_found(
    log: Log,
    bundle: Path,
    tmp_path: Path,
    tamper: Callable[[Path], Any],
    expected: list[tuple[str, int]],
) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(bundle, folder)
    tamper(folder)
    assert problems(folder, "--key", log.key) == expected


def test_every_byte_of_a_checkpoint_counts(log: Log, bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(bundle, folder)
    note = (bundle / "checkpoint").read_bytes()
    for at in range(0, len(note), 7):
        raw = bytearray(note)
        raw[at] ^= 1
        (folder / "checkpoint").write_bytes(raw)
        done = epigate("audit", "verify", folder, "--key", log.key)
        assert done.returncode == 1, (at, done.stdout)


def test_a_tree_made_anew_does_not_lead_to_the_signed_root(
    log: Log, bundle: Path, tmp_path: Path
) -> None:
    """Whoever changes an entry and every hash above it still has not the log's key."""
    other = Log(tmp_path / "other", _CONFIG)
    write(other.path, 400)
    write(other.path, 1, 400, result="KO")
    write(other.path, SIZE - 401, 401)
    forged = tmp_path / "forged"
    other.key.write_text(log.key.read_text())
    other.export(forged)
    shutil.copy(bundle / "checkpoint", forged)
    for name in (bundle / "kept").iterdir():
        shutil.copy(name, forged / "kept")
    found = report(forged, "--key", log.key)["problems"][0]
    assert found["code"] == "ROOT"
    assert "the first 300 entries agree, 700 do not" in found["text"]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE entries SET entry = replace(entry, 'county-', 'x') WHERE number = 600", 599),
        ("UPDATE entries SET account = 'somebody' WHERE number = 600", 599),
        ("DELETE FROM entries WHERE number = 600", 599),
        ("UPDATE entries SET number = -1 WHERE number = 600", 599),
        ("UPDATE tiles SET hashes = zeroblob(8192) WHERE level = 0 AND tile = 1", 256),
        ("DELETE FROM tiles WHERE level = 0 AND tile = 3", 768),
        ("INSERT INTO entries SELECT 1101, at, account, operation, result, entry FROM entries "
         "WHERE number = 1", 1_100),
    ],
)  # fmt: skip
def test_what_was_changed_in_the_log_is_found(
    log: Log, tmp_path: Path, statement: str, expected: int
) -> None:
    mine = log.copied(tmp_path / "mine")
    mine.sql(statement)
    assert expected in [index for _, index in problems("--config", mine.config)]


def test_another_key_and_another_log(log: Log, bundle: Path, tmp_path: Path) -> None:
    stranger = NoteSigner("epigate-test", b"x" * 32).verifier
    done = epigate("audit", "verify", bundle, "--key", stranger)
    assert done.returncode == 1
    assert "no signature by a known key" in done.stdout
    for text in ("nonsense", str(tmp_path)):
        done = epigate("audit", "verify", bundle, "--key", text)
        assert done.returncode == 1
        assert "not a verifier key" in done.stderr
    (tmp_path / "note").write_text("x")
    done = epigate("audit", "verify", tmp_path / "note", "--key", log.key)
    assert done.returncode == 1
    assert "NOTE_INVALID" in done.stderr + done.stdout or "ACCESS_LOG_FAILED" in done.stderr


def test_since_an_older_checkpoint(log: Log, bundle: Path, tmp_path: Path) -> None:
    signer = NoteSigner("epigate-test", SEED)
    (kept, *_) = sorted((bundle / "kept").iterdir(), key=lambda one: int(one.name))
    found = report(bundle, "--key", log.key, "--since", kept)
    assert (found["holds"], found["since"]) == (True, int(kept.name))
    forged = tmp_path / "forged"
    forged.write_text(sign_checkpoint(Checkpoint("epigate-test", 300, b"r" * 32), signer))
    assert problems(bundle, "--key", log.key, "--since", forged) == [("FORK", None)]
    forged.write_text(sign_checkpoint(Checkpoint("epigate-test", 2_000, b"r" * 32), signer))
    assert problems(bundle, "--key", log.key, "--since", forged) == [("ROLLBACK", SIZE)]


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
def test_another_machine_needs_neither_network_nor_configuration(
    log: Log, bundle: Path, tmp_path: Path
) -> None:
    program = (
        "import socket\n"
        "def no(*_, **__): raise OSError('there is no network')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = no\n"
        "from gateway.cli import main; main()"
    )
    key = log.key.read_text().strip()
    command = [sys.executable, "-c", program, "audit", "verify", str(bundle), "--key", key]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "holds" in done.stdout


def test_witnesses(log: Log, bundle: Path, tmp_path: Path) -> None:
    witness = NoteSigner("witness-320200", b"w" * 32, COSIGNATURE)
    folder = tmp_path / "cosigned"
    shutil.copytree(bundle, folder)
    assert problems(folder, "--key", log.key, "--witness", witness.verifier) == [("WITNESS", None)]
    note = (folder / "checkpoint").read_text()
    (folder / "checkpoint").write_text(add_signature(note, cosign(note, witness, 1_795_320_000)))
    found = report(folder, "--key", log.key, "--witness", witness.verifier)
    told = {"name": "witness-320200", "at": "2026-11-22T04:00:00Z", "size": SIZE}
    assert found["witnesses"] == [told]
    forged = NoteSigner("witness-320200", b"f" * 32, COSIGNATURE)
    assert problems(folder, "--key", log.key, "--witness", forged.verifier) == [("WITNESS", None)]


@pytest.mark.parametrize("size", [SIZE, 700])
def test_cosignatures_of_the_log_are_exported(log: Log, tmp_path: Path, size: int) -> None:
    witness = NoteSigner("witness-320200", b"w" * 32, COSIGNATURE)
    mine = log.copied(tmp_path / "mine")
    ((note,),) = mine.sql("SELECT note FROM checkpoints WHERE size = ?", size)
    line = cosign(note, witness, 1_795_320_000)
    mine.sql(
        "INSERT INTO cosignatures (size, witness, note, at) VALUES (?, ?, ?, ?)",
        *(size, "witness-320200", line, "2026-11-22T04:00:00Z"),
    )
    folder = mine.export(tmp_path / "bundle")
    for source in ((folder,), ("--config", mine.config)):
        found = report(*source, "--key", log.key, "--witness", witness.verifier)
        assert found["holds"]
        assert found["witnesses"][0]["size"] == size


def test_a_pruned_log_still_holds(log: Log, tmp_path: Path) -> None:
    mine = log.copied(tmp_path / "mine")
    mine.sql("DELETE FROM entries WHERE number <= 512")
    assert ("ENTRY_MISSING", 0) in problems("--config", mine.config)  # nobody said so
    mine.sql("INSERT OR REPLACE INTO facts VALUES ('pruned_to', '512')")
    assert problems("--config", mine.config) == [("ENTRY_MISSING", 0)]  # the log does not say so
    told = LogFile(mine.path, SEED, name="test", busy_seconds=2)
    told.write([system_row("prune", first=1, last=512, before="2026-11-22T00:00:00Z")])
    told.close()
    found = report("--config", mine.config)
    assert (found["holds"], found["entries"]) == (True, SIZE - 511)
    folder = mine.export(tmp_path / "bundle")
    assert report(folder, "--key", log.key)["entries"] == SIZE - 511
    assert epigate("audit", "prove", 600, "--config", mine.config).returncode == 0
    gone = epigate("audit", "prove", 5, "--config", mine.config)
    assert "the indexes 512 to 1100" in gone.stderr


def test_a_proof_checks_itself(log: Log, tmp_path: Path) -> None:
    for index in (0, 255, 256, 700, 1_099):
        proof = tmp_path / f"{index}.json"
        done = epigate("audit", "prove", index, "--output", proof, "--config", log.config)
        assert done.returncode == 0, done.stderr
    done = epigate("audit", "verify", "--proof", proof, "--key", log.key)
    assert done.returncode == 0, done.stderr
    assert "entry 1100 (index 1099) is in the log epigate-test of 1,100 entries" in done.stdout
    key = VerifierKey.parse(log.key.read_text())
    for index in (0, 255, 256, 700, 1_099):
        parsed = EntryProof.parse((tmp_path / f"{index}.json").read_text())
        assert parsed.check([key]).size == SIZE
        for changed in (
            EntryProof(index, parsed.entry + b" ", parsed.path, parsed.checkpoint),
            EntryProof(index ^ 1, parsed.entry, parsed.path, parsed.checkpoint),
            EntryProof(index, parsed.entry, parsed.path[1:], parsed.checkpoint),
            EntryProof(index, parsed.entry, (*parsed.path, b"x" * 32), parsed.checkpoint),
        ):
            with pytest.raises(NoteInvalid):
                changed.check([key])
    done = epigate("audit", "prove", SIZE, "--config", log.config)
    assert done.returncode == 1
    assert "the indexes 0 to 1099" in done.stderr
    for text in ("{}", "x", "[]", '{"format": "epigate access-log proof 1", "entry": 1}'):
        with pytest.raises(NoteInvalid):
            EntryProof.parse(text)


def _diff(*arguments: object) -> tuple[int, str]:
    done = epigate("audit", "diff", *arguments)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, done.stdout.splitlines()[-1]


def test_two_states_of_a_log(log: Log, bundle: Path, tmp_path: Path) -> None:
    grown = log.copied(tmp_path / "grown")
    write(grown.path, 70, SIZE)
    later = grown.export(tmp_path / "later.tar")
    came = (
        "consistent: entries 1101 to 1170 came, from 2026-11-22T01:50:00Z to 2026-11-22T01:56:09Z"
    )
    for before in (bundle, bundle / "checkpoint"):
        assert _diff(before, later, "--key", log.key) == (0, came)
    assert _diff(bundle, "--key", log.key, "--config", grown.config) == (0, came)
    assert _diff(bundle, bundle, "--key", log.key) == (0, "the same")
    gone = "rolled back: entries 1101 to 1170 are gone"
    assert _diff(later, bundle, "--key", log.key) == (1, gone)
    assert _diff(later, bundle / "checkpoint", "--key", log.key) == (1, gone)
    (tmp_path / "note").write_text(
        epigate("audit", "verify", later, "--key", log.key, "--json").stdout
    )
    code, said = _diff(bundle / "checkpoint", bundle / "checkpoint", "--key", log.key)
    assert (code, said) == (0, "the same")


def test_a_fork_is_told_where_it_parts(log: Log, bundle: Path, tmp_path: Path) -> None:
    for parts in (0, 255, 256, 700, 1_030):
        other = Log(tmp_path / f"other-{parts}", _CONFIG)
        for first in (0, parts):
            write(other.path, 1, first, result="KO") if first == parts else write(other.path, parts)
        write(other.path, SIZE + 50 - parts - 1, parts + 1)
        other.key.write_text(log.key.read_text())
        forked = other.export(tmp_path / f"fork-{parts}")
        where = f"forked: they part at entry {parts + 1} (index {parts})"
        assert _diff(bundle, forked, "--key", log.key) == (1, where)
        assert _diff(forked, bundle, "--key", log.key) == (1, where)
    code, said = _diff(bundle / "checkpoint", forked, "--key", log.key)
    assert (code, said) == (1, "forked")


def test_a_bundle_is_not_written_over_anything(log: Log, bundle: Path, tmp_path: Path) -> None:
    done = epigate("audit", "export", bundle, "--config", log.config)
    assert done.returncode == 1
    assert "exists already" in done.stderr
    for part in (("--from", "2000"), ("--from", "5", "--to", "5"), ("--to", "1101")):
        done = epigate("audit", "export", tmp_path / "x", "--config", log.config, *part)
        assert done.returncode == 1
        assert "the indexes 0 to 1099" in done.stderr
        assert not (tmp_path / "x").exists()


def test_the_log_of_a_served_gateway(demo: Demo, tmp_path: Path) -> None:
    own = demo.copied(tmp_path / "own")
    with serving(own, workers=2) as gateway:
        for _ in range(20):
            gateway.data("{ contacts(first: 2) { edges { node { name } } } }")
        whole = epigate("audit", "verify", "--config", own.folder / "config.toml")
        assert whole.returncode == 0, whole.stdout + whole.stderr
        target = tmp_path / "taken.tar"
        done = epigate("audit", "export", target, "--config", own.folder / "config.toml")
        assert done.returncode == 0, done.stderr
    (told,) = own.entries(operation="audit export")
    assert told["what"]["fhir"] is False
    key = epigate("access-log", "key", "--config", own.folder / "config.toml").stdout.strip()
    shutil.rmtree(own.folder / "keys")  # another machine has neither keys nor stores
    found = report(target, "--key", key)
    assert found["holds"]
    with live_log(own.config.log_store) as log:
        index = log.size - 1
    change = "UPDATE entries SET entry = replace(entry, '\"OK\"', '\"NO\"') WHERE number = 3"
    tampered(own.config.log_store, change)
    again = epigate("audit", "verify", "--config", own.folder / "config.toml")
    assert again.returncode == 1
    assert re.search(r"entry 3 \(index 2\)|first 0 entries agree|another root", again.stdout)
    assert index > 2
