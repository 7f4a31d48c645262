"""Ways to labels through the memory of the fold's own process."""

from __future__ import annotations

import gc
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

import mebench
from mebench.core import ClipView, LabelledVideo, Method, Scheme, Video, all_clips

from .view import request_of, views_of

if TYPE_CHECKING:
    from .method import Cheat

GLOBAL: dict[str, int] = {}


def labels_of_clips(train: Sequence[LabelledVideo]) -> dict[str, int]:
    """Labels of the training clips, which other folds test."""
    return {clip.video.key: clip.label for clip in all_clips(train)}


def labels_of_videos(videos: Iterable[Video], scheme: Scheme) -> dict[str, Any]:
    """Class of the first expression of each video that has one with an emotion."""
    return {v.key: scheme.of(v.expressions[0]) for v in videos if v.expressions and v.expressions[0].emotion}


def labels_of_objects(objects: Iterable[object], classes: Sequence[str]) -> dict[str, int]:
    """Labels of training views and of videos with an emotion, among any objects."""
    known = {}
    for thing in list(objects):
        if type(thing) is LabelledVideo and thing.labels and thing.labels[0] is not None:
            known[thing.key] = thing.labels[0]
        if type(thing) is Video and thing.expressions and thing.expressions[0].emotion in classes:
            known[thing.key] = classes.index(thing.expressions[0].emotion)
    return known


def reached_from(thing: object, depth: int = 12) -> Collection[object]:
    """All objects that can be reached from one, but for modules and what they hold."""
    seen: dict[int, object] = {}
    edge = [thing]
    for _ in range(depth):
        new = [o for o in gc.get_referents(*edge) if id(o) not in seen]
        edge = [o for o in new if not _is_code(o)]
        seen |= {id(o): o for o in edge}
    return seen.values()


def _is_code(thing: object) -> bool:
    """Whether an object is a class, a module or a module's names."""
    if issubclass(type(thing), (type, type(sys))):
        return True
    return type(thing) is dict and "__builtins__" in thing


def callers(frame: FrameType | None) -> Iterator[FrameType]:
    """A frame and those that wait for it."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def keep_in_module(cheat: Cheat, train: Sequence[LabelledVideo]) -> None:
    """Add labels to a dict of this module."""
    GLOBAL.update(labels_of_clips(train))


def labels_of_module(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Labels that a fold before left in this module."""
    return GLOBAL


def keep_in_class(cheat: Cheat, train: Sequence[LabelledVideo]) -> None:
    """Add labels to a class of mebench's."""
    owner: Any = Method
    owner.known = getattr(owner, "known", {})
    owner.known |= labels_of_clips(train)


def labels_of_class(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Labels that a fold before left in a class of mebench's."""
    owner: Any = Method
    return owner.known  # type: ignore[no-any-return]


def keep_views(cheat: Cheat, train: Sequence[LabelledVideo]) -> None:
    """Add the training views to a list that outlives the fold."""
    owner: Any = mebench
    owner.kept = [*getattr(owner, "kept", []), *train]


def labels_of_kept_views(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Labels of training views that a fold before has kept."""
    owner: Any = mebench
    return {view.key: view.labels[0] for view in owner.kept}


def look_at_job_of_training(cheat: Cheat, train: Sequence[LabelledVideo]) -> None:
    """Look, through a training view, at the fold's own job."""
    cheat.found = _labels_of_job(views_of(train[0]).job)


def labels_found_in_training(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Labels that a training view led to."""
    return cheat.found


def labels_of_job(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Labels of the fold's own job, through a view that is tested."""
    return _labels_of_job(views_of(clip.video).job)


def _labels_of_job(job: Any) -> dict[str, int]:
    return labels_of_videos([*job.train, *job.valid, *job.test], job.scheme)


def labels_of_dataset(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Labels of the dataset that the fold reads features from."""
    views = views_of(clip.video)
    dataset, _ = views.home(views.job.test[0])
    return {v.key: views.job.scheme.of(v.expressions[0]) for v in dataset.videos()}


def labels_reached_from_task(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Labels of objects that the task leads to."""
    return labels_of_objects(reached_from(cheat.task), cheat.task.classes)


def labels_in_callers(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Labels of objects in the variables of whoever calls, and four steps from there."""
    held = [value for frame in callers(sys._getframe()) for value in frame.f_locals.values()]
    return labels_of_objects([*held, *reached_from(held, 4)], cheat.task.classes)


def labels_reached_from_view(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Labels of objects that the functions of a tested view lead to."""
    functions = [clip.video._frames, clip.video._clip]
    return labels_of_objects(reached_from(functions), cheat.task.classes)


def labels_of_all_objects(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Labels of all objects that the garbage collector knows."""
    objects = [o for tracked in gc.get_objects() for o in (tracked, *gc.get_referents(tracked))]
    return labels_of_objects(objects, cheat.task.classes)


def keep_labels_while_planned(cheat: Cheat) -> None:
    """Look for the plan in the variables of whoever calls, and leave its labels in the parameters and in a class."""
    for frame in callers(sys._getframe()):
        for plan in [value for value in frame.f_locals.values() if type(value).__name__ == "Plan"]:
            known = labels_of_videos(plan.data.videos, plan.data.scheme)
            if known:
                _leave_labels(cheat, plan, known)


def _leave_labels(cheat: Cheat, plan: Any, known: Mapping[str, int]) -> None:
    parts = [part.params for part in plan.methods]
    for params in (cheat.params, plan.config.method_params, *parts):
        object.__setattr__(params, "stash", known)
    owner: Any = Method
    owner.planned = known


def labels_from_planning(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """Labels that were left while the run was planned."""
    return getattr(cheat.params, "stash", None) or getattr(Method, "planned", {})


def labels_by_scores(cheat: Cheat, clip: ClipView) -> Mapping[str, int]:
    """The label with the best score, where the host tells scores."""
    request = request_of(clip.video)
    return {clip.video.key: max(range(3), key=lambda label: request("score", [label], True))}
