"""Proofs as files: that an entry is in a log, checked with nothing but its public key.

A proof is a JSON object that holds all it takes: the entry, its index, the hashes that lead from it
to the root, and the signed checkpoint of that root.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from regions.errors import NoteInvalid
from resolvers.access_log.merkle import leaf_hash, verify_inclusion
from resolvers.access_log.notes import Checkpoint, VerifierKey, open_checkpoint

__all__ = ["EntryProof"]

_FORMAT = "epigate access-log proof 1"


@dataclass(frozen=True, slots=True)
class EntryProof:
    """That an entry is leaf `index` of the tree that a checkpoint signs."""

    index: int
    entry: bytes
    path: tuple[bytes, ...]
    checkpoint: str  # the signed note

    def text(self) -> str:
        """The proof as a file."""
        found = {
            "format": _FORMAT,
            "index": self.index,
            "entry": self.entry.decode(),
            "path": [base64.b64encode(node).decode() for node in self.path],
            "checkpoint": self.checkpoint,
        }
        return orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n"

    @classmethod
    def parse(cls, text: str | bytes) -> EntryProof:
        """The proof of a file. Raises NoteInvalid where it is none."""
        try:
            found = orjson.loads(text)
            if found["format"] != _FORMAT:
                raise ValueError
            path = tuple(base64.b64decode(node, validate=True) for node in found["path"])
            entry, note, index = found["entry"], found["checkpoint"], found["index"]
            if not (isinstance(index, int) and isinstance(note, str)):
                raise ValueError
            return cls(index, entry.encode(), path, note)
        except (orjson.JSONDecodeError, binascii.Error, KeyError, TypeError, ValueError):
            raise NoteInvalid(
                "not a proof", hint="expected a file that `epigate audit prove` wrote"
            ) from None
        except AttributeError:
            raise NoteInvalid("not a proof: its entry is no text") from None

    def check(self, keys: Sequence[VerifierKey]) -> Checkpoint:
        """The checkpoint in whose tree the entry is. Raises NoteInvalid where it is not."""
        signed = open_checkpoint(self.checkpoint, keys).checkpoint
        if not verify_inclusion(
            leaf_hash(self.entry), self.index, signed.size, self.path, signed.root
        ):
            raise NoteInvalid(
                f"entry {self.index + 1} (index {self.index}) is not in the tree of "
                f"{signed.size:,} entries that the checkpoint signs"
            )
        return signed
