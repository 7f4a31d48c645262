"""EMR against plain readings of its public program, beside which it was run with the same weights: equal in every bit."""

import math
import os

import cv2
import numpy as np
import pytest
import torch
from mebench.methods.emr import method as emr, network as net
from mebench.methods.emr.steps import LengthPicture
from torch.nn import functional as F

from mebench.core import Expression, LabelledVideo, SubjectKey, Task, Timing
from mebench.errors import ConfigError, DataError

TASK = Task(frozenset({"recognize"}), classes=("a", "b", "c"))
SMALL = emr.Emr.Params(start="random", size=64, pixels=64)


def theirs(weights, x):
    """The program's ResNet-18, layer by layer under its flat names, in evaluation mode."""

    def normed(x, conv, norm, **how):
        x = F.conv2d(x, weights[f"{conv}.weight"], **how)
        return F.batch_norm(x, *(weights[f"{norm}.{n}"] for n in ("running_mean", "running_var", "weight", "bias")))

    x = F.max_pool2d(normed(x, "features_0", "features_1", stride=2, padding=3).relu(), 3, 2, padding=1)
    for level in range(4, 8):
        for block in range(2):
            name = f"features_{level}_{block}"
            stride = 1 + (level > 4 and block == 0)
            y = normed(x, f"{name}_conv1", f"{name}_bn1", stride=stride, padding=1).relu()
            y = normed(y, f"{name}_conv2", f"{name}_bn2", padding=1)
            if stride == 2:
                x = normed(x, f"{name}_downsample_0", f"{name}_downsample_1", stride=2)
            x = (x + y).relu()
    return x


def flat(state):
    """Weights under the program's names, with its linear layer."""
    names = {"conv1": "features_0", "bn1": "features_1"}

    def name(key):
        layer, _, kind = key.rpartition(".")
        if layer.startswith("layer"):
            level, _, rest = layer.removeprefix("layer").partition(".")
            return f"features_{int(level) + 3}_{rest.replace('.', '_')}.{kind}"
        return f"{names[layer]}.{kind}"

    linear = {"classifier_0.weight": torch.zeros(1000, 512), "classifier_0.bias": torch.zeros(1000)}
    return {name(key): value for key, value in state.items()} | linear


def drawn():
    """A ResNet-18 with other statistics than those of a new one."""
    torch.manual_seed(0)
    resnet = net.ResNet18().eval()
    for key, value in resnet.state_dict().items():
        if key.endswith(("running_mean", "running_var")):
            value.uniform_(0.1, 1)
    return resnet


def test_of_resnet18_equals_network_of_program():
    resnet = drawn()
    x = torch.randn(2, 3, 224, 224)
    weights = flat(resnet.state_dict())
    with torch.no_grad():
        maps = resnet(x)
        torch.testing.assert_close(maps, theirs(weights, x))
    assert maps.shape == (2, 512, 7, 7)
    assert net.of_resnet18(weights).keys() == resnet.state_dict().keys()


def test_HalvesNetwork_has_parameters_of_program():
    with torch.device("meta"):
        network = net.HalvesNetwork(3, 224)
    assert sum(p.numel() for p in network.resnet.parameters()) == 11_176_512
    heads = 2 * (512 * 64 + 64) + (128 * 3 + 3) + 2 * (64 * 3 + 3) + (128 * 64 + 64) + (64 * 32 + 32) + 33
    assert sum(p.numel() for p in network.parameters()) == 11_176_512 + heads == 11_253_322


def test_HalvesNetwork_answers_by_upper_and_lower_rows():
    network = net.HalvesNetwork(3, 224).eval()
    with torch.no_grad():
        x = torch.randn(1, 1, 224, 224)
        maps = network.resnet(x.expand(-1, 3, -1, -1))
        answers = network.answers(x)
        top = network.top(maps[:, :, :3].mean((2, 3)))
        torch.testing.assert_close(answers.top, network.answer_top(top))
        torch.testing.assert_close(answers.features[:, :64], top)
        torch.testing.assert_close(answers.features[:, 64:], network.bottom(maps[:, :, 3:].mean((2, 3))))


def test_seen_takes_middle_of_large_pictures():
    pictures = torch.randint(0, 256, (3, 1, 256, 256), dtype=torch.uint8)
    torch.testing.assert_close(net.seen(pictures, 224), pictures[:, :, 16:240, 16:240] / 127.5 - 1, rtol=0, atol=1e-4)


def test_seen_turns_moves_and_lights_training_pictures():
    white = torch.full((64, 1, 256, 256), 100, dtype=torch.uint8)
    torch.manual_seed(0)
    found = (net.seen(white, 224, changed=True) + 1) / 2
    middle = found[:, 0, 112, 112] / (100 / 255)
    assert 0.6 < middle.min() < 0.85
    assert 1.15 < middle.max() < 1.45
    cut = (found < 0.05).flatten(1).float().mean(1)  # black corners of those that were turned far and moved away
    assert 0 < cut.max() < 0.06
    assert (cut == 0).any()


def test_LengthPicture_equals_program_for_gray_frames():
    flow = np.random.default_rng(0).normal(size=(40, 50, 2)).astype(np.float32)
    length, angle = cv2.cartToPolar(flow[..., 0], flow[..., 1])
    colours = np.zeros((40, 50, 3), np.float32)  # the saturation, that of gray frames, stays 0
    colours[..., 0], colours[..., 2] = angle * 90 / np.pi, cv2.normalize(length, None, 0, 255, cv2.NORM_MINMAX)
    expected = cv2.cvtColor(colours, cv2.COLOR_HSV2RGB).astype(np.uint8)
    found = LengthPicture().apply(flow, None)

    assert np.abs(found - expected).max() <= 1
    assert (found != expected).mean() < 0.01
    assert found.min() == 0
    assert found.max() >= 254
    assert np.array_equal(found.astype(np.float16), found)  # as it is stored
    assert not LengthPicture().apply(np.full((8, 8, 2), 3, np.float32), None).any()


def batch():
    """Pictures, classes and domains."""
    torch.manual_seed(1)
    pictures = torch.randint(0, 256, (6, 1, 64, 64), dtype=torch.uint8)
    return pictures, torch.tensor([0, 1, 2, 0, 1, 2]), torch.tensor([1.0, 1, 1, 1, 0, 0])


@pytest.mark.parametrize("step", [1, 1000, 20000])
def test_training_step_makes_features_unlearn_domain(step, monkeypatch):
    method = emr.Emr(SMALL, TASK).eval()  # without dropout
    method.notes["macro_clips"] = 2
    monkeypatch.setattr(emr.Emr, "global_step", step - 1)
    pictures, y, domain = batch()
    torch.manual_seed(2)
    method.training_step((pictures, y, domain), 0).backward()
    found = {name: p.grad.clone() for name, p in method.network.named_parameters()}

    def gradients(loss):
        method.network.zero_grad()
        loss.backward(retain_graph=True)
        return {n: torch.zeros_like(p) if p.grad is None else p.grad for n, p in method.network.named_parameters()}

    torch.manual_seed(2)
    answers = method.network.answers(net.seen(pictures, 64, changed=True))
    labels = gradients(sum(F.cross_entropy(scores, y) for scores in answers[:3]))
    domains = gradients(F.binary_cross_entropy_with_logits(method.network.domain(answers.features)[:, 0], domain))
    reversal = 2 / (1 + math.exp(-10 * step / 10000)) - 1  # `ReverseLayerF` of the program
    for name, gradient in found.items():
        sign = 1 if name.startswith("domain.") else -reversal
        torch.testing.assert_close(gradient, labels[name] + sign * domains[name], rtol=1e-3, atol=1e-5)


def test_training_step_unlearns_nothing_without_macro():
    method = emr.Emr(SMALL, TASK)
    method.notes["macro_clips"] = 0
    method.training_step(batch(), 0).backward()
    assert all(p.grad is None for p in method.network.domain.parameters())


def test_training_step_takes_single_clip():
    method = emr.Emr(SMALL, TASK)
    method.notes["macro_clips"] = 0
    loss = method.training_step(tuple(part[:1] for part in batch()), 0)
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad.isfinite().all() for p in method.network.resnet.parameters())


def test_Emr_shortens_gradients_except_of_discriminator():
    method = emr.Emr(SMALL, TASK)
    for p in method.parameters():
        p.grad = torch.ones_like(p)
    method.on_before_optimizer_step(None)
    for part in method.network.clipped:
        assert torch.cat([p.grad.flatten() for p in part.parameters()]).norm() == pytest.approx(1, rel=1e-3)
    assert all((p.grad == 1).all() for p in method.network.domain.parameters())


def test_configure_optimizers_lets_rates_fall_as_program():
    made = emr.Emr(SMALL, TASK).configure_optimizers()
    optimizer = made["optimizer"]
    schedule = made["lr_scheduler"]
    rate = 1e-3
    for epoch in range(100):
        if epoch % 10 == 0 and epoch and rate > 1e-5:
            rate *= 0.5
        assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([1e-5, rate])
        optimizer.step()
        schedule.step()


def video(*expressions):
    """A training video whose features hold the chain and the frames that were asked for."""

    def clip(chain, onset, apex, offset):
        return np.full((64, 64, 1), (100 if chain == emr.MACRO else 0) + apex, np.float32)

    labels = tuple({"joy": 0, "anger": 1}.get(e.emotion) for e in expressions)
    timing = Timing(30.0, 3, {"micro": 5})
    return LabelledVideo("v", SubjectKey("d", "s"), 30.0, 90, timing, None, clip, tuple(expressions), labels)


def test_samples_take_macro_expressions_halfway_to_apex():
    micro = Expression(3, 9, "micro", 7, "joy")
    seen = video(micro, Expression(10, 40, "macro", 20, "anger"), Expression(50, 70, "macro", 60, "other"))
    method = emr.Emr(SMALL, TASK)
    train, _ = method.samples("recognition", [seen], [])
    pictures, y, domain = train.tensors
    assert pictures[:, 0, 0, 0].tolist() == [7, 115]  # 11 frames from onset to apex: the sixth of them
    assert (y.tolist(), domain.tolist(), method.notes["macro_clips"]) == ([0, 1], [1, 0], 1)


def test_samples_read_apex_at_onset_there():
    method = emr.Emr(SMALL, TASK)
    train, _ = method.samples(
        "recognition", [video(Expression(5, 30, "macro", 5, "joy"), Expression(3, 9, "micro", 3, "joy"))], []
    )
    assert train.tensors[0][:, 0, 0, 0].tolist() == [3, 105]


def test_Emr_begins_with_weights_under_any_names(tmp_path):
    state = drawn().state_dict()
    file = tmp_path / "faces.pth"
    linear = {"fc.weight": torch.zeros(2, 512), "fc.bias": torch.zeros(2)}
    several = {f"module.{name}": value for name, value in (state | linear).items()}
    for number, weights in enumerate((state | linear, flat(state), several)):
        torch.save(weights, file)
        os.utime(file, (number, number))
        method = emr.Emr(emr.Emr.Params(weights=file), TASK)
        method.setup("fit")
        loaded = method.network.resnet.state_dict()
        assert all(torch.equal(loaded[name], value) for name, value in state.items())


def test_Emr_refuses_weights_of_other_networks_early(tmp_path):
    state = drawn().state_dict()
    file = tmp_path / "faces.pth"
    timing = Timing(30.0, 3, {"micro": 5})
    more = state | {"layer1.2.conv1.weight": torch.zeros(64, 64, 3, 3)}
    less = {name: value for name, value in state.items() if name != "conv1.weight"}
    for number, (weights, words) in enumerate(
        (
            (more, r"not those of a ResNet-18, which has no layer1\.2"),
            (less, r"conv1\.weight"),
            ({"a": torch.zeros(1)}, "no a: "),
        )
    ):
        torch.save(weights, file)
        os.utime(file, (number, number))
        with torch.device("meta"):
            method = emr.Emr(emr.Emr.Params(weights=file), TASK)
            with pytest.raises(DataError, match=words):
                method.chains(timing)


def test_Emr_keeps_trained_model_without_weights_file(tmp_path):
    state = drawn().state_dict()
    file = tmp_path / "faces.pth"
    timing = Timing(30.0, 3, {"micro": 5})
    torch.save(state, file)
    method = emr.Emr(emr.Emr.Params(weights=file), TASK)
    before = method.network.resnet.conv1.weight.clone()
    assert set(method.chains(timing)) == {emr.MICRO, emr.MACRO}
    file.unlink()
    assert set(method.chains(timing)) == {emr.MICRO, emr.MACRO}
    assert torch.equal(method.network.resnet.conv1.weight, before)


def test_chains_say_which_weights_to_give():
    with pytest.raises(ConfigError, match=r"method\.weights=FILE.*method\.start=random"):
        emr.Emr(emr.Emr.Params(), TASK).chains(Timing(30.0, 3, {"micro": 5}))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"size": 63}, "method.size must be at least 64"),
        ({"pixels": 10}, "method.pixels must be at least 64"),
        ({"low": 3.0}, "method.low must be below method.high"),
        ({"alpha": -1}, "method.alpha must"),
        ({"decay_every": 0}, "method.decay_every must"),
        ({"start": "random", "weights": "faces.pth"}, "add method.start=weights"),
    ],
)
def test_Params_refuse_values_out_of_range(wrong, words):
    with pytest.raises(ConfigError, match=words):
        emr.Emr.Params(**wrong)
