"""Scores of any program's predictions from Python: from files as from data frames, and as the command gives them."""

import io
import json
import re

import numpy as np
import pandas as pd
import pytest

import mebench
from mebench.errors import ConfigError, DataError, RunError
from tests.exchange.conftest import PREDICTIONS, TRUTH, score  # noqa: F401
from tests.helpers.run_folders import make_run


def frame(text):
    return pd.read_csv(io.StringIO(text), dtype={"subject": str})


def test_score_of_files_and_frames_equals_the_command(score, tmp_path):  # noqa: F811
    for name, text in (("truth.csv", TRUTH), ("mine.csv", PREDICTIONS)):
        (tmp_path / name).write_text(text)
    theirs = score("--truth", tmp_path / "truth.csv", "--predictions", tmp_path / "mine.csv")
    of_files = mebench.score(predictions=tmp_path / "mine.csv", truth=str(tmp_path / "truth.csv"), bootstrap=0)
    of_frames = mebench.score(predictions=frame(PREDICTIONS), truth=frame(TRUTH), bootstrap=0)
    assert json.loads(json.dumps(of_files.summary)) == theirs
    assert of_frames.summary == of_files.summary
    assert of_frames.scores.loc["spotting.micro.f1", "value"] == pytest.approx(2 / 8)
    assert len(of_frames.predictions) == 4
    assert len(of_frames.truth) == 4
    assert "columns" not in of_frames.title
    assert of_frames.title == "intervals of the predictions beside the truth"
    cells = re.findall(r"<td>spotting, micro: F1</td><td[^>]*>(.*?)</td>", of_frames._repr_html_())
    assert [re.sub(r"<.*?>", "", cell) for cell in cells] == ["0.2500"]


def test_plot_timeline_needs_no_frame_scores():
    found = mebench.score(predictions=frame(PREDICTIONS), truth=frame(TRUTH), bootstrap=0)
    axes = found.plot_timeline().axes[0]
    assert axes.get_xlim()[1] == 22
    assert axes.get_xlabel() == "frame"


def test_plot_timeline_shows_truths_of_a_silent_video():
    predictions = frame(PREDICTIONS)
    silent = predictions["video"].iloc[0]
    found = mebench.score(predictions=predictions[predictions["video"] != silent], truth=frame(TRUTH), bootstrap=0)
    key = next(video for video in found.truth["video"] if video.endswith(f"/{silent}"))
    words = [text.get_text() for axes in found.plot_timeline(key).axes for text in axes.get_yticklabels()]
    assert any("true" in word for word in words)
    assert any("spotted" in word for word in words)


def test_score_spots_and_draws_frame_scores():
    scores = pd.DataFrame({"subject": "1", "video": "a", "frame": range(60)})
    scores["score"] = [1.0 if 18 <= n <= 22 else 0.0 for n in range(60)]
    truth = pd.DataFrame({"subject": ["1"], "video": ["a"], "onset": [14], "offset": [26]})
    found = mebench.score(
        predictions=scores, truth=truth, what="frame scores", k_prime={"micro": 6}, p=0.5, bootstrap=0
    )
    assert found.summary["spotting"]["micro"]["tp"] == 1
    assert len(found.frame_scores) == 60
    assert len(found.plot_timeline().axes[0].lines) >= 1


def test_score_takes_clips():
    clips = pd.DataFrame({"subject": ["1", "1", "2"], "video": list("abc"), "emotion": ["joy", "joy", "fear"]})
    found = mebench.score(
        predictions=clips, truth=clips.assign(emotion=["joy", "fear", "fear"]), what="clips", bootstrap=0
    )
    assert found.scores.loc["recognition.accuracy", "value"] == pytest.approx(2 / 3)
    assert list(found.clips["predicted"]) == ["joy", "joy", "fear"]
    assert found.frame_scores.empty


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"k_prime": 3}, "k_prime applies to frame scores: use it with what='frame scores', not with 'intervals'"),
        ({"fps": 0}, "fps must be above 0, not 0"),
        ({"convention": "strickt"}, "Did you mean 'strict'"),
        ({"rules": {"ends": "open"}}, "ends"),
        ({"form": "xml"}, "unknown format 'xml'"),
        ({"what": "clip"}, "unknown what 'clip'. Did you mean 'clips'"),
        ({"rules": "ends=open"}, "ends"),
        ({"what": "clips", "fps": 30}, "fps applies to intervals: use it with what='intervals', not with 'clips'"),
    ],
)
def test_score_refuses_wrong_options_in_a_sentence(options, sentence):
    with pytest.raises(ConfigError) as error:
        mebench.score(predictions=frame(PREDICTIONS), truth=frame(TRUTH), **options)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_score_names_a_missing_column():
    with pytest.raises(DataError, match="the predictions, line 1: the header lacks the column 'offset'"):
        mebench.score(predictions=frame(PREDICTIONS).drop(columns="offset"), truth=frame(TRUTH))


def test_score_refuses_what_is_no_table():
    with pytest.raises(ConfigError, match="the predictions must be a file or a data frame, not of the type list"):
        mebench.score([{"subject": "1"}], frame(TRUTH))


def test_score_takes_rules_and_sensitivity():
    half_open = mebench.score(
        predictions=frame(PREDICTIONS), truth=frame(TRUTH), rules={"ends": "half_open"}, bootstrap=0
    )
    assert half_open.summary["convention"] == "strict, ends=half_open"
    predictions, truth = (frame(text).drop(columns="emotion") for text in (PREDICTIONS, TRUTH))
    compared = mebench.score(predictions=predictions, truth=truth, sensitivity=True, bootstrap=0).summary["sensitivity"]
    assert {"strict", "softnet2021"} <= set(compared)


def test_score_takes_numbers_of_numpy_and_classes_of_numbers():
    clips = pd.DataFrame({"subject": [1, 1, 2], "video": list("abc"), "emotion": [0, 1, 0]})
    found = mebench.score(
        predictions=clips, truth=clips, what="clips", classes=[0, 1], seed=np.int64(1), bootstrap=np.int64(10)
    )
    assert json.loads(json.dumps(found.summary))["bootstrap"]["draws"] == 10
    assert found.scores.loc["recognition.accuracy", "value"] == 1
    with pytest.raises(DataError, match="only intervals can be written"):
        found.write_predictions("mine.csv")


def test_compare_takes_no_table_without_truth_for_a_run(tmp_path):
    with pytest.raises(ConfigError, match="give truth="):
        mebench.compare(frame(PREDICTIONS), frame(TRUTH))
    with pytest.raises(RunError, match="unknown run 'xxx"):
        mebench.compare("x" * 300, "y", runs=str(tmp_path))


def test_compare_of_two_runs_gives_scores(tmp_path):
    first = mebench.load_run(make_run(tmp_path).path)
    second = mebench.load_run(make_run(tmp_path, method="late", shift=100).path)
    found = mebench.compare(first, second, metrics=["spotting.micro.f1"])
    row = found.scores.loc["spotting.micro.f1"]
    assert (row["first"], row["second"], row["difference"]) == (1, 0, 1)
    assert found.summary["conclusions"] == found.conclusions
    assert "spotting, micro: F1" in found.conclusions[0]
    assert "<td>spotting.micro.f1</td><td>1.0000</td>" in found._repr_html_()
    assert first.id in str(found)
    assert f"against late, seed 0: {second.id}" in str(found)
    assert str(found).endswith(found.conclusions[0])
    by_name = mebench.compare(first.id, second.id, runs=str(tmp_path), metrics=["spotting.micro.f1"])
    assert by_name.summary == found.summary
    with pytest.raises(RunError, match="compare two different runs"):
        mebench.compare(first, first.path)


def test_compare_of_two_tables_needs_their_truth(tmp_path):
    mine = frame(PREDICTIONS)
    found = mebench.compare(mine, mine.assign(onset=mine["onset"] + 50, offset=mine["offset"] + 50), truth=frame(TRUTH))
    assert found.scores.loc["spotting.micro.f1", "second"] == 0
    run = mebench.load_run(make_run(tmp_path).path)
    with pytest.raises(ConfigError, match="has its own truth"):
        mebench.compare(run, mine, truth=frame(TRUTH))
