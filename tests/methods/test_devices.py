"""Every method that is trained works where its weights are, as on a GPU, without one: `meta` refuses operands that lie elsewhere, and has
no numbers that could come back.
"""

from functools import partial

import pytest
import torch
from torch.utils._pytree import tree_map
from torch.utils.data import DataLoader

from mebench import config, runner
from mebench.config import registry
from mebench.core import Method, all_clips

NO_NUMBERS = r"Cannot copy out of meta tensor|Tensor.item\(\) cannot be called on meta tensors"


def trained():
    found = {name: registry.plugin_class(info) for name, info in registry.plugins("method").items()}
    return [name for name, method in found.items() if method.stages is not Method.stages]


def fold_of(name, words):
    """A method, and the videos of the first fold of some drawn people, of those who train and of those tested."""
    plan = runner.plan.make_plan(config.resolve([f"method={name}", *words]))
    fold = plan.folds[0]
    where = {"groups": plan.groups, "timings": plan.timings(fold), "cache": plan.config.cache}
    job = runner.job.Job(key="", seed=0, parts=(), scheme=plan.scheme, test=(), **where)
    method = runner.plan.new_method(plan)
    views = runner.fitted.Views(job, method, plan.home)
    train, _, test = ([views.labelled(video) for video in side] for side in plan.sides(fold))
    return method, train, test


@pytest.mark.parametrize("name", trained())
def test_a_method_trains_and_predicts_where_its_weights_are(name, tiny, monkeypatch):
    plain = torch.autocast  # which knows no `meta`
    monkeypatch.setattr(torch, "autocast", lambda kind, **how: plain("cpu" if kind == "meta" else kind, **how))
    method, train, test = fold_of(name, tiny)
    batches = {}
    for stage in method.stages():
        method.stage = stage.name
        samples, _ = method.samples(stage.name, train, [])
        batches[stage.name] = next(iter(DataLoader(samples, 8, collate_fn=lambda batch: batch)))
    method.to("meta")
    for method.stage, batch in batches.items():
        method.train()
        there = tree_map(lambda part: part.to("meta") if isinstance(part, torch.Tensor) else part, batch)
        try:
            method.training_step(there, 0).backward()
        except RuntimeError as error:
            assert name == "sfamnet" and "Tensor.item() cannot be called" in str(error), (
                error
            )  # asks if anybody is named
            continue
        assert any(weight.grad is not None for weight in method.parameters())
    method.eval()
    answers = [partial(method.classify, all_clips(test))] if "recognize" in method.tasks else []
    answers += [partial(method.score_frames, test[0])] if "spot" in method.tasks else []
    for answer in answers:
        with pytest.raises((RuntimeError, NotImplementedError), match=NO_NUMBERS):
            answer()
