"""Signed notes and checkpoints: published examples, forged and damaged ones."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regions.errors import NoteInvalid
from resolvers.access_log.merkle import EMPTY_ROOT, leaf_hash
from resolvers.access_log.notes import (
    COSIGNATURE,
    Checkpoint,
    NoteSigner,
    VerifierKey,
    add_signature,
    cosign,
    open_checkpoint,
    sign_checkpoint,
    verify_cosignature,
)

LOG = NoteSigner("epigate-320100-4f1d20c1", bytes(range(32)))
WITNESS = NoteSigner("witness.320200", bytes(range(1, 33)), COSIGNATURE)
CHECKPOINT = Checkpoint("epigate-320100-4f1d20c1", 1537, leaf_hash(b"root"))
NOTE = sign_checkpoint(CHECKPOINT, LOG)
AT = 1_795_312_800
COSIGNED = add_signature(NOTE, cosign(NOTE, WITNESS, AT))

# The example of Go's x/mod/sumdb/note
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SECRET = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
SIGNATURE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6"
    "KE6RyyBwJnAM=\n"
)


def test_a_published_note() -> None:
    signer = NoteSigner("PeterNeumann", base64.b64decode(SECRET)[1:])
    assert str(signer.verifier) == NEUMANN
    assert signer.line(TEXT.encode()) == SIGNATURE
    key = VerifierKey.parse(NEUMANN)
    assert key == signer.verifier
    signature = base64.b64decode(SIGNATURE.split()[2])
    assert signature[:4] == key.key_id
    assert key.verifies(signature[4:], TEXT.encode())
    with pytest.raises(NoteInvalid, match="not a checkpoint"):
        open_checkpoint(f"{TEXT}\n{SIGNATURE}", [NEUMANN])


def test_a_checkpoint_is_what_was_signed() -> None:
    assert NOTE.startswith(f"{CHECKPOINT.text()}\n— {CHECKPOINT.origin} ")
    opened = open_checkpoint(NOTE, [str(LOG.verifier)])
    assert opened.checkpoint == CHECKPOINT
    assert opened.signers == (LOG.verifier,)
    empty = Checkpoint("a", 0, EMPTY_ROOT)
    assert empty.text() == "a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"


def test_a_cosignature_signs_its_time_and_the_text() -> None:
    assert COSIGNED.startswith(NOTE)
    assert verify_cosignature(COSIGNED, WITNESS.verifier) == AT
    assert verify_cosignature(COSIGNED, str(WITNESS.verifier)) == AT
    opened = open_checkpoint(COSIGNED, [LOG.verifier, WITNESS.verifier])
    assert opened.signers == (LOG.verifier, WITNESS.verifier)
    line = COSIGNED.removeprefix(NOTE)
    signature = base64.b64decode(line.split()[2])
    message = f"cosignature/v1\ntime {AT}\n{CHECKPOINT.text()}".encode()
    assert WITNESS.verifier.verifies(signature[12:], message)
    assert int.from_bytes(signature[4:12]) == AT


def test_signatures_of_others_are_passed_over() -> None:
    other = NoteSigner(CHECKPOINT.origin, bytes(32))
    note = add_signature(NOTE, other.line(CHECKPOINT.text().encode()))
    assert open_checkpoint(note, [LOG.verifier]).signers == (LOG.verifier,)
    with pytest.raises(NoteInvalid, match="no signature by a known key"):
        open_checkpoint(NOTE, [other.verifier])
    with pytest.raises(NoteInvalid, match="no signature by a known key"):
        open_checkpoint(NOTE, [])
    with pytest.raises(NoteInvalid, match=r"witness\.320200 has not cosigned"):
        verify_cosignature(NOTE, WITNESS.verifier)


@given(st.integers(0, len(NOTE.encode()) - 1), st.integers(0, 7))
def test_a_note_of_which_any_bit_was_flipped_does_not_hold(at: int, bit: int) -> None:
    raw = bytearray(NOTE.encode())
    raw[at] ^= 1 << bit
    try:
        note = raw.decode()
    except UnicodeDecodeError:
        return
    with pytest.raises(NoteInvalid):
        open_checkpoint(note, [LOG.verifier])


@given(st.integers(len(NOTE.encode()), len(COSIGNED.encode()) - 1), st.integers(0, 7))
def test_nor_does_a_cosignature(at: int, bit: int) -> None:
    raw = bytearray(COSIGNED.encode())
    raw[at] ^= 1 << bit
    try:
        note = raw.decode()
    except UnicodeDecodeError:
        return
    with pytest.raises(NoteInvalid):
        verify_cosignature(note, WITNESS.verifier)


@given(st.text(max_size=300))
def test_no_text_makes_it_fail_otherwise(text: str) -> None:
    for read in (
        lambda: open_checkpoint(text, [LOG.verifier]),
        lambda: verify_cosignature(text, WITNESS.verifier),
        lambda: VerifierKey.parse(text),
    ):
        with pytest.raises(NoteInvalid):
            read()


@pytest.mark.parametrize(
    "text",
    [
        "origin\n5\n",
        "origin\n05\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\n-5\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\n5\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF=\n",
        "origin\n5\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n",
        "\n5\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\nfive\nroot\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint(text: str) -> None:
    note = f"{text}\n{LOG.line(text.encode())}"
    with pytest.raises(NoteInvalid, match="not a checkpoint"):
        open_checkpoint(note, [LOG.verifier])
    with pytest.raises(NoteInvalid, match="not a checkpoint"):
        cosign(note, WITNESS, AT)


def test_more_lines_of_a_checkpoint_are_signed_and_passed_over() -> None:
    text = CHECKPOINT.text() + "extension\n"
    note = f"{text}\n{LOG.line(text.encode())}"
    assert open_checkpoint(note, [LOG.verifier]).checkpoint == CHECKPOINT


def test_a_key_is_checked_against_its_id() -> None:
    text = str(LOG.verifier)
    assert VerifierKey.parse(text + "\n") == LOG.verifier
    name, key_id, key = text.split("+", 2)
    with pytest.raises(NoteInvalid, match="another key id"):
        VerifierKey.parse(f"another+{key_id}+{key}")
    with pytest.raises(NoteInvalid, match="not a verifier key"):
        VerifierKey.parse(f"{name}+{key_id}")
    for bad in ("two words", "plus+sign", ""):
        with pytest.raises(ValueError, match="white space"):
            NoteSigner(bad, bytes(32))
