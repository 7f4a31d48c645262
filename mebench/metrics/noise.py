"""Scores if other coders had annotated: truths are moved and renamed as coders differ, and everything is scored again."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mebench.errors import DataError
from mebench.metrics import catalogue
from mebench.metrics.bootstrap import derived_seed, score
from mebench.metrics.comparison import path_of, sections_of
from mebench.metrics.ranking import beating, rank_intervals
from mebench.metrics.tables import Tables, of_first_draw

DRAWS = 100


Noise = Mapping[str, float]
"""How coders differ: the standard deviation of the difference of an `onset`, `apex` and `offset` in milliseconds, and the share of
expressions that get another emotion, `label`; what is missing is 0."""


def recoded(tables: Tables, noise: Noise, classes: Sequence[str], seed: int) -> Tables:
    """A run's tables with truths as another coder would have them; the same ones for each run on the same truth.

    Ends move by normal errors, rounded to frames; an onset stays at or after frame 0 and an offset at or after the onset, and an apex
    stays between. A renamed expression gets each other class equally often.

    Raises:
        DataError: intervals were spotted, and the frame rate of a video with a truth is unknown.
    """
    truths = tables.truths.sort_values(["video", "kind", "onset", "offset"], kind="stable").reset_index(drop=True)
    rng, clips = np.random.default_rng(seed), tables.clips
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
        place = pd.Index(classes).get_indexer(pd.Index(labels))
        others = (place + rng.integers(1, max(len(classes), 2), len(place))) % max(len(classes), 1)
        chosen = (rng.random(len(place)) < noise.get("label", 0.0)) & (place >= 0)
        return np.where(chosen, np.asarray(classes, dtype=object)[others], labels.to_numpy(object))

    truths = truths.assign(**moved, emotion=renamed(truths["emotion"]))
    if clips is not None:
        clips = clips.sort_values(["video", "truth"], kind="stable").assign(truth=lambda table: renamed(table["truth"]))
    return replace(tables, truths=truths, clips=clips)


def perfect(tables: Tables) -> Tables:
    """The answers of a coder whose truth this is: every expression found and every clip named as it is annotated."""
    return replace(
        tables,
        # Confidences differ: equal ones rank nothing, so that there would be no average precision.
        predictions=None
        if tables.predictions is None
        else tables.truths.assign(confidence=np.linspace(1.0, 0.5, len(tables.truths)), draw=0),
        clips=None if tables.clips is None else tables.clips.assign(predicted=tables.clips["truth"]),
        frame_scores=None,
    )


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
    """The scores of runs, and of the truth itself as an answer, against truths as other coders would have them.

    Args:
        runs: on the same truth; of a method that predicts by chance the first draw counts.
        noise: how coders differ.
        paths: of scores, such as `spotting.micro.f1`.
        kinds: that are spotted.
        classes: that are scored.
        convention: name of the rules.
        draws: of truths.
        seed: of them.

    Returns:
        For each path `ceiling`, the score of the truth itself: the highest that the noise allows to a method that knows no coder, and
        `runs`: for each the score on the truth as it is (`value`, None if undefined), the mean of the draws with 95 % of them
        (`noisy`), its `ranks` in as many, and how often it is better than each (`beats`).
    """

    def scored(tables: Tables) -> list[float]:
        """Its score at each path, NaN where it has none."""
        people = tables.ordered().videos["unit"].nunique()
        sections, values = sections_of(tables, people, kinds, classes, convention), dict[str, float]()
        for section, part in sections.items():
            if any(path.startswith(path_of(section, "")) for path in paths):
                values |= {path_of(section, name): v[0] for name, v in part.evaluate(np.ones((1, people))).items()}
        return [values.get(path, np.nan) for path in paths]

    runs = [of_first_draw(run) for run in runs]
    every, seeds = [perfect(runs[0]), *runs], [derived_seed(seed, "noise", str(n)) for n in range(draws)]
    drawn = np.array([[scored(recoded(tables, noise, classes, one)) for tables in every] for one in seeds])
    results: dict[str, Any] = {}
    for path, usual, values in zip(paths, zip(*map(scored, runs)), np.moveaxis(drawn, 2, 0)):
        known = values[~np.isnan(values).any(axis=1)].T
        if known.size:
            ceiling, *noisy = [score(float(own.mean()), own) for own in known]
            better = np.vectorize(catalogue.find(path).worth)(known[1:])
            annotated = (None if np.isnan(value) else value for value in usual)
            rows = zip(annotated, noisy, map(list, rank_intervals(better)), beating(better).tolist())
            results[path] = {
                "ceiling": ceiling,
                "runs": [dict(zip(("value", "noisy", "ranks", "beats"), row)) for row in rows],
            }
    return results
