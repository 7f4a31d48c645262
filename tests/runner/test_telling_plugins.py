"""A dataset, a protocol or a callback that tells labels: drawn names and order hide them, lengths, frame rates, sizes of folds and
code of the host do not.

The values stand in `benchmarks/cheats.md`.
"""

import pytest
from mebench.datasets.megc2019_flow.dataset import Megc2019Flow

from mebench import protocols
from mebench.config import resolve
from mebench.output.progress import Silent
from mebench.records.record import read_record
from mebench.runner import execute, host
from tests.helpers.known_secret import write_secret
from tests.helpers.plugin_folders import copy_plugins


@pytest.fixture
def uf1(own_folder, tmp_path, monkeypatch):
    """UF1 of `listener` on `teller`, by what tells."""
    root = copy_plugins(tmp_path / "mine", "teller", "listener")
    words = [f"plugins={root}", "method=listener", "dataset=teller", "bootstrap=0", "workers=1", "tracking=off"]
    words += [f"{name}={tmp_path / name}" for name in ("runs", "cache")]
    # The same drawn names each time: with others, a guess by names may be lucky.
    write_secret(tmp_path / "cache")

    def score(told, heard, *more):
        outcome = execute.execute_run(resolve([*words, f"dataset.by={told}", f"method.by={heard}", *more]), Silent())
        return outcome.summary["recognition"]["scores"]["uf1"]["value"]

    yield score
    protocols.PROTOCOLS.pop("by_size", None)


def test_Aliases_hide_names_and_order_that_tell_labels(uf1):
    assert uf1("name", "name", "protocol=kfold", "protocol.folds=2") < 0.6
    assert uf1("order", "order", "protocol=kfold", "protocol.folds=2") < 0.6


@pytest.mark.parametrize("fact", ["length", "rate"])
def test_FoldJob_shows_facts_that_tell_labels(uf1, fact):
    assert uf1("nothing", fact, "protocol=kfold", "protocol.folds=2") < 0.4
    assert uf1(fact, fact, "protocol=kfold", "protocol.folds=2") == 1


def test_FoldJob_shows_size_of_a_fold_that_a_protocol_chose(uf1, tmp_path):
    copy_plugins(tmp_path / "mine", "by_size")
    assert uf1("people", "size", "protocol=by_size") == 1


@pytest.mark.processes
def test_callbacks_reach_labels_where_the_run_is_planned(own_folder, tmp_path, monkeypatch):
    """As a plugin's code does there: nothing stops it, and the row names the class."""
    Megc2019Flow.write_fake_tree(tmp_path / "maps")
    root = copy_plugins(tmp_path / "mine", "cheat")
    words = [f"plugins={root}", "method=cheat", "method.way=told", "bootstrap=0", "workers=1", "tracking=off"]
    words += ["dataset=megc2019_flow", f"dataset.root={tmp_path / 'maps'}", "protocol=kfold", "protocol.folds=2"]
    words += [f"{name}={tmp_path / name}" for name in ("runs", "cache")]
    monkeypatch.setenv("MEBENCH_TELLS", "1")
    monkeypatch.setattr(host, "spec_of_fold", host.spec_of_fold)  # put back afterwards
    callback = "tests.helpers.telling_callback.Telling"
    outcome = execute.execute_run(resolve([*words, f"trainer.callbacks=[{callback}]"]), Silent())
    assert outcome.summary["recognition"]["scores"]["uf1"]["value"] == 1
    assert read_record(outcome.folder).training_code == [callback]
