"""ABPN: its network read plainly, and a training that finds what moves."""

import json
from contextlib import nullcontext
from dataclasses import asdict

import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.plugins import MixedPrecision
from mebench.methods.abpn import method as abpn, network as net
from torch.utils.data import DataLoader

from mebench.core import Task
from mebench.errors import ConfigError
from mebench.features import maps
from mebench.training import fit
from tests.helpers import plain_head
from tests.helpers.moving_brows import video


def test_BoundaryProposals_has_parameters_of_public_network():
    """Counted there: 28,416 in the network and 12 weights of regions beside it."""
    assert sum(p.numel() for p in net.BoundaryProposals().parameters()) == 28_416 + 12


@torch.no_grad()
def test_BoundaryProposals_equals_plain_reading():
    torch.manual_seed(0)
    network = net.BoundaryProposals().eval()
    x = torch.randn(2, 40, 12, 2)
    w = network.state_dict()
    plain_head.drawn_statistics(w)
    w["weights"].normal_()
    share = w["weights"].exp() / w["weights"].exp().sum()
    weighed = torch.cat([x[:, :, region] * share[region] for region in range(12)], dim=2)
    torch.testing.assert_close(network(x), plain_head.head(weighed, w), atol=1e-5, rtol=1e-5)


def test_ABPN_learns_to_find_rising_and_falling_motion():
    torch.manual_seed(0)
    method = abpn.ABPN(abpn.ABPN.Params(epochs=15, batch_size=4, segment=64), Task(frozenset({"spot"})))
    fit(method, [video(seed, 20 + 9 * seed) for seed in range(8)], [])
    assert method.network.weights.abs().max() < 1  # they decay
    unseen = video(99, 50)
    found = method.propose(unseen, method.score_frames(unseen))
    best = max(found, key=lambda p: p.confidence)
    assert abs(best.onset - 50) <= 2
    assert abs(best.offset - 60) <= 2
    assert np.isnan(method.score_frames(unseen)[-1])
    assert not np.isnan(method.score_frames(unseen)[:-1]).any()


def learnt_weights(scaler=None):
    """The weights of regions after three steps; a scaler works as in sixteen bits on a GPU, on numbers of 32."""
    torch.manual_seed(0)
    method = abpn.ABPN(abpn.ABPN.Params(epochs=3, segment=64), Task(frozenset({"spot"})))
    method.stage = "boundaries"
    samples, _ = method.samples("boundaries", [video(seed, 20 + 9 * seed) for seed in range(3)], [])
    exact = MixedPrecision("16-mixed", "cpu", scaler=scaler)
    exact.forward_context = nullcontext
    plugins = [] if scaler is None else [exact]
    trainer = Trainer(max_epochs=3, accelerator="cpu", barebones=True, plugins=plugins)
    trainer.fit(method, DataLoader(samples, 128, collate_fn=lambda batch: batch))
    return method.network.weights.detach()


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
def test_ABPN_moves_no_region_when_gradients_are_scaled():
    plain = learnt_weights()
    torch.testing.assert_close(learnt_weights(torch.amp.GradScaler("cpu", init_scale=2.0**10)), plain)
    assert (learnt_weights(torch.amp.GradScaler("cpu", init_scale=torch.inf)) == 1).all()  # all steps are left out


def test_Params_read_every_seventh_frame_of_fast_videos():
    params = abpn.ABPN.Params()
    flow = params.series(200.0)[maps.MOTION].at("pair")[0]
    assert (params.step(200.0), flow.k, flow.stride) == (7, 7, 7)


def test_Params_can_be_written_down():
    json.dumps(asdict(abpn.ABPN.Params()), allow_nan=False)


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"fps": 0}, {"nms": 2}, {"apex_threshold": -1}, {"radius": -1}])
def test_Params_refuse_impossible_values(wrong):
    with pytest.raises(ConfigError, match=f"method.{next(iter(wrong))}"):
        abpn.ABPN.Params(**wrong)
