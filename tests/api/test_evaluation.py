"""What is yours. Objects: cloned for each fold, blind to what is tested, judged as a plugin is. Videos: spotted in by trained models."""

import sys
import threading
import time
from types import SimpleNamespace

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import Perceptron
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC, LinearSVC

import mebench
from mebench.api import evaluation
from mebench.core import Chain, Expression, Task, all_clips
from mebench.errors import ConfigError, DataError, PluginError, RunError
from mebench.features import BlockMeans, FaceCrop, Flow, Strain
from mebench.inference.model_card import export_model
from mebench.output.progress import Silent
from mebench.testing.folders import write_plugin
from mebench.training import adapter
from tests.helpers.own_objects import Spotter, chain
from tests.helpers.own_videos import moving, write

pytestmark = pytest.mark.usefixtures("untracked", "write_plugin")


class Nearest:
    """Learns where it is fitted, counts how often that was, and answers with class numbers."""

    fits = 0

    def fit(self, train, task):
        self.fits += 1
        self.classes = task.classes
        self.seen = {clip.video.subject for clip in all_clips(train)}

    def classify(self, clips):
        assert self.fits == 1, "another fold's copy"
        assert not {clip.video.subject for clip in clips} & self.seen
        assert not hasattr(clips[0], "label")
        return [len(self.classes) - 1] * len(clips)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Nobody's own models."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def test_evaluation_of_an_object_equals_its_plugin(judged, tiny, tmp_path):
    plugins = tmp_path / "plugins"
    write_plugin("method", "twin", plugins)
    theirs = mebench.run(
        *tiny, method="twin", workers=1, bootstrap=0, plugins=plugins, progress=Silent(), kinds=["micro"]
    )
    mine = judged(Spotter(), features=chain)
    assert {**mine.summary, "run_id": 0, "seconds": 0} == {**theirs.summary, "run_id": 0, "seconds": 0}
    assert mine.id.startswith("own_spotter_")
    assert mine.title.startswith("own_spotter_")
    assert len(mine.frame_scores) == 3 * 60


def test_evaluation_gives_features_by_keys_of_a_map(judged):
    class Keyed(Spotter):
        def score_frames(self, video):
            return np.pad(video.features("mine")[:, 0, 0, 2], (0, 3), constant_values=np.nan)

    run = judged(
        Keyed(), features={"mine": Chain("strain", (FaceCrop(), Flow("farneback", k=3), Strain(), BlockMeans(4, 4)))}
    )
    assert (run.frame_scores.groupby("video")["score"].count() == 57).all()


def test_evaluation_copies_the_object_for_each_fold(judged):
    given = Nearest()
    found = judged(given)
    assert given.fits == 0
    assert len(found.clips) == 3
    assert set(found.clips["predicted"]) == {found.folder.read_json("folds.json")["classes"][-1]}


def test_evaluation_fails_for_objects_that_ask_for_labels(judged):
    class Cheat(Spotter):
        def score_frames(self, video):
            return np.full(video.n_frames, float(video.expressions[0].onset))

    with pytest.raises(RunError, match="'VideoView' object has no attribute 'expressions'"):
        judged(Cheat(), features=chain)


def test_evaluation_takes_estimators_for_emotions_and_spotting(judged):
    named = judged(LinearSVC())
    assert named.config["method"].startswith("own_linear_svc_")
    assert len(named.clips) == 3
    assert np.isfinite(np.stack(named.clips["probabilities"].tolist())).all()
    spotted = judged(DummyRegressor(), features=chain)
    scores = spotted.frame_scores.groupby("video")["score"]
    assert (scores.nunique() == 1).all()
    assert (scores.apply(lambda own: own.isna().sum()) == 3).all()


def test_evaluation_refuses_a_regressor_of_clips(judged):
    with pytest.raises(ConfigError, match="DummyRegressor predicts numbers, and clips have classes: give a classifier"):
        judged(DummyRegressor())


def test_evaluation_is_settled_by_the_seed(judged):
    first, again, other = (judged(DummyClassifier(strategy="uniform"), seed=seed) for seed in (0, 0, 1))
    answers = [run.clips["probabilities"].tolist() for run in (first, again, other)]
    assert np.array_equal(answers[0], answers[1])
    assert first.id.split("-")[0] == other.id.split("-")[0]
    assert again.id == f"{first.id}.2"  # of a finished one a new run begins, as of any method


def test_evaluation_stores_one_object_in_several_folders(judged, tmp_path):
    """It lies in both, as one plugin; one of its name that is another would be a clash."""
    first, second = (judged(DummyClassifier(), runs=tmp_path / name) for name in ("one", "two"))
    assert first.id == second.id
    assert first.path.parent.name == "one"
    assert second.path.parent.name == "two"
    (next((tmp_path / "one" / ".objects").rglob("object"))).write_bytes(b"another")
    with pytest.raises(PluginError, match="several methods have this name"):
        judged(DummyClassifier(), runs=tmp_path / "two")


def test_evaluation_stores_the_object_beside_its_run(judged, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mebench.yaml").write_text("runs: mine")
    (tmp_path / "other.yaml").write_text("runs: others")
    for model, given, place in (
        (Nearest(), {}, "mine"),
        (DummyClassifier(), {"config": "other.yaml"}, "others"),
    ):
        run = judged(model, **given)
        assert run.path.parent == tmp_path / place
        assert (tmp_path / place / ".objects" / "methods" / run.config["method"] / "object").is_file()
    assert not (tmp_path / "runs").exists()


def test_evaluation_says_where_an_object_cannot_be_stored(judged, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"Nearest cannot be stored in .*choose another place with runs=DIR"):
        judged(Nearest(), runs=tmp_path / "file")


@pytest.mark.parametrize(
    ("fitted", "expected"),
    [
        (
            DummyClassifier(strategy="prior"),
            [[0.0, 0.75, 0.0, 0.25]],
        ),  # probabilities; classes that nobody showed have none
        (Perceptron(max_iter=5), None),  # a decision function, (n,)
    ],
)
def test_Estimator_scores_unseen_classes_below_all_others(fitted, expected):
    rows, labels = np.array([[0.0], [0.1], [0.2], [1.0]]), np.array([1, 1, 1, 3])
    found = adapter.scores_of_classes(fitted.fit(rows, labels), rows, np.array([1, 3]), 4)
    assert found.shape == (4, 4)
    assert np.isfinite(found).all()
    assert (found[:, [0, 2]].max(axis=1) <= found[:, [1, 3]].min(axis=1)).all()
    if expected:
        np.testing.assert_allclose(found[:1], expected)


@pytest.mark.parametrize("classes", [3, 4])
@pytest.mark.parametrize(
    "given", [SVC(decision_function_shape="ovo"), GridSearchCV(SVC(decision_function_shape="ovo"), {"C": [1.0]}), SVC()]
)
def test_Estimator_highest_score_is_its_prediction(given, classes):
    """Also of one that decides between pairs of classes, of which three classes have three, and four have six."""
    labels = np.repeat(np.arange(classes), 9)
    rows = np.random.default_rng(0).normal(size=(len(labels), 2)) + labels[:, None] * [3.0, -2.0]
    fitted = given.fit(rows, labels)
    found = adapter.scores_of_classes(fitted, rows, np.arange(classes), classes)
    np.testing.assert_array_equal(found.argmax(axis=1), fitted.predict(rows))


class Share:
    """Learns the share of 1 among the labels; it is no estimator that scikit-learn could clone."""

    def fit(self, rows, labels):
        self.share = labels.mean()

    def predict(self, rows):
        return np.full(len(rows), self.share)


def test_Estimator_copies_what_cannot_be_cloned_for_each_kind(monkeypatch):
    rows = np.zeros((10, 1))
    video = SimpleNamespace(expressions=[Expression(0, 0), Expression(0, 4, "macro")])
    monkeypatch.setattr(adapter.Estimator, "rows_of_frames", lambda self, video: rows)
    estimator = adapter.Estimator(Share(), (), 0)
    estimator.fit([video], Task(frozenset({"spot"}), ("micro", "macro"), ()))
    assert [learnt(rows)[0, -1] for learnt in estimator.of_frames] == [0.1, 0.5]


@pytest.mark.parametrize(
    ("answer", "stray"), [(["joy", "fear"], "joy"), ([0, 3], "3"), ([-1, 0], "-1"), ([1.5, 1], "1.5")]
)
def test_Own_classify_refuses_numbers_of_no_class(answer, stray):
    own = object.__new__(adapter.Own)
    own.given = type("Given", (), {"classify": lambda self, clips: answer})()
    own.task = Task(frozenset(), (), tuple("abc"))
    with pytest.raises(
        PluginError, match=rf"classify answered {stray}, .*answer 0 to 2, in the order of task.classes \(a, b, c\)"
    ):
        own.classify([None, None])


@pytest.mark.parametrize(
    ("fit", "second"),
    [
        (lambda train: None, False),
        (lambda train, task: None, True),
        (lambda train, known: None, True),
        (lambda train, task=None: None, True),
        (lambda train, epochs=5: None, False),
        (lambda train, *, verbose=False: None, False),
        (lambda *all: None, False),
    ],
)
def test_Own_gives_the_task_only_if_fit_asks_for_it(fit, second):
    assert adapter.takes_task(fit) is second


def test_Estimator_of_one_class_learns_nothing():
    estimator = adapter.Estimator(LinearSVC(), (), 0)
    estimator.task = Task(frozenset({"recognize"}), (), ("a", "b", "c"))
    learnt = estimator.learn_scores(np.zeros((3, 2)), np.array([1, 1, 1]))
    np.testing.assert_array_equal(learnt(np.zeros((2, 2))), [[0, 1, 0]] * 2)


class Locked(Spotter):
    def __init__(self):
        self.lock = threading.Lock()


def test_evaluation_goes_on_without_the_file_of_an_object(judged, tmp_path, monkeypatch):
    """Its code travels with it."""
    (tmp_path / "elsewhere.py").write_text(
        "from tests.helpers.own_objects import Spotter\n\nclass Mine(Spotter):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import elsewhere

    run = judged(elsewhere.Mine(), features=chain)
    (tmp_path / "elsewhere.py").unlink()
    monkeypatch.delitem(sys.modules, "elsewhere")
    video = write(tmp_path / "a.avi", moving(3, 220, (60, 20)), 45, codec="mjpeg")
    assert len(mebench.spot(video, run, workers=1, progress=Silent()).frame_scores) == 45


def test_evaluation_pickles_objects_in_threads(tmp_path, monkeypatch):
    """With the code of their file, each; what somebody else had registered stays so."""
    (tmp_path / "slowly.py").write_text(
        "import time\n\n\nclass Mine:\n    def __reduce__(self):\n        time.sleep(0.2)\n        return Mine, ()\n\n"
        "    def classify(self, clips):\n        return [0] * len(clips)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import slowly

    names, threads = [], []
    for number in range(2):
        keep = lambda place: names.append(evaluation.store_object(slowly.Mine(), None, place))  # noqa: E731
        threads.append(threading.Thread(target=keep, args=(tmp_path / str(number),)))
        threads[-1].start()
        time.sleep(0.1)
    for thread in threads:
        thread.join()
    assert len(names) == 2
    assert "slowly" not in cloudpickle.list_registry_pickle_by_value()
    for number in range(2):
        assert b"classify" in (tmp_path / str(number) / "methods" / names[0] / "object").read_bytes()
    cloudpickle.register_pickle_by_value(slowly)
    evaluation.store_object(slowly.Mine(), None, tmp_path)
    assert "slowly" in cloudpickle.list_registry_pickle_by_value()
    cloudpickle.unregister_pickle_by_value(slowly)


def test_spot_of_own_videos_gives_data_frames(judged, tmp_path, home):
    run = judged(Spotter(), features=chain)
    videos = [write(tmp_path / f"{name}.avi", moving(3, 220, (60, 20)), 45, codec="mjpeg") for name in ("a", "<b>")]
    found = mebench.spot(videos, run, workers=1, progress=Silent())
    assert found.frame_scores.groupby("video")["frame"].max().tolist() == [44, 44]
    assert len(found.predictions) > 1
    with_intervals = [one["video"] for one in found.summary["videos"] if one["intervals"]]
    assert list(found.predictions["video"].unique()) == with_intervals
    assert found.plot_timeline("a")._repr_png_().startswith(b"\x89PNG")
    assert len(found.plot_timeline("b").axes[0].lines) > 1
    with pytest.raises(DataError, match="unknown video 'c'"):
        found.plot_timeline("c")
    shown = found._repr_html_()
    assert "<td>&lt;b&gt;</td>" in shown
    assert "does not say what a person feels" in shown
    assert {path.name for path in found.write(tmp_path / "out")} >= {"intervals.csv", "report.html", "a.eaf"}


def test_spot_takes_a_model_by_file_and_name(judged, tmp_path, home):
    run = mebench.run("method=linear_spotter", "dataset=synthetic", *judged.words, progress=Silent())
    file = tmp_path / "mine.safetensors"
    export_model(run.folder, run.folds.index[0], file, "mine", "<i>Made</i> for a test.")
    with pytest.raises(RunError, match="unknown model 'mine'"):
        mebench.load_model("mine")
    assert mebench.load_model("linear_spotter").name == "linear_spotter"
    model = mebench.load_model(file)
    assert model.name == "mine"
    assert model.about["method"]["name"] == "linear_spotter"
    assert "for a test" in model.card
    assert "&lt;i&gt;Made" in model._repr_html_()
    assert "<i>" not in model._repr_html_()
    assert len(str(model).splitlines()) == 4
    assert str(model).endswith("or mebench model info mine")
    assert repr(model) == f"<TrainedModel mine: {file}>"
    video = write(tmp_path / "a.avi", moving(3, 220, (60, 20)), 45, codec="mjpeg")
    of_model = model.spot(video, workers=1, progress=Silent())
    of_fold = mebench.spot(video, run, fold=run.folds.index[0], workers=1, progress=Silent())
    pd.testing.assert_frame_equal(of_model.frame_scores, of_fold.frame_scores)
    for wrong, sentence in (({"fold": "a"}, "only runs have folds"), ({"faces": "one"}, "unknown faces 'one'")):
        with pytest.raises(ConfigError, match=sentence):
            mebench.spot(video, model, **wrong)


@pytest.mark.parametrize(
    ("model", "features", "sentence"),
    [
        (LinearSVC(), ["strain"], "features are chains of mebench.core (Chain), not str"),
        (LinearSVC(), lambda timing: [chain(timing)] * 2, "two chains named 'strain'"),
        (type("Own", (Spotter,), {"chains": chain})(), chain, "Own names its chains itself"),
        (object(), None, "object can neither spot nor recognize: give it score_frames(video) or classify(clips)"),
        (Locked(), None, "Locked cannot be pickled (TypeError: cannot pickle '_thread.lock' object)"),
    ],
)
def test_evaluation_refuses_other_objects(judged, model, features, sentence):
    with pytest.raises(ConfigError) as error:
        judged(model, features=features)
    assert sentence in str(error.value)
