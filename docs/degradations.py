"""`python docs/degradations.py`: the contact sheet of every degradation at five strengths, `docs/degradations.jpg`, on a drawn face.

A row is one kind, with the clean frame first. Of kinds that act on time a row shows 60 frames from left to right: the middle column of
each, or how much each differs from the one before, as bars.
"""

from pathlib import Path

import cv2
import numpy as np
from mebench.datasets.synthetic.dataset import Synthetic
from numpy.typing import NDArray

from mebench.core import Dataset, Video
from mebench.features.degradation import KINDS, Degradation, degradation_names
from mebench.features.degraded_dataset import DegradedDataset

SIZE, NAME, FRAME, SPAN = 96, 100, 30, 60


def tile(dataset: Dataset, video: Video, kind: str, start: int) -> NDArray[np.uint8]:
    """A frame; or 60 of them, as their middle columns or as bars."""
    frames = dataset.frames(video)
    if KINDS[kind].drawn == "columns":
        picture = np.stack([frames[i][:, 128] for i in range(start, start + SPAN)], axis=1)
    elif KINDS[kind].drawn == "bars":
        picture = np.full((100, SPAN, 3), 255, np.uint8)
        for x in range(SPAN):
            changed = cv2.absdiff(frames[start + x], frames[start + x + 1])[:, 100:156].mean()
            picture[100 - min(100, round(20 * changed)) :, x] = (150, 90, 30)
    else:
        picture = frames[FRAME]
    return np.asarray(cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA))


def sheet() -> NDArray[np.uint8]:
    """The picture, (height, width, 3) uint8."""
    params = Synthetic.Params(subjects=2, videos=1, frames=120, size=256)
    clean = Synthetic(params)
    video = clean.videos()[1]
    first = next((e.onset for e in video.expressions), 20) - 10
    rows = []
    for kind in degradation_names():
        named = np.full((SIZE, NAME, 3), 255, np.uint8)
        cv2.putText(named, kind, (4, SIZE // 2), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
        degraded = [DegradedDataset(clean, Degradation(kind, strength)) for strength in range(1, 6)]
        rows.append(np.hstack([named, *(tile(one, video, kind, max(first, 0)) for one in (clean, *degraded))]))
    return np.vstack(rows)


if __name__ == "__main__":
    file = Path(__file__).with_name("degradations.jpg")
    cv2.imwrite(str(file), sheet(), [cv2.IMWRITE_JPEG_QUALITY, 80])
    print(file, file.stat().st_size)
