"""The folder in which the workers of a gateway keep their counts, to be added up.

Each writes to files of its own, and whoever is asked reads those of all. A worker that died leaves
its files, so that nothing is counted down. prometheus-client looks for the folder when it is
imported: this module must not import it.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

__all__ = ["FOLDER", "share_counts"]

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable of the environment by which prometheus-client finds it."""


def share_counts(folder: Path) -> None:
    """Makes the folder anew, before workers are forked. Raises OSError."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    os.environ[FOLDER] = str(folder)
