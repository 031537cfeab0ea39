"""Passwords: argon2id (RFC 9106), off the event loop, a few at a time.

The same work is done for an account that does not exist, so that the time does not tell.
"""

from __future__ import annotations

import asyncio
import base64
import os
import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from regions.errors import InvalidInput, TooManyRequests

__all__ = [
    "LOOKS",
    "Passwords",
    "check_password",
    "hash_password",
    "needs_rehash",
    "verify_password",
]

LENGTHS = (8, 256)
LOOKS = 2
"""How often a password is verified whose hash another sign-in puts in its place meanwhile: a hash
of older parameters is replaced once.
"""

# OWASP's first choice, 46 MiB once: some 50 ms. (RFC 9106's second, 64 MiB three times, takes three
# times as long, and a morning's sign-ins of a province come together.) Raise them here: stored
# hashes follow at the next sign-in.
_HASHER = PasswordHasher(time_cost=1, memory_cost=47_104, parallelism=1)
_NICENESS = 10
_DIFFERENT = 5  # characters at least
_TELLING = 4  # a login name as long as this must not stand in a password
_COMMON = frozenset(
    [
        "password",
        "passw0rd",
        "p@ssw0rd",
        "p@ssword",
        "admin",
        "administrator",
        "root",
        "test",
        "user",
        "guest",
        "welcome",
        "letmein",
        "qwerty",
        "qwertyuiop",
        "asdfghjkl",
        "zxcvbnm",
        "qazwsx",
        "qweasd",
        "qazwsxedc",
        "abcdef",
        "abcdefgh",
        "iloveyou",
        "woaini",
        "wodemima",
        "mima",
        "changeme",
        "default",
        "huanzhe",
        "jikong",
        "cdc",
        "chinacdc",
        "epigate",
        "yuqing",
    ]
)
"""Words that alone, with digits and marks around them, make no password."""


def hash_password(password: str) -> str:
    """The encoded hash to store; takes some 50 ms."""
    return _HASHER.hash(_normal(password))


def verify_password(stored: str | None, password: str) -> bool:
    """Whether the password is the one of the stored hash; takes as long where there is none."""
    try:
        return _HASHER.verify(stored or _nobodys_hash(), _normal(password))
    except (VerificationError, InvalidHashError):
        return False


def needs_rehash(stored: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(stored)


def check_password(account: str, password: str) -> None:
    """Refuses a password too short, too long or easily guessed. Raises InvalidInput."""
    shortest, longest = LENGTHS
    if not shortest <= len(password) <= longest:
        raise InvalidInput(f"the password must have {shortest} to {longest} characters")
    plain = _normal(password).casefold()
    name = account.casefold()
    if plain == name or (len(name) >= _TELLING and name in plain):
        raise InvalidInput("the password must not be or hold the name of the account")
    if plain.isdigit():
        raise InvalidInput("the password must not be digits alone: they are phones and birthdays")
    if len(set(plain)) < _DIFFERENT or plain.strip("0123456789!@#._-") in _COMMON:
        raise InvalidInput("the password is one of those that are tried first")


class Passwords:
    """Verifies and hashes for an event loop, `threads` at a time, at most `waiting` in line."""

    def __init__(self, *, threads: int = 2, waiting: int = 512) -> None:
        self._pool = ThreadPoolExecutor(threads, "passwords", initializer=_step_back)
        self._room = threads + waiting

    async def verify(self, stored: str | None, password: str) -> bool:
        """As `verify_password`. Raises TooManyRequests when the line is too long."""
        if self._room <= 0:
            raise TooManyRequests("too many sign-ins at once", hint="try again in a few seconds")
        self._room -= 1
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._pool, verify_password, stored, password)
        finally:
            self._room += 1

    def check(self, account: str, password: str) -> None:
        """As `check_password`."""
        check_password(account, password)

    async def hash(self, password: str) -> str:
        """As `hash_password`. Raises TooManyRequests when the line is too long."""
        if self._room <= 0:
            raise TooManyRequests("too many passwords at once", hint="try again in a few seconds")
        self._room -= 1
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._pool, hash_password, password)
        finally:
            self._room += 1

    def close(self) -> None:
        """Ends the threads; what waits in line is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _normal(password: str) -> str:
    return unicodedata.normalize("NFC", password)


def _nobodys_hash() -> str:
    """A hash that no password has, made without the work of hashing."""
    salt, digest = (
        base64.b64encode(os.urandom(length)).rstrip(b"=").decode()
        for length in (_HASHER.salt_len, _HASHER.hash_len)
    )
    cost = f"m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}"
    return f"$argon2id$v=19${cost}${salt}${digest}"


def _step_back() -> None:
    """Questions go first: a worker's threads share one core."""
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
