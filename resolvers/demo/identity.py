"""Numbers of people who cannot exist: valid in form and checksum, impossible in their prefix."""

from __future__ import annotations

from regions.blind_index import check_digit

__all__ = ["ID_PREFIX", "PHONE_PREFIX", "TRAVELLERS", "IdNumbers", "phone_number"]

ID_PREFIX = "99"
"""No province has this code (GB/T 2260 ends with 82), so no ID number begins with it."""

PHONE_PREFIX = "154"
"""Looks like a mobile number and was given to no operator: libphonenumber's pattern for China has
`1[59][0-35-9]`, which leaves out 154."""

TRAVELLERS = -1
"""The block of ID numbers kept for people with records in two regions."""

_BLOCKS = 9_000  # of the 10,000 prefixes 99xxxx; the rest is for travellers
_TRAVELLERS_SIZE = 1_000
_SEQUENCES = 500  # numbers a day, sex and prefix: odd ones for men, even ones for women
_STEP = 7_919  # a prime that divides no block: consecutive births do not get consecutive numbers
_PHONES = 10**8
_PHONE_STEP = 61_803_399  # coprime to 10**8: every person number gets another phone number


class IdNumbers:
    """Hands out the ID numbers of one region, none of them twice in the country.

    `block` is the region's number among `blocks`, or TRAVELLERS.
    """

    def __init__(self, block: int, blocks: int) -> None:
        if block == TRAVELLERS:
            self._first, self._size = _BLOCKS, _TRAVELLERS_SIZE
        else:
            self._size = _BLOCKS // blocks
            self._first = block * self._size
        self._born: dict[int, int] = {}

    def take(self, birth: int, digits: str, sex: int) -> str:
        """The next number for a birth day (its ordinal, its eight digits) and sex (1 is male)."""
        key = birth << 1 | sex
        count = self._born.get(key, 0)
        self._born[key] = count + 1
        place = (count * _STEP + birth) % (self._size * _SEQUENCES)
        sequence = (place // self._size * 2 + (1 if sex else 2)) % 1000
        first17 = f"{ID_PREFIX}{self._first + place % self._size:04d}{digits}{sequence:03d}"
        return first17 + check_digit(first17)


def phone_number(person: int) -> str:
    """The phone number of a person's number in the country (from 0, below 100 million)."""
    return f"{PHONE_PREFIX}{person * _PHONE_STEP % _PHONES:08d}"
