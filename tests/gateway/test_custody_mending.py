"""`epigate custody mend`: a store that was put back from an older backup is found and mended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.config import Config
from regions.keys import load_keys
from resolvers.transfers.states import State
from tests.resolvers.transfers.regional import Regions


@pytest.fixture
def regions(ready_config: Config) -> Iterator[Regions]:
    """The stores of a configuration."""
    made = Regions(ready_config.regions, load_keys(ready_config.keys))
    yield made
    made.close()


def custody(config: Config, *words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["custody", *words, "--config", str(config.file)])
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.no_cover  # the lines of the tests beside it, again and again
@pytest.mark.parametrize("which", [0, 1], ids=["the sender", "the receiver"])
def test_a_store_that_is_behind_is_mended(
    regions: Regions,
    ready_config: Config,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    which: int,
) -> None:
    sender, receiver = list(regions.stores)[:2]
    restored = (sender, receiver)[which]
    person = regions.register(sender)
    regions.offer("t", [person], sender, receiver)
    regions.drain()
    regions.back_up(restored, tmp_path / "backup.db")
    regions.decide("t", receiver)
    regions.drain()
    assert custody(ready_config, "check") == 0
    regions.put_back(restored, tmp_path / "backup.db")
    assert custody(ready_config, "check") == 1
    capsys.readouterr()
    assert custody(ready_config, "mend") == 0
    assert f"{restored}: " in capsys.readouterr().out
    regions.drain()
    assert custody(ready_config, "mend") == 0
    assert "no store is behind" in capsys.readouterr().out
    assert custody(ready_config, "check") == 0
    assert regions.custodians(person) == [receiver]
    assert regions.custody(sender, person).state in (State.HANDED, State.FENCED)


def test_a_store_that_is_behind_is_found_whatever_the_clocks_said(
    regions: Regions, ready_config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sender, receiver = list(regions.stores)[:2]
    first, second = regions.register(sender), regions.register(sender)
    regions.offer("t1", [first], sender, receiver)
    regions.drain()
    # A gateway whose clock was ahead delivered this; all that is lost seems to be older.
    ahead = "UPDATE post_inbox SET received_at = '2099-01-01T00:00:00Z'"
    regions.do(receiver, lambda connection: connection.exec_driver_sql(ahead))
    regions.back_up(sender, tmp_path / "backup.db")
    regions.offer("t2", [second], sender, receiver)
    regions.drain()
    regions.put_back(sender, tmp_path / "backup.db")
    assert custody(ready_config, "check") == 1
    assert custody(ready_config, "mend") == 0
    assert f"{sender}: " in capsys.readouterr().out
    regions.drain()
    assert custody(ready_config, "check") == 0


def test_a_region_that_is_none_is_refused(
    ready_config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    assert custody(ready_config, "mend", "--region", "999999") == 2
    assert "999999" in capsys.readouterr().err
