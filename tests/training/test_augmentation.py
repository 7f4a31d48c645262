"""A mirrored face, against mirroring its flow before it is normalised."""

import numpy as np
import torch

from mebench.features import MinMax
from mebench.training import samples


def normalised(flow):
    return torch.from_numpy(MinMax().apply(flow, None)).permute(2, 0, 1)[None]


def test_mirrored_equals_flow_of_the_mirrored_face():
    flow = np.random.default_rng(0).normal(size=(8, 6, 3)).astype(np.float32)
    turned = flow[:, ::-1].copy()
    turned[..., 0] *= -1
    torch.testing.assert_close(samples.mirrored(normalised(flow)), normalised(turned))
    torch.testing.assert_close(samples.mirrored(samples.mirrored(normalised(flow))), normalised(flow))


def test_mirrored_map_without_motion_stays_zero():
    assert not samples.mirrored(torch.zeros(2, 3, 4, 4)).any()


def test_mirrored_is_about_half_of_a_batch():
    torch.manual_seed(0)
    x = torch.rand(400, 3, 2, 2)
    drawn, other = samples.half_mirrored(x), samples.mirrored(x)
    which = [(torch.equal(a, b), torch.equal(a, c)) for a, b, c in zip(drawn, x, other)]
    assert all(kept != turned for kept, turned in which)
    assert 160 < sum(turned for _, turned in which) < 240
