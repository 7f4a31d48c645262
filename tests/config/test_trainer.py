"""Options of Lightning's Trainer as words and YAML: its own signature types them, and what only watches is in no key."""

import json
import re

import pytest
import yaml

from mebench import config
from mebench.config import trainer
from mebench.errors import ConfigError

STOP = "{class_path: EarlyStopping, init_args: {monitor: val_loss, patience: 3}}"
STOPS = {
    "class_path": "lightning.pytorch.callbacks.early_stopping.EarlyStopping",
    "init_args": {"monitor": "val_loss", "patience": 3},
}


def resolved(*words, **how):
    return config.resolve(["method=majority", "dataset=synthetic", *words], **how)


def test_changed_options_reads_words_and_yaml_alike(tmp_path):
    file = tmp_path / "mine.yaml"
    options = {
        "gradient_clip_val": 1.0,
        "callbacks": [{"class_path": "EarlyStopping", "init_args": {"monitor": "val_loss", "patience": 3}}],
    }
    file.write_text(yaml.safe_dump({"trainer": options}))
    settled = resolved("trainer.gradient_clip_val=1.0", f"trainer.callbacks=[{STOP}]")
    assert settled.trainer == resolved(files=[file]).trainer == {"callbacks": [STOPS], "gradient_clip_val": 1.0}
    assert config.from_plain(settled.values).trainer == settled.trainer
    assert trainer.selects_epoch(settled.trainer)


def test_resolve_stores_no_trainer_keys_without_options():
    plain = resolved()
    assert not plain.trainer
    assert not [key for key in plain.values if key.startswith("trainer")]


def test_shapes_leaves_out_what_only_watches():
    watching = "[LearningRateMonitor, ModelCheckpoint]"
    settled = resolved(f"trainer.callbacks={watching}", "trainer.logger=CSVLogger", "trainer.log_every_n_steps=1")
    assert config.shaping_settings(settled) == config.shaping_settings(resolved())
    assert not trainer.selects_epoch(settled.trainer)
    assert settled.trainer["logger"][0]["init_args"] == {"save_dir": "."}
    both = resolved(f"trainer.callbacks=[LearningRateMonitor, {STOP}]", "trainer.accumulate_grad_batches=2")
    only = resolved(f"trainer.callbacks={STOP}", "trainer.accumulate_grad_batches=2")
    assert config.shaping_settings(both) == config.shaping_settings(only) != config.shaping_settings(resolved())
    assert config.shaping_settings(only)["trainer.accumulate_grad_batches"] == 2


def test_options_in_fold_keeps_tensorboard_with_its_package(tmp_path, monkeypatch):
    pytest.importorskip("tensorboardX")
    settled = resolved("trainer.logger=[CSVLogger, TensorBoardLogger]").trainer
    monkeypatch.setattr(trainer, "OWN_FILES", {"CSVLogger", "TensorBoardLogger"})
    assert trainer.options_in_fold(settled) == settled
    monkeypatch.setattr(trainer, "OWN_FILES", {"CSVLogger"})
    first, second = trainer.options_in_fold(settled)["logger"]
    assert first == settled["logger"][0]
    assert second["init_args"] == {"save_dir": ".", "name": "TensorBoardLogger"}
    (tmp_path / "TensorBoardLogger" / "version_0").mkdir(parents=True)
    (tmp_path / "TensorBoardLogger" / "version_0" / "metrics.csv").write_text("epoch,step,val_loss\n0,2,0.5\n")
    assert not trainer.hand_over(settled, {"seed": 0}, "synthetic/s001", tmp_path)
    (events,) = tmp_path.rglob("events.out.tfevents*")
    assert b"val_loss" in events.read_bytes()


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("gradient_clip=1", "unknown key 'trainer.gradient_clip'. Did you mean 'trainer.gradient_clip_val'?"),
        ("accelerator=gpu", "Did you mean 'accelerator'?"),
        ("max_epochs=many", "trainer.max_epochs must be an int or null, not 'many' (command line)"),
        ("callbacks=EarlyStoping", "unknown callback 'EarlyStoping'. Did you mean 'EarlyStopping'?"),
        ("callbacks=EarlyStopping", "EarlyStopping.monitor has no value: add EarlyStopping.monitor=... (text)"),
        (
            "callbacks={class_path: EarlyStopping, init_args: {monitor: a, patiense: 1}}",
            "unknown key 'EarlyStopping.patiense'. Did you mean 'EarlyStopping.patience'?",
        ),
        (
            "callbacks={class_path: EarlyStopping, init_args: {monitor: a, patience: x}}",
            "EarlyStopping.patience must be an int, not 'x' (command line)",
        ),
        (
            "callbacks={class_path: EarlyStopping, init_args: {patience: x}}",  # before the missing `monitor`
            "EarlyStopping.patience must be an int, not 'x' (command line)",
        ),
        (
            "callbacks={class_path: EarlyStopping, init_args: {monitr: a, patience: x}}",  # before both
            "unknown key 'EarlyStopping.monitr'. Did you mean 'EarlyStopping.monitor'?",
        ),
        ("callbacks={class_path: EarlyStopping, init_args: {monitor: a, mode: up}}", "EarlyStopping cannot be made"),
        ("callbacks=nowhere.Mine", "trainer.callbacks names 'nowhere.Mine', which cannot be imported"),
        ("callbacks=pathlib.Path", "expected a subclass of Lightning's Callback (command line)"),
        (
            "callbacks=__main__.Mine",
            "folds cannot import '__main__.Mine' of the program itself: put Mine into a file of its own",
        ),
        ("callbacks=3", "expected the name of a class, or a map with class_path and init_args"),
    ],
)
def test_changed_options_refuses_wrong_options(word, sentence):
    with pytest.raises(ConfigError) as error:
        resolved(f"trainer.{word}")
    assert sentence in str(error.value)


def test_user_modules_names_those_of_own_callbacks(tmp_path, monkeypatch):
    (tmp_path / "named_callbacks.py").write_text("from lightning import Callback\n\nclass Mine(Callback):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    settled = resolved(f"trainer.callbacks=[named_callbacks.Mine, {STOP}]")
    assert trainer.user_modules(settled.trainer) == ["named_callbacks"]


@pytest.mark.parametrize("scheduling", [{1: 2}, "{1: 2}", {"1": "2"}])
def test_with_number_keys_gives_maps_their_numbers_back(scheduling):
    spec = {"class_path": "GradientAccumulationScheduler", "init_args": {"scheduling": scheduling}}
    values = {"method": "majority", "dataset": "synthetic", "trainer": {"callbacks": [spec]}}
    stored = json.loads(json.dumps(config.resolve(values).values))
    chosen = config.from_plain(stored).trainer
    assert chosen["callbacks"][0]["init_args"] == {"scheduling": {"1": 2}}
    (callback,) = trainer.with_number_keys(chosen)["callbacks"]
    assert callback["init_args"] == {"scheduling": {1: 2}}


@pytest.mark.parametrize("name", ["LearningRateFinder", "BatchSizeFinder"])
def test_resolve_refuses_callbacks_of_no_use_in_folds(name):
    with pytest.raises(ConfigError, match=f"{name} cannot work inside folds, since .* mebench (tune|run)"):
        resolved(f"trainer.callbacks={name}")


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("trainer.callbacks={class_path: EarlyStopping, object: ../../x}", "names no stored object: '../../x'"),
        ("trainer.optimizer={class_path: torch.optim.SGD}", "trainer.optimizer takes an object in Python alone"),
    ],
)
def test_changed_options_refuses_objects_in_words(word, sentence):
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        resolved(word)
