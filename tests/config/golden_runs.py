"""Thirty varied runs, and what mebench makes of each before it computes anything.

`python -m tests.config.golden_runs` writes `golden_runs.json` again, after a method, dataset or protocol has changed on
purpose. A change of `mebench/config/` alone must leave the file as it is.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mebench.config import resolve, shaping_settings
from mebench.runner.estimate import dry_run
from mebench.runner.identity import identity_of, run_name, training_key
from mebench.runner.inputs import short_hash, with_absolute_places
from mebench.runner.plan import make_plan

FILE = Path(__file__).with_name("golden_runs.json")
HERE = "<here>"
TINY = ("dataset=synthetic", "dataset.preset=tiny")
OF_THIS_MACHINE = ("code of ", "package ", "processor")
"""Beginnings of the parts of a run's identity that another checkout or machine has otherwise."""

FILES = {
    "mine.yaml": "bootstrap: 200\nroots: {casme2: frames/casme2, samm: /data/samm}\nmethod: {name: mean, p: 0.4}\n",
    "tuned.yaml": "method:\n  name: mean\n  epochs_spot: 4\n  nms: 0.3\ntuned_on: [synthetic/s01, synthetic/s02]\n",
    "places.yaml": "workers: 3\ncache: ~/store\nruns: elsewhere\ntracking.folds: false\nkeep: flow\n",
}
"""Files of settings, by name, in the folder in which every run is resolved."""


@dataclass(frozen=True)
class GoldenRun:
    """A run as a user names it.

    Attributes:
        settings: `key=value` words, or Python's values.
        files: names of files for `-c`.
        user_file: name of the user's file, if there is one.
        planned: whether the run is planned, too; otherwise its data are not here.
        drawn_alike: whether all processors draw its annotations alike; the exponential of NumPy differs in the last digit.
    """

    settings: tuple[str, ...] | Mapping[str, Any]
    files: tuple[str, ...] = ()
    user_file: str = ""
    planned: bool = True
    drawn_alike: bool = True


def _tiny(*words: str, **more: Any) -> GoldenRun:
    return GoldenRun((*words, *TINY), **more)


def _elsewhere(*words: str, **more: Any) -> GoldenRun:
    return GoldenRun(words, planned=False, **more)


CALLBACKS = "trainer.callbacks=[{class_path: EarlyStopping, init_args: {monitor: val_loss}}, LearningRateMonitor]"
MEMBERS = "dataset=[slow:synthetic,fast:synthetic]"
RUNS: Mapping[str, GoldenRun] = {
    "network": _tiny("method=ststnet", "method.epochs=3"),
    "spotter": _tiny("method=optical_strain", "protocol=kfold", "protocol.folds=2", "kinds=[micro]"),
    "spotter and namer": _tiny("method=mean", "method.p=0.6", "seed=7"),
    "preset of the user": _tiny("method=mean", "method.preset=released_code", "method.lr=1e-3"),
    "preset taken away": _tiny("method=mean", "method.preset=null"),
    "preset of the recognizer": _tiny(
        "method=optical_strain", "recognizer=bi_woof", "recognizer.preset=released_code", "recognizer.c=2"
    ),
    "pair of networks": _tiny("method=softnet", "recognizer=ststnet", "recognizer.epochs=2", "recognizer.lr=0.001"),
    "renamed members": GoldenRun(
        ("method=ststnet", MEMBERS, "dataset.fast.preset=fps200", "dataset.subjects=3", "protocol=loso"),
        drawn_alike=False,
    ),
    "member with its own settings": GoldenRun(
        ("method=mean", MEMBERS, "dataset.slow.preset=tiny", "dataset.fast.preset=tiny", "dataset.fast.seed=9")
    ),
    "composite elsewhere": _elsewhere(
        "method=ststnet", "dataset=[casme2,samm,smic_hs]", "protocol=megc2019_cde", user_file="mine.yaml"
    ),
    "root of the user's file": _elsewhere("method=htnet", "dataset=casme2", "scheme=megc2019", user_file="mine.yaml"),
    "method of the user's file": _tiny("method=mean", user_file="mine.yaml"),
    "other method than the user's file": _tiny("method=random", user_file="mine.yaml"),
    "tuned file": _tiny("method=mean", files=("tuned.yaml",)),
    "two files": _tiny("method.p=0.7", files=("tuned.yaml", "places.yaml")),
    "places": _tiny("method=majority", "workers=2", "sandbox=off", "fold_timeout=60", files=("places.yaml",)),
    "scoring": _tiny("method=random", "convention=megc2020", "bootstrap=0"),
    "epochs kept": _tiny("method=ststnet", "looks=true", "method.epochs=2"),
    "leaking": _tiny("method=ststnet", "audit=leak_stop", "method.epochs=2"),
    "leaking spotter": _tiny("method=mean", "audit=leak"),
    "degraded": _tiny("method=mean", "degrade=noise:2"),
    "bounds of training": _tiny("method=ststnet", "precision=bf16-mixed", "validation=0.3", "accelerator=cpu"),
    "trainer": _tiny("method=ststnet", "trainer.gradient_clip_val=0.5", "trainer.max_epochs=4", CALLBACKS),
    "trainer that only watches": _tiny("method=ststnet", "trainer.logger=true", "trainer.callbacks=[ModelSummary]"),
    "values of Python": GoldenRun(
        {
            "method": {"name": "mean", "p": 0.6, "scales": (0.5, 1.0)},
            "dataset": {"name": "synthetic", "preset": "tiny"},
            "kinds": ("micro",),
            "tracking": False,
            "protocol": {"name": "kfold", "folds": 3},
        }
    ),
    "landmarks and weights": _tiny("method=mean", "method.landmarks=face.dat", "recognizer=null", planned=False),
    "weights": _elsewhere(
        "method=ststnet", "method.weights=weights/ststnet", "dataset=megc2019_flow", "dataset.root=m"
    ),
    "dask": _tiny("method=logistic", "executor=dask", "executor.address=tcp://host:8786", "plugins=[]"),
    "hold out": _tiny("method=lbp_chi2", "protocol=holdout", "protocol.share=0.5", "no_face=skip"),
    "adapted": _elsewhere("method=lbp_chi2", MEMBERS, "protocol=pairs", "adaptation=coral"),
}


def facts_of(run: GoldenRun) -> dict[str, Any]:
    """What the configuration and the plan of a run hold; the working folder has the files of `FILES`."""
    os.environ["MEBENCH_CONFIG"] = run.user_file
    config = resolve(run.settings, run.files)
    facts: dict[str, Any] = {
        "name": run_name(config),
        "values": config.values,
        "origins": config.origins,
        "settings that shape predictions": shaping_settings(config),
        "values for another machine": with_absolute_places(config.values),
    }
    if run.planned:
        plan = make_plan(config)
        identity = identity_of(plan, "processor")
        parts = {name: part for name, part in identity.items() if not name.startswith(OF_THIS_MACHINE)}
        if not run.drawn_alike:
            del parts["annotations"]
        work = dry_run(config, quiet=True)
        facts |= {
            "parts of the key": parts,
            "training": training_key(plan, parts),
            "dry run": {name: value for name, value in work.items() if name != "workers"},
        }
    return facts


def digests_of(run: GoldenRun) -> dict[str, str]:
    """A short hash of each fact of a run, by its name; the order of keys counts."""
    here = json.dumps(str(Path.cwd()))[1:-1]
    digests = {}
    for name, fact in facts_of(run).items():
        digests[name] = short_hash(json.dumps(fact).replace(here, HERE))
    return digests


def write_files(folder: Path) -> None:
    """Write the files that the runs name into a folder."""
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture
def golden_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the runs can be resolved, which is the working folder and the home of the user."""
    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("MEBENCH_CONFIG", "")
    return tmp_path


def main() -> None:
    """Write the digests of all runs."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ |= dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"), str(Path.cwd()))
        write_files(Path.cwd())
        for name, run in RUNS.items():
            found[name] = digests_of(run)
        os.chdir("/")
    FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
