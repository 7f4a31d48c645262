"""A plain LightningModule is cloned, trained and judged fold by fold; what cannot be is one sentence before the folds."""

import lightning as L
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping
from sklearn.svm import LinearSVC
from torch import nn
from torch.nn import functional as F

from mebench.core import Chain
from mebench.errors import ConfigError
from mebench.features.faces import FaceCrop
from mebench.features.flow import Flow, Strain
from mebench.features.regions import Resize
from mebench.inference.models import models_of_run
from mebench.inference.predict import fitted_method
from tests.helpers.own_objects import chain

pytestmark = pytest.mark.usefixtures("untracked", "write_plugin")


class Namer(L.LightningModule):
    def __init__(self, n_classes=5):
        super().__init__()
        torch.manual_seed(1)
        self.network = nn.Sequential(nn.AvgPool2d(7), nn.Flatten(), nn.Linear(48, n_classes))

    def forward(self, x):
        return self.network(x / 255)

    def training_step(self, batch, index):
        loss = F.cross_entropy(self(batch[0]), batch[1])
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, index):
        self.log("val_loss", F.cross_entropy(self(batch[0]), batch[1]))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-2)


class Spotter(Namer):
    def __init__(self, kinds=1):
        super().__init__()
        self.network = nn.Sequential(nn.Flatten(), nn.Linear(48, kinds))

    def training_step(self, batch, index):
        return F.binary_cross_entropy_with_logits(self(batch[0]), batch[1])


class Slowing(Namer):
    """Its rate falls where a metric does not get better."""

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=1e-2)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "monitor": "val_loss"}}


class Stopping(Namer):
    def configure_callbacks(self):
        return EarlyStopping("val_loss")


def test_module_is_copied_for_each_fold_and_keeps_its_log(judged):
    model = Namer()
    before = [weight.detach().clone() for weight in model.parameters()]
    run = judged(model, trainer={"max_epochs": 3, "log_every_n_steps": 1})
    assert all(torch.equal(old, new) for old, new in zip(before, model.parameters()))
    assert len(run.clips) == 3
    assert len(np.stack(run.clips["probabilities"].tolist())[0]) == 5
    assert run.folder.read_json("folds.json")["selection"] == "fixed"
    logged = run.history.dropna(subset="train_loss")
    assert sorted(logged["fold"].unique()) == [*run.folds.index]
    assert (logged.groupby("fold")["epoch"].max() == 2).all()


def test_module_spots_on_features_of_frames(judged):
    run = judged(Spotter(), features=chain, trainer={"max_epochs": 1})
    assert (run.frame_scores.groupby("video")["score"].count() == 57).all()


@pytest.mark.parametrize("module", [Stopping, Slowing])
def test_module_that_chooses_by_a_metric_holds_people_out(module, judged):
    run = judged(module(), trainer={"max_epochs": 2}, validation=0.5)
    folds = run.folder.read_json("folds.json")
    assert folds["selection"] == "inner"
    assert all(fold["valid"] for fold in folds["folds"])
    assert "val_loss" in run.history


class Broken:
    def score_frames(self, video):
        return None

    @property
    def kinds(self):
        raise ValueError("no kinds")


class Raising(Namer):
    def configure_callbacks(self):
        raise ValueError("no callbacks")


def failing(timing):
    return timing.nothing


@pytest.mark.parametrize(
    ("model", "how", "sentence"),
    [
        (LinearSVC, {}, "LinearSVC is a class: give an object of it, LinearSVC(...)"),
        (Namer, {}, "Namer is a class: give an object of it, Namer(...)"),
        (Namer(), {"trainer": {"callbacks": [3.5, object()]}}, 'objects as {"class_path": "EarlyStopping"'),
        (Namer(), {"trainer": L.Trainer}, 'trainer must be text, a number, or a list or map of them, objects as {"class_path"'),
        (Namer(), {}, 'the number of epochs of Namer in each fold is missing: add trainer={"max_epochs": 20}'),
        (Broken(), {}, "Broken does not give its features and kinds: ValueError: no kinds"),
        (LinearSVC(), {"features": failing}, "LinearSVC does not give its features and kinds: AttributeError: 'Timing' object"),
    ],
)  # fmt: skip
def test_module_that_fails_before_the_folds_is_a_sentence(judged, model, how, sentence):
    with pytest.raises(ConfigError) as error:
        judged(model, **how)
    assert sentence in str(error.value)


RESIZED = Chain("resized", (FaceCrop(size=56), Flow(), Strain(), Resize(28)), scope="clips")


@pytest.mark.parametrize("how", [{}, {"features": RESIZED}], ids=["the usual map", "a chain of one's own"])
def test_evaluate_refuses_wrong_number_of_outputs(judged, tmp_path, how):
    sentence = "the module gives 3 scores, the dataset has 5 classes: .* Give it 5 outputs"
    with pytest.raises(ConfigError, match=sentence):
        judged(Namer(n_classes=3), trainer={"max_epochs": 1}, **how)
    assert not list(tmp_path.rglob("*.npy"))


def make_namer(classes, shapes):
    """A module for the classes, whose input is as large as the shape says."""
    height, width, channels = shapes["onset_apex_flow_28"]
    assert (height, width, channels) == (28, 28, 3)
    return Namer(len(classes))


def test_evaluate_makes_module_of_function_for_the_classes(judged):
    run = judged(make_namer, name="Small net", trainer={"max_epochs": 1})
    assert len(np.stack(run.clips["probabilities"].tolist())[0]) == 5
    assert run.id.startswith("small_net_")
    assert "pretrained" not in run.folder.read_json("folds.json")


class Timed(Spotter):
    """Its weights are as many as half a micro-expression has frames."""

    def __init__(self, n_frames):
        super().__init__()
        self.lengths = nn.Parameter(torch.ones(n_frames))


def make_timed(timing):
    return Timed(timing.k_prime["micro"])


def test_evaluate_tells_functions_the_timing_of_a_fold(judged):
    run = judged(make_timed, features=chain, trainer={"max_epochs": 1})
    for fold in run.folds.index:
        (timing,) = run.folder.fold_record(fold)["timing"].values()
        (model,) = models_of_run(run.folder, fold)
        restored = fitted_method(model).given
        assert len(restored.lengths) == timing["k_prime"]["micro"]
    assert {len(fitted_method(model).given.lengths) for model in models_of_run(run.folder)} != {5}  # the made-up timing


@pytest.mark.parametrize(
    ("made", "name", "message"),
    [
        (lambda classes: Namer(3), None, "the module gives 3 scores, the dataset has 5 classes"),
        (lambda fps: Namer(3), None, "takes classes, kinds, shapes, timing by name, not 'fps'"),
        (lambda timing: Namer(timing.k_prime["macro"]), None, r"made makes no object for the first fold, .*KeyError"),
        (lambda classes: Namer(None), None, r"made makes no object for two classes"),
        (lambda classes: Namer(len(classes)), "3 nets", "name='3 nets' must begin with a letter from a to z"),
    ],
)
def test_evaluate_refuses_functions_that_make_nothing_fit(made, name, message, judged):
    with pytest.raises(ConfigError, match=message):
        judged(made, name=name, trainer={"max_epochs": 1})
