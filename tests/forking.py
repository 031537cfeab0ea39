"""Processes that tests kill, forked from one that has imported what they run, and has neither
threads nor connections.

There is one such server in a process, and it imports what was named last before it starts: whoever
names modules here keeps those of the others. What runs there is not counted.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from typing import Any

import pytest

__all__ = ["begin", "forks"]

_context = multiprocessing.get_context("forkserver")
_modules: list[str] = []


def forks(module: str) -> None:
    """Has the server import a module at its start, so that its functions begin at once."""
    if module not in _modules:
        _modules.append(module)
    _context.set_forkserver_preload(_modules)


def begin(target: Callable[..., object], arguments: Sequence[Any]) -> BaseProcess:
    """Starts a process that calls a function."""
    process = _context.Process(target=target, args=tuple(arguments))
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # the first starts the server, too
        process.start()
    return process
