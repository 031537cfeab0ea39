"""What a worker counts, and how the counts of all workers become one."""

from __future__ import annotations

import os
import time

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.multiprocess import MultiProcessCollector

from gateway.custody import CustodyReport
from gateway.metrics.sharing import FOLDER

__all__ = ["Counts"]

_ANSWERS = frozenset({"query", "mutation", "subscription", "question"})
_SIGN_INS = frozenset({"signIn", "oidcSignIn", "token"})


class Counts:
    """The counters of this worker."""

    def __init__(self) -> None:
        self._own = CollectorRegistry()
        self._entries = Counter(
            "epigate_answers",
            "Answers by kind of operation and outcome: OK, PARTIAL or the code of a failure.",
            ("kind", "outcome"),
            registry=self._own,
        )
        self._sign_ins = Counter(
            "epigate_sign_ins",
            "Sign-ins by kind and outcome: OK, REFUSED, LOCKED.",
            ("kind", "outcome"),
            registry=self._own,
        )
        self._others = Counter(
            "epigate_log_entries_other",
            "Entries of the access log that are neither answers nor sign-ins, by result.",
            ("outcome",),
            registry=self._own,
        )
        self._custody = {
            name: Gauge(
                f"epigate_custody_{name}", what, registry=self._own, multiprocess_mode="mostrecent"
            )
            for name, what in _CUSTODY
        }
        self._children: dict[tuple[str, str], Counter] = {}

    def entered(self, operation: str, result: str) -> None:
        """An entry was made: `query contacts`, OK. The name of what was asked is not counted, since
        a client chooses it.
        """
        kind = operation.partition(" ")[0]
        child = self._children.get((kind, result))
        if child is None:
            if kind in _ANSWERS:
                child = self._entries.labels(kind, result)
            elif kind in _SIGN_INS:
                child = self._sign_ins.labels(kind, result)
            else:
                child = self._others.labels(result)
            if len(self._children) < _MOST_CHILDREN:
                self._children[kind, result] = child
        child.inc()

    def compared(self, report: CustodyReport) -> None:
        """All stores were compared."""
        told = (
            len(report.findings),
            report.people,
            report.on_the_way,
            report.unjudged,
            len(report.missing),
            int(time.time()),
        )
        for (name, _), number in zip(_CUSTODY, told, strict=True):
            self._custody[name].set(number)

    def registry(self) -> CollectorRegistry:
        """What all workers have counted together."""
        folder = os.environ.get(FOLDER)
        if folder is None:
            return self._own
        made = CollectorRegistry()
        MultiProcessCollector(made, path=folder)  # type: ignore[no-untyped-call]  # of the library
        return made


_MOST_CHILDREN = 1_000  # codes and kinds are few; nothing a client sends makes more of them
_CUSTODY = (
    ("findings", "What is wrong; 0 where every person has exactly one custodian."),
    ("people", "People judged at the last comparison of all stores."),
    ("people_on_the_way", "People between two custodians then."),
    ("people_unjudged", "People who depended on regions without an answer."),
    ("regions_missing", "Regions that did not answer then."),
    ("checked_timestamp_seconds", "When all stores were compared last."),
)
