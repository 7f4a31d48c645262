"""One fold, here and now: what it answers depends on the run and the fold, not on what this process did before."""

import random

import numpy as np
import pytest
import torch
from safetensors.torch import load

import mebench
from mebench.config import resolve
from mebench.errors import MebenchError
from mebench.output.progress import Silent
from mebench.runner import fold, host, make_plan
from mebench.testing.folders import write_plugin

DICE = {
    "torch": (torch.manual_seed, lambda n: torch.rand(n).numpy()),
    "numpy": (np.random.seed, lambda n: np.random.random(n)),
    "random": (random.seed, lambda n: np.array([random.random() for _ in range(n)])),
}


@pytest.mark.parametrize("name", DICE)
def test_execute_seeds_every_generator_of_a_plugin(moody, monkeypatch, name):
    """The same numbers each time, others in another fold or another run."""
    seed, draw = DICE[name]
    plan, other = (make_plan(resolve(moody(f"seed={n}"))) for n in (0, 1))
    monkeypatch.setattr(plan.methods[0].method_class, "score_frames", lambda _, video: draw(video.n_frames)[:, None])

    def scores(plan, number, before):
        seed(before)
        return np.concatenate(list(host.execute_fold(plan, plan.data.folds[number]).frame_scores.values()))

    first = scores(plan, 0, before=1)
    np.testing.assert_array_equal(first, scores(plan, 0, before=2))
    assert not np.array_equal(first, scores(plan, 1, before=1))
    assert not np.array_equal(first, scores(other, 0, before=1))


@pytest.mark.parametrize("n", [1, 2])
def test_restore_gives_each_method_its_own_weights(n):
    torch.manual_seed(0)
    fitted, fresh = ([torch.nn.Linear(3, 2) for _ in range(n)] for _ in range(2))
    fold.restore_methods(
        fold.methods_by_prefix(fresh), load(fold.hand_over_weights(fold.methods_by_prefix(fitted), None))
    )
    for one, other in zip(fitted, fresh):
        assert torch.equal(one.weight, other.weight)
        assert torch.equal(one.bias, other.bias)
        assert not other.training


@pytest.mark.usefixtures("own_folder", "untracked", "write_plugin")
def test_execute_stops_a_training_that_diverges(tiny, tmp_path):
    """A learning rate beyond all measure ends in one sentence, not in a spotter that is silent or in a class for NaN."""
    write_plugin("method", "net", tmp_path / "plugins", "network")
    words = [*tiny, "method=net", "method.epochs=3", "method.filters=2", "method.lr=1e30", "workers=1", "bootstrap=0"]
    with pytest.raises(MebenchError, match=r"its training has diverged: \d of its \d arrays of weights") as error:
        mebench.run(*words, plugins=tmp_path / "plugins", progress=Silent())
    assert "\n" not in str(error.value)
