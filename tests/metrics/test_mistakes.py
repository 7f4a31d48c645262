"""Every false positive and every miss, by cause. Truths in each example: micro [100, 119], macro [300, 359]."""

from dataclasses import replace
from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from mebench.errors import ConfigError
from mebench.metrics import Tables
from mebench.metrics.conventions import CONVENTIONS
from mebench.metrics.mistakes import (
    CAUSES,
    count_distracted,
    count_mistakes,
    explain_mistakes,
    missed_by,
    quiet_rate,
    sort_mistakes,
    summarize_mistakes,
    underlying_event,
)
from mebench.metrics.summary import summarize
from tests.helpers.nightly import NIGHTLY, by_day

TRUTHS = [("d/1/a", "micro", 100, 119, "joy"), ("d/1/a", "macro", 300, 359, None)]


def tables(predictions, truths=TRUTHS, videos=("d/1/a", "d/2/b")):
    true = pd.DataFrame(truths, columns=["video", "kind", "onset", "offset", "emotion"]).astype({"emotion": object})
    spotted = pd.DataFrame(predictions, columns=["video", "kind", "onset", "offset", "confidence"])
    seen = pd.DataFrame({"video": list(videos)})
    return Tables(
        seen.assign(
            subject=[v.rpartition("/")[0] for v in videos],
            dataset=[v.partition("/")[0] for v in videos],
            n_frames=900,
            fps=30.0,
        ),
        true.assign(apex=float("nan")),
        spotted.assign(apex=spotted["onset"], emotion=None, draw=0),
    )


def causes(predictions, **kwargs):
    found = sort_mistakes(tables(predictions, **kwargs), ["micro", "macro"])
    return sorted(zip(found["mistake"], found["kind"], found["cause"]))


BOTH = [("d/1/a", "micro", 100, 119, 0.9), ("d/1/a", "macro", 300, 359, 0.8)]
MACRO = BOTH[1:]
FAR = ("d/2/b", "macro", 300, 359, None)


@pytest.mark.parametrize(
    ("predictions", "expected"),
    [
        pytest.param(BOTH, [], id="all found"),
        pytest.param([], [("miss", "macro", "missed"), ("miss", "micro", "missed")], id="nothing predicted"),
        pytest.param(
            [*MACRO, ("d/1/a", "micro", 110, 129, 0.5)],  # IoU 10 / 30
            [("false_positive", "micro", "localisation"), ("miss", "micro", "localisation")],
            id="a near miss is one slip, seen from both sides",
        ),
        pytest.param(
            [*MACRO, ("d/1/a", "micro", 101, 290, 0.5)],  # IoU 19 / 191 < .1
            [("false_positive", "micro", "background"), ("miss", "micro", "missed")],
            id="too little overlap is background",
        ),
        pytest.param(
            [*MACRO, ("d/1/a", "micro", 118, 135, 0.5)],  # IoU 2 / 36 < .1
            [("false_positive", "micro", "background"), ("miss", "micro", "missed")],
            id="a touch is background",
        ),
        pytest.param(
            [*MACRO, ("d/1/a", "micro", 110, 209, 0.5)],  # IoU 10 / 110 < .1
            [("false_positive", "micro", "background"), ("miss", "micro", "missed")],
            id="a long one too",
        ),
        pytest.param(
            [*MACRO, ("d/1/a", "macro", 102, 121, 0.5)],  # IoU 18 / 22 with the micro
            [("false_positive", "macro", "kind_confusion"), ("miss", "micro", "kind_confusion")],
            id="micro taken for macro",
        ),
        pytest.param(
            [*MACRO, ("d/1/a", "macro", 110, 129, 0.5)],  # IoU 1 / 3 with the micro: TIDE's "both"
            [("false_positive", "macro", "background"), ("miss", "micro", "missed")],
            id="wrong kind and wrong place is background",
        ),
        pytest.param(
            [*BOTH, ("d/1/a", "micro", 102, 121, 0.5)],
            [("false_positive", "micro", "duplicate")],
            id="found twice",
        ),
        pytest.param(
            [*BOTH, ("d/1/a", "micro", 110, 129, 0.5)],
            [("false_positive", "micro", "localisation")],
            id="near a truth that another one found",
        ),
        pytest.param(
            [*BOTH, ("d/2/b", "micro", 100, 119, 0.5)],
            [("false_positive", "micro", "background")],
            id="in another video",
        ),
    ],
)
def test_sort_mistakes_gives_causes_of_simple_cases(predictions, expected):
    assert causes(predictions) == expected


def test_sort_mistakes_takes_cause_of_the_larger_overlap():
    """A micro interval on [100, 119] with a micro [90, 104] of IoU 1 / 6 and a macro [101, 121] of IoU 19 / 22."""
    truths = [("d/1/a", "micro", 90, 104, "joy"), ("d/1/a", "macro", 101, 121, None)]
    found = sort_mistakes(tables([("d/1/a", "micro", 100, 119, 0.5)], truths), ["micro", "macro"])
    assert found.loc[found["mistake"] == "false_positive", ["cause", "iou"]].to_numpy().tolist() == [
        ["kind_confusion", pytest.approx(19 / 22)]
    ]
    misses = dict(found.loc[found["mistake"] == "miss", ["kind", "cause"]].to_numpy().tolist())
    assert misses == {"macro": "kind_confusion", "micro": "localisation"}


def test_sort_mistakes_confuses_with_kinds_not_asked_for():
    found = sort_mistakes(tables([("d/1/a", "micro", 300, 359, 0.5)]), ["micro"])
    assert sorted(zip(found["mistake"], found["kind"], found["cause"])) == [
        ("false_positive", "micro", "kind_confusion"),
        ("miss", "micro", "missed"),
    ]


def test_count_mistakes_counts_by_subject_and_emotion():
    found = sort_mistakes(
        tables([*MACRO, ("d/1/a", "micro", 110, 129, 0.5), ("d/2/b", "micro", 5, 9, 0.1)]), ["micro", "macro"]
    )
    by_subject = count_mistakes(found, "subject")
    assert (
        by_subject.loc["d/1", ("false_positive", "localisation")]
        == by_subject.loc["d/1", ("miss", "localisation")]
        == 1
    )
    assert by_subject.loc["d/2"].to_dict() == {
        column: int(column == ("false_positive", "background")) for column in by_subject.columns
    }
    assert list(count_mistakes(found[::-1], "video").index) == sorted(set(found["video"]))
    by_emotion = count_mistakes(found, "emotion")
    assert by_emotion.loc["joy"].sum() == 2
    assert by_emotion.loc[""].sum() == 1


def test_summarize_mistakes_averages_random_draws():
    drawn = tables([*BOTH, ("d/1/a", "micro", 5, 9, 0.5)])
    drawn.predictions["draw"] = [0, 0, 1]
    plain = summarize_mistakes(drawn, ["micro", "macro"])

    assert plain["micro"] == {
        "false_positive": {"localisation": 0, "kind_confusion": 0, "duplicate": 0, "background": 0.5},
        "miss": {"localisation": 0, "kind_confusion": 0, "missed": 0.5},
        "under": {"nothing": 0.5},
        "gain": pytest.approx({"nothing": 2 / 3 - 1 / 2, "missed": 4 / 5 - 1 / 2}),
    }
    assert plain["macro"]["miss"]["missed"] == 0.5


def test_summarize_mistakes_of_draws_without_truth_is_background():
    drawn = tables([(f"d/{n}/{v}", "micro", 5, 9, 0.5) for n, v in ((1, "a"), (2, "b"))], truths=[])
    drawn.predictions["draw"] = [0, 1]
    found = summarize_mistakes(drawn, ["micro"])["micro"]
    assert found["false_positive"]["background"] == 1
    assert found["miss"]["missed"] == 0


def test_sort_mistakes_without_spotting_is_empty():
    nothing = tables([])
    assert sort_mistakes(Tables(nothing.videos, nothing.truths), ["micro"]).empty
    with pytest.raises(ConfigError, match="Did you mean 'strict'"):
        sort_mistakes(nothing, ["micro"], "strikt")


intervals = st.tuples(
    st.sampled_from(["d/1/a", "d/2/b"]), st.sampled_from(["micro", "macro"]), st.integers(0, 40), st.integers(1, 25)
).map(lambda t: (t[0], t[1], t[2], t[2] + t[3]))


@given(st.lists(intervals, max_size=8), st.lists(intervals, max_size=10), st.randoms())
def test_sort_mistakes_gives_one_cause_in_any_order_of_rows(truths, predictions, random):
    truths = [(*t, "joy") for t in dict.fromkeys(truths)]
    predictions = [(*p, 0.01 * n) for n, p in enumerate(predictions)]
    one = tables(predictions, truths)
    found = sort_mistakes(one, ["micro", "macro"])
    spotting = summarize(one, kinds=["micro", "macro"], classes=[], seed=0, draws=0)["spotting"]
    for kind in ("micro", "macro"):
        mine = found[found["kind"] == kind]
        assert (mine["mistake"] == "false_positive").sum() == spotting[kind]["fp"]
        assert (mine["mistake"] == "miss").sum() == spotting[kind]["fn"]
    assert set(found.loc[found["mistake"] == "false_positive", "cause"]) <= set(CAUSES["false_positive"])
    assert set(found.loc[found["mistake"] == "miss", "cause"]) <= set(CAUSES["miss"])
    shuffled = tables(random.sample(predictions, len(predictions)), random.sample(truths, len(truths)))
    again = sort_mistakes(shuffled, ["micro", "macro"])
    pd.testing.assert_frame_equal(again.drop(columns="row"), found.drop(columns="row"))


SPOT = [name for name, rule in CONVENTIONS.items() if "spotting" in rule.sections]


def counts(one, convention):
    """False positives and misses of each kind: as they are sorted, and as a summary counts them."""
    kinds = ("micro", "macro")
    mistakes = summarize_mistakes(one, kinds, convention)
    spotting = summarize(one, kinds=kinds, classes=[], seed=0, draws=0, convention=convention)["spotting"]
    return (
        {kind: tuple(sum(mistakes[kind][of].values()) for of in ("false_positive", "miss")) for kind in kinds},
        {kind: (spotting[kind]["fp"], spotting[kind]["fn"]) for kind in kinds},
    )


@pytest.mark.parametrize("convention", SPOT)
def test_sort_mistakes_equals_counts_of_conventions(convention):
    one = tables(
        [*MACRO, ("d/1/a", "micro", 110, 129, 0.5), ("d/2/b", "micro", 5, 9, 0.1), ("d/2/b", "micro", 5, 9, 0.2)]
    )
    mistakes, summary = counts(one, convention)
    assert mistakes == summary


ONE_EACH = [name for name in SPOT if CONVENTIONS[name].matching not in ("any_hit", "every_hit")]
UNLIKE = {CONVENTIONS[name].matching: name for name in reversed(ONE_EACH)}.values()
"""The first of each way to match: by day they represent all."""


@pytest.mark.parametrize("convention", by_day(ONE_EACH, *UNLIKE))
@settings(max_examples=300 if NIGHTLY else 5)
@given(truths=st.lists(intervals, max_size=8), predictions=st.lists(intervals, max_size=10))
def test_sort_mistakes_equals_counts_of_conventions_at_random(convention, truths, predictions):
    one = tables([(*p, 0.01 * n) for n, p in enumerate(predictions)], [(*t, "joy") for t in dict.fromkeys(truths)])
    mistakes, summary = counts(one, convention)
    assert mistakes == summary


def test_sort_mistakes_of_li2017_ignores_second_finds():
    """The second counts neither way, so that the interval on nothing is the one mistake beside the miss."""
    one = tables([*BOTH, ("d/1/a", "micro", 102, 121, 0.5), ("d/1/a", "macro", 700, 759, 0.4)], [*TRUTHS, FAR])
    assert counts(one, "strict") == ({"micro": (1, 0), "macro": (1, 1)},) * 2
    assert counts(one, "li2017") == ({"micro": (0, 0), "macro": (1, 1)},) * 2
    assert underlying_event(sort_mistakes(one, ["micro", "macro"], "li2017"), one).tolist() == ["nothing"]


@pytest.mark.parametrize("convention", ["megc2020", "megc2023_entries"])
def test_sort_mistakes_of_two_truths_per_interval_is_one_more(convention):
    truths = [("d/1/a", "micro", 100, 120, "joy"), ("d/1/a", "micro", 102, 122, "joy")]
    one = tables([("d/1/a", "micro", 101, 121, 0.9), ("d/1/a", "micro", 500, 520, 0.8)], truths)
    mistakes, summary = counts(one, convention)
    assert mistakes["micro"] == (1, 0)
    assert summary["micro"] == (0, 0)


@given(st.lists(intervals, max_size=6), st.lists(intervals, max_size=8))
def test_sort_mistakes_causes_equal_plain_reading(truths, predictions):
    truths = [(*t, "joy") for t in dict.fromkeys(truths)]
    predictions = list(dict.fromkeys(predictions))
    found = sort_mistakes(tables([(*p, 0.01 * n) for n, p in enumerate(predictions)], truths), ["micro", "macro"])
    wrong = found[found["mistake"] == "false_positive"]

    def iou(a, b):
        shared = max(min(a[3], b[3]) - max(a[2], b[2]) + 1, 0) if a[0] == b[0] else 0
        return Fraction(shared, a[3] - a[2] + 1 + b[3] - b[2] + 1 - shared)

    def cause(p):
        own = max((iou(p, t) for t in truths if t[1] == p[1]), default=0)
        other = max((iou(p, t) for t in truths if t[1] != p[1]), default=0)
        if own >= Fraction(1, 2):
            return "duplicate"
        if other >= Fraction(1, 2):
            return "kind_confusion"
        return "localisation" if own >= Fraction(1, 10) else "background"

    by_definition = {
        (v, k, a, b): c for v, k, a, b, c in wrong[["video", "kind", "onset", "offset", "cause"]].to_numpy().tolist()
    }
    assert by_definition == {p: cause(p) for p in by_definition}
    false = set(by_definition)
    for v, k, a, b, c in (
        found.loc[found["mistake"] == "miss", ["video", "kind", "onset", "offset", "cause"]].to_numpy().tolist()
    ):
        truth = (v, k, a, b)
        own = [iou(p, truth) for p in false if p[1] == k]
        other = [iou(p, truth) for p in false if p[1] != k]
        if max(other, default=0) >= Fraction(1, 2):
            assert c == "kind_confusion"
        else:
            near = any(Fraction(1, 10) <= value < Fraction(1, 2) for value in own)
            assert c == ("localisation" if near else "missed")


def test_underlying_event_is_one_word_a_false_positive():
    """Of several the one that shares most frames; nearer to a truth of its kind than to anything else is a near miss."""
    astray = [("d/1/a", "blink", 500, 505), ("d/1/a", "speech", 502, 560), ("d/1/a", "twitch", 118, 130)]
    spotted = [
        ("d/1/a", "micro", 100, 119, 0.9),
        ("d/1/a", "micro", 101, 119, 0.8),
        ("d/1/a", "micro", 110, 129, 0.7),
        ("d/1/a", "micro", 310, 321, 0.6),
        ("d/1/a", "micro", 500, 511, 0.5),
        ("d/1/a", "micro", 494, 505, 0.4),
        ("d/1/a", "micro", 700, 711, 0.3),
    ]
    one = replace(tables(spotted), distractors=pd.DataFrame(astray, columns=["video", "kind", "onset", "offset"]))
    found = sort_mistakes(one, ["micro"])
    words = dict(zip(found["onset"], underlying_event(found, one)))
    assert words == {101: "duplicate", 110: "near_miss", 310: "macro", 500: "speech", 494: "blink", 700: "nothing"}
    why = explain_mistakes(one, found, ["micro"])["micro"]
    assert why["under"] == {"blink": 1, "duplicate": 1, "macro": 1, "near_miss": 1, "nothing": 1, "speech": 1}
    # One right, six false, none missed: without one of the six 2 / 7 for 2 / 8.
    assert why["gain"] == pytest.approx({**dict.fromkeys(why["under"], 2 / 7 - 2 / 8), "missed": 0})


@settings(max_examples=300 if NIGHTLY else 5)
@given(st.lists(intervals, max_size=6), st.lists(intervals, max_size=8))
def test_explain_mistakes_gain_equals_f1_without_the_cause(truths, predictions):
    """Each word's intervals are taken out, for each near miss a truth that was nearly hit is put in, and all is scored again."""
    truths = [(*t, "joy") for t in dict.fromkeys(truths)]
    spotted = [(*p, 0.01 * n) for n, p in enumerate(dict.fromkeys(predictions))]
    one = tables(spotted, truths)
    found = sort_mistakes(one, ["micro", "macro"])
    under = underlying_event(found, one)
    why = explain_mistakes(one, found, ["micro", "macro"])

    def f1(kind, wrong, added):
        kept = [p for p in spotted if p[1] == kind and p[:4] not in wrong]
        whole = summarize(tables([*kept, *added], truths), kinds=[kind], classes=[], seed=0, draws=0)
        return whole["spotting"][kind]["scores"]["f1"]["value"] or 0.0

    for kind in ("micro", "macro"):
        before = f1(kind, set(), [])
        for word, gain in why[kind]["gain"].items():
            rows = found[found["kind"] == kind]
            names = ["video", "kind", "onset", "offset"]
            wrong = set(
                map(tuple, rows.loc[under[under == word].index.intersection(rows.index), names].to_numpy().tolist())
            )
            misses = rows[rows["mistake"] == "miss"].sort_values(
                "cause"
            )  # those that were nearly hit come before `missed`
            near = (misses["cause"] == "localisation").to_numpy()
            n = min(near.sum(), (under[rows.index.intersection(under.index)] == "near_miss").sum())
            put_right = near & (near.cumsum() <= n)
            cured = {"near_miss": put_right, "missed": ~put_right}.get(word, near & False)
            added = [(*row, 1.0) for row in misses.loc[cured, names].to_numpy().tolist()]
            assert gain == pytest.approx(f1(kind, wrong, added) - before)


ONE_FALSE = {
    "a micro-expression spotted as long as the macro-expression around it": (
        [("micro", 40, 49), ("macro", 20, 59)],
        [("micro", 20, 59, 0.5)],
        {"macro": 0.0, "missed": 2 / 3},
    ),
    "one long interval over two truths: put right it finds one": (
        [("micro", 10, 19), ("micro", 30, 39)],
        [("micro", 10, 39, 0.5)],
        {"near_miss": 2 / 3, "missed": 1 / 2},
    ),
}


@pytest.mark.parametrize(("truths", "spotted", "gain"), ONE_FALSE.values(), ids=ONE_FALSE)
def test_explain_mistakes_cures_one_truth_a_false_positive(truths, spotted, gain):
    one = tables([("d/1/a", *row) for row in spotted], [("d/1/a", *row, "joy") for row in truths])
    found = sort_mistakes(one, ["micro"])
    assert explain_mistakes(one, found, ["micro"])["micro"]["gain"] == pytest.approx(gain)


def test_missed_by_counts_by_thirds():
    true = pd.DataFrame({"video": ["a"] * 3 + ["b"] * 6, "onset": [0, 20, 40, 0, 20, 40, 60, 80, 100]}).assign(
        offset=lambda t: t["onset"] + [5, 5, 5, 9, 9, 9, 12, 12, 12], fps=10.0, n_frames=100.0, intensity=0.1
    )
    wrong = true.iloc[[0, 1, 3, 6]].assign(mistake="miss")
    assert missed_by(true, wrong) == {
        "length": pytest.approx({"short": 2 / 3, "middle": 1 / 3, "long": 1 / 3}),
        "density": pytest.approx({"sparse": 2 / 3, "dense": 2 / 6}),
    }


def test_missed_by_splits_two_truths_at_one_place():
    """Two annotators may mark one interval with different emotions."""
    true = tables(
        [], [("d/1/a", "micro", 10, 19, "joy"), ("d/1/a", "micro", 10, 19, "fear"), ("d/2/b", "micro", 5, 9, "joy")]
    )
    truths = true.truths.assign(fps=30.0, n_frames=900.0)
    for missed, share in ((truths.iloc[:1], 1 / 2), (truths.iloc[:2], 1.0)):
        assert missed_by(truths, missed.assign(mistake="miss"))["length"] == {"short": 0.0, "long": share}


@given(st.lists(st.integers(1, 9), min_size=2, max_size=30).filter(lambda lengths: len(set(lengths)) > 1))
def test_missed_by_gives_equal_lengths_one_third(lengths):
    true = pd.DataFrame({"video": [f"d/{i}" for i in range(len(lengths))], "onset": 0, "fps": 10.0, "n_frames": 100.0})
    true["offset"] = [length - 1 for length in lengths]
    third = {}
    for length in sorted(set(lengths)):
        shares = missed_by(true, true[true["offset"] == length - 1].assign(mistake="miss"))["length"]
        (third[length],) = (name for name, share in shares.items() if share)
    assert (third[min(lengths)], third[max(lengths)]) == ("short", "long")
    assert list(third.values()) == sorted(third.values(), key=["short", "middle", "long"].index)


spans = st.tuples(st.sampled_from(["d/1/a", "d/2/b"]), st.integers(0, 30), st.integers(1, 20))


@given(
    st.lists(st.tuples(spans, st.sampled_from(["micro", "macro"])), min_size=1, max_size=8),
    st.lists(st.tuples(spans, st.sampled_from(["blink", "speech"])), min_size=1, max_size=8),
)
def test_count_distracted_needs_half_of_the_shorter(wrong, astray):
    columns = ["video", "kind", "onset", "offset"]
    intervals = [(v, kind, on, on + n - 1) for (v, on, n), kind in wrong]
    distractors = [(v, kind, on, on + n - 1) for (v, on, n), kind in astray]
    found = pd.DataFrame(intervals, columns=columns).assign(mistake="false_positive")
    missed = pd.DataFrame([("d/1/a", "micro", 0, 50)], columns=columns).assign(mistake="miss")
    counts = count_distracted(pd.concat([found, missed]), pd.DataFrame(distractors, columns=columns))
    for kind in ("micro", "macro"):
        for what in {kind for _, kind in astray}:
            expected = 0
            for video, of_kind, on, off in intervals:
                frames = set(range(on, off + 1))
                others = [set(range(a, b + 1)) for v, k, a, b in distractors if (v, k) == (video, what)]
                expected += of_kind == kind and any(2 * len(frames & o) >= min(len(frames), len(o)) for o in others)
            assert kind not in counts.index or counts.loc[kind, what] == expected


def test_quiet_rate_counts_all_spotted_where_nothing_is():
    """Two videos of half a minute, the second without any expression, or both without one of the kind."""
    found = tables(
        [*BOTH, ("d/2/b", "micro", 10, 20, 0.1), ("d/2/b", "micro", 50, 60, 0.1), ("d/2/b", "macro", 10, 90, 0.1)]
    )
    assert [quiet_rate(found, kind, found.truths) for kind in ("micro", "macro")] == [(4.0, 0.5), (2.0, 0.5)]
    micro = found.truths[found.truths["kind"] == "micro"]
    assert quiet_rate(found, "micro", micro) == (4.0, 0.5)
    assert quiet_rate(found, "micro", micro[:0]) == (3.0, 1.0)
    twice = replace(found, predictions=pd.concat([found.predictions, found.predictions[3:].assign(draw=1)]))
    assert quiet_rate(twice, "micro", found.truths) == (3.0, 0.5), "a mean over draws"


def test_quiet_rate_without_quiet_video_or_length_is_None():
    full = tables(BOTH, videos=("d/1/a",))
    assert quiet_rate(full, "micro", full.truths) == (None, 0.0)
    endless = replace(full, videos=full.videos.assign(n_frames=float("nan")))
    assert quiet_rate(endless, "micro", full.truths[:0])[0] is None
