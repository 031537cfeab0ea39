"""Signed notes: checkpoints of the log and their cosignatures, as texts (C2SP).

A checkpoint (c2sp.org/tlog-checkpoint) says how many entries a log has and the root over them, a
signed note (c2sp.org/signed-note) who says so. A witness adds a line of its own
(c2sp.org/tlog-cosignature): that at a time it saw this checkpoint, and that it grew out of the last
one it saw.

    epigate-320100-4f1d20c1                          origin: the log's name
    1537                                             entries
    bO2U7yZJ6Nl0Rk3m3xwLrO0pRW0b8pI2NcYlMqA0VhE=     root

    — epigate-320100-4f1d20c1 k5d0cQ…                name, base64(key id ‖ signature)

A verifier key is `name+<key id in hex>+<base64(kind ‖ public key)>`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from regions.errors import NoteInvalid

__all__ = [
    "COSIGNATURE",
    "ED25519",
    "Checkpoint",
    "NoteSigner",
    "Opened",
    "VerifierKey",
    "add_signature",
    "cosign",
    "open_checkpoint",
    "sign_checkpoint",
    "verify_cosignature",
]

ED25519 = 1  # kinds of keys, the first byte behind the name
COSIGNATURE = 4
_DASH = "\N{EM DASH} "
_MOST_SIGNATURES = 64
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]+")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How many entries a log has, and the root over them."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The note's text."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key that checks signatures of one name. `kind` is ED25519 or COSIGNATURE."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes by which a signature names its key."""
        return sha256(f"{self.name}\n".encode() + bytes((self.kind,)) + self.public).digest()[:4]

    def __str__(self) -> str:
        key = base64.b64encode(bytes((self.kind,)) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """The key of its text. Raises NoteInvalid."""
        name, _, rest = text.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        raw = _decoded(encoded)
        if not _NAME.fullmatch(name) or len(raw) != 33 or raw[0] not in (ED25519, COSIGNATURE):
            raise NoteInvalid(
                "not a verifier key of an Ed25519 signature or cosignature",
                hint="expected name+key id+key, as `epigate access-log key` prints it",
            )
        found = cls(name, raw[0], raw[1:])
        if found.key_id.hex() != key_id:
            raise NoteInvalid(f"the verifier key of {name} has another key id than it says")
        return found

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether it is this key's signature of the message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class NoteSigner:
    """A private key under a name. Of a log `kind` is ED25519, of a witness COSIGNATURE."""

    def __init__(self, name: str, seed: bytes, kind: int = ED25519) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError("a signer's name has no white space and no plus sign")
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = VerifierKey(name, kind, self._key.public_key().public_bytes_raw())
        self._head = f"{_DASH}{name} "
        self._id = self.verifier.key_id

    def line(self, message: bytes, before: bytes = b"") -> str:
        """The line of a signature over a message; `before` goes in front of the signature."""
        signature = self._id + before + self._key.sign(message)
        return f"{self._head}{base64.b64encode(signature).decode()}\n"


@dataclass(frozen=True, slots=True)
class Opened:
    """A checkpoint whose signatures were checked: which of the keys signed it."""

    checkpoint: Checkpoint
    signers: tuple[VerifierKey, ...]


def sign_checkpoint(checkpoint: Checkpoint, signer: NoteSigner) -> str:
    """The checkpoint as a note with one signature."""
    text = checkpoint.text()
    return f"{text}\n{signer.line(text.encode())}"


def add_signature(note: str, line: str) -> str:
    """The note with one more signature."""
    return note + line


def open_checkpoint(note: str, verifier_keys: Iterable[VerifierKey | str]) -> Opened:
    """The checkpoint of a note that at least one of the keys signed.

    Signatures by other keys are passed over. Raises NoteInvalid: a text that is no checkpoint, a
    signature by one of the keys that is wrong, none of them.
    """
    text, signatures = _parted(note)
    keys = [VerifierKey.parse(key) if isinstance(key, str) else key for key in verifier_keys]
    signers = []
    for key in keys:
        for signature in _signatures_of(key, signatures):
            message = text.encode()
            if key.kind == COSIGNATURE:
                at, signature = _timed(signature)
                message = _cosigned(text, at)
            if not key.verifies(signature, message):
                raise NoteInvalid(f"the signature of {key.name} is wrong")
            signers.append(key)
    if not signers:
        names = ", ".join(key.name for key in keys) or "no key given"
        raise NoteInvalid(
            f"no signature by a known key ({names})",
            hint="the checkpoint is of another log, or was signed with another key",
        )
    return Opened(_checkpoint(text), tuple(signers))


def cosign(note: str, witness: NoteSigner, at: int) -> str:
    """The line a witness adds to a checkpoint it has checked; `at` in seconds since 1970.

    Raises NoteInvalid where the text is no checkpoint.
    """
    text, _ = _parted(note)
    _checkpoint(text)
    return witness.line(_cosigned(text, at), at.to_bytes(8))


def verify_cosignature(note: str, witness: VerifierKey | str) -> int:
    """When the witness cosigned the note, in seconds since 1970. Raises NoteInvalid."""
    key = VerifierKey.parse(witness) if isinstance(witness, str) else witness
    text, signatures = _parted(note)
    _checkpoint(text)
    found = _signatures_of(key, signatures)
    if not found:
        raise NoteInvalid(f"{key.name} has not cosigned this checkpoint")
    at, signature = _timed(found[0])
    if not key.verifies(signature, _cosigned(text, at)):
        raise NoteInvalid(f"the cosignature of {key.name} is wrong")
    return at


def _cosigned(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def _timed(signature: bytes) -> tuple[int, bytes]:
    if len(signature) != 72:
        raise NoteInvalid("a cosignature is a time and a signature, 72 bytes")
    return int.from_bytes(signature[:8]), signature[8:]


def _signatures_of(key: VerifierKey, signatures: list[tuple[str, bytes]]) -> list[bytes]:
    return [
        signature[4:]
        for name, signature in signatures
        if name == key.name and signature[:4] == key.key_id
    ]


def _parted(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Text and signatures of a note: name, key id and signature."""
    head, blank, tail = note.rpartition("\n\n")
    text = head + "\n"
    if not blank or not tail.endswith("\n"):
        raise NoteInvalid("not a signed note: no empty line before signatures")
    if any(ord(c) < 0x20 and c != "\n" for c in note):
        raise NoteInvalid("not a signed note: a control character in it")
    lines = tail[:-1].split("\n")
    if len(lines) > _MOST_SIGNATURES:
        raise NoteInvalid(f"more than {_MOST_SIGNATURES} signatures")
    signatures = []
    for line in lines:
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        signature = _decoded(encoded)
        if not line.startswith(_DASH) or not _NAME.fullmatch(name) or len(signature) < 5:
            raise NoteInvalid("not a signed note: a line that is no signature")
        signatures.append((name, signature))
    return text, signatures


def _checkpoint(text: str) -> Checkpoint:
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise NoteInvalid("not a checkpoint: expected origin, size and root, a line each")
    origin, size, root = lines[0], lines[1], _decoded(lines[2])
    if not _SIZE.fullmatch(size) or len(root) != 32:
        raise NoteInvalid("not a checkpoint: the size is no number, or the root no hash")
    return Checkpoint(origin, int(size), root)


def _decoded(text: str) -> bytes:
    """Bytes of base64 as it is always written, else none."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return raw if base64.b64encode(raw).decode() == text else b""
