"""Codes of GB/T 2260 in an input: alive, of a county, of a region, within the jurisdiction."""

from __future__ import annotations

from collections.abc import Sequence

from regions.areas import reference_areas
from resolvers.users import Viewer
from resolvers.writing.refusing import Mistakes, forbidden
from resolvers.writing.stores import Store, Stores

__all__ = ["county_store", "known_code", "require_jurisdiction"]

Path = Sequence[str]


def known_code(code: str, mistakes: Mistakes, path: Path) -> bool:
    """Whether a code is alive; if not, the mistake names what became of it."""
    areas = reference_areas()
    if areas.is_known(code):
        return True
    successor = areas.successor(code)
    if successor is None:
        mistakes.add(path, "there is no such code in GB/T 2260", "没有该行政区划代码")
    else:
        mistakes.add(
            path,
            f"this code is no longer in use: it became {successor} {areas.name_en(successor)}",
            f"该代码已停用，现为 {successor} {areas.name(successor)}",
        )
    return False


def county_store(stores: Stores, code: str, mistakes: Mistakes, path: Path) -> Store | None:
    """The store of the region that is responsible for a county; None with a mistake."""
    if not known_code(code, mistakes, path):
        return None
    if reference_areas().children(code):
        mistakes.add(
            path,
            "give the code of a county: a record belongs to one county",
            "请填写县（区）级代码：记录须归属一个县（区）",
        )
        return None
    store = stores.of_code(code)
    if store is None:
        mistakes.add(
            path, "no configured region is responsible for this code", "没有配置负责该代码的地区"
        )
    return store


def require_jurisdiction(viewer: Viewer, code: str) -> None:
    """Raises Refusal where a code lies outside the viewer's jurisdiction."""
    if not code.startswith(viewer.prefix):
        raise forbidden(
            f"the code lies outside the jurisdiction of your unit, {viewer.code}",
            f"该代码不在本单位辖区（{viewer.code}）内",
        )
