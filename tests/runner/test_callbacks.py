"""Callbacks and loggers in runs: what they leave lies beside the run, who is chosen on is held out, and a killed fold goes on."""

import importlib.util
import json
import sys

import pandas as pd
import pytest

import mebench
from mebench.config import registry
from mebench.errors import RunError
from mebench.output.progress import Silent
from mebench.testing.folders import write_plugin as write
from tests.helpers.plugin_folders import copy_own_code

pytestmark = pytest.mark.usefixtures("untracked", "write_plugin")


@pytest.fixture
def net(tmp_path, tiny, monkeypatch):
    """Runs the template `network` for a few epochs."""
    write("method", "net", tmp_path / "plugins", "network")
    copy_own_code(tmp_path, "my_callbacks")
    monkeypatch.syspath_prepend(tmp_path)

    def run(**how):
        words = [
            *tiny,
            "method=net",
            "method.epochs=4",
            "method.filters=2",
            "workers=1",
            "bootstrap=0",
            "validation=0.5",
        ]
        return mebench.run(*words, plugins=tmp_path / "plugins", progress=Silent(), **how)

    return run


def test_callbacks_and_loggers_leave_files_beside_the_run(net):
    loggers = ["CSVLogger"]
    if importlib.util.find_spec("tensorboardX") or importlib.util.find_spec("tensorboard"):
        loggers.append("TensorBoardLogger")
    best = {"class_path": "ModelCheckpoint", "init_args": {"monitor": "val_uf1", "mode": "max"}}
    stop = {"class_path": "EarlyStopping", "init_args": {"monitor": "val_loss", "patience": 2}}
    callbacks = ["LearningRateMonitor", best, stop, "my_callbacks.Counting"]
    run = net(trainer={"callbacks": callbacks, "logger": loggers, "log_every_n_steps": 1})

    folds = run.folder.read_json("folds.json")
    assert folds["selection"] == "inner"
    assert all(fold["valid"] for fold in folds["folds"])
    logs = sorted((run.path / "logs").iterdir())
    assert len(logs) == 3
    for place in logs:
        table = pd.read_csv(place / "lightning_logs" / "version_0" / "metrics.csv")
        assert {"step", "epoch", "val_loss", "val_uf1", "lr-Adam"} <= {*table}
        assert len(list((place / "recognition" / "checkpoints").glob("epoch=*.ckpt"))) == 1
        assert (place / "epochs.txt").read_text().split()[:2] == ["0", "1"]
        assert len([*place.rglob("events.out.tfevents*")]) == len(loggers) - 1
    assert set(run.history["fold"]) == {fold["fold"] for fold in folds["folds"]}
    assert "lr-Adam" in run.history

    settings = json.loads((run.path / "config.json").read_text())["parts"]
    assert any(name.startswith("code of my_callbacks") for name in settings)
    assert not (run.path / ".training").exists()


def test_callbacks_that_watch_change_nothing(net):
    plain = net()
    watched = net(trainer={"callbacks": ["LearningRateMonitor", "ModelCheckpoint"], "logger": "CSVLogger"})
    assert watched.id == f"{plain.id}.2"
    assert watched.folder.read_json("folds.json")["selection"] == "fixed"
    pd.testing.assert_frame_equal(plain.clips, watched.clips)
    assert not (plain.path / "logs").exists()
    assert len(list((watched.path / "logs").rglob("*.ckpt"))) == 3


def test_callbacks_name_a_metric_that_is_never_logged(net):
    stop = {"class_path": "EarlyStopping", "init_args": {"monitor": "val_los"}}
    with pytest.raises(
        RunError,
        match=r"EarlyStopping chooses by 'val_los', which the stage 'recognition' never logs\. Logged are: val_",
    ):
        net(trainer={"callbacks": [stop]})  # fmt: skip


def test_callbacks_of_a_killed_fold_go_on_in_the_middle(net, monkeypatch):
    monkeypatch.setattr(sys.modules["mebench.training.fit"], "SECONDS", 0.0)
    whole = net()
    network = registry.plugin_class(registry.find_plugin("method", "net"))
    epochs = []

    def killed(self):
        epochs.append(self.current_epoch)
        if self.current_epoch == 3 and len(epochs) == 4:
            raise RuntimeError("killed")

    monkeypatch.setattr(network, "on_train_epoch_start", killed, raising=False)
    monkeypatch.setattr("mebench.runner.workers.ENOUGH", 0)  # it is not tried again at once
    with pytest.raises(RunError, match="killed"):
        net()
    del epochs[:]
    again = mebench.resume(f"{whole.id}.2", progress=Silent())
    assert epochs == [3] or min(epochs) >= 2
    pd.testing.assert_frame_equal(again.clips, whole.clips)
    pd.testing.assert_frame_equal(again.history, whole.history)
