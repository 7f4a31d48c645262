"""Plugins as objects, and methods from checkpoints of Lightning's."""

import lightning as L
import pytest
import torch

import mebench
from mebench.errors import ConfigError

pytestmark = pytest.mark.usefixtures("write_plugin")


def test_build_makes_a_method_by_name_with_parameters():
    method = mebench.methods.build("ststnet", classes=("fear", "joy"), epochs=3, lr="1e-3")
    assert (method.params.epochs, method.params.lr, method.task.classes) == (3, 1e-3, ("fear", "joy"))
    assert method.task.tasks == {"recognize"}
    assert mebench.datasets.build("synthetic", subjects=3).params.subjects == 3
    alone = mebench.methods.build("mean", classes="joy", kinds="macro").task
    assert (alone.classes, alone.kinds) == (("joy",), ("macro",))
    with pytest.raises(ConfigError, match=r"unknown key 'method\.epoch'\. Did you mean 'method\.epochs'"):
        mebench.methods.build("ststnet", epoch=3)


def test_build_of_a_method_survives_a_checkpoint(tmp_path):
    method = mebench.methods.build("ststnet", classes=("fear", "joy", "awe"), epochs=2, seed=4)
    trainer = L.Trainer(logger=False, enable_progress_bar=False, accelerator="cpu", default_root_dir=tmp_path)
    trainer.strategy.connect(method)
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    found = type(method).load_from_checkpoint(tmp_path / "a.ckpt", lr=0.5)

    assert found.task == method.task
    assert found.seed == 4
    assert found.params.epochs == 2
    assert found.params.lr == 0.5
    assert all(torch.equal(a, b) for a, b in zip(found.state_dict().values(), method.state_dict().values()))
    assert not found.training
