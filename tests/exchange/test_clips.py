"""`mebench score --clips`: classes that any program names for given clips."""

import csv
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st
from sklearn.metrics import accuracy_score, f1_score, recall_score

from mebench.annotations.drawn import write_csv, write_xlsx
from mebench.api.score_files import score as score_tables
from mebench.exchange.clips import join_clips, read_clips
from mebench.exchange.join import Rules
from mebench.exchange.text_table import Remarks
from mebench.metrics import expected_calibration_error
from mebench.metrics.summary import summarize
from mebench.runs.scoring import read_tables
from tests.helpers.outside import outside
from tests.helpers.run_folders import CLASSES, make_run

TRUTH = "subject,video,emotion\n1,a,Happiness\n1,b,surprise\n2,a,happiness\n2,c,disgust\n3,d,surprise\n"
SAID = "subject,video,emotion\n3,d,surprise\n1,a,happiness\n1,b,disgust\n2,a,happiness \n2,c,disgust\n"


@pytest.fixture
def clips(write, score):
    """Scores two texts."""

    def run(answers, *words, truth=TRUTH, **options):
        return score("--clips", write(answers, "p.csv"), "--truth", write(truth, "t.csv"), *words, **options)

    return run


def values(scores):
    return {name: score["value"] for name, score in scores.items()}


def test_score_clips_equals_counts_by_hand(clips):
    summary = clips(SAID)
    recognition = summary["recognition"]
    assert recognition["n"] == 5
    assert summary["convention"] == "strict"
    assert "spotting" not in summary
    # Happiness 1, surprise and disgust 2/3: one of five is wrong, and costs both classes a third.
    assert values(recognition["scores"]) == pytest.approx(
        {"accuracy": 4 / 5, "wf1": (2 * 1 + 2 * 2 / 3 + 2 / 3) / 5, "uf1": 7 / 9, "uar": 5 / 6}
    )
    assert summary["confusion"]["surprise"] == {"disgust": 1, "happiness": 0, "surprise": 1}
    assert summary["chance"]["recognition"]["class"] == "happiness"
    assert summary["chance"]["recognition"]["uar"]["value"] == pytest.approx(1 / 3)
    assert summary["warnings"] == summary["repaired"] == []


def test_score_clips_equals_published_scores_of_capsulenet(tmp_path, score):
    """The program's log in two files, one a workbook, beside the rows of MEGC 2019: all clips, and each database."""
    log = outside(
        "public_predictions/capsulenet/result_log.csv", "the log of CapsuleNet, github davidnvq/me_recognition"
    )
    true, answered = ([("member", "subject", "video", "emotion")] for _ in range(2))
    for words in map(str.split, log.read_text().splitlines()):
        if len(words) == 2:
            person = words
        elif words:
            clip, *classes = words
            for rows, number in zip((true, answered), classes):
                rows.append((*person, clip, CLASSES[int(number)]))
    write_xlsx(tmp_path / "g.xlsx", {"truth": true})
    write_csv(tmp_path / "p.csv", answered)

    found = score("--clips", tmp_path / "p.csv", "--truth", tmp_path / "g.xlsx")["recognition"]
    assert found["n"] == 435
    assert (found["scores"]["uf1"]["value"], found["scores"]["uar"]["value"]) == pytest.approx(
        (0.6520, 0.6506), abs=5e-5
    )

    with (Path(__file__).parents[2] / "leaderboards" / "published.csv").open(encoding="utf-8", newline="") as file:
        published = [row for row in csv.DictReader(file) if row["method"] == "CapsuleNet"]
    assert len(published) == 8
    for row in published:
        part = found["members"][row["member"].removesuffix("_hs")] if row["member"] else found
        assert part["scores"][row["metric"]]["value"] == pytest.approx(float(row["value"]), abs=1e-4)  # cut or rounded


def test_score_clips_of_exported_run_equals_the_run(tmp_path, score):
    """Two expressions a video, two members: the summary is that of the run, intervals and all."""
    run = make_run(tmp_path / "runs", "two", subjects=6, members=("samm", "smic"))
    summary = run.read_json("summary.json")
    answers = read_tables(run).clips
    truths = run.read_table("truth.parquet")
    micro = truths[truths["kind"] == "micro"].reset_index(drop=True)
    ids = micro["video"].str.split("/", expand=True).set_axis(["database", "subject", "clip"], axis=1)
    for name, column in {"t": "truth", "p": "predicted"}.items():
        rows = ids.assign(onset_frame=micro["onset"] + 1, label=answers[column])
        for label in CLASSES if name == "p" else ():
            rows[f"p({label})"] = (rows["label"] == label).astype(float)
        rows.sample(frac=1, random_state=1).to_csv(tmp_path / name, sep=";", index=False)
    found = score("--clips", tmp_path / "p", "--truth", tmp_path / "t", bootstrap=50)
    assert found["recognition"] == summary["recognition"]
    assert "calibration" in found["recognition"]["details"]
    assert found["bootstrap"]["interval"] == summary["bootstrap"]["interval"]


LABEL = st.sampled_from(["joy", "fear", "awe", "rage"])


@given(st.lists(st.tuples(st.integers(0, 3), LABEL, LABEL), min_size=1, max_size=30))
def test_summarize_recognition_equals_scikit_learn(rows):
    """Of the classes that occur in the truth; a class that is only named costs the true one, and enters no mean."""
    true, answered = [row[1] for row in rows], [row[2] for row in rows]
    found = summarize(_tables(rows), kinds=[], classes=sorted(set(true)), seed=0, draws=0)["recognition"]["scores"]
    of = {"labels": sorted(set(true)), "average": "macro", "zero_division": 0}
    expected = {
        "accuracy": accuracy_score(true, answered),
        "wf1": f1_score(true, answered, **{**of, "average": "weighted"}),
        "uf1": f1_score(true, answered, **of),
        "uar": recall_score(true, answered, **of),
    }
    assert values(found) == pytest.approx(expected)


def _tables(rows):
    """Through the files, in one: `y_true` is the truth's class, `y_pred` the answer."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "both.csv"
        lines = [f"{subject},v{n},{true},{answered}\n" for n, (subject, true, answered) in enumerate(rows)]
        file.write_text("subject,video,y_true,y_pred\n" + "".join(lines))
        truth = read_clips(file, "truth", Remarks())
        answers = read_clips(file, "predictions", Remarks(), ["joy", "fear", "awe", "rage"])
    return join_clips(truth, answers, sorted({row[1] for row in rows}), Rules(), Remarks())


@pytest.mark.parametrize("bare", ["label", "emotion", "class"])
@pytest.mark.parametrize("own", ["predicted", "pred", "y_pred"])
def test_read_clips_takes_answers_from_their_own_column(tmp_path, bare, own):
    """Not the bare one beside it, which would be the truth scored against itself."""
    (file := tmp_path / "both.csv").write_text(f"subject,video,{bare},{own}\n1,a,joy,fear\n1,b,fear,fear\n")
    truth = read_clips(file, "truth", Remarks())
    answers = read_clips(file, "predictions", Remarks(), ["fear", "joy"])
    emotions = [file.intervals["emotion"].tolist() for file in (truth, answers)]
    assert emotions == [["joy", "fear"], ["fear", "fear"]]


@pytest.mark.parametrize(
    "head",
    [
        "p_disgust,p_happiness,p_surprise",
        "Disgust,Happiness,Surprise",
        "disgust prob,prob(happiness),surprise_probability",
    ],
)
def test_score_clips_calibration_uses_named_classes(clips, head):
    shares = np.array([[0.1, 0.2, 0.7], [0.2, 0.5, 0.3], [0.4, 0.3, 0.3], [0.0, 1.0, 0.0], [0.34, 0.33, 0.33]])
    lines = [
        f"{line},{','.join(map(str, row))}" for line, row in zip(SAID.splitlines()[1:], shares.tolist(), strict=True)
    ]
    details = clips("\n".join([f"subject,video,emotion,{head}", *lines]))["recognition"]["details"]
    right = [True, True, False, True, True]
    assert details["calibration"]["ece"] == pytest.approx(expected_calibration_error(shares.max(axis=1), right))
    named = "\n".join(f"{line},{max(row)}" for line, row in zip(SAID.splitlines(), [["probability"], *shares.tolist()]))
    assert clips(named)["recognition"]["details"] == details


def test_score_clips_counts_missing_answers_as_wrong(clips):
    """Whether it lacks or its cell is empty, and its probability with it."""
    whole = SAID.replace("emotion", "emotion,probability").replace("\n", ",0.9\n").replace("bility,0.9", "bility")
    short = whole.replace("1,b,disgust,0.9\n", "").replace("2,c,disgust,0.9", "2,c,nan,")
    summary = clips(short)
    assert summary["recognition"]["n"] == 5
    assert summary["recognition"]["scores"]["accuracy"]["value"] == 3 / 5
    assert summary["confusion"]["disgust"]["no class"] == 1
    assert summary["warnings"] == [
        "predictions: 2 clips of the truth without an answer (its lines 3 and 5), counted as wrong",
        "predictions: calibration is left out: a clip without an answer has no probability",
    ]
    assert "calibration" not in summary["recognition"]["details"]
    nobody = clips("subject,video,emotion\n")
    assert nobody["recognition"]["n"] == 5
    assert nobody["recognition"]["scores"]["uf1"]["value"] == 0


def test_score_clips_of_spotting_truth_takes_labelled_micro(clips):
    truth = (
        "subject,video,onset,offset,kind,emotion\n1,a,5,9,micro,joy\n1,a,20,29,micro,fear\n1,a,40,90,macro,joy\n2,b,,,,\n"
        "2,c,1,2,micro,\n"
    )
    summary = clips("vid,sub,onset,label\na,1,20,fear\na,1,5,fear\n", truth=truth)
    assert summary["confusion"] == {"fear": {"fear": 1, "joy": 0}, "joy": {"fear": 1, "joy": 0}}
    assert "truth: 1 macro-expression (line 4), left out" in summary["warnings"]
    assert "truth: 2 clips without an emotion (lines 5 and 6), left out" in summary["warnings"]


def test_score_clips_leaves_out_unscored_classes(clips):
    summary = clips(SAID, "--classes", "surprise,disgust,contempt")
    assert summary["recognition"]["n"] == 3
    assert list(summary["confusion"]) == ["surprise", "disgust"]
    assert (
        "truth: 2 clips labelled 'happiness', which is not among the classes (lines 2 and 4), left out"
        in summary["warnings"]
    )
    assert "--classes: no truth is labelled 'contempt'; the class is not scored" in summary["warnings"]
    # A class that the truth lacks may be named where it is asked for.
    assert (
        clips(SAID.replace("b,disgust", "b,awe"), "--classes", "surprise,disgust,happiness,awe")["recognition"]["n"]
        == 5
    )


def test_score_clips_needs_no_probability_of_unscored_classes(clips):
    shares = ["p_disgust,p_surprise", ".2,.8", ".4,.6", ".7,.3", ".1,.9", ".5,.5"]
    answers = "\n".join(
        ",".join(pair) for pair in zip(SAID.replace("happiness", "surprise").splitlines(), shares, strict=True)
    )
    both = ["--classes", "surprise,disgust"]
    whole = clips(answers, *both)
    assert whole["recognition"]["n"] == 3
    assert "calibration" in whole["recognition"]["details"]
    other = clips(answers.replace("b,disgust", "b,happiness"), *both)
    assert "predictions: calibration is left out: not every answer has a probability" in other["warnings"]
    assert clips(answers, *both, "--sensitivity")["recognition"] == whole["recognition"]


def test_score_clips_matches_ids_written_as_decimals(clips):
    truth = "db,sub,clip,class\nx,1.0,7.0,0\nx,2.0,7.0,1\ny,1.0,7.0,1\n"
    answers = "dataset,video,pred\ny,1_7,1.0\nx,1_7,0.0\nx,2_7,0.0\n"
    summary = clips(answers, truth=truth)
    assert summary["recognition"]["scores"]["accuracy"]["value"] == 2 / 3
    assert {name: part["n"] for name, part in summary["recognition"]["members"].items()} == {"x": 2, "y": 1}
    loose = clips(SAID.replace("\n1,", "\nsub01,"), "--loose-ids")
    assert loose["recognition"]["scores"]["accuracy"]["value"] == 4 / 5


def test_score_clips_sensitivity_shows_every_convention(clips, capsys):
    rows = clips(SAID, "--sensitivity")["sensitivity"]
    assert rows["strict"]["recognition"]["uf1"] == pytest.approx(7 / 9)
    assert "recognition" not in rows["megc2020"]
    shown = capsys.readouterr().out
    assert "5 answers for 5 clips of 3 subjects" in shown
    assert "UF1 of always happiness" in shown
    assert "the same answers under every convention" in shown


SHARES = "subject,video,emotion,p_disgust,p_happiness,p_surprise\n"


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ("subject,video,emotoin\n1,a,joy\n", "lacks the column 'emotion'; its columns are subject, video, emotoin. If 'emotoin'"),
        ("sbuject,video,emotion\n1,a,disgust\n", "lacks the column 'subject'"),
        ("a,b,c\n1,a,disgust\n", "'c' is not a class of the truth"),
        (SAID + "1,b,surprise\n", "line 7: the clip 1/b occurs twice (first on line 4)"),
        (SAID + "4,a,surprise\n", "1 video of the predictions not in the truth, such as 4/a (line 7)"),
        (SAID.replace("1,b", "01,b"), "line 4: the truth has no video 01/b, but 1/b: if that is the same one"),
        (SAID.replace("b,disgust", "b,digsust"), "line 4: 'digsust' is not a class of the truth, which has disgust, happiness, surprise"),
        (SAID.replace("b,disgust", "b,2"), "line 4: '2' is not a class of the truth"),
        (SHARES + "1,a,disgust,.2,.2,.2\n", "line 2: the probabilities of disgust, happiness, surprise sum to 0.6, not 1"),
        (SHARES + "1,a,disgust,.2,.7,.1\n", "line 2: 'disgust' is predicted, with probability 0.2, but 'happiness' has 0.7"),
        (SHARES + "1,a,disgust,NaN,.7,.3\n", "line 2: the probability p_disgust is 'NaN', not a number"),
        (SHARES + "1,a,disgust,1.2,-.2,0\n", "line 2: the probability p_disgust is 1.2, not in 0 to 1"),
        (SHARES + "1,a,disgust,inf,0,0\n", "line 2: the p_disgust 'inf' is not a number"),
        (SHARES.replace(",p_surprise", "") + "1,a,disgust,.5,.5\n", "has probabilities of disgust, happiness, but none of surprise"),
        ("subject,video,emotion,probability\n1,a,disgust,7.5\n", "line 2: the probability is 7.5, not in 0 to 1"),
        ("subject,video,emotion,probability\n1,a,disgust,\n", "line 2: the probability is '', not a number"),
    ],
)  # fmt: skip
def test_score_clips_refuses_bad_answers_with_their_line(clips, answers, sentence):
    code, err = clips(answers, fails=True)
    assert code == 3
    assert sentence in err


@pytest.mark.parametrize(
    ("truth", "sentence"),
    [
        (TRUTH + "1,a,surprise\n", "t.csv, line 7: the clip 1/a occurs twice (first on line 2): if these are two expressions of"),
        ("subject,video,emotion\n", "t.csv holds no clip with an emotion"),
        ("subject,video,emotion\n1,a,\n", "t.csv holds no clip with an emotion"),
    ],
)  # fmt: skip
def test_score_clips_refuses_bad_truth_with_its_line(clips, truth, sentence):
    code, err = clips(SAID, truth=truth, fails=True)
    assert code == 3
    assert sentence in err


def test_score_clips_names_frames_that_differ(clips):
    truth = "subject,video,onset,emotion\n1,a,5,joy\n1,a,20,fear\n"
    code, err = clips("subject,video,onset,emotion\n1,a,6,joy\n1,a,21,fear\n", truth=truth, fails=True)
    assert code == 3
    assert "line 2: the truth has no clip with onset 6 in 1/a, but with 5, 20: both files must" in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--predictions", "P"], "needs one file"),
        (
            ["--kinds", "micro"],
            "--kinds applies to intervals: use it with --predictions or --frame-scores, not with --clips",
        ),
        (["--k-prime", "3"], "--k-prime applies to frame scores: use it with --frame-scores, not with --clips"),
        (["--classes", "joy"], "--classes names none of the emotions in the truth"),
    ],
)
def test_score_clips_refuses_options_of_spotting(clips, words, sentence):
    code, err = clips(SAID, *words, fails=True)
    assert code == 2
    assert sentence in err


def test_score_clips_json_is_finite(clips):
    assert json.loads(json.dumps(clips(SAID), allow_nan=False))["recognition"]["n"] == 5


def answers_of(rows, truth, **columns):
    table = pd.DataFrame(rows, columns=["video", "emotion"]) if rows else pd.DataFrame({"video": truth["video"]})
    return score_tables(table.assign(**columns), truth, what="clips", bootstrap=0)


def test_read_clips_takes_the_likeliest_class_without_an_answer():
    truth = pd.DataFrame({"video": list("abcd"), "emotion": ["joy", "fear", "joy", "fear"]})
    scores = answers_of([], truth, p_joy=["0,9", "0,2", "0,4", "0,1"], p_fear=["10%", "80%", "60%", "90%"])
    assert scores.summary["recognition"]["scores"]["accuracy"]["value"] == 0.75
    assert any("the likeliest class by p_fear, p_joy is read as the answer" in line for line in scores.repaired)


@pytest.mark.parametrize(("first", "side"), [(0, "below"), (2, "above")])
def test_join_clips_warns_of_class_numbers_off_by_one(first, side):
    truth = pd.DataFrame({"video": list("abcdef"), "emotion": [1, 2, 2, 3, 1, 3]})
    named = [number + first - 1 for number in truth["emotion"]]
    known = {0: 2, 4: 1}  # a class that the truth lacks is refused
    rows = [[video, known.get(number, number)] for video, number in zip(truth["video"], named)]
    scores = answers_of(rows, truth)
    assert any(f"of the class numbers are one {side} the true one" in line for line in scores.warnings)
