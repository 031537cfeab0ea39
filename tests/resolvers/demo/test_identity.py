from __future__ import annotations

from datetime import date, timedelta

from regions.areas import reference_areas
from regions.blind_index import check_digit
from resolvers.demo.identity import TRAVELLERS, IdNumbers, phone_number


def test_no_division_of_china_has_the_prefix() -> None:
    assert not reference_areas().is_prefix("99")


def test_id_numbers_are_valid_in_form_and_checksum() -> None:
    numbers = IdNumbers(3, 8)
    for days in range(200):
        birth = date(1960, 2, 27) + timedelta(days=days * 97)
        for sex in (0, 1):
            number = numbers.take(birth.toordinal(), f"{birth:%Y%m%d}", sex)
            assert number[:2] == "99"
            assert number[6:14] == f"{birth:%Y%m%d}"
            assert int(number[16]) % 2 == sex
            assert number[17] == check_digit(number[:17])


def test_no_id_number_is_given_twice_in_the_country() -> None:
    day = date(1990, 5, 1)
    given = [
        numbers.take(day.toordinal(), f"{day:%Y%m%d}", sex)
        for numbers in (IdNumbers(block, 3) for block in (0, 1, 2, TRAVELLERS))
        for sex in (0, 1)
        for _ in range(6_000)
    ]
    assert len(set(given)) == len(given)


def test_phone_numbers_have_a_prefix_no_operator_has() -> None:
    given = [phone_number(person) for person in range(200_000)]
    assert all(len(number) == 11 and number.startswith("154") for number in given)
    assert len(set(given)) == len(given)
