"""`macro=class`: networks that score windows learn macro-expressions too, and what scores higher as one is no micro-expression."""

import numpy as np
import pytest
import torch
from mebench.methods.mean.method import MEAN
from mebench.methods.mtsn.method import MTSN
from mebench.methods.softnet.method import SOFTNet
from mebench.methods.tsmsnet.method import TSMSNet

from mebench.core import Expression, LabelledVideo, SubjectKey, Task, Timing
from mebench.errors import ConfigError

N, TIMING = 160, Timing(30.0, 3, {"micro": 5})
MICRO, MACRO = Expression(30, 39, apex=34), Expression(90, 129, "macro", apex=110)
METHODS = {MEAN: "spotting", SOFTNet: "micro", MTSN: "scores", TSMSNet: "micro"}


def method(cls, **params):
    torch.manual_seed(0)
    more = {"segment": 6, "join": False} if cls is TSMSNet else {}
    return cls(cls.Params(**more, **params), Task(frozenset({"spot"}))).eval()


def video(cls, *expressions):
    """Maps of noise; while somebody moves, a micro-expression's upper half is bright, a macro-expression's lower half."""
    size = 28 if cls is MTSN else 42
    maps = np.random.default_rng(0).random((N - 5, size, size, 3)).astype(np.float16) * 0.2
    maps[26:40, : size // 2] += 0.7
    maps[86:130, size // 2 :] += 0.7
    common = ("d/s/v", SubjectKey("d", "s"), 30.0, N, TIMING, lambda chain: maps, None)
    return LabelledVideo(*common, expressions=expressions, labels=(None,) * len(expressions))


def targets(cls, **params):
    samples, _ = method(cls, **params).samples(METHODS[cls], [video(cls, MICRO, MACRO)], [])
    _, y = samples.__getitems__(range(len(samples)))
    return y[:, 0] if cls is MTSN else y  # beside the soft ones


@pytest.mark.parametrize("cls", METHODS)
def test_a_network_learns_each_kind_by_labels_of_its_own(cls):
    every = {"negatives": 100.0} if cls is MTSN else {"augmentation": False} if cls is SOFTNet else {}
    as_negative, as_class = targets(cls, **every), targets(cls, macro="class", **every)
    assert (as_negative.shape[1], as_class.shape[1]) == (1, 2)
    micro, macro = as_class.sum(0).tolist()
    assert macro > 2 * micro > 0 and not (as_class.sum(1) > 1).any()
    assert as_negative.sum() == (micro + macro if cls is MTSN else micro)  # MTSN's only score is of both kinds


@pytest.mark.parametrize("cls", METHODS)
def test_after_training_only_the_micro_expression_scores_higher_as_one(cls):
    own = method(cls, macro="class", **({"lr": 0.01} if cls is SOFTNet else {"lr": 0.003}))
    own.stage, one = METHODS[cls], video(cls, MICRO, MACRO)
    samples, _ = own.samples(own.stage, [one], [])
    optimizer = own.configure_optimizers()
    own.train()
    for layer in own.modules():  # moving statistics follow within the few steps
        layer.__dict__.update({"momentum": 0.2} if hasattr(layer, "momentum") else {})
    own.history.add = lambda *_: None
    own.__dict__["_trainer"] = None
    type(own).current_epoch = property(lambda _: 0)
    try:
        for _ in range(60):
            optimizer.zero_grad()
            own.training_step(samples.__getitems__(range(len(samples))), 0).backward()
            optimizer.step()
    finally:
        del type(own).current_epoch
    own.eval()
    scores, macro = own.score_frames(one), own.score_macro(one)
    assert scores.shape == (N, 1)
    assert np.nanmean(scores[30:40, 0]) > np.nanmean(macro[30:40])
    assert np.nanmean(scores[90:130, 0]) < np.nanmean(macro[90:130])


@pytest.mark.parametrize("cls", METHODS)
def test_what_scores_higher_as_a_macro_expression_is_dropped(cls):
    own, frames = method(cls, macro="class"), np.arange(N)
    scores = np.maximum(1 - np.abs(frames - 34) / 12, 1 - np.abs(frames - 110) / 12).clip(0)[:, None]
    macro = np.where(frames > 70, 0.9, 0.1) * scores.max()
    macro[-5:] = scores[-5:] = np.nan
    own.score_macro = lambda video: None
    both = own.propose(video(cls), scores)
    own.score_macro = lambda video: macro
    assert [p.onset < 34 < p.offset for p in both] == [True, False]
    assert own.propose(video(cls), scores) == both[:1]


@pytest.mark.parametrize("cls", METHODS)
def test_by_default_nothing_is_dropped_and_released_weights_know_no_such_class(cls, tmp_path):
    assert method(cls).score_macro(video(cls)) is None
    with pytest.raises(
        ConfigError, match=r"method\.macro=class is learnt, and method\.weights are of networks without it"
    ):
        cls.Params(macro="class", weights=tmp_path)
