"""The score of an epoch of a leaking run, beside frames counted one by one and answers counted one by one."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mebench.core import Expression, Prediction, Scheme, Task, Video, peaks
from mebench.errors import PluginError
from mebench.runner import FittedMethod, host
from mebench.runner.fold import epoch_answers

STAGES = (SimpleNamespace(name="spot"), SimpleNamespace(name="recognize"))


class Trained(torch.nn.Module):
    """Two stages, the second under way."""

    stage = "recognize"

    def stages(self):
        return STAGES


def video(*expressions, name="v1"):
    return Video("toy", "1", name, 30.0, 100, expressions)


def fitted(*, spots=(), tasks=("spot",), kinds=("micro",), answers=()):
    """A method that spots these intervals in each video, and answers these classes."""
    scheme = Scheme.native(("fear", "disgust"))
    return SimpleNamespace(
        method=Trained(),
        task=Task(frozenset(tasks), kinds),
        job=SimpleNamespace(scheme=scheme),
        views=SimpleNamespace(hide_labels=lambda video: video),
        frame_scores=lambda _: None,
        propose=lambda view, _: [Prediction(view.key, kind, on, on, off, 1.0) for kind, on, off in spots],
        class_scores=lambda clips: np.eye(2)[list(answers)],
        clips_to_classify=lambda: answers,
    )


def epoch_score(judged, videos):
    """What the host makes of the answers for some videos."""
    judged.job.test = videos
    answers, names = epoch_answers(judged)
    return (
        host.clip_accuracy(judged.job.scheme, videos, answers)
        if names
        else host.interval_f1(judged.task, videos, answers)
    )


def frames(onset, offset):
    return set(range(onset, offset + 1))


def test_epoch_answers_find_a_truth_by_half_of_frames():
    """All intervals around a truth of ten frames: intersection over union from the frames themselves."""
    truth = frames(10, 19)
    for onset in range(30):
        for offset in range(onset, 30):
            spotted = frames(onset, offset)
            expected = len(spotted & truth) / len(spotted | truth) >= 0.5
            found = epoch_score(fitted(spots=[("micro", onset, offset)]), [video(Expression(10, 19))])
            assert found == float(expected), (onset, offset)


@pytest.mark.parametrize(
    ("spots", "f1"),
    [
        ([], 0.0),
        ([("micro", 10, 19)], 2 / 3),  # one of two truths, nothing else
        ([("micro", 10, 19), ("micro", 40, 49)], 1.0),
        ([("micro", 10, 19), ("micro", 70, 79)], 2 / 4),
        ([("micro", 10, 19), ("micro", 11, 19)], 2 / 4),  # twice the same truth: found once, spotted twice
        ([("macro", 10, 19)], 0.0),  # another kind finds nothing
    ],
)
def test_epoch_answers_f1_counts_each_truth_once(spots, f1):
    truths = video(Expression(10, 19), Expression(40, 49))
    assert epoch_score(fitted(spots=spots), [truths]) == pytest.approx(f1)


def test_epoch_answers_f1_is_pooled_over_videos_and_kinds():
    videos = [video(Expression(10, 19)), video(Expression(60, 99, "macro"), name="v2")]
    spots = [("micro", 10, 19), ("macro", 60, 99)]  # in both videos
    assert epoch_score(fitted(spots=spots, kinds=("micro", "macro")), videos) == 2 * 2 / (4 + 2)
    assert epoch_score(fitted(spots=spots[:1]), videos) == 2 * 1 / (2 + 1)
    assert epoch_score(fitted(), []) == 0.0


def test_epoch_answers_of_last_stage_score_its_emotions():
    """Micro-expressions that the scheme scores; the others are not asked for."""
    clips = video(
        Expression(10, 19, emotion="fear"),
        Expression(30, 39, emotion="others"),
        Expression(50, 59, "macro", emotion="fear"),
        Expression(70, 79, emotion="disgust"),
        Expression(90, 99, emotion="fear"),
    )
    both = fitted(tasks=("spot", "recognize"), answers=(0, 1, 1))
    assert epoch_score(both, [clips]) == pytest.approx(2 / 3)
    both.method.stage = "spot"
    assert epoch_score(both, [clips]) == 0.0  # F1: nothing is spotted
    assert epoch_score(fitted(tasks=("recognize",), answers=(1, 1, 1)), [clips]) == pytest.approx(1 / 3)
    assert epoch_score(fitted(tasks=("recognize",)), [video(Expression(10, 19, emotion="others"))]) == 0.0


def test_epoch_answers_leave_method_and_generators():
    method = fitted().method
    method.add_module("part", torch.nn.Dropout())
    method.part.eval()
    states = np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()

    def propose(*_):
        assert not method.training
        assert not torch.is_grad_enabled()
        np.random.rand(), torch.rand(1)
        return []

    judged = fitted()
    judged.method, judged.propose = method, propose
    judged.job.test = [video()]
    epoch_answers(judged)
    assert method.training
    assert not method.part.training
    assert torch.is_grad_enabled()
    assert (np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()) == states


@pytest.mark.parametrize(
    ("kind", "first", "n"), [("micro", 95, 6), ("micro", -1, 3), ("macro", 0, 3), ("micro", 3, 97), ("micro", 0, 0)]
)
def test_FittedMethod_propose_keeps_curves_inside_their_video(kind, first, n):
    curves = {"micro": peaks.Curve(0, np.ones(3), 0.5)}  # of the video before
    plugin = SimpleNamespace(
        curves=curves, propose=lambda *_: curves.update({kind: peaks.Curve(first, np.ones(n), 0.5)}) or []
    )
    judged = SimpleNamespace(method=plugin, task=Task(frozenset({"spot"}), ("micro",)), _name="method 'x'")
    view = SimpleNamespace(key="toy/1/v1", n_frames=100)
    if kind == "micro" and 0 <= first <= 100 - n:
        assert FittedMethod.propose(judged, view, None) == []
        assert list(curves) == [kind]
    else:
        with pytest.raises(PluginError, match=f"kept a curve of '{kind}' from frame {first} to {first + n}"):
            FittedMethod.propose(judged, view, None)
