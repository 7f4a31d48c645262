"""Matching against brute force over all matchings."""

from dataclasses import replace
from fractions import Fraction
from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, strategies as st

from mebench.metrics import Tables, match_one_to_one, matching
from mebench.metrics.conventions import CONVENTIONS
from mebench.metrics.matching import ends_of, overlap_pairs, pair_intervals, take_turns

STRICT = CONVENTIONS["strict"]
Span = tuple[int, int]

spans = st.tuples(st.integers(0, 12), st.integers(0, 10)).map(lambda x: (x[0], x[0] + x[1]))
few = st.lists(spans, max_size=4)


def table(spans: list[Span], video: str = "a", kind: str = "micro", draw: int = 0) -> pd.DataFrame:
    onset, offset = ([span[end] for span in spans] for end in (0, 1))
    frame = pd.DataFrame({"onset": onset, "offset": offset}, dtype=np.int64)
    return frame.assign(video=video, kind=kind, draw=draw)


def iou(a: Span, b: Span) -> Fraction:
    shared = set(range(a[0], a[1] + 1)) & set(range(b[0], b[1] + 1))
    return Fraction(len(shared), len(set(range(a[0], a[1] + 1)) | set(range(b[0], b[1] + 1))))


def brute_force(truths: list[Span], spotted: list[Span]) -> list[int]:
    """The best matching by the written rule, from all there are."""
    best: tuple[tuple[object, ...], list[int]] | None = None
    for size in range(min(len(truths), len(spotted)) + 1):
        for chosen in combinations(range(len(spotted)), size):
            for taken in permutations(range(len(truths)), size):
                ious = [iou(spotted[p], truths[t]) for p, t in zip(chosen, taken)]
                if any(value < Fraction(1, 2) for value in ious):
                    continue
                result = [-1] * len(spotted)
                for p, t in zip(chosen, taken):
                    result[p] = t
                surer = [p in chosen for p in range(len(spotted))]
                rank = (size, sum(ious, Fraction(0)), surer, [-t for t in taken])
                if best is None or rank > best[0]:
                    best = rank, result
    assert best is not None
    return best[1]


@given(truths=few, spotted=few)
def test_match_one_to_one_is_best_of_all_matchings(truths: list[Span], spotted: list[Span]) -> None:
    truths = sorted(truths)
    assert match_one_to_one(table(truths), table(spotted), STRICT).tolist() == brute_force(truths, spotted)


@given(
    truths=st.lists(st.integers(0, 3).map(lambda a: (a, a + 9)), min_size=2, max_size=4),
    spotted=st.lists(st.integers(0, 4).map(lambda a: (a, a + 8)), min_size=2, max_size=5),
)
def test_match_one_to_one_of_crowded_intervals_is_exact(truths: list[Span], spotted: list[Span]) -> None:
    truths = sorted(truths)
    assert match_one_to_one(table(truths), table(spotted), STRICT).tolist() == brute_force(truths, spotted)


@pytest.mark.parametrize("seed", range(5))
def test_match_one_to_one_of_few_equals_that_of_networkx(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Small components are tried out, larger ones left to the library: both find the one best matching."""
    rng = np.random.default_rng(seed)
    truths, spotted = (
        sorted((int(a), int(a + length)) for a, length in zip(rng.integers(0, 200, n), rng.integers(5, 12, n)))
        for n in (40, 60)
    )
    found = []
    for few in (0, 6, 40):
        monkeypatch.setattr(matching, "FEW_INTERVALS", few)
        found.append(match_one_to_one(table(truths), table(spotted), STRICT).tolist())
    assert found[0] == found[1] == found[2]
    assert sum(row >= 0 for row in found[0]) > 20


def test_match_one_to_one_gives_one_interval_one_truth() -> None:
    assert match_one_to_one(table([(0, 9), (1, 10)]), table([(0, 10)]), STRICT).tolist() == [0]


def test_match_one_to_one_prefers_more_pairs_to_better_overlap() -> None:
    # The first interval fits the first truth best, but only it can also find the second.
    truths, spotted = [(0, 9), (4, 13)], [(2, 11), (0, 9)]
    assert match_one_to_one(table(truths), table(spotted), STRICT).tolist() == [1, 0]


def test_match_one_to_one_prefers_three_fair_to_two_perfect() -> None:
    truths, spotted = [(0, 9), (3, 12), (6, 15)], [(0, 9), (3, 12), (-3, 6)]
    assert match_one_to_one(table(truths), table(spotted), STRICT).tolist() == [1, 2, 0]


def test_match_one_to_one_takes_surer_then_earlier_of_equals() -> None:
    truths, spotted = [(1, 10), (3, 12), (4, 13)], [(1, 11), (0, 10), (1, 11), (2, 11)]
    assert (
        match_one_to_one(table(truths), table(spotted), STRICT).tolist()
        == brute_force(truths, spotted)
        == [2, 0, -1, 1]
    )


def test_match_one_to_one_takes_exact_half_and_counts_ends() -> None:
    half, less = [(5, 9)], [(6, 9)]
    assert match_one_to_one(table([(0, 9)]), table(half), STRICT).tolist() == [0]
    assert match_one_to_one(table([(0, 9)]), table(less), STRICT).tolist() == [-1]
    assert match_one_to_one(table([(0, 9)]), table(half), replace(STRICT, reaching=False)).tolist() == [-1]
    # Without the offset it is 4 frames of 9.
    assert match_one_to_one(table([(0, 9)]), table(half), replace(STRICT, ends="half_open")).tolist() == [-1]


def test_match_one_to_one_compares_thresholds_without_rounding() -> None:
    tenths = replace(STRICT, threshold=Fraction(7, 10))
    assert match_one_to_one(table([(0, 9)]), table([(0, 6)]), tenths).tolist() == [0]


def test_match_one_to_one_keeps_videos_kinds_and_draws_apart() -> None:
    truths = table([(0, 9)])
    spotted = pd.concat(
        [
            table([(0, 9)], video="b"),
            table([(0, 9)], kind="macro"),
            table([(0, 9)], draw=0),
            table([(0, 9)], draw=1),
            table([(0, 8)], draw=1),
        ],
        ignore_index=True,
    )
    assert match_one_to_one(truths, spotted, STRICT).tolist() == [-1, -1, 0, 0, -1]


def test_match_one_to_one_of_nothing_is_empty() -> None:
    assert match_one_to_one(table([]), table([]), STRICT).tolist() == []
    assert match_one_to_one(table([]), table([(0, 1)]), STRICT).tolist() == [-1]
    assert match_one_to_one(table([(0, 1)]), table([]), STRICT).tolist() == []


def disjoint(draw: st.DrawFn) -> list[Span]:
    result = []
    start = 0
    for gap, length in draw(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), max_size=6)):
        result.append((start + gap, start + gap + length))
        start += gap + length + 1
    return result


@given(st.data())
def test_match_one_to_one_equals_greedy_on_disjoint_intervals(data: st.DataObject) -> None:
    truths, spotted = data.draw(st.composite(disjoint)()), data.draw(st.composite(disjoint)())
    assume(all(iou(a, b) != Fraction(1, 2) for a in truths for b in spotted))
    matched = match_one_to_one(table(truths), table(spotted), STRICT)
    hits = pair_intervals(table(truths), table(spotted), STRICT).hits(Fraction(1, 2))
    greedy = take_turns(hits, np.zeros(len(spotted), dtype=np.int64)) >= 0
    assert (matched >= 0).tolist() == greedy.tolist()


@given(truths=few, spotted=few, shift=st.integers(-50, 50))
def test_match_one_to_one_ignores_a_common_shift(truths: list[Span], spotted: list[Span], shift: int) -> None:
    def moved(spans: list[Span]) -> pd.DataFrame:
        return table([(a + shift, b + shift) for a, b in spans])

    assert (
        match_one_to_one(table(truths), table(spotted), STRICT)
        == match_one_to_one(moved(truths), moved(spotted), STRICT)
    ).all()


@given(truths=few, spotted=few, data=st.data())
def test_match_one_to_one_ignores_emotions(truths: list[Span], spotted: list[Span], data: st.DataObject) -> None:
    videos = pd.DataFrame({"video": ["a"], "subject": ["s"], "dataset": ["d"], "n_frames": [99], "fps": [30.0]})

    def matched() -> list[tuple[int, int, float]]:
        emotions = st.sampled_from(["joy", "fear", None])
        named = [
            table(spans).assign(apex=None, confidence=0.0, emotion=[data.draw(emotions) for _ in spans])
            for spans in (truths, spotted)
        ]
        ordered = Tables(videos, *named).put_in_order()
        assert ordered.predictions is not None
        rows = match_one_to_one(ordered.truths, ordered.predictions, STRICT)
        found = ordered.predictions[rows >= 0]
        onsets = ordered.truths["onset"].to_numpy()[rows[rows >= 0]]
        return sorted(zip(found["onset"], found["offset"], onsets))

    assert matched() == matched()


def test_match_one_to_one_matches_as_many_as_scipy() -> None:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import maximum_bipartite_matching

    rng = np.random.default_rng(3)
    onsets = [np.sort(rng.integers(0, 60, size=n)) for n in (25, 60)]
    truths, spotted = (table([(int(a), int(a) + 11) for a in onset]) for onset in onsets)
    hits = pair_intervals(truths, spotted, STRICT).hits(Fraction(1, 2))
    graph = coo_matrix((np.ones(len(hits.truth)), (hits.prediction, hits.truth)), shape=(60, 25)).tocsr()
    matched = match_one_to_one(truths, spotted, STRICT)
    taken = matched[matched >= 0]
    assert len(set(taken)) == len(taken) == (maximum_bipartite_matching(graph, perm_type="column") >= 0).sum()


@given(
    truths=st.lists(st.tuples(spans, st.sampled_from("ab")), max_size=5),
    spotted=st.lists(st.tuples(spans, st.sampled_from("bc"), st.none() | st.integers(-3, 25)), max_size=5),
    name=st.sampled_from(["strict", *CONVENTIONS]),
    least=st.sampled_from([Fraction(0), Fraction(1, 20), Fraction(1, 2)]),
)
def test_pair_intervals_share_a_frame_or_the_apex(
    truths: list[tuple[Span, str]],
    spotted: list[tuple[Span, str, int | None]],
    name: str,
    least: Fraction,
) -> None:
    true = table([span for span, _ in truths]).assign(video=[video for _, video in truths])
    predictions = table([span for span, *_ in spotted]).assign(video=[video for _, video, _ in spotted])
    predictions["apex"] = np.array([np.nan if apex is None else apex for *_, apex in spotted], dtype=np.float64)
    convention = CONVENTIONS[name]
    same_video = [
        (p, t) for p, of_p in enumerate(predictions["video"]) for t, of_t in enumerate(true["video"]) if of_p == of_t
    ]
    of_predictions, of_truths = np.array(same_video, dtype=np.int64).reshape(-1, 2).T
    every = overlap_pairs(of_predictions, of_truths, ends_of(predictions), ends_of(true), convention)
    near = pair_intervals(true, predictions, convention, least)

    def is_near(prediction: int, truth: int) -> bool:
        """Whether the apex lies in the truth or, under `peak`, a quarter of the interval's length around it."""
        onset, offset, apex = (float(predictions[name].iloc[prediction]) for name in ("onset", "offset", "apex"))
        first, last = true["onset"].iloc[truth], true["offset"].iloc[truth]
        spare = (offset - onset) / 4
        peak = (onset + offset) / 2 if np.isnan(apex) else apex
        is_near_peak = convention.matching == "peak" and first - spare <= peak <= last + spare
        return bool(first < apex < last or is_near_peak)

    kept = [
        (p, t, common, union)
        for p, t, common, union in zip(every.prediction, every.truth, every.intersection, every.union)
        if (common > 0 and Fraction(int(common), int(union)) >= least) or is_near(p, t)
    ]

    assert [*zip(near.prediction, near.truth, near.intersection, near.union)] == kept
