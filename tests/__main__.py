"""Every check of the project, in order: `python -m tests`, or some by name: `python -m tests mypy`.

One line a check; the first that fails shows what it said and ends the run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path(__file__).parent.parent
_PROGRAMS = Path(sys.executable).parent

CHECKS: dict[str, list[str]] = {
    "lint": ["ruff", "check"],
    "format": ["ruff", "format", "--check"],
    "types": ["mypy"],
    "floors": ["lint-imports"],
    # A process for each core, each with whole files: their fixtures are dear. In the order of
    # `tests/conftest.py`, where xdist begins with the files of the most tests.
    "tests": [
        *("pytest", "-q", "-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder"),
        *("--cov", "--cov-report=term"),
    ],
}
_SHOWN = ("tests",)  # its progress is worth seeing, its closing line is read by machines
_MEMORY = Path("/dev/shm")
_ENOUGH = 8 << 30  # bytes; the tests' stores are a third of it


@contextmanager
def _folder() -> Iterator[str]:
    """A folder for the stores of tests, in memory where there is enough of it: half of their time
    is waiting for a disk otherwise. What a process wrote outlives it all the same.
    """
    place = None
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK):
        free = min(
            shutil.disk_usage(_MEMORY).free,
            os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES"),
        )
        if free > _ENOUGH and not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC:
            place = _MEMORY
    # What a process leaves while it ends is no failure of a check.
    made = tempfile.TemporaryDirectory(prefix="epigate-", dir=place, ignore_cleanup_errors=True)
    with made as folder:
        os.chmod(folder, 0o711)  # PostgreSQL has its data there, and does not run as root
        yield folder


def main(names: list[str]) -> int:
    """Runs the checks named, or all; returns the exit code."""
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        print(f"no such check: {', '.join(unknown)}; there are {', '.join(CHECKS)}")
        return 2
    # Commands that tests start would compile all of it each time where nothing is kept.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    for name in names or CHECKS:
        program, *arguments = CHECKS[name]
        shown = name in _SHOWN
        started = time.monotonic()
        with _folder() as folder:
            done = subprocess.run(
                [_PROGRAMS / program, *arguments],
                cwd=_ROOT,
                env={**environment, "PYTEST_DEBUG_TEMPROOT": folder, "TMPDIR": folder},
                check=False,
                stdout=None if shown else subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        seconds = time.monotonic() - started
        if done.returncode:
            if not shown:
                print(done.stdout.decode(errors="replace"), end="")
            print(f"{name:8} failed after {seconds:.1f} s: {' '.join(CHECKS[name])}")
            return 1
        print(f"{name:8} passed in {seconds:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
