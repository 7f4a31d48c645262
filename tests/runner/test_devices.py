"""What a run is asked to train on is looked for before any work."""

import io
from pathlib import Path

import pytest
import torch
from rich.console import Console

import mebench
from mebench import config
from mebench.errors import ConfigError
from mebench.output.progress import Progress
from mebench.runner import requirements


def refuse(*words):
    settings = config.resolve(["method=majority", "dataset=synthetic", *words])
    requirements.refuse_missing_devices(settings.training, settings.places, settings.sandbox, settings.trainer)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["accelerator=gpu"], "accelerator=gpu precision=32-true needs a GPU, and PyTorch"),
        (["accelerator=auto", "precision=16-mixed"], "choose accelerator=cpu and precision=32-true"),
        (["trainer.devices=2"], "which communicate through sockets, and the sandbox blocks them: add sandbox=off"),
        (
            ["trainer.devices=2", "sandbox=off", "trainer.callbacks={class_path: EarlyStopping, init_args: {monitor: a}}"],
            "trainer.devices=2 cannot choose an epoch",
        ),
    ],
)  # fmt: skip
def test_devices_that_are_not_there_are_refused(words, sentence, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ConfigError) as error:
        refuse(*words)
    assert sentence in str(error.value)


def test_devices_that_are_there_are_taken(monkeypatch):
    refuse()
    refuse("trainer.devices=2", "sandbox=off")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    refuse("accelerator=gpu", "precision=16-mixed")


@pytest.mark.parametrize(
    ("flags", "warned"), [("avx2 avx512f", True), ("avx2 avx512_bf16", False), ("amx_bf16", False)]
)
def test_devices_without_bfloat16_warn_of_slow_steps(flags, warned, tiny, untracked, write_plugin, monkeypatch):
    plain = Path.read_text
    lines = io.StringIO()
    file = {"/proc/cpuinfo": f"processor: 0\nflags: fpu {flags}\n"}
    monkeypatch.setattr(Path, "read_text", lambda self, *a, **how: file.get(str(self)) or plain(self, *a, **how))
    words = [*tiny, "method=majority", "precision=bf16-mixed", "workers=1", "bootstrap=0"]
    mebench.run(*words, progress=Progress(Console(file=lines, soft_wrap=True)))
    slow = "precision=bf16-mixed: this processor has no instructions for it, so a step takes about six times as long"
    assert (slow in lines.getvalue()) is warned
