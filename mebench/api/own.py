"""An object of yours, judged like any method: without a plugin, cloned for each fold, blind to what is tested."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.api.result import words_of
from mebench.api.runs import Names, Run, _several, executed
from mebench.errors import ConfigError

if TYPE_CHECKING:
    from mebench.progress import Progress

OBJECTS = ".objects"
"""Folder beside the run folders, of the objects that were evaluated: plugins that runs name."""
CONFIG = """title: {what}
summary: an object that was given to mebench.evaluate
tasks: [{tasks}]
"""
PARAMS = '''"""Parameters of the object's spotting."""

from mebench.spotting import SpottingParams as Params

__all__ = ["Params"]
'''
CODE = '''"""An object that was given to mebench.evaluate: {what}."""

from pathlib import Path

from mebench.training.own import Own

from .params import Params as _Params


class Plugin(Own):
    """Asks the object."""

    Params = _Params
    tasks = frozenset({tasks})
    kinds = {kinds}
    model = Path(__file__).with_name("object")
    sha256 = "{sha256}"
'''


def evaluate(
    model: Any,
    dataset: str | dict[str, Any],
    protocol: str | dict[str, Any] = "loso",
    *words: str,
    features: Any = None,
    config: Names = (),
    plugins: Names = (),
    progress: Progress | None = None,
    **settings: Any,
) -> Run:
    """Judge an object of yours under a protocol: it needs no plugin, and is guarded like any method.

        mebench.evaluate(LinearSVC(), "synthetic")             # scikit-learn, on the flow between onset and apex
        mebench.evaluate(MySpotter(), "synthetic", features=lambda timing: Chain("flow", (FaceCrop(), Flow(k=timing.k), ...)))

    Each fold begins with a copy of the object as it is now, which is fitted on the fold's training subjects. It is

    - anything with `score_frames(video)`, answering a score for each frame, `(n_frames,)` or `(n_frames, n_kinds)`, NaN where undefined,
      or `classify(clips)`, answering a score for each class, `(n_clips, n_classes)`, or class numbers, `(n_clips,)`; or both. What it
      learns it learns in `fit(train)`, or `fit(train, task)` where it needs `task.classes` and `task.kinds`. `video`, `clips` and `train`
      are the `VideoView`, `ClipView` and `LabelledVideo` of `mebench.core`: `video.features(name)` and `clip.feature(name)` give what the
      chain of that name computes, `train[0].expressions` and `mebench.core.all_clips(train)` the labels;
    - or an estimator of scikit-learn (`fit` and `predict`): on a chain of clips it names their emotion, on one of frames it tells frames
      inside an expression from others. What is random in it follows from the run's seed.

    The object travels to other processes by pickling, wherever it was defined, and lies beside the run folders, so that the run can
    go on later; it is as trusted as any code of yours.

    Args:
        model: the object, not fitted.
        dataset: id of the dataset, or a map with its `name` and settings.
        protocol: its name, or a map with its `name` and settings.
        words: further `key=value` words of the run, such as `method.p=0.6` for the threshold of a spotter.
        features: a `Chain`, several, or a function of the timing that answers with them; an object with `chains(timing)` names its own.
            For an estimator by default the flow map between onset and apex.
        config: YAML files of settings.
        plugins: folders with more datasets and protocols.
        progress: see `run`.
        settings: further settings of the run, such as `seed=1`.

    Raises:
        ConfigError: the object can do nothing that is asked for, or cannot be pickled.
        MebenchError: see `run`.
    """
    from mebench.config import resolve
    from mebench.inspection.summary import check_needs

    said = words_of(words, {"dataset": dataset, "protocol": protocol, **settings})
    others = _several(plugins)
    runs = Path(next((word.partition("=")[2] for word in reversed(said) if word.startswith("runs=")), "runs"))
    place = runs.expanduser().absolute() / OBJECTS
    name = _written(model, features, place)
    settled = resolve([*said, f"method={name}"], _several(config), [*others, place])
    check_needs([settled])
    return executed(settled, progress)


def _written(model: Any, features: Any, place: Path) -> str:
    """Write the object as a plugin, unless it is there; its name."""
    import cloudpickle

    from mebench.training.own import is_estimator, tasks_of

    if features is None and is_estimator(model):
        from mebench.features.maps import ONSET_APEX, MapParams

        features = MapParams().maps(ONSET_APEX)
    tasks, what = tasks_of(model, features), type(model).__qualname__
    if not tasks:
        raise ConfigError(
            f"{what} can neither spot nor recognize: give it score_frames(video) or classify(clips), or take an estimator of "
            "scikit-learn (fit and predict)"
        )
    try:
        content = cloudpickle.dumps((model, features))
    except Exception as error:  # each library refuses in its own way
        raise ConfigError(
            f"{what} cannot be pickled ({type(error).__name__}: {error}), and each fold needs a copy of it: leave out open files, locks "
            "and the like, or make them in fit"
        ) from error
    sha256 = hashlib.sha256(content).hexdigest()
    snake = re.sub(r"\W+|_+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", what.rpartition(".")[2]).lower()).strip("_")
    name = f"own_{snake}_{sha256[:8]}"
    folder = place / "methods" / name
    folder.mkdir(parents=True, exist_ok=True)
    kinds = tuple(getattr(model, "kinds", ("micro", "macro")))
    files = {
        "__init__.py": f'"""{what}, as it was given to mebench.evaluate."""\n',
        "config.yaml": CONFIG.format(what=what, tasks=", ".join(tasks)),
        "params.py": PARAMS,
        "method.py": CODE.format(what=what, tasks=set(tasks), kinds=kinds, sha256=sha256),
    }
    for file, text in files.items():
        (folder / file).write_text(text, encoding="utf-8")
    (folder / "object").write_bytes(content)
    return name
