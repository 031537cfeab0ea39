"""Rule packs: what the files say, which holds where and when, and what a broken one tells."""

from __future__ import annotations

from datetime import date
from importlib.resources import files

import pytest

from regions.errors import ConfigError
from resolvers.pathway.packs import holding, packs, read_pack
from resolvers.reference import rule_packs

_TEXT = files("resolvers.pathway").joinpath("packs", "n113.toml").read_text("utf-8")


def test_days_of_contacts_by_pack() -> None:
    days = {
        key: [(part.central_days, part.home_days) for part in (pack.close, pack.secondary)]
        for key, pack in packs().items()
    }
    assert days == {
        "N113": [(14, 0), (14, 0)],
        "8TH_EDITION": [(14, 7), (7, 0)],
        "9TH_EDITION": [(7, 3), (0, 7)],
    }
    assert list(rule_packs()) == list(packs())


@pytest.mark.parametrize(
    ("code", "day", "expected"),
    [
        ("500101", date(2020, 4, 18), None),
        ("500101", date(2020, 4, 19), "N113"),
        ("320102", date(2020, 4, 19), None),
        ("500101", date(2021, 5, 14), "8TH_EDITION"),
        ("320102", date(2022, 6, 26), "8TH_EDITION"),
        ("320102", date(2022, 6, 27), "9TH_EDITION"),
        ("500101", date(2026, 1, 1), "9TH_EDITION"),
    ],
)
def test_which_pack_holds(code: str, day: date, expected: str | None) -> None:
    found = holding(packs().values(), code, day)
    assert (found.id if found else None) == expected


def test_a_lower_issuer_does_not_override_a_higher_one() -> None:
    text = _TEXT.replace("2020-04-19", "2024-01-01").replace('"N113"', '"LATER"')
    known = [*packs().values(), read_pack("later.toml", text)]
    found = holding(known, "500101", date(2025, 1, 1))
    assert found is not None
    assert found.id == "9TH_EDITION"
    equal = read_pack("later.toml", text.replace("issuer_rank = 2", "issuer_rank = 1"))
    assert holding([*known[:-1], equal], "500101", date(2025, 1, 1)) is equal


@pytest.mark.parametrize(
    ("old", "new", "line", "key"),
    [
        ("first_test_day = 7", 'first_test_day = "7"', 24, "carrier.first_test_day"),
        ("first_test_day = 7", "first_test_day = 12", 25, "carrier.second_test_day"),
        ("home_days = 14", "", 22, "carrier.home_days"),
        ("issuer_rank = 2", "issuer_rank = 9", 6, "issuer_rank"),
        ("issuer_rank = 2", "issuer_rank = true", 6, "issuer_rank"),
        ("2020-04-19", '"2020-04-19"', 5, "effective_on"),
        ("revisit_weeks = [2, 4]", "revisit_weeks = [4, 2]", 31, "carrier.revisit_weeks"),
        ("[secondary]", "[secondary]\nchief = 1", 40, "secondary.chief"),
        ('area = "50"', 'area = "5"', 7, "area"),
        ("[hours]", "[hours", 12, "(line)"),
        ("central_tests = [1]", "central_tests = [15]", 36, "close.central_tests"),
        ('carrier = "N113', 'carriers = "N113', 48, "origins.carriers"),
    ],
)
def test_a_broken_pack_names_line_and_key(old: str, new: str, line: int, key: str) -> None:
    assert old in _TEXT
    with pytest.raises(ConfigError) as caught:
        read_pack("n113.toml", _TEXT.replace(old, new, 1))
    details = caught.value.details
    assert (details["file"], details["line"], details["key"]) == ("n113.toml", line, key)
    assert caught.value.hint.startswith("expected ")


def test_what_nobody_compared_with_the_document_is_said_in_the_pack_itself() -> None:
    unverified = {key: pack.unverified for key, pack in packs().items()}
    assert unverified == {"N113": (), "8TH_EDITION": (), "9TH_EDITION": ("hours", "carrier")}
    ninth = packs()["9TH_EDITION"]
    assert ninth.doubtful("CASE") == ("hours", "carrier")
    assert ninth.doubtful("CLOSE") == ninth.doubtful("SECONDARY") == ()
    for text in ('["closed"]', '["carrier", "hours"]', '"carrier"'):
        with pytest.raises(ConfigError) as caught:
            read_pack("n113.toml", _TEXT.replace("unverified = []", f"unverified = {text}"))
        assert caught.value.details["key"] == "unverified"
