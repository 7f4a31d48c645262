"""SpotFormer: its network and its contrastive loss read plainly, and a training that finds what moves."""

import numpy as np
import pytest
import torch
from mebench.methods.spotformer import method as spotformer, network as net
from sklearn.metrics import log_loss

from mebench.core import Task
from mebench.errors import ConfigError
from mebench.features import regions as features_regions
from mebench.training import fit
from tests.helpers import plain_head
from tests.helpers.moving_brows import video

BROW, OTHER_BROW, NOSE, MOUTH = range(3), range(3, 6), range(6, 8), range(8, 12)


def small(**params):
    return spotformer.SpotFormer(
        spotformer.SpotFormer.Params(channels=16, heads=1, **params), Task(frozenset({"spot"}))
    )


def test_MultiScaleTransformer_has_parameters_of_public_network():
    """Counted there, with the one row for a moment that it has and never reads."""
    assert sum(p.numel() for p in net.MultiScaleTransformer(256, 4, 0.1).parameters()) == 3_168_778


def test_MultiScaleTransformer_reads_brows_and_mouth_alone():
    assert [features_regions.POINTS[place] for place in (*BROW, *OTHER_BROW)] == [18, 19, 20, 23, 24, 25]
    assert [features_regions.POINTS[place] for place in MOUTH] == [48, 51, 54, 57]
    x = torch.randn(1, 25, 12, 2)
    still = x.clone()
    still[:, :, NOSE] = 0
    network = net.MultiScaleTransformer(16, 1, 0).eval()
    torch.testing.assert_close(network(still), network(x))


class Plainly:
    """The network with sums over places, moments and heads; one window at a time, (10, 17, 2)."""

    def __init__(self, weights):
        self.w = weights

    def linear(self, x, name):
        y = x @ self.w[f"{name}.weight"].T
        return y + self.w[f"{name}.bias"] if f"{name}.bias" in self.w else y

    def normalised(self, x, name):
        return plain_head.normalised(x, self.w, f"{name}.norm")

    def attended(self, tokens, name, heads):
        """(L, C): each token becomes a mean of all, weighed by how well its question fits their keys."""
        q, k, v = self.linear(self.normalised(tokens, f"{name}.0.norm"), f"{name}.0.qkv").split(heads * net.HEAD, dim=1)
        joined = torch.zeros(len(tokens), heads * net.HEAD)
        for head in range(heads):
            part = slice(head * net.HEAD, (head + 1) * net.HEAD)
            fits = (q[:, part] @ k[:, part].T / net.HEAD**0.5).exp()
            joined[:, part] = (fits @ v[:, part]) / fits.sum(1, keepdim=True)
        x = tokens + self.linear(joined, f"{name}.0.out.0")
        hidden = self.linear(self.normalised(x, f"{name}.1.layers.0"), f"{name}.1.layers.1")
        hidden = hidden * 0.5 * (1 + torch.erf(hidden / 2**0.5))
        return x + self.linear(hidden, f"{name}.1.layers.4")

    def shorter(self, region, name, padding):
        """(T, C): the sum over three moments, at every other one."""
        x = self.normalised(region, f"{name}.norm")
        kernel = self.w[f"{name}.conv.weight"]
        zeros = torch.zeros(padding, x.shape[1])
        x = torch.cat([zeros, x, zeros])
        return torch.stack([sum(kernel[:, :, i] @ x[first + i] for i in range(3)) for first in range(0, len(x) - 2, 2)])

    def __call__(self, window, heads):
        x = self.normalised(self.linear(window, "embed.0"), "embed.1") + self.w["when"][:17]
        for part, regions in enumerate((range(3), range(3, 6), range(6, 10))):
            x[list(regions)] += self.w["where"][part]
        x = torch.stack([self.attended(x[:, t], "regions.0", heads) for t in range(17)], dim=1)
        x = self.normalised(torch.stack([self.attended(region, "times.0", heads) for region in x]), "pools.0")
        parts = [x[:3].amax(0), x[3:6].amax(0), x[6:].amax(0)]
        x = torch.stack([self.shorter(part, "shorter.0", 0) for part in parts])
        x = torch.stack([self.attended(x[:, t], "regions.1", heads) for t in range(8)], dim=1)
        x = self.normalised(torch.stack([self.attended(part, "times.1", heads) for part in x]), "pools.1").amax(0)
        x = self.shorter(x, "shorter.1", 0)
        for place in (2, 3):
            x = self.shorter(self.attended(x, f"times.{place}", heads), f"shorter.{place}", 1)
        (last,) = x
        return self.linear(last, "head")


@pytest.mark.parametrize("since_first", [True, False])
@torch.no_grad()
def test_MultiScaleTransformer_equals_plain_reading(since_first):
    torch.manual_seed(0)
    network = net.MultiScaleTransformer(6, 2, 0.1, since_first).eval()
    x = torch.randn(1, 9, 12, 2)
    weights = network.state_dict()
    plain_head.drawn_statistics(weights)
    outputs = network(x)[0]
    padded = torch.cat([torch.zeros(8, 12, 2), x[0], torch.zeros(8, 12, 2)])
    kept = padded[:, [*BROW, *OTHER_BROW, *MOUTH]]
    for t in (0, 4, 8):
        window = kept[t : t + 17].transpose(0, 1)  # (10, 17, 2)
        if since_first:
            window = torch.stack([window[:, :i].sum(1) for i in range(17)], dim=1)
        torch.testing.assert_close(outputs[:, t], Plainly(weights)(window, 2), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_MultiScaleTransformer_reads_long_videos_in_parts(monkeypatch):
    network = net.MultiScaleTransformer(16, 1, 0.1).eval()
    x = torch.randn(1, 40, 12, 2)
    whole = network(x)
    monkeypatch.setattr(net, "AT_ONCE", 7)
    torch.testing.assert_close(network(x), whole)


@torch.no_grad()
def test_MultiScaleTransformer_segment_equals_series():
    method = small()
    network = method.network.eval()
    x = torch.randn(1, 60, 12, 2)
    around = x[:, 20 - method.context : 36 + method.context]
    torch.testing.assert_close(network.head(network.features(around)).transpose(1, 2), network(x)[:, :, 20:36])
    assert around.shape[1] == 16 + net.WINDOW - 1


def contrast_plainly(features, classes, temperature=0.5, base=0.07):
    losses = []
    for i, one in enumerate(features):
        others = [j for j in range(len(features)) if j != i]
        fits = {j: one @ features[j] / temperature for j in others}
        log_sum = np.log(sum(np.exp(fit) for fit in fits.values()))
        same = [fits[j] - log_sum for j in others if classes[j] == classes[i]]
        losses.append(-temperature / base * np.mean(same) if same else 0)
    return np.mean(losses)


def test_contrastive_loss_equals_its_equation():
    rng = np.random.default_rng(0)
    # 2 and 3 are alone
    features = rng.normal(0, 0.5, (9, 4))
    classes = np.array([0, 0, 0, 1, 1, 2, 0, 1, 3])
    found = net.contrastive_loss(torch.from_numpy(features), torch.from_numpy(classes))
    assert float(found) == pytest.approx(contrast_plainly(features, classes), rel=1e-4)


def test_contrastive_loss_counts_frames_of_both_kinds_as_macro(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "mebench.methods.spotformer.method.contrastive_loss",
        lambda features, classes: seen.append(classes) or features.sum() * 0,
    )
    actions = torch.tensor([[[0.0, 0], [1, 0], [0, 1], [1, 1]]])
    nothing = torch.zeros(1, 4, 2)
    small().loss(torch.randn(1, 4 + 16, 12, 2), nothing.long(), nothing, actions)

    assert seen[0].tolist() == [0, 1, 2, 2]


def test_edges_cost_cross_entropy():
    outputs, classes = torch.randn(2, 3, 5), torch.randint(0, 3, (2, 5))
    probabilities = outputs.double().softmax(1).transpose(1, 2).reshape(-1, 3)
    expected = log_loss(classes.flatten(), probabilities, labels=[0, 1, 2])
    assert float(spotformer.SpotFormer.edges(outputs, classes)) == pytest.approx(expected, rel=1e-5)


def test_SpotFormer_learns_to_find_rising_and_falling_motion():
    torch.manual_seed(0)
    method = small(epochs=5, batch_size=4, lr=0.003, dropout=0.0)
    fit(method, [video(seed, 20 + 9 * seed) for seed in range(8)], [])
    unseen = video(99, 50)
    scores = method.score_frames(unseen)
    found = method.propose(unseen, scores)
    best = max(found, key=lambda p: p.confidence)

    assert abs(best.onset - 50) <= 2
    assert abs(best.offset - 60) <= 2
    assert np.isnan(scores[-1])
    assert not np.isnan(scores[:-1]).any()


@pytest.mark.parametrize("wrong", [{"motion": "x"}, {"channels": 0}, {"heads": 0}, {"contrast": -1}, {"dropout": 2}])
def test_Params_refuse_impossible_values(wrong):
    with pytest.raises(ConfigError, match=f"method.{next(iter(wrong))}"):
        spotformer.SpotFormer.Params(**wrong)
