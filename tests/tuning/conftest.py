"""A method whose parameters have a known effect, on a dataset without pictures: a trial takes milliseconds."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
import sqlalchemy
from optuna.storages import RDBStorage

from mebench.config import resolve
from mebench.output.progress import Progress
from mebench.runner.execute import InterruptedRunError
from mebench.tuning import run_studies as module, study
from mebench.tuning.records import TuneOptions
from mebench.tuning.study import StudyStorage
from tests.helpers.plugin_folders import PLUGINS


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    """A database of Optuna without studies, to copy."""
    file = tmp_path_factory.mktemp("optuna") / "empty.db"
    RDBStorage(f"sqlite:///{file}").remove_session()
    return file


@pytest.fixture
def copied_databases(empty_database, monkeypatch):
    """A missing database is a copy of an empty one: to make its tables takes Optuna most of the time of a short study."""
    copies = set()

    class Copied(RDBStorage):
        def __init__(self, url, **options):
            file = Path(sqlalchemy.make_url(url).database) if url.startswith("sqlite:///") else None
            if file is not None and not file.exists():
                copies.add(shutil.copy(empty_database, file))
            known = file in copies
            super().__init__(url, skip_table_creation=known, skip_compatibility_check=known, **options)

    monkeypatch.setattr(study, "RDBStorage", Copied)


@pytest.fixture
def place(copied_databases, tmp_path):
    """A storage without studies."""
    return StudyStorage.at_url(str(tmp_path / "x.db"))


@pytest.fixture
def toy(copied_databases, own_folder, tmp_path, monkeypatch):
    """Makes words: `tunable` on `toy_places`, everything written inside the test's own folder, with one worker."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))

    def words(*more):
        return [
            "method=tunable",
            "dataset=toy_places",
            f"plugins={PLUGINS}",
            f"cache={tmp_path / 'cache'}",
            "bootstrap=20",
            "workers=1",
            *more,
        ]

    return words


@pytest.fixture
def go(toy, monkeypatch):
    """Tunes in this process, without figures unless `shown`: `go("method.p=0.1", trials=5)`."""

    def run(*words, shown=False, **options):
        with monkeypatch.context() as patch:
            if not shown:
                patch.setattr(module, "write_study_figures", lambda *_: [])
            chosen = TuneOptions(**{"trials": 12, "heartbeat": 1, **options})
            return module.tune_and_judge(resolve(toy(*words)), chosen, Progress())

    return run


@pytest.fixture
def begin(go, monkeypatch):
    """Tries values as `go` does, and is stopped before the outer folds."""

    def stop(*_):
        raise KeyboardInterrupt

    def run(*words, **options):
        with monkeypatch.context() as patch:
            patch.setattr(module.Judge, "judge", stop)
            with pytest.raises(InterruptedRunError):
                go(*words, **options)

    return run
