"""Fixtures that several tests share."""

from __future__ import annotations

import functools
import gc
import os
import shutil
import sqlite3.dbapi2
import sys
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer.main
import typer.testing
from hypothesis import HealthCheck, settings
from hypothesis.internal.charmap import intervals_from_codec
from hypothesis.internal.conjecture import providers
from jinja2 import Environment
from mebench.datasets.synthetic import dataset

import mebench.datasets
import mebench.methods
from mebench._fast_imports import speed_up_imports
from mebench.features import landmarks
from mebench.result_cache import cache_folder
from mebench.runner import describe, workers
from mebench.sandbox import isolation, process
from tests.helpers import memory, model_server
from tests.helpers.drawn_once import draw_once, once, put_folders_in_memory, remembering, share_features
from tests.helpers.kept_server import KeptServer, OwnServer
from tests.helpers.made_once import compiled_once
from tests.helpers.nightly import NIGHTLY
from tests.helpers.same_process import stand_in

if TYPE_CHECKING:
    from mebench.runs import RunFolder

os.environ.update(process.THREADS)  # as in a worker process, and before any numeric library is loaded
speed_up_imports()
gc.disable()  # while tests are collected, of which nothing goes away
gc.set_threshold(50_000, 20, 100)
_real = [
    (isolation, "Worker", isolation.Worker),
    (isolation, "ForkServer", KeptServer),
    (workers, "ThreadPoolExecutor", workers.ThreadPoolExecutor),
]

# No test is timed: on a busy machine an example may take seconds. `HYPOTHESIS_PROFILE=nightly pytest` looks further.
settings.register_profile("short", deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("nightly", settings.get_profile("short"), max_examples=300)
settings.load_profile("nightly" if NIGHTLY else "short")
if not NIGHTLY:  # by night examples hold numbers and words of our own source too, which are read out of 560 files
    providers.is_local_module_file = lambda path: False


@pytest.hookimpl(wrapper=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """`-n auto` takes all cores whose processes find room in memory: a laptop of eight cores may have room for four."""
    cores = yield
    return memory.count_workers_with_room(cores)


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """What `st.text()` draws from is made once a checkout: that takes 200 MiB for a moment, so before all else is in memory."""
    intervals_from_codec("utf-8")


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Every other worker looks through folders from their end: in a fresh checkout each compiles one half of the files, and reads the
    other half as it was compiled by another.
    """
    report = yield
    worker = getattr(collector.config, "workerinput", {}).get("workerid", "gw0")
    if int(worker.removeprefix("gw")) % 2 and isinstance(collector, pytest.Directory):
        report.result = (report.result or [])[::-1]
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The same order in all workers, in which files that start programs come first, so that none of their long tests is left to one of
    several workers at the end.
    """
    slow = {item.path for item in items if any(item.get_closest_marker(name) for name in ("processes", "browser"))}
    items.sort(key=lambda item: (item.path not in slow, item.path))


def pytest_collection_finish() -> None:
    """What has been imported stays."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Folds and features are computed in this process, but for tests marked `processes`, and the fixtures made for them."""
    if item.get_closest_marker("processes") is None:
        stand_in(setattr)
    else:
        for module, name, own in _real:
            setattr(module, name, own)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Folders that a fixture makes for the tests of a file go with the file, as pytest removes the folder of a test that passed
    (`tmp_path_retention_policy`): at the end of the session, when the disk holds them, a file may take milliseconds to remove.
    """
    if fixturedef.scope != "module" or "tmp_path_factory" not in fixturedef.argnames:
        return (yield)
    base = request.getfixturevalue("tmp_path_factory").getbasetemp()
    made: list[Path] = []
    fixturedef.addfinalizer(functools.partial(_remove_unless_failed, request.session, made))
    before = set(base.iterdir())
    value = yield
    made += set(base.iterdir()) - before
    return value


def _remove_unless_failed(session: pytest.Session, folders: Sequence[Path]) -> None:
    """Remove folders, which stay after a failed test to be looked at."""
    if not session.testsfailed:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """What a file's imports left is looked through once; each fold that follows ends with a collection of its own."""
    new_file = nextitem is not None and nextitem.path != item.path
    if new_file:
        landmarks.load_predictor.cache_clear()  # 110 MiB, which the few files that look for landmarks read again in a second
    if new_file or memory.has_grown():
        memory.collect()
    if new_file:
        gc.freeze()


def pytest_sessionfinish() -> None:
    """Nothing is looked through again at the end, which pytest does five times."""
    gc.freeze()


# No test pulls the plug, so what this process writes need not wait for the disk: a fourth of all time otherwise.
os.fsync = lambda fd: None
_connect = sqlite3.dbapi2.connect


def _unhurried(*args: Any, **kwargs: Any) -> sqlite3.Connection:
    connection = _connect(*args, **kwargs)
    connection.execute("PRAGMA synchronous = OFF")
    return connection


sqlite3.dbapi2.connect = _unhurried

# Git is asked once: in a fresh checkout, whose index nobody has refreshed, it reads all files again for each run.
describe.made_by = functools.cache(describe.made_by)

# With each seed PyTorch notes three times where it was set, for a GPU that may be asked for later: of a test that is a long way.
traceback.format_stack = lambda *_, **__: []

put_folders_in_memory()
draw_once()
share_features()
dataset.SyntheticFrames.__getitem__ = remembering(dataset.SyntheticFrames.__getitem__)

# What reads the words of the command line is made once; it takes a tenth of a second.
typer.testing._get_command = typer.main.get_command = functools.cache(typer.main.get_command)

# The templates of pages are compiled once, not once a page.
Environment.compile = compiled_once(Environment.compile)


CONFIG = "title: {title}\nsummary: for tests\ntasks: [{tasks}]\n"
PARAMS = "from dataclasses import dataclass\n\n\n@dataclass(frozen=True)\nclass Params:\n    p: float = 0.5\n"
CODE = "class Plugin:\n    tasks = frozenset({'spot'})\n"

WritePlugin = Callable[..., Path]


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The empty folder in which the test works, without any file of the user's; afterwards nobody knows the plugins that it added."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MEBENCH_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cache_folder.cache_clear()
    packages = (mebench.methods, mebench.datasets)
    paths = [list(package.__path__) for package in packages]
    modules = set(sys.modules)
    yield folder
    cache_folder.cache_clear()
    for package, path in zip(packages, paths):
        package.__path__[:] = path  # type: ignore[index]
    for name in set(sys.modules) - modules:
        if name.startswith(("mebench.methods.", "mebench.datasets.")):
            del sys.modules[name]
            package_name, _, child = name.rpartition(".")
            if package_name in ("mebench.methods", "mebench.datasets"):
                vars(sys.modules[package_name]).pop(child, None)


@pytest.fixture
def write_plugin(own_folder: Path, tmp_path: Path) -> WritePlugin:
    """Writes `<root>/<kind>s/<id>/` and returns the root, for `--plugins`: a plugin that only one test needs, or a broken one."""

    def write(
        kind: str,
        id_: str,
        *,
        config: str | None = "",
        tasks: str = "spot",
        params: str | None = PARAMS,
        code: str | None = CODE,
        root: str = "mine",
    ) -> Path:
        folder = tmp_path / root / f"{kind}s" / id_
        folder.mkdir(parents=True)
        usual = CONFIG.format(title=id_.title(), tasks=tasks).splitlines(keepends=True)
        own_keys = {line.partition(":")[0] for line in (config or "").splitlines()}
        head = "".join(line for line in usual if line.partition(":")[0] not in own_keys)
        files = {
            "__init__.py": "",
            "config.yaml": head + config if config is not None else None,
            "params.py": params,
            f"{kind}.py": code,
        }
        for name, content in files.items():
            if content is not None:
                (folder / name).write_text(content)
        return tmp_path / root

    return write


@pytest.fixture(scope="module", autouse=True)
def _plugins_of_the_file() -> Iterator[None]:
    """What fixtures of a file add without `write_plugin` is not known to the next file, whichever that is."""
    packages = (mebench.methods, mebench.datasets)
    paths = [list(package.__path__) for package in packages]
    yield
    for package, path in zip(packages, paths):
        package.__path__[:] = path  # type: ignore[index]


@pytest.fixture
def untracked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs go to no MLflow, which takes seconds; `tests/tracking` is about it."""
    from mebench.tracking import send

    def sync(folders: Sequence[RunFolder], *how: object, **more: object) -> send.Synced:
        return send.Synced("MLflow", "nowhere", tuple(folder.id for folder in folders))

    monkeypatch.setattr(send, "send_all", sync)


@pytest.fixture(scope="session")
def blank() -> bytes:
    """A database that MLflow has made, to be copied: one of all test processes makes it, which takes seconds."""

    def make(place: Path) -> None:
        from mlflow import MlflowClient

        MlflowClient(tracking_uri=f"sqlite:///{place / 'mlflow.db'}").search_experiments()

    return (once("mlflow", make) / "mlflow.db").read_bytes()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, for all tests of a process: playwright starts once in it."""
    found = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))), None)
    if found is None:
        pytest.skip("no Chromium here: apt-get install chromium, and the page is tested in it")
    playwright = pytest.importorskip("playwright.sync_api", reason="the page is tested by playwright")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def tiny() -> list[str]:
    """Words of a drawn dataset on which a fold trains in a second; its features are computed once in a session, by whichever process."""
    from mebench.testing import TINY, scratch_folder

    return [*TINY, f"cache={scratch_folder()}"]


@pytest.fixture
def each_frame_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame of `synthetic` is drawn whenever it is asked for: for tests of how."""
    monkeypatch.setattr(dataset.SyntheticFrames, "__getitem__", dataset.SyntheticFrames.__getitem__.__wrapped__)


@pytest.fixture
def own_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pool starts its own fork server, as in a run."""
    monkeypatch.setattr(isolation, "ForkServer", OwnServer)


@pytest.fixture
def serve() -> Iterator[Any]:
    """Starts servers that stand for a model behind an address."""
    with model_server.served() as start:
        yield start
