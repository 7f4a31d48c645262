"""One picture that shows the appearance of the dataset."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mebench.core import Dataset, Expression, Video
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")

HEADINGS = ("first frame", "onset", "apex", "offset", "apex - onset")
_BAR = 20


def contact_sheet(dataset: Dataset, subjects: Sequence[str] | None = None, gain: float = 8.0) -> NDArray[np.uint8]:
    """Rows of subjects with one micro-expression each, and its effect.

    Args:
        dataset: a dataset with frames.
        subjects: ids, in the order of the rows; all subjects that have a micro-expression if None.
        gain: how much the difference between apex and onset is magnified, around middle grey.

    Returns:
        (H, W, 3) uint8, B, G, R; the columns are those of `HEADINGS`. A subject's row shows its first micro-expression
        that has an apex; subjects without any have no row.
    """
    chosen: dict[str, tuple[Video, Expression]] = {}
    for video in dataset.videos():
        for expression in video.expressions:
            if expression.kind == "micro" and expression.apex is not None:
                chosen.setdefault(video.subject, (video, expression))
    rows = [_row(dataset, *chosen[s], gain) for s in (chosen if subjects is None else subjects) if s in chosen]
    if not rows:
        return np.zeros((_BAR, 1, 3), np.uint8)
    size = rows[0].shape[1] // len(HEADINGS)
    heading = np.hstack([_caption(size, text) for text in HEADINGS])
    return np.vstack([heading, *rows])


def _row(dataset: Dataset, video: Video, expression: Expression, gain: float) -> NDArray[np.uint8]:
    frames = dataset.frames(video)
    onset, apex, offset = (frames[i] for i in (expression.onset, expression.apex or 0, expression.offset))
    change = cv2.GaussianBlur(apex.astype(np.float32) - onset, (0, 0), 1.0) * gain + 128
    difference = np.clip(change, 0, 255).astype(np.uint8)
    pictures = np.hstack([frames[0], onset, apex, offset, difference])
    units = " + ".join(expression.action_units)
    text = (
        f"{video.subject}: {expression.emotion}, action units {units}, frames {expression.onset} to {expression.offset}"
    )
    return np.vstack([pictures, _caption(pictures.shape[1], text)])


def _caption(width: int, text: str) -> NDArray[np.uint8]:
    bar = np.full((_BAR, width, 3), 24, np.uint8)
    cv2.putText(bar, text, (6, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (230, 230, 230), 1, cv2.LINE_AA)
    return bar
