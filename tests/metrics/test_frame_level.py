import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st
from sklearn.metrics import roc_auc_score

from mebench.metrics import Tables, frame_auc, frame_scores
from mebench.metrics.summary import summarize
from tests.helpers.plain_rules import rows, tables


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_frame_auc_equals_scikit_learn(frames: list[tuple[int, bool]]) -> None:
    scores, truth = (np.array(column) for column in zip(*frames))
    if len(set(truth.tolist())) == 2:
        assert frame_auc(scores, truth) == pytest.approx(roc_auc_score(truth, scores))
    else:
        assert np.isnan(frame_auc(scores, truth))


def test_frame_auc_leaves_out_frames_without_score() -> None:
    assert frame_auc([np.nan, 0.2, 0.8, np.nan], [1, 0, 1, 0]) == 1


@pytest.mark.parametrize("seed", range(3))
def test_frame_auc_weights_are_copies_of_units(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 9, 60).astype(float)
    truth = rng.random(60) < 0.3
    unit = rng.integers(0, 4, 60)
    weights = np.array([[1.0, 1, 1, 1], [2, 0, 1, 3], [0, 0, 0, 0]])
    values = frame_scores.weighted_frame_auc(scores, truth, unit, weights)
    for row, value in zip(weights[:2], values):
        times = row[unit].astype(int)
        assert value == pytest.approx(roc_auc_score(np.repeat(truth, times), np.repeat(scores, times)))
    assert np.isnan(values[2])


def test_frame_truth_holds_onset_and_offset() -> None:
    frames = pd.DataFrame({"video": ["b", "a", "a", "a", "a"], "frame": [3, 2, 3, 4, 5]})
    truths = pd.DataFrame({"video": ["a", "c"], "onset": [3, 0], "offset": [4, 9]})
    assert frame_scores.frame_truth(frames, truths).tolist() == [False, False, True, True, False]


def test_summarize_scores_frames_of_each_kind() -> None:
    run = tables([rows("d/1/a", [(2, 3)]), rows("d/1/a", [(0, 0)], kind="macro")], [], ["d/1/a", "d/2/b"])
    line = pd.DataFrame({"video": "d/1/a", "kind": "micro", "frame": range(5), "score": [0.1, 0.5, 0.9, 0.2, np.nan]})
    other = pd.DataFrame({"video": "d/2/b", "kind": "micro", "frame": range(2), "score": [0.15, 0.05]})
    scored = Tables(run.videos, run.truths, run.predictions, frame_scores=pd.concat([other, line]))
    found = summarize(scored, kinds=["micro", "macro"], classes=[], seed=0, draws=0)["spotting"]
    expected = roc_auc_score([0, 0, 1, 1, 0, 0], [0.1, 0.5, 0.9, 0.2, 0.15, 0.05])
    assert found["micro"]["details"]["frames"]["auc"]["value"] == pytest.approx(expected)
    assert "frames" not in found["macro"]["details"]
