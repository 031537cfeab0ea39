from __future__ import annotations

import pytest

from regions.areas import reference_rows
from resolvers.demo.diseases import AGE_BANDS, Disease, all_diseases
from schema.enums import ExposureKind, SampleTest, Specimen


def test_every_notifiable_disease_has_a_profile() -> None:
    wanted = [row["key"] for row in reference_rows("diseases.csv")]
    assert [disease.key for disease in all_diseases()] == wanted
    assert len(wanted) == 45


@pytest.mark.parametrize("profile", all_diseases(), ids=lambda profile: profile.key)
def test_profiles_are_within_reason(profile: Disease) -> None:
    assert sum(profile.season) == pytest.approx(12)
    assert len(profile.season) == 12
    assert len(profile.ages) == len(AGE_BANDS)
    assert sum(profile.ages) > 0
    assert 0 <= profile.deaths < 1000
    assert 0 <= profile.imported < 100
    assert profile.delay > 0
    assert profile.contacts > 0
    assert profile.exposure in ExposureKind.__members__
    assert profile.specimen in Specimen.__members__
    assert profile.test in SampleTest.__members__


def test_frequencies_are_damped_but_ordered() -> None:
    frequency = {disease.key: disease.frequency for disease in all_diseases()}
    assert frequency["hfmd"] > frequency["tb"] > frequency["measles"] > frequency["plague"] > 0
    assert frequency["hfmd"] / frequency["plague"] < 2_000_000 / 17 / 100
