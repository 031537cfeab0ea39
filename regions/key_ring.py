"""Rings of keys: every key of one purpose by its number, the newest for what is written (F10).

A key file is `<name>.key` (number 0) or `<name>.<number>.key`: 32 bytes in base64, with `SM3:`
before it where the key of a blind index is one of HMAC-SM3. A running process sees a new key within
`LOOK_SECONDS`, by the folder's time of change; keys of the environment are read at the start alone.
"""

from __future__ import annotations

import base64
import binascii
import logging
import os
import re
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from regions.errors import KeysError

__all__ = [
    "KEY_BYTES",
    "LOOK_SECONDS",
    "MOST",
    "Key",
    "KeyRing",
    "make_key",
    "path_of",
    "read_keys",
    "sync_folder",
    "variable_of",
    "write_key",
]

KEY_BYTES = 32
LOOK_SECONDS = 1.0
"""How often a process looks whether the folder has changed."""

MOST = 256
"""Numbers of keys: one byte of an envelope."""

_SETTLED_NS = 2_000_000_000  # a folder changed so lately may change again with the same time
_SM3 = "SM3:"

_log = logging.getLogger(__name__)


class Key(NamedTuple):
    """32 secret bytes; `sm3` says that blind indexes under it are of HMAC-SM3."""

    secret: bytes
    sm3: bool = False

    def __repr__(self) -> str:
        return "Key(...)"


class KeyRing:
    """Keys by number. `sm4` says whether what is sealed from now on is sealed with SM4-GCM."""

    def __init__(
        self,
        keys: Mapping[int, Key],
        *,
        folder: Path | None = None,
        name: str = "",
        sm4: bool = False,
    ) -> None:
        self._keys = dict(keys)
        self._folder, self._name = folder, name
        self.sm4 = sm4
        self._newest = max(self._keys)
        self._next_look = 0.0
        self._changed: int | None = None

    @classmethod
    def of(cls, key: KeyRing | bytes) -> KeyRing:
        """A ring of one key, or the ring itself."""
        return key if isinstance(key, KeyRing) else cls({0: Key(key)})

    def __repr__(self) -> str:
        return "KeyRing(...)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeyRing) and self._keys == other._keys

    def __hash__(self) -> int:
        return hash(self._name)

    @property
    def newest(self) -> int:
        """The number of the key for what is written now."""
        if self._folder is not None and time.monotonic() >= self._next_look:
            self.look()
        return self._newest

    def numbers(self) -> tuple[int, ...]:
        """All numbers, the newest first."""
        assert self.newest >= 0
        return tuple(sorted(self._keys, reverse=True))

    def find(self, number: int) -> Key | None:
        """The key of a number, looked for in the folder too; None where there is none."""
        key = self._keys.get(number)
        if key is None and self._folder is not None:
            self.look()
            key = self._keys.get(number)
        return key

    def look(self) -> None:
        """Reads the folder again where it has changed; what cannot be read leaves all as it is."""
        folder = self._folder
        if folder is None:
            return
        self._next_look = time.monotonic() + LOOK_SECONDS
        try:
            changed = folder.stat().st_mtime_ns
            if changed == self._changed:
                return
            keys = read_keys(folder, self._name)
        except (OSError, KeysError) as error:
            _log.error("the key folder cannot be read again: %s", error)
            return
        if keys:
            self._keys, self._newest = keys, max(keys)
        settled = time.time_ns() - changed > _SETTLED_NS
        self._changed = changed if settled else None


def read_keys(folder: Path, name: str) -> dict[int, Key]:
    """The keys of a name in environment and folder, by number; the environment comes first.

    Raises KeysError where one has not 32 bytes, or can be read by others.
    """
    keys = {number: _decoded(text, where) for number, text, where in _of_environment(name)}
    for number, path in _files(folder, name):
        if number not in keys:
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise KeysError(
                    f"{path} can be read by other users", hint=f"chmod 600 {path}", key=name
                )
            keys[number] = _decoded(path.read_text("ascii"), str(path))
    return keys


def make_key(folder: Path, name: str, number: int, *, sm3: bool = False) -> Path:
    """Writes a new key file whole or not at all. Raises FileExistsError."""
    return write_key(folder, name, number, Key(os.urandom(KEY_BYTES), sm3))


def write_key(folder: Path, name: str, number: int, key: Key) -> Path:
    """Writes a key file (0600) whole or not at all. Raises FileExistsError."""
    path = path_of(folder, name, number)
    text = (_SM3 if key.sm3 else "") + base64.b64encode(key.secret).decode()
    unfinished = folder / f".{path.name}.{os.getpid()}-{threading.get_ident()}"
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(unfinished, path)
    finally:
        unfinished.unlink()
    sync_folder(folder)
    return path


def path_of(folder: Path, name: str, number: int) -> Path:
    """Where a key lies."""
    return folder / (f"{name}.{number}.key" if number else f"{name}.key")


def sync_folder(folder: Path) -> None:
    """Waits until names in a folder are on disk."""
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def variable_of(name: str) -> str:
    """The environment variable that the first key of a name may come from."""
    return f"EPIGATE_KEY_{name.replace('-', '_').upper()}"


def _of_environment(name: str) -> Iterator[tuple[int, str, str]]:
    pattern = re.compile(rf"{variable_of(name)}(?:_(\d{{1,3}}))?")
    for variable, text in os.environ.items():
        if found := pattern.fullmatch(variable):
            yield _number(found[1], variable), text, variable


def _files(folder: Path, name: str) -> Iterator[tuple[int, Path]]:
    pattern = re.compile(rf"{re.escape(name)}(?:\.(\d{{1,3}}))?\.key")
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if found := pattern.fullmatch(path.name):
            yield _number(found[1], str(path)), path


def _number(digits: str | None, where: str) -> int:
    number = int(digits or 0)
    if number >= MOST:
        raise KeysError(f"{where}: keys are numbered from 0 to {MOST - 1}")
    return number


def _decoded(text: str, where: str) -> Key:
    bare = text.strip()
    sm3 = bare.startswith(_SM3)
    try:
        secret = base64.b64decode(bare.removeprefix(_SM3), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != KEY_BYTES:
        raise KeysError(f"{where} is not {KEY_BYTES} bytes in base64")
    return Key(secret, sm3)
