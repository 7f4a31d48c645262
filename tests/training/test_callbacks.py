"""Lightning's callbacks and loggers do in a fold what they do elsewhere; what chooses, chooses on the validation subjects."""

import copy
import sys

import lightning as L
import pandas as pd
import pytest
import torch
from lightning.pytorch import callbacks
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from mebench.core import Stage
from mebench.errors import ConfigError
from mebench.training import Samples, fit
from tests.plugins.overfitter.method import Overfitter
from tests.plugins.overfitter.params import Params

EPOCHS = 8


def spec(name, **arguments):
    return {"class_path": f"lightning.pytorch.callbacks.{name}", "init_args": arguments}


CSV = {"class_path": "lightning.pytorch.loggers.CSVLogger", "init_args": {"save_dir": "."}}


class Namer(Overfitter):
    """`overfitter` by its parameters."""

    def __init__(self, **params):
        super().__init__(Params(**params))


def trained(method=None, folder=None, **options):
    method = method or Namer()
    torch.manual_seed(7)
    fit(method, [], [], options=options, folder=folder)
    return method


class Weights(L.Callback):
    """Remembers the weights after each epoch."""

    def __init__(self):
        self.of = []

    def on_train_epoch_end(self, trainer, pl_module):
        self.of.append(copy.deepcopy(pl_module.state_dict()))


def plainly(own):
    """The same training by Lightning alone, and the weights after each epoch."""
    method = Namer()
    weights = Weights()
    torch.manual_seed(7)
    train, valid = method.samples("naming", [], [])
    loaders = (
        DataLoader(train, 8, True, collate_fn=lambda b: b),
        DataLoader(valid, 8, collate_fn=lambda b: b, generator=torch.Generator()),
    )
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "num_sanity_val_steps": 0, "logger": False}
    method.stage = "naming"
    checkpoints = any(isinstance(one, ModelCheckpoint) for one in own)
    trainer = L.Trainer(
        max_epochs=EPOCHS, accelerator="cpu", enable_checkpointing=checkpoints, callbacks=[*own, weights], **quiet
    )
    trainer.fit(method, *loaders)
    return method, weights.of


def same(method, weights):
    return all(
        torch.equal(own, theirs) for own, theirs in zip(method.state_dict().values(), weights.values(), strict=True)
    )


def test_fit_with_EarlyStopping_equals_lightning():
    stopper = EarlyStopping("val_loss", patience=2)
    _, theirs = plainly([stopper])
    assert 3 < len(theirs) < EPOCHS
    method = trained(callbacks=[spec("EarlyStopping", monitor="val_loss", patience=2)])
    logged = [e.logged["val_loss"] for e in method.history.list_epochs() if "val_loss" in e.logged]
    assert len(logged) == len(theirs)
    assert min(logged) == pytest.approx(float(stopper.best_score))
    assert same(method, theirs[logged.index(min(logged))])
    assert not same(method, theirs[-1])


def test_fit_with_ModelCheckpoint_keeps_best_epoch_and_file(tmp_path):
    _, theirs = plainly([ModelCheckpoint(tmp_path / "theirs", monitor="val_loss")])
    (tmp_path / "mine").mkdir()
    method = trained(folder=tmp_path / "mine", callbacks=[spec("ModelCheckpoint", monitor="val_loss")])
    (mine,) = (tmp_path / "mine").rglob("*.ckpt")
    (other,) = (tmp_path / "theirs").rglob("*.ckpt")
    assert mine.relative_to(tmp_path / "mine").as_posix() == f"naming/checkpoints/{other.name}"
    assert same(method, torch.load(other, weights_only=False)["state_dict"])
    assert len(theirs) == EPOCHS


def test_fit_logs_steps_and_epochs_in_the_history():
    method = trained(log_every_n_steps=1)
    epochs = method.history.list_epochs()
    steps = [e for e in epochs if "my/loss_step" in e.logged]
    means = [e for e in epochs if "my/loss_epoch" in e.logged]
    assert [e.step for e in steps] == list(range(3 * EPOCHS))
    assert {e.split for e in steps + means} == {"train"}
    assert [e.epoch for e in means] == list(range(EPOCHS))
    for mean in means:
        own = [e.logged["my/loss_step"] for e in steps if e.epoch == mean.epoch]
        assert mean.logged["my/loss_epoch"] == pytest.approx(sum(own) / 3, rel=1e-5)
    assert sum(e.uf1 is not None for e in epochs) == EPOCHS  # as without


def test_fit_learns_the_same_with_logging_and_loggers(tmp_path):
    plain = trained()
    torch_state = torch.get_rng_state()
    watching = [spec("LearningRateMonitor"), spec("ModelCheckpoint")]
    method = trained(folder=tmp_path, logger=[CSV], callbacks=watching, log_every_n_steps=1)
    assert same(method, plain.state_dict())
    assert torch.equal(torch_state, torch.get_rng_state())
    table = pd.read_csv(tmp_path / "lightning_logs" / "version_0" / "metrics.csv")
    assert {"epoch", "step", "my/loss_step", "my/loss_epoch", "val_loss", "val_uf1", "lr-Adam"} <= {*table}
    assert (tmp_path / "lightning_logs" / "version_0" / "hparams.yaml").is_file() or not method.hparams
    assert len(list(tmp_path.rglob("*.ckpt"))) == 1
    noted = [e.logged for e in method.history.list_epochs()]
    assert any("lr-Adam" in own for own in noted)
    assert not any("val_uf1" in own for own in noted)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("StochasticWeightAveraging", {"swa_lrs": 0.01}),
        ("EMAWeightAveraging", {}),
        ("Timer", {"duration": "00:01:00:00"}),
    ],
)
def test_fit_with_other_callbacks_equals_lightning(name, arguments):
    if not hasattr(callbacks, name):
        pytest.skip(f"this Lightning has no {name}")
    theirs, _ = plainly([getattr(callbacks, name)(**arguments)])
    assert same(trained(callbacks=[spec(name, **arguments)]), theirs.state_dict())


def test_fit_sets_no_attribute_of_the_network_in_a_step(monkeypatch):
    """Each attribute that is set on a network costs microseconds, and Lightning sets the name of a hook 44 times a step."""
    asked = []
    plain = nn.Module.__setattr__
    monkeypatch.setattr(
        nn.Module, "__setattr__", lambda self, name, value: (asked.append(name), plain(self, name, value))
    )
    trained(Namer(epochs=2, watched=False))
    before = len(asked)
    asked.clear()
    trained(Namer(epochs=12, watched=False))

    assert len(asked) - before < 3 * 10  # of the 30 more steps


def test_fit_hands_options_to_the_trainer():
    seen = []

    class Seeing(Namer):
        def on_train_start(self):
            seen.append((self.trainer.gradient_clip_val, self.trainer.accumulate_grad_batches, self.trainer.max_epochs))

    trained(Seeing(), gradient_clip_val=0.5, accumulate_grad_batches=2, max_epochs=3)
    assert seen == [(0.5, 2, 3)]


class Manual(Namer):
    """Steps by itself, with a scheduler of its own."""

    def __init__(self):
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch, index):
        optimizer = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(F.cross_entropy(self.network(batch[0]), batch[1]))
        optimizer.step()

    def on_train_epoch_end(self):
        self.lr_schedulers().step()

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=1.0)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)]


class Plateau(Namer):
    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=1.0)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "monitor": "val_loss"}}


@pytest.mark.parametrize("method", [Manual, Plateau])
def test_fit_follows_optimisers_and_schedulers_of_all_forms(method):
    found = trained(method(), callbacks=[spec("LearningRateMonitor", logging_interval="epoch")])
    rates = [e.logged["lr-SGD"] for e in found.history.list_epochs() if "lr-SGD" in e.logged]
    assert len(rates) == EPOCHS
    assert rates[0] == 1
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.6


def test_fit_takes_callbacks_of_the_method():
    class Stopping(Namer):
        def configure_callbacks(self):
            return EarlyStopping("val_loss", patience=2)

    method, asked = trained(Stopping()), trained(callbacks=[spec("EarlyStopping", monitor="val_loss", patience=2)])
    assert same(method, asked.state_dict())
    assert not same(method, trained().state_dict())


class Astray(Namer):
    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=1.0)
        return [optimizer], [{"scheduler": torch.optim.lr_scheduler.StepLR(optimizer, 1), "monitor": "uf1"}]


@pytest.mark.parametrize("bar", ["RichProgressBar", "TQDMProgressBar"])
def test_fit_with_a_progress_bar_shows_epochs(bar, capsys):
    trained(Namer(epochs=2), callbacks=[spec(bar)])
    assert "Epoch 1" in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("method", "metric", "sentence"),
    [
        (Astray, "val_loss", "StepLR chooses by 'uf1', which the stage 'naming' never logs. Logged are: my/loss"),
        (
            Namer,
            "val_los",
            "EarlyStopping chooses by 'val_los', which the stage 'naming' never logs. Logged are: my/loss",
        ),
        (
            lambda: Namer(watched=False),
            "val_loss",
            "never logs, and no subjects are held out for validation. Logged are: my/loss",
        ),
    ],
)
def test_fit_refuses_a_metric_that_nobody_logs(method, metric, sentence):
    method = method()
    before = copy.deepcopy(method.state_dict())
    stops = [spec("EarlyStopping", monitor=one) for one in (metric, "my/loss")]
    with pytest.raises(ConfigError) as error:
        trained(method, callbacks=stops)
    assert sentence in str(error.value)
    assert same(method, before)
    assert not method.history.list_epochs()


class Logging(L.Callback):
    """Logs a metric of its own."""

    def on_train_epoch_end(self, trainer, pl_module):
        pl_module.log("epochs", float(trainer.current_epoch))


def test_fit_lets_a_callback_log_what_another_chooses_by():
    stop = spec("EarlyStopping", monitor="epochs", patience=2, check_on_train_epoch_end=True)
    method = trained(callbacks=[{"class_path": f"{__name__}.Logging", "init_args": {}}, stop])
    assert [e.logged["epochs"] for e in method.history.list_epochs() if "epochs" in e.logged] == [0, 1, 2]


class TwoStages(Namer):
    """What the second stage reads follows from what the first one has learnt."""

    def stages(self):
        return Stage("first", 2, 8), Stage("second", 4, 8)

    def samples(self, stage, train, valid):
        found, valid = super().samples(stage, train, valid)
        x, y = found.tensors
        return (found if stage == "first" else Samples(x * float(self.network(x).mean().detach()), y)), valid


def test_fit_killed_in_a_later_stage_goes_on_from_its_start(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["mebench.training.fit"], "SECONDS", 0.0)
    whole = trained(TwoStages())
    with pytest.raises(RuntimeError, match="killed"):
        trained(
            TwoStages(), folder=tmp_path, callbacks=[{"class_path": f"{__name__}.Killed", "init_args": {"epoch": 2}}]
        )
    assert same(trained(TwoStages(), folder=tmp_path), whole.state_dict())


class Killed(L.Callback):
    """Ends a training in the middle."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_train_epoch_start(self, trainer, pl_module):
        if trainer.current_epoch == self.epoch:
            raise RuntimeError("killed")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"callbacks": [spec("EarlyStopping", monitor="val_loss", patience=4)]},
        {"callbacks": [spec("ModelCheckpoint", monitor="val_loss")]},
        {"callbacks": [spec("LearningRateMonitor", logging_interval="epoch")]},
    ],
    ids=["alone", "stopping", "checkpoint", "rates"],
)
def test_fit_killed_goes_on_to_the_same_numbers(options, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["mebench.training.fit"], "SECONDS", 0.0)
    (tmp_path / "whole").mkdir()
    whole = trained(folder=tmp_path / "whole", **options)
    killed = {
        **options,
        "callbacks": [*options.get("callbacks", ()), {"class_path": f"{__name__}.Killed", "init_args": {"epoch": 5}}],
    }
    with pytest.raises(RuntimeError, match="killed"):
        trained(folder=tmp_path, **killed)
    assert (tmp_path / ".training").is_file()
    starts = []

    class Seeing(Namer):
        def on_train_epoch_start(self):
            starts.append(self.current_epoch)

    method = Seeing()
    fit(method, [], [], options=options, folder=tmp_path)
    assert 5 in starts
    assert {1, 2, 3} & {*starts} == set()
    assert same(method, whole.state_dict())
    rows = [pd.DataFrame([e.to_row() for e in one.history.list_epochs()]) for one in (method, whole)]
    pd.testing.assert_frame_equal(*rows)
