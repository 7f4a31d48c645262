"""What a worker does with a task: it plans for itself, refuses other inputs, and leaves nothing behind."""

import os
import pickle
import re
from dataclasses import replace
from pathlib import Path

import pytest

from mebench.config import from_plain, resolve, shaping
from mebench.errors import PluginError, RunError
from mebench.results.settings import without_places
from mebench.runner import forks, tasks
from mebench.runner.identity import key_of
from mebench.runner.inputs import anywhere
from mebench.runner.plan import make_plan
from mebench.runner.tasks import fold_task, plan_of, spec_of
from mebench.runner.workers import Task, WorkerPool
from mebench.tuning.work import _fold as inner_fold
from mebench.tuning.work import among
from tests.runner.test_features import HEAVY, RESIDENT


@pytest.fixture(autouse=True)
def forget():
    """Plans that this process remembers as a worker would."""
    yield
    for remembered in (tasks.plan_of, tasks._plan_without, tasks._folds):
        remembered.cache_clear()


def test_what_a_worker_is_told_travels_and_makes_the_same_plan(moody):
    plan = make_plan(resolve(moody("seed=3")))
    run = spec_of(plan)
    assert plan_of(pickle.loads(pickle.dumps(run))).folds == plan.folds


def test_a_relative_path_is_the_same_place_for_a_worker_elsewhere(moody, tmp_path, monkeypatch):
    here = Path.cwd()
    spec = spec_of(make_plan(resolve(moody("dataset.annotations=notes.csv"))))
    monkeypatch.chdir(tmp_path)
    assert plan_of(spec).dataset.params.annotations == str(here / "notes.csv")


def test_a_path_among_the_parameters_of_any_plugin_is_the_same_place_from_another_folder(moody, tmp_path, monkeypatch):
    """Its type says that it is one; the run can be told to workers, and goes on from its folder's words."""
    params = tmp_path / "mine" / "methods" / "moody" / "params.py"
    params.write_text(
        f"from pathlib import Path\n{params.read_text()}    weights: Path | None = None\n    where: Path = Path('models')\n"
    )
    here = Path.cwd()
    plan = make_plan(resolve(moody("method.weights=mine/a")))
    spec, key = spec_of(plan), key_of(plan)
    monkeypatch.chdir(tmp_path.parent)
    assert (there := plan_of(spec).params).weights == here / "mine" / "a" and there.where == here / "models"
    again = make_plan(from_plain(anywhere(plan.config.values)))
    assert key_of(again) == key


def test_a_run_that_goes_on_from_another_folder_finds_its_features(moody):
    config = resolve(moody("cache=store"))
    assert anywhere(config.values)["cache"] == str(Path("store").absolute())


OWN_WORDS = """    landmarks: str = "dlib"
    root: bool = True
    few_annotations: bool = True
"""


def test_what_a_method_calls_landmarks_is_a_path_where_it_is_that_of_faces_alone(moody, tmp_path):
    """Another word is told as it stands, whatever its type, and shapes predictions; so does a dataset's that is no text."""
    for plugin in ("methods/moody", "datasets/toy"):
        params = tmp_path / "mine" / plugin / "params.py"
        params.write_text(params.read_text() + OWN_WORDS)
    config = resolve(moody())
    assert anywhere(config.values) == config.values
    run = spec_of(make_plan(config))
    assert plan_of(run).params == config.method_params
    other, no_root = resolve(moody("method.landmarks=mediapipe")), resolve(moody("dataset.few_annotations=false"))
    assert shaping(other) != shaping(config)
    assert spec_of(make_plan(no_root)).spec[1] != run.spec[1]
    assert without_places(config.values)["method.landmarks"] == "dlib"
    faces = resolve(["method=mean", "dataset=synthetic", "method.landmarks=face.dat"])
    assert anywhere(faces.values)["method"]["landmarks"] == str(Path("face.dat").absolute())
    assert shaping(faces) == shaping(resolve(["method=mean", "dataset=synthetic"]))
    assert "method.landmarks" not in without_places(faces.values)


def test_a_worker_with_other_code_or_data_refuses_its_folds(moody, tmp_path):
    run = spec_of(make_plan(resolve(moody())))
    method = tmp_path / "mine" / "methods" / "moody" / "method.py"
    method.write_text(method.read_text() + "\nedited = 1\n")
    with pytest.raises(RunError, match="a worker found other code, packages or data"):
        fold_task(run, "toy/1", frozenset())


def test_a_worker_whose_annotations_were_edited_since_refuses_its_folds(moody, monkeypatch):
    """Their truth would not be the one that the run is scored by; of a study those of the people who are tuned on count."""
    plan = make_plan(resolve(moody()))
    known = plan.folds[0].train
    run, some = spec_of(plan), spec_of(among(plan, known, plan.folds))
    videos = plan.dataset.videos()
    assert {video.subject for video in videos[:2]} == {"1"} == {subject.subject for subject in plan.folds[0].test}
    shorter = [replace(video, expressions=video.expressions[:1]) for video in videos]
    monkeypatch.setattr(type(plan.dataset), "videos", lambda self: [*shorter[:2], *videos[2:]])
    for begin in (
        lambda: fold_task(run, "toy/1", frozenset()),
        lambda: inner_fold(run, plan.folds[0], known, frozenset(), None),
    ):
        with pytest.raises(RunError, match="a worker found other code, packages or data"):
            begin()
    assert inner_fold(some, plan.folds[0], known, frozenset(), None).key == "toy/1"


def test_a_worker_on_another_kind_of_processor_refuses_its_folds(moody):
    run = spec_of(make_plan(resolve(moody())))
    values, inputs, processor = run.spec
    with pytest.raises(
        RunError, match=f"another kind of processor .an old one; here it is {re.escape(processor)}.*must not mix"
    ):
        fold_task(run._replace(spec=(values, inputs, "an old one")), "toy/1", frozenset())


def test_a_worker_where_pytorch_chooses_other_instructions_refuses_its_folds(moody):
    run = spec_of(make_plan(resolve(moody())))
    failure = fold_task(run._replace(instructions="torch of old"), "toy/1", frozenset())
    assert isinstance(failure.error, RunError)
    assert f"another kind of processor (torch of old; here it is {run.instructions})" in failure.reason


def test_what_a_plugin_says_as_lists_and_sets_travels_too(moody, monkeypatch):
    plan = make_plan(resolve(moody()))
    monkeypatch.setattr(plan.method_class, "kinds", ["micro", "macro"])
    monkeypatch.setattr(plan.method_class, "tasks", {"spot", "recognize"})
    assert fold_task(spec_of(plan), "toy/1", frozenset()).key == "toy/1"


LICENSED = """
import os
from pathlib import Path

if Path(__file__).with_name("licence").read_text() != str(os.getpid()):
    raise SystemExit("no licence for this process")
"""


@pytest.mark.processes
def test_a_method_that_cannot_be_imported_where_it_trains_is_named_with_the_reason(moody, tmp_path, monkeypatch):
    monkeypatch.setattr(forks, "_nursery", None)  # where other tests' plugin of this name was never imported
    words, method = moody(), tmp_path / "mine" / "methods" / "moody" / "method.py"
    method.with_name("licence").write_text(str(os.getpid()))
    method.write_text(LICENSED + method.read_text())
    run = spec_of(make_plan(resolve(words)))
    failure = fold_task(run, "toy/1", frozenset())
    forks._nursery.close()
    assert isinstance(failure.error, PluginError)
    assert "method 'moody' cannot be imported" in failure.reason and "no licence for this process" in failure.reason


@pytest.mark.processes
def test_a_worker_of_folds_loads_neither_pytorch_nor_lightning_and_stays_small(tiny):
    plan = make_plan(resolve(["method=mean", *tiny, "method.epochs_spot=1", "method.epochs_recognition=1"]))
    of_inner_fold = spec_of(plan), plan.folds[0], [v.subject_key for v in plan.videos], frozenset(), None
    pool = WorkerPool(1)
    try:
        ((_, result),) = pool.run([Task("fold", fold_task, (spec_of(plan), plan.folds[0].key, frozenset()))])
        ((_, heavy),) = pool.run([Task("afterwards", eval, (HEAVY,))])
        ((_, megabytes),) = pool.run([Task("at the end", eval, (RESIDENT,))])
        ((_, of_study),) = pool.run([Task("inner fold", inner_fold, of_inner_fold)])
        ((_, heavy_in_study),) = pool.run([Task("at last", eval, (HEAVY,))])
    finally:
        pool.stop()
    assert result.key == plan.folds[0].key and result.model
    assert of_study.key == plan.folds[0].key and "torch" not in heavy_in_study
    assert heavy == []
    assert not megabytes or megabytes[0] < 250
