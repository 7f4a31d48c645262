"""TSMSNet with one threshold for all videos: learnt on those held out, and nothing of a tested video enters it."""

import numpy as np
import pytest
import torch
from mebench.methods.tsmsnet import method as tsmsnet

from mebench.config import resolve
from mebench.core import Expression, LabelledVideo, SubjectKey, Task, Timing
from mebench.errors import ConfigError
from mebench.runner import identity

K = 12
TIMING = Timing(30.0, 3, {"micro": 6})


def method(one_per_video=False, **params):
    """Its scores are what the video's only chain says; nothing is joined but where it is asked for."""
    settings = {"width": 2.0, "segment": 6, "join": False, "threshold": "absolute"} | params
    own = tsmsnet.TSMSNet(tsmsnet.TSMSNet.Params(**settings), Task(frozenset({"spot"}), one_per_video=one_per_video))
    own.score_frames = lambda video: video.features("scores")
    return own


def video(peaks, *truths, n=120):
    """Scores of 0 but for peaks, by frame; the short maps of joining are empty."""
    scores, maps = np.zeros((n, 1)), np.zeros((n, 42, 42, 3), np.float16)
    for frame, height in peaks.items():
        scores[frame, 0] = height
    expressions = tuple(Expression(*truth) for truth in truths)
    common = ("d/s/v", SubjectKey("d", "s"), 30.0, n, TIMING, lambda chain: scores if chain == "scores" else maps, None)
    return LabelledVideo(*common, expressions, (None,) * len(truths))


def spans(own, one):
    return [(p.onset, p.apex, p.offset) for p in own.propose(one, one.features("scores"))]


def test_threshold_is_learnt_on_validation_people():
    low = video({40: 0.4, 90: 0.2}, (40 - K, 40 + K))
    high = video({40: 0.8, 90: 0.6}, (40 - K, 40 + K))
    own = method()
    assert own.levels() == {"micro": np.inf}, "before it is learnt"
    assert spans(own, high) == [], "before it is learnt"
    own.fit_closed_form([low], [high])
    assert own.levels() == {"micro": pytest.approx(0.7)} == {"micro": own.notes["threshold_micro"]}
    own.fit_closed_form([low], [])
    assert own.levels() == {"micro": pytest.approx(0.3)}
    assert tsmsnet.TSMSNet.holds_out(own.params)
    assert not tsmsnet.TSMSNet.holds_out(tsmsnet.TSMSNet.Params())


def test_threshold_gives_nothing_in_videos_without_high_score():
    own = method()
    quiet = video({30: 0.2, 80: 0.1})
    own.fit_closed_form([video({40: 0.8, 90: 0.6}, (40 - K, 40 + K))], [])
    assert spans(own, quiet) == []
    assert spans(method(threshold="relative"), quiet) == [(30 - K, 30, 30 + K)]
    assert spans(own, video({30: 0.9, 80: 0.8})) == [(30 - K, 30, 30 + K), (80 - K, 80, 80 + K)]
    short = method(one_per_video=True)
    assert spans(short, quiet) == [(30 - K, 30, 30 + K)], "in short videos the highest, whatever its height"


@pytest.mark.parametrize(
    ("anchor", "found"), [("paper", []), ("middle", [(40 - K // 2, 40 + K // 2, 40 + K + K // 2)])]
)
def test_threshold_judges_intervals_where_they_lie(anchor, found):
    """The expression begins at the peak: around it an interval is wrong, K/2 later right."""
    one = video({40: 0.8, 90: 0.2}, (40, 40 + 2 * K))
    own = method(anchor=anchor)
    own.fit_closed_form([one], [])
    assert spans(own, one) == found


def test_threshold_learnt_ignores_test_video():
    spots = frozenset({"spot"})
    assert (
        tsmsnet.TSMSNet.looks_at_test_video(spots, tsmsnet.TSMSNet.Params())
        == tsmsnet.TSMSNet.looks_at_test_video(spots)
        == "video"
    )
    assert tsmsnet.TSMSNet.looks_at_test_video(spots, tsmsnet.TSMSNet.Params(threshold="absolute")) == "none"


def test_threshold_joins_intervals_above_level():
    own = method(join=True)
    own.thresholds[:] = 0.5
    own.joining["micro"].register_forward_hook(lambda _, given, __: torch.tensor([[0.0, 1.0]] * len(given[0])))  # yes
    assert spans(own, video({30: 0.9, 60: 0.8, 90: 0.4})) == [(30 - K, 30, 60 + K)]


@pytest.mark.parametrize("threshold", ["relative", "absolute"])
def test_threshold_alone_lets_runs_share_training(threshold):
    words = ["method=tsmsnet", "dataset=synthetic", f"method.threshold={threshold}"]
    assert identity.has_reusable_training(resolve(words)) == (threshold == "relative")


def test_Params_refuse_other_thresholds():
    with pytest.raises(ConfigError, match=r"method\.threshold"):
        tsmsnet.TSMSNet.Params(threshold="fixed")
