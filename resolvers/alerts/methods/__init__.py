"""Detection methods: pure functions from counts to bounds, vectorised over series and times.

Each module is one method with one interface: `detect(counts, times, settings)` takes counts of
shape (series, time) and the positions to judge, and returns a `Detection` of shape (series, times).
"""

from resolvers.alerts.methods.detection import Counts, Detection, Times

__all__ = ["Counts", "Detection", "Times"]
