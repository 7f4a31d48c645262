"""`macro=class`: networks that score windows learn macro-expressions too; where these score high, micro-expressions score lower."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from mebench.methods.mean import method as mean
from mebench.methods.mtsn import method as mtsn
from mebench.methods.softnet import method as softnet
from mebench.methods.tsmsnet import method as tsmsnet

from mebench import spotting
from mebench.core import Expression, LabelledVideo, SubjectKey, Task, Timing
from mebench.errors import ConfigError
from tests.helpers.nightly import by_day

N = 160
TIMING = Timing(30.0, 3, {"micro": 5})
MICRO, MACRO = Expression(30, 39, apex=34), Expression(90, 129, "macro", apex=110)
METHODS = {mean.MEAN: "spotting", softnet.SOFTNet: "micro", mtsn.MTSN: "scores", tsmsnet.TSMSNet: "micro"}


def method(cls, **params):
    torch.manual_seed(0)
    more = {"segment": 6, "join": False} if cls is tsmsnet.TSMSNet else {}
    return cls(cls.Params(**more, **params), Task(frozenset({"spot"}))).eval()


def video(cls, *expressions):
    """Maps of noise; while somebody moves, a micro-expression's upper half is bright, a macro-expression's lower half."""
    size = 28 if cls is mtsn.MTSN else 42
    maps = np.random.default_rng(0).random((N - 5, size, size, 3)).astype(np.float16) * 0.2
    maps[26:40, : size // 2] += 0.7
    maps[86:130, size // 2 :] += 0.7
    common = ("d/s/v", SubjectKey("d", "s"), 30.0, N, TIMING, lambda chain: maps, None)
    return LabelledVideo(*common, expressions=expressions, labels=(None,) * len(expressions))


def targets(cls, **params):
    samples, _ = method(cls, **params).samples(METHODS[cls], [video(cls, MICRO, MACRO)], [])
    _, y = samples.__getitems__(range(len(samples)))
    return y[:, 0] if cls is mtsn.MTSN else y  # beside the soft ones


@pytest.mark.parametrize("cls", METHODS)
def test_macro_class_gives_each_kind_its_labels(cls):
    every = {mtsn.MTSN: {"negatives": 100.0}, softnet.SOFTNet: {"augmentation": False, "negatives": 1.0}}.get(cls, {})
    as_negative, as_class = targets(cls, **every), targets(cls, macro="class", **every)
    assert (as_negative.shape[1], as_class.shape[1]) == (1, 2)
    micro, macro = as_class.sum(0).tolist()
    assert macro > 2 * micro > 0
    assert not (as_class.sum(1) > 1).any()
    assert as_negative.sum() == (micro + macro if cls is mtsn.MTSN else micro)  # MTSN's only score is of both kinds


@pytest.mark.parametrize("cls", [mean.MEAN, softnet.SOFTNet, tsmsnet.TSMSNet])  # MTSN's only score is of both kinds
def test_samples_keep_micro_frames_and_labels_with_macro_class(cls):
    few = {softnet.SOFTNet: {"augmentation": False}, mean.MEAN: {"ratio": 1.0}}.get(cls, {"negatives": 1.0})
    one, two = (
        method(cls, macro=macro, **few).samples(METHODS[cls], [video(cls, MICRO, MACRO)], [])[0]
        for macro in ("negative", "class")
    )
    (x, y), (same, both) = (samples.__getitems__(range(len(samples))) for samples in (one, two))
    assert torch.equal(x, same)
    assert torch.equal(y[:, 0], both[:, 0])


@pytest.mark.parametrize("cls", by_day(METHODS, mtsn.MTSN, softnet.SOFTNet))
def test_training_step_raises_micro_scores_only(cls):
    own = method(cls, macro="class", lr={softnet.SOFTNet: 0.01, mtsn.MTSN: 0.0005}.get(cls, 0.003))
    own.stage = METHODS[cls]
    one = video(cls, MICRO, MACRO)
    samples, _ = own.samples(own.stage, [one], [])
    optimizer = own.configure_optimizers()
    own.train()
    for layer in own.modules():  # moving statistics follow within the few steps
        layer.__dict__.update({"momentum": 0.2} if hasattr(layer, "momentum") else {})
    own.history.add = lambda *_: None
    own.__dict__["_trainer"] = None
    type(own).current_epoch = property(lambda _: 0)
    try:
        for step in range(60 if cls is mean.MEAN else 40):
            optimizer.zero_grad()
            own.training_step(samples.__getitems__(range(step % 3, len(samples), 3)), 0).backward()
            optimizer.step()
    finally:
        del type(own).current_epoch
    own.eval()
    scores = own.score_frames(one)

    assert scores.shape == (N, 1)
    assert np.nanmean(scores[30:40]) > 0.3 > 0 > np.nanmean(scores[90:130])


@given(st.integers(1, 60), st.integers(1, 6), st.integers(0, 99))
def test_less_macro_takes_off_mean_of_neighbourhood(n, k_prime, seed):
    scores = np.random.default_rng(seed).random((n, 2))
    scores[n - n // 4 :] = np.nan
    found = spotting.less_macro(scores, k_prime)[:, 0]
    for frame in range(n):
        near = scores[max(frame - 3 * k_prime, 0) : frame + 3 * k_prime + 1, 1]
        expected = scores[frame, 0] - near[~np.isnan(near)].mean() if not np.isnan(scores[frame, 0]) else np.nan
        assert found[frame] == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("cls", METHODS)
def test_released_weights_refuse_macro_class(cls, tmp_path):
    with pytest.raises(
        ConfigError, match=r"method\.macro=class is learnt, and method\.weights are of networks without it"
    ):
        cls.Params(macro="class", weights=tmp_path)
