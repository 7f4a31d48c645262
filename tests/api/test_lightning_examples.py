"""The examples of Lightning's documentation on the template `network`: callbacks and loggers leave what they leave elsewhere."""

import importlib.util
import io
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from lightning.pytorch import loggers
from rich.console import Console

import mebench
from mebench.config import registry
from mebench.intake import export
from mebench.output.progress import Progress, Silent
from mebench.records import recorded_settings
from mebench.runs import RunFolder
from mebench.testing import folders
from tests.helpers.plugin_folders import copy_own_code

ONE_FOLD = ("protocol=holdout", "protocol.test=[s003]")
STOP = {"class_path": "EarlyStopping", "init_args": {"monitor": "val_loss", "patience": 1, "min_delta": 9.0}}
KEEP = {"class_path": "ModelCheckpoint", "init_args": {"monitor": "val_loss", "save_top_k": 1}}
SWA = {"class_path": "StochasticWeightAveraging", "init_args": {"swa_lrs": 0.01}}


@pytest.fixture
def trained(tiny, tmp_path, monkeypatch, untracked, write_plugin):
    """Trains the template on three people."""
    folders.write_plugin("method", "example", tmp_path, "network")
    copy_own_code(tmp_path, "greeting")
    monkeypatch.syspath_prepend(tmp_path)
    words = [*tiny, "workers=1", "bootstrap=0", "method=example", "method.epochs=4", "validation=0.5"]

    def train(*more, progress=None, **options):
        return mebench.run(*words, *more, plugins=str(tmp_path), trainer=options, progress=progress or Silent())

    return train


def logs(run, pattern):
    """What lies in the folder of logs of each fold, by the fold."""
    return {
        fold.name: sorted(f.relative_to(fold).as_posix() for f in fold.glob(pattern))
        for fold in (run.path / "logs").iterdir()
    }


def test_lightning_callbacks_and_loggers_leave_their_files(trained):
    board = ["TensorBoardLogger"] if any(map(importlib.util.find_spec, ("tensorboard", "tensorboardX"))) else []
    watching = ["LearningRateMonitor", "RichProgressBar", "greeting.Greets"]
    run = trained(callbacks=[STOP, KEEP, *watching], logger=["CSVLogger", *board], log_every_n_steps=1)

    folds = len(run.folds)
    assert run.folder.read_json("folds.json")["selection"] == "inner"
    # EarlyStopping: nothing gets better by 9, so the second epoch is the last.
    assert run.history.groupby("fold")["epoch"].max().eq(1).all()

    # ModelCheckpoint: the better epoch, in Lightning's own name, and a method comes back from it.
    kept = logs(run, "recognition/checkpoints/*")
    assert len(kept) == folds
    assert all(len(files) == 1 and "epoch=" in files[0] and "-step=" in files[0] for files in kept.values())
    fold, (file,) = next(iter(kept.items()))
    loaded = registry.load_plugin("method", "example").load_from_checkpoint(run.path / "logs" / fold / file)
    # LearningRateMonitor and CSVLogger: rows with steps.
    (table,) = logs(run, "lightning_logs/*/metrics.csv")[fold]
    rows = pd.read_csv(run.path / "logs" / fold / table)
    assert {"epoch", "step", "val_loss", "val_uf1", "val_uar", "val_accuracy", "lr-Adam"} <= {*rows}

    best = rows.dropna(subset="val_loss").sort_values("val_loss").iloc[0]
    assert f"epoch={best['epoch']:.0f}-step={best['step'] + 1:.0f}.ckpt" in file
    assert run.history["lr-Adam"].dropna().eq(loaded.params.lr).all()
    # A callback of one's own.
    assert (run.path / "logs" / fold / "hello.txt").read_text() == "2 epochs of Example"

    # TensorBoardLogger: its file of events, with the metrics in it.
    if not board:
        pytest.skip("TensorBoardLogger needs tensorboardX or tensorboard; all others were tried")
    (events,) = logs(run, "**/events.out.tfevents.*")[fold]
    assert b"val_loss" in (run.path / "logs" / fold / events).read_bytes()


def test_lightning_averaged_weights_predict(trained):
    plain, averaged = (trained(*ONE_FOLD, **options) for options in ({}, {"callbacks": [SWA]}))
    assert averaged.folder.read_json("folds.json")["selection"] == "fixed"
    shares = [np.stack(run.clips["probabilities"]) for run in (plain, averaged)]
    assert shares[0].shape == shares[1].shape
    assert not np.array_equal(*shares)


def test_lightning_watchers_make_no_other_row(trained, tmp_path):
    run = trained(*ONE_FOLD, callbacks=[STOP, "LearningRateMonitor"])
    record = RunFolder(export.export_record(run.folder, tmp_path / "records")).read_json("record.json")
    (counts,) = recorded_settings.row_settings(record["config"])["trainer.callbacks"]
    assert len(record["config"]["trainer.callbacks"]) == 2
    assert counts["class_path"].endswith("EarlyStopping")


class Talks(loggers.Logger):
    """A logger that would talk to a server, in the place of Weights & Biases'."""

    made: ClassVar[list] = []
    version = ""

    def __init__(self, save_dir: str = ".", name: str | None = None, offline: bool = False):
        super().__init__()
        self.named = name
        self.save_dir_ = save_dir
        self.rows = []
        self.ended = False
        self.made.append(self)

    name = property(lambda self: self.named)
    experiment = property(lambda self: SimpleNamespace(finish=lambda: setattr(self, "ended", True)))

    def log_hyperparams(self, settings):
        self.settings = settings

    def log_metrics(self, metrics, step):
        if self.named == "fails":
            raise OSError("no route to the server")
        self.rows.append({"step": step, **metrics})


@pytest.fixture
def talks(monkeypatch):
    """Lightning's `WandbLogger`, as far as mebench sees it."""
    cls = type("WandbLogger", (Talks,), {"__module__": "lightning.pytorch.loggers.wandb", "made": []})
    monkeypatch.setattr(loggers, "WandbLogger", cls)
    monkeypatch.setattr(loggers.wandb, "WandbLogger", cls)
    return cls


def test_lightning_server_loggers_get_rows_of_each_fold(trained, talks):
    run = trained(
        logger=["CSVLogger", "WandbLogger"], callbacks=["LearningRateMonitor"], log_every_n_steps=1, max_epochs=2
    )
    made = [one for one in talks.made if one.named]  # others were made to see whether they can be
    assert [one.named for one in made] == sorted(run.folds.index)
    for one in made:
        fold = run.path / "logs" / one.named.replace("/", "--")
        (table,) = fold.glob("lightning_logs/*/metrics.csv")
        rows = pd.DataFrame(one.rows)
        pd.testing.assert_frame_equal(rows, pd.read_csv(table)[rows.columns], check_dtype=False)
        assert len(rows)
        assert one.ended
        assert Path(one.save_dir_).resolve() == fold.resolve()
        assert one.settings["method"]["name"] == "example"


def test_lightning_server_failure_is_a_sentence_and_no_end(trained, talks):
    shown = io.StringIO()
    fails = {"class_path": "WandbLogger", "init_args": {"name": "fails"}}
    run = trained(
        progress=Progress(Console(file=shown, soft_wrap=True)),
        logger=[fails],
        callbacks=["LearningRateMonitor"],
        log_every_n_steps=1,
        max_epochs=1,
    )
    assert (
        f"WandbLogger did not take fold {run.folds.index[0]} (no route to the server): its rows are in"
        in shown.getvalue()
    )
    assert len(list(run.path.glob("logs/*/WandbLogger/*/metrics.csv"))) == len(run.folds)
