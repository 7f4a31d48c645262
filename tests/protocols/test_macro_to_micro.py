"""Emotions are learnt from macro-expressions, and micro-expressions alone are named."""

from dataclasses import replace

import pytest

from mebench.config import resolve
from mebench.errors import ConfigError
from mebench.runner import make_plan, prepare

WORDS = (
    "method=logistic",
    "dataset=synthetic",
    "dataset.subjects=4",
    "dataset.videos=2",
    "dataset.macros=12",
    "protocol=macro_to_micro",
)


def of(video, kinds):
    """Its expressions of some kinds as micro-expressions."""
    return [replace(e, kind="micro") for e in video.expressions if e.kind in kinds]


@pytest.mark.parametrize(("train", "kinds"), [("macro", ("macro",)), ("both", ("micro", "macro"))])
def test_macro_to_micro_trains_on_macro_and_tests_on_all(train, kinds):
    plan = make_plan(resolve([*WORDS, f"protocol.train={train}"]))
    real = {video.key: video for video in plan.data.videos}
    shown = {e.kind for video in real.values() for e in video.expressions}
    assert shown == {"micro", "macro"}
    for fold in plan.data.folds:
        sides = plan.data.split_videos(fold)
        assert sides.test == [real[video.key] for video in sides.test]
        assert all(list(video.expressions) == of(real[video.key], kinds) for video in sides.train)
        assert {v.subject for v in sides.train}.isdisjoint({v.subject for v in sides.test})
    video = next(video for video in real.values() if len({e.kind for e in video.expressions}) == 2)
    assert set(prepare.clips_of(plan.data, video)) == {
        (e.onset, e.peak, e.offset) for e in video.expressions
    }  # all are stored


def test_make_plan_of_other_protocols_learns_micro():
    plan = make_plan(resolve([*WORDS[:-1], "protocol=loso"]))
    assert all(plan.data.with_learnt_kinds(video) is video for video in plan.data.videos)
    video = next(video for video in plan.data.videos if len({e.kind for e in video.expressions}) == 2)
    assert len(prepare.clips_of(plan.data, video)) == len(of(video, ("micro",)))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["dataset.macros=0"], "no training clip has a class of the scheme"),
        (["method=abpn"], "macro_to_micro"),
        (["protocol.train=micro"], "protocol.train"),
    ],
)
def test_macro_to_micro_refuses_in_one_sentence(words, reason):
    with pytest.raises(ConfigError, match=reason) as error:
        make_plan(resolve([*WORDS, *words]))
    assert "\n" not in str(error.value)
