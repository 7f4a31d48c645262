"""Frame scores become intervals by the paper's rule (MEAN, equations 11 and 12, section 3.4), read literally here."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, strategies as st
from scipy.signal import find_peaks

import mebench
from mebench.errors import ConfigError, DataError
from mebench.exchange import frame_scores
from mebench.exchange.frame_scores import read_frame_scores
from mebench.exchange.text_table import Remarks
from mebench.spotting import SMOOTHINGS, SpottingParams, spot

HEAD = "subject,video,frame,score\n"


def rows(scores, video="a", first=0, subject="1"):
    return "".join(f"{subject},{video},{first + i},{score}\n" for i, score in enumerate(scores))


def spotted(path, k_prime=None, short_videos=False, **how):
    remarks = Remarks()
    found = frame_scores.propose_intervals(
        read_frame_scores(path, remarks),
        k_prime or {"micro": 3, "macro": 3},
        SpottingParams(**how),
        remarks,
        short_videos,
    )
    return found.intervals, remarks


def literally(scores, k, p, first, rule):
    """Onset, apex and offset of every interval."""
    scores = np.asarray(scores)
    if rule == "paper":
        kept = np.array([scores[i - k : i + k + 1].mean() for i in range(k, len(scores) - k)])
        start, last = first + k, k - 1
    else:
        padded = np.pad(scores, k)
        kept = np.array([padded[i : i + 2 * k].sum() / (2 * k) for i in range(len(scores))])
        start, last = first, k
    if not len(kept):
        return []
    level = kept.mean() + p * (kept.max() - kept.mean())
    return [[start + i - k, start + i, start + i + last] for i in find_peaks(kept, height=level, distance=k)[0]]


@given(
    st.integers(0, 10_000),
    st.integers(1, 80),
    st.integers(1, 6),
    st.integers(-3, 9),
    st.sampled_from(["paper", "released_code"]),
)
def test_frame_scores_equals_the_paper_at_any_first_frame(tmp_path_factory, seed, n, k, first, rule):
    # Where every window holds the whole video, all averages are equal and rounding decides about peaks.
    assume(rule == "paper" or n > 2 * k)
    scores = np.random.default_rng(seed).normal(size=n)
    path = tmp_path_factory.mktemp("scores") / "s.csv"
    path.write_text(HEAD + rows(scores.tolist(), first=first))
    found, _ = spotted(path, k_prime={"micro": k}, p=0.55, rule=rule)
    assert found[["onset", "apex", "offset"]].values.tolist() == literally(scores, k, 0.55, first, rule)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_frame_scores_smooths_as_spot_does(write, smoothing):
    scores = np.random.default_rng(3).normal(size=60)
    found, _ = spotted(write(HEAD + rows(scores.tolist())), smoothing=smoothing)
    expected = spot(scores, 3, options=SpottingParams(smoothing=smoothing))
    assert found[["onset", "apex", "offset"]].values.tolist() == [[s.onset, s.apex, s.offset] for s in expected]


def test_frame_scores_ignores_order_of_rows(write):
    lines = (rows(np.sin(np.arange(60) / 4)) + rows(np.cos(np.arange(50) / 3), "b")).splitlines(keepends=True)
    shuffled = np.random.default_rng(0).permutation(lines)
    first, _ = spotted(write(HEAD + "".join(lines)))
    second, _ = spotted(write(HEAD + "".join(shuffled)))
    same = ["video", "onset", "apex", "offset", "confidence"]
    assert sorted(first[same].values.tolist()) == sorted(second[same].values.tolist())
    assert len(first) == 4


def test_frame_scores_takes_highest_peak_of_short_videos(write):
    scores = np.zeros(40)
    scores[[10, 30]] = 5, 6
    found, _ = spotted(write(HEAD + rows(scores)), short_videos=True)
    assert len(found) == 1
    assert 27 <= found["apex"][0] <= 33


def test_frame_scores_may_place_apex_behind_last_frame(write):
    scores = np.zeros(60)
    scores[56] = 1.0
    found, _ = spotted(write(HEAD + rows(scores)), k_prime={"micro": 12}, smoothing="none", anchor="middle")
    assert found[["onset", "apex", "offset", "line"]].to_numpy().tolist() == [[50, 62, 73, 61]]


def test_frame_scores_takes_widths_by_kind(write):
    bump = np.exp(-0.5 * ((np.arange(60) - 30) / 5) ** 2)
    lines = [f"1,a,{i},{s},{kind}\n" for kind in ("me", "mae") for i, s in enumerate(bump)]
    path = write("subject,video,frame,score,kind\n" + "".join(lines))
    found, _ = spotted(path, k_prime={"micro": 3, "macro": 8})
    assert found[["kind", "onset", "offset"]].values.tolist() == [["micro", 27, 32], ["macro", 22, 37]]
    with pytest.raises(ConfigError, match="add macro=N"):
        spotted(path, k_prime={"micro": 3})


def test_frame_scores_allows_missing_ends(write):
    bump = np.exp(-0.5 * ((np.arange(60) - 30) / 5) ** 2).astype(object)
    whole, _ = spotted(write(HEAD + rows(bump[:-4])))
    bump[-4:] = "nan"
    cut, remarks = spotted(write(HEAD + rows(bump)))
    assert whole["confidence"].tolist() == cut["confidence"].tolist()
    assert "4 frames at the ends of videos without a score" in remarks.warnings[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,a,0,1\n1,a,2,1\n", "line 3: video 'a' goes from frame 0 to 2: frames must follow each other"),
        ("1,a,0,1\n1,a,1,1\n1,a,0,2\n", "line 4: video 'a' has frame 0 twice \\(first on line 2\\)"),
        ("1,a,0,1\n1,a,1,nan\n1,a,2,1\n", "line 3: frame 1 of video 'a' has no score"),
        ("1,a,0,1\n1,a,1,high\n", "line 3: the score 'high' is not a number"),
        ("1,a,0,1\n1,a,0.5,1\n", "line 3: the frame 0.5 is not a whole frame number"),
        ("", "no row below its header"),
    ],
)
def test_read_frame_scores_refuses_other_rows_with_their_line(write, text, message):
    with pytest.raises(DataError, match=message):
        read_frame_scores(write(HEAD + text), Remarks())


def test_frame_scores_warns_of_videos_too_short(write):
    found, remarks = spotted(write(HEAD + rows([1, 2, 1])))
    assert found.empty
    assert "such as 1/a, shorter than the 2k' + 1 frames" in remarks.warnings[0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "never taken from the truth"),
        ("0", "at least 1, not '0'"),
        ("2.5", "whole number"),
        (6.0, "whole number of frames, at least 1, not 6.0"),
        ({"micro": 0}, "at least 1, not 0"),
        ("mirco=3", "unknown kind 'mirco'. Did you mean 'micro'"),
    ],
)
def test_half_lengths_refuses_wrong_widths(given, message):
    with pytest.raises(ConfigError, match=message):
        frame_scores.half_lengths(given)


def test_frame_scores_refuses_p_above_one():
    nothing = pd.DataFrame()
    with pytest.raises(ConfigError, match="--p must be between"):
        mebench.score(predictions=nothing, truth=nothing, what="frame scores", k_prime=3, p=1.5)
