"""Agreement of two coders: per frame, on intervals, on their onsets and offsets, and on emotions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.metrics.conventions import find_convention
from mebench.metrics.frame_scores import frame_truth
from mebench.metrics.matching import find_truths
from mebench.metrics.tables import Tables, of_kinds


def measure_agreement(tables: Tables, kinds: Sequence[str]) -> dict[str, Any]:
    """Agreement of two coders. One is taken as the truth, the other as predictions.

    By kind: `first` and `second`, how many intervals each has; `both`, pairs with an IoU of at least 0.5, one to one;
    `f1`, their share, 2 both / (first + second), 0 without intervals; `kappa`, Cohen's kappa over frames (Cohen 1960,
    "A coefficient of agreement for nominal scales"), None where both coders give every frame the same label; `onset_ms`
    and `offset_ms`, of the pairs, second minus first: `mean`, `sd`, `mean_absolute`, `quantiles` (5, 50 and 95 %), None
    without pairs or frame rate. `frames` has kappa over all kinds and no expression as labels, and the number of
    frames; `emotion` the same over the pairs with an emotion from both. Where intervals of two kinds of one coder overlap,
    a frame has the kind that stands later in `kinds`.

    Args:
        tables: tables whose videos have `n_frames`, so that frames after the last interval count, too.
        kinds: kinds that are compared.
    """
    ordered = tables.put_in_order()
    frames = _every_frame(ordered)
    # The label of each frame by each coder: 0 without an expression, else the number of the kind.
    first_labels = np.zeros(len(frames), np.int64)
    second_labels = np.zeros(len(frames), np.int64)
    by_kind: dict[str, Any] = {}
    named_by_both: list[tuple[str, str]] = []
    for label, kind in enumerate(kinds, 1):
        first = of_kinds(ordered.truths, [kind])
        second = of_kinds(ordered.spotted, [kind])
        first_covers = frame_truth(frames, first)
        second_covers = frame_truth(frames, second)
        first_labels[first_covers] = label
        second_labels[second_covers] = label
        found = find_truths(first, second, find_convention("strict"))  # an IoU of at least 0.5, one to one
        first_found = first.iloc[found.truth].reset_index(drop=True)
        second_found = second.iloc[found.prediction].reset_index(drop=True)
        named_by_both += [(a, b) for a, b in zip(first_found["emotion"], second_found["emotion"]) if a and b]
        n_intervals = len(first) + len(second)
        by_kind[kind] = {
            "first": len(first),
            "second": len(second),
            "both": len(first_found),
            "f1": 2 * len(first_found) / n_intervals if n_intervals else 0.0,
            "kappa": kappa(first_covers, second_covers),
            "onset_ms": _differences(first_found, second_found, "onset"),
            "offset_ms": _differences(first_found, second_found, "offset"),
        }
    first_emotions = np.array([first for first, _ in named_by_both])
    second_emotions = np.array([second for _, second in named_by_both])
    return {
        "kinds": by_kind,
        "frames": {"n": len(frames), "kappa": kappa(first_labels, second_labels)},
        "emotion": {"n": len(named_by_both), "kappa": kappa(first_emotions, second_emotions)},
    }


def _every_frame(ordered: Tables) -> pd.DataFrame:
    """`video` and `frame` of every frame of all videos.

    A video of unknown or too small length ends with its last interval.
    """
    ends = pd.concat([table[["video", "offset"]] for table in (ordered.truths, ordered.spotted)])
    last = ends.groupby("video")["offset"].max()
    lengths: dict[str, int] = {}
    for video, n_frames in zip(ordered.videos["video"], ordered.videos["n_frames"]):
        known = 0 if pd.isna(n_frames) else n_frames
        lengths[video] = int(max(known, last.get(video, -1) + 1))
    numbers = np.concatenate([np.empty(0, np.int64), *map(np.arange, lengths.values())])
    return pd.DataFrame({"video": np.repeat(list(lengths), list(lengths.values())), "frame": numbers})


def kappa(first: NDArray[Any], second: NDArray[Any]) -> float | None:
    """Cohen's kappa of two labellings of the same things, (n,); None where both give all of them the same label (0/0).

    >>> kappa(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])), kappa(np.zeros(3), np.zeros(3))
    (0.5, None)
    """
    from sklearn.metrics import cohen_kappa_score

    if len(first) == 0 or len({*np.unique(first).tolist(), *np.unique(second).tolist()}) == 1:
        return None
    return float(cohen_kappa_score(first, second))


def _differences(first: pd.DataFrame, second: pd.DataFrame, end: str) -> dict[str, Any] | None:
    """Second minus first of one end, in ms, over pairs whose frame rate is known."""
    ms = (1000 * (second[end] - first[end]) / first["fps"].astype(float)).dropna().to_numpy(np.float64)
    if not len(ms):
        return None
    return {
        "mean": float(ms.mean()),
        "sd": float(ms.std(ddof=1)) if len(ms) > 1 else None,
        "mean_absolute": float(np.abs(ms).mean()),
        "quantiles": np.quantile(ms, (0.05, 0.5, 0.95)).tolist(),
    }
