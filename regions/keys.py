"""The secrets: a key folder only its owner can open, or the environment. Never in the
configuration.

Five purposes: `sealing` (private items) and `index` (blind indexes), each a ring of numbered keys
(`regions.key_ring`); `cursor` (page cursors), `log` (commitments in the access log) and
`log-signing` (its checkpoints, Ed25519), one key each. All have 32 bytes. `names.key` stands for
the first index key once that was rotated: the names of loaded rows, the fingerprints of idempotency
keys and the blind indexes of staff must not change with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from regions.errors import KeysError
from regions.key_ring import (
    Key,
    KeyRing,
    make_key,
    read_keys,
    sync_folder,
    variable_of,
    write_key,
)

__all__ = ["KEY_NAMES", "RINGS", "Keys", "create_keys", "keep_names", "load_keys", "variable_of"]

KEY_NAMES = ("sealing", "index", "cursor", "log", "log-signing")
RINGS = ("sealing", "index")
"""The purposes whose keys can be rotated."""

_NAMES = "names"


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """The keys of a gateway. A single key of 32 bytes is taken as a ring of one."""

    sealing: KeyRing
    index: KeyRing
    cursor: bytes
    log: bytes
    log_signing: bytes
    named: Key | None = None

    def __post_init__(self) -> None:
        for name in RINGS:
            object.__setattr__(self, name, KeyRing.of(getattr(self, name)))

    @property
    def names(self) -> bytes:
        """What names loaded rows and idempotency keys: the same for ever, the first index key."""
        return self._first.secret

    @property
    def staff_index(self) -> KeyRing:
        """The key of the blind indexes of staff, in the gateway's own store: the same for ever."""
        return KeyRing({0: self._first})

    @property
    def _first(self) -> Key:
        first = self.index.find(0) if self.named is None else self.named
        if first is None:
            raise KeysError(
                "names.key is missing, and so is the first index key it stands for",
                hint="restore the key folder from its backup",
                key=_NAMES,
            )
        return first

    def __repr__(self) -> str:
        return "Keys(...)"


def create_keys(folder: Path, *, sm: bool = False) -> list[str]:
    """Makes the folder (0700) and a key of each purpose that has none (0600); returns the names of
    the new ones. `sm` makes the index key one of HMAC-SM3.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    made = []
    for name in KEY_NAMES:
        if any(folder.glob(f"{name}.*key")):
            continue
        try:
            make_key(folder, name, 0, sm3=sm and name == "index")
        except FileExistsError:
            continue
        made.append(name)
    return made


def load_keys(folder: Path, *, sm: bool = False) -> Keys:
    """The keys from `EPIGATE_KEY_<NAME>` (base64) or else from the folder.

    `sm` seals what is written from now on with SM4-GCM. Raises KeysError where one is missing, has
    not 32 bytes, or can be read by others.
    """
    sealing, index = (_ring(folder, name, sm=sm) for name in RINGS)
    cursor, log, signing = (_one(folder, name).secret for name in KEY_NAMES if name not in RINGS)
    return Keys(sealing, index, cursor, log, signing, read_keys(folder, _NAMES).get(0))


def keep_names(folder: Path, keys: Keys) -> None:
    """Sees that `names.key` is there before the first index key may go."""
    first = keys.index.find(0)
    if keys.named is None and first is not None:
        try:
            write_key(folder, _NAMES, 0, first)
        except FileExistsError:
            sync_folder(folder)


def _ring(folder: Path, name: str, *, sm: bool) -> KeyRing:
    keys = read_keys(folder, name)
    if not keys:
        raise _missing(folder, name)
    return KeyRing(keys, folder=folder, name=name, sm4=sm)


def _one(folder: Path, name: str) -> Key:
    key = read_keys(folder, name).get(0)
    if key is None:
        raise _missing(folder, name)
    return key


def _missing(folder: Path, name: str) -> KeysError:
    return KeysError(
        f"the key {name} is missing: no {folder / name}.key and no {variable_of(name)}",
        hint="run `epigate init`, or restore the key folder from its backup",
        key=name,
    )
