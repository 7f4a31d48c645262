"""The words of mebench: what they refuse, and what they say."""

import pickle

import pytest

from mebench.core import Expression, Scheme, SubjectKey, Task, Video
from mebench.core.types import Fold
from mebench.errors import DataError, PluginError, RunError

THREE = Scheme(
    "three", ("negative", "positive"), {"disgust": "negative", "sadness": "negative", "happiness": "positive"}
)
A, B, C = (SubjectKey("casme2", s) for s in "123")


def test_Expression_length_counts_both_ends():
    assert Expression(3, 3).length == 1
    assert Expression(3, 7).length == 5


@pytest.mark.parametrize("interval", [(5, 4), (-1, 4)])
def test_Expression_refuses_impossible_intervals(interval):
    with pytest.raises(DataError, match=rf"\[{interval[0]}, {interval[1]}\]"):
        Expression(*interval)


@pytest.mark.parametrize("apex", [2, 8])
def test_Expression_apex_lies_inside(apex):
    assert Expression(3, 7, apex=3).apex == 3
    assert Expression(3, 7, apex=7).apex == 7
    with pytest.raises(DataError, match=f"apex {apex}"):
        Expression(3, 7, apex=apex)


@pytest.mark.parametrize("values", [("micro", 10, 20), (10, 20, 15), (10, 15, 20, "micro"), (10.0, 20, "micro")])
def test_Expression_says_its_order(values):
    with pytest.raises(PluginError, match="onset, offset, kind and apex in this order") as caught:
        Expression(*values)
    assert f"{values[0]!r}, {values[1]!r}" in str(caught.value)


def test_Video_subject_key_holds_the_dataset():
    one, two = (Video(dataset, "01", "EP01", 200.0, 90) for dataset in ("casme2", "samm"))
    assert one.subject_key != two.subject_key
    assert (one.key, two.key) == ("casme2/01/EP01", "samm/01/EP01")
    assert str(one.subject_key) == "casme2/01"


def test_Scheme_index_ignores_case_and_skips_other_labels():
    assert [THREE.index(label) for label in ("disgust", "Sadness", "HAPPINESS", "repression", None)] == [
        0,
        0,
        1,
        None,
        None,
    ]
    assert [THREE.index(label) for label in ("Disgust", "others")] == [THREE.classes.index("negative"), None]


def test_Scheme_refuses_unlisted_classes():
    with pytest.raises(DataError, match=r"'odd' maps onto \['neutral'\]"):
        Scheme("odd", ("negative",), {"rest": "neutral"})


def test_Scheme_native_keeps_order_and_drops_repeats():
    scheme = Scheme.native(["Surprise", "fear", "surprise"])
    assert scheme.classes == ("surprise", "fear")
    assert scheme.class_of(Expression(0, 1, emotion="FEAR")) == "fear"


@pytest.mark.parametrize(
    ("sides", "named"),
    [
        (((A, B), (B,), (C,)), "train and in valid"),
        (((A,), (B,), (A,)), "train and in test"),
        (((A,), (B,), (B,)), "valid and in test"),
    ],
)
def test_Fold_refuses_a_subject_on_two_sides(sides, named):
    with pytest.raises(RunError, match=f"'f' has casme2/[12] in {named}"):
        Fold("f", *sides)


def test_Video_and_Fold_survive_pickling():
    video = Video("d", "s", "v", 30.0, 90, (Expression(1, 5, "micro", 2, "fear", ("4",), "II"),))
    fold = Fold("f", (A,), (B,), (C,))
    assert pickle.loads(pickle.dumps((video, fold))) == (video, fold)


def test_Scheme_scores_micro_expressions_with_a_class():
    doubtful = Scheme("careful", THREE.classes, THREE.mapping, excluded=frozenset({"doubtful"}))
    sad, macro, other, unnamed, flagged = expressions = (
        Expression(0, 9, emotion="Sadness"),
        Expression(10, 19, "macro", emotion="sadness"),
        Expression(20, 29, emotion="others"),
        Expression(30, 39),
        Expression(40, 49, emotion="happiness", flags=("doubtful",)),
    )
    assert [THREE.scores(e) for e in expressions] == [True, False, False, False, True]
    video = Video("casme2", "01", "EP01", 200.0, 90, expressions)
    assert (THREE.scored(video), doubtful.scored(video)) == ([sad, flagged], [sad])
    assert [doubtful.of(e) for e in (macro, other, unnamed)] == [0, None, None]  # a class alone is not enough


def test_Task_called_gives_likeliest_or_all_likely_classes():
    one, sets = (Task(frozenset({"recognize"}), classes=("a", "b", "c"), several=several) for several in (False, True))
    assert [one.called(row) for row in ([0.2, 0.7, 0.7], [-3, -1, -2])] == ["b", "b"]
    assert [sets.called(row) for row in ([0.5, 0.1, 0.9], [0.2, 0.4, 0.4])] == ["a+c", "b"]
