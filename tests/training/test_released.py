"""Weights that authors released: found by whom they leave out, read without running anything, and giving the authors' answers."""

import pickle
from types import SimpleNamespace
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
import torch
from mebench.methods.mean import network as mean_net
from mebench.methods.mean.method import MEAN
from mebench.methods.mtsn import network as mtsn_net
from mebench.methods.sfamnet import network as sfamnet_net
from mebench.methods.softnet import network as softnet_net
from mebench.methods.ststnet import method as ststnet
from torch import nn
from torch.nn import functional as F

from mebench.config import resolve
from mebench.core import SubjectKey, Task
from mebench.errors import ConfigError, DataError
from mebench.output.progress import Progress
from mebench.runner.execute import execute_run
from mebench.training import released
from tests.helpers.outside import flow_maps, outside


class Seen:
    """A training video, as far as its subject goes."""

    def __init__(self, subject):
        self.subject = SubjectKey("any", subject)


def test_released_file_is_that_of_the_untrained_subject(tmp_path):
    for name in ("006.pth", "sub01.pth", "s01.pth", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    found = released.released_file(str(tmp_path), [Seen("006"), Seen("s01")], (".pth",))
    assert found.name == "sub01.pth"
    with pytest.raises(ConfigError, match=r"holds 3 files \(\.pth\) named after subjects, and 2 of them do not train"):
        released.released_file(str(tmp_path), [Seen("006")], (".pth",))
    with pytest.raises(ConfigError, match="all of them train"):
        released.released_file(str(tmp_path), [Seen("006"), Seen("s01"), Seen("sub01")], (".pth",))
    with pytest.raises(ConfigError, match="does not exist: name the folder of the weights"):
        released.released_file(str(tmp_path / "gone"), [], (".pth",))
    assert released.released_file(str(tmp_path / "006.pth"), [], (".pth",)).name == "006.pth"
    (tmp_path / "keras").mkdir()
    for number in (1, 2, 10):
        (tmp_path / "keras" / f"s{number}.hdf5").write_bytes(b"")
    assert released.released_file(str(tmp_path / "keras"), [Seen("sub01"), Seen("sub10")], (".hdf5",)).name == "s2.hdf5"


def test_released_weights_run_nothing_of_a_file(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "touched"), "w"))

    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Evil()))
    torch.save({"a": Evil()}, tmp_path / "zip.pth")
    torch.save([1], tmp_path / "list.pth")
    (tmp_path / "cut.pth").write_bytes((tmp_path / "zip.pth").read_bytes()[:50])
    for name in ("evil", "zip", "list", "cut"):
        with pytest.raises(DataError, match=r"the weights .* (cannot be read|are not tensors by name)"):
            released.torch_weights(tmp_path / f"{name}.pth")
    assert not (tmp_path / "touched").exists()
    (tmp_path / "no.h5").write_bytes(b"no HDF5")
    with pytest.raises(DataError, match="cannot be read"):
        released.keras_weights(tmp_path / "no.h5")
    network = nn.Linear(2, 3)
    with pytest.raises(DataError, match=r"weight has the shape \(3, 4\), expected \(3, 2\)"):
        released.load(network, {"weight": torch.zeros(3, 4), "bias": torch.zeros(3)}, tmp_path)
    with pytest.raises(DataError, match="have no bias; they hold weight"):
        released.load(network, {"weight": torch.zeros(3, 2)}, tmp_path)


class Published(nn.Module):
    """STSTNet as its authors' program has it: three streams by their own names."""

    def __init__(self):
        super().__init__()
        for n, filters in enumerate((3, 5, 8), 1):
            setattr(self, f"conv{n}", nn.Conv2d(3, filters, 3, padding=2))
            setattr(self, f"bn{n}", nn.BatchNorm2d(filters))
        self.fc = nn.Linear(400, 3)

    def forward(self, x):
        streams = [getattr(self, f"bn{n}")(F.relu(getattr(self, f"conv{n}")(x))) for n in (1, 2, 3)]
        return self.fc(F.avg_pool2d(torch.cat([F.max_pool2d(s, 3, 3, 1) for s in streams], 1), 2).flatten(1))


def test_ststnet_weights_answer_as_the_authors_network(tmp_path):
    torch.manual_seed(1)
    published = Published()
    for n in (1, 2, 3):
        norm = getattr(published, f"bn{n}")
        nn.init.uniform_(norm.running_mean, -1, 1)
        nn.init.uniform_(norm.running_var, 0.5, 2)
        nn.init.normal_(norm.weight)
    torch.save(published.state_dict(), tmp_path / "sub01.pth")
    method = ststnet.STSTNet(
        ststnet.STSTNet.Params(weights=str(tmp_path)), Task(frozenset({"recognize"}), classes=("a", "b", "c"))
    )
    assert method.stages() == ()
    method.fit_closed_form([Seen("sub02")], [])
    x = torch.rand(5, 3, 28, 28).double() * 255
    with torch.no_grad():
        answers = method.eval().network.double()(x)
        torch.testing.assert_close(answers, published.eval().double()(x), rtol=1e-5, atol=1e-5)


def test_ststnet_weights_give_scores_of_the_authors_log(tmp_path):
    """UF1 .7209 and UAR .7250, of the folder STSTNet_Weights beside the maps."""
    weights = outside("STSTNet_Weights", "68 files, published with STSTNet")
    maps = flow_maps()
    words = [
        "method=ststnet",
        f"method.weights={weights}",
        "dataset=megc2019_flow",
        f"dataset.root={maps}",
        "bootstrap=0",
    ]
    done = execute_run(resolve([*words, f"runs={tmp_path}", f"cache={tmp_path}"]), Progress())
    scores = done.folder.read_json("summary.json")["recognition"]["scores"]
    assert round(scores["uf1"]["value"], 4) == 0.7209
    assert round(scores["uar"]["value"], 4) == 0.7250


def plain(x, layers, dense, pool, norms=()):
    """Keras' layers in NumPy, channels last: convolutions of each channel, rectified, normalised, pooled 3x3, then `dense`."""
    maps = [np.maximum(conv(x[..., i : i + 1], kernel, bias), 0) for i, (kernel, bias) in enumerate(layers)]
    for i, (gamma, beta, mean, variance) in enumerate(norms):
        maps[i] = gamma * (maps[i] - mean) / np.sqrt(variance + 1e-3) + beta
    return dense(np.concatenate([pooled(m, 3) for m in maps], axis=-1), pool)


def conv(x, kernel, bias):
    padded = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)))
    out = np.zeros((*x.shape[:3], kernel.shape[3]))
    for dy in range(5):
        for dx in range(5):
            out += padded[:, dy : dy + x.shape[1], dx : dx + x.shape[2]] @ kernel[dy, dx]
    return out + bias


def pooled(x, size):
    n, height, width, channels = x.shape
    return x.reshape(n, height // size, size, width // size, size, channels).max(axis=(2, 4))


def write_keras(path, layers):
    """As `model.save_weights` writes them, with an optimiser's state beside."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for name, weights in layers.items():
            for weight, array in weights.items():
                file[f"{name}/{name}/{weight}:0"] = array
        file["optimizer_weights/Adam/iterations:0"] = np.zeros(1)


def drawn(rng, *shape):
    return rng.normal(0, 0.2, shape).astype(np.float32)


def drawn_maps():
    """Numbers, and four maps as the authors' layers and as ours take them."""
    rng = np.random.default_rng(3)
    x = rng.random((4, 42, 42, 3)).astype(np.float32)
    return rng, x, torch.from_numpy(x.transpose(0, 3, 1, 2).copy())


def test_mean_weights_answer_as_the_authors_layers(tmp_path):
    rng, x, maps = drawn_maps()
    streams = [(drawn(rng, 5, 5, 1, f), drawn(rng, f)) for f in (3, 3, 8)]
    norms = [(drawn(rng, f), drawn(rng, f), drawn(rng, f), np.abs(drawn(rng, f)) + 0.5) for f in (3, 3, 8)]
    heads = [(drawn(rng, 5, 5, 14, 8), drawn(rng, 8), drawn(rng, 392, outs), drawn(rng, outs)) for outs in (1, 3)]
    layers = {
        f"conv2d_{9 + n}": dict(zip(("kernel", "bias"), s)) for n, s in enumerate(streams)
    }  # 9, 10, 11: not by name
    layers |= {
        f"batch_normalization_{8 + n}": dict(zip(("gamma", "beta", "moving_mean", "moving_variance"), s))
        for n, s in enumerate(norms)
    }
    layers |= {f"conv2d_{12 + n}": {"kernel": h[0], "bias": h[1]} for n, h in enumerate(heads)}
    layers |= {name: {"kernel": h[2], "bias": h[3]} for name, h in zip(("spot_2", "recog_52"), heads)}
    (tmp_path / "spot_recog").mkdir()
    write_keras(tmp_path / "spot_recog" / "s1.hdf5", layers)
    classes = ("surprise", "negative", "positive")  # the authors' outputs are negative, positive, surprise
    method = MEAN(MEAN.Params(weights=str(tmp_path)), Task(frozenset({"spot", "recognize"}), ("micro",), classes))
    assert method.stages() == ()
    method.fit_closed_form([Seen("sub02")], [])
    joint = mean_net.Joint(method.shared, method.spotting, method.recognition, None, sigmoid=False).eval()
    with torch.no_grad():
        score, named = (found.numpy() for found in joint(maps))
    shared = plain(x, streams, lambda maps, _: maps, 3, norms)
    answers = []
    for kernel, bias, weight, last in heads:
        flat = pooled(np.maximum(conv(shared, kernel, bias), 0), 2).reshape(len(x), -1)
        answers.append(flat @ weight + last)
    np.testing.assert_allclose(score, answers[0][:, 0], atol=1e-5)
    soft = np.exp(answers[1] - answers[1].max(1, keepdims=True))
    np.testing.assert_allclose(named, (soft / soft.sum(1, keepdims=True))[:, [2, 0, 1]], atol=1e-5)


def test_softnet_weights_answer_as_the_authors_layers(tmp_path):
    rng, x, maps = drawn_maps()
    filters = (3, 5, 8)
    streams = [(drawn(rng, 5, 5, 1, f), drawn(rng, f)) for f in filters]
    # The last weights are small: answers of 13 would be rounded by nearly 1e-5.
    dense = [(drawn(rng, 784, 400), drawn(rng, 400)), (drawn(rng, 400, 1) / 4, drawn(rng, 1))]
    named = dict(zip(("conv2d", "conv2d_1", "conv2d_2", "dense", "dense_1"), (*streams, *dense)))
    write_keras(tmp_path / "soft.hdf5", {name: dict(zip(("kernel", "bias"), pair)) for name, pair in named.items()})
    network = softnet_net.SOFTNet().eval()
    released.load(network, softnet_net.of_authors(released.keras_weights(tmp_path / "soft.hdf5")), tmp_path)
    low, high = x.min((1, 2), keepdims=True), x.max((1, 2), keepdims=True)
    flat = plain((x - low) / (high - low), streams, lambda maps, _: pooled(maps, 2).reshape(len(x), -1), 3)
    expected = np.maximum(flat @ dense[0][0] + dense[0][1], 0) @ dense[1][0] + dense[1][1]
    with torch.no_grad():
        np.testing.assert_allclose(network(maps).numpy(), expected, atol=1e-5)


def test_released_layers_are_in_the_order_of_keras():
    weights = {f"conv2d{n}/conv2d{n}/kernel:0": n for n in ("_10", "_9", "", "_1")} | {"conv2dx/kernel:0": 0}
    assert [layer["kernel"] for layer in released.keras_layers(weights, "conv2d")] == ["", "_1", "_9", "_10"]


def test_released_weights_of_another_network_are_refused(tmp_path):
    write_keras(tmp_path / "x.hdf5", {"conv2d": {"kernel": np.zeros((5, 5, 1, 3)), "bias": np.zeros(3)}})
    method = MEAN(MEAN.Params(weights=str(tmp_path / "x.hdf5")), Task(frozenset({"spot"})))
    with pytest.raises(DataError, match=r"the weights .*x\.hdf5 have no shared\.vertical\.weight; they hold"):
        method.fit_closed_form([], [])
    assert isinstance(method.shared, mean_net.Shared)


@pytest.mark.parametrize("kind", ["external", "virtual", "vast"])
def test_keras_weights_refuses_other_files_and_vast_arrays(tmp_path, kind):
    h5py = pytest.importorskip("h5py")
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(400))
    with h5py.File(tmp_path / "w.h5", "w") as file:
        if kind == "external":
            file.create_dataset("conv/kernel:0", (100,), "f4", external=[(str(secret), 0, 400)])
        elif kind == "virtual":
            layout = h5py.VirtualLayout((100,), "f4")
            layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (100,))
            file.create_virtual_dataset("conv/kernel:0", layout)
        else:
            file.create_dataset("conv/kernel:0", (10**11,), "f4", chunks=(1000,))
    with pytest.raises(
        DataError, match="would take" if kind == "vast" else "refer to another file for 'conv/kernel:0'"
    ):
        released.keras_weights(tmp_path / "w.h5")


def test_keras_weights_refuses_endless_groups_at_once(tmp_path, monkeypatch):
    """HDF5's own walk takes minutes for 2,000 of them."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "deep.h5", "w") as file:
        file.create_group("/".join(["g"] * 2000))
    with h5py.File(tmp_path / "circle.h5", "w") as file:
        file["a/b"] = file.create_group("a")
    with h5py.File(
        tmp_path / "twos.h5", "w", track_order=False
    ) as file:  # two names of each group: 2 to the power of 30 paths
        group = file
        for _ in range(30):
            inner = group.create_group("a")
            group["b"] = inner
            group = inner

    with h5py.File(tmp_path / "many.h5", "w") as file:
        for n in range(20_001):
            file[str(n)] = h5py.SoftLink("/nowhere")
    for name, message in (
        ("deep", "nest more than 32"),
        ("circle", "nest more than 32"),
        ("many", "hold more than 20,000 names"),
    ):
        with pytest.raises(DataError, match=message):
            released.keras_weights(tmp_path / f"{name}.h5")

    monkeypatch.setattr(released, "KERAS_NAMES", 1000)
    with pytest.raises(DataError, match="hold more than 1,000 names"):
        released.keras_weights(tmp_path / "twos.h5")


def test_keras_weights_skips_links_and_other_data(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.ones(3)
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["conv/kernel:0"] = np.ones((1, 1, 1, 3), np.float32)
        file["dense"] = h5py.ExternalLink("other.h5", "/")
        file["again"] = h5py.SoftLink("/conv")
        file.create_dataset("names", data=["a", "b"], dtype=h5py.string_dtype())
        file.create_dataset("pairs", (3,), dtype=[("a", "f4"), ("b", "i4")])
        file.create_dataset("lists", (2,), dtype=h5py.vlen_dtype("f4"))
        file.create_dataset("nothing", dtype="f4")
    assert [*released.keras_weights(tmp_path / "w.h5")] == ["conv/kernel:0"]


def test_torch_weights_refuses_an_endlessly_expanded_tensor(tmp_path):
    torch.save({"w": torch.zeros(1).expand(10**11)}, tmp_path / "w.pth")
    with pytest.raises(DataError, match="would take 381,470 MiB, and at most 1024 are read"):
        released.torch_weights(tmp_path / "w.pth")


def test_torch_weights_refuses_a_packed_bomb_unread(tmp_path, monkeypatch):
    torch.save({"w": torch.zeros(2**20)}, tmp_path / "w.pth")
    with ZipFile(tmp_path / "w.pth") as plain, ZipFile(tmp_path / "bomb.pth", "w", ZIP_DEFLATED) as packed:
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    assert (tmp_path / "bomb.pth").stat().st_size < 10_000
    assert released.torch_weights(tmp_path / "bomb.pth")["w"].shape == (2**20,)  # PyTorch unpacks it
    monkeypatch.setattr(released, "WEIGHTS_BYTES", 2**21)
    monkeypatch.delattr(torch, "load")
    with pytest.raises(DataError, match="would take 4 MiB, and at most 2 are read"):
        released.torch_weights(tmp_path / "bomb.pth")


def test_torch_weights_reads_networks_wrapped_for_devices(tmp_path):
    network = torch.nn.Linear(3, 2)
    torch.save(torch.nn.DataParallel(network).state_dict(), tmp_path / "subject_006.pkl")
    read = released.torch_weights(tmp_path / "subject_006.pkl")
    assert read.keys() == network.state_dict().keys()
    assert torch.equal(read["weight"], network.weight)


def test_torch_weights_says_what_pytorch_refuses(tmp_path):
    torch.save({"w": SimpleNamespace()}, tmp_path / "object.pth")
    (tmp_path / "text.pth").write_text("no weights\n")
    (tmp_path / "empty.pth").touch()
    for name, cause in (
        ("object", "it holds types.SimpleNamespace, and"),
        ("text", "it holds other data"),
        ("empty", "the file is empty"),
    ):
        with pytest.raises(DataError, match=f"cannot be read: {cause}") as error:
            released.torch_weights(tmp_path / f"{name}.pth")
        assert not any(advice in str(error.value) for advice in ("PyTorch", "weights_only", "\x1b"))


class TwoStreams(nn.Module):
    """MTSN as its authors' program has it: SOFTNet's streams once, used twice, by their own names."""

    def __init__(self):
        super().__init__()
        self.SOFTNet = nn.Module()
        for n, filters in enumerate((3, 5, 8), 1):
            setattr(self.SOFTNet, f"conv{n}", nn.Conv2d(1, filters, 5, padding=2))
        self.fc1, self.fc2 = nn.Linear(512, 128), nn.Linear(128, 1)

    def forward(self, x):
        def maps(three):
            streams = [
                F.max_pool2d(F.relu(getattr(self.SOFTNet, f"conv{n}")(three[:, n - 1 : n])), 3) for n in (1, 2, 3)
            ]
            return F.max_pool2d(torch.cat(streams, 1), 2).flatten(1)

        return self.fc2(F.relu(self.fc1(torch.cat([maps(x[:, :3]), maps(x[:, 3:])], 1))))[:, 0]


class Gates(nn.Module):
    """A stream of SFAMNet as its authors' program has it, with normalisations that it never calls."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, 3, 5, padding=2, bias=False), nn.BatchNorm2d(3)
        self.conv2, self.bn2 = nn.Conv2d(3, 3, 5, padding=2, bias=False), nn.BatchNorm2d(3)
        self.downsample = nn.Sequential(nn.Conv2d(1, 3, 1, bias=False))
        self.cbam = nn.Module()
        self.cbam.ChannelGate, self.cbam.SpatialGate = nn.Module(), nn.Module()
        self.cbam.ChannelGate.mlp = nn.Sequential(nn.Flatten(), nn.Linear(3, 1), nn.ReLU(), nn.Linear(1, 3))
        self.cbam.SpatialGate.spatial = nn.Module()
        self.cbam.SpatialGate.spatial.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x):
        y = self.conv2(F.relu(self.conv1(x)))
        mlp = self.cbam.ChannelGate.mlp
        y = y * torch.sigmoid(mlp(F.adaptive_avg_pool2d(y, 1)) + mlp(F.adaptive_max_pool2d(y, 1)))[:, :, None, None]
        pooled = torch.stack([y.max(1)[0], y.mean(1)], 1)
        return F.relu(y * torch.sigmoid(self.cbam.SpatialGate.spatial.conv(pooled)) + self.downsample(x))


class SceneFlow(nn.Module):
    """SFAMNet as its authors' program has it."""

    def __init__(self, outputs):
        super().__init__()
        self.c1, self.c2, self.c3 = (nn.Sequential(Gates()) for _ in range(3))
        self.conv1, self.conv2 = nn.Conv2d(9, 8, 5, padding=2), nn.Conv2d(9, 8, 5, padding=2)
        self.fc_spot, self.fc_recog = nn.Linear(392, 1), nn.Linear(392, outputs)

    def forward(self, x):
        maps = torch.cat([F.max_pool2d(c(x[:, i : i + 1]), 3) for i, c in enumerate((self.c1, self.c2, self.c3))], 1)
        spot, name = (F.max_pool2d(conv(maps), 3, 2, 1).flatten(1) for conv in (self.conv1, self.conv2))
        return torch.sigmoid(self.fc_spot(spot))[:, 0], self.fc_recog(name)


def test_mtsn_weights_answer_as_the_authors_network(tmp_path):
    torch.manual_seed(0)
    theirs = TwoStreams()
    own = mtsn_net.TwoGaps()
    x = torch.randn(4, 6, 28, 28)
    torch.save(theirs.state_dict(), tmp_path / "cas_weights.pkl")
    released.load(own, mtsn_net.of_authors(released.torch_weights(tmp_path / "cas_weights.pkl")), tmp_path)
    torch.testing.assert_close(own(x)[:, 0], theirs(x))


def test_sfamnet_weights_answer_as_the_authors_network(tmp_path):
    """Its emotions stand in another order here, neutral after them."""
    torch.manual_seed(0)
    theirs = SceneFlow(5)
    own = sfamnet_net.SceneFlowNetwork(5)
    x = torch.randn(4, 3, 42, 42)
    classes = ("others", "negative", "positive", "surprise")
    torch.save(theirs.state_dict(), tmp_path / "subject_1.pkl")
    released.load(own, sfamnet_net.of_authors(released.torch_weights(tmp_path / "subject_1.pkl"), classes), tmp_path)
    (score, answer) = own(x)
    (their_score, their_answer) = theirs(x)
    torch.testing.assert_close(score, their_score)
    torch.testing.assert_close(answer, their_answer[:, [3, 0, 1, 2, 4]])
    with pytest.raises(DataError, match=r"answer\.weight has the shape \(5, 392\), expected \(8, 392\)"):
        released.load(
            sfamnet_net.SceneFlowNetwork(8),
            sfamnet_net.of_authors(theirs.state_dict(), sfamnet_net.CLASSES[7]),
            tmp_path,
        )
    broken = {**theirs.state_dict(), "fc_spot.bias": torch.tensor([float("nan")])}
    with pytest.raises(DataError, match=r"score\.bias contains NaN or infinite values"):
        released.load(own, sfamnet_net.of_authors(broken, classes), tmp_path)
