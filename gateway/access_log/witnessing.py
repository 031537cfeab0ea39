"""A witness on a machine of its own: what it holds in a file, a log's tiles from wherever.

It believes nothing but the log's public key it was given: tiles are checked by the roots they must
lead to. What it has seen is on disk before the cosignature is told.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from regions.errors import AccessLogError, AccessLogTampered, NoteInvalid
from regions.instants import instant
from regions.key_ring import sync_folder
from resolvers.access_log.merkle import consistency_proof
from resolvers.access_log.notes import COSIGNATURE, NoteSigner, VerifierKey, open_checkpoint
from resolvers.access_log.tiles import HEIGHT, WIDTH, hashes_in, tile_path
from resolvers.access_log.witnessing import Held, consider, holds

__all__ = ["Fetch", "fetching", "see"]

Fetch = Callable[[str], bytes]
"""The content of a path: `checkpoint`, `tile/0/000`. Raises AccessLogError."""

_SECONDS = 20.0
_OR_ANEW = "; only where that is lost, --anew: another key, so another witness to whoever trusts it"
_LONGEST = 1 << 20  # bytes of a checkpoint or tile


def see(fetch: Fetch, log: VerifierKey, state: Path, name: str, *, anew: bool = False) -> Held:
    """Looks at a log once: what the witness of a state file now holds of it.

    `name` is the witness's own, told once; its key is made beside the state file. A witness whose
    state file is gone while its key is there would believe any log: it refuses, unless it begins
    `anew`. It is another witness then, by another key of the same name; the old key stays beside,
    and both are told in `<state>.history` before anything is believed.

    Raises AccessLogTampered where the log did not grow out of what is held (which stays),
    NoteInvalid, AccessLogError.
    """
    if anew:
        _begin_anew(state, log, name)
    signer = _signer(state, name)
    with _alone(state):  # else a slow run would put an older checkpoint over a newer one
        return _see(fetch, log, state, signer)


def _see(fetch: Fetch, log: VerifierKey, state: Path, signer: NoteSigner) -> Held:
    held = _load(state)
    if held is not None:
        holds(held, log, signer.verifier)
    note = fetch("checkpoint").decode(errors="replace")
    checkpoint = open_checkpoint(note, [log]).checkpoint
    proof: list[bytes] = []
    if held is not None and held.size <= checkpoint.size:
        proof = _proof(fetch, held.size, checkpoint.size)
    seen = consider(held, _bare(note, log), log, proof, signer, int(time.time()))
    _save(state, seen)
    return seen


def fetching(source: str) -> Fetch:
    """Fetches from a folder (a bundle), or below a URL."""
    if source.startswith(("http://", "https://")):
        return lambda path: _from_web(f"{source.rstrip('/')}/{path}")
    return lambda path: _from_folder(Path(source), path)


def _proof(fetch: Fetch, old: int, new: int) -> list[bytes]:
    tiles: dict[tuple[int, int], bytes] = {}

    def tile_at(level: int, index: int) -> bytes:
        known = tiles.get((level, index))
        if known is None:
            count = new >> HEIGHT * level
            width = min(WIDTH, count - index * WIDTH)
            known = tiles[level, index] = fetch(tile_path(level, index, width))
        return known

    try:
        return consistency_proof(old, new, hashes_in(tile_at))
    except ValueError as error:
        raise AccessLogTampered(f"the log's tiles are not whole: {error}") from None


def _bare(note: str, log: VerifierKey) -> str:
    """The note with the log's own signature alone."""
    text, _, lines = note.rpartition("\n\n")
    own = f"\N{EM DASH} {log.name} "
    kept = [line for line in lines.splitlines() if line.startswith(own)]
    return f"{text}\n\n" + "".join(f"{line}\n" for line in kept)


def _signer(state: Path, name: str) -> NoteSigner:
    path = _key_path(state)
    try:
        if not path.exists():
            if state.exists() and _load(state) is not None:
                raise AccessLogError(
                    f"the witness's key {path} is gone, what it holds ({state}) is there",
                    hint=f"restore the key from its backup{_OR_ANEW}",
                )
            # First that nothing was seen yet: a key without a state file is one that lost it.
            _write(state, "null", new=True)
            _make_key(path, name)
        elif not state.exists():
            raise AccessLogError(
                f"what the witness has seen ({state}) is gone, its key is there: it would believe "
                "any log",
                hint=f"restore it from its backup{_OR_ANEW}",
            )
        return _kept_signer(path)
    except OSError as error:
        raise AccessLogError(f"the witness's key {path} cannot be used: {error}") from None


def _key_path(state: Path) -> Path:
    return state.with_name(f"{state.name}.key")


def _make_key(path: Path, name: str) -> None:
    seed = base64.b64encode(os.urandom(32)).decode()
    with suppress(FileExistsError):  # another run was faster
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"{name} {seed}\n")
            file.flush()
            os.fsync(file.fileno())


def _kept_signer(path: Path) -> NoteSigner:
    try:
        named, seed = path.read_text("utf-8").split()
        return NoteSigner(named, base64.b64decode(seed), COSIGNATURE)
    except (OSError, ValueError) as error:
        raise AccessLogError(f"the witness's key {path} cannot be used: {error}") from None


def _begin_anew(state: Path, log: VerifierKey, name: str) -> None:
    """Puts the witness's key and what it holds aside, once it is told that they are.

    Raises AccessLogError where there is neither.
    """
    path = _key_path(state)
    if not path.exists() and not state.exists():
        raise AccessLogError(f"there is no witness {state}: it begins without --anew")
    at = instant(time.time())
    with _alone(state) if path.exists() else nullcontext():
        former = _kept_signer(path).verifier if path.exists() else None
        told = {
            "at": at,
            "formerKey": None if former is None else str(former),
            "held": state.exists(),
            "log": log.name,
            "operation": "anew",
        }
        try:
            with state.with_name(f"{state.name}.history").open("a", encoding="utf-8") as file:
                file.write(json.dumps(told, sort_keys=True) + "\n")
                file.flush()
                os.fsync(file.fileno())
            for one in (state, path):
                if one.exists():
                    os.link(one, one.with_name(f"{one.name}.{at.replace(':', '')}"))  # never over
            _write(state, "null")
            path.unlink(missing_ok=True)
            _make_key(path, name if former is None else former.name)
        except OSError as error:
            raise AccessLogError(f"the witness cannot begin anew: {error}") from None


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Keeps other runs of the witness waiting."""
    try:
        with _key_path(state).open("rb") as file:
            with suppress(OSError):  # no such locks on this file system
                fcntl.flock(file, fcntl.LOCK_EX)
            yield
    except FileNotFoundError as error:
        raise AccessLogError(f"the witness's key {error.filename} is gone") from None


def _load(state: Path) -> Held | None:
    try:
        found = json.loads(state.read_text("utf-8"))
        if found is None:
            return None
        return Held(**{**found, "root": bytes.fromhex(found["root"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AccessLogError(
            f"what the witness holds ({state}) cannot be read: {error}",
            hint=f"restore it from its backup{_OR_ANEW}",
        ) from None


def _save(state: Path, held: Held) -> None:
    _write(state, json.dumps({**asdict(held), "root": held.root.hex()}, indent=1))


def _write(state: Path, text: str, *, new: bool = False) -> None:
    """Whole or not at all, durably; a `new` one never over another. Raises AccessLogError."""
    beside = state.with_name(f"{state.name}.new")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if new:
            with suppress(FileExistsError):
                os.link(beside, state)
            beside.unlink()
        else:
            beside.replace(state)
        sync_folder(state.absolute().parent)
    except OSError as error:
        raise AccessLogError(f"what the witness holds cannot be kept: {error}") from None


def _from_folder(folder: Path, path: str) -> bytes:
    try:
        return (folder / path).read_bytes()
    except FileNotFoundError:
        raise AccessLogError(
            f"there is no `{path}` in {folder}",
            hint="expected a folder that `epigate audit export` wrote",
        ) from None
    except OSError as error:
        raise AccessLogError(f"{folder / path} cannot be read: {error}") from None


def _from_web(url: str) -> bytes:
    try:
        with urlopen(url, timeout=_SECONDS) as answer:  # the scheme was looked at
            found: bytes = answer.read(_LONGEST + 1)
    except HTTPError as error:
        raise AccessLogError(f"{url} answers {error.code}") from None
    except (URLError, OSError) as error:
        raise AccessLogError(f"{url} does not answer: {error}") from None
    if len(found) > _LONGEST:
        raise NoteInvalid(f"{url} answers with more than a checkpoint or tile")
    return found
