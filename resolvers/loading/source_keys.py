"""Names of rows: by source, kind and id, so that a row is known when it comes again."""

from __future__ import annotations

import hashlib
import hmac

__all__ = ["SourceKeys"]

_KEY_MAX = 200


class SourceKeys:
    """Names rows and hashes what they say; the hashes are keyed: nobody can try values."""

    def __init__(self, index_key: bytes) -> None:
        self._key = hmac.digest(index_key, b"source keys", "sha256")
        self._hash_key = hmac.digest(index_key, b"source hashes", "sha256")

    def of(self, source: str, kind: str, row_id: str, *, private: bool) -> str:
        """The key of a row. An id that is private, or very long, is only in it by its hash."""
        if private or len(row_id) > _KEY_MAX:
            digest = hashlib.blake2b(row_id.encode(), key=self._key, digest_size=16)
            return f"{source}:{kind}:#{digest.hexdigest()}"
        return f"{source}:{kind}:{row_id}"

    def forms(self, source: str, kind: str, row_id: str) -> tuple[str, str]:
        """Both keys a row of that id may have."""
        return (
            self.of(source, kind, row_id, private=False),
            self.of(source, kind, row_id, private=True),
        )

    def hash(self, content: bytes) -> str:
        """The hash of what a row says."""
        return hashlib.blake2b(content, key=self._hash_key, digest_size=16).hexdigest()
