"""Grad-CAM of a finished run's networks, projected onto the face (MEAN, Figure 7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from mebench.core import Prediction, Video
from mebench.errors import RunError
from mebench.features import Landmarks, MapStep
from mebench.features.pipeline import route_of, video_source
from mebench.grouping import group_by
from mebench.inference.models import config_of_run, model_of_fold
from mebench.runner import FittedMethod, make_plan, methods_by_prefix
from mebench.runner.host import FoldHost
from mebench.runner.plan import Plan
from mebench.runs.folder import RunFolder

if TYPE_CHECKING:
    from mebench.core.method import Looked

ExplainedTask = Literal["spot", "recognize"]
FoldInterval = tuple[str, Prediction]
"""A fold, and an interval that was spotted in it."""


@dataclass(frozen=True)
class Explanation:
    """One Grad-CAM map, laid on the face.

    Attributes:
        spotted: the interval.
        task: `spot` or `recognize`.
        face: (H, W) uint8, the crop at the peak.
        heat: (H, W), 0 to 1, 0 outside the regions that the network sees.
    """

    spotted: FoldInterval
    task: str
    face: NDArray[np.uint8]
    heat: NDArray[np.float64]


def grad_cam(looked: Looked, features: NDArray[Any], target: int) -> NDArray[np.float64]:
    """Grad-CAM of one feature, (h, w), 0 to 1 (Selvaraju et al. 2017): 0 everywhere if no map supports the target.

    The maps that enter `looked.layer`, each weighted by the mean gradient of the target's output, are summed and
    rectified. So it shows where maps that support the target are active, not which of these regions the later layers
    use.

    Args:
        looked: the network, its layer, and how it takes features.
        features: (H, W, C), as stored.
        target: the output.

    Raises:
        RunError: captum is not installed.
    """
    try:
        from captum.attr import LayerGradCam
    except ImportError:
        raise RunError("activation maps need captum, which is not installed: pip install 'mebench[explain]'") from None
    found = LayerGradCam(looked.network.eval(), looked.layer).attribute(
        looked.inputs(features[None]), target=target, relu_attributions=True, attribute_to_layer_input=True
    )
    heat = found.detach().double().numpy()[0, 0]
    highest = float(heat.max())
    return np.asarray(heat / highest if highest > 0 else heat, dtype=np.float64)


def project_onto_face(
    heat: NDArray[np.float64], steps: Sequence[MapStep], landmarks: Landmarks | None, size: int
) -> NDArray[np.float64]:
    """A heat map of the network's input, mapped back onto the crop, (size, size): each step of the chain inverts its
    geometry.

    Raises:
        RunError: a step does not say where its output lies on the face.
    """
    laid = heat
    for step in reversed(steps):
        laid = step.map_back(laid, landmarks, size, size)
    if laid.shape != (size, size):
        raise RunError(
            f"an activation map of {' x '.join(map(str, laid.shape))} does not fit a face of {size} x {size} pixels: these "
            "maps are not images"
        )
    return laid


def explain_intervals(folder: RunFolder, intervals: Sequence[FoldInterval]) -> Iterator[Explanation]:
    """Grad-CAM maps of the networks of each interval's fold: for spotting at its peak, for recognition from its onset
    to its peak.

    Raises:
        RunError: captum is missing, or the method has no maps to explain, or the run keeps no models.
        DataError: the dataset is missing.
    """
    plan = make_plan(config_of_run(folder))
    videos = {video.key: video for video in plan.data.videos}
    intervals_of_folds = group_by(intervals, key=itemgetter(0))
    for fold_key, of_fold in intervals_of_folds.items():
        parts = _trained_parts(folder, plan, fold_key)
        for spotted in of_fold:
            _, prediction = spotted
            video = videos[prediction.video]
            if "spot" in plan.data.task.tasks:
                yield _explanation(spotted, "spot", parts[0], video)
            # A class that the recognizer does not know has no output to explain.
            if "recognize" in plan.data.task.tasks and prediction.emotion in plan.data.task.classes:
                yield _explanation(spotted, "recognize", parts[-1], video)


def _trained_parts(folder: RunFolder, plan: Plan, fold_key: str) -> list[FittedMethod]:
    """The trained methods of a fold, the recognizer last.

    Raises:
        RunError: the run keeps no models.
    """
    (fold,) = (fold for fold in plan.data.folds if fold.key == fold_key)
    job = FoldHost.for_fold(plan, fold).job
    parts = [FittedMethod(job, part, plan.data.find_home) for part in job.parts]
    model_of_fold(folder, fold_key).restore(methods_by_prefix([part.method for part in parts]))
    return parts


def _explanation(spotted: FoldInterval, task: ExplainedTask, part: FittedMethod, video: Video) -> Explanation:
    """The map of one interval: of its peak for spotting, from its onset to its peak for recognition."""
    _, prediction = spotted
    views = part.views
    looked = part.method.looked_at(task)
    view = views.hide_labels(video)
    last = view.n_frames - 1
    onset, apex = (min(max(frame, 0), last) for frame in (prediction.onset, prediction.apex))
    if task == "spot":
        rows = view.features(looked.chain)
        feature = rows[min(apex, len(rows) - 1)]
        kinds = part.method.task.kinds
        target = kinds.index("micro") if len(kinds) > 1 else 0
    else:
        feature = view.clip_feature(looked.chain, onset, apex)
        target = list(part.method.task.classes).index(str(prediction.emotion))
    heat = grad_cam(looked, np.asarray(feature, np.float32), target)
    chain = views.chains[part.job.groups[video.key]][looked.chain]
    route = route_of(chain)
    source = video_source(views.store, *views.home(video), replace(video, expressions=()))
    crops = source.make_crops(chain).array
    landmarks = source.crop_landmarks(chain, route)
    face = np.array(crops[apex])
    return Explanation(spotted, task, face, project_onto_face(heat, route.maps, landmarks, crops.shape[1]))
