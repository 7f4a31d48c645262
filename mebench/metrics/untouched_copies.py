"""Expressions put into videos, found there and at the same places untouched.

What a video held before nobody knows: a method that finds as much untouched finds nothing of what was put in. Found is an expression in
which a spotted apex lies, however long the interval is.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.metrics.metric import Metric, WeightedSpotting

with lazy_imports():
    from mebench.metrics import ratios

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mebench.metrics.ratios import Bools, Floats
else:
    np = load_lazily("numpy")

UNTOUCHED = "untouched"
"""The column of the truths that names the untouched copy of a video."""
GRACE = 1
"""Frames by which an apex may lie before the onset or after the offset."""
WORDS = {
    "still": "while the person is still",
    "speech": "while the person speaks",
    "turning": "while the head turns",
}
"""The activity of the person meanwhile in words, by the flag of the truths."""


def apex_inside(spotted: WeightedSpotting) -> Floats:
    """Share of the expressions in which a spotted apex lies; NaN without one."""
    is_put_in = _is_put_in(spotted.truths)
    return _share(spotted, "video", is_put_in)


def apex_before(spotted: WeightedSpotting) -> Floats:
    """Share of the expressions at whose place a spotted apex lies in the untouched copy; NaN without one."""
    is_put_in = _is_put_in(spotted.truths)
    return _share(spotted, UNTOUCHED, is_put_in)


def apex_inside_while(activity: str, spotted: WeightedSpotting) -> Floats:
    """`apex_inside` of the expressions during one activity."""
    is_meanwhile = spotted.truths["flags"].fillna("").str.split("+").map(lambda flags: activity in flags)
    return _share(spotted, "video", _is_put_in(spotted.truths) & is_meanwhile.to_numpy(bool))


def _is_put_in(truths: pd.DataFrame) -> Bools:
    """The truths with an untouched copy, (n_truths,)."""
    return np.asarray(truths[UNTOUCHED].fillna("") != "")


def _share(spotted: WeightedSpotting, column: str, is_asked: Bools) -> Floats:
    """Share of some truths with an apex inside, in the video of a column.

    Each is credited to the first interval that finds it, so that intervals of a person, or of a random draw, are summed as any others.
    """
    asked = spotted.truths.loc[is_asked, ["run", "kind", column, "onset", "offset"]].rename(columns={column: "video"})
    intervals = spotted.predictions[["run", "kind", "video", "apex", "draw"]]
    asked = asked.assign(truth=np.arange(len(asked)))
    intervals = intervals.assign(interval=np.arange(len(intervals)))
    pairs = asked.merge(intervals, on=["run", "kind", "video"])
    is_inside = (pairs["onset"] - GRACE <= pairs["apex"]) & (pairs["apex"] <= pairs["offset"] + GRACE)
    found = pairs[is_inside.to_numpy(bool)].drop_duplicates(["truth", "draw"])
    credits = np.bincount(found["interval"], minlength=len(intervals)).astype(np.float64)
    all_asked = spotted.sum_over_truths(np.asarray(is_asked, np.float64))
    return ratios.safe_ratio(spotted.sum_over_predictions(credits), all_asked, np.nan)


BESIDE_UNTOUCHED = (
    Metric(
        "apex_inside",
        "found, apex inside",
        "share of the expressions put in whose frames hold a spotted apex",
        "expressions put in with a spotted apex inside / expressions put in",
        of_spotted=apex_inside,
        column=UNTOUCHED,
        example=r"""
        Only where expressions were put into videos, as by [`injected`](../../datasets/injected/README.md): an expression is found if a
        spotted apex lies in it, a frame of grace at both ends, whatever the IoU. In the example two of three are, at 30 and at 64.

        $$
        \frac{|\{T : \text{an apex lies in } T\}|}{|\{T\}|}
        $$

        ```python
        from types import SimpleNamespace

        from mebench.metrics.summary import summarize
        from mebench.metrics.tables import Tables

        put_in = pd.DataFrame({"video": "d/1/copy", "kind": "micro", "onset": [25, 60, 95], "offset": [35, 70, 105]})
        put_in = put_in.assign(apex=put_in["onset"] + 5, emotion=None, untouched="d/1/before")
        put_in["flags"] = ["still", "speech", "turning"]
        apexes = [("d/1/copy", 30), ("d/1/copy", 64), ("d/1/copy", 120), ("d/1/before", 66)]
        found_in = pd.DataFrame(apexes, columns=["video", "apex"]).assign(kind="micro", confidence=0.5, emotion=None, draw=0)
        found_in = found_in.assign(onset=found_in["apex"] - 9, offset=found_in["apex"] + 9)
        copies = pd.DataFrame({"video": ["d/1/before", "d/1/copy"], "subject": "d/1", "dataset": "d"})
        copies = copies.assign(n_frames=150, fps=25.0)
        scored = summarize(Tables(copies, put_in, found_in), kinds=["micro"], classes=[], seed=0, draws=0)
        paired = SimpleNamespace(summary=scored)
        beside(2 / 3, "spotting/micro/scores/apex_inside", paired)
        ```
        """,
    ),
    Metric(
        "apex_before",
        "found there before",
        "share of the expressions put in at whose place a spotted apex lies in the untouched copy",
        "expressions put in with a spotted apex at their place untouched / expressions put in",
        direction="lower",
        of_spotted=apex_before,
        column=UNTOUCHED,
        example=r"""
        The same share at the same frames of the untouched copy. What lies above it is found because it was put in. In the example it is
        the apex at 66.

        $$
        \frac{|\{T : \text{an apex of the untouched copy lies in } T\}|}{|\{T\}|}
        $$

        ```python
        beside(1 / 3, "spotting/micro/scores/apex_before", paired)
        ```
        """,
    ),
    *(
        Metric(
            f"apex_inside_{activity}",
            f"found {words}",
            f"share of the expressions put in {words} whose frames hold a spotted apex",
            "as `apex_inside`, of these expressions",
            of_spotted=partial(apex_inside_while, activity),
            column=UNTOUCHED,
            example=rf"""
            `apex_inside` of the expressions put in {words}; the activity is measured in the film.

            $$
            \frac{{|\{{T : \text{{an apex lies in }} T\}}|}}{{|\{{T\}}|}}, \quad T \text{{ {words}}}
            $$

            ```python
            beside({0 if activity == "turning" else 1} / 1, "spotting/micro/scores/apex_inside_{activity}", paired)
            ```
            """,
        )
        for activity, words in WORDS.items()
    ),
)
"""The metrics of expressions that were put into videos."""
