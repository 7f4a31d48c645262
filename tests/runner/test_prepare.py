"""Features of many videos: in which order they are computed, what is reported on the way, and how light their workers are."""

from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from mebench.config import resolve
from mebench.core import Video
from mebench.errors import DataError
from mebench.features import flow, tvl1
from mebench.features.pipeline import ComputeCost
from mebench.output.progress import Progress
from mebench.runner import make_plan, prepare as module, workers
from mebench.runner.progress_board import row_of_board
from mebench.runner.workers import WorkerPool, WorkerTask
from mebench.testing import TINY


class OneWorker:
    """One worker: at each video it is looked at once, half-way. The video `d` shows no face."""

    def run(self, tasks, tick):
        self.order = [task.arguments[1].key for task in tasks]
        for task in tasks:
            (wanted,), video, board, place = task.arguments
            n = wanted.n_frames
            row = row_of_board(board, place)
            row[:2] = (n or 0) / 2, 0.5
            tick()
            no_face = workers.Failure("no face", "", DataError("no face"))
            yield task, no_face if video.id == "d" else [ComputeCost(0.25, n or 0)]


@pytest.fixture
def progress():
    """A progress, and what is reported to it: videos and frames that are done, share of the work."""
    reported = []
    totals = []

    @contextmanager
    def frames(name, videos, begins, of_frames):
        totals.append(of_frames)
        yield lambda *now: reported.append(now)

    return SimpleNamespace(frames=frames, reported=reported, totals=totals)


def prepared(monkeypatch, progress, lengths):
    jobs = []
    for name, n in lengths.items():
        video = Video("x", "1", name, 30.0, n, ())
        wanted = [SimpleNamespace(chains=(), n_frames=n, reader=0)]
        jobs.append(SimpleNamespace(shared=("x", name), video=video, wanted=wanted, plugins=(), brought=(), imports=()))
    monkeypatch.setattr(module, "video_jobs", lambda plans: jobs)
    pool = OneWorker()
    found = module.prepare_features([], pool, progress)
    return found, "".join(key.rpartition("/")[2] for key in pool.order)


def test_prepare_takes_longest_video_first(monkeypatch, progress):
    found, order = prepared(monkeypatch, progress, {"b": 30, "c": 50, "a": 30, "d": 90})
    assert order in ("dcab", "dcba")  # those of one length as they are drawn
    assert found.frames == 50 + 30 + 30
    assert found.seconds == {("x", name): {0: 0.25} for name in "abc"}
    assert found.failures.keys() == {("x", "d")}
    expected = [
        *((0, 45, 45 / 200), (1, 0, 90 / 200)),  # d, which gives no frames
        *((1, 25, 115 / 200), (2, 50, 140 / 200)),
        *((2, 65, 155 / 200), (3, 80, 170 / 200)),
        *((3, 95, 185 / 200), (4, 50 + 30 + 30, 200 / 200)),
    ]
    np.testing.assert_allclose(progress.reported, expected)
    assert progress.totals == [200]


def test_prepare_counts_videos_of_unknown_length_alike(monkeypatch, progress):
    _, order = prepared(monkeypatch, progress, {"a": None, "b": 90})
    assert order == "ba"
    assert [share for _, _, share in progress.reported] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert progress.totals == [0], "the number of all frames is not known"


@pytest.mark.parametrize("keep", ["none", "flow"])
def test_prepare_shares_a_flow_among_methods(tmp_path, monkeypatch, keep):
    computed = []

    def still(frame):
        return np.zeros((*frame.shape, 2), np.float32)

    monkeypatch.setattr(flow, "make_calculator", lambda _: lambda a, b: computed.append(b) or still(a))
    words = (*TINY, "dataset.subjects=2", "dataset.frames=40", "method.flow=dis", f"keep={keep}")

    def plan(method, cache):
        return make_plan(resolve([f"method={method}", *words, f"cache={tmp_path / cache}"]))

    def flows_of(*plans):
        computed.clear()
        for job in module.video_jobs([plan.feature_needs for plan in plans]):
            module.feature_task(tuple(job.wanted), job.video, None, 0)
        assert not any(module.missing_videos(plan.features) for plan in plans)
        return len(computed)

    alone = flows_of(plan("optical_strain", "alone"))
    strain, spotter = plan("optical_strain", "both"), plan("linear_spotter", "both")
    assert flows_of(strain, spotter) == alone > 0
    assert flows_of(strain) == flows_of(spotter) == 0
    assert flows_of(plan("linear_spotter", "alone")) == (alone if keep == "none" else 0)
    for cache in ("alone", "both"):
        assert len([*tmp_path.glob(f"{cache}/flow/*/*.npy")]) == (0 if keep == "none" else len(strain.data.videos))


class OneAfterAnother:
    """A worker in this process, which counts the files of cut faces before the first video."""

    def __init__(self, crops):
        self.crops = crops
        self.cut_before = None

    def run(self, tasks, tick):
        for task in tasks:
            if task.function is module.feature_task and self.cut_before is None:
                self.cut_before = len([*self.crops.glob("*/*.npy")])
            yield task, task.function(*task.arguments)


def test_prepare_cuts_faces_while_the_flow_is_compiled(tmp_path, monkeypatch):
    def prepare(cache):
        words = [*TINY, "method=optical_strain", "dataset.subjects=2", "dataset.frames=40", f"cache={cache}"]
        needs = make_plan(resolve(words)).feature_needs
        worker = OneAfterAnother(cache / "crops")
        done = module.prepare_features([needs], worker, Progress())
        features = {file.name: file.read_bytes() for file in cache.glob("feature/*/*.npy")}
        assert len(done.seconds) == len(features) == len(needs.features.data.videos)
        return worker.cut_before, features

    n_compiled, features = prepare(tmp_path / "compiled")
    monkeypatch.setattr(tvl1, "is_flow_compiled", lambda: False)
    n_uncompiled, same_features = prepare(tmp_path / "uncompiled")
    assert (n_compiled, n_uncompiled) == (0, len(features))
    assert same_features == features


@pytest.mark.parametrize(("flow", "own"), [("tvl1", True), ("dis", False)])
@pytest.mark.parametrize("method", ["optical_strain", "mdmo"])  # a step of mebench, and one of a plugin
def test_video_jobs_import_tvl1_only_where_computed(tmp_path, method, flow, own):
    plan = make_plan(resolve([f"method={method}", *TINY, f"method.flow={flow}", f"cache={tmp_path}"]))
    assert {module.FLOW in job.imports for job in module.video_jobs([plan.feature_needs])} == {own}


def test_video_jobs_keep_degradations_apart(tmp_path):
    """Two runs that degrade one video differently need features of each."""
    words = ["method=optical_strain", *TINY, "dataset.subjects=2", f"cache={tmp_path}"]
    needs = [make_plan(resolve([*words, f"degrade={how}"])).feature_needs for how in ("blur:1", "blur:3")]
    jobs = module.video_jobs(needs)
    n_videos = len(needs[0].features.data.videos)
    assert len(jobs) == 2 * n_videos
    assert [len(job.wanted) for job in jobs] == [1] * len(jobs)


def test_prepare_counts_seconds_for_runs_that_read_features(tmp_path, monkeypatch):
    """In a sweep, the method that reads no feature comes first; the second and third read the same, the last one more."""
    words = [*TINY, "dataset.subjects=2", "dataset.frames=40", f"cache={tmp_path}"]
    methods = [["random"], ["optical_strain"], ["optical_strain", "seed=1"], ["mean", "method.flow=dis"]]
    needs = [make_plan(resolve([f"method={name}", *more, *words])).feature_needs for name, *more in methods]
    monkeypatch.setattr(
        tvl1, "is_flow_compiled", lambda: False
    )  # the faces are cut ahead, for the first that reads them
    prepared = module.prepare_features(needs, OneAfterAnother(tmp_path / "crops"), Progress())
    assert len(prepared.seconds) == len(needs[0].features.data.videos)
    assert {tuple(of_video) for of_video in prepared.seconds.values()} == {(1, 3)}
    assert all(seconds > 0 for of_video in prepared.seconds.values() for seconds in of_video.values())


HEAVY = "[name for name in ('torch', 'lightning', 'torchmetrics', 'pandas') if name in __import__('sys').modules]"
OWN_MEMORY = "[int(line.split()[1]) / 1024 for line in open('/proc/self/status') if line.startswith('RssAnon')]"
"""MiB, on Linux, without the files of libraries: of these the system maps as much around each page as it has read already."""


@pytest.mark.processes
def test_prepare_loads_no_torch_in_small_workers(tmp_path):
    words = ["method=mean", "method.flow=dis", *TINY, "dataset.subjects=2", "dataset.frames=40"]
    plan = make_plan(resolve([*words, f"cache={tmp_path}"]))
    pool = WorkerPool(1)
    try:
        pool.start(1)
        ((_, megabytes),) = pool.run([WorkerTask("at the start", eval, (OWN_MEMORY,))])
        prepared = module.prepare_features([plan.feature_needs], pool, Progress())
        ((_, heavy),) = pool.run([WorkerTask("afterwards", eval, (HEAVY,))])
    finally:
        pool.stop()
    assert (len(prepared.seconds), prepared.failures) == (len(plan.data.videos), {})
    assert module.missing_videos(plan.features) == []
    assert heavy == []
    assert not megabytes or megabytes[0] < 80


def test_prepare_refuses_an_unwritable_store_first(progress, tmp_path):
    (tmp_path / "file").touch()
    plan = make_plan(resolve(["method=optical_strain", *TINY, f"cache={tmp_path / 'file' / 'store'}"]))
    with pytest.raises(DataError, match=r"cannot write to the feature store .*cache=DIR"):
        module.prepare_features([plan.feature_needs], None, progress)
