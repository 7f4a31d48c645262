"""The faces of a run's surest intervals with Grad-CAM maps of its networks. They are pictures for its report."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from mebench.core import Prediction
from mebench.errors import RunError
from mebench.inference.gradcam import FoldInterval, explain_intervals
from mebench.lazy_imports import load_lazily
from mebench.metrics import of_first_draw
from mebench.runs import RunFolder

if TYPE_CHECKING:
    import matplotlib
    import pandas as pd
    from numpy.typing import NDArray

    from mebench.records.record import Record
    from mebench.reports.timeline import JudgedRun
else:
    matplotlib = load_lazily("matplotlib")

N_FACES = 12
"""Number of intervals with Grad-CAM maps on a page."""


def explain_surest(record: Record, side: JudgedRun) -> list[dict[str, Any]]:
    """The most confident spotted intervals, right ones first, for each emotion in turn: the face at the peak, with the
    Grad-CAM map of each network.

    Raises:
        RunError: captum is missing, the method has no maps to explain, or the run keeps no models.
        DataError: the dataset is missing.
    """
    spotted = of_first_draw(side.tables).predictions
    if spotted is None:
        raise RunError(f"run {record.id!r} spots nothing, so it has no intervals: leave --faces out")
    is_right = _most_confident(spotted, side)
    pictures: dict[FoldInterval, dict[str, Any]] = {}
    for found in explain_intervals(RunFolder(record.folder), list(is_right)):
        _, interval = found.spotted
        if found.spotted not in pictures:
            pictures[found.spotted] = {
                "words": f"{interval.video}, frame {interval.apex}",
                "emotion": interval.emotion,
                "outcome": "right" if is_right[found.spotted] else "wrong",
                "silent": [],
            }
        picture = pictures[found.spotted]
        picture["face"] = _picture(found.face)
        picture[found.task] = _picture(found.face, found.heat)
        if not found.heat.max() > 0:
            picture["silent"].append(found.task)
    return list(pictures.values())


def _most_confident(spotted: pd.DataFrame, side: JudgedRun) -> dict[FoldInterval, bool]:
    """The most confident micro-expressions, and whether each is right: right ones first, the emotions in turn."""
    wrong = side.mistakes[side.mistakes["mistake"] == "false_positive"][["video", "kind", "onset", "offset"]]
    spotted = spotted[spotted["kind"] == "micro"].merge(wrong.drop_duplicates(), how="left", indicator="wrong")
    ranked = spotted.sort_values("confidence", ascending=False, kind="stable")
    by_emotion = ranked.groupby([ranked["wrong"], ranked["emotion"].fillna("")], observed=True)
    # "left_only" sorts first and marks right answers.
    ranked = ranked.assign(turn=by_emotion.cumcount()).sort_values(["wrong", "turn"], kind="stable")
    rows = ranked.head(N_FACES).astype(object).where(ranked.notna(), None).to_dict("records")
    names = ("video", "kind", "onset", "apex", "offset", "confidence", "emotion")
    is_right = {}
    for row in rows:
        prediction = Prediction(**{name: row[name] for name in names})
        is_right[row["fold"], prediction] = row["wrong"] == "left_only"
    return is_right


def _picture(face: NDArray[np.uint8], heat: NDArray[np.float64] | None = None) -> str:
    """A face as data address of a PNG, with its heat map."""
    image = np.repeat(face[..., None].astype(np.float64) / 255, 3, axis=2)
    if heat is not None:
        over = 0.6 * (heat[..., None] > 0)
        image = (1 - over) * image + over * matplotlib.colormaps["jet"](heat)[..., :3]
    stream = io.BytesIO()
    Image.fromarray((255 * image).astype(np.uint8)).save(stream, format="png")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
