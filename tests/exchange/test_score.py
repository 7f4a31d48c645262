"""`mebench score`: files of others, by hand, and whatever their shape."""

import json
import random
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from mebench import cli
from mebench.cli.predictions import predictions_export_command
from mebench.metrics import conventions
from tests.exchange.conftest import PREDICTIONS, TRUTH
from tests.helpers.nightly import NIGHTLY, by_day
from tests.helpers.run_folders import make_run

CONVENTIONS = list(conventions.CONVENTIONS)


def values(scores):
    return {name: entry["value"] for name, entry in scores.items()}


def test_score_equals_counts_by_hand(write, score):
    summary = score("--predictions", write(PREDICTIONS, "p.csv"), "--truth", write(TRUTH, "t.csv"))
    micro, analysis = summary["spotting"]["micro"], summary["analysis"]
    assert summary["convention"] == "strict"
    assert "run_id" not in summary
    assert (micro["tp"], micro["fp"], micro["fn"]) == (1, 3, 3)
    assert micro["scores"]["f1"]["value"] == 0.25
    # One of four truths has its apex (onset < middle < offset) claimed: the middle of 1/a is 16.
    assert micro["scores"]["asr"]["value"] == 0.25
    # The one true positive is right; of four classes each of the other three counts 0.
    assert values(analysis["true_positives"]["scores"]) == pytest.approx(
        {"accuracy": 1.0, "precision": 0.25, "recall": 0.25, "f1": 0.25, "uf1": 0.25, "uar": 0.25}
    )
    assert analysis["strs"]["value"] == pytest.approx(0.25 * 0.25)
    # Every truth video has one expression; the first interval there is right for a and b of 1 and a of 2.
    assert analysis["all_intervals"]["n"] == 4
    assert analysis["all_intervals"]["scores"]["accuracy"]["value"] == 0.75
    assert any("onset below zero (line 4)" in line for line in summary["warnings"])
    assert any("1 video of the predictions not in the truth, such as 2/b (line 5)" in w for w in summary["warnings"])


def test_score_takes_all_emotions_of_truth_as_classes(write, score):
    files = ["--predictions", write(PREDICTIONS, "p.csv"), "--truth", write(TRUTH, "t.csv")]
    named = score(*files, "--classes", "happiness, Surprise")
    assert named["analysis"]["true_positives"]["scores"]["f1"]["value"] == 0.5
    assert any("labelled 'others', which is not among the classes (line 3)" in w for w in named["warnings"])
    assert any("of emotion 'disgust', which is not among the classes (line 5)" in w for w in named["warnings"])


def test_score_without_confidence_omits_ap_with_the_reason(write, score):
    truth = write("subject,video,onset,offset\n1,a,10,20\n2,b,10,20\n", "t.csv")
    rows = ["1,a,10,20", "1,a,50,60", "2,b,10,20"]
    for column in ("", ",confidence"):
        text = f"subject,video,onset,offset{column}\n" + "".join(f"{row}{',0.5' * bool(column)}\n" for row in rows)
        summary = score("--predictions", write(text, "p.csv"), "--truth", truth)
        assert summary["spotting"]["micro"]["scores"]["ap50"]["value"] is None
        assert any("average precision of micro is left out" in line for line in summary["remarks"])
    some = write("subject,video,onset,offset,score\n1,a,10,20,.9\n1,a,50,60,\n2,b,10,20,.1\n", "p.csv")
    remarks = score("--predictions", some, "--truth", truth)["remarks"]
    assert (
        "average precision of micro is left out: 1 of 3 intervals have no confidence, so nothing can be ranked"
        in remarks
    )
    text = "subject,video,onset,offset,score\n1,a,10,20,.9\n1,a,50,60,.8\n2,b,10,20,.1\n"
    summary = score("--predictions", write(text, "p.csv"), "--truth", truth)
    assert summary["spotting"]["micro"]["scores"]["ap50"]["value"] == pytest.approx(1 / 2 + 1 / 2 * 2 / 3)


def test_score_matches_kinds_apart_and_pools_them(write, score):
    truth = write(
        "subject,video,onset,offset,type\n1,a,10,20,Micro - 1/2\n1,a,100,200,Macro\n2,b,10,20,micro-expression\n", "t"
    )
    text = "vid,pred_onset,pred_offset,type\na,100,200,mae\na,10,20,mae\nb,10,20,me\n"
    spotting = score("--predictions", write(text, "p"), "--truth", truth)["spotting"]
    counts = {kind: (part["tp"], part["fp"], part["fn"]) for kind, part in spotting.items()}
    assert counts == {"micro": (1, 0, 1), "macro": (1, 1, 0), "overall": (2, 1, 1)}
    assert list(score("--predictions", write(text, "p"), "--truth", truth, "--kinds", "me")["spotting"]) == ["micro"]


def test_score_skips_macro_truths_unless_kinds_are_given(write, score):
    truth = write("subject,video,onset,offset,kind\n1,a,10,20,micro\n1,a,100,200,macro\n", "t")
    summary = score("--predictions", write("subject,video,onset,offset\n1,a,10,20\n", "p"), "--truth", truth)
    assert list(summary["spotting"]) == ["micro"]
    assert summary["spotting"]["micro"]["fn"] == 0
    assert any("truth: 1 macro-expression not scored" in line for line in summary["warnings"])


def test_score_warns_of_kinds_that_predictions_lack(write, score):
    """Whoever asks for macro-expressions of a file without kinds reads 0, which says nothing of the method."""
    truth = write("subject,video,onset,offset,kind\n1,a,10,20,micro\n1,a,100,200,macro\n", "t")
    given = write("subject,video,onset,offset\n1,a,100,200\n", "p")
    summary = score("--predictions", given, "--truth", truth, "--kinds", "macro")
    assert summary["spotting"]["macro"]["tp"] == 0
    assert any("taken as micro, so no macro-expression is found" in line for line in summary["warnings"])


def test_score_uses_frame_rate_and_length(write, score):
    truth = write("subject,video,onset,offset,apex,n_frames\n1,a,10,20,14,1800\n2,b,,,,1800\n", "t")
    text = "subject,video,onset,offset,apex\n1,a,10,20,17\n2,b,5,9,7\n2,b,50,60,55\n"
    scores = score("--predictions", write(text, "p"), "--truth", truth, "--fps", "30")["spotting"]["micro"]["scores"]
    assert scores["apex_mae_ms"]["value"] == pytest.approx(100)
    assert scores["fp_per_minute"]["value"] == pytest.approx(1)  # two in two minutes


def test_score_all_intervals_needs_one_expression_a_video(write, score):
    text = "subject,video,onset,offset,emotion\n1,a,1,2,joy\n"
    one = score("--predictions", write(text, "p"), "--truth", write(text, "t"))
    two = score("--predictions", write(text, "p"), "--truth", write(text + "1,a,5,9,joy\n", "t"))
    assert "all_intervals" in one["analysis"]
    assert "all_intervals" not in two["analysis"]


def test_score_of_no_predictions_misses_everything(write, score):
    summary = score("--predictions", write("subject,video,onset,offset\n", "p"), "--truth", write(TRUTH, "t"))
    assert (summary["spotting"]["micro"]["tp"], summary["spotting"]["micro"]["fn"]) == (0, 4)
    assert summary["spotting"]["micro"]["scores"]["f1"]["value"] == 0
    assert "the predictions are empty, so every truth is missed" in summary["warnings"]


def test_score_sensitivity_shows_every_convention(write, score, capsys):
    files = ("--predictions", write(PREDICTIONS, "p"), "--truth", write(TRUTH, "t"))
    summary = score(*files, "--sensitivity", "-v", bootstrap=20)

    rows = summary["sensitivity"]
    assert list(rows) == CONVENTIONS
    assert "recognition alone" in rows["sklearn_macro"]["reason"]
    assert rows["strict"]["micro"]["f1"] == 0.25
    assert rows["strict"]["analysis"]["strs"] == pytest.approx(0.0625)
    # The scorer of the STRS metric leaves out subject 3, for whom nothing was spotted.
    assert rows["strs_metric"]["micro"]["fn"] == 2

    # The only hit has an IoU above .5; a second one, above .3.
    rules = summary["sensitivity_of_rules"]
    assert rules["strict"] == rows["strict"]
    assert rules["threshold=0.3"]["micro"]["f1"] == 0.5
    assert (
        "of the rules of strict, threshold=0.3 moves F1 of micro most, from 0.2500 to 0.5000; 8 of 36 move it at all"
        in summary["remarks"]
    )

    out, err = capsys.readouterr()
    assert out.startswith("4 predictions against 4 expressions in 4 videos of 3 subjects")
    assert "spotting, micro (1 TP, 3 FP, 3 FN)" in out
    assert "STRS" in out
    assert "convention strict: " in out
    assert all(f" {name} " in out for name in CONVENTIONS)
    assert "warning: predictions: 1 onset below zero (line 4), kept as written" in err
    assert "onset below zero" not in out


def test_score_takes_single_rules(write, score):
    files = ("--predictions", write(PREDICTIONS, "p"), "--truth", write(TRUTH, "t"))
    summary = score(*files, "--rule", "threshold=0.3", "--rule", "ends = half_open")
    assert summary["convention"] == "strict, threshold=0.3, ends=half_open"
    assert summary["spotting"]["micro"]["tp"] == 2
    assert "more than" not in summary["rules"]
    assert "at least 0.3" in summary["rules"]


@pytest.mark.parametrize("name", by_day(CONVENTIONS, "strict", "mean2022", "li2017"))  # above all are scored at once
def test_score_takes_every_convention_by_name(write, score, name):
    summary = score("--predictions", write(PREDICTIONS, "p"), "--truth", write(TRUTH, "t"), "--convention", name)
    assert summary["convention"] == name
    assert name in summary["rules"]


def shape(text, order, separator, names, encoding, rng, quote):
    """The same table as another program would write it."""
    head, *rows = [line.split(",") for line in text.splitlines()]
    rng.shuffle(rows)
    places = [head.index(name) for name in order]
    lines = [[names.get(name, name) for name in order], *([row[place] for place in places] for row in rows)]
    wrap = (lambda cell: f'"{cell}"') if quote else str
    return "\r\n".join(separator.join(map(wrap, line)) for line in lines).encode(encoding)


COLUMNS = ["subject", "video", "onset", "offset", "emotion"]
OTHER_NAMES = {"subject": " Subject ", "onset": "Onset Frame", "offset": "OFFSET", "emotion": "Emotion"}


@pytest.fixture
def plain(write, score):
    return score("--predictions", write(PREDICTIONS, "p"), "--truth", write(TRUTH, "t"))


SHAPES = st.tuples(
    st.permutations(COLUMNS),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.booleans(),
    st.integers(0, 99),
)


@settings(max_examples=300 if NIGHTLY else 7, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SHAPES, SHAPES)  # each file has its own
def test_score_ignores_order_and_form_of_files(write, score, plain, of_predictions, of_truth):
    files = [
        write(
            shape(text, order, separator, OTHER_NAMES if seed % 2 else {}, encoding, random.Random(seed), quote), file
        )
        for text, file, (order, separator, encoding, quote, seed) in (
            (PREDICTIONS, "p", of_predictions),
            (TRUTH, "t", of_truth),
        )
    ]
    shaped = score("--predictions", files[0], "--truth", files[1])
    for section in ("spotting", "analysis"):
        assert shaped[section] == plain[section]


def test_score_of_equal_files_is_equal_json(write, score, tmp_path):
    files = ["--predictions", write(PREDICTIONS, "p"), "--truth", write(TRUTH, "t")]
    others = ["--predictions", write(PREDICTIONS, "other"), "--truth", write(TRUTH, "files")]
    first, second = score(*files, bootstrap=30), score(*others, bootstrap=30)
    assert first == second
    assert str(tmp_path) not in json.dumps(first)
    assert first["spotting"]["micro"]["scores"]["f1"]["low"] is not None


def frames(text_of_video):
    return "subject,video,frame,score\n" + "".join(
        f"{subject},{video},{i},{value}\n"
        for (subject, video), curve in text_of_video.items()
        for i, value in enumerate(curve)
    )


def bumps(*centres, n=100):
    return sum(np.exp(-0.5 * ((np.arange(n) - c) / 3) ** 2) for c in centres)


def test_score_spots_frame_scores(write, score, tmp_path):
    truth = write("subject,video,onset,offset\n1,a,25,35\n2,b,,\n2,c,1,9\n", "t")
    path = write(frames({("1", "a"): bumps(30, 70), ("2", "b"): bumps(50)}), "s")
    words = ["--frame-scores", path, "--truth", truth, "--k-prime", "5", "--fps", "30"]
    summary = score(*words, "--write-predictions", tmp_path / "out.csv")
    micro = summary["spotting"]["micro"]
    # 1/a: [25, 34] and [65, 74]; 2/b: [45, 54], thresholded like any other; 2/c has no scores.
    assert (micro["tp"], micro["fp"], micro["fn"]) == (1, 2, 1)
    assert (tmp_path / "out.csv").read_text().splitlines()[1].startswith("1,a,micro,25,30,34,")
    assert any("1 video of the truth without frame scores, such as 2/c" in line for line in summary["warnings"])
    score(*words, "--anchor", "middle", "--write-predictions", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text().splitlines()[1].startswith("1,a,micro,27,32,36,")  # k'/2 = 2.5 later
    released = score(*words, "--postprocess", "released_code", "--write-predictions", tmp_path / "out.csv")
    assert released["spotting"]["micro"]["tp"] == 1
    # The released code's average reaches from i - k' to i + k' - 1: between two frames, of which the first is the peak.
    assert (tmp_path / "out.csv").read_text().splitlines()[1].split(",")[3:6] in (
        ["25", "30", "35"],
        ["26", "31", "36"],
    )


def test_score_names_first_video_without_frame_scores(write, score):
    truth = write("subject,video,onset,offset\n" + "".join(f"{n},a,,\n" for n in (7, 1, 5, 4, 6, 3, 2)), "t")
    summary = score("--frame-scores", write(frames({("1", "a"): bumps(30)}), "s"), "--truth", truth, "--k-prime", "5")
    assert any("6 videos of the truth without frame scores, such as 2/a" in line for line in summary["warnings"])


def test_score_spots_frame_scores_without_the_truth(write, score, tmp_path):
    path = write(frames({("1", "a"): bumps(30, 70)}), "s")
    written = []
    for text in ("1,a,25,35\n", "1,a,,\n", "1,a,60,80\n1,a,20,40\n1,a,90,99\n"):
        words = ["--frame-scores", path, "--truth", write("subject,video,onset,offset\n" + text, "t"), "--k-prime", "5"]
        score(*words, "--write-predictions", tmp_path / "out.csv")
        written.append((tmp_path / "out.csv").read_text())
    assert len(set(written)) == 1


def test_score_takes_files_of_the_challenge(write, score, tmp_path):
    files = ["--predictions", write(PREDICTIONS, "p"), "--truth", write(TRUTH, "t")]
    before = score(*files, "--write-predictions", tmp_path / "log.txt", "--write-format", "megc2020")["spotting"][
        "micro"
    ]
    after = score("--predictions", tmp_path / "log.txt", "--truth", tmp_path / "log.txt")["spotting"]["micro"]
    assert [before[c] for c in ("tp", "fp", "fn")] == [after[c] for c in ("tp", "fp", "fn")] == [1, 3, 3]


def test_score_writes_searched_videos_without_finds(write, score, tmp_path):
    """Under `megc2020` a truth is missed only where its kind was looked for, and the STRS of a truth without subjects
    is the same.
    """
    truth = write("video,kind,onset,offset\na,me,10,20\nb,me,30,40\nc,me,50,60\nb,mae,1,99\n", "t")
    spotted = write("video,kind,onset,offset\na,me,10,20\na,mae,,\nb,me,,\n", "p")
    out = tmp_path / "out.csv"
    words = ["--truth", truth, "--convention", "megc2020"]
    before = score("--predictions", spotted, *words, "--write-predictions", out)["spotting"]
    after = score("--predictions", out, *words)["spotting"]
    assert (before["micro"]["scores"]["recall"]["value"], after) == (1 / 2, before)
    assert [line.split(",")[1:3] for line in out.read_text().splitlines()[1:]] == [
        ["a", "micro"],
        ["a", "macro"],
        ["b", "micro"],
    ]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--truth", "T"], 2, "--predictions FILE (intervals), --frame-scores FILE"),
        (["--truth", "T", "--predictions", "P", "--frame-scores", "P"], 2, "needs one file"),
        (["--truth", "T", "--predictions", "P", "--k-prime", "3"], 2, "use it with --frame-scores"),
        (["--truth", "T", "--frame-scores", "P"], 2, "--frame-scores needs --k-prime"),
        (
            ["--truth", "T", "--frame-scores", "P", "--k-prime", "3", "--postprocess", "papers"],
            2,
            "Did you mean 'paper'",
        ),
        (
            ["--truth", "T", "--frame-scores", "P", "--k-prime", "3", "--anchor", "centre"],
            2,
            "Known: middle, paper",
        ),
        (
            ["--truth", "T", "--frame-scores", "P", "--k-prime", "3", "--smoothing", "averag"],
            2,
            "Did you mean 'average'",
        ),
        (["--truth", "T", "--frame-scores", "P", "--k-prime", "3"], 3, "lacks the column 'frame'"),
        (["--truth", "T", "--predictions", "P", "--convention", "strikt"], 2, "Did you mean 'strict'"),
        (["--truth", "T", "--predictions", "P", "--rule", "ends=open"], 2, "Known: half_open, inclusive, never_empty"),
        (["--truth", "T", "--predictions", "P", "--format", "megc"], 2, "unknown format 'megc'"),
        (["--truth", "T", "--predictions", "P", "--classes", "joy,awe"], 2, "none of the emotions in the truth"),
        (["--truth", "T", "--predictions", "P", "--classes", "disgust,"], 2, "must name different emotions"),
        (["--truth", "T", "--predictions", "P", "--kinds", "mirco"], 2, "unknown kind 'mirco'"),
        (["--truth", "T", "--predictions", "P", "--fps", "0"], 2, "fps must be above 0"),
        (["--truth", "T", "--predictions", "P", "--strict-videos"], 3, "2/b (line 5)"),
        (["--truth", "T", "--predictions", "nowhere.csv"], 3, "nowhere.csv cannot be read"),
    ],
)
def test_score_mistakes_are_one_sentence(write, score, words, code, message):
    files = {"T": write(TRUTH, "t"), "P": write(PREDICTIONS, "p")}
    got, err = score(*(files.get(word, word) for word in words), fails=True)
    assert got == code
    assert message in err


@pytest.mark.parametrize(
    ("predictions", "message"),
    [
        ("# mine\nsubject,video,begin,finish\n1,a,1,2\n", "p, line 2: the header lacks the column 'offset'"),
        ("subject,video,onset,offset,kind\n1,a,1,2,me\n1,b,1,2,mirco\n", "p, line 3: unknown kind 'mirco'"),
        (
            "subject,video,onset,offset\n1,a,1,2\n1,a,0.5,0.9\n",
            "reach frame 2, those of the truth to 70: if they are seconds",
        ),
        ("subject,video,onset,offset\n1,a,9,2\n", "p, line 2: the offset 2 is before the onset 9"),
        ("subject,video,onset,offset\n1,a,1,2\n4,z,1,2\n", "not in the truth, such as 4/z (line 3)"),
        ("vid,pred_onset,pred_offset\na,1,2\n", "p, line 2: the truth has several videos a"),
        (
            'subject,video,"onset,end\n1,a,1,2\n' + "1,a,1,2\n" * 99,
            "p, line 1: a quotation mark is not closed",
        ),
    ],
)
def test_score_refuses_bad_predictions_with_their_line(write, score, predictions, message):
    truth = write(TRUTH + "2,b,,,\n", "t")
    code, err = score("--predictions", write(predictions, "p"), "--truth", truth, "--strict-videos", fails=True)
    assert code == 3
    assert message in err


def test_score_json_is_alone_on_standard_output(write, monkeypatch, capsys):
    argv = ["mebench", "score", "--predictions", write(PREDICTIONS, "p"), "--truth", write(TRUTH, "t"), "--json", "-"]
    monkeypatch.setattr(sys, "argv", list(map(str, argv)))
    with pytest.raises(SystemExit):
        cli.main()
    assert json.loads(capsys.readouterr().out)["spotting"]["micro"]["tp"] == 1


def test_score_of_exported_run_and_truth_equals_the_run(tmp_path, score):
    folder = make_run(tmp_path / "runs", kinds=("micro", "macro"))
    predictions_export_command(folder.id, str(tmp_path / "p"), truth=str(tmp_path / "t"), runs=str(tmp_path / "runs"))
    expected = folder.read_json("summary.json")
    summary = score("--predictions", tmp_path / "p", "--truth", tmp_path / "t")
    for kind in ("micro", "macro", "overall"):
        assert values(summary["spotting"][kind]["scores"]) == pytest.approx(
            values(expected["spotting"][kind]["scores"])
        )
    assert values(summary["analysis"]["true_positives"]["scores"]) == pytest.approx(
        values(expected["analysis"]["true_positives"]["scores"])
    )


@pytest.mark.parametrize(("step", "side"), [(-1, "below"), (1, "above")])
def test_score_warns_of_class_numbers_of_intervals_off_by_one(write, score, step, side):
    head = "subject,video,onset,offset,emotion\n"
    numbers = [2, 3, 2, 3, 2]
    truth = "".join(f"1,{n},10,20,{number}\n" for n, number in enumerate(numbers))
    spotted = "".join(f"1,{n},10,20,{number + step}\n" for n, number in enumerate(numbers))
    others = "1,a,10,20,1\n1,b,10,20,4\n"  # classes that no answer is right about
    summary = score("--predictions", write(head + spotted, "p.csv"), "--truth", write(head + truth + others, "t.csv"))
    assert any(f"of the class numbers are one {side} the true one" in line for line in summary["warnings"])


def test_score_refuses_lines_of_too_many_columns(write, score):
    wide = write(PREDICTIONS + "," * 10_000 + "\n", "p.csv")
    code, error = score("--predictions", wide, "--truth", write(TRUTH, "t.csv"), fails=True)
    assert code == 3
    assert "line 6: it has 10,001 columns, expected at most 10,000" in error
