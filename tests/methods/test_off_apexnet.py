"""OFF-ApexNet against a plain reading of the public program."""

import pytest
import torch
from mebench.methods.off_apexnet import method, network as net
from torch.nn import functional as F

from mebench.core import Task
from mebench.errors import ConfigError
from mebench.runner.fold import count_parameters

TASK = Task(frozenset({"recognize"}), classes=("a", "b", "c"))


def test_OffApexNet_has_parameters_of_public_program():
    assert count_parameters(method.OffApexNet(method.OffApexNet.Params(), TASK)) == 2_664_475


def test_OffApexNet_joins_streams_before_rectified_layers():
    torch.manual_seed(0)
    network = net.OffApexNet(3).eval()
    x = torch.randn(5, 2, 28, 28)
    state = network.state_dict()
    parts = []
    for channel, name in enumerate("uv"):
        y = x[:, channel : channel + 1]
        for layer in (0, 2):
            y = F.max_pool2d(
                F.conv2d(y, state[f"{name}.{layer}.weight"], state[f"{name}.{layer}.bias"], padding=2), 2, 2
            )
        parts.append(y.reshape(5, 784))
    y = torch.cat(parts, 1)
    for layer, rectified in ((0, True), (3, True), (6, False)):
        y = F.linear(y, state[f"head.{layer}.weight"], state[f"head.{layer}.bias"])
        y = y.relu() if rectified else y
    torch.testing.assert_close(network(x), y)


def test_inputs_are_u_and_v_from_minus_1_to_1():
    maps = torch.arange(3).repeat(1, 28, 28, 1).numpy().astype("float32") * 64
    x = method.OffApexNet(method.OffApexNet.Params(), TASK).inputs([maps])
    assert x.shape == (1, 2, 28, 28)
    assert x[0, :, 5, 5].tolist() == [0.0, -0.5]  # u is the last channel, v the one before


@pytest.mark.parametrize("dropout", [-0.1, 1.0])
def test_Params_refuse_impossible_dropout(dropout):
    with pytest.raises(ConfigError, match=rf"method\.dropout must be in \[0, 1\), not {dropout}"):
        method.OffApexNet.Params(dropout=dropout)
