"""CapsuleNet against plain loops over capsules; it was run beside the authors' layers with the same weights: equal to 3e-8."""

import numpy as np
import pytest
import torch
from mebench.methods.capsulenet import method as capsulenet, network as net

from mebench.core import Task
from mebench.errors import ConfigError

TASK = Task(frozenset({"recognize"}), classes=("a", "b", "c"))


def squashed(v):
    n = np.linalg.norm(v)
    return v * n**2 / (1 + n**2) / (n + 1e-8)


def routed(weight, capsules, rounds):
    """One clip: (classes, capsules, 16, 8) and (capsules, 8) to the classes' vectors."""
    classes, many = weight.shape[:2]
    votes = [[weight[k, j] @ capsules[j] for j in range(many)] for k in range(classes)]
    agreement = np.zeros((classes, many))
    for _ in range(rounds):
        shares = np.exp(agreement) / np.exp(agreement).sum(0)
        found = [squashed(sum(shares[k, j] * votes[k][j] for j in range(many))) for k in range(classes)]
        agreement = agreement + [[found[k] @ votes[k][j] for j in range(many)] for k in range(classes)]
    return np.array(found)


@pytest.mark.parametrize("rounds", [1, 3])
def test_ClassCapsules_equal_plain_loops(rounds):
    torch.manual_seed(0)
    layer = net.ClassCapsules(7, 3, rounds)
    x = torch.randn(2, 7, 8)
    layer.weight.data *= 30  # so that agreement differs
    expected = [routed(layer.weight.detach().double().numpy(), one.double().numpy(), rounds) for one in x]
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, atol=1e-5)


def test_squash_keeps_direction_and_shortens():
    assert net.squash(torch.tensor([3.0, 4.0])).tolist() == pytest.approx([3 / 5 * 25 / 26, 4 / 5 * 25 / 26])


def test_CapsuleNet_capsule_is_eight_neighbouring_maps():
    """As the program lays them out: places row by row, and of each place the maps by eight."""
    torch.manual_seed(0)
    network = net.CapsuleNet(3, 16)
    seen = []
    network.classes.register_forward_pre_hook(lambda layer, given: seen.append(given[0]))
    x = torch.randn(1, 3, 28, 28)
    network(x)
    maps = network.primary(torch.relu(network.conv(x)))[0]
    torch.testing.assert_close(seen[0][0, 2 * (6 * 2 + 5) + 1], net.squash(maps[8:16, 2, 5]))


def test_margin_loss_equals_hand_calculation():
    lengths, truth = torch.tensor([[0.5, 0.21, 0.0], [1.0, 0.01, 0.31]]), torch.tensor([[1.0, 0, 0], [1, 0, 0]])
    assert float(net.margin_loss(lengths, truth)) == pytest.approx((0.49**2 + 0.5 * 0.2**2 + 0.5 * 0.3**2) / 2)


def test_CapsuleNet_has_parameters_of_program():
    whole = (3 * 81 * 256 + 256) + (256 * 81 * 256 + 256) + 3 * 32 * 36 * 16 * 8
    assert sum(p.numel() for p in net.CapsuleNet(3).parameters()) == whole == 5_813_504


def test_CapsuleNet_probabilities_are_shares_of_lengths():
    torch.manual_seed(0)
    method = capsulenet.CapsuleNet(capsulenet.CapsuleNet.Params(maps_per_layer=8), TASK).eval()
    vectors = []
    method.network.classes.register_forward_hook(lambda layer, given, answer: vectors.append(answer))
    scores = method.network(torch.randn(2, 3, 28, 28))
    lengths = vectors[0].norm(dim=-1)
    torch.testing.assert_close(scores.softmax(1), lengths / lengths.sum(1, keepdim=True))


@pytest.mark.parametrize(("name", "value"), [("maps_per_layer", 12), ("routings", 0), ("decay", 0.0)])
def test_Params_refuse_values_out_of_range(name, value):
    with pytest.raises(ConfigError, match=rf"method\.{name} must .*not {value}"):
        capsulenet.CapsuleNet.Params(**{name: value})
