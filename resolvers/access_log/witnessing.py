"""A witness: it cosigns a checkpoint only if that grew out of the last one it holds (C2SP
tlog-witness). A pure decision; whoever asks keeps the outcome before giving it away.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from regions.errors import AccessLogTampered, NoteInvalid
from resolvers.access_log.merkle import verify_consistency
from resolvers.access_log.notes import (
    COSIGNATURE,
    NoteSigner,
    VerifierKey,
    cosign,
    open_checkpoint,
    verify_cosignature,
)

__all__ = ["Held", "consider", "holds", "regional_witness"]


@dataclass(frozen=True, slots=True)
class Held:
    """The last checkpoint a witness cosigned of a log; `at` in seconds since 1970."""

    origin: str
    size: int
    root: bytes
    note: str
    cosignature: str
    at: int


def consider(
    held: Held | None,
    note: str,
    log: VerifierKey,
    proof: Sequence[bytes],
    witness: NoteSigner,
    at: int,
) -> Held:
    """What the witness holds after it saw a checkpoint: to be kept first, then told.

    `proof` shows the log to have grown from what is held; the first checkpoint is taken as it is.
    Raises NoteInvalid for a note that is no checkpoint of the log, AccessLogTampered where it did
    not grow out of the one that is held.
    """
    checkpoint = open_checkpoint(note, [log]).checkpoint
    if checkpoint.origin != log.name:
        raise NoteInvalid(f"a checkpoint of {checkpoint.origin}, signed by {log.name}")
    if held is not None:
        if held.origin != checkpoint.origin:
            raise NoteInvalid(f"a checkpoint of {checkpoint.origin}, not of {held.origin}")
        if checkpoint.size < held.size:
            raise AccessLogTampered(
                f"{witness.verifier.name} has seen {held.size} entries of the log "
                f"{held.origin}, which now has {checkpoint.size}"
            )
        if not verify_consistency(held.size, held.root, checkpoint.size, checkpoint.root, proof):
            raise AccessLogTampered(
                f"the log {held.origin} of {checkpoint.size} entries is not shown to have grown "
                f"out of the {held.size} that {witness.verifier.name} has seen"
            )
    line = cosign(note, witness, at)
    return Held(checkpoint.origin, checkpoint.size, checkpoint.root, note, line, at)


def holds(held: Held, log: VerifierKey, witness: VerifierKey) -> None:
    """Raises NoteInvalid where what a witness is said to hold was not signed by log and witness."""
    opened = open_checkpoint(held.note + held.cosignature, [log, witness])
    verify_cosignature(held.note + held.cosignature, witness)
    if (opened.checkpoint.size, opened.checkpoint.root) != (held.size, held.root):
        raise NoteInvalid(f"{witness.name} does not hold what it cosigned")


def regional_witness(seed: bytes, region: str) -> NoteSigner:
    """The witness of a region's store, by a key derived from that which signs the log.

    It is one administration's: it shows a log that was cut short or put back, not one whose keeper
    has both keys and store. Regions run by others, and auditors' machines, have keys of their own.
    """
    derived = hmac.digest(seed, f"epigate witness {region}".encode(), "sha256")
    return NoteSigner(f"epigate-region-{region}", derived, COSIGNATURE)
