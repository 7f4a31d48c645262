"""Samples for a Trainer of one's own: those of a run's fold, and scored as a run is."""

import importlib.util
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import lightning as L
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import mebench
from mebench.errors import ConfigError, DataError
from mebench.features import maps
from mebench.features.maps import ONSET_APEX
from mebench.metrics.torch import UAR, UF1
from mebench.output.progress import Silent
from tests.helpers.outside import flow_maps
from tests.helpers.own_objects import Spotter, chain

pytestmark = pytest.mark.usefixtures("untracked", "write_plugin")


class Namer:
    """Answers by the mean of the map, so differently for each clip."""

    def classify(self, clips):
        means = np.array([clip.feature("onset_apex_flow_28").mean() for clip in clips])
        return np.stack([np.abs(means - place) for place in np.linspace(90, 150, self.n)], axis=1)

    def fit(self, train, task):
        self.n = len(task.classes)


@pytest.fixture
def made(tiny):
    words = dict(word.split("=", 1) for word in tiny)
    data = {"name": words.pop("dataset"), **{k.split(".")[1]: v for k, v in words.items() if k.startswith("dataset.")}}

    def make(**how):
        return mebench.MEDataModule(data, cache=words["cache"], workers=1, bootstrap=0, progress=Silent(), **how)

    make.words = [word for word in tiny if not word.startswith("dataset=")]
    return make


def of_run(made, model, **how):
    return mebench.evaluate(model, "synthetic", "loso", *made.words, workers=1, bootstrap=0, progress=Silent(), **how)


def same(mine, theirs):
    known = mine.keys() & theirs.keys() - {"run_id", "seconds"}
    return {"recognition", "spotting"} & known and all(mine[part] == theirs[part] for part in known)


def test_samples_of_a_fold_are_maps_with_classes_of_people_apart(made):
    every = []
    tested = set()
    for fold in range(3):
        dm = made(fold=fold, validation=0.5, test_labels=True)
        assert dm.fold == dm.folds[fold]
        assert len(dm.folds) == 3
        sides = {side: {clip.video.subject for clip in dm.samples(side).clips} for side in ("train", "valid", "test")}
        assert not sides["train"] & sides["valid"]
        assert not sides["test"] & (sides["train"] | sides["valid"])
        tested |= sides["test"]
        for loader in (dm.train_dataloader(), dm.val_dataloader(), dm.test_dataloader()):
            for x, y in loader:
                assert x.shape[1:] == (3, 28, 28)
                assert x.dtype == torch.float32
                assert y.dtype == torch.int64
        every += [clip.label for clip in dm.samples("train").clips]
        assert dm.weights.shape == (len(dm.classes),)
        assert float(dm.weights.sum()) > 0
    assert len(tested) == 3
    assert set(every) <= set(range(len(dm.classes)))


def test_samples_are_what_the_chain_computes_channels_first(made):
    dm = made(transform=lambda x: x / 255, train_transform=lambda x: x)
    x, _ = dm.samples("train")[0]
    clip = dm.samples("train").clips[0]
    assert torch.equal(x, torch.from_numpy(clip.feature("onset_apex_flow_28").astype(np.float32)).permute(2, 0, 1))
    assert float(next(iter(dm.predict_dataloader())).max()) <= 1


def test_samples_hide_labels_of_tested_people(made):
    dm = made()
    with pytest.raises(ConfigError, match=r"the labels of tested people are hidden: .*dm.score.*test_labels=True"):
        dm.test_dataloader()
    assert not hasattr(dm.samples("test"), "labels")
    assert not hasattr(dm.samples("test").clips[0], "label")
    assert isinstance(next(iter(dm.predict_dataloader())), torch.Tensor)


def test_score_folds_of_maps_equals_the_run(made):
    run = of_run(made, Namer(), features=maps.MapParams().maps(ONSET_APEX))
    answers = []
    for fold in range(3):
        dm = made(fold=fold)
        rows = {(c.video, c.onset): c.probabilities for c in run.clips.itertuples()}
        answers.append((dm, np.stack([rows[c.video.key, c.onset] for c in dm.samples("test").clips])))
    found = mebench.score_folds(answers)
    assert same(found.summary, run.summary)
    assert "predictions of 3 folds of synthetic" in found.title
    assert len(found.clips) == 3
    dm, rows = answers[0]
    assert dm.score(torch.from_numpy(rows)).summary["recognition"]["n"] == len(rows)


def test_score_folds_of_frames_equals_the_run(made):
    run = of_run(made, Spotter(), features=chain)
    answers = []
    for fold in range(3):
        dm = made(fold=fold, features=chain, validation=0)  # as the run, which holds nobody out
        (x, y) = next(iter(dm.train_dataloader()))
        n = len(dm.samples("test"))
        assert x.shape[1:] == (3, 4, 4)
        assert y.shape[1:] == (len(dm.kinds),)
        assert y.dtype == torch.float32
        of_fold = run.frame_scores["video"].str.startswith(f"{dm.fold}/")  # the person whom it tests
        scores = run.frame_scores[of_fold].sort_values(["video", "frame"])
        answers.append((dm, scores["score"].dropna().to_numpy()[:, None]))
        assert len(answers[-1][1]) == n
    assert same(mebench.score_folds(answers).summary, run.summary)


def test_samples_of_windows_are_labelled_by_their_expressions(made):
    dm, one = made(features=chain, window=5), made(features=chain)
    (x, y), (_, of_frames) = next(iter(dm.train_dataloader())), next(iter(one.train_dataloader()))
    assert x.shape[1:] == (5, 3, 4, 4)
    assert of_frames.shape == y.shape
    windows, frames = dm.samples("train").labels[:, 0], one.samples("train").labels[:, 0]
    video = dm.samples("train").counts[0]
    assert torch.equal(windows[:video], frames[: video + 4].unfold(0, 5, 1).amax(1))


class Small(L.LightningModule):
    def __init__(self, n):
        super().__init__()
        self.network = nn.Sequential(nn.AvgPool2d(7), nn.Flatten(), nn.Linear(48, n))
        self.scores = nn.ModuleList([UF1(n), UAR(n)])

    def training_step(self, batch, index):
        return F.cross_entropy(self.network(batch[0]), batch[1])

    def validation_step(self, batch, index):
        self.log("val_loss", F.cross_entropy(self.network(batch[0]), batch[1]))

    def test_step(self, batch, index):
        for name, score in zip(("UF1", "UAR"), self.scores):
            score.update(self.network(batch[0]), batch[1])
            self.log(name, score)

    def predict_step(self, batch, index):
        return self.network(batch)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters())


def test_data_module_is_taken_by_a_trainer(made, tmp_path):
    dm = made(test_labels=True, validation=0.5)
    quiet = {
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "logger": False,
        "enable_checkpointing": False,
    }
    trainer = L.Trainer(max_epochs=1, accelerator="cpu", **quiet)
    trainer.fit(model := Small(len(dm.classes)), datamodule=dm)
    (tested,) = trainer.test(model, datamodule=dm, verbose=False)
    scored = dm.score(trainer.predict(model, datamodule=dm)).scores

    assert tested["UF1"] == pytest.approx(scored.loc["recognition.uf1", "value"], nan_ok=True)
    assert tested["UAR"] == pytest.approx(scored.loc["recognition.uar", "value"], nan_ok=True)


def test_to_hugging_face_gives_the_samples(made):
    dm = made()
    try:
        from datasets import Dataset
    except ImportError:
        with pytest.raises(ConfigError, match="needs the package of Hugging Face: pip install datasets"):
            dm.to_hugging_face()
        return
    found = dm.to_hugging_face()
    assert isinstance(found, Dataset)
    assert len(found) == len(dm.samples("train"))
    for row, (x, y) in zip(found, dm.samples("train")):
        assert torch.equal(row["x"], x)
        assert row["y"] == y
    assert dm.to_hugging_face("test").column_names == ["x"]


@pytest.mark.parametrize(
    ("how", "error", "sentence"),
    [
        ({"fold": 7}, ConfigError, "unknown fold '7'"),
        ({"fold": "synthetic/s0"}, ConfigError, "Or give its number, 0 to 2"),
        ({"features": "strain"}, ConfigError, "features are chains of mebench.core (Chain), not str"),
        ({"method": "mean"}, ConfigError, "these serve recognize and spot: name one of them"),
        ({"task": "spot"}, ConfigError, "task=spot is for features of clips (recognize) or frames (spot), and these serve recognize"),
    ],
)  # fmt: skip
def test_data_module_refuses_in_one_sentence(made, how, error, sentence):
    with pytest.raises(error) as found:
        made(**how)
    assert sentence in str(found.value)


@pytest.mark.parametrize("predictions", [np.zeros((2, 2)), torch.full((1, 5), torch.nan)])
def test_score_refuses_predictions_of_another_form(made, predictions):
    with pytest.raises(DataError, match=r"predictions of fold .* have the shape .*, expected \(1, 5\)"):
        made().score(predictions)


def test_score_folds_takes_only_folds_of_one_run(made):
    one, other, halves = made(), made(fold=1), made(protocol={"name": "kfold", "folds": 2})
    answers = [(dm, np.zeros((len(dm.samples("test")), 5))) for dm in (one, other, halves)]
    assert "2 folds" in repr(mebench.score_folds(answers[:2]))
    for wrong in ([], [answers[0], answers[0]], [answers[0], answers[2]]):
        with pytest.raises(DataError, match="expected different ones of one dataset and protocol"):
            mebench.score_folds(wrong)


def test_data_module_refuses_a_method_without_features(made):
    with pytest.raises(ConfigError, match="method=majority asks for no features of clips"):
        made(method="majority").setup()


def test_data_module_reads_features_of_a_method(made):
    assert next(iter(made(method="ststnet").predict_dataloader())).shape[1:] == (3, 28, 28)


def test_own_trainer_example_trains_and_scores_three_folds(tmp_path, monkeypatch, capsys):
    """With timm where it is installed, else with a network in its place."""
    root = flow_maps()
    if importlib.util.find_spec("timm") is None:
        small = lambda name, in_chans, num_classes: Small(num_classes).network  # noqa: E731
        monkeypatch.setitem(sys.modules, "timm", SimpleNamespace(create_model=small))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["own_trainer.py", str(root), "3"])
    runpy.run_path(str(Path(__file__).parents[2] / "examples" / "own_trainer.py"))
    assert "recognition.uf1" in capsys.readouterr().out
