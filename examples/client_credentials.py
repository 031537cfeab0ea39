#!/usr/bin/env python3
"""A machine client: asks a gateway one question as a regional system, by its key (RFC 7523).

    python3 examples/client_credentials.py --new-key key.json
    epigate clients add system-320100 --jwks key.public.json --regions 320100 --actions READ
    python3 examples/client_credentials.py --key key.json --client system-320100 '{ me { code } }'

Needs nothing beside Python but the package `cryptography`. The private key stays in its file; what
goes over the line is an assertion of five minutes at most, which the gateway takes once.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

URL = "http://127.0.0.1:8000"


def main() -> int:
    """Makes a key, or asks what the command line says."""
    parser = argparse.ArgumentParser(description="Ask a gateway as a machine client.")
    parser.add_argument("question", nargs="?", help="the question in GraphQL")
    parser.add_argument("--new-key", type=Path, help="make a key: this file, and .public.json")
    parser.add_argument("--key", type=Path, help="the client's private key")
    parser.add_argument("--client", help="its id: the login name of its account")
    parser.add_argument("--scope", default="", help="such as 'READ region:320102' (default: all)")
    parser.add_argument("--url", default=URL, help=f"the gateway (default: {URL})")
    parser.add_argument("--audience", help="the gateway's own address, where that is another")
    wanted = parser.parse_args()
    if wanted.new_key:
        new_key(wanted.new_key)
        return 0
    if not (wanted.key and wanted.client and wanted.question):
        parser.error("give --key, --client and a question, or --new-key")
    signed = assertion(wanted.key, wanted.client, wanted.audience or wanted.url)
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": signed,
        "scope": wanted.scope,
    }
    given = post(f"{wanted.url}/token", urllib.parse.urlencode(form).encode(), {})
    if "access_token" not in given:
        print(json.dumps(given, ensure_ascii=False, indent=2), file=sys.stderr)
        return 2
    answer = post(
        f"{wanted.url}/graphql",
        json.dumps({"query": wanted.question}).encode(),
        {
            "authorization": f"Bearer {given['access_token']}",
            "content-type": "application/json",
        },
    )
    print(json.dumps(answer, ensure_ascii=False, indent=2))
    return 1 if "errors" in answer else 0


def new_key(path: Path) -> None:
    """Writes a private key (0600), and beside it the public one that the gateway is given."""
    made = Ed25519PrivateKey.generate()
    public = {
        "kty": "OKP",
        "crv": "Ed25519",
        "kid": time.strftime("%Y-%m-%d", time.gmtime()),
        "x": text(made.public_key().public_bytes_raw()),
    }
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(public | {"d": text(made.private_bytes_raw())}, file)
    path.with_suffix(".public.json").write_text(json.dumps({"keys": [public]}), "utf-8")


def assertion(path: Path, client: str, audience: str) -> str:
    """A JWT that says who asks, signed, good once and for a minute."""
    key = json.loads(path.read_text("utf-8"))
    now = int(time.time())
    head = {"alg": "EdDSA", "typ": "JWT", "kid": key["kid"]}
    claims = {
        "iss": client,
        "sub": client,
        "aud": f"{audience}/token",
        "iat": now,
        "exp": now + 60,
        "jti": str(uuid.uuid4()),
    }
    signed = f"{text(json.dumps(head).encode())}.{text(json.dumps(claims).encode())}"
    secret = base64.urlsafe_b64decode(key["d"] + "=")
    signature = Ed25519PrivateKey.from_private_bytes(secret).sign(signed.encode())
    return f"{signed}.{text(signature)}"


def post(url: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    """The JSON object that an address answers, whatever the status."""
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request) as response:
            found: dict[str, Any] = json.load(response)
    except urllib.error.HTTPError as refused:  # it has a body that says why
        with refused:
            found = json.load(refused)
    return found


def text(value: bytes) -> str:
    """Bytes in base64url without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


if __name__ == "__main__":
    sys.exit(main())
