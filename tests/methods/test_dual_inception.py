"""Dual-Inception against a count of the authors' Keras layers, and how its released way of training keeps an epoch."""

import numpy as np
import torch
from mebench.methods.dual_inception import method as dual_inception, network
from torch import nn

from mebench.core import Task, history
from mebench.runner.fold import count_parameters
from mebench.training import Samples, fit

TASK = Task(frozenset({"recognize"}), classes=("a", "b", "c"))


def layer(channels, filters, size):
    return channels * filters * size * size + filters


def block(channels, filters):
    """Lines `ince_conv..` of the program: branches of 1, 1 and 3, 1 and 5, and a pooled one of 1."""
    return 4 * layer(channels, filters, 1) + layer(filters, filters, 3) + layer(filters, filters, 5)


def test_DualInception_has_parameters_of_program():
    expected = 2 * (block(3, 6) + block(24, 16)) + layer(6272, 1024, 1) + layer(1024, 3, 1)
    assert (
        count_parameters(dual_inception.DualInception(dual_inception.DualInception.Params(), TASK))
        == expected
        == 6_449_963
    )


def test_Inception_joins_branches_and_pools_by_two():
    torch.manual_seed(0)
    inception = network.Inception(3, 6)
    x = torch.randn(2, 3, 28, 28)
    with torch.no_grad():
        found = inception(x)
        ones = inception.one[0](x).relu()
        pooled = inception.pooled[1](nn.functional.max_pool2d(x, 3, 1, 1)).relu()

    assert found.shape == (2, 24, 14, 14)
    torch.testing.assert_close(found[:, :6], nn.functional.max_pool2d(ones, 2))
    torch.testing.assert_close(found[:, 18:], nn.functional.max_pool2d(pooled, 2))


def test_DualInception_begins_with_keras_weights():
    torch.manual_seed(0)
    hidden = network.DualInception(3).head[0]
    limit = (6 / (6272 + 1024)) ** 0.5
    assert limit * 0.99 < hidden.weight.abs().max() <= limit
    assert not hidden.bias.any()


class Drawn(dual_inception.DualInception):
    """Reads drawn samples instead of clips; the validation samples have the labels exchanged, so their loss rises with learning."""

    def samples(self, stage, train, valid):
        x = torch.rand(12, 2, 28, 28, generator=torch.Generator().manual_seed(0))
        y = torch.arange(12) % 3
        return Samples(x, y), Samples(x, (y + 1) % 3)

    def fit_closed_form(self, train, valid):
        pass


def test_fit_keeps_epoch_of_lowest_validation_loss():
    def trained(keep):
        torch.manual_seed(0)
        method = Drawn(dual_inception.DualInception.Params(epochs=4, lr=1e-3, keep=keep), TASK)
        fit(method, [], [])
        return method

    best, last = trained("best_validation"), trained("last")
    losses = [e.loss for e in best.history.list_epochs() if isinstance(e, history.Epoch) and e.split == "valid"]
    assert best.notes["best_epoch"] == np.argmin(losses) < 3
    assert not torch.equal(best.network.head[2].weight, last.network.head[2].weight)
    assert dual_inception.DualInception.holds_out(best.params)
    assert not dual_inception.DualInception.holds_out(last.params)
