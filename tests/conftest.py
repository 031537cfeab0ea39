"""What every test may ask for: keys, configurations, migrated stores, a PostgreSQL server."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from coverage import Coverage
from hypothesis import settings

from gateway.config import Config, load_config
from regions.keys import Keys, create_keys
from regions.settings import RegionSettings
from tests.canaries import singing, songs
from tests.keys import same_keys
from tests.postgres import Postgres, running_postgres
from tests.stores import Stores

ROOT = Path(__file__).parent.parent
_ABOVE = (ROOT / "tests" / "resolvers", ROOT / "tests" / "gateway")
_DEAREST = (
    "test_breaking",
    "test_non_interference",
    "test_custodians",
    "test_keys",
    "test_story",
    "test_faults",
    "test_handoff",
    "test_plans",
    "test_serve",
    "test_sender",
    "test_demo_command",
    "test_killed",
    "test_clusters_killed",
    "test_loading_real",
    "test_blackbox",
)
"""Files that take a minute and more come first: one that begins last is waited for."""

# A busy machine is no failure; CI draws the same examples every time.
settings.register_profile("epigate", deadline=None, derandomize="CI" in os.environ)
settings.register_profile("nightly", deadline=None, max_examples=1_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "epigate"))


_SELDOM = 60  # times that older objects are looked through, for one of all; Python's own is 10
_COUNTING = "COVERAGE_PROCESS_CONFIG"  # processes that find it count the lines they run
_sung: list[str] = []  # what processes of a run on several cores found in their folders
_searched: list[str] = []  # the folders of those that told


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails the run where its temporary folders hold a private value in clear."""
    folder = getattr(session.config, "_tmp_path_factory", None)
    base: Path | None = getattr(folder, "_basetemp", None)
    seen = [base / name for name in _searched] if base is not None else []
    found = list(singing(base, seen)) if base is not None and base.exists() else []
    told = [f"{path}: {form.decode('latin-1')}" for path, form in found[:20]]
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["sung"] = told  # it fails by the process that started this one
        return
    for line in (*_sung, *told):
        print(f"\nprivate value in clear: {line}")
    if _sung or told:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Takes what a process of the run found. The folder of one that died is searched by this."""
    told = getattr(node, "workeroutput", {}).get("sung")
    if told is not None:
        _sung.extend(told)
        _searched.append(f"popen-{node.gateway.id}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fails a test of which anything printed or logged holds a private value."""
    report = yield
    if report.passed and any(songs(text.encode()) for _, text in report.sections):
        report.outcome = "failed"
        report.longrepr = "what it printed or logged holds a private value in clear"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Looks for no garbage among what is collected, neither meanwhile nor later: it stays as long
    as the process. That would be a third of the time collecting takes.

    Nor does it look through everything as often as Python would, where a tenth of the time of
    tests goes; what is young is looked through as ever.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        young, older, _ = gc.get_threshold()
        gc.set_threshold(young, older, _SELDOM)
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the dearest files first, and counts no lines of tests on PostgreSQL above the stores:
    the same tests on SQLite run them, too.
    """
    items.sort(key=lambda item: item.path.stem not in _DEAREST)
    for item in items:
        given = getattr(item, "callspec", None)
        if given and "postgresql" in given.params.values() and _is_above(item.path):
            item.add_marker(pytest.mark.no_cover)


def _is_above(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in _ABOVE)


@contextmanager
def _uncounted(item: pytest.Item) -> Iterator[None]:
    """Counts no lines of a test marked no_cover, nor of the processes it starts.

    The plugin does so for what the test calls, not for its fixtures and its processes.
    """
    plugin: Any = item.config.pluginmanager.getplugin("_cov")
    counter = getattr(plugin, "cov_controller", None)
    if counter is None or not item.get_closest_marker("no_cover"):
        yield
        return
    counting = os.environ.pop(_COUNTING, None)
    counter.pause()
    while beneath := Coverage.current():  # a process of xdist counts by several; one will do
        beneath.stop()
    try:
        yield
    finally:
        if not counter.started:  # the plugin has gone on itself
            counter.resume()
        if counting is not None:
            os.environ[_COUNTING] = counting


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Its fixtures are made."""
    with _uncounted(item):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """It runs."""
    with _uncounted(item):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Its fixtures end."""
    with _uncounted(item):
        return (yield)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running PostgreSQL server, started by the first test that wants one."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """The URL of a new, empty database."""
    database = postgres.create()
    yield postgres.url(database)
    postgres.drop(database)


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the stores that others are copied from lie."""
    return tmp_path_factory.mktemp("templates")


@pytest.fixture
def stores(templates: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stores]:
    """Makes migrated stores of any region on either kind of database."""

    def server() -> Postgres:  # not started for tests of SQLite alone
        found: Postgres = request.getfixturevalue("postgres")
        return found

    made = Stores(templates, lambda: tmp_path, server)
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_settings(request: pytest.FixtureRequest, stores: Stores) -> RegionSettings:
    """A migrated, empty store of Nanjing (3201): the test runs on both kinds of database."""
    dialect: str = request.param
    return stores.make(dialect)


@pytest.fixture
def keys() -> Keys:
    """Keys, the same in every test."""
    return same_keys()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """The shipped configuration of eight regions in a folder of the test's own; nothing is made."""
    path = tmp_path / "config.toml"
    path.write_bytes((ROOT / "config.toml").read_bytes())
    return load_config(path)


@pytest.fixture
def ready_config(config: Config, stores: Stores) -> Config:
    """The same with its keys and its stores, as `epigate init` leaves them."""
    create_keys(config.keys)
    for region in config.regions:
        stores.sqlite(region.code, region.path)
    stores.central(config.central_store)
    stores.log(config.log_store)
    return config
