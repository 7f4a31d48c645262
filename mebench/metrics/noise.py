"""Scores if other coders had annotated: truths are moved and renamed as coders differ, and everything is scored again."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from mebench.errors import DataError
from mebench.metrics.bootstrap import derived_seed, score_with_percentiles
from mebench.metrics.catalogue import find_metric
from mebench.metrics.compared_tables import path_of, sections_of
from mebench.metrics.ranking import rank_intervals, win_shares
from mebench.metrics.ratios import Floats
from mebench.metrics.tables import Tables, of_first_draw

DRAWS = 100
"""Draws of truths by default."""


Noise = Mapping[str, float]
"""Differences between coders: the standard deviation of the difference of an `onset`, `apex` and `offset` in milliseconds, and the share of
expressions that get another emotion, `label`; what is missing is 0."""


def recode_truths(tables: Tables, noise: Noise, classes: Sequence[str], seed: int) -> Tables:
    """A run's tables with the truths of another coder.

    They are the same for each run on the same truth.

    Ends move by normal errors, rounded to frames; an onset stays at or after frame 0 and an offset at or after the onset, and an apex
    stays between. A renamed expression gets each other class equally often.

    Raises:
        DataError: intervals were spotted, and the frame rate of a video with a truth is unknown.
    """
    truths = tables.truths.sort_values(["video", "kind", "onset", "offset"], kind="stable").reset_index(drop=True)
    rng = np.random.default_rng(seed)
    clips = tables.clips
    fps = truths["video"].map(tables.videos.set_index("video")["fps"]).to_numpy(np.float64, na_value=np.nan)
    if tables.predictions is not None and np.isnan(fps).any():
        raise DataError(
            f"the frame rate of {truths['video'][np.isnan(fps)].iloc[0]} is unknown, so no end can be moved by milliseconds: "
            "compare runs that only recognize"
        )
    spread = np.array([[noise.get(end, 0.0)] for end in ("onset", "apex", "offset")]) / 1000
    ends = truths[["onset", "apex", "offset"]].to_numpy(np.float64, na_value=np.nan).T
    onset, apex, offset = ends + np.rint(np.nan_to_num(rng.standard_normal(ends.shape) * spread * fps))
    onset = np.maximum(onset, 0)
    offset = np.maximum(offset, onset)
    moved = {"onset": onset.astype(np.int64), "apex": np.clip(apex, onset, offset), "offset": offset.astype(np.int64)}

    def renamed(labels: pd.Series) -> Any:
        """Labels, some of the scored ones replaced by another class."""
        number = pd.Index(classes).get_indexer(pd.Index(labels))  # -1 of a label that is not scored
        step = rng.integers(1, max(len(classes), 2), len(number))
        other = np.asarray(classes, dtype=object)[(number + step) % max(len(classes), 1)]
        is_renamed = (rng.random(len(number)) < noise.get("label", 0.0)) & (number >= 0)
        return np.where(is_renamed, other, labels.to_numpy(object))

    truths = truths.assign(**moved, emotion=renamed(truths["emotion"]))
    if clips is not None:
        clips = clips.sort_values(["video", "truth"], kind="stable").assign(truth=lambda table: renamed(table["truth"]))
    return replace(tables, truths=truths, clips=clips)


def perfect_answers(tables: Tables) -> Tables:
    """The tables of a run that gives the truth as its answer: every expression found, every clip named right."""
    predictions = tables.predictions
    clips = tables.clips
    if predictions is not None:
        # Confidences differ: equal ones rank nothing, so that there would be no average precision.
        predictions = tables.truths.assign(confidence=np.linspace(1.0, 0.5, len(tables.truths)), draw=0)
    if clips is not None:
        clips = clips.assign(predicted=clips["truth"])
    return replace(tables, predictions=predictions, clips=clips, frame_scores=None)


def under_noise(
    runs: Sequence[Tables],
    noise: Noise,
    paths: Sequence[str],
    kinds: Sequence[str],
    classes: Sequence[str],
    convention: str = "strict",
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Any]:
    """The scores of runs against truths as other coders would have them.

    The truth itself is scored as an answer, too.

    Args:
        runs: runs on the same truth; of a method that predicts by chance the first draw counts.
        noise: differences between coders.
        paths: paths of scores, such as `spotting.micro.f1`.
        kinds: kinds that are spotted.
        classes: classes that are scored.
        convention: name of the rules.
        draws: number of draws of truths.
        seed: seed of these draws.

    Returns:
        For each path `ceiling`, the score of the truth itself: the highest that the noise allows to a method that knows no coder, and
        `runs`: for each the score on the annotated truth (`value`, None if undefined), the mean of the draws with 95 % of them
        (`noisy`), its `ranks` in 95 % of them, and the share of draws in which it is better than each other (`beats`).
    """
    runs = [of_first_draw(run) for run in runs]
    scored = partial(_scores_at, paths=paths, kinds=kinds, classes=classes, convention=convention)
    coders = [derived_seed(seed, "noise", str(number)) for number in range(draws)]
    answers = [perfect_answers(runs[0]), *runs]
    drawn = np.array([[scored(recode_truths(tables, noise, classes, coder)) for tables in answers] for coder in coders])
    annotated = [scored(tables) for tables in runs]
    results = {}
    for number, path in enumerate(paths):
        of_path = drawn[:, :, number]
        known = of_path[~np.isnan(of_path).any(axis=1)].T
        if known.size:
            results[path] = _under_noise_at(path, [values[number] for values in annotated], known)
    return results


def _scores_at(
    tables: Tables, paths: Sequence[str], kinds: Sequence[str], classes: Sequence[str], convention: str
) -> list[float]:
    """The score of a run at each path, NaN where it has none."""
    n_people = tables.put_in_order().videos["unit"].nunique()
    everybody = np.ones((1, n_people))
    values: dict[str, float] = {}
    for section, part in sections_of(tables, n_people, kinds, classes, convention).items():
        # Other sections need not be computed.
        if any(path.startswith(path_of(section, "")) for path in paths):
            values |= {path_of(section, name): value[0] for name, value in part.evaluate(everybody).items()}
    return [values.get(path, np.nan) for path in paths]


def _under_noise_at(path: str, annotated: Sequence[float], drawn: Floats) -> dict[str, Any]:
    """`ceiling` and `runs` of a score, see `under_noise`.

    Args:
        path: path of the score.
        annotated: score of each run on the annotated truth, NaN where undefined.
        drawn: (1 + n_runs, n_draws) score of the truth itself, then of each run, on the truths of other coders.
    """
    ceiling, *noisy = [score_with_percentiles(float(values.mean()), values) for values in drawn]
    goodness = np.vectorize(find_metric(path).sort_key)(drawn[1:])
    values: list[float | None] = []
    for value in annotated:
        known = None if np.isnan(value) else value
        values.append(known)
    shares = win_shares(goodness).tolist()
    runs = [
        {"value": value, "noisy": on_draws, "ranks": list(ranks), "beats": beats}
        for value, on_draws, ranks, beats in zip(values, noisy, rank_intervals(goodness), shares)
    ]
    return {"ceiling": ceiling, "runs": runs}
