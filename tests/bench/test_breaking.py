"""Handoffs under faults: no seed breaks a rule, and each bug put into our code breaks one.

1,000 seeds, or 20,000 in the nightly profile (`HYPOTHESIS_PROFILE=nightly`).
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import settings

from bench.breaking.campaign import Campaign, Failure, run_seeds
from bench.breaking.history import Finding
from bench.breaking.mutants import MUTANTS, Mutant, hunt
from bench.breaking.simulation import Run, simulate
from bench.breaking.world import Template

pytestmark = pytest.mark.no_cover  # nothing of bench is counted, and the gateway elsewhere

NIGHTLY = settings.get_current_profile_name() == "nightly"
PARTS = 40
LENGTH = 60 if NIGHTLY else 40  # steps of a run
EACH = (20_000 if NIGHTLY else 1_000) // PARTS
TRIED = 150  # seeds in which a bug is found, whatever else changes in the simulation
FOUND_BEFORE = (30, 108, 274, 298, 990, 1396, 1584, 201686, 202200, 202232, 202789)
"""Seeds that found bugs of restored stores: one that had decided otherwise meanwhile, one that
offered again, one that gets a person back, rows listed twice, one that refused what it had
accepted; and of the checker two that answered otherwise what came again, three that took back what
they had handed over, before they were found, and one through which a person had passed.
"""

ACTING = (2, 5, 18, 29, 36, 40, 42, 95)
"""Seeds of stores that act before they are found: of most, two regions answer for somebody then."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The stores that runs are copies of."""
    return Template(tmp_path_factory.mktemp("template"))


def _run(template: Template, folder: Path, seed: int, length: int = 60) -> Run:
    place = folder / "run"
    place.mkdir()
    run = simulate(template, place, seed, length=length)
    shutil.rmtree(place)
    return run


@pytest.mark.parametrize("part", range(PARTS))
def test_no_seed_breaks_a_rule(template: Template, tmp_path: Path, part: int) -> None:
    runs = [_run(template, tmp_path, part * EACH + number, LENGTH) for number in range(EACH)]
    assert {run.seed: list(map(str, run.findings)) for run in runs if run.findings} == {}
    # Else it would have proven nothing.
    assert all(sum(getattr(run, name) for run in runs) for name in ("handed", "deaths", "late"))


@pytest.mark.parametrize("seed", FOUND_BEFORE)
def test_what_was_found_before_stays_mended(template: Template, tmp_path: Path, seed: int) -> None:
    run = _run(template, tmp_path, seed)
    assert run.findings == []
    assert run.restored


def test_a_store_that_acts_before_it_is_found_leaves_one_custodian(
    template: Template, tmp_path: Path
) -> None:
    """It hands over whom it had handed over, so that two regions answer until one yields (seed 95:
    what it wrote before a peer told it that it is behind goes to the custodian).
    """
    runs = []
    for seed in ACTING:
        place = tmp_path / "run"
        place.mkdir()
        runs.append(simulate(template, place, seed, length=30, acting=True))
        shutil.rmtree(place)
    assert {run.seed: list(map(str, run.findings)) for run in runs if run.findings} == {}
    assert sum(run.yielded for run in runs) >= 3  # else it would have proven nothing


def test_a_person_offered_back_before_the_answer_lives_once(
    template: Template, tmp_path: Path
) -> None:
    """The new holder's offer is quicker than its answer that it has the person (seed 4371)."""
    run = _run(template, tmp_path, 4371, length=10)
    assert run.findings == []
    assert run.steps[-2:] == ["offer", "offer"]


def test_the_same_seed_is_the_same_run(template: Template, tmp_path: Path) -> None:
    one, other = (_run(template, tmp_path, 30) for _ in range(2))
    assert (one.steps, one.handed, one.deaths) == (other.steps, other.handed, other.deaths)


@pytest.mark.parametrize("mutant", MUTANTS, ids=[one.name for one in MUTANTS])
def test_each_bug_is_found(template: Template, tmp_path: Path, mutant: Mutant) -> None:
    found = hunt(template, tmp_path / "run", mutant, (mutant.seed, *range(TRIED)))
    assert found is not None, f"{mutant.name}: none of {sorted(mutant.rules)} was broken"


def test_a_campaign_goes_on_where_it_was(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    stopped = Campaign(first=3, length=15)

    def interrupted(run: Run) -> None:
        if run.seed == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_seeds(stopped, 5, tmp_path / "one", state=state, told=interrupted)
    kept = Campaign.load(state)
    assert (kept, kept.done) == (stopped, 2)
    seeds: list[int] = []
    run_seeds(kept, 3, tmp_path / "two", state=state, told=lambda run: seeds.append(run.seed))
    assert seeds == [5]
    assert Campaign.load(state).done == 3


def test_a_campaign_names_the_seeds_that_broke_a_rule(tmp_path: Path) -> None:
    campaign = Campaign()
    campaign.add(Run(7, [Finding("DOUBLED", "10", "A and B")]), 0.1)
    campaign.save(tmp_path / "state.json")
    kept = Campaign.load(tmp_path / "state.json")
    assert kept.failures == [Failure(7, ["DOUBLED: 10: A and B"])]
    assert "1 seeds broke a rule" in str(kept)
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(ValueError, match=r"other\.json"):
        Campaign.load(tmp_path / "other.json")


def test_the_command_stops_and_says_what_it_did(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    command = [sys.executable, "-m", "bench", "breaking", "--state", str(state), "--length", "10"]
    done = subprocess.run([*command, "--seeds", "3"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout[:21]) == (0, "3 seeds from 0 on, 30"), done.stderr
    with subprocess.Popen(
        [*command, "--seeds", "1000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as running:
        try:
            while Campaign.load(state).done == 3:  # saved while it runs
                assert running.poll() is None
                time.sleep(0.1)
            running.send_signal(signal.SIGINT)
            told, _ = running.communicate(timeout=120)
        finally:
            running.kill()  # what does not stop is not waited for
    assert running.returncode == 130
    assert told.rstrip().endswith("stopped")
    assert Campaign.load(state).done > 3
    assert f"{Campaign.load(state).done:,} seeds from 0 on" in told
