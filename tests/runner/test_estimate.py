"""A dry run tells what a run would do and how long it would take, and leaves nothing behind."""

from types import SimpleNamespace

import pytest

from mebench.cli.run import sweep
from mebench.config import resolve
from mebench.core import Stage
from mebench.progress import Progress
from mebench.runner import estimate, measure
from mebench.runner.estimate import dry_run
from mebench.runner.execute import run

WORDS = [
    "method=ststnet",
    "dataset=synthetic",
    "dataset.subjects=3",
    "dataset.videos=1",
    "dataset.frames=60",
    "dataset.size=96",
]


def config(tmp_path, *more):
    places = [f"cache={tmp_path / 'cache'}", f"runs={tmp_path / 'runs'}"]
    return resolve([*WORDS, "dataset.short_videos=true", *places, *more])


def test_it_tells_folds_work_and_time_and_stores_nothing(tmp_path, capsys):
    found = dry_run(config(tmp_path, "workers=2", "method.epochs=20"), Progress())

    assert (found["folds"], found["subjects"], found["videos"], found["workers"]) == (3, 3, 3, 2)
    assert found["work"] == {
        "missing_videos": 3,
        "missing_frames": 180,
        "missing_clips": 3,
        "trainings": 3,
        "epochs": {"recognition": 20},
    }
    assert 0 < found["seconds"]["training"] < 60 and 0 < found["seconds"]["features"] < 60
    assert list(tmp_path.iterdir()) == []
    said = capsys.readouterr().out
    for part in (
        "ststnet on synthetic, loso: 3 folds, 3 subjects, 3 videos",
        "synthetic/s002: tests synthetic/s002 (1 video, 1 expression), 2 subjects train",
        "features: 3 of 3 videos to compute (180 frames, 3 clips)",
        "chain onset_apex_flow_28 (clips)",
        "training: 3 trainings, 3 folds x recognition (20 epochs)",
        "estimated time: about",
        "An estimate",
    ):
        assert part in said


def test_features_that_are_there_cost_nothing(tiny, capsys):
    from mebench.features import compute
    from mebench.runner.features import clips_of, store_of
    from mebench.runner.plan import make_plan

    words = resolve(["method=mean", *tiny, "method.epochs_spot=2", "method.epochs_recognition=2"])
    plan = make_plan(words)
    for video in plan.videos:
        compute(store_of(words), plan.dataset, "synthetic", video, plan.chains["synthetic"], clips_of(plan, video))

    found = dry_run(words, Progress())

    assert found["work"]["missing_videos"] == 0 and found["seconds"]["features"] == 0
    assert found["work"]["trainings"] == 6 and found["seconds"]["training"] > 0
    assert "features: all are there" in capsys.readouterr().out


def test_the_time_is_scaled_by_frames_clips_folds_epochs_and_workers(tmp_path, monkeypatch):
    """3 videos of 60 frames at .1 s and one clip each at 2 s; 3 folds of 20 epochs at .5 s and 1 s beside; .25 s a video."""
    monkeypatch.setattr(measure, "features", lambda *_: measure.FeatureCost(0.1, 2.0, {}))
    monkeypatch.setattr(measure, "fold", lambda *_: measure.FoldCost({"recognition": 0.5}, 1.0, 0.25))

    alone = dry_run(config(tmp_path, "workers=1", "method.epochs=20"), Progress())["seconds"]
    assert alone == pytest.approx({"features": 24.0, "training": 33.0, "prediction": 0.75, "total": 57.75})
    three = dry_run(config(tmp_path, "workers=3", "method.epochs=20"), Progress())["seconds"]
    assert three["total"] == pytest.approx(57.75 / 3)
    many = dry_run(config(tmp_path, "workers=50", "method.epochs=20"), Progress())["seconds"]
    assert many["total"] == three["total"]  # there are only three folds and three videos


def test_folds_that_train_on_less_take_less():
    subjects = {"a": 8, "b": 1, "c": 1}
    plan = SimpleNamespace(
        videos=[SimpleNamespace(subject_key=s, expressions=[None] * n) for s, n in subjects.items()],
        folds=[SimpleNamespace(key=s) for s in subjects],
        training_subjects=lambda fold: [s for s in subjects if s != fold.key],
        method_class=lambda *_: SimpleNamespace(stages=lambda: (Stage("one", 10, 4),)),
        params=None,
        task=None,
    )
    cost = measure.FoldCost({"one": 0.9}, 0.0, 0.0)
    assert estimate._fold_seconds(plan, plan.folds, cost, measured=9) == pytest.approx([2.0, 9.0, 9.0])


def test_shortened_videos_are_other_videos_to_the_store(tiny):
    from mebench.runner.plan import make_plan

    plan = make_plan(resolve(["method=ststnet", *tiny]))
    video = plan.videos[0]
    whole = plan.dataset.frames(video)
    short, shorter = (measure.Shortened(plan.dataset, n).frames(video) for n in (20, 10))
    assert (len(short), len(shorter)) == (20, 10)
    assert (short[5] == whole[5]).all()
    assert len({whole.fingerprint(), short.fingerprint(), shorter.fingerprint()}) == 3


def test_groups_of_videos_share_the_time_of_measuring_and_each_costs_its_own(monkeypatch):
    """Two videos of 30 frames at .1 s a frame; one of 100 at .01 s and its two clips at 3 s; those of the third are there."""
    cost = {
        "slow": measure.FeatureCost(0.1, 2.0, {"of": "slow"}),
        "fast": measure.FeatureCost(0.01, 3.0, {"of": "fast"}),
    }
    asked = []

    def feature_cost(part, videos, chains, budget, pool, progress):
        (group,) = {part.groups[v.key] for v in videos}
        asked.append((group, [v.key for v in videos], chains, budget))
        return cost[group]

    monkeypatch.setattr(estimate, "_feature_cost", feature_cost)
    monkeypatch.setattr(estimate, "_ready_rows", lambda part, group, chains: {"there": group})
    monkeypatch.setattr(estimate, "clips_of", lambda part, video: [None] * video.clips)
    a, b, c = (SimpleNamespace(key=k, n_frames=n, clips=m) for k, n, m in (("a", 30, 0), ("b", 30, 0), ("c", 100, 2)))
    groups = {"a": "slow", "b": "slow", "c": "fast", "d": "done"}
    part = SimpleNamespace(groups=groups, chains={"slow": ("one",), "fast": ("two",)})
    rows, seconds = estimate._features(part, [a, b, c], None, Progress())
    assert asked == [
        ("fast", ["c"], ("two",), measure.FEATURE_SECONDS / 3),
        ("slow", ["a", "b"], ("one",), measure.FEATURE_SECONDS / 3),
    ]
    assert rows == {"done": {"there": "done"}, "fast": {"of": "fast"}, "slow": {"of": "slow"}}
    assert seconds == pytest.approx(60 * 0.1 + 100 * 0.01 + 2 * 3.0)


def test_what_another_run_trains_costs_nothing(tmp_path, capsys, untracked):
    """In a sweep, and after a run; one that is there already would be trained anew."""
    words = [word for word in WORDS if not word.startswith("method")]
    places = [f"cache={tmp_path / 'cache'}", f"runs={tmp_path / 'runs'}"]
    own = ["method=linear_spotter", "method.flow=dis", *words, *places, "bootstrap=0", "workers=1"]
    sweep([*own, "method.anchor=paper,middle"], None, None, dry_run=True)
    first, second = capsys.readouterr().out.split("method.anchor=middle")
    told = "training: that of a run which differs in how frame scores become intervals alone"
    assert "training: none" in first and told not in first and told in second
    run(resolve([*own, "method.anchor=paper"]), Progress())
    seconds = {
        anchor: dry_run(resolve([*own, f"method.anchor={anchor}"]), Progress(), quiet=True)["seconds"]
        for anchor in ("paper", "middle")
    }
    assert seconds["paper"]["training"] > 0 == seconds["middle"]["training"] == seconds["middle"]["prediction"]
    run(resolve([*own, "method.anchor=middle"]), Progress())
    capsys.readouterr()
    sweep([*own, "method.anchor=paper,middle"], None, None, dry_run=True)  # of which all are there: it begins anew
    assert told not in capsys.readouterr().out
