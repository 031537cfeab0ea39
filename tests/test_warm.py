"""The forked `epigate` of the tests is a process as any other."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import warm
from tests.docs.manual import ROOT


def test_what_it_prints_and_its_code() -> None:
    shown = warm.run("--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "Usage: epigate" in shown.stdout
    wrong = warm.run("no-such-command")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "no-such-command" in wrong.stderr


def test_its_folder_and_environment_are_the_callers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert warm.run("config", "check").returncode == 2  # there is none
    shutil.copy(ROOT / "config.toml", tmp_path)
    assert warm.run("config", "check").returncode == 0
    wide = {}
    for columns in ("40", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        wide[columns] = max(map(len, warm.run("--help").stdout.splitlines()))
    assert wide["40"] <= 40 < wide["200"]


def test_python_is_run_in_it_at_first() -> None:
    process = warm.start("--help", before="import sys; print(sys.argv); sys.argv = ['epigate']")
    with process.stdout, process.stderr:
        assert process.stdout.readline() == "['epigate', '--help']\n"
        process.stdout.read()
    assert process.wait(60) in (0, 2)


def test_it_is_waited_for_and_killed(tmp_path: Path) -> None:
    process = warm.start("demo", "--config", str(tmp_path / "config.toml"), "--people", "100000")
    assert process.pid != os.getpid()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0)
    assert process.poll() is None
    process.kill()
    assert process.wait(60) == -signal.SIGKILL
    process.kill()  # it has ended: nobody is hit
    process.stdout.close()
    process.stderr.close()


_TRACED = "import sys; print(sys.gettrace() is not None); sys.stdout.flush()"


@pytest.fixture
def of_fixture() -> bool:
    """Whether the lines of its fixtures are counted."""
    return sys.gettrace() is not None


@pytest.mark.no_cover
def test_nothing_counts_lines_where_that_is_asked(of_fixture: bool) -> None:
    """Neither its fixtures, nor itself, nor its processes, forked or not."""
    assert (of_fixture, sys.gettrace()) == (False, None)
    assert _said_of_tracing() == ["False", "False"]


def test_lines_are_counted_in_processes_where_they_are_in_the_test(of_fixture: bool) -> None:
    counted = sys.gettrace() is not None  # not under --no-cov
    assert of_fixture is counted
    assert _said_of_tracing() == [str(counted)] * 2


def _said_of_tracing() -> list[str]:
    process = warm.start("--help", before=_TRACED)
    with process.stdout, process.stderr:
        forked = process.stdout.readline().strip()
        process.stdout.read()
    process.wait(60)
    own = subprocess.run([sys.executable, "-c", _TRACED], stdout=subprocess.PIPE, check=True)
    return [forked, own.stdout.decode().strip()]
