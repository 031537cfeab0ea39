"""An authenticator in software: real keys, CBOR, COSE and signatures, as WebAuthn level 2 says."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

__all__ = ["Authenticator", "b64", "unb64"]

_UP, _UV, _AT = 0x01, 0x04, 0x40


def b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Authenticator:
    """Holds one passkey once it has made one. `verifies` its user by a PIN, or only their touch."""

    def __init__(self, origin: str, *, verifies: bool = True) -> None:
        self.origin, self.count = origin, 0
        self._flags = _UP | (_UV if verifies else 0)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.id = os.urandom(32)
        self.handle = ""

    def make(self, options: dict[str, Any], **changed: Any) -> dict[str, Any]:
        """Answers `navigator.credentials.create`."""
        assert {"type": "public-key", "alg": -7} in options["pubKeyCredParams"]
        self.handle = options["user"]["id"]
        numbers = self._key.public_key().public_numbers()
        cose = {
            1: 2,
            3: -7,
            -1: 1,
            -2: numbers.x.to_bytes(32, "big"),
            -3: numbers.y.to_bytes(32, "big"),
        }
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + cbor2.dumps(cose)
        data = self._data(changed.get("rp", options["rp"]["id"]), _AT) + attested
        attestation = {"fmt": "none", "attStmt": {}, "authData": data}
        said = self._said("webauthn.create", options["challenge"], changed)
        return self._credential(
            clientDataJSON=b64(said), attestationObject=b64(cbor2.dumps(attestation))
        )

    def sign(self, options: dict[str, Any], **changed: Any) -> dict[str, Any]:
        """Answers `navigator.credentials.get`."""
        self.count += 1
        data = self._data(changed.get("rp", options["rpId"]))
        said = self._said("webauthn.get", options["challenge"], changed)
        signed = data + hashlib.sha256(said).digest()
        signature = self._key.sign(signed, ec.ECDSA(hashes.SHA256()))
        return self._credential(
            clientDataJSON=b64(said),
            authenticatorData=b64(data),
            signature=b64(signature),
            userHandle=changed.get("handle", self.handle),
        )

    def _data(self, rp: str, more: int = 0) -> bytes:
        flags = bytes([self._flags | more])
        return hashlib.sha256(rp.encode()).digest() + flags + struct.pack(">I", self.count)

    def _said(self, kind: str, challenge: str, changed: dict[str, Any]) -> bytes:
        said = {
            "type": changed.get("type", kind),
            "challenge": changed.get("challenge", challenge),
            "origin": changed.get("origin", self.origin),
            "crossOrigin": False,
        }
        return json.dumps(said).encode()

    def _credential(self, **response: str) -> dict[str, Any]:
        return {
            "id": b64(self.id),
            "rawId": b64(self.id),
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
        }
