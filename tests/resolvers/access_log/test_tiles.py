"""Tiles: their paths, the tree over them, bundles of entries."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolvers.access_log.merkle import (
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from resolvers.access_log.tiles import (
    HASH,
    WIDTH,
    Edge,
    Tile,
    bundle_path,
    hashes_in,
    pack_entries,
    parse_path,
    tile_path,
    tiles_of,
    unpack_entries,
)

BIG = 70_000  # leaves: three levels of tiles


class Kept:
    """A tree grown leaf by leaf, its tiles kept as they are filled."""

    def __init__(self, size: int) -> None:
        self.edge, self.tiles = Edge(), dict[tuple[int, int], bytes]()
        self.roots = [Frontier().root()]
        for number in range(size):
            for level, index, hashes in self.edge.append(b"%d" % number):
                self.tiles[level, index] = hashes
            self.roots.append(self.edge.root())

    def tile_at(self, level: int, index: int) -> bytes:
        return self.tiles.get((level, index)) or self.edge.partial(level)


@pytest.fixture(scope="module")
def kept() -> Kept:
    return Kept(BIG)


def test_paths_are_as_the_document_has_them() -> None:
    assert tile_path(0, 0) == "tile/0/000"
    assert tile_path(0, 1_234_067) == "tile/0/x001/x234/067"
    assert tile_path(2, 5, 17) == "tile/2/005.p/17"
    assert bundle_path(1_000, 255) == "tile/entries32/x001/000.p/255"


@given(st.integers(0, 7), st.integers(0, 10**12), st.integers(1, 256))
def test_paths_are_read_as_they_are_written(level: int, index: int, width: int) -> None:
    assert parse_path(tile_path(level, index, width)) == Tile(level, index, width)
    assert parse_path(bundle_path(index, width)) == Tile(-1, index, width)


@pytest.mark.parametrize(
    "path",
    [
        "tile/8/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/07",
        "tile/0/001.p/257",
        "tile/0/../000",
        "tile/entries/000",
        "/tile/0/000",
        "tile/0/000\n",
        "tile/0/٠٠٠",
    ],
)
def test_other_paths_are_none(path: str) -> None:
    with pytest.raises(ValueError, match=r"path of a tile|no such tile"):
        parse_path(path)


def test_no_such_tile() -> None:
    for index, width in ((-1, 256), (0, 0), (0, 257)):
        with pytest.raises(ValueError, match="no such tile"):
            tile_path(0, index, width)


def test_the_tiles_of_a_tree() -> None:
    assert list(tiles_of(0)) == []
    assert list(tiles_of(70)) == [Tile(0, 0, 70)]
    assert list(tiles_of(256)) == [Tile(0, 0, 256), Tile(1, 0, 1)]
    assert list(tiles_of(600, 300)) == [Tile(0, 1, 256), Tile(0, 2, 88), Tile(1, 0, 2)]
    found = list(tiles_of(BIG))
    assert sum(tile.width for tile in found if tile.level == 0) == BIG
    assert sum(tile.width for tile in found if tile.level == 1) == BIG // 256
    assert found[-1] == Tile(2, 0, 1)


def test_full_tiles_are_kept_once_each(kept: Kept) -> None:
    full = {(tile.level, tile.index) for tile in tiles_of(BIG) if tile.width == WIDTH}
    assert kept.tiles.keys() == full
    assert all(len(hashes) == WIDTH * HASH for hashes in kept.tiles.values())
    for tile in tiles_of(BIG):
        assert len(kept.tile_at(tile.level, tile.index)) == tile.width * HASH


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_tiles_prove_everything(kept: Kept, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, BIG) | st.sampled_from([1, 255, 256, 257, 65_536, 65_537, BIG]))
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(0, size))
    hash_at = hashes_in(kept.tile_at)
    root = kept.roots[size]
    proof = inclusion_proof(index, size, hash_at)
    assert verify_inclusion(leaf_hash(b"%d" % index), index, size, proof, root)
    grown = consistency_proof(old, size, hash_at)
    assert verify_consistency(old, kept.roots[old], size, root, grown)
    assert Frontier.at(size, hash_at).root() == root


@settings(max_examples=30, deadline=None)
@given(st.integers(0, BIG - 1_000), st.integers(0, 999))
def test_an_edge_of_tiles_goes_on_as_if_it_had_grown(kept: Kept, size: int, more: int) -> None:
    edge = Edge.at(size, kept.tile_at)
    assert (edge.size, edge.root()) == (size, kept.roots[size])
    other = edge.copy()
    for number in range(size, size + more):
        for level, index, hashes in edge.append(b"%d" % number):
            assert kept.tiles[level, index] == hashes
    assert edge.root() == kept.roots[size + more]
    assert other.root() == kept.roots[size]
    for level in range(3):
        count = edge.size >> 8 * level
        assert edge.partial(level) == kept.tile_at(level, count >> 8)[: count % 256 * HASH]


def test_a_tile_that_is_too_short_is_named() -> None:
    with pytest.raises(ValueError, match="tile 0/0 is too short"):
        hashes_in(lambda level, index: bytes(32))(1, 0)


@given(st.lists(st.binary(max_size=40)))
def test_bundles_are_read_as_they_are_written(entries: list[bytes]) -> None:
    bundle = pack_entries(entries)
    assert unpack_entries(bundle) == entries
    for cut in range(1, min(4, len(bundle))):
        with pytest.raises(ValueError, match="ends in the middle"):
            unpack_entries(bundle[:-cut])


def test_an_entry_may_be_longer_than_c2sp_allows() -> None:
    long = bytes(100_000)
    assert unpack_entries(pack_entries([long, b"", b"short"])) == [long, b"", b"short"]
