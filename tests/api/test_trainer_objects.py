"""Objects for options of Lightning's Trainer: each fold gets a copy, and equal ones of two programs are one run."""

import importlib
import shutil
import sys
import threading
from functools import partial
from pathlib import Path

import lightning as L
import pandas as pd
import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping, LearningRateFinder, LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.profilers import SimpleProfiler
from lightning.pytorch.strategies import SingleDeviceStrategy
from torch import nn

import mebench
from mebench.api.trainer_objects import store_trainer_objects
from mebench.errors import ConfigError, RunError
from mebench.output.progress import Silent
from mebench.testing.folders import write_plugin as write
from tests.helpers.plugin_folders import copy_own_code

pytestmark = pytest.mark.usefixtures("untracked", "write_plugin")


class Counting(L.Callback):
    """Notes its epochs in a file; the count of one fold must not reach another."""

    def __init__(self, word):
        self.word = word
        self.epochs = 0

    def on_train_epoch_end(self, trainer, pl_module):
        self.epochs += 1
        with Path("epochs.txt").open("a") as file:
            file.write(f"{self.word}{self.epochs} ")


class Locked(L.Callback):
    def __init__(self):
        self.lock = threading.Lock()


@pytest.fixture
def net(tmp_path, tiny):
    """Runs the template `network` for a few epochs."""
    write("method", "net", tmp_path / "plugins", "network")
    words = [*tiny, "method=net", "method.epochs=3", "method.filters=2", "workers=1", "bootstrap=0", "validation=0.5"]

    def run(**how):
        return mebench.run(*words, plugins=tmp_path / "plugins", progress=Silent(), **how)

    return run


def stored(**trainer):
    return store_trainer_objects((), {"trainer": trainer}, ())["trainer"]


def test_run_gives_each_fold_copies_of_objects(net):
    given = Counting("a")
    run = net(
        trainer={
            "callbacks": [
                EarlyStopping("val_loss", patience=5),
                LearningRateMonitor(),
                ModelCheckpoint(monitor="val_uf1", mode="max"),
                given,
                lambda: Counting("b"),
            ],
            "logger": [CSVLogger("first"), CSVLogger("second")],
            "profiler": SimpleProfiler(dirpath=".", filename="times"),
            "strategy": SingleDeviceStrategy("cpu"),
            "optimizer": lambda parameters: torch.optim.SGD(parameters, lr=0.25),
            "log_every_n_steps": 1,
        }
    )
    assert given.epochs == 0
    assert run.folder.read_json("folds.json")["selection"] == "inner"
    assert set(run.history["lr-SGD"].dropna()) == {0.25}

    places = sorted((run.path / "logs").iterdir())
    assert len(places) == 3
    for place in places:
        assert (place / "epochs.txt").read_text().split() == ["a1", "b1", "a2", "b2", "a3", "b3"]
        assert len(list((place / "recognition" / "checkpoints").glob("*.ckpt"))) == 1
        assert "run_training_epoch" in (place / "fit-times.txt").read_text()
        for name in ("first", "second"):
            assert "val_loss" in pd.read_csv(place / name / "lightning_logs" / "version_0" / "metrics.csv")


def test_resume_takes_objects_that_only_watch(net, monkeypatch):
    run = net(trainer={"callbacks": [EarlyStopping("val_loss", patience=5)]})
    (run.path / "DONE").unlink()
    fold = sorted((run.path / "folds").iterdir())[0]
    shutil.rmtree(fold)
    same = EarlyStopping("val_loss", patience=5)
    again = mebench.resume(
        run, trainer={"logger": CSVLogger("later"), "callbacks": [same, LearningRateMonitor()]}, progress=Silent()
    )
    assert again.id == run.id
    assert again.summary["recognition"] == run.summary["recognition"]
    assert [place.name for place in sorted((run.path / "logs").glob("*/later"))] == ["later"]


@pytest.mark.parametrize(
    "trainer",
    [
        {"callbacks": [EarlyStopping("val_loss", patience=9)]},
        {"callbacks": [Counting("a")]},
        {"max_epochs": 9},
        {"optimizer": lambda parameters: torch.optim.SGD(parameters, lr=0.5)},
    ],
    ids=["another choice", "a callback of one's own", "epochs", "an optimizer"],
)
def test_resume_refuses_objects_that_shape_predictions(net, trainer):
    run = net()
    with pytest.raises(ConfigError, match=r"there is no setting of a resumed run 'trainer\.|trainer\.\w+"):
        mebench.resume(run, trainer=trainer, progress=Silent())


def test_run_refuses_objects_that_are_gone(net, tmp_path):
    stored_specs = stored(callbacks=[EarlyStopping("val_loss")])
    (file,) = tmp_path.rglob(stored_specs["callbacks"][0]["object"])
    content = file.read_bytes()
    for other in (b"other", content[:-1], content.replace(b"val_loss", b"val_uf1_")):
        file.write_bytes(other)
        with pytest.raises(RunError, match="is not the object that was given: start the run again"):
            net(trainer=stored_specs)
    file.unlink()
    with pytest.raises(RunError, match=r"EarlyStopping was given as an object, and .* cannot be read"):
        net(trainer=stored_specs)


@pytest.mark.parametrize("bytecode_is_kept", [True, False])
def test_store_trainer_objects_names_equal_ones_alike(tmp_path, monkeypatch, bytecode_is_kept):
    monkeypatch.setattr(sys, "dont_write_bytecode", not bytecode_is_kept)
    copy_own_code(tmp_path, "mine")
    monkeypatch.syspath_prepend(tmp_path)
    answers = []
    for _ in range(2):  # a second import makes another class of the same code, as a second program does
        sys.modules.pop("mine", None)
        mine = importlib.import_module("mine").Mine
        answers.append(stored(callbacks=[EarlyStopping("val_loss"), ModelCheckpoint(), mine("a"), partial(mine, "b")]))
    sys.modules.pop("mine")
    assert answers[0] == answers[1]
    assert len({spec["object"] for spec in answers[0]["callbacks"]}) == 4


@pytest.mark.parametrize(
    ("given", "same"),
    [
        (lambda own: torch.optim.AdamW(own, lr=0.5, weight_decay=0.25), True),
        (lambda own: torch.optim.AdamW(own, lr=0.5), False),
    ],
)
def test_store_trainer_objects_takes_arguments_of_optimizers(given, same):
    wanted = stored(optimizer=torch.optim.AdamW([nn.Parameter(torch.ones(2))], lr=0.5, weight_decay=0.25))
    assert (stored(optimizer=given([nn.Parameter(torch.zeros(5))])) == wanted) == same


def stepped():
    weights = nn.Parameter(torch.ones(2))
    optimizer = torch.optim.Adam([weights])
    weights.sum().backward()
    optimizer.step()
    return optimizer


@pytest.mark.parametrize(
    ("option", "given", "sentence"),
    [
        ("callbacks", [CSVLogger("logs").log_metrics], "log_metrics cannot be called with nothing"),
        ("callbacks", [dict], "dict makes {}, expected an object of lightning's Callback"),
        ("callbacks", [LearningRateFinder()], "LearningRateFinder cannot work inside folds"),
        ("callbacks", [Locked()], "Locked cannot be pickled .*: give a function that makes it"),
        ("logger", EarlyStopping, "EarlyStopping cannot be called with nothing"),
        ("optimizer", lambda: None, "<lambda> cannot be called with a list of parameters"),
        ("optimizer", stepped(), "this Adam has taken steps, and each fold needs a fresh one"),
    ],
)
def test_store_trainer_objects_refuses_in_a_sentence(option, given, sentence):
    with pytest.raises(ConfigError, match=f"trainer.{option}: .*{sentence}"):
        stored(**{option: given})


def test_store_trainer_objects_takes_nested_lists():
    nested = stored(callbacks=[[LearningRateMonitor()], [LearningRateMonitor(), EarlyStopping("val_loss")]])
    assert [len(each) for each in nested["callbacks"]] == [1, 2]
