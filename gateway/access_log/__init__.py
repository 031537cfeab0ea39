"""The access log: who saw what. An entry is on disk before its answer's first byte leaves (G1).

A file of its own beside the regions. Each worker process has one thread that writes what all its
requests hand over, many entries to a commit (`writing`); a commit is entries, the tree over them
and its signature together (`log_file`). `tree` reads what is kept of the tree, `reading` entries.
"""

from gateway.access_log.reading import canonical, read_entries
from gateway.access_log.writing import AccessLog

__all__ = ["AccessLog", "canonical", "read_entries"]
