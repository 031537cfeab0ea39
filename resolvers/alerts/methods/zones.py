"""Zones: the sets of places a scan looks at, nested around each centre."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resolvers.alerts.methods.detection import Floats

__all__ = ["Zones", "adjoining", "circles", "distances", "joined", "planar"]

_EARTH = 6371.0  # km
_TIE = 1e-9  # km: what differs by less lies equally far away
_HASH = 20_140_101  # of a set of places; any number does


@dataclass(frozen=True, slots=True)
class Zones:
    """Sets of `places` places. Zone z is `members[begin[z]:end[z]]`; zones of one centre share a
    list, the larger going on where the smaller ends. `reach` is the distance of the farthest member
    from the `centre`: km of a circle, borders crossed of an adjacency set; `size` how many places
    the zone had before those without cases were left out."""

    places: int
    members: NDArray[np.int32]
    begin: NDArray[np.intp]
    end: NDArray[np.intp]
    centre: NDArray[np.int32]
    reach: Floats
    size: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.end)

    def sums(self, values: NDArray[Any]) -> NDArray[Any]:
        """Whole numbers (..., places) added up in each zone: (..., zones)."""
        shape = (*values.shape[:-1], len(self.members) + 1)
        running = np.zeros(shape, dtype=np.int64)
        np.cumsum(values[..., self.members], axis=-1, out=running[..., 1:])
        found: NDArray[Any] = running[..., self.end] - running[..., self.begin]
        return found

    def weights(self, values: Floats) -> Floats:
        """Numbers that are not whole, (places), added up in each zone: list by list, so that a
        small zone is as exact as it would be alone."""
        first, which = np.unique(self.begin, return_inverse=True)
        last = np.zeros(len(first), dtype=np.intp)
        np.maximum.at(last, which, self.end)
        longest = int((last - first).max(initial=0))
        if longest == 0:
            return np.zeros(len(self))
        at = first[:, None] + np.arange(longest)[None, :]
        inside = at < last[:, None]
        at = np.minimum(at, len(self.members) - 1)
        running = np.cumsum(np.where(inside, values[self.members[at]], 0.0), axis=1)
        found: Floats = running[which, self.end - self.begin - 1]
        return found

    def of(self, zone: int) -> NDArray[np.int32]:
        """The places of a zone, in ascending order."""
        return np.sort(self.members[self.begin[zone] : self.end[zone]])

    def keep(self, wanted: NDArray[np.bool_]) -> Zones:
        """The zones wanted, and of the lists only what these need."""
        needed = np.zeros(len(self.members) + 1, dtype=np.int64)
        begin, end = self.begin[wanted], self.end[wanted]
        last = np.zeros(len(self.members) + 1, dtype=np.intp)
        np.maximum.at(last, begin, end)
        starts = np.flatnonzero(last)
        needed[starts] += 1
        np.add.at(needed, last[starts], -1)
        inside = np.cumsum(needed)[:-1] > 0
        place = np.concatenate([[0], np.cumsum(inside)])
        return Zones(
            self.places,
            self.members[inside],
            place[begin],
            place[end],
            self.centre[wanted],
            self.reach[wanted],
            self.size[wanted],
        )

    def among(self, active: NDArray[np.bool_]) -> tuple[Zones, NDArray[np.intp]]:
        """Each set of `active` places once, and of which zone it is: that of fewest places.

        What is never active counts nothing, so a scan over these finds what it would over all.
        """
        inside = active[self.members]
        place = np.concatenate([[0], np.cumsum(inside)])
        begin, end = place[self.begin], place[self.end]
        names = np.random.default_rng(_HASH).integers(
            0, np.iinfo(np.uint64).max, size=self.places, dtype=np.uint64
        )
        members = self.members[inside]
        running = np.zeros(len(members) + 1, dtype=np.uint64)
        np.cumsum(names[members], out=running[1:])
        name = running[end] - running[begin]
        order = np.lexsort((self.reach, self.size, name))
        first = np.ones(len(order), dtype=bool)
        first[1:] = name[order][1:] != name[order][:-1]
        wanted = np.zeros(len(order), dtype=bool)
        wanted[order[first]] = True
        wanted &= end > begin
        whole = Zones(self.places, members, begin, end, self.centre, self.reach, self.size)
        return whole.keep(wanted), np.flatnonzero(wanted)


def circles(away: Floats, radius: float = np.inf) -> Zones:
    """Circles around each place up to `radius`, by the distances of all places from each other;
    places equally far away enter together."""
    rows, columns = np.nonzero(away <= radius)
    return _nested(len(away), rows, columns, away[rows, columns])


def adjoining(places: int, pairs: Iterable[tuple[int, int]], rings: int = 2) -> Zones:
    """Sets along borders: each two places that adjoin, and each place with all that are up to
    0, 1, …, `rings` borders away."""
    from scipy import sparse  # as in distributions.py
    from scipy.sparse import csgraph

    edges = np.array(sorted({(min(a, b), max(a, b)) for a, b in pairs}), dtype=np.int64)
    edges = edges.reshape(-1, 2)
    ones = np.ones(len(edges))
    links = sparse.csr_array((ones, (edges[:, 0], edges[:, 1])), shape=(places, places))
    away = csgraph.dijkstra(links, directed=False, unweighted=True, limit=rings)
    rows, columns = np.nonzero(away <= rings)
    whole = _nested(places, rows, columns, away[rows, columns])
    if not len(edges):
        return whole
    two = np.arange(len(edges), dtype=np.intp) * 2
    both = Zones(
        places,
        edges.ravel().astype(np.int32),
        two,
        two + 2,
        edges[:, 0].astype(np.int32),
        np.ones(len(edges)),
        np.full(len(edges), 2, dtype=np.intp),
    )
    return joined(whole, both)


def joined(one: Zones, other: Zones) -> Zones:
    """The zones of both, over the same places."""
    if one.places != other.places:
        raise ValueError(
            f"zones over {one.places} places and over {other.places}: expected as many"
        )
    shift = len(one.members)
    return Zones(
        one.places,
        np.concatenate([one.members, other.members]),
        np.concatenate([one.begin, other.begin + shift]),
        np.concatenate([one.end, other.end + shift]),
        np.concatenate([one.centre, other.centre]),
        np.concatenate([one.reach, other.reach]),
        np.concatenate([one.size, other.size]),
    )


def distances(latitude: Floats, longitude: Floats) -> Floats:
    """Great-circle distances in km between all places, by the haversine formula."""
    phi, psi = np.radians(latitude), np.radians(longitude)
    across = np.sin((phi[:, None] - phi[None, :]) / 2) ** 2
    along = np.sin((psi[:, None] - psi[None, :]) / 2) ** 2
    part = across + np.cos(phi)[:, None] * np.cos(phi)[None, :] * along
    found: Floats = 2 * _EARTH * np.arcsin(np.sqrt(np.clip(part, 0, 1)))
    return found


def planar(x: Floats, y: Floats) -> Floats:
    """Distances between all places on a plane, in its units."""
    found: Floats = np.hypot(x[:, None] - x[None, :], y[:, None] - y[None, :])
    return found


def _nested(places: int, rows: NDArray[Any], columns: NDArray[Any], away: Floats) -> Zones:
    """Lists of each row's columns from near to far, a zone ending before each greater distance."""
    order = np.lexsort((columns, away, rows))
    rows, columns, away = rows[order], columns[order], away[order]
    last = np.ones(len(rows), dtype=bool)
    last[:-1] = (rows[1:] != rows[:-1]) | (away[1:] - away[:-1] > _TIE)
    starts = np.searchsorted(rows, np.arange(places))
    end = np.flatnonzero(last) + 1
    begin = starts[rows[last]]
    return Zones(
        places,
        columns.astype(np.int32),
        begin.astype(np.intp),
        end.astype(np.intp),
        rows[last].astype(np.int32),
        away[last],
        (end - begin).astype(np.intp),
    )
