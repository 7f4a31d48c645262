"""LGSNet: its network and losses as the public program computes them, and a training that finds what moves."""

import importlib.util
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from mebench.methods.lgsnet import method as lgsnet, network, windows
from mebench.methods.lgsnet.boxes import NONE, anchors, loss_of_anchors, loss_of_points, of_anchors, of_points, points

from mebench.core import Expression, LabelledVideo, SubjectKey, Task, Timing
from mebench.errors import ConfigError
from mebench.training import fit
from tests.helpers.moving_brows import video
from tests.helpers.outside import outside

CONFIG = SimpleNamespace(
    DATASET=SimpleNamespace(DATASET_NAME="cas(me)^2", NUM_CLASSES=2, WINDOW_SIZE=128, SAMPLE_STRIDE=2),
    MODEL=SimpleNamespace(
        IN_FEAT_DIM=48, BASE_FEAT_DIM=32, REDU_CHA_DIM=32, HEAD_DIM=16, HEAD_LAYERS=2, NUM_LAYERS=4, LAYER_DIMS=[32, 32, 64, 64],
        LAYER_STRIDES=[1, 2, 2, 2], ASPECT_RATIOS=[0.5, 0.75, 1, 1.5, 2], TEMPORAL_LENGTH=[16, 8, 4, 2], TEMPORAL_STRIDE=[8, 16, 32, 64],
        NORM_ON_BBOX=True, RECEPTIVE_FUSION=[16], INHIBITION_INTERVAL=[16], GLOBAL_ENHANCEMENT=[], DROP_THRESHOLD=0.45, HEADS=8,
    ),
    TRAIN=SimpleNamespace(
        FG_TH=0.5, BG_TH=0.4, REGRESS_RANGES=[[0, 10], [8, 32], [16, 64], [64, 128]], CENTER_SAMPLING=False, ALPHA=[[0.25, 0.25]],
        ENHANCE_FLAG=0, ENHANCE_TIMES=4, BETA_SEPARATE=True, BETA_AB_LOC=1.0, BETA_AB_LEN=1.0, ANCHOR_BASED_LOSS_FLAG=0,
    ),
)  # fmt: skip
"""The authors' settings for CAS(ME)², with fewer channels."""
PARTS = (
    ("features.base_feature_net.conv1", "stem.0"),
    ("features.base_feature_net.conv2", "stem.1"),
    *((f"features.convs.{i}.0", f"levels.{i}") for i in range(4)),
    ("features.fuse.0.enhance.0.cb.0", "fine.0"),
    ("features.fuse.0.enhance.1", "fine.1"),
    ("features.fuse.0.base.0.cb.0", "coarse.0"),
    ("features.fuse.0.base.0.cb.1", "coarse.1"),
    ("features.fuse.0.base.1", "coarse.2"),
    ("features.fuse.0.fuse", "fuse"),
    *((f"loc_net.reduce_channels.convs.{i}", f"reduce.{i}") for i in range(4)),
    *((f"loc_net.pred.head_branches.{b}.convs.{i}", f"branches.{b}.{2 * i}") for b in range(4) for i in range(2)),
    *((f"loc_net.pred.pred_heads.{b}", f"branches.{b}.4") for b in range(4)),
)
INSIDE = (
    ("theta", "key"), ("phi", "query"), ("g", "value"), ("wl", "local"), ("wg", "whole"), ("conv1", "first"), ("conv2", "second"),
    ("ln1", "norms.0"), ("ln2", "norms.1"),
)  # fmt: skip
GATED = (("conv3.", "wide."), ("conv1.", "point."), ("se.bn.", "norm."), ("se.conv2.0.", "gate."))


def public(name):
    """A file of the public program, which takes a GPU for granted."""
    root = outside("LGSNet", "a clone of github.com/williamlee91/LGSNet") / "LGSNet" / "lib"
    spec = importlib.util.spec_from_loader(name, loader=None)
    module = importlib.util.module_from_spec(spec)
    code = (root / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8").replace(".cuda()", "")
    exec(compile(code, name, "exec"), module.__dict__)
    return module


@pytest.fixture
def program(monkeypatch):
    """Its modules by name, under which they import each other."""
    monkeypatch.setitem(sys.modules, "core", ModuleType("core"))
    for name in ("core.utils_ab", "core.utils_af", "core.utils_box", "core.ab_match", "core.loss"):
        monkeypatch.setitem(sys.modules, name, public(name))
    return SimpleNamespace(
        **{name: sys.modules[f"core.{name}"] for name in ("utils_af", "utils_box", "ab_match", "loss")}
    )


def renamed(weights):
    """The weights of the public network under the names of ours."""
    found = {}
    for name, value in weights.items():
        if name.startswith("loc_net.pred.lgf."):
            inner, _, last = name.removeprefix("loc_net.pred.lgf.").rpartition(".")
            found[f"neighbours.{dict(INSIDE)[inner]}.{last}"] = value
            continue
        theirs, ours = max((pair for pair in PARTS if name.startswith(f"{pair[0]}.")), key=lambda pair: len(pair[0]))
        rest = name.removeprefix(f"{theirs}.")
        rest = next((rest.replace(a, b, 1) for a, b in GATED if rest.startswith(a)), rest)
        found[f"{ours}.{rest}"] = value
    return {name: value for name, value in found.items() if name.split(".norm.")[0] not in ("coarse.1", "fuse")}


@torch.no_grad()
def test_PyramidDetector_equals_public_program(monkeypatch):
    unused = {
        "rearrange": None,
        "repeat": None,
        "reduce": None,
        "Rearrange": None,
    }  # by the parts that these settings leave out
    for name in ("einops", "einops.layers", "einops.layers.torch"):
        monkeypatch.setitem(sys.modules, name, SimpleNamespace(**unused))
    torch.manual_seed(0)
    theirs = public("models.a2net").A2Net(CONFIG).eval()
    for weight in theirs.parameters():
        weight.normal_(0, 0.1)
    ours = network.PyramidDetector(48, 64, 32).eval()
    x = torch.randn(3, 48, 64)
    ours.load_state_dict(renamed(theirs.state_dict()))
    (scores, ends), levels = theirs(x)

    found = ours(x)
    torch.testing.assert_close(found[0], scores, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found[1], ends, atol=1e-5, rtol=1e-5)
    expected = torch.cat(levels, dim=1)
    torch.testing.assert_close(found[2], expected[..., :2], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found[3], expected[..., 2:], atol=1e-5, rtol=1e-5)


def drawn(seed=0, n=6):
    """Intervals of windows, and answers of a network."""
    rng = np.random.default_rng(seed)
    boxes, labels = torch.zeros(n, 4, 2), torch.full((n, 4), NONE)
    for i in range(n):
        for j in range(1 + i % 4):
            first = rng.uniform(0, 100)
            boxes[i, j] = torch.tensor([first, min(first + rng.uniform(6, 60), 128)])
            labels[i, j] = 0 if i == 0 else 1 + (i + j) % 2
    generator = torch.Generator().manual_seed(seed)
    made = [torch.randn(n, count, 2, generator=generator) for count in (30, 30, 150, 150)]
    return boxes, labels, made[0], made[1].abs(), made[2], made[3] / 4


@pytest.mark.parametrize("seed", range(4))
def test_losses_equal_public_program(program, seed):
    boxes, labels, scores, ends, sure, moves = drawn(seed)
    counts = (labels != NONE).sum(1)
    classes, distances, strides = program.utils_af.get_targets_af(CONFIG, boxes, labels.clamp(min=0), counts)
    own = of_points(boxes, labels, 128)
    torch.testing.assert_close(own[0], classes)
    torch.testing.assert_close(own[1], distances)
    places = [program.utils_box.reg2loc(CONFIG, part) for part in (distances, ends)]
    cls, reg = program.loss.loss_function_af(classes, scores, *places, strides, distances, CONFIG)
    torch.testing.assert_close(loss_of_points(scores, ends, *own, 4.0), cls + reg, atol=1e-5, rtol=1e-5)
    answers = torch.cat([sure, moves], dim=-1)
    parts = []
    first = 0
    for level, count in enumerate((80, 40, 20, 10)):
        level_answers = answers[:, first : first + count]
        parts.append(program.ab_match.anchor_bboxes_encode(CONFIG, level_answers, labels, boxes, counts, level))
        first += count
    x, w, best, matched, at, wide, shift, grow, named = (torch.cat(part, dim=1) for part in zip(*parts, strict=True))
    torch.testing.assert_close(of_anchors(boxes, labels, 128)[0], best)
    cls, reg = program.loss.loss_function_ab(at, wide, shift, grow, named, x, w, best, matched, CONFIG)
    found = loss_of_anchors(sure, moves, *of_anchors(boxes, labels, 128))
    torch.testing.assert_close(found, cls + reg, atol=1e-5, rtol=1e-5)


def test_points_and_anchors_lie_at_their_levels():
    where, strides, reach = points(128)
    assert where.tolist()[:3] + where.tolist()[16:18] + where.tolist()[-2:] == [4, 12, 20, 8, 24, 32, 96]
    assert strides.tolist() == [8] * 16 + [16] * 8 + [32] * 4 + [64] * 2
    assert reach[-1].tolist() == [64, 128]
    middles, widths = anchors(128)
    assert middles.tolist()[:6] == [4] * 5 + [12]
    assert widths.tolist()[:5] == [4, 6, 8, 12, 16]


def test_of_points_takes_shortest_expression_in_reach():
    boxes = torch.tensor([[[0.0, 60.0], [8.0, 20.0]]])
    classes, ends = of_points(boxes, torch.tensor([[1, 2]]), 128)
    at = points(128)[0]
    first = int((at[:16] == 12).nonzero())
    assert classes[0, first] == 2
    assert ends[0, first].tolist() == [0.5, 1.0]
    assert set(classes[0, 24:28].tolist()) == {0, 1}  # the long one, at strides of 32


def test_windows_hold_expressions_or_negative_interval():
    rng = np.random.default_rng(0)
    boxes = [[(100.0, 110.0, 2), (250.0, 330.0, 1)], []]
    chosen = windows.choose(boxes, [600, 500], 128, 3.0, rng)

    inside = [(first, found) for number, first, found in chosen if found[0][2]]
    assert {number for number, _, _ in chosen} == {0}  # as there: none of a video without expressions
    for first, found in inside:
        assert found == windows.held(boxes[0], first, 128)
        assert first in windows.firsts(600, 128, 32)

    others = [found for _, _, found in chosen if not found[0][2]]
    assert 0 < len(others) <= 3 * len(inside)
    assert all(len(found) == 1 for found in others)
    lengths = [b - a for a, b, _ in (windows.no_expression(rng, 128) for _ in range(2000))]
    assert min(lengths) > 11.99
    assert max(lengths) <= 128
    assert 0.7 < np.mean(np.array(lengths) < 36) < 0.8

    series = [torch.arange(40.0)[:, None]]
    x, ends, labels = windows.Windows(
        series, [(0, 0, [(3.0, 9.0, 2)]), (0, 32, [(1.0, 5.0, 1), (7.0, 8.0, 2)])], 64
    ).__getitems__([1, 0])
    assert x[0, :, 0].tolist() == [*range(16, 40), *[39.0] * 8]
    assert ends.shape == (2, 2, 2)
    assert labels.tolist() == [[1, 2], [2, NONE]]


SMALL = {"features": "motion", "window": 64, "width": 32, "background": 1.0, "batch_size": 4, "lr": 0.004}


def test_LGSNet_learns_to_find_rising_and_falling_motion():
    torch.manual_seed(0)
    method = lgsnet.LGSNet(lgsnet.LGSNet.Params(epochs=30, **SMALL), Task(frozenset({"spot"})))
    fit(method, [video(seed, 20 + 9 * seed) for seed in range(8)], [])
    assert 0 < method.levels_learnt[0] < 1
    unseen = video(99, 50)
    scores = method.score_frames(unseen)
    best = max(method.propose(unseen, scores), key=lambda p: p.confidence)
    assert abs(best.onset - 50) <= 3
    assert abs(best.offset - 60) <= 3
    assert best.kind == "micro"
    assert scores.shape == (120, 1)
    assert scores[best.apex, 0] == best.confidence > scores[0, 0]


def test_LGSNet_reads_i3d_features_of_every_other_frame():
    torch.manual_seed(0)
    rows = np.random.default_rng(0).random((46, 2048)).astype(np.float16)
    e = Expression(20, 32)
    timing = Timing(30.0, 3, {"micro": 6})
    one = LabelledVideo(
        "d/s/v", SubjectKey("d", "s"), 30.0, 100, timing, {"i3d": rows}.__getitem__, None, (e,), (None,)
    )
    method = lgsnet.LGSNet(lgsnet.LGSNet.Params(epochs=1, width=16, threshold=0.5), Task(frozenset({"spot"})))
    assert "dataset.layout=lgsnet" in method.chains(timing)["i3d"].advice
    fit(method, [one], [])
    assert method.levels_learnt.tolist() == [0.5, 0.5]
    assert all(p.offset < 100 for p in method.propose(one, method.score_frames(one)))


def test_LGSNet_holds_people_out_only_for_threshold():
    assert lgsnet.LGSNet.holds_out(lgsnet.LGSNet.Params())
    assert not lgsnet.LGSNet.holds_out(lgsnet.LGSNet.Params(threshold=0.3))


@pytest.mark.parametrize(
    "wrong", [{"window": 100}, {"width": 20}, {"threshold": 1.5}, {"background": -1.0}, {"epochs": 0}, {"nms": 2.0}]
)
def test_Params_refuse_impossible_values(wrong):
    with pytest.raises(ConfigError, match=f"method.{next(iter(wrong))}"):
        lgsnet.LGSNet.Params(**wrong)
