"""Every method that is trained works where its weights are, as on a GPU, without one: `meta` refuses operands that lie elsewhere, and has
no numbers that could come back. The documentation lists its operations that are not deterministic on a GPU.
"""

from functools import partial
from pathlib import Path

import pytest
import torch

from mebench.core import all_clips
from tests.helpers.nightly import NIGHTLY
from tools.deterministic import NO_NUMBERS, TRAINED_ON_DEMAND, autocast, fold_of, operations, trained

SLOW = {"me_tst", "sfamnet"}
"""By night: their step is thousands of operations, as `mean_variants` and `softnet` have them too."""
PAGE = Path(__file__).parents[2] / "docs" / "how_to" / "machines.md"


@pytest.mark.parametrize("name", [name for name in trained() if NIGHTLY or name not in SLOW])
def test_methods_train_and_predict_on_device_of_weights(name, tiny, monkeypatch):
    monkeypatch.setattr(torch, "autocast", partial(autocast, torch.autocast))
    method, train, test = fold_of(name, tiny)
    row = operations(method, train)
    assert any(weight.grad is not None for weight in method.parameters())
    if PAGE.is_file():
        assert f"| `{name}` | {row} |\n" in PAGE.read_text(encoding="utf-8"), "python tools/deterministic.py"
    method.eval()
    answers = [partial(method.classify, all_clips(test))] if "recognize" in method.tasks else []
    answers += [partial(method.score_frames, test[0])] if "spot" in method.tasks else []
    for answer in answers:
        with pytest.raises((RuntimeError, NotImplementedError), match=NO_NUMBERS):
            answer()


@pytest.mark.parametrize("name", sorted(TRAINED_ON_DEMAND))
def test_methods_trained_on_demand_have_no_stage_as_they_come(name, tiny):
    method, _, _ = fold_of(name, tiny)
    assert method.stages() == ()
