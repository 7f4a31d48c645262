"""A fold's model read back from its run, and written for other programs."""

from types import SimpleNamespace

import pytest
import torch
from mebench.methods.mean import method as mean
from safetensors.torch import save_file

from mebench.cli import predictions
from mebench.config import resolve
from mebench.core import Task
from mebench.errors import ConfigError, RunError
from mebench.inference.models import model_of_fold
from mebench.inference.predict import fitted_method
from mebench.runs import RunFolder
from mebench.runs.folder import FILES_OF_FINISHED
from mebench.testing import TINY

CLASSES = ("negative", "positive")


@pytest.fixture
def run(tmp_path):
    """A finished run of MEAN with one fold, as far as reading a model asks."""
    config = resolve(["method=mean", *TINY, "method.dropout=0.1"])
    folder = RunFolder(tmp_path / "runs" / "mean-1")
    (folder.path / "folds" / "d--a").mkdir(parents=True)
    folder.write_json("config.json", {"config": config.values, "origins": config.origins})
    about = {"tasks": ["recognize", "spot"], "kinds": ["micro"], "classes": CLASSES, "one_per_video": False}
    folder.write_json("folds.json", {**about, "folds": [{"fold": "d/a", "train": ["d/b"], "valid": []}]})
    folder.write_json("folds/d--a/fold.json", {"timing": {}})
    torch.manual_seed(0)
    method = mean.MEAN(config.method_params, Task(frozenset({"spot", "recognize"}), ("micro",), CLASSES))
    save_file(method.state_dict(), folder.path / "folds" / "d--a" / "model.safetensors")
    for name in set(FILES_OF_FINISHED) - {
        file.name for file in folder.path.iterdir()
    }:  # a finished run has them; nobody reads them here
        (folder.path / name).touch()
    folder.finish()
    (folder.path / "DONE").write_text("")  # its model is changed below
    return folder, method


def test_model_of_fold_is_what_was_trained(run):
    folder, method = run
    again = fitted_method(model_of_fold(folder, "d/a"))
    assert again.params.dropout == 0.1
    assert not again.training
    assert all(torch.equal(t, method.state_dict()[name]) for name, t in again.state_dict().items())


def test_model_of_fold_names_what_is_missing(run):
    folder, _ = run
    with pytest.raises(RunError, match="unknown fold 'd/b'"):
        fitted_method(model_of_fold(folder, "d/b"))
    with pytest.raises(RunError, match="no recognizer of its own"):
        fitted_method(model_of_fold(folder, "d/a"), "recognizer")
    save_file({"other": torch.zeros(1)}, folder.path / "folds" / "d--a" / "model.safetensors")
    with pytest.raises(RunError, match="does not fit method 'mean'"):
        fitted_method(model_of_fold(folder, "d/a"))


def test_export_model_writes_an_onnx_file(run, tmp_path, capsys, monkeypatch):
    """Of that fold's network; `test_onnx.py` compares what PyTorch makes of one, which takes seconds."""
    pytest.importorskip("onnxscript", reason="ONNX is an extra: pip install 'mebench[onnx]'")
    (folder, method) = run
    networks = []

    def export(network, *_, **__):
        networks.append(network)
        return SimpleNamespace(save=lambda file, **_: file.write_bytes(b"a network"))

    monkeypatch.setattr(torch.onnx, "export", export)
    predictions.model_export_command("mean-1", str(tmp_path / "m.onnx"), fold="d/a", runs=str(folder.path.parent))
    assert (tmp_path / "m.onnx").read_bytes() == b"a network"
    assert "outputs score, probabilities" in capsys.readouterr().err
    exported, trained = networks[0].state_dict(), method.state_dict()
    assert any(name.startswith("spotting.") for name in exported)
    assert all(torch.equal(weights, trained[name]) for name, weights in exported.items())


def test_export_model_refuses_other_formats_and_parts():
    with pytest.raises(ConfigError, match=r"unknown format 'onx'\. Did you mean 'onnx'"):
        predictions.model_export_command("r", "o", form="onx")
    with pytest.raises(ConfigError, match="unknown part 'methods'"):
        predictions.model_export_command("r", "o", form="onnx", part="methods")
