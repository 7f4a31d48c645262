"""What a fold gets: plain data that its plan gives, and on other machines the same or a refusal."""

import dataclasses
import os
import pickle
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from mebench.config import from_plain, resolve, shaping_settings
from mebench.errors import PluginError, RunError
from mebench.records import recorded_settings
from mebench.runner import fold_source, host as runner_host, identity, inputs, make_plan
from mebench.runner.workers import WorkerPool, WorkerTask
from tests.runner.test_prepare import HEAVY, OWN_MEMORY


@pytest.fixture(autouse=True)
def forget():
    """Datasets that this process remembers as a worker would."""
    yield
    fold_source.open_source.cache_clear()


def elsewhere(plan, number=0):
    """The host of a fold as another machine gets it."""
    task = runner_host.fold_task("fold", plan, plan.data.folds[number])
    return runner_host.FoldHost(*(pickle.loads(pickle.dumps(part)) for part in (*task.shared, *task.arguments)))


def test_FoldHost_of_another_machine_gives_the_same_fold(moody):
    plan = make_plan(resolve(moody("seed=3")))
    host = elsewhere(plan)
    assert host.job == runner_host.FoldHost.for_fold(plan, plan.data.folds[0]).job
    assert host.setup.needs is None
    assert isinstance(host.setup.source, fold_source.DatasetSource)
    found = host(runner_host.ThisProcess())
    expected = runner_host.execute_fold(plan, plan.data.folds[0])
    assert (found.predictions, found.model, found.clips) == (expected.predictions, expected.model, expected.clips)


def test_FoldHost_job_knows_no_tested_label_and_no_place(moody):
    plan = make_plan(resolve(moody("dataset.annotations=notes.csv")))
    host = runner_host.FoldHost.for_fold(plan, plan.data.folds[0])
    job = host.job
    assert all(video.expressions for video in job.train)
    assert not any(video.expressions for video in job.test)
    assert not {video.key for video in job.train} & {video.key for video in job.test}
    assert "notes.csv" not in repr(dataclasses.asdict(job))
    order = pickle.dumps(host.order)
    assert b"notes.csv" not in order
    assert not any(video.key.encode() in order or video.id.encode() in order for video in plan.data.videos)
    assert host.setup.secret.split()[0].encode() not in order


def test_fold_task_message_does_not_grow_with_people(moody):
    """What all folds have in common does, and goes to each machine once."""

    def sizes(subjects):
        plan = make_plan(resolve(moody(f"dataset.subjects={subjects}")))
        task = runner_host.fold_task("fold", plan, plan.data.folds[1])
        return [len(pickle.dumps(part)) for part in (task.arguments, task.shared)]

    (message, shared), (message_of_many, shared_of_many) = sizes(4), sizes(64)
    assert shared_of_many - shared > 60 * 100  # bytes a person
    assert message_of_many - message < 64  # three bits a person
    assert message_of_many < 10_000


def test_FoldHost_takes_its_videos_as_the_plan_splits_them(moody):
    plan = make_plan(resolve(moody("dataset.subjects=5")))
    for fold in plan.data.folds:
        host = runner_host.FoldHost.for_fold(plan, fold)
        sides = plan.data.split_videos(fold)
        learning = [tuple(host.job.train), tuple(host.job.valid)]
        assert [tuple(map(host.aliases.hide, side)) for side in sides[:2]] == learning
        assert {host.aliases.real_key(video.key) for video in host.job.test} == {video.key for video in sides.test}
        every = [*sides.train, *sides.valid, *sides.test]
        assert host.job.groups == {host.aliases.key(video.key): plan.data.groups[video.key] for video in every}
        assert host.job.timings == plan.data.find_timings(fold)


def test_Source_keeps_the_place_of_a_relative_path(moody, tmp_path, monkeypatch):
    here = Path.cwd()
    plan = make_plan(resolve(moody("dataset.annotations=notes.csv")))
    source = plan.feature_needs.source
    monkeypatch.chdir(tmp_path)
    assert fold_source.open_source(source).params.annotations == str(here / "notes.csv")


def test_anywhere_keeps_the_place_of_path_parameters(moody, tmp_path, monkeypatch):
    """Its type says that it is one; the run can be handed to workers, and goes on from its folder's words."""
    params = tmp_path / "mine" / "methods" / "moody" / "params.py"
    params.write_text(
        f"from pathlib import Path\n{params.read_text()}    weights: Path | None = None\n    where: Path = Path('models')\n"
    )
    here = Path.cwd()
    (here / "mine" / "a").mkdir(parents=True)
    plan = make_plan(resolve(moody("method.weights=mine/a")))
    host = elsewhere(plan)
    key = identity.run_key(plan)
    monkeypatch.chdir(tmp_path.parent)
    (part,) = host.job.parts
    assert part.params.weights == here / "mine" / "a"
    assert part.params.where == here / "models"
    again = make_plan(from_plain(inputs.with_absolute_places(plan.config.values)))
    assert identity.run_key(again) == key


def test_anywhere_keeps_the_place_of_the_store(moody, monkeypatch):
    config = resolve(moody("cache=store"))
    assert inputs.with_absolute_places(config.values)["cache"] == str(Path("store").absolute())
    plan = make_plan(config)
    stores = []
    source = SimpleNamespace(answer=lambda *_: None)
    monkeypatch.setattr(runner_host, "FrameSource", lambda videos, home, store: stores.append(store) or source)
    runner_host.FoldHost.for_fold(plan, plan.data.folds[0]).answer("stored", {"video": "any", "clip": ""})
    assert [store.root for store in stores] == [Path("store").absolute()]


OWN_WORDS = """    landmarks: str = "dlib"
    root: bool = True
    few_annotations: bool = True
"""


def test_anywhere_takes_landmarks_as_path_of_faces_alone(moody, tmp_path):
    """Another word is told as it stands, whatever its type, and shapes predictions; so does a dataset's that is no text."""
    for plugin in ("methods/moody", "datasets/toy"):
        params = tmp_path / "mine" / plugin / "params.py"
        params.write_text(params.read_text() + OWN_WORDS)
    config = resolve(moody())
    assert inputs.with_absolute_places(config.values) == config.values
    plan = make_plan(config)
    assert runner_host.FoldHost.for_fold(plan, plan.data.folds[0]).job.parts[0].params == config.method_params
    other = resolve(moody("method.landmarks=mediapipe"))
    fewer = make_plan(resolve(moody("dataset.few_annotations=false")))
    assert shaping_settings(other) != shaping_settings(config)
    assert fewer.feature_needs.source != plan.feature_needs.source
    assert other.method_params != config.method_params
    assert make_plan(other).feature_needs.source == plan.feature_needs.source  # it knows nothing of methods
    assert recorded_settings.without_places(config.values)["method.landmarks"] == "dlib"
    faces = resolve(["method=mean", "dataset=synthetic", "method.landmarks=face.dat"])
    assert inputs.with_absolute_places(faces.values)["method"]["landmarks"] == str(Path("face.dat").absolute())
    assert shaping_settings(faces) == shaping_settings(resolve(["method=mean", "dataset=synthetic"]))
    assert "method.landmarks" not in recorded_settings.without_places(faces.values)


def test_FoldHost_refuses_other_code_or_data(moody, tmp_path):
    plan = make_plan(resolve(moody()))
    host = runner_host.FoldHost.for_fold(plan, plan.data.folds[0])
    far = elsewhere(plan)
    method = tmp_path / "mine" / "methods" / "moody" / "method.py"
    method.write_text(method.read_text() + "\nEDITED = 'since'\n")
    for one in (host, far):
        with pytest.raises(RunError, match="a worker found other code, packages or data"):
            one(runner_host.ThisProcess())


def test_FoldHost_refuses_annotations_edited_since(moody, monkeypatch):
    """Their truth would not be the one that the run is scored by; of a study those of the people who are tuned on count."""
    plan = make_plan(resolve(moody()))
    videos = tuple(video for video in plan.data.videos if video.subject_key in plan.data.folds[0].train)
    some = replace(plan, data=replace(plan.data, videos=videos))  # nobody is tested
    whole, part = elsewhere(plan), elsewhere(some)
    videos = plan.data.dataset.videos()
    assert {video.subject for video in videos[:2]} == {"1"} == {subject.subject for subject in plan.data.folds[0].test}
    shorter = [replace(video, expressions=video.expressions[:1]) for video in videos]
    monkeypatch.setattr(type(plan.data.dataset), "videos", lambda self: [*shorter[:2], *videos[2:]])
    with pytest.raises(RunError, match="a worker found other code, packages or data"):
        whole(runner_host.ThisProcess())
    assert part(runner_host.ThisProcess()).key == "toy/1"


def test_FoldHost_refuses_another_kind_of_processor(moody):
    plan = make_plan(resolve(moody()))
    host = elsewhere(plan)
    now = host.setup.source.processor
    host.setup = replace(host.setup, source=replace(host.setup.source, processor="an old one"))
    with pytest.raises(
        RunError, match=f"another kind of processor .an old one; here it is {re.escape(now)}.*must not mix"
    ):
        host(runner_host.ThisProcess())


def test_FoldHost_refuses_other_instructions_of_torch(moody):
    plan = make_plan(resolve(moody()))
    host = runner_host.FoldHost.for_fold(plan, plan.data.folds[0])
    now = host.job.instructions
    host.setup = replace(host.setup, job=replace(host.setup.job, instructions="torch of old"))
    del host.order
    with pytest.raises(RunError, match=re.escape(f"another kind of processor (torch of old; here it is {now})")):
        host(runner_host.ThisProcess())


def test_FoldHost_takes_lists_and_sets_of_a_plugin(moody, monkeypatch):
    plan = make_plan(resolve(moody()))
    monkeypatch.setattr(plan.methods[0].method_class, "kinds", ["micro", "macro"])
    monkeypatch.setattr(plan.methods[0].method_class, "tasks", {"spot", "recognize"})
    assert elsewhere(plan)(runner_host.ThisProcess()).key == "toy/1"


def test_FoldHost_hides_clips_of_tested_videos_before_spotting(moody, monkeypatch):
    plan = make_plan(resolve(moody()))
    host = runner_host.FoldHost.for_fold(plan, plan.data.folds[0])
    asked = []
    source = SimpleNamespace(answer=lambda word, key: asked.append(key) or "there")
    monkeypatch.setattr(runner_host, "FrameSource", lambda *_: source)
    tested, learning = host.job.test[0].key, host.job.train[0].key
    assert host.job.spots
    assert [host.answer("stored", {"video": key, "clip": "3-9"}) for key in (tested, learning)] == [None, "there"]
    assert host.answer("stored", {"video": tested, "clip": ""}) == "there"
    host.answer("spot", [], {}, {})
    assert host.answer("stored", {"video": tested, "clip": "3-9"}) == "there"
    assert len(asked) == 3


LICENSED = """
import os
from pathlib import Path

if Path(__file__).with_name("licence").read_text() != str(os.getpid()):
    raise SystemExit("no licence for this process")
"""


@pytest.mark.processes
def test_fold_task_names_a_method_that_cannot_be_imported(moody, tmp_path):
    words = moody()
    method = tmp_path / "mine" / "methods" / "moody" / "method.py"
    method.with_name("licence").write_text(str(os.getpid()))
    method.write_text(LICENSED + method.read_text())
    plan = make_plan(resolve(words))
    pool = WorkerPool(1)
    try:
        ((_, failure),) = pool.run([runner_host.fold_task("fold", plan, plan.data.folds[0])])
    finally:
        pool.stop()
    assert isinstance(failure.error, PluginError)
    assert "method 'moody' cannot be imported" in failure.reason
    assert "no licence for this process" in failure.reason


UNPICKLABLE = """
    def __reduce__(self):
        raise TypeError("a lock cannot be pickled")
"""


@pytest.mark.processes
def test_fold_task_names_parameters_that_cannot_be_pickled(moody, tmp_path):
    params = tmp_path / "mine" / "methods" / "moody" / "params.py"
    words = moody()
    params.write_text(params.read_text() + UNPICKLABLE)
    plan = make_plan(resolve(words))
    pool = WorkerPool(1)
    try:
        ((_, failure),) = pool.run([runner_host.fold_task("fold", plan, plan.data.folds[0])])
    finally:
        pool.stop()
    assert failure.reason.startswith("it cannot be handed to a worker process: TypeError: a lock cannot be pickled")
    assert failure.reason.endswith(" (methods/moody/params.py, line 19)")


@pytest.mark.processes
def test_fold_task_gives_a_model_and_workers_load_no_torch(tiny):
    words = ("method=mean", "method.flow=dis", "method.epochs_spot=1", "method.epochs_recognition=1")
    plan = make_plan(resolve([*words, *tiny]))
    pool = WorkerPool(1)
    try:
        pool.start(1)
        ((_, result),) = pool.run([runner_host.fold_task("fold", plan, plan.data.folds[0])])
        ((_, heavy),) = pool.run([WorkerTask("afterwards", eval, (HEAVY,))])
        ((_, megabytes),) = pool.run([WorkerTask("at the end", eval, (OWN_MEMORY,))])
    finally:
        pool.stop()
    assert result.key == plan.data.folds[0].key
    assert result.model
    assert heavy == []
    assert not megabytes or megabytes[0] < 80
