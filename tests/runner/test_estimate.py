"""A dry run tells what a run would do and how long it would take, and leaves nothing behind."""

import json
import subprocess
import sys

import pytest

from mebench.cli.run import run_command
from mebench.config import resolve
from mebench.features.pipeline import video_source
from mebench.output.progress import Progress
from mebench.runner import estimate, make_plan, prepare
from mebench.runner.execute import execute_run
from tests.helpers.nightly import NIGHTLY
from tests.runner.conftest import moody  # noqa: F401  (a fixture)

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


def test_dry_run_reports_folds_and_work_and_makes_no_run(tmp_path, capsys):
    found = estimate.dry_run(config(tmp_path, "workers=2", "method.epochs=20"))

    assert (found["folds"], found["subjects"], found["videos"], found["workers"]) == (3, 3, 3, 2)
    assert found["work"] == {
        "missing_videos": 3,
        "missing_frames": 180,
        "missing_clips": 3,
        "trainings": 3,
        "epochs": {"recognition": 20},
    }
    assert found["seconds"] == dict.fromkeys(("features", "training", "prediction", "total"))
    assert found["seconds_from"] is None
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")][:2] == ["cache", "cache/plans"]
    printed = capsys.readouterr().out
    for part in (
        "ststnet on synthetic, loso: 3 folds, 3 subjects, 3 videos",
        "synthetic/s002: tests synthetic/s002 (1 video, 1 expression), 2 subjects train",
        "features: 3 of 3 videos to compute (180 frames, 3 clips)",
        "chain onset_apex_flow_28 (clips)",
        "training: 3 trainings, 3 folds x recognition (20 epochs)",
        "estimated time: unknown",
        "a run estimates it after its first fold",
    ):
        assert part in printed
    assert estimate.dry_run(config(tmp_path, "workers=2", "method.epochs=20")) == found
    assert capsys.readouterr().out == printed


def test_dry_run_counts_stored_features_as_free(tiny, capsys):
    words = resolve(["method=mean", "method.flow=dis", *tiny, "method.epochs_spot=2", "method.epochs_recognition=2"])
    plan = make_plan(words)
    for video in plan.data.videos:
        video_source(plan.features.store, plan.data.dataset, "synthetic", video, again=True).compute(
            plan.features.chains["synthetic"], prepare.clips_of(plan.data, video)
        )
    for _ in range(2):
        found = estimate.dry_run(words)
        assert found["work"]["missing_videos"] == 0
        assert found["seconds"]["features"] == 0
        assert found["work"]["trainings"] == 6
        assert "features: all are stored" in capsys.readouterr().out


LIGHT = """
import sys
from mebench.config import resolve
from mebench.runner.estimate import dry_run
dry_run(resolve(sys.argv[1:]), quiet=True)
print(*(name for name in ("torch", "lightning", "pandas", "pyarrow") if type(sys.modules.get(name)).__name__ == "module"))
"""


def test_dry_run_asks_a_method_once_and_loads_no_torch(tmp_path):
    own = ["method=mean", *WORDS[1:], f"cache={tmp_path / 'cache'}", f"runs={tmp_path / 'runs'}"]

    def loaded(*words):
        words = [sys.executable, "-c", LIGHT, *own, *words]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()

    estimate.dry_run(resolve(own), quiet=True)
    assert loaded() == []
    if NIGHTLY:  # what shows that the above can fail
        assert "torch" in loaded("method.regions=whole_face"), "its chains are others"


def test_dry_run_keeps_abilities_while_code_is_unchanged(moody, tmp_path):  # noqa: F811
    words = moody(f"cache={tmp_path / 'cache'}")
    assert estimate.dry_run(resolve(words), quiet=True)["work"]["epochs"] == {}
    (file,) = (tmp_path / "cache" / "plans").iterdir()
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, "epochs": {"another": 3}}))
    assert estimate.dry_run(resolve(words), quiet=True)["work"]["epochs"] == {"another": 3}, "it is remembered"
    for text in (
        json.dumps({**content, "epochs": {"another": 3}, "truth": "0"}),
        "{",
        "[]",
        json.dumps({**content, "methods": []}),
    ):
        file.write_text(text)
        assert estimate.dry_run(resolve(words), quiet=True)["work"]["epochs"] == {}

    file.write_text(json.dumps({**content, "epochs": {"another": 3}}))
    method = tmp_path / "mine" / "methods" / "moody" / "method.py"
    method.write_text(method.read_text() + "\n# a comment\n")
    assert estimate.dry_run(resolve(words), quiet=True)["work"]["epochs"] == {"another": 3}

    params = tmp_path / "mine" / "methods" / "moody" / "config.yaml"
    params.write_text(params.read_text() + "\nchance: true\n")
    assert estimate.dry_run(resolve(words), quiet=True)["work"]["epochs"] == {}


def finished(folder, config, features, fit, predict):
    """A finished run of that configuration as far as an estimate looks."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"config": config.values}))
    (folder / "features.json").write_text(json.dumps({"videos": features}))
    lines = [
        f"synthetic/s00{n},{fit_seconds},{predict_seconds}"
        for n, (fit_seconds, predict_seconds) in enumerate(zip(fit, predict), 1)
    ]
    (folder / "costs.csv").write_text("\n".join(["fold,fit_seconds,predict_seconds", *lines]) + "\n")
    (folder / "DONE").touch()


def test_dry_run_estimates_time_from_the_most_similar_run(tmp_path, capsys):
    """3 videos, of which one was in the store then; 3 folds, of which the run had two."""
    videos = [video.key for video in make_plan(config(tmp_path)).data.videos]
    took = dict(zip(videos, (2.0, 4.0, 0.0)))
    finished(tmp_path / "runs" / "one", config(tmp_path, "method.epochs=20", "seed=3"), took, (10.0, 20.0), (1.0, 3.0))
    finished(tmp_path / "runs" / "other", config(tmp_path, "method.epochs=7"), took, (70.0,), (7.0,))
    finished(tmp_path / "runs" / "broken", config(tmp_path, "method.epochs=20"), took, ("many",), (7.0,))

    alone = estimate.dry_run(config(tmp_path, "workers=1", "method.epochs=20"))
    assert alone["seconds_from"] == "one"
    assert alone["seconds"] == pytest.approx({"features": 9.0, "training": 45.0, "prediction": 6.0, "total": 60.0})
    printed = capsys.readouterr().out
    assert "estimated time: about 1 min with 1 worker, from the costs of run one\n" in printed
    assert "  of one core: features 9 s, training 45 s, prediction 6 s" in printed
    three = estimate.dry_run(config(tmp_path, "workers=3", "method.epochs=20"))["seconds"]
    assert three["total"] == pytest.approx(9 / 3 + 23)  # the longest fold
    many = estimate.dry_run(config(tmp_path, "workers=50", "method.epochs=20"))["seconds"]
    assert many["total"] == three["total"]  # there are only three folds and three videos
    assert estimate.earlier_run(config(tmp_path, "method.epochs=8", "method.lr=0.5")).other == (
        "method.epochs",
        "method.lr",
    )
    estimate.dry_run(config(tmp_path, "method.epochs=8", "method.lr=0.5"))
    assert ", which had other settings: method.epochs, method.lr\n" in capsys.readouterr().out
    assert estimate.earlier_run(resolve(["method=mean", "dataset=synthetic", f"runs={tmp_path / 'runs'}"])) is None


def test_dry_run_takes_no_time_from_stored_features(tmp_path, capsys):
    videos = [video.key for video in make_plan(config(tmp_path)).data.videos]
    finished(tmp_path / "runs" / "one", config(tmp_path), dict.fromkeys(videos, 0.0), (10.0, 20.0), (1.0, 3.0))
    found = estimate.dry_run(config(tmp_path))["seconds"]
    assert (found["features"], found["total"]) == (None, None)
    assert found["training"] == 45.0
    assert "estimated time: unknown, from the costs of run one" in capsys.readouterr().out


def test_dry_run_counts_what_another_run_trains_as_free(tmp_path, capsys, untracked):
    """In a sweep, and after a run; one that is there already would be trained anew."""
    words = [word for word in WORDS if not word.startswith("method")]
    places = [f"cache={tmp_path / 'cache'}", f"runs={tmp_path / 'runs'}"]
    own = ["method=linear_spotter", "method.flow=dis", *words, *places, "bootstrap=0", "workers=1"]
    run_command([*own, "method.anchor=paper,middle"], multirun=True, dry_run=True)
    first, second = capsys.readouterr().out.split("method.anchor=middle")

    shared = "training: shared with a run that differs only in the way from frame scores to intervals"
    assert "training: none" in first
    assert shared not in first
    assert shared in second

    execute_run(resolve([*own, "method.anchor=paper"]), Progress())
    seconds = {
        anchor: estimate.dry_run(resolve([*own, f"method.anchor={anchor}"]), quiet=True)["seconds"]
        for anchor in ("paper", "middle")
    }
    assert seconds["paper"]["training"] > 0 == seconds["middle"]["training"] == seconds["middle"]["prediction"]

    execute_run(resolve([*own, "method.anchor=middle"]), Progress())
    capsys.readouterr()
    run_command(
        [*own, "method.anchor=paper,middle"], multirun=True, dry_run=True
    )  # of which all are there: it begins anew
    assert shared not in capsys.readouterr().out
