"""What a run is asked to train on is looked for before any work."""

import dataclasses

import pytest
import torch

from mebench import config
from mebench.errors import ConfigError
from mebench.runner import execute


def refuse(*words):
    execute.refuse_missing(config.resolve(["method=majority", "dataset=synthetic", *words]))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["accelerator=gpu"], "accelerator=gpu precision=32-true needs a GPU, and PyTorch"),
        (["accelerator=auto", "precision=16-mixed"], "choose accelerator=cpu and precision=32-true"),
        (["trainer.devices=2"], "which talk through sockets, and the sandbox has none: add sandbox=off"),
        (
            ["trainer.devices=2", "sandbox=off", "trainer.callbacks={class_path: EarlyStopping, init_args: {monitor: a}}"],
            "trainer.devices=2 cannot choose an epoch",
        ),
    ],
)  # fmt: skip
def test_what_is_not_there_is_refused_in_a_sentence(words, sentence, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ConfigError) as error:
        refuse(*words)
    assert sentence in str(error.value)


def test_what_is_there_is_taken(monkeypatch):
    refuse()
    refuse("trainer.devices=2", "sandbox=off")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    refuse("accelerator=gpu", "precision=16-mixed")


def test_a_logger_that_needs_a_network_is_refused_in_a_sandbox():
    settled = config.resolve(["method=majority", "dataset=synthetic"])
    wandb = {"class_path": "lightning.pytorch.loggers.wandb.WandbLogger", "init_args": {"offline": True}}
    with pytest.raises(
        ConfigError, match="WandbLogger talks to another process, and the sandbox of folds has no sockets"
    ):
        execute.refuse_missing(dataclasses.replace(settled, trainer={"logger": [wandb]}))
    execute.refuse_missing(dataclasses.replace(settled, trainer={"logger": [wandb]}, sandbox="off"))
