"""Unread columns judged by their values: a score never comes from a column that only its name proposes."""

import itertools
import json
import random

import pandas as pd
import pytest
from hypothesis import given, strategies as st

from mebench.api.score_files import score
from mebench.errors import ConfigError, DataError
from mebench.exchange.column_values import true_classes

CLIPS = [
    ("1", "a", 10, 24, "happiness"),
    ("1", "b", 31, 45, "surprise"),
    ("2", "a", 8, 20, "surprise"),
    ("2", "c", 15, 33, "disgust"),
    ("3", "d", 40, 60, "happiness"),
]
ANSWERS = ["disgust", "surprise", "disgust", "disgust", "surprise"]
"""Two of five are right."""
NAMES_OF_ANSWERS = ("predict", "hyp", "model", "vote", "final", "top1", "ours", "HTNet", "预测", "fold result")


def truth():
    return pd.DataFrame(CLIPS, columns=["subject", "video", "onset", "offset", "emotion"])


def loso_table(true="emotion", answer="predict", answers=ANSWERS):
    """A table as scripts of leave-one-subject-out write it: the true class beside the answer."""
    return truth()[["subject", "video"]].assign(**{true: truth()["emotion"], answer: answers})


def accuracy(predictions, given=None, **options):
    scores = score(predictions, truth() if given is None else given, what="clips", bootstrap=0, **options)
    return scores.summary["recognition"]["scores"]["accuracy"]["value"]


@pytest.mark.parametrize(
    ("true", "answer"), [*(("emotion", name) for name in NAMES_OF_ANSWERS), ("label", "hyp"), ("标签", "预测")]
)
def test_true_class_beside_answer_is_refused(true, answer):
    with pytest.raises(DataError, match=r"equals the truth in every row.*--column"):
        accuracy(loso_table(true, answer))


@pytest.mark.parametrize("answer", ["HTNet", "预测", "fold result"])
def test_column_option_decides(answer):
    table = loso_table(answer=answer)
    assert accuracy(table, columns={"emotion": answer}) == pytest.approx(0.4)
    assert accuracy(table, columns=["emotion=emotion"]) == 1.0


def test_answer_of_one_class_is_refused_too(write):
    rows = [{"video": video, "subject": s, "emotion": e, "answer": "surprise"} for s, video, _, _, e in CLIPS]
    with pytest.raises(DataError, match="'answer' holds the same classes"):
        accuracy(write(json.dumps(rows), "loso.json"))


def test_truth_with_other_spelling_beside_answer_is_refused():
    """The table's own truth need not equal the truth: both columns hold its classes."""
    table = loso_table().assign(emotion=["happiness", "surprise", "surprise", "disgust", "disgust"])
    with pytest.raises(DataError, match="both hold classes of the truth"):
        accuracy(table)


def test_answers_in_numbers_beside_truth_are_refused():
    table = loso_table(answers=[0, 2, 0, 0, 2])
    table = pd.concat([table, table.assign(video=table["video"] + "x", predict=[2, 2, 1, 0, 1])])
    more = pd.concat([truth(), truth().assign(video=truth()["video"] + "x")])
    with pytest.raises(DataError, match="'predict' may hold answers in other words"):
        accuracy(table, more)


def test_lists_of_scores_alone_are_refused_with_the_remedy():
    table = truth()[["subject", "video"]].assign(probs=["[0.1, 0.2, 0.7]"] * len(CLIPS))
    with pytest.raises(
        DataError, match="If 'probs' lists a score for each class, write the class with the highest one"
    ):
        accuracy(table)


@pytest.mark.parametrize("name", ["pred", "predicted", "y_pred", "y_hat", "pred_emotion", "pred_class"])
def test_named_answer_is_read_beside_the_truth(name):
    assert accuracy(loso_table(answer=name)) == pytest.approx(0.4)


def test_column_that_equals_the_truth_is_no_answer():
    """The answer is called emotion, and the truth something else."""
    assert accuracy(loso_table(true="actual", answer="emotion")) == pytest.approx(0.4)


def test_columns_that_change_nothing_stay_a_note():
    table = truth()[["subject", "video", "emotion"]].assign(
        gender=["f", "f", "m", "m", "f"], fold=[1, 1, 2, 2, 3], notes=["a", "", "b", "c", ""], again=truth()["emotion"]
    )
    assert accuracy(table) == 1.0


def test_truth_with_two_classes_a_row_is_refused_if_all_is_right():
    given = truth().assign(coder_2=["surprise", "surprise", "disgust", "disgust", "happiness"])
    with pytest.raises(DataError, match=r"--column truth\.emotion=coder_2"):
        accuracy(truth()[["subject", "video", "emotion"]], given)


MANY = pd.DataFrame(
    [
        (str(n // 3), f"v{n}", 10 + n * 7 % 50, 24 + n % 3 + n * 7 % 50, ["happy", "sad", "angry"][n * n % 7 % 3])
        for n in range(18)
    ],
    columns=["subject", "video", "onset", "offset", "emotion"],
)
RIGHT = [n % 4 != 1 for n in range(18)]
SHARES = [[(n * k % 7 + 1) / 8 for n in range(18)] for k in (1, 2, 3)]


@pytest.mark.parametrize(
    "columns",
    [
        {"correct": RIGHT},
        {"ok": [int(right) for right in RIGHT]},
        dict(zip(("out_happy", "out_sad", "out_angry"), SHARES)),
        {"softmax": [str([*shares]) for shares in zip(*SHARES)]},
        {"Ausgabe": [["Freude", "Trauer", "Wut"][n * 5 % 11 % 3] for n in range(18)]},
    ],
    ids=["marks", "marks in numbers", "outputs", "lists of outputs", "other words"],
)
def test_judge_classes_refuses_outputs_beside_truth(columns):
    table = MANY[["subject", "video", "emotion"]].assign(**columns)
    with pytest.raises(DataError, match="'emotion' equals the truth in every row"):
        accuracy(table, MANY)
    assert accuracy(table, MANY, columns={"emotion": "emotion"}) == 1.0


@pytest.mark.parametrize(
    "columns",
    [
        {"middle": [20 + n * 11 % 45 for n in range(18)]},
        {"iou": SHARES[0]},
        {"hit": RIGHT},
        {"found": [f"[[{n}, {n + 9}]]" for n in range(18)]},
        {"pred_apex": MANY["onset"] + 1},
    ],
    ids=["middles", "overlaps", "marks", "lists", "apex with an owner"],
)
def test_judge_ends_refuses_true_ends_beside_answers(columns):
    with pytest.raises(DataError, match="equal true ones in 18 of 18 rows"):
        score(MANY.assign(**columns), MANY, bootstrap=0)


def test_judge_ends_refuses_second_ends_that_find_truths():
    found = MANY[["subject", "video"]].assign(onset=MANY["onset"] + 30, offset=MANY["offset"] + 30)
    found = found.assign(x=MANY["onset"] + MANY.index % 3, y=MANY["offset"] + MANY.index % 3, shot=7, cut=RIGHT)
    with pytest.raises(DataError, match="'x' and 'y' hold plausible ends"):
        score(found, MANY, bootstrap=0)
    assert score(found.drop(columns="y"), MANY, bootstrap=0).summary["spotting"]["micro"]["fp"] == 18


def test_judge_confidence_refuses_what_hardly_varies():
    found = MANY.drop(columns="emotion").assign(
        onset=MANY["onset"] + 1, confidence=[0.93 + n % 3 / 100 for n in range(18)]
    )
    with pytest.raises(DataError, match="'AU12_r' could be it: name it with --column confidence=AU12_r"):
        score(found.assign(AU12_r=SHARES[1]), MANY, bootstrap=0)
    assert score(found.assign(seconds=found["onset"] / 30), MANY, bootstrap=0).summary["spotting"]["micro"]["tp"] == 18


def test_emotions_of_intervals_are_judged_alike():
    table = truth().assign(onset=truth()["onset"] + 1, final=ANSWERS)
    with pytest.raises(DataError, match="'final' holds the same classes"):
        score(table, truth(), bootstrap=0)
    chosen = score(table, truth(), bootstrap=0, columns={"emotion": "final"}).summary
    assert chosen["analysis"]["true_positives"]["scores"]["accuracy"]["value"] == pytest.approx(0.4)


def test_true_ends_beside_plausible_ends_are_refused():
    table = truth()[["subject", "video", "onset", "offset"]]
    both = table.assign(begin_ours=[60, 30, 9, 70, 2], stop_ours=[75, 44, 21, 90, 20])
    with pytest.raises(DataError, match=r"equal true ones in 5 of 5 rows.*--column onset=begin_ours"):
        score(both, truth(), bootstrap=0)
    columns = {"onset": "begin_ours", "offset": "stop_ours"}
    assert score(both, truth(), bootstrap=0, columns=columns).summary["spotting"]["micro"]["tp"] == 2
    in_seconds = table.assign(begin_t=table["onset"] / 25, stop_t=table["offset"] / 25, n=range(5))
    assert score(in_seconds, truth(), bootstrap=0).summary["spotting"]["micro"]["tp"] == 5


def frame_scores(**columns):
    """Per-frame columns of one video of 60 frames, as a tracker of faces writes them."""
    frames = range(1, 61)
    unit = [max(0.0, 2 - abs(frame - 18) / 5) for frame in frames]
    table = pd.DataFrame(
        {"video": "EP", "frame": frames, "timestamp": [frame / 25 for frame in frames], "AU12_r": unit}
    )
    return table.assign(**columns)


ONE = pd.DataFrame({"subject": ["1"], "video": ["EP"], "onset": [10], "offset": [24]})
SURE = [0.93 + 0.01 * (frame % 5) for frame in range(60)]


@pytest.mark.parametrize("name", ["confidence", "conf", "value", "score"])
def test_score_that_hardly_varies_is_refused(name):
    with pytest.raises(DataError, match=r"'AU12_r' could be the score.*--column score=AU12_r"):
        score(frame_scores(**{name: SURE}), ONE, what="frame scores", k_prime=7, bootstrap=0)


def test_confidence_of_tracker_is_refused_even_if_it_varies():
    unsteady = [0.1 if frame % 7 else 0.98 - frame / 100 for frame in range(60)]
    with pytest.raises(DataError, match="how sure a program is of the face"):
        score(frame_scores(confidence=unsteady), ONE, what="frame scores", k_prime=7, bootstrap=0)


def test_only_column_that_varies_is_the_score():
    options = {"what": "frame scores", "k_prime": 7, "bootstrap": 0}
    scores = score(frame_scores(success=1), ONE, **options)
    assert scores.summary["spotting"]["micro"]["tp"] == 1
    assert any("'AU12_r' is read, the only one that varies" in line for line in scores.repaired)
    chosen = score(frame_scores(confidence=SURE), ONE, columns={"score": "AU12_r"}, **options)
    assert chosen.summary["spotting"]["micro"]["tp"] == 1


def test_table_of_openface_without_video_is_named(write):
    with pytest.raises(DataError, match="what OpenFace writes for one video"):
        score(frame_scores(confidence=SURE, success=1).drop(columns="video"), ONE, what="frame scores", k_prime=7)


def test_unknown_column_of_option_is_named():
    with pytest.raises(ConfigError, match="unknown column of the predictions 'predct'"):
        accuracy(loso_table(), columns={"emotion": "predct"})
    with pytest.raises(ConfigError, match="unknown content of a column 'emotoin'"):
        accuracy(loso_table(), columns={"emotoin": "predict"})


def outcome(table):
    try:
        return accuracy(table)
    except DataError:
        return "refused"


@pytest.mark.parametrize("seed", range(4))
def test_score_takes_any_names_for_one_number_or_refuses(seed):
    """Names that nobody knows say nothing: whichever stands above which column, the number is the same, or there is none."""
    rng = random.Random(seed)
    classes = ["happiness", "surprise", "disgust"]
    columns = [
        [rng.choice(classes) for _ in CLIPS],
        [str(rng.random()) for _ in CLIPS],
        [rng.choice("xyz") for _ in CLIPS],
    ]
    answers = [rng.choice(classes) for _ in CLIPS] if seed % 2 else [row[4] for row in CLIPS]
    base = truth()[["subject", "video"]].assign(emotion=answers)
    found = set()
    for names in itertools.permutations(("foo", "bar", "extra")):
        found.add(outcome(base.assign(**dict(zip(names, columns)))))
    assert len(found - {"refused"}) <= 1
    if not seed % 2:
        assert found == {"refused"}


@pytest.mark.parametrize("seed", range(3))
def test_score_takes_any_names_of_ends_for_one_number_or_refuses(seed):
    rng = random.Random(seed)
    shifted = MANY[["onset", "offset"]] + 2 * (seed % 2)
    other = [
        [start + rng.randint(20, 40), end + rng.randint(20, 40)] for start, end in MANY[["onset", "offset"]].to_numpy()
    ]
    columns = [*zip(*other), [rng.random() for _ in other], [rng.choice("xyz") for _ in other]]
    base = MANY[["subject", "video"]].assign(onset=shifted["onset"], offset=shifted["offset"])
    found = set()
    for names in itertools.permutations(("foo", "bar", "extra", "more")):
        try:
            micro = score(base.assign(**dict(zip(names, columns))), MANY, bootstrap=0).summary["spotting"]["micro"]
            found.add((micro["tp"], micro["fp"]))
        except DataError:
            found.add("refused")
    assert len(found - {"refused"}) <= 1
    assert seed % 2 or found == {"refused"}


INTERVALS = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 20), st.integers(0, 8), st.sampled_from(["x", "y", "", None])),
    max_size=8,
)


@given(INTERVALS, INTERVALS)
def test_true_classes_are_of_the_last_that_share_most(named, truths):
    def table(rows):
        cells = [(video, onset, onset + length, emotion) for video, onset, length, emotion in rows]
        return pd.DataFrame(cells, columns=["video", "onset", "offset", "emotion"])

    expected = []
    for video, onset, length, _ in named:
        most, best = 0, ""
        for other, begin, true_length, emotion in truths:
            shared = min(onset + length, begin + true_length) - max(onset, begin) + 1
            if other == video and emotion and shared >= max(most, 1):
                most, best = shared, emotion
        expected.append(best)
    types = {"onset": int, "offset": int}
    found = true_classes(table(named).astype(types), table(truths).astype(types))
    assert found.tolist() == expected
