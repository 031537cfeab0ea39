"""Importing a module with all that it imports, faster."""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from types import ModuleType

__all__ = ["import_quickly"]


def import_quickly(name: str) -> ModuleType:
    """The module. What is made meanwhile stays as long as the process, so it is not looked through
    for garbage, meanwhile or later: that would be a fifth of the time.
    """
    if name in sys.modules:
        return sys.modules[name]
    collecting = gc.isenabled()
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()
        if collecting:
            gc.enable()
