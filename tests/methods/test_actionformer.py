"""ActionFormer: its network, points and losses as the public program computes them, and a training that finds what moves."""

import importlib
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mebench.methods.actionformer import method as actionformer, network as net, points

from mebench.core import Expression, LabelledVideo, SubjectKey, Task, Timing
from mebench.errors import ConfigError
from mebench.training import fit
from tests.helpers.moving_brows import video
from tests.helpers.outside import outside

REACH = [(0, 4), (4, 8), (8, 16), (16, 32), (32, 64), (64, 10000)]


@pytest.fixture
def program(monkeypatch):
    """The public network with few channels, for two classes; its suppression of intervals is compiled code that nothing here needs."""
    root = outside("actionformer_release", "a clone of github.com/happyharrycn/actionformer_release")
    monkeypatch.syspath_prepend(str(root))
    for name in [name for name in sys.modules if name == "libs" or name.startswith("libs.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "libs.utils", SimpleNamespace(batched_nms=None))
    architectures = importlib.import_module("libs.modeling.meta_archs")
    train = {
        "center_sample": "radius", "center_sample_radius": 1.5, "loss_weight": 1.0, "cls_prior_prob": 0.01, "init_loss_norm": 100,
        "clip_grad_l2norm": 1.0, "head_empty_cls": [], "dropout": 0.0, "droppath": 0.1, "label_smoothing": 0.0,
    }  # fmt: skip
    names = (
        "pre_nms_thresh",
        "pre_nms_topk",
        "iou_threshold",
        "min_score",
        "max_seg_num",
        "duration_thresh",
        "multiclass_nms",
    )
    test = dict.fromkeys((*names, "nms_sigma", "voting_thresh"), 0.1) | {"nms_method": "none"}
    torch.manual_seed(0)
    return architectures.PtTransformer(
        "convTransformer", "identity", (2, 2, 5), 2, 24, 576, 6.0, 4, 19, 3, 32, True, 32, True, 0, 32, REACH, 3, 3, True, False, False, 2,
        train, test,
    )  # fmt: skip


BLOCK = (
    ("ln1.", "norms.0."), ("ln2.", "norms.1."), ("attn.proj.", "attention.out."), ("mlp.0.", "layers.0."), ("mlp.3.", "layers.2."),
    ("drop_path_attn.", "branches.0."), ("drop_path_mlp.", "branches.1."),
    *((f"attn.{name}_conv.conv.", f"attention.convolved.{i}.") for i, name in enumerate(("query", "key", "value"))),
    *((f"attn.{name}_norm.", f"attention.norms.{i}.") for i, name in enumerate(("query", "key", "value"))),
    *((f"attn.{name}.", f"attention.projected.{i}.") for i, name in enumerate(("query", "key", "value"))),
)  # fmt: skip
PARTS = (
    *((f"backbone.embd.{i}.conv.", f"embed.{i}.") for i in range(2)),
    *((f"backbone.embd_norm.{i}.", f"embed_norms.{i}.") for i in range(2)),
    *((f"neck.fpn_norms.{i}.", f"level_norms.{i}.") for i in range(6)),
    *(
        (f"{theirs}.{name}.{i}.{rest}", f"{ours}.{own}.{i}.")
        for theirs, ours in (("cls_head", "classes"), ("reg_head", "ends"))
        for name, rest, own in (("head", "conv.", "convs"), ("norm", "", "norms"))
        for i in range(2)
    ),
    ("cls_head.cls_head.conv.", "classes.last."),
    ("reg_head.offset_head.conv.", "ends.last."),
)


def renamed(weights):
    """The weights of the public network under the names of ours."""
    found = {"scales": torch.stack([weights[f"reg_head.scale.{level}.scale"] for level in range(6)])}
    for name, value in weights.items():
        if name.startswith(("reg_head.scale.", "point_generator")):
            continue
        if name.startswith(("backbone.stem.", "backbone.branch.")):
            _, where, number, rest = name.split(".", 3)
            theirs, ours = next(pair for pair in BLOCK if rest.startswith(pair[0]))
            new = f"blocks.{int(number) + 2 * (where == 'branch')}.{rest.replace(theirs, ours, 1)}"
        else:
            theirs, ours = next(pair for pair in PARTS if name.startswith(pair[0]))
            new = name.replace(theirs, ours, 1)
        norm = "norm" in new and value.dim() == 3
        found[new] = value.flatten() if norm else value
    return found


def drawn(seed, n=3, length=576):
    """Expressions of videos of several lengths."""
    rng = np.random.default_rng(seed)
    boxes, labels = torch.zeros(n, 6, 2), torch.full((n, 6), points.NONE)
    for i in range(n):
        for j in range(i * 3):
            first = float(rng.integers(0, 2 * (length - 100))) / 2
            boxes[i, j], labels[i, j] = torch.tensor([first, first + float(rng.uniform(3, 90))]), int(rng.integers(2))
    return boxes, labels


@torch.no_grad()
def test_IntervalPyramid_equals_public_program(program):
    program.eval()
    for weight in program.parameters():
        weight.normal_(0, 0.2)
    ours = net.IntervalPyramid(24, 32, 19).eval()
    ours.load_state_dict(renamed(program.state_dict()))
    x, there = torch.randn(2, 24, 576), torch.ones(2, 1, 576)
    there[1, :, 401:] = 0
    x = x * there
    features, masks = program.neck(*program.backbone(x, there.bool()))
    expected = [
        torch.cat(head(features, masks), dim=2).transpose(1, 2) for head in (program.cls_head, program.reg_head)
    ]
    scores, ends, present = ours(x, there)

    assert torch.equal(present > 0, torch.cat(masks, dim=2)[:, 0])
    torch.testing.assert_close(scores, expected[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(ends, expected[1], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_points_and_losses_equal_public_program(program, seed):
    boxes, labels = drawn(seed)
    classes, ends = points.of_points(boxes, labels, 576)
    levels = program.point_generator([torch.zeros(3, 1, 576 // 2**level) for level in range(6)])
    assert torch.equal(points.points(576)[0], torch.cat(levels)[:, 0])
    assert torch.equal(points.points(576)[2], torch.cat(levels)[:, 1:3])
    own = [(b[k >= 0], k[k >= 0]) for b, k in zip(boxes, labels, strict=True)]
    expected = program.label_points(levels, [b for b, _ in own], [k for _, k in own])
    positive = torch.stack(expected[0]).sum(-1) > 0
    assert positive.any()
    torch.testing.assert_close(classes, torch.stack(expected[0]))
    torch.testing.assert_close(ends[positive], torch.stack(expected[1])[positive])
    generator = torch.Generator().manual_seed(seed)
    scores, found = (torch.randn(3, len(points.points(576)[0]), 2, generator=generator) for _ in range(2))
    masks = torch.ones(3, scores.shape[1], dtype=torch.bool)
    masks[1, ::7] = False
    theirs = program.losses([masks], [scores], [found.abs()], [c.clone() for c in expected[0]], list(expected[1]))
    focal, misplaced, count = points.losses(scores, found.abs(), masks.float(), classes, ends)
    usual = 0.9 * 100 + 0.1 * max(int(count), 1)
    torch.testing.assert_close(focal / usual, theirs["cls_loss"], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(misplaced / usual, theirs["reg_loss"], atol=1e-5, rtol=1e-5)


def test_of_points_takes_shortest_expression_in_reach():
    boxes, labels = torch.tensor([[[0.0, 60.0], [20.0, 26.0]]]), torch.tensor([[1, 0]])
    classes, ends = points.of_points(boxes, labels, 64)
    where, strides, _ = points.points(64)
    near = (where == 23) & (strides == 1)
    assert classes[0, near].tolist() == [[1, 0]]
    assert ends[0, near].tolist() == [[3, 3]]
    coarse = (where == 32) & (strides == 16)
    assert classes[0, coarse].tolist() == [[0, 1]]
    assert ends[0, coarse].tolist() == [[2, 28 / 16]]
    assert classes[0, (where == 40) & (strides == 1)].sum() == 0


def test_IntervalPyramid_ignores_frames_beyond_video():
    torch.manual_seed(0)
    network = net.IntervalPyramid(4, 8, 5).eval()
    x, there = torch.randn(1, 4, 96), torch.zeros(1, 1, 96)
    there[..., :50] = 1
    with torch.no_grad():
        scores, _, present = network(x * there, there)
        shorter, _, _ = network((x * there)[..., :64], there[..., :64])
    at, at_shorter = points.points(96), points.points(64)
    for stride in (1, 4, 32):
        one = scores[0, (at[1] == stride) & (present[0] > 0)]
        two = shorter[0, at_shorter[1] == stride][: len(one)]
        torch.testing.assert_close(one, two, atol=1e-6, rtol=1e-5)


def test_parts_of_cuts_long_videos_and_Segments_fills_batches():
    parts = actionformer.parts_of(100, 64, [(10.0, 20.0, 0), (60.0, 70.0, 1)])
    assert [(first, last) for first, last, _ in parts] == [(0, 64), (32, 96), (36, 100)]
    assert [boxes for *_, boxes in parts] == [
        [(10, 20, 0)],
        [(28, 38, 1)],
        [(24, 34, 1)],
    ]  # a half lies inside, or nothing is learnt
    assert actionformer.parts_of(20, 64, [(3.0, 9.0, 0)]) == [(0, 20, [(3, 9, 0)])]
    series = [torch.arange(100.0)[:, None], torch.arange(20.0)[:, None]]
    batch = actionformer.Segments(series, [(0, *parts[0]), (1, 0, 20, [])]).__getitems__([1, 0])
    x, there, ends, labels = batch
    assert x.shape == (2, 64, 1)
    assert there.sum((1, 2)).tolist() == [20, 64]
    assert labels.tolist() == [[points.NONE], [0]]
    assert ends[1].tolist() == [[10, 20]]


SMALL = {"features": "motion", "segment": 128, "width": 16, "attention": 9, "batch_size": 4, "lr": 0.01}


def test_ActionFormer_learns_to_find_rising_and_falling_motion():
    torch.manual_seed(0)
    method = actionformer.ActionFormer(actionformer.ActionFormer.Params(epochs=15, **SMALL), Task(frozenset({"spot"})))
    fit(method, [video(seed, 20 + 9 * seed) for seed in range(8)], [])
    assert 0 < method.levels_learnt[0] < 1
    unseen = video(99, 50)
    scores = method.score_frames(unseen)
    best = max(method.propose(unseen, scores), key=lambda p: p.confidence)
    assert abs(best.onset - 50) <= 2
    assert abs(best.offset - 60) <= 2
    assert best.kind == "micro"
    assert scores.shape == (120, 1)
    assert scores[best.apex, 0] == best.confidence > scores[0, 0]


def test_ActionFormer_reads_i3d_features_of_every_other_frame():
    torch.manual_seed(0)
    rows = np.random.default_rng(0).random((46, 2048)).astype(np.float16)
    e = Expression(20, 32)
    timing = Timing(30.0, 3, {"micro": 6})
    one = LabelledVideo(
        "d/s/v", SubjectKey("d", "s"), 30.0, 100, timing, {"i3d": rows}.__getitem__, None, (e,), (None,)
    )
    method = actionformer.ActionFormer(
        actionformer.ActionFormer.Params(epochs=1, width=8, segment=64, threshold=0.5), Task(frozenset({"spot"}))
    )
    samples, _ = method.samples("pyramid", [one], [])
    assert samples.chosen[0][3] == [(8.0, 14.0, 0)]  # a row stands for the middle of its eight frames
    fit(method, [one], [])
    assert all(p.offset < 100 for p in method.propose(one, method.score_frames(one)))


@pytest.mark.parametrize(
    "wrong", [{"segment": 100}, {"width": 30}, {"attention": 8}, {"threshold": 1.5}, {"epochs": 0}, {"nms": 2.0}]
)
def test_Params_refuse_impossible_values(wrong):
    with pytest.raises(ConfigError, match=f"method.{next(iter(wrong))}"):
        actionformer.ActionFormer.Params(**wrong)
