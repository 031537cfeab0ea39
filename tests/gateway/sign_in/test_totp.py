from __future__ import annotations

import base64

import pyotp
import pytest

from gateway.sign_in.totp import enrolment_uri, new_secret, steps_of

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("at", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_the_codes_of_rfc_6238(at: int, code: str) -> None:
    """Appendix B, SHA-1, the last six of its eight digits."""
    assert steps_of(RFC_SECRET, code, at) == [at // 30]


@pytest.mark.parametrize(("late", "found"), [(-60, 0), (-30, 1), (0, 1), (30, 1), (60, 0)])
def test_a_clock_may_be_half_a_minute_off(late: int, found: int) -> None:
    code = pyotp.TOTP(RFC_SECRET).at(1_000_000)
    assert len(steps_of(RFC_SECRET, code, 1_000_000 + late)) == found


@pytest.mark.parametrize("code", ["", "0", "12345", "1234567", "２８７０８２", "\ud800", "x" * 64])
def test_what_is_no_code(code: str) -> None:
    assert steps_of(RFC_SECRET, code, 59) == []


def test_what_an_app_reads() -> None:
    secret = new_secret()
    read = pyotp.parse_uri(enrolment_uri(secret, "王.fang"))
    assert isinstance(read, pyotp.TOTP)
    assert (read.secret, read.name, read.issuer, read.interval, read.digits) == (
        *(secret, "王.fang", "epigate"),
        *(30, 6),
    )
    assert len({new_secret() for _ in range(20)}) == 20
