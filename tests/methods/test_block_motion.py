"""The network over time on the motion of blocks: what a score sees, what it learns, and what the network alone gives."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from mebench.methods.block_motion.cut_out import MovingFilm, cut_expressions, pair_with_untouched
from mebench.methods.block_motion.method import CHAIN, BlockMotion
from mebench.methods.block_motion.network import make_courses, motion_against_usual, relative_motion
from mebench.methods.block_motion.windows import Added, MotionWindows, mirrored

from mebench.core import Expression, LabelledVideo, SubjectKey, Task, Timing
from mebench.errors import ConfigError, DataError
from mebench.training import fit

K = 3
TIMING = Timing(25.0, K, {"micro": 5, "macro": 20})
MICRO, MACRO = Expression(40, 49), Expression(90, 129, "macro")


AFFINE = {"blocks": 4, "head": "affine", "against_usual": True}
"""The head as an affine motion, and the motion of each block beside its usual one."""
SHARED = {"blocks": 4, "head": "affine", "network": "shared"}
"""The same filters at each block."""


def video(seed=0, expressions=(MICRO, MACRO), n=180, fps=25.0, blocks=3):
    """One block rises in micro-expressions, another goes aside in macro-expressions; the head and a camera's noise move all."""
    rng = np.random.default_rng(seed)
    flow = rng.normal(0, 0.03, (n - K, blocks, blocks, 2)) + rng.normal(0, 0.3, (n - K, 1, 1, 2))
    for e in expressions:
        flow[max(e.onset - 1, 0) : e.offset + 1, 0, 0 if e.kind == "micro" else 2, int(e.kind == "micro")] -= 1
    features = {CHAIN: flow.astype(np.float16)}
    timing = replace(TIMING, fps=fps)
    return LabelledVideo(
        f"d/s{seed}/v",
        SubjectKey("d", f"s{seed}"),
        fps,
        n,
        timing,
        features.__getitem__,
        None,
        tuple(expressions),
        (None, None),
    )


def method(kinds=("micro",), seed=0, **params):
    torch.manual_seed(seed)
    small = {"blocks": 3, "width": 8, "layers": 3, "window": 64} | params
    return BlockMotion(BlockMotion.Params(**small), Task(frozenset({"spot"}), kinds=kinds), seed).eval()


def test_BlockMotion_finds_in_others_what_it_learnt():
    own = method(("micro", "macro"), epochs=20, lr=0.02)
    fit(own, [video(seed) for seed in range(6)], [])
    own.eval()
    unseen = video(9, [Expression(70, 79), Expression(110, 149, "macro")])
    scores = own.score_frames(unseen)
    assert np.isnan(scores[-K:]).all()
    assert not np.isnan(scores[:-K]).any()
    found = {
        kind: max((p for p in own.propose(unseen, scores) if p.kind == kind), key=lambda p: p.confidence)
        for kind in own.task.kinds
    }
    assert 70 <= found["micro"].apex <= 79
    assert found["micro"].offset - found["micro"].onset < 20
    assert 110 <= found["macro"].apex <= 149
    assert {"threshold_micro", "threshold_macro"} <= set(own.notes)


@pytest.mark.parametrize(
    ("fps", "params"), [(25.0, {}), (30.0, {}), (200.0, {}), (25.0, AFFINE), (30.0, AFFINE), (25.0, SHARED)]
)
def test_score_reach_bounds_what_a_score_sees(fps, params):
    # which the network reads at each rate
    own = method(**params)
    frame = 304
    seen = video(fps=fps, n=600, blocks=own.params.blocks)
    before = own.score_frames(seen)
    reach = own.score_reach(seen.timing)
    seen.features(CHAIN)[frame] += 5 * np.random.default_rng(1).normal(size=seen.features(CHAIN)[frame].shape)
    changed = np.flatnonzero(np.nan_to_num(own.score_frames(seen) - before).any(1))
    assert frame - reach <= changed.min() < frame < changed.max() <= frame + reach
    if fps == 25:
        assert (changed.min(), changed.max()) == (frame - reach, frame + reach)


def test_score_frames_keeps_its_rate_at_any_frame_rate():
    """Every eighth frame of a film at 200 frames a second is a film at 25; motion counts by second."""
    own = method()
    fast = video(fps=200.0, n=803)
    flow = np.repeat(fast.features(CHAIN)[::8], 8, axis=0)[:800]
    fast.features(CHAIN)[:] = flow
    slow = video(n=103)
    slow.features(CHAIN)[:] = flow[::8][:100] * 8
    ours = own.score_frames(fast)[:800:8]
    np.testing.assert_allclose(ours[:100], own.score_frames(slow)[:100], atol=2e-3)


@pytest.mark.parametrize("params", [{}, AFFINE, SHARED])
def test_score_frames_of_a_mirrored_face_is_the_same(params):
    own = method(**params)
    face = video(blocks=own.params.blocks)
    other = video(blocks=own.params.blocks)
    other.features(CHAIN)[:] = face.features(CHAIN)[:, :, ::-1] * np.array([-1, 1])
    np.testing.assert_allclose(own.score_frames(other), own.score_frames(face), atol=1e-6)


@pytest.mark.parametrize("n", [3, 4, 5, 12])
def test_score_frames_takes_the_shortest_films(n):
    """A film shorter than the gap of a pair has no score, one pair has one."""
    scores = method().score_frames(video(n=n, expressions=()))
    assert np.isfinite(scores[: n - K]).all()
    assert np.isnan(scores[n - K :]).all()


def test_relative_motion_takes_off_the_median_block():
    blocks = np.random.default_rng(0).normal(size=(5, 9, 2)).astype(np.float32)
    median = np.median(blocks, axis=1)
    motion = relative_motion(torch.from_numpy(blocks)).numpy()
    np.testing.assert_allclose(motion[:, -2:], median, atol=1e-6)
    np.testing.assert_allclose(motion[:, :-2].reshape(5, 9, 2), blocks - median[:, None], atol=1e-6)


def test_relative_motion_takes_off_an_affine_head():
    """Blocks inside follow an affine motion, which is found whatever those at the edge do."""
    along = np.linspace(-1, 1, 6)
    rows, columns = np.meshgrid(along, along, indexing="ij")
    numbers = np.random.default_rng(0).normal(size=(5, 3, 2)).astype(np.float32)
    design = np.stack([np.ones_like(rows), columns, rows], axis=-1).reshape(36, 3)
    blocks = np.einsum("bi,tic->tbc", design, numbers).astype(np.float32)
    edge = (np.abs(rows) == 1) | (np.abs(columns) == 1)
    blocks[:, edge.ravel()] += 7
    motion = relative_motion(torch.from_numpy(blocks), "affine").numpy()
    np.testing.assert_allclose(motion[:, -6:].reshape(5, 3, 2), numbers, atol=1e-5)
    np.testing.assert_allclose(motion[:, :-6].reshape(5, 36, 2)[:, ~edge.ravel()], 0, atol=1e-5)


def test_motion_against_usual_counts_a_restless_block_less():
    random = torch.Generator().manual_seed(0)
    motion = torch.randn(1, 4, 400, generator=random) * torch.tensor([0.01, 0.01, 20.0, 20.0])[:, None]
    motion[0, ::2, 200] = 30.0
    seen = motion_against_usual(motion)[0, ::2, 200]
    usual = motion[0, :2, 163:238].square().sum(0).mean().add(1).sqrt()
    torch.testing.assert_close(seen[0], 2.5 * 30 / usual)
    assert seen[1] < seen[0] / 3


def test_MotionWindows_keep_labels_with_their_motion():
    """Where labels are 1, the first number of the motion is strong; in mirrored windows it stands at the right."""
    labels = (torch.arange(200) % 50 < 20).float()[None].repeat(2, 1)
    motion = torch.zeros(20, 200)
    motion[1] = 100 * labels[0]
    windows = MotionWindows([(motion, labels)], blocks=3, length=64, mixed=0.0)
    assert len(windows) == 4
    for index in range(20):
        seen, truth = windows[index]
        assert seen.shape == (20, 64)
        strong = seen[[1, 5]].amax(0)
        inside, outside = truth[0] == 1, truth[0] == 0
        assert strong[inside].min() > 40
        assert strong[outside].max() < 10


def test_make_courses_go_there_and_back_or_stay():
    """Each course has the length 1; the first of a pair ends where it began, the second moves one way."""
    courses = make_courses(25.0)
    torch.testing.assert_close(courses.square().sum(1), torch.ones(6))
    torch.testing.assert_close(courses[::2].sum(1), torch.zeros(3), atol=1e-6, rtol=0)
    assert courses[1::2].min() > -1e-6
    assert [int((course.abs() > 1e-6).sum()) for course in courses[1::2]] == [5, 9, 13]


def test_SharedBlocks_score_alike_wherever_on_the_face():
    """With places unknown, a movement of one inner block counts as much as the same of another."""
    own = method(**SHARED | {"blocks": 8}).members[0]
    own.places.zero_()
    scores = []
    for block in (3 * 8 + 3, 4 * 8 + 4):
        motion = torch.zeros(1, 2 * 64 + 6, 80)
        motion[0, 2 * block + 1, 40:50] = 20 * torch.sin(torch.arange(10) / 10 * 2 * torch.pi)
        scores.append(own(motion))
    torch.testing.assert_close(scores[0], scores[1])


def film_with_copy(seed=0):
    """A film with a micro-expression, the same without, and the motion that makes the difference."""
    blocks = 3
    touched, untouched = video(seed, [MICRO], blocks=blocks), video(seed, [], blocks=blocks)
    return [
        MovingFilm(one, relative_motion(torch.from_numpy(one.features(CHAIN).astype(np.float32)).flatten(1, 2)).T, torch.zeros(2, 177))
        for one in (touched, untouched)
    ]  # fmt: skip


def test_pair_with_untouched_finds_the_copy_of_a_film():
    touched, untouched = film_with_copy()
    other = film_with_copy(seed=1)[1]
    same_person = replace(other, video=replace(other.video, subject=touched.video.subject))
    assert pair_with_untouched([other, same_person, touched, untouched]) == [(touched, untouched)]
    assert pair_with_untouched([touched, same_person]) == []


def test_cut_expressions_leave_nothing_of_the_person():
    touched, untouched = film_with_copy()
    ((expression, frames, alone),) = cut_expressions(touched, untouched, rate=25.0)
    assert expression == MICRO
    assert frames.start <= MICRO.onset - K
    assert frames.stop > MICRO.offset
    outside = torch.ones(alone.shape[1], dtype=torch.bool)
    outside[MICRO.onset - 1 - frames.start : MICRO.offset + 1 - frames.start] = False
    assert alone[:, outside].abs().max() == 0
    assert alone[:2, ~outside].abs().max() > 0.9


def test_MotionWindows_add_micro_expressions_with_their_labels():
    """Of a person at rest, only what is added moves, where the labels say so; a window is at most 1.4 times as lively."""
    expression = (torch.full((20, 10), 100.0), torch.stack([torch.ones(10), torch.zeros(10)]))
    windows = MotionWindows([(torch.ones(20, 200), torch.zeros(2, 200))], 3, 64, 0.0, Added([expression], 2.0))
    seen, truths = zip(*(windows[0] for _ in range(30)))
    motion, labels = torch.stack(seen), torch.stack(truths)
    inside = labels[:, :1].expand_as(motion) == 1
    assert 0.1 < inside.float().mean() < 0.4
    assert motion[inside].abs().min() > 0.5 * 0.8 * 100 - 3
    assert motion[~inside].abs().max() < 3
    assert labels[:, 1].max() == 0


def test_samples_say_that_there_is_nothing_to_add():
    own = method(added=1.0)
    with pytest.raises(DataError, match="dataset=injected has, and there is none"):
        own.samples("spotting", [video()], [])


def test_BlockMotion_learns_from_added_expressions():
    """It never sees an expression in place, and finds one."""
    own = method(added=1.0, epochs=30, lr=0.02)
    training = [
        replace(video(seed, expressions), key=f"{seed}{len(expressions)}")
        for seed in range(4)
        for expressions in ([MICRO], [])
    ]
    fit(own, training, [])
    own.eval()
    scores = own.score_frames(video(9, [Expression(70, 79)]))
    assert 70 <= np.nanargmax(scores[:, 0]) <= 79


def test_MotionWindows_add_another_person_with_its_labels():
    films = [
        (torch.zeros(20, 128), torch.stack([torch.ones(128) * kind, torch.ones(128) * (1 - kind)])) for kind in (0, 1)
    ]
    windows = MotionWindows(films, blocks=3, length=64, mixed=1.0)
    sums = {tuple(windows[0][1].sum(1).tolist()) for _ in range(30)}
    assert sums == {(64.0, 0.0), (0.0, 64.0), (64.0, 64.0)}


def test_mirrored_twice_is_the_same():
    motion = torch.randn(2, 20, 7)
    torch.testing.assert_close(mirrored(mirrored(motion, 3), 3), motion)


@pytest.mark.parametrize("params", [{}, AFFINE, SHARED])
def test_exportable_gives_the_scores_of_a_film(params):
    own = method(("micro", "macro"), members=2, **params)
    film = video(blocks=own.params.blocks)
    network, _, names = own.exportable()
    assert names == ("score_micro", "score_macro")
    given = network(torch.from_numpy(film.features(CHAIN).astype(np.float32)))
    np.testing.assert_allclose(
        np.stack([scores.detach() for scores in given], 1), own.score_frames(film)[:-K], atol=1e-6
    )


def test_chains_need_no_landmarks():
    own = method(light="gain")
    chain = own.adjusted_chains(TIMING)[CHAIN]
    assert not chain.steps[0].needs_landmarks
    assert chain.steps[1].light == "gain"
    assert chain.steps[1].k == K


@pytest.mark.parametrize(
    "wrong",
    [
        {"blocks": 0},
        {"blocks": 3, "head": "affine"},
        {"network": "shared", "blocks": 3},
        {"against_usual": True, "network": "shared"},
        {"added": -1.0},
        {"layers": 11},
        {"members": 0},
        {"rate": 0},
        {"dropout": 1.0},
        {"mixed": 2.0},
        {"scales": (0.5,)},
        {"anchor": "middle"},
    ],
)
def test_Params_refuse_impossible_values(wrong):
    with pytest.raises(ConfigError, match=f"method.{next(iter(wrong))}"):
        BlockMotion.Params(**wrong)


def test_adjusted_chains_refuse_a_setting_without_effect():
    with pytest.raises(ConfigError, match="still=middle does nothing"):
        method(still="middle").adjusted_chains(TIMING)
