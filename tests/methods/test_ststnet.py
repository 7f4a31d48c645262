"""STSTNet against a plain reading of its paper (Liong et al., FG 2019)."""

import pytest
import torch
from mebench.methods.ststnet import method as ststnet, network as net
from torch import nn

from mebench.core import Task
from mebench.errors import ConfigError
from mebench.runner.fold import count_parameters


class Plain(nn.Module):
    """Figure 3: three streams of 3, 5 and 8 filters on the same input, concatenated, averaged, classified."""

    def __init__(self, classes):
        super().__init__()
        self.streams = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(3, f, 3, padding=2),
                nn.ReLU(),
                nn.BatchNorm2d(f),
                nn.MaxPool2d(3, 3, padding=1),
                nn.Dropout(0.5),
            )
            for f in (3, 5, 8)
        )
        self.pool, self.head = nn.AvgPool2d(2, 2), nn.Linear(400, classes)

    def forward(self, x):
        return self.head(self.pool(torch.cat([stream(x) for stream in self.streams], 1)).flatten(1))

    def take(self, other):
        first = 0
        for stream, filters in zip(self.streams, net.STREAMS):
            part = slice(first, first := first + filters)
            for own, name in ((stream[0], "streams"), (stream[2], "norm")):
                theirs = getattr(other, name).state_dict()
                own.load_state_dict({k: v[part] if v.dim() else v for k, v in theirs.items()})
        self.head.load_state_dict(other.head.state_dict())
        return self


def networks(classes=3):
    torch.manual_seed(0)
    network = net.STSTNet(classes)
    with torch.no_grad():
        for tensor in (network.norm.weight, network.norm.bias, network.norm.running_mean, network.norm.running_var):
            tensor.uniform_(0.5, 2)
    return network, Plain(classes).take(network)


def test_STSTNet_has_1683_parameters():
    assert sum(p.numel() for p in net.STSTNet(3).parameters()) == 1683
    assert sum(p.numel() for p in Plain(3).parameters()) == 1683
    method = ststnet.STSTNet(ststnet.STSTNet.Params(), Task(frozenset({"recognize"}), classes=("a", "b", "c")))
    assert count_parameters(method) == 1683 + 2 * sum(net.STREAMS)  # and keeps the running statistics


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_STSTNet_equals_three_separate_streams(memory_format):
    network, plain = (n.eval() for n in networks())
    x = torch.rand(7, 3, 28, 28) * 255
    ours = network.to(memory_format=memory_format)(x.contiguous(memory_format=memory_format))
    assert ours.shape == (7, 3)
    torch.testing.assert_close(ours, plain(x), rtol=1e-5, atol=1e-5)


def test_STSTNet_learns_like_three_separate_streams():
    """Steps of gradient descent in training mode, dropout off: the same losses."""
    network, plain = networks()
    network.dropout.eval()
    for stream in plain.streams:
        stream[4].eval()
    x, y = torch.rand(16, 3, 28, 28) * 255, torch.arange(16) % 3
    losses = []
    for model in (network, plain):
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
        for _ in range(3):
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert losses[:3] == pytest.approx(losses[3:], rel=1e-4)
    assert losses[0] != losses[2]


@pytest.mark.parametrize(("name", "value"), [("epochs", 0), ("batch_size", 1), ("lr", -1.0), ("dropout", 1.0)])
def test_Params_refuse_values_out_of_range(name, value):
    with pytest.raises(ConfigError, match=rf"method\.{name} must .*not {value}"):
        ststnet.STSTNet.Params(**{name: value})
