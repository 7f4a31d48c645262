"""Mistakes in spotting: every false positive and every miss, sorted by cause.

After TIDE (Bolya et al. 2020, A General Toolbox for Identifying Object Detection Errors, section 2.2), with intervals for
boxes and micro and macro for classes. With t the threshold of the convention (.5) and IoU by its end points, a false positive
is, by the first that holds,

1. `duplicate`: it reaches t with a truth of its own kind, which another prediction found already;
2. `kind_confusion`: it reaches t with a truth of the other kind;
3. `localisation`: it reaches .1 but not t with a truth of its own kind;
4. `background`: none of these. TIDE's "both" (wrong kind, .1 to t) is here too.

and a miss, a truth that no prediction found, is, by the first that holds,

1. `kind_confusion`: a false positive of the other kind reaches t with it;
2. `localisation`: a false positive of its own kind reaches .1 but not t with it;
3. `missed`: none of these.

The event under a false positive is classified separately, by the first that holds: `duplicate` and `near_miss` (3
above), then what it falls on: an expression of the other kind (`micro`, `macro`) or an annotated distractor (`blink`,
`speech`, `head` …), of several the one with the most shared frames; else `nothing`. The gain in F1 if a cause were
cured follows DETAD (Alwassel et al. 2018, Diagnosing Error in Temporal Action Detectors, section 4.1): its false
positives vanish; of near misses the missed truths are found too; `missed` finds all other misses. Misses are also
counted by thirds of the truths' length, intensity and density, as in DETAD's section 5.

TIDE asks 3 before 2; here the larger overlap decides. One error that causes both a false positive and a miss (an
interval that is too short, for example) is counted in both, usually under the same cause: a micro-expression spotted as
long as the macro-expression around it is a `kind_confusion`, and the miss it makes is a `localisation`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
import pandas as pd

from mebench.metrics.conventions import Convention, find_convention
from mebench.metrics.matching import Pairs, ends_of, find_truths, first_of_each, pair_intervals, sharing_pairs
from mebench.metrics.ratios import Bools, Floats, Indices
from mebench.metrics.spotting_scores import precision_recall_f1
from mebench.metrics.tables import (
    Tables,
    in_scope,
    lengths_of,
    number_groups,
    of_kinds,
    sort_rows,
    videos_of_truth,
)

CAUSES = {
    "false_positive": ("localisation", "kind_confusion", "duplicate", "background"),
    "miss": ("localisation", "kind_confusion", "missed"),
}
NEAR = Fraction(1, 10)
"""IoU from which on an interval is taken for an attempt at a truth."""

COLUMNS = (
    "mistake",
    "cause",
    "kind",
    "dataset",
    "subject",
    "video",
    "onset",
    "offset",
    "emotion",
    "iou",
    "draw",
    "row",
)
By = Literal["kind", "subject", "emotion"]


def sort_mistakes(tables: Tables, kinds: Sequence[str], convention: str | Convention = "strict") -> pd.DataFrame:
    """Every false positive and every miss with its cause, one row each.

    Rows are sorted by draw, video, onset, offset and kind.

    Args:
        tables: predictions and truths.
        kinds: the spotted kinds. Truths of other kinds cannot be missed, but can be confused with.
        convention: gives videos, matching, threshold and end points.

    Returns:
        `mistake` (`false_positive` or `miss`), `cause`, `kind`, `dataset`, `subject` (`dataset/subject`), `video`, `onset`,
        `offset` (frames, inclusive), `emotion` (class of the truth in question, empty where it has none or there is no
        truth: background), `iou` (the largest with that truth, or 0), `draw`, `row` (its number in the table of
        predictions or truths; NaN of a dummy). Of each draw and kind there are as many
        rows as the matching counts false positives and misses; only where one interval may count as several true positives
        (`any_hit`) does it count one false positive less for each truth that an interval finds beyond its first, and (`every_hit`)
        one miss less for each further hit of a truth.

    Raises:
        ConfigError: there is no such convention.
        DataError: the tables do not fit together.
    """
    rule = find_convention(convention)
    if tables.predictions is None:
        return pd.DataFrame(columns=list(COLUMNS))
    ordered = tables.put_in_order()
    truths, predictions = in_scope(ordered.truths, of_kinds(ordered.spotted, kinds), rule)
    predictions = of_kinds(predictions, kinds)  # no dummies of the other kind
    same_kind = pair_intervals(truths, predictions, rule)
    found = find_truths(truths, predictions, rule, same_kind)
    overlaps = _overlaps(truths, predictions, rule, same_kind)
    # Under `peak`, a prediction that finds an already found truth has weight 0: it is neither right nor wrong.
    is_wrong = ~np.isin(np.arange(len(predictions)), found.prediction) & (found.weight > 0)
    wrong = _false_positives(truths, predictions, overlaps)[is_wrong]
    # A truth is missed in every draw by itself: the positions are numbered draw by draw.
    draw = predictions["draw"].to_numpy(np.int64)
    is_missed = np.tile(truths["kind"].isin(list(kinds)).to_numpy(copy=True), number_of_draws(ordered))
    is_missed[draw[found.prediction] * len(truths) + found.truth] = False
    misses = _misses(truths, draw, overlaps, is_wrong, is_missed)
    both = pd.concat([wrong, misses], ignore_index=True)
    both["subject"] = ordered.videos.set_index("video")["subject"].reindex(both["video"]).array
    both = both.astype(dict.fromkeys(("kind", "dataset", "subject", "video"), "str"))
    order = ["draw", "video", "onset", "offset", "kind", "mistake", "cause", "iou"]
    return pd.DataFrame(sort_rows({name: both[name].values for name in COLUMNS}, order))


@dataclass(frozen=True)
class Overlaps:
    """Pairs of a prediction and a truth that explain mistakes.

    Attributes:
        near: pairs of one kind from the IoU `NEAR` to below the threshold.
        reached: pairs of one kind that reach the threshold.
        confused: pairs of two kinds that reach the threshold.
    """

    near: Pairs
    reached: Pairs
    confused: Pairs


def _overlaps(truths: pd.DataFrame, predictions: pd.DataFrame, rule: Convention, same_kind: Pairs) -> Overlaps:
    """The pairs that explain mistakes, given all pairs of one kind."""
    in_video = pair_intervals(truths.assign(kind=""), predictions.assign(kind=""), rule)
    is_same_kind = truths["kind"].to_numpy()[in_video.truth] == predictions["kind"].to_numpy()[in_video.prediction]
    other_kind = in_video.where(~np.asarray(is_same_kind, dtype=np.bool_))
    reached = same_kind.hits(rule.threshold, rule.reaching)
    near = same_kind.hits(NEAR)
    reaches_threshold = np.isin(
        near.prediction * len(truths) + near.truth, reached.prediction * len(truths) + reached.truth
    )
    return Overlaps(near.where(~reaches_threshold), reached, other_kind.hits(rule.threshold, rule.reaching))


def _false_positives(truths: pd.DataFrame, predictions: pd.DataFrame, overlaps: Overlaps) -> pd.DataFrame:
    """Every prediction as a false positive, with its cause and the truth in question."""
    cause = np.full(len(predictions), "background", dtype=object)
    truth = np.full(len(predictions), -1)
    iou = np.zeros(len(predictions))
    # The last to be written wins: from the weakest evidence to the strongest.
    evidence = {
        "localisation": overlaps.near,
        "kind_confusion": overlaps.confused,
        "duplicate": overlaps.reached,
    }
    for name, pairs in evidence.items():
        best = _best(pairs.prediction, pairs)
        cause[best.prediction] = name
        truth[best.prediction] = best.truth
        iou[best.prediction] = best.iou
    emotions = [*truths["emotion"], ""]  # the last one, at -1, is that of no truth
    return predictions[["dataset", "video", "kind", "onset", "offset", "draw", "row"]].assign(
        mistake="false_positive", cause=cause, iou=iou, emotion=[emotions[row] for row in truth.tolist()]
    )


def _misses(truths: pd.DataFrame, draw: Indices, overlaps: Overlaps, is_wrong: Bools, is_missed: Bools) -> pd.DataFrame:
    """Every miss with its cause.

    Args:
        truths: truths that count.
        draw: (n_predictions,) draw of each prediction.
        overlaps: pairs of predictions and truths.
        is_wrong: (n_predictions,) whether each is a false positive.
        is_missed: (n_draws * n_truths,) whether each truth is missed in each draw.
    """
    cause = np.full(len(is_missed), "missed", dtype=object)
    iou = np.zeros(len(is_missed))
    for name, pairs in (("localisation", overlaps.near), ("kind_confusion", overlaps.confused)):
        of_wrong = pairs.where(is_wrong[pairs.prediction])
        best = _best(draw[of_wrong.prediction] * len(truths) + of_wrong.truth, of_wrong)
        key = draw[best.prediction] * len(truths) + best.truth
        cause[key] = name
        iou[key] = best.iou
    missed = np.flatnonzero(is_missed)
    n_truths = max(len(truths), 1)
    rows = truths[["dataset", "video", "kind", "onset", "offset", "emotion", "row"]].iloc[missed % n_truths]
    return rows.assign(mistake="miss", cause=cause[missed], iou=iou[missed], draw=missed // n_truths)


def count_mistakes(mistakes: pd.DataFrame, by: By = "kind", draws: int = 1) -> pd.DataFrame:
    """Numbers of mistakes by kind, subject or emotion; means over draws.

    Args:
        mistakes: from `sort_mistakes`.
        by: the rows; a background interval has the empty emotion.
        draws: random draws of the predictions.

    Returns:
        One row each, indexed by name; a column for each (mistake, cause), in the order of `CAUSES`.

    >>> rows = pd.DataFrame({"mistake": ["miss"], "cause": ["missed"], "kind": ["micro"]})
    >>> count_mistakes(rows)[("miss", "missed")].to_dict()
    {'micro': 1}
    """
    names = sorted(mistakes[by].unique())
    columns = [(mistake, cause) for mistake in CAUSES for cause in CAUSES[mistake]]
    counted = Counter(zip(*(mistakes[name].to_numpy() for name in (by, "mistake", "cause"))))
    table = pd.DataFrame(
        [[counted[name, *column] for column in columns] for name in names],
        index=pd.Index(names, name=by),
        columns=pd.MultiIndex.from_tuples(columns),
        dtype=np.int64,
    )
    return table if draws == 1 else table / draws


def count_distracted(
    mistakes: pd.DataFrame, distractors: pd.DataFrame, by: By = "kind", draws: int = 1
) -> pd.DataFrame:
    """Numbers of false positives that fall on a distractor, by kind, subject or emotion; means over draws.

    An interval falls on a distractor if the frames that both share are at least half of the shorter one. One that falls on two
    of one kind counts once, one that falls on two of different kinds once for each.

    Args:
        mistakes: from `sort_mistakes`.
        distractors: `video`, `kind`, `onset`, `offset`, see `Tables.distractors`.
        by: the rows.
        draws: random draws of the predictions.

    Returns:
        One row for each name in `mistakes`, a column for each kind of distractor that is annotated, both sorted.

    >>> blinks = pd.DataFrame({"video": "v", "kind": "blink", "onset": [10], "offset": [15]})
    >>> found = [("false_positive", "micro", "v", on, on + 9) for on in (5, 12, 13)] + [("miss", "micro", "v", 10, 15)]
    >>> rows = pd.DataFrame(found, columns=["mistake", "kind", "video", "onset", "offset"])
    >>> count_distracted(rows, blinks)["blink"].to_dict()
    {'micro': 3}
    """
    struck = _struck(mistakes[mistakes["mistake"] == "false_positive"], distractors)
    struck = struck.drop_duplicates(["number", "kind_struck"])
    counted = pd.crosstab(struck[by], struck["kind_struck"])
    kinds = pd.Index(sorted(set(distractors["kind"])), name="distractor")
    table = counted.reindex(index=pd.Index(sorted(mistakes[by].unique()), name=by), columns=kinds, fill_value=0)
    return table if draws == 1 else table / draws


def _struck(intervals: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """Each interval with each other that it falls on: `number` of its row, `kind_struck`, frames `shared`."""
    of_intervals, of_others = number_groups(["video"], intervals, others)
    pairs = sharing_pairs(of_intervals, of_others, ends_of(intervals), ends_of(others), find_convention("strict"))
    shorter = np.minimum(lengths_of(intervals)[pairs.prediction], lengths_of(others)[pairs.truth])
    struck = pairs.where(2 * pairs.intersection >= shorter)
    rows: pd.DataFrame = intervals.iloc[struck.prediction]
    return rows.assign(
        number=struck.prediction, kind_struck=others["kind"].to_numpy()[struck.truth], shared=struck.intersection
    )


def underlying_event(mistakes: pd.DataFrame, tables: Tables) -> pd.Series:
    """The event under each false positive, in one word (see the top of this file).

    Args:
        mistakes: from `sort_mistakes`.
        tables: their truths, and distractors where they are annotated.

    Returns:
        A word for each row of `mistakes` that is a false positive, under its index.
    """
    wrong = mistakes[mistakes["mistake"] == "false_positive"]
    parts = [tables.truths] if tables.distractors is None else [tables.truths, tables.distractors]
    struck = _struck(wrong, pd.concat([part[["video", "kind", "onset", "offset"]] for part in parts]))
    struck = struck[struck["kind_struck"] != struck["kind"]]
    most = struck.sort_values(["shared", "kind_struck"], ascending=[False, True]).drop_duplicates("number")
    under = most.set_index("number")["kind_struck"].reindex(range(len(wrong)), fill_value="nothing")
    named = {"duplicate": "duplicate", "localisation": "near_miss"}
    words = [*map(named.get, wrong["cause"].tolist(), under.tolist())]
    return pd.Series(words, index=wrong.index, dtype=object)


def f1_gains(mistakes: pd.DataFrame, under: pd.Series, tp: int) -> dict[str, float]:
    """F1 gained if a cause of mistakes were cured.

    Causes are those of false positives, and all misses that are no near misses (see the top of this file).

    Args:
        mistakes: mistakes of one kind, from `sort_mistakes`.
        under: from `underlying_event`.
        tp: true positives of that kind, over all draws.

    Returns:
        For each word in `under`, and for `missed`, what F1 would rise by.
    """
    missed = mistakes[mistakes["mistake"] == "miss"]["cause"]
    # A corrected near miss finds one truth; a prediction that already finds one (a duplicate) is not a near miss.
    near = min(int((missed == "localisation").sum()), int((under == "near_miss").sum()))
    fp = len(mistakes) - len(missed)
    fn = len(missed)
    *_, before = precision_recall_f1(tp, fp, fn)
    gained: dict[str, float] = {}
    for word, n in sorted(Counter(under).items()):
        n_found = near if word == "near_miss" else 0
        _, _, after = precision_recall_f1(tp + n_found, fp - n, fn - n_found)
        gained[word] = after - before
    _, _, without_misses = precision_recall_f1(tp + fn - near, fp, near)
    return gained | {"missed": without_misses - before}


THIRDS = {
    "length": ("short", "middle", "long"),
    "intensity": ("faint", "middle", "strong"),
    "density": ("sparse", "middle", "dense"),
}
_MISSED_BY = "missed_by_"


def missed_by(truths: pd.DataFrame, mistakes: pd.DataFrame, draws: int = 1) -> dict[str, dict[str, float]]:
    """Share of missed truths by thirds of length, intensity and density.

    Length is in seconds, or in frames where the frame rate is unknown. Density is the number of truths in the video,
    per second if known. Equal values share a third, the largest the last; empty thirds, and values that are unknown or
    equal for all, are left out.

    Args:
        truths: truths of one kind: `video`, `onset`, `offset`, `fps`, `n_frames`, and `intensity` where known.
        mistakes: mistakes of that kind, from `sort_mistakes`.
        draws: number of draws of the predictions.
    """
    share = _missed_share(truths, mistakes, draws)
    shares: dict[str, dict[str, float]] = {}
    for name, values in _properties(truths).items():
        if not len(values) or np.isnan(values).any() or values.min() == values.max():
            continue
        # Equal values share a third, the largest the last.
        second_largest = values[values < values.max()].max()
        low, high = np.minimum(np.quantile(values, [1 / 3, 2 / 3]), second_largest)
        third = (values > low).astype(int) + (values > high)
        in_third = {word: third == number for number, word in enumerate(THIRDS[name])}
        shares[name] = {word: float(share[mask].mean()) for word, mask in in_third.items() if mask.any()}
    return shares


def _missed_share(truths: pd.DataFrame, mistakes: pd.DataFrame, draws: int) -> Floats:
    """(n_truths,) the share of draws in which each truth is missed; truths with equal frames have the same share."""
    true, missed = number_groups(["video", "onset", "offset"], truths, mistakes[mistakes["mistake"] == "miss"])
    places, place, n_at_place = np.unique(true, return_inverse=True, return_counts=True)
    n_missed = np.bincount(np.searchsorted(places, missed[np.isin(missed, true)]), minlength=len(places))
    return np.asarray((n_missed / (draws * n_at_place))[place])


def _properties(truths: pd.DataFrame) -> dict[str, Floats]:
    """Length, intensity and density of each truth, (n_truths,) each; NaN where unknown."""
    _, video, n_in_video = np.unique(truths["video"].to_numpy(object), return_inverse=True, return_counts=True)
    fps, n_frames = (truths[name].to_numpy(float) for name in ("fps", "n_frames"))
    length = (truths["offset"] - truths["onset"] + 1).to_numpy(float)
    density = n_in_video[video].astype(float)
    if not np.isnan(fps).any():
        length = length / fps
        if not np.isnan(n_frames).any():
            density = density / (n_frames / fps)
    intensity = np.full(len(truths), np.nan)
    if "intensity" in truths:
        intensity = truths["intensity"].to_numpy(float)
    return {"length": length, "intensity": intensity, "density": density}


def quiet_rate(tables: Tables, kind: str, truths: pd.DataFrame) -> tuple[float | None, float]:
    """False positives a minute in videos without truths: intervals of a kind in the videos that hold none of `truths`.

    Args:
        tables: tables with predictions and all videos.
        kind: kind of the intervals.
        truths: all, or those of the kind alone.

    Returns:
        The rate, a mean over draws, and the minutes of those videos; None without such a video, or where one's length is unknown.
    """
    videos = videos_of_truth(tables.videos)
    quiet = videos[~videos["video"].isin(truths["video"])]
    minutes = float((quiet["n_frames"].astype(float) / quiet["fps"].astype(float)).sum(skipna=False)) / 60
    spotted = (tables.spotted["kind"] == kind) & tables.spotted["video"].isin(quiet["video"])
    if not minutes > 0:  # also where the length of a video is unknown
        return None, minutes
    return float(spotted.sum()) / number_of_draws(tables) / minutes, minutes


def number_of_draws(tables: Tables) -> int:
    """Random draws of the predictions; 1 for a method that predicts once."""
    predictions = tables.predictions
    return 1 if predictions is None or not len(predictions) else int(predictions["draw"].max()) + 1


def summarize_mistakes(
    tables: Tables, kinds: Sequence[str], convention: str | Convention = "strict"
) -> dict[str, dict[str, dict[str, float]]]:
    """Numbers of mistakes for the summary of a run: `{kind: {"false_positive": {cause: n}, "miss": {cause: n}}}`.

    Every kind and cause is listed, also with 0; for a method that predicts by chance the numbers are means over its
    draws. Beside them stand `under` (what lies under false positives: counts), `gain` (in F1, if cured), and
    `missed_by_length`, `_intensity` and `_density` (shares), see `explain_mistakes`.
    """
    draws = number_of_draws(tables)
    mistakes = sort_mistakes(tables, kinds, convention)
    counts = count_mistakes(mistakes, "kind", draws).to_dict("index")
    number = int if draws == 1 else float
    why = explain_mistakes(tables, mistakes, kinds, convention)
    summary: dict[str, dict[str, dict[str, float]]] = {}
    for kind in kinds:
        of_kind = counts.get(kind, {})
        summary[kind] = {}
        for mistake, causes in CAUSES.items():
            summary[kind][mistake] = {cause: number(of_kind.get((mistake, cause), 0)) for cause in causes}
        summary[kind] |= why[kind]
    return summary


def explain_mistakes(
    tables: Tables, mistakes: pd.DataFrame, kinds: Sequence[str], convention: str | Convention = "strict"
) -> dict[str, dict[str, dict[str, float]]]:
    """Explain the mistakes of each kind: the events under false positives, the gain in F1 if one cause were removed,
    and the missed truths.

    Args:
        tables: tables with predictions and truths.
        mistakes: from `sort_mistakes`, of the same.
        kinds: the kinds that were spotted.
        convention: the same.

    Returns:
        For each kind `under` (means over draws), `gain` (see `f1_gains`) and, where it is known, `missed_by_length`,
        `missed_by_intensity`, `missed_by_density` (see `missed_by`).
    """
    rule = find_convention(convention)
    draws = number_of_draws(tables)
    ordered = tables.put_in_order()
    if ordered.predictions is None:
        return {kind: {} for kind in kinds}
    in_count, _ = in_scope(ordered.truths, of_kinds(ordered.predictions, kinds), rule)
    n_frames = ordered.videos.set_index("video")["n_frames"].reindex(in_count["video"])
    truths = in_count.assign(n_frames=n_frames.array)
    under = underlying_event(mistakes, tables)
    explained = {}
    for kind in kinds:
        of_kind = mistakes[mistakes["kind"] == kind]
        true = truths[truths["kind"] == kind]
        words = under[of_kind.index.intersection(under.index)]
        tp = len(true) * draws - int((of_kind["mistake"] == "miss").sum())
        explained[kind] = {
            "under": {word: n / draws for word, n in sorted(Counter(words).items())},
            "gain": f1_gains(of_kind, words, tp),
            **{f"{_MISSED_BY}{name}": parts for name, parts in missed_by(true, of_kind, draws).items()},
        }
    return explained


def miss_shares(misses: Mapping[str, Mapping[str, float]]) -> dict[str, Mapping[str, float]]:
    """Shares of missed truths by length, intensity and density, as far as known.

    They are taken from the explanation of one kind.
    """
    return {name.removeprefix(_MISSED_BY): misses[name] for name in misses if name.startswith(_MISSED_BY)}


def _best(group: Indices, pairs: Pairs) -> Pairs:
    """The pair of largest IoU in each group; of equals the first truth, then prediction."""
    order = np.lexsort((pairs.prediction, pairs.truth, -pairs.iou, group))
    return pairs.where(order[first_of_each(group[order])])
