"""What is known of a run before it starts, and what is refused then."""

import dataclasses
from pkgutil import resolve_name

import pytest

from mebench.config import resolve
from mebench.errors import ConfigError, PluginError
from mebench.features import FeatureStore
from mebench.features.pipeline import VideoSource
from mebench.runner import make_plan, plan as planned
from mebench.runner.identity import run_key
from mebench.runner.plan import create_weightless
from mebench.sandbox import confinement
from mebench.sandbox.grant import Isolation


@pytest.fixture
def plan(moody):
    return lambda *words: make_plan(resolve(moody(*words)))


def test_make_plan_knows_videos_task_and_folds(plan):
    made = plan()
    assert [v.key for v in made.data.videos] == [f"toy/{s}/v{v}" for s in "123" for v in "12"]
    assert made.data.task.tasks == {"spot", "recognize"}
    assert made.data.task.classes == ("fear", "disgust")
    assert [f.key for f in made.data.folds] == ["toy/1", "toy/2", "toy/3"]


def test_timings_fit_k_prime_without_the_test_subject(plan):
    """The micro-expressions of subject s span 8 + s frames."""
    made = plan()
    found = [made.data.find_timings(fold)["toy"].k_prime["micro"] for fold in made.data.folds]
    assert found == [int((8 + mean + 1) / 2) for mean in (2.5, 2.0, 1.5)]


def test_training_subjects_hold_validation_unless_it_selects(plan):
    made = plan()
    fold = made.data.folds[0]
    assert fold.valid
    assert set(made.data.training_subjects(fold)) == {*fold.train, *fold.valid}
    choosy = dataclasses.replace(made.data, selects=True)
    assert choosy.training_subjects(fold) == fold.train


def test_fold_seed_is_independent_of_other_folds(plan):
    three, four = plan(), plan("dataset.subjects=4")
    seeds = [three.fold_seed(f) for f in three.data.folds]
    assert len(set(seeds)) == 3
    assert seeds == [four.fold_seed(f) for f in four.data.folds[:3]]
    other = plan("seed=1")
    assert seeds != [other.fold_seed(f) for f in other.data.folds]


def test_imports_of_folds_name_what_there_is(plan):
    """What fails to load ahead is loaded by each fold again, without a word."""
    entries = plan().imports
    assert "mebench.features.tvl1:load_compiled_flow()" in entries
    for entry in entries:
        resolve_name(entry.removesuffix("()"))


def test_make_plan_orders_kinds_and_takes_micro_by_default(plan):
    assert plan().data.task.kinds == ("micro",)
    assert plan("kinds=[macro,micro]").data.task.kinds == ("micro", "macro")
    assert plan("kinds=[macro]").data.task.kinds == ("macro",)


def test_left_out_counts_labels_that_are_not_scored(plan):
    assert dict(plan().data.left_out()) == {"others": 2}


@pytest.mark.parametrize(
    ("chains", "message"),
    [
        (lambda self, timing: {}[timing.fps], "KeyError: 30.0"),
        (lambda self, timing: None, "AttributeError: 'NoneType' object has no attribute 'values'"),
    ],
)
def test_chains_name_a_method_that_fails(plan, monkeypatch, chains, message):
    made = plan()
    monkeypatch.setattr(made.methods[0].method_class, "chains", chains)
    with pytest.raises(PluginError, match=f"^method 'moody' does not name its features, in chains\\(\\): {message}$"):
        _ = made.features.chains


def test_make_plan_takes_another_scheme_by_name(plan):
    assert plan("scheme=coarse").data.task.classes == ("negative",)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["scheme=coarce"], "unknown emotion scheme 'coarce'. Did you mean 'coarse'"),
        (["scheme=empty"], "no training clip has a class of the scheme 'empty'"),
        (["kinds=[macro]", "dataset.macro=false"], "dataset 'toy' has no annotated macro-expression"),
        (["dataset.subjects=1"], "at least 2 subjects, and this dataset has 1"),
        (["dataset.subjects=2", "dataset.silent=1"], "fold 'toy/2': no training subject shows a micro-expression"),
    ],
)
def test_make_plan_refuses_impossible_words_in_a_sentence(plan, words, reason):
    with pytest.raises(ConfigError) as error:
        plan(*words)
    assert reason in str(error.value)


def test_make_plan_refuses_method_and_dataset_that_do_not_fit(plan, monkeypatch):
    made = plan()
    monkeypatch.setattr(made.methods[0].method_class, "kinds", ("macro",))
    monkeypatch.setattr(type(made.data.dataset), "kinds", ("micro",))
    with pytest.raises(ConfigError, match="'moody' spots macro-expressions, but dataset 'toy' annotates only micro"):
        plan()
    monkeypatch.setattr(made.methods[0].method_class, "tasks", frozenset({"spot"}))
    monkeypatch.setattr(type(made.data.dataset), "tasks", frozenset({"recognize"}))
    with pytest.raises(ConfigError, match="'moody' can spot, but dataset 'toy' serves only recognize"):
        plan()


def test_make_plan_needs_micro_clips_for_a_recognizer(plan, monkeypatch):
    """Macro-expressions with a scored label train no recognizer."""
    made = plan()
    videos = [dataclasses.replace(v, expressions=v.expressions[1:]) for v in made.data.videos]
    monkeypatch.setattr(type(made.data.dataset), "videos", lambda self: videos)
    with pytest.raises(ConfigError, match="no training clip has a class"):
        plan("method=majority")


def test_chains_of_all_folds_are_distinct(tiny):
    made = make_plan(resolve(["method=mean", *tiny]))
    assert sorted(c.name for c in made.features.chains["synthetic"]) == ["mean_clips", "mean_frames"]


def test_VideoSource_key_is_shared_by_folds_of_one_k(tiny, tmp_path):
    made = make_plan(resolve(["method=mean", *tiny]))
    timings = [made.data.find_timings(fold)["synthetic"] for fold in made.data.folds]
    source = VideoSource(FeatureStore(tmp_path), made.data.dataset, "synthetic", made.data.videos[0])

    def keys(timing):
        chain = create_weightless(made.methods[0]).chains(timing)["mean_frames"]
        return [source.key(stage, chain, None) for stage in ("crops", "flow", "feature")]

    assert len(timings) == 3
    assert len({timing.k for timing in timings}) == 1
    assert all(keys(timing) == keys(timings[0]) for timing in timings)
    faster = dataclasses.replace(timings[0], k=2 * timings[0].k, fps=2 * timings[0].fps)
    other = keys(faster)
    assert [a == b for a, b in zip(keys(timings[0]), other)] == [True, False, False]


def test_chains_of_a_plan_are_found_once(tiny, monkeypatch):
    made = make_plan(resolve(["method=mean", *tiny]))
    first = made.features.chains
    monkeypatch.setattr(made.methods[0].method_class, "chains", lambda *_: pytest.fail("asked again"))
    assert made.features.chains is first


def test_selection_is_test_if_tuned_on_tested_people(plan):
    assert plan().selection == "fixed"
    assert plan("tuned_on=[toy/2]").selection == "test"
    assert plan("tuned_on=[toy/9]").selection == "fixed"


def test_make_plan_refuses_grants_that_seatbelt_does_not_hold(tiny, tmp_path, monkeypatch):
    """On macOS a trial with the files of Python alone may hold, and that with the files of the run may not."""
    asked = tmp_path / "face.dat"
    asked.write_bytes(b"points")

    def find_isolation(grant=None, is_plain=True):
        if grant is None or asked not in grant.read:
            return Isolation("Seatbelt", ())
        return Isolation("", confinement.SANDBOX_PARTS, "a granted file could not be read in it")

    monkeypatch.setattr(planned, "find_isolation", find_isolation)
    words = ["method=logistic", "sandbox=on", *tiny]
    assert make_plan(resolve(words)).grant.seatbelt
    with pytest.raises(
        ConfigError, match=r"and privileges \(Seatbelt: a granted file could not be read in it\): sandbox=auto"
    ):
        make_plan(resolve([*words, f"method.landmarks={asked}"]))


@pytest.mark.parametrize("named_by", ["setting", "environment"])
def test_make_plan_grants_landmark_files_without_another_key(named_by, tiny, tmp_path, monkeypatch):
    """Without published landmarks a fold reads the file, and the content of the file is part of the features."""
    file = tmp_path / "face.dat"
    file.write_bytes(b"points")
    words = ["method=logistic", "sandbox=auto", *tiny]
    key = run_key(make_plan(resolve(words)))
    if named_by == "environment":
        monkeypatch.setenv("MEBENCH_LANDMARKS", str(file))
        made = make_plan(resolve(words))
    else:
        made = make_plan(resolve([*words, f"method.landmarks={file}"]))
    assert made.access.reads == (file,)
    assert made.grant is None or file in made.grant.read
    assert run_key(made) == key
