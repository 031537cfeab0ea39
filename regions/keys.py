"""The secrets: a key folder only its owner can open, or the environment. Never in the
configuration.

Five keys of 32 bytes: `sealing` (private items), `index` (blind indexes), `cursor` (page cursors),
`log` (commitments in the access log) and `log-signing` (its checkpoints, Ed25519).
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from regions.errors import KeysError

__all__ = ["KEY_NAMES", "Keys", "create_keys", "load_keys", "variable_of"]

KEY_NAMES = ("sealing", "index", "cursor", "log", "log-signing")
_BYTES = 32


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """Five keys of 32 bytes each."""

    sealing: bytes
    index: bytes
    cursor: bytes
    log: bytes
    log_signing: bytes

    def __repr__(self) -> str:
        return "Keys(...)"


def create_keys(folder: Path) -> list[str]:
    """Makes the folder (0700) and each missing key file (0600); returns the names of the new
    ones.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    made = []
    for name in KEY_NAMES:
        path = folder / f"{name}.key"
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(os.urandom(_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        made.append(name)
    return made


def load_keys(folder: Path) -> Keys:
    """The keys from `EPIGATE_KEY_<NAME>` (base64; LOG_SIGNING) or else from the folder.

    Raises KeysError where one is missing, has not 32 bytes, or can be read by others.
    """
    return Keys(**{_attribute(name): _key(folder, name) for name in KEY_NAMES})


def variable_of(name: str) -> str:
    """The environment variable that a key may come from."""
    return f"EPIGATE_KEY_{_attribute(name).upper()}"


def _attribute(name: str) -> str:
    return name.replace("-", "_")


def _key(folder: Path, name: str) -> bytes:
    variable = variable_of(name)
    text = os.environ.get(variable)
    where = variable
    if text is None:
        path = folder / f"{name}.key"
        where = str(path)
        try:
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise KeysError(
                    f"{path} can be read by other users", hint=f"chmod 600 {path}", key=name
                )
            text = path.read_text("ascii")
        except FileNotFoundError:
            raise KeysError(
                f"the key {name} is missing: no {path} and no {variable}",
                hint="run `epigate init`, or restore the key folder from its backup",
                key=name,
            ) from None
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != _BYTES:
        raise KeysError(f"{where} is not {_BYTES} bytes in base64", key=name)
    return key
