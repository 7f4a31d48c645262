"""A network cut before its last blocks: both parts together are the whole."""

import importlib.util

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from mebench.errors import ConfigError
from mebench.features.encoder_loading import check_cut
from mebench.features.mini_xception import MiniXception
from mebench.features.network_cut import blocks_of, first_tuned_block, run_front, run_tail, tuned_parameters
from tests.helpers.plugin_folders import copy_own_code


def cases():
    yield MiniXception(), torch.rand(3, 1, 64, 64), 4
    if importlib.util.find_spec("timm"):
        import timm

        yield timm.create_model("resnet10t", num_classes=0), torch.rand(3, 3, 64, 64), 4
        yield timm.create_model("vit_tiny_patch16_224", num_classes=0), torch.rand(3, 3, 224, 224), 12


@pytest.mark.parametrize("number", range(3))
def test_run_tail_after_run_front_is_the_whole(number):
    every = list(cases())
    if number >= len(every):
        pytest.skip("timm is not installed")
    network, x, n_blocks = every[number]
    network.eval()
    assert len(blocks_of(network)) == n_blocks
    with torch.no_grad():
        for tuned in (1, 2):
            block = first_tuned_block(network, tuned, "it")
            reached = run_front(network, block, x)
            torch.testing.assert_close(run_tail(network, block, reached, x[:1]), network(x), atol=1e-5, rtol=1e-4)


def test_tuned_parameters_are_those_from_the_block_on():
    network = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 4), nn.Linear(4, 5))
    assert list(tuned_parameters(network, network[1])) == ["1.weight", "1.bias", "2.weight", "2.bias"]


@pytest.mark.parametrize(
    ("network", "n_blocks", "message"),
    [
        (nn.Sequential(nn.Linear(2, 3)), 2, "has 1 blocks: give at most so many"),
        (None, 1, "is a whole without blocks to train"),
        (torch.jit.trace(nn.Linear(2, 3), torch.rand(1, 2)), 1, "is a whole without blocks to train"),
    ],
)
def test_first_tuned_block_refuses_what_has_none(network, n_blocks, message):
    with pytest.raises(ConfigError, match=message):
        first_tuned_block(network, n_blocks, "it")


def test_check_cut_refuses_connections_past_the_blocks(tmp_path, monkeypatch):
    copy_own_code(tmp_path, "skipping")
    monkeypatch.syspath_prepend(tmp_path)
    import skipping

    file = tmp_path / "w.safetensors"
    save_file(skipping.Skipping().state_dict(), file)
    batch = torch.rand(2, 3, 2, 2).numpy()
    with pytest.raises(ConfigError, match=r"method.tune_blocks=1: the output .* does not follow from what reaches"):
        check_cut("skipping:Skipping", str(file), "mean", 1, batch)
