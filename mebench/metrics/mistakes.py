"""What went wrong in spotting: every false positive and every miss, sorted by cause.

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

TIDE asks 3 before 2; here the larger overlap says what happened. One slip that makes a false positive and a miss at once
(an interval too short, say) is counted in both, each time under the same cause.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

import numpy as np
import pandas as pd

from mebench.metrics.conventions import Convention, named
from mebench.metrics.matching import Pairs, find, pair
from mebench.metrics.ratios import Bools, Indices
from mebench.metrics.tables import Tables, in_scope, of_kinds

FALSE_POSITIVES = ("localisation", "kind_confusion", "duplicate", "background")
MISSES = ("localisation", "kind_confusion", "missed")
CAUSES = {"false_positive": FALSE_POSITIVES, "miss": MISSES}
NEAR = Fraction(1, 10)
"""IoU from which on an interval is taken for an attempt at a truth."""

COLUMNS = ("mistake", "cause", "kind", "dataset", "subject", "video", "onset", "offset", "emotion", "iou", "draw")
By = Literal["kind", "subject", "emotion"]


def sort_mistakes(tables: Tables, kinds: Sequence[str], convention: str | Convention = "strict") -> pd.DataFrame:
    """Every false positive and every miss with its cause, one row each, by video, onset, offset and kind.

    Args:
        tables: what was predicted and what is true.
        kinds: the kinds that were spotted. Truths of another kind are not missed, but can be confused with.
        convention: whose videos, matching, threshold and end points count.

    Returns:
        `mistake` (`false_positive` or `miss`), `cause`, `kind`, `dataset`, `subject` (`dataset/subject`), `video`, `onset`,
        `offset` (frames, inclusive), `emotion` (class of the truth in question, empty where it has none or there is no
        truth: background), `iou` (the largest with that truth, or 0), `draw`. Of each draw and kind there are as many
        rows as the matching counts false positives and misses.

    Raises:
        ConfigError: there is no such convention.
        DataError: the tables do not fit together.
    """
    rule = named(convention) if isinstance(convention, str) else convention
    ordered = tables.ordered()
    if ordered.predictions is None:
        return pd.DataFrame(columns=list(COLUMNS))
    truths, predictions = in_scope(ordered.truths, of_kinds(ordered.predictions, kinds), rule)
    predictions = of_kinds(predictions, kinds)  # no dummies of the other kind
    own = pair(truths, predictions, rule)
    found = find(truths, predictions, rule, own)
    other = _other_pairs(truths, predictions, rule)
    reached, confused = (pairs.hits(rule.threshold, rule.reaching) for pairs in (own, other))
    near = _near(own, reached, len(truths))
    in_vain = ~np.isin(np.arange(len(predictions)), found.prediction)
    spotted = truths["kind"].isin(list(kinds)).to_numpy()
    draw = predictions["draw"].to_numpy(np.int64)
    rows = [_false_positives(truths, predictions, near, confused, reached)[in_vain]]
    for n in range(number_of_draws(ordered)):
        hit = found.truth[draw[found.prediction] == n]
        missed = spotted & ~np.isin(np.arange(len(truths)), hit)
        rows.append(_misses(truths, (draw == n) & in_vain, near, confused)[missed].assign(draw=n))
    sorted_out = pd.concat(rows, ignore_index=True).merge(ordered.videos[["video", "subject"]], on="video", how="left")
    order = ["draw", "video", "onset", "offset", "kind", "mistake", "cause", "iou"]
    return sorted_out[list(COLUMNS)].sort_values(order, ignore_index=True, kind="stable")


def count_mistakes(mistakes: pd.DataFrame, by: By = "kind", draws: int = 1) -> pd.DataFrame:
    """Numbers of mistakes by kind, subject or emotion; means over draws.

    Args:
        mistakes: from `sort_mistakes`.
        by: the rows; a background interval has the empty emotion.
        draws: random draws of the predictions.

    Returns:
        One row each, indexed by name; a column for each (mistake, cause), in the order of `FALSE_POSITIVES`, `MISSES`.

    >>> rows = pd.DataFrame({"mistake": ["miss"], "cause": ["missed"], "kind": ["micro"]})
    >>> count_mistakes(rows)[("miss", "missed")].to_dict()
    {'micro': 1}
    """
    names, columns = sorted(set(mistakes[by])), [(mistake, cause) for mistake in CAUSES for cause in CAUSES[mistake]]
    counted = mistakes.groupby([by, "mistake", "cause"], observed=True).size()
    rows = [[int(counted.get((name, *column), 0)) for column in columns] for name in names]
    table = pd.DataFrame(
        rows, index=pd.Index(names, name=by), columns=pd.MultiIndex.from_tuples(columns), dtype=np.int64
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
    wrong = mistakes[mistakes["mistake"] == "false_positive"].assign(number=lambda table: range(len(table)))
    both = wrong.merge(distractors, on="video", suffixes=("", "_of_distractor"))
    first, last = (both[[end, f"{end}_of_distractor"]] for end in ("onset", "offset"))
    shared = last.min(axis=1) - first.max(axis=1) + 1
    shorter = (last.to_numpy() - first.to_numpy() + 1).min(axis=1)
    struck = both[2 * shared >= shorter].drop_duplicates(["number", "kind_of_distractor"])
    counted = pd.crosstab(struck[by], struck["kind_of_distractor"])
    kinds = pd.Index(sorted(set(distractors["kind"])), name="distractor")
    table = counted.reindex(index=pd.Index(sorted(set(mistakes[by])), name=by), columns=kinds, fill_value=0)
    return table if draws == 1 else table / draws


def number_of_draws(tables: Tables) -> int:
    """Random draws of the predictions; 1 for a method that predicts once."""
    predictions = tables.predictions
    return 1 if predictions is None or not len(predictions) else int(predictions["draw"].max()) + 1


def summarize_mistakes(
    tables: Tables, kinds: Sequence[str], convention: str | Convention = "strict"
) -> dict[str, dict[str, dict[str, float]]]:
    """Numbers of mistakes for the summary of a run: `{kind: {"false_positive": {cause: n}, "miss": {cause: n}}}`.

    Every kind and cause is there, 0 included; for a method that predicts by chance the numbers are means over its draws.
    """
    draws = number_of_draws(tables)
    counts = count_mistakes(sort_mistakes(tables, kinds, convention), "kind", draws).to_dict("index")
    number = int if draws == 1 else float
    return {
        kind: {
            mistake: {cause: number(counts.get(kind, {}).get((mistake, cause), 0)) for cause in causes}
            for mistake, causes in CAUSES.items()
        }
        for kind in kinds
    }


def _other_pairs(truths: pd.DataFrame, predictions: pd.DataFrame, rule: Convention) -> Pairs:
    """Predictions with the truths of the other kind in their video."""
    one = pair(truths.assign(kind=""), predictions.assign(kind=""), rule)
    same = truths["kind"].to_numpy()[one.truth] == predictions["kind"].to_numpy()[one.prediction]
    return one.where(~np.asarray(same, dtype=np.bool_))


def _near(own: Pairs, reached: Pairs, n_truths: int) -> Pairs:
    """Pairs of one kind that reach `NEAR` but not the threshold."""
    near = own.hits(NEAR)
    one, other = (pairs.prediction * n_truths + pairs.truth for pairs in (near, reached))
    return near.where(~np.isin(one, other))


def _false_positives(
    truths: pd.DataFrame, predictions: pd.DataFrame, near: Pairs, confused: Pairs, reached: Pairs
) -> pd.DataFrame:
    """Every prediction, with the cause if it is a false positive."""
    cause = np.full(len(predictions), "background", dtype=object)
    truth, iou, emotions = np.full(len(predictions), -1), np.zeros(len(predictions)), [*truths["emotion"], ""]
    # The last to be written wins: from the weakest evidence to the strongest.
    for name, pairs in (("localisation", near), ("kind_confusion", confused), ("duplicate", reached)):
        best = _best(pairs.prediction, pairs)
        cause[best.prediction], truth[best.prediction], iou[best.prediction] = name, best.truth, best.iou
    return predictions[["dataset", "video", "kind", "onset", "offset", "draw"]].assign(
        mistake="false_positive", cause=cause, iou=iou, emotion=[emotions[row] for row in truth.tolist()]
    )


def _misses(truths: pd.DataFrame, wrong: Bools, near: Pairs, confused: Pairs) -> pd.DataFrame:
    """Every truth, with the cause if it is a miss; `wrong` says of each prediction whether it is a false positive."""
    cause, iou = np.full(len(truths), "missed", dtype=object), np.zeros(len(truths))
    for name, pairs in (("localisation", near), ("kind_confusion", confused)):
        best = _best(pairs.truth, pairs, wrong[pairs.prediction])
        cause[best.truth], iou[best.truth] = name, best.iou
    return truths[["dataset", "video", "kind", "onset", "offset", "emotion"]].assign(
        mistake="miss", cause=cause, iou=iou
    )


def _best(group: Indices, pairs: Pairs, allowed: Bools | None = None) -> Pairs:
    """The pair of largest IoU in each group, of those that are allowed; of equals the first truth, then prediction."""
    chosen = np.ones(len(group), dtype=np.bool_) if allowed is None else allowed
    group, pairs = group[chosen], pairs.where(chosen)
    order = np.lexsort((pairs.prediction, pairs.truth, -pairs.iou, group))
    _, first = np.unique(group[order], return_index=True)
    return pairs.where(order[first])
