"""AUW-GCN: its network read plainly, and its graph against what the authors publish for CAS(ME)2."""

import numpy as np
import pytest
import torch
from mebench.methods.auw_gcn import method as auw_gcn, network as net

from mebench.core import Expression, LabelledVideo, SubjectKey, Task, Timing
from mebench.errors import ConfigError
from tests.helpers import plain_head


def test_UnitGraph_has_parameters_that_public_program_prints():
    assert sum(p.numel() for p in net.UnitGraph().parameters()) == 39_248


@torch.no_grad()
def test_UnitGraph_equals_plain_reading():
    torch.manual_seed(0)
    network = net.UnitGraph().eval()
    x = torch.randn(2, 30, 12, 2)
    w = network.state_dict()
    w["graph"].uniform_(0, 0.2)
    plain_head.drawn_statistics(w)
    nodes = torch.zeros(2, 30, 12, 16)
    for region in range(12):
        for other in range(12):
            nodes[:, :, region] += w["graph"][region, other] * (x[:, :, other] @ w["weight"])
        nodes[:, :, region] += w["bias"]
    plain = plain_head.head(plain_head.normalised(nodes, w, "norm").relu().flatten(2), w)

    torch.testing.assert_close(network(x), plain, atol=1e-5, rtol=1e-5)


def test_graph_of_units_counts_regions_that_move_together():
    """Units 1 and 2 together: each outer brow with each inner one; 12 alone: each corner of the mouth with itself."""
    graph = net.graph_of_units([("1", "2"), ("L12",), ("4",), ()])
    np.testing.assert_allclose(graph[0], [0, 0, 0.5, 0.5, *[0] * 8], atol=1e-6)
    np.testing.assert_allclose(graph[2], [0.25, 0.25, 0, 0, 0.25, 0.25, *[0] * 6], atol=1e-6)
    np.testing.assert_allclose([graph[8, 8], graph[8].sum(), graph[6].sum()], [1 / 1, 1, 0], atol=1e-6)


def test_graph_of_units_reads_sides_intensities_and_doubts():
    """As the sheets of SAMM write them."""
    written = [("12B",), ("A12B",), ("12?",), ("A/L12",), ("(R6 or R12)",), ("ref(12)",), ("AU12",), ("L12", "R12")]
    for units in written:
        np.testing.assert_array_equal(net.graph_of_units([units]), net.graph_of_units([("12",)]))


def test_graph_of_units_refuses_annotations_without_its_units():
    """The graph would be zeros, and two different faces would get the same answers."""
    with pytest.raises(ConfigError, match="1, 2, 12, 14, 25, 26, but no training expression is annotated with one"):
        net.graph_of_units([("4",), ()])


def test_AUWGCN_makes_graph_of_training_people():
    e = Expression(10, 20, apex=15, action_units=("12",))
    timing = Timing(30.0, 3, {"micro": 6})
    x = np.random.default_rng(0).normal(0, 1, (49, 12, 1, 2)).astype(np.float16)
    video = LabelledVideo("d/s/v", SubjectKey("d", "s"), 30.0, 50, timing, lambda name: x, None, (e,), (None,))
    method = auw_gcn.AUWGCN(auw_gcn.AUWGCN.Params(), Task(frozenset({"spot"})))
    method.samples("boundaries", [video], [])
    assert method.network.graph.nonzero().tolist() == [[8, 8], [10, 10]]
    assert "network.graph" in method.state_dict()
