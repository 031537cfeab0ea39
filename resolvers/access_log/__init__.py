"""The access log: what an entry says, and the tree, notes and tiles that make it tamper-evident."""

from resolvers.access_log.commitments import Commitments
from resolvers.access_log.entries import entry

__all__ = ["Commitments", "entry"]
